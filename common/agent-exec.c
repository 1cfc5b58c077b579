/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <time.h>

#include "common/agent-answer.h"
#include "common/agent.h"
#include "common/log.h"

enum { FIRST_POLL_MS = 20, LAST_POLL_MS = 500, LONG_CALL_SECONDS = 30 };

void agent_output_destroy(struct agent_output *output)
{
	free(output->out);
	free(output->err);
	*output = (struct agent_output){ 0 };
}

/* $1: how much of each stream to pass on; then the command. Its exit status takes the way
 * over descriptor 3, its standard error over 4; 5 and 6 are the agent's pipes. */
#define BOUNDED_SCRIPT                                                                   \
	"n=$1; shift; exec 5>&1 6>&2\n"                                                  \
	"s=$({ { { \"$@\" 3>&- 4>&- 5>&- 6>&-; echo $? >&3; } 2>&4 |\n"                  \
	"{ head -c $n; cat >/dev/null; } >&5; } 4>&1 |\n"                                \
	"{ head -c $n; cat >/dev/null; } >&6; } 3>&1)\n"                                 \
	"exit ${s:-125}"

/* $1: a process; it is stopped first, so that it has no new children meanwhile. */
#define KILL_SCRIPT                                                                      \
	"k() { kill -STOP $1 2>/dev/null\n"                                              \
	"for c in $(cat /proc/$1/task/*/children 2>/dev/null); do k $c; done\n"          \
	"kill -KILL $1 2>/dev/null; }\n"                                                 \
	"k $1"

static size_t output_limit(const struct agent_exec *exec)
{
	return exec->max_output_bytes ? exec->max_output_bytes : AGENT_MAX_OUTPUT;
}

static void add_argument(struct json_object *args, const char *arg)
{
	json_object_array_add(args, json_object_new_string(arg));
}

/* One byte more than is kept shows that there was more. */
static struct json_object *exec_arguments(const struct agent_exec *exec)
{
	_cleanup_free_ char *limit = xasprintf("%zu", output_limit(exec) + 1);
	struct json_object *o = json_object_new_object(), *args = json_object_new_array();
	add_argument(args, "-c");
	add_argument(args, BOUNDED_SCRIPT);
	add_argument(args, "sh");
	add_argument(args, limit);
	for (const char *const *arg = exec->argv; *arg; arg++)
		add_argument(args, *arg);
	json_object_object_add(o, "path", json_object_new_string("/bin/sh"));
	json_object_object_add(o, "arg", args);
	json_object_object_add(o, "capture-output", json_object_new_boolean(true));
	if (exec->input) {
		_cleanup_free_ char *text = agent_encode(exec->input, exec->input_bytes);
		json_object_object_add(o, "input-data", json_object_new_string(text));
	}
	return o;
}

/* The agent hands on GLib's words for why the shell did not start, and has no others. */
static int explain_start(struct err *err)
{
	if (err->code != ERR_PROGRAM)
		return -1;
	bool missing = strstr(err->msg, "No such file or directory");
	bool off = strstr(err->msg, "disabled") || strstr(err->msg, "not allowed");
	if (!missing && !off)
		return -1;
	err_clear(err);
	return err_set(
		err, ERR_REFUSED, "%s",
		missing ? "the guest has no /bin/sh, without which no command can be run"
			: "the guest has switched its agent's guest-exec off (see "
			  "block-rpcs and allow-rpcs in its qemu-ga.conf)");
}

/* Long enough for a megabyte, unless the caller wants to know sooner. */
static int call_seconds(const struct agent_exec *exec)
{
	int seconds = exec->timeout_ms / 1000;
	if (seconds < AGENT_CALL_SECONDS)
		return AGENT_CALL_SECONDS;
	return seconds < LONG_CALL_SECONDS ? seconds : LONG_CALL_SECONDS;
}

static int start(const struct agent *agent, const struct agent_exec *exec, int64_t *pid,
		 struct err *err)
{
	if (exec->input_bytes > AGENT_MAX_INPUT)
		return err_set(err, ERR_TOO_LARGE,
			       "standard input of %zu bytes is above the %d that a guest "
			       "agent takes; use 'appliance put'",
			       exec->input_bytes, (int)AGENT_MAX_INPUT);
	struct json_object *answer = NULL;
	if (agent_call(agent, "guest-exec", exec_arguments(exec), json_type_object,
		       call_seconds(exec), &answer, err) < 0)
		return explain_start(err);
	int result = agent_answer_int(answer, "pid", 1, INT32_MAX, pid, err);
	json_object_put(answer);
	return result < 0 ? err_prefix(err, "the guest agent") : 0;
}

static int ask_status(const struct agent *agent, const struct agent_exec *exec,
		      int64_t pid, struct json_object **out, struct err *err)
{
	struct json_object *arguments = json_object_new_object();
	json_object_object_add(arguments, "pid", json_object_new_int64(pid));
	return agent_call(agent, "guest-exec-status", arguments, json_type_object,
			  call_seconds(exec), out, err);
}

/* One of the two streams, cut where our own limit is. */
static int read_stream(struct json_object *answer, const char *key, size_t limit,
		       char **data, size_t *len, bool *truncated, struct err *err)
{
	if (agent_answer_bytes(answer, key, limit + 1, data, len, err) < 0)
		return -1;
	if (*len > limit) {
		*truncated = true;
		*len = limit;
		(*data)[limit] = '\0';
	}
	return 0;
}

static int read_status(struct json_object *answer, size_t limit, bool *exited,
		       struct agent_output *output, struct err *err)
{
	int64_t number = 0;
	if (agent_answer_bool(answer, "exited", exited, err) < 0)
		return -1;
	if (!*exited)
		return 0;
	/* That would be the shell's end, not the command's. */
	if (json_object_object_get_ex(answer, "signal", NULL)) {
		if (agent_answer_int(answer, "signal", 1, 127, &number, err) < 0)
			return -1;
		number += 128;
	} else if (agent_answer_int(answer, "exitcode", 0, 255, &number, err) < 0) {
		return -1;
	}
	output->exit_code = (int)number;
	return read_stream(answer, "out-data", limit, &output->out, &output->out_bytes,
			   &output->truncated, err) < 0 ||
			       read_stream(answer, "err-data", limit, &output->err,
					   &output->err_bytes, &output->truncated,
					   err) < 0
		       ? -1
		       : 0;
}

/* Then the agent is asked once more, or it would keep the output for ever. */
static void kill_command(const struct agent *agent, int64_t pid)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *number = xasprintf("%lld", (long long)pid);
	const char *const argv[] = { AGENT_GUEST_SHELL, KILL_SCRIPT, "sh", number, NULL };
	const struct agent_exec kill = { .argv = argv };
	struct json_object *answer = NULL;
	int64_t killer = 0;
	if (start(agent, &kill, &killer, &err) < 0) {
		log_debug("%s", err.msg);
		return;
	}
	int64_t pids[] = { pid, killer };
	nanosleep(&(struct timespec){ .tv_nsec = LAST_POLL_MS * 1000000L }, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		if (ask_status(agent, &kill, pids[i], &answer, &err) == 0)
			json_object_put(answer);
}

static int wait_for_exit(const struct agent *agent, const struct agent_exec *exec,
			 int64_t pid, struct agent_output *out, struct err *err)
{
	int64_t deadline = monotonic_ms() + exec->timeout_ms;
	for (int poll_ms = FIRST_POLL_MS;;) {
		struct json_object *answer = NULL;
		bool exited = false;
		if (ask_status(agent, exec, pid, &answer, err) < 0)
			return -1;
		int result = read_status(answer, output_limit(exec), &exited, out, err);
		json_object_put(answer);
		if (result < 0)
			return err_prefix(err, "the guest agent");
		if (exited)
			return 0;
		if (monotonic_ms() >= deadline) {
			kill_command(agent, pid);
			out->timed_out = true;
			return 0;
		}
		nanosleep(&(struct timespec){ .tv_nsec = poll_ms * 1000000L }, NULL);
		poll_ms = poll_ms * 2 < LAST_POLL_MS ? poll_ms * 2 : LAST_POLL_MS;
	}
}

int agent_exec(const struct agent *agent, const struct agent_exec *exec,
	       struct agent_output *out, struct err *err)
{
	int64_t pid = 0;
	*out = (struct agent_output){ 0 };
	if (start(agent, exec, &pid, err) < 0)
		return -1;
	if (wait_for_exit(agent, exec, pid, out, err) < 0) {
		agent_output_destroy(out);
		return -1;
	}
	if (!out->out)
		out->out = xstrdup("");
	if (!out->err)
		out->err = xstrdup("");
	return 0;
}
