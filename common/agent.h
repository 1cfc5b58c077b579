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

/* Where commands go. Messages speak of "the guest"; whose it is, the caller adds. */
struct agent {
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

/* A guest's answer that is too long makes libvirt give the agent up until the guest boots
 * again (10 MiB with libvirt 9.0, and RPC ends at 4 MiB), and the agent itself would send
 * 22 MiB. So every command runs under a shell in the guest that passes on so much of each of
 * its two streams and drops the rest. */
enum {
	AGENT_MAX_OUTPUT = 1024 * 1024,
	/* A command of 270 KB of JSON arrives, one of 530 KB never does (QEMU 7.2). */
	AGENT_MAX_INPUT = 128 * 1024,
};

/* The first words of an argv that the guest's own shell interprets; the host's never does. */
#define AGENT_GUEST_SHELL "/bin/sh", "-c"

struct agent_exec {
	const char *const *argv; /* NULL at its end; argv[0] is looked for in the guest's PATH */
	const void *input;	 /* its standard input, or NULL */
	size_t input_bytes;	 /* at most AGENT_MAX_INPUT */
	size_t max_output_bytes; /* of each stream; at most AGENT_MAX_OUTPUT; 0: that */
	int timeout_ms;		 /* then it is killed, with its children */
};

struct agent_output {
	bool timed_out; /* at exec->timeout_ms; the rest is empty then */
	int exit_code;	/* 128 + the signal that ended it; 126, 127 as a shell has them */
	char *out;	/* never NULL, and NUL-terminated */
	size_t out_bytes;
	char *err;
	size_t err_bytes;
	bool truncated; /* it said more than max_output_bytes */
};

void agent_output_destroy(struct agent_output *output);

/* Run a command in the guest, to its end.
 * Errors: ERR_REFUSED (the guest has no /bin/sh, or has switched the agent's guest-exec
 * off), ERR_TOO_LARGE, ERR_INPUT, those of agent->call. */
int agent_exec(const struct agent *agent, const struct agent_exec *exec,
	       struct agent_output *out, struct err *err) _must_check_;

#endif
