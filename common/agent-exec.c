/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <time.h>

#include "common/agent-answer.h"
#include "common/agent.h"
#include "common/log.h"

enum { FIRST_POLL_MS = 20, LAST_POLL_MS = 500 };

void agent_output_destroy(struct agent_output *output)
{
	free(output->out);
	free(output->err);
	*output = (struct agent_output){ 0 };
}

static struct json_object *exec_arguments(const struct agent_exec *exec)
{
	struct json_object *o = json_object_new_object(), *args = json_object_new_array();
	for (const char *const *arg = exec->argv + 1; *arg; arg++)
		json_object_array_add(args, json_object_new_string(*arg));
	json_object_object_add(o, "path", json_object_new_string(exec->argv[0]));
	json_object_object_add(o, "arg", args);
	json_object_object_add(o, "capture-output", json_object_new_boolean(true));
	if (exec->input) {
		_cleanup_free_ char *text = agent_encode(exec->input, exec->input_bytes);
		json_object_object_add(o, "input-data", json_object_new_string(text));
	}
	return o;
}

/* The agent hands on GLib's words for why the command did not start, and has no others. */
static int explain_start(const struct agent *agent, const char *command, struct err *err)
{
	if (err->code != ERR_PROGRAM)
		return -1;
	const char *said = err->msg;
	_cleanup_err_ struct err cause = *err;
	*err = (struct err)ERR_INIT;
	if (strstr(said, "No such file or directory"))
		return err_set(err, ERR_NOT_FOUND, "%s has no command '%.200s'", agent->name,
			       command);
	if (strstr(said, "Permission denied") || strstr(said, "Exec format error"))
		return err_set(err, ERR_REFUSED, "'%.200s' cannot be run in %s: %s", command,
			       agent->name,
			       strstr(said, "Perm") ? "permission denied"
						    : "not a program of its architecture");
	if (strstr(said, "disabled") || strstr(said, "not allowed"))
		return err_set(err, ERR_REFUSED,
			       "the guest agent of %s does not run commands: the guest has "
			       "switched guest-exec off (see block-rpcs or allow-rpcs in its "
			       "qemu-ga.conf)",
			       agent->name);
	return err_set(err, ERR_PROGRAM, "%s", said);
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
		       AGENT_CALL_SECONDS, &answer, err) < 0)
		return explain_start(agent, exec->argv[0], err);
	int result = agent_answer_int(answer, "pid", 1, INT32_MAX, pid, err);
	json_object_put(answer);
	return result < 0 ? err_prefix(err, "the guest agent of %s", agent->name) : 0;
}

static int ask_status(const struct agent *agent, int64_t pid, struct json_object **out,
		      struct err *err)
{
	struct json_object *arguments = json_object_new_object();
	json_object_object_add(arguments, "pid", json_object_new_int64(pid));
	return agent_call(agent, "guest-exec-status", arguments, json_type_object,
			  AGENT_CALL_SECONDS, out, err);
}

static int read_status(struct json_object *answer, bool *exited,
		       struct agent_output *output, struct err *err)
{
	int64_t number = 0;
	bool out_cut, err_cut;
	if (agent_answer_bool(answer, "exited", exited, err) < 0)
		return -1;
	if (!*exited)
		return 0;
	if (json_object_object_get_ex(answer, "signal", NULL)) {
		if (agent_answer_int(answer, "signal", 1, 127, &number, err) < 0)
			return -1;
		output->signal = (int)number;
	} else if (agent_answer_int(answer, "exitcode", 0, 255, &number, err) < 0) {
		return -1;
	}
	output->exit_code = output->signal ? 0 : (int)number;
	if (agent_answer_bytes(answer, "out-data", AGENT_MAX_ANSWER, &output->out,
			       &output->out_bytes, err) < 0 ||
	    agent_answer_bytes(answer, "err-data", AGENT_MAX_ANSWER, &output->err,
			       &output->err_bytes, err) < 0 ||
	    agent_answer_bool(answer, "out-truncated", &out_cut, err) < 0 ||
	    agent_answer_bool(answer, "err-truncated", &err_cut, err) < 0)
		return -1;
	output->truncated = out_cut || err_cut;
	return 0;
}

/* With its children, which a shell would leave behind; as far as the guest has the means.
 * Then the agent is asked once more, or it would keep the output for ever. */
static void kill_command(const struct agent *agent, int64_t pid)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *number = xasprintf("%lld", (long long)pid);
	const char *const argv[] = { "/bin/sh",
				     "-c",
				     "pkill -KILL -P \"$1\"; kill -KILL \"$1\"",
				     "sh",
				     number,
				     NULL };
	struct json_object *answer = NULL;
	int64_t killer = 0;
	if (start(agent, &(struct agent_exec){ .argv = argv }, &killer, &err) < 0) {
		log_debug("%s", err.msg);
		return;
	}
	int64_t pids[] = { pid, killer };
	nanosleep(&(struct timespec){ .tv_nsec = LAST_POLL_MS * 1000000L }, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		if (ask_status(agent, pids[i], &answer, &err) == 0)
			json_object_put(answer);
}

static int wait_for_exit(const struct agent *agent, const struct agent_exec *exec,
			 int64_t pid, struct agent_output *out, struct err *err)
{
	int64_t deadline = monotonic_ms() + exec->timeout_ms;
	for (int poll_ms = FIRST_POLL_MS;;) {
		struct json_object *answer = NULL;
		bool exited = false;
		if (ask_status(agent, pid, &answer, err) < 0)
			return -1;
		int result = read_status(answer, &exited, out, err);
		json_object_put(answer);
		if (result < 0)
			return err_prefix(err, "the guest agent of %s", agent->name);
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
