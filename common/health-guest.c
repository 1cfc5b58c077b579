/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checks that ask the guest itself, through its agent. */
#include "common/health-kinds.h"
#include "common/strbuf.h"
#include "common/strv.h"

/* What a shell exits with then. */
enum { NO_COMMAND = 127, SIGNAL_BASE = 128 };

static int say_agent_error(struct health_result *result, const struct err *err)
{
	health_say(result, false, "%s", err->msg);
	return err->code == ERR_TIMEOUT || err->code == ERR_NETWORK ? -1 : 0;
}

int health_check_agent(const struct agent *agent, struct health_result *result)
{
	_cleanup_err_ struct err err = ERR_INIT;
	if (agent_ping(agent, HEALTH_CHECK_SECONDS, &err) < 0)
		return say_agent_error(result, &err);
	health_say(result, true, "the guest agent answers");
	return 0;
}

static int run(const struct agent *agent, const char *const *argv,
	       struct agent_output *output, struct err *err)
{
	return agent_exec(
		agent,
		&(struct agent_exec){ .argv = argv,
				      .max_output_bytes = HEALTH_DETAIL_BYTES,
				      .timeout_ms = HEALTH_CHECK_SECONDS * 1000 },
		output, err);
}

/* "a.service, b.mount" from the first column of systemctl's list; free it. */
static char *first_words(const char *list)
{
	_cleanup_strv_ struct strv lines = STRV_INIT, units = STRV_INIT;
	strv_split(&lines, list, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		lines.items[i][strcspn(lines.items[i], " \t")] = '\0';
		if (*lines.items[i])
			strv_add(&units, lines.items[i]);
	}
	return strv_join(&units, ", ");
}

static int say_failed_units(const struct agent *agent, const char *state,
			    struct health_result *result)
{
	static const char *const argv[] = { "systemctl", "--failed",    "--plain",
					    "--full",    "--no-legend", "--no-pager",
					    NULL };
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_(agent_output_destroy) struct agent_output output = { 0 };
	if (run(agent, argv, &output, &err) < 0)
		return say_agent_error(result, &err);
	_cleanup_free_ char *units = first_words(output.timed_out ? "" : output.out);
	if (*units)
		health_say(result, false, "%s; failed: %s", state, units);
	else
		health_say(result, false, "%s", state);
	if (!output.timed_out)
		health_keep_detail(result, output.out, output.out_bytes);
	return 0;
}

int health_check_systemd(const struct agent *agent, struct health_result *result)
{
	static const char *const argv[] = { "systemctl", "is-system-running", NULL };
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_(agent_output_destroy) struct agent_output output = { 0 };
	if (run(agent, argv, &output, &err) < 0)
		return say_agent_error(result, &err);
	if (output.exit_code == NO_COMMAND) {
		health_say(result, false, "the guest has no systemctl");
		return 0;
	}
	if (output.timed_out) {
		health_say(result, false, "systemctl does not answer within %d s",
			   HEALTH_CHECK_SECONDS);
		return 0;
	}
	output.out[strcspn(output.out, "\n")] = '\0';
	if (str_eq(output.out, "running")) {
		health_say(result, true, "running");
		return 0;
	}
	if (str_eq(output.out, "degraded"))
		return say_failed_units(agent, output.out, result);
	health_say(result, false, "%s",
		   *output.out ? output.out : "systemd does not tell its state");
	health_keep_detail(result, output.err, output.err_bytes);
	return 0;
}

int health_check_exec(const struct agent *agent, struct health_result *result)
{
	const char *const argv[] = { AGENT_GUEST_SHELL, result->check->argument, NULL };
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_(agent_output_destroy) struct agent_output output = { 0 };
	if (run(agent, argv, &output, &err) < 0)
		return say_agent_error(result, &err);
	if (output.timed_out) {
		health_say(result, false, "not done within %d s", HEALTH_CHECK_SECONDS);
		return 0;
	}
	if (output.exit_code > SIGNAL_BASE)
		health_say(result, false, "killed by signal %d",
			   output.exit_code - SIGNAL_BASE);
	else
		health_say(result, output.exit_code == 0, "exit status %d",
			   output.exit_code);
	_cleanup_strbuf_ struct strbuf both = STRBUF_INIT;
	strbuf_add(&both, output.out, output.out_bytes);
	strbuf_add(&both, output.err, output.err_bytes);
	if (both.len)
		health_keep_detail(result, both.data, both.len);
	return 0;
}
