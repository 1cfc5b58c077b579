/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/vm-agent.h"

#include "common/log.h"

struct socket_agent {
	struct agent agent;	/* first: the two are freed as one */
	struct line_socket socket;
	int64_t sync_id;
};

/* The answer to an earlier command may still be under way, so each command begins with a
 * number that the agent must repeat. Source: guest-sync-delimited in qga/qapi-schema.json:
 * 0xFF in front makes the agent forget what it had half read. */
static int sync(struct socket_agent *a, int64_t deadline_ms, struct err *err)
{
	a->sync_id = monotonic_ms();
	_cleanup_free_ char *ask = xasprintf(
		"\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":%lld}}\n",
		(long long)a->sync_id);
	_cleanup_free_ char *answer =
		xasprintf("\xff{\"return\": %lld}", (long long)a->sync_id);
	if (line_socket_send(&a->socket, ask, strlen(ask), deadline_ms, err) < 0)
		return -1;
	for (;;) {
		_cleanup_free_ char *line = NULL;
		if (line_socket_read(&a->socket, deadline_ms, &line, err) < 0)
			return -1;
		if (str_eq(line, answer))
			return 0;
		log_debug("the guest agent: left over: %.60s", line);
	}
}

static int call(void *ctx, const char *command, int timeout_seconds, char **answer,
		struct err *err)
{
	struct socket_agent *a = ctx;
	int64_t deadline_ms = monotonic_ms() + timeout_seconds * 1000;
	_cleanup_free_ char *line = xasprintf("%s\n", command);
	*answer = NULL;
	if (sync(a, deadline_ms, err) == 0 &&
	    line_socket_send(&a->socket, line, strlen(line), deadline_ms, err) == 0 &&
	    line_socket_read(&a->socket, deadline_ms, answer, err) == 0)
		return 0;
	if (err->code != ERR_TIMEOUT)
		return err_prefix(err, "the guest agent");
	err_clear(err);
	return err_set(err, ERR_TIMEOUT, "the guest agent does not answer");
}

int vm_agent_open(struct qmp *qmp, const char *chardev, const char *path, struct agent **out,
		  struct err *err)
{
	bool open = false;
	*out = NULL;
	if (qmp_port_is_open(qmp, chardev, &open, err) < 0)
		return -1;
	if (!open)
		return err_set(err, ERR_NETWORK,
			       "no guest agent runs in the guest (yet); it is in Debian's "
			       "package qemu-guest-agent");
	struct socket_agent *a = xcalloc(1, sizeof(*a));
	a->socket = (struct line_socket)LINE_SOCKET_INIT;
	a->agent = (struct agent){ .ctx = a, .call = call };
	if (line_socket_connect(&a->socket, path, err) < 0) {
		vm_agent_free(&a->agent);
		return -1;
	}
	*out = &a->agent;
	return 0;
}

void vm_agent_free(struct agent *agent)
{
	struct socket_agent *a = agent ? agent->ctx : NULL;
	if (!a)
		return;
	line_socket_close(&a->socket);
	free(a);
}
