/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The QEMU guest agent's protocol: JSON commands to a program in the guest, and its
 * answers, none of which is trusted. Who connects it is the caller's business: libvirt
 * (appliance/domain-agent.h), or a socket of our own QEMU (imagepkg/vm-agent.h).
 * Source: QEMU Guest Agent Protocol Reference (qga/qapi-schema.json of QEMU 7.2). */
#ifndef WAYBILL_AGENT_H
#define WAYBILL_AGENT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/util.h"

/* Where commands go. */
struct agent {
	const char *name; /* of whose agent it is, for messages */
	void *ctx;
	/* Send one command, wait at most timeout_seconds (> 0) for its answer, a string to
	 * free. Errors: ERR_TIMEOUT, ERR_NETWORK (no agent), ERR_PROGRAM (the agent refused). */
	int (*call)(void *ctx, const char *command, int timeout_seconds, char **answer,
		    struct err *err);
};

enum {
	AGENT_CALL_SECONDS = 5,
	/* libvirt refuses answers of 4 MiB and more; base64 makes 4 bytes of 3. */
	AGENT_MAX_ANSWER = 4 * 1024 * 1024,
};

/* Call `command` (a name) with `arguments` (taken over; may be NULL). *out is what its
 * "return" holds, of the type that is asked for; json_object_put() it.
 * Errors: those of agent->call; ERR_INPUT (no such answer), ERR_TOO_LARGE. */
int agent_call(const struct agent *agent, const char *command, struct json_object *arguments,
	       enum json_type type, int timeout_seconds, struct json_object **out,
	       struct err *err) _must_check_;

/* Does it answer at all? */
int agent_ping(const struct agent *agent, int timeout_seconds, struct err *err) _must_check_;

struct agent_exec {
	const char *const *argv; /* NULL at its end; argv[0] is looked for in the guest's PATH */
	const void *input;	 /* its standard input, or NULL */
	size_t input_bytes;	 /* at most AGENT_MAX_INPUT */
	int timeout_ms;		 /* then it is killed */
};

enum { AGENT_MAX_INPUT = 2 * 1024 * 1024 };

struct agent_output {
	bool timed_out; /* killed at exec->timeout_ms; the rest is empty then */
	int exit_code;  /* if signal is 0 */
	int signal;    /* that ended it, or 0 */
	char *out;     /* never NULL, and NUL-terminated */
	size_t out_bytes;
	char *err;
	size_t err_bytes;
	bool truncated; /* the agent has kept no more */
};

void agent_output_destroy(struct agent_output *output);

/* Run a command in the guest, to its end.
 * Errors: ERR_NOT_FOUND (no such command), ERR_REFUSED (it may not be run, or the guest has
 * switched the agent's guest-exec off), ERR_TOO_LARGE, ERR_INPUT, those of agent->call. */
int agent_exec(const struct agent *agent, const struct agent_exec *exec,
	       struct agent_output *out, struct err *err) _must_check_;

#endif
