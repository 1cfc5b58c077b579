/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance exec NAME [--timeout D] [--stdin] -- COMMAND ARG...: run a command in the
 * guest, and exit as it does. */
#include <unistd.h>

#include "appliance/cmd-guest.h"
#include "common/atomic-file.h"
#include "common/log.h"

enum {
	OPT_TIMEOUT = 1,
	OPT_STDIN,
	DEFAULT_TIMEOUT_SECONDS = 600,
	MAX_TIMEOUT_SECONDS = 7 * 86400,
	/* As timeout(1) and docker exec have them; 126 and 127 are the guest's shell's.
	 */
	EXIT_TIMED_OUT = 124,
	EXIT_OURS = 125,
};

const struct cli_opt cmd_exec_opts[] = {
	{ OPT_TIMEOUT, "timeout", 't', "DURATION",
	  "kill it after so long (default 10m)" },
	{ OPT_STDIN, "stdin", 'i', NULL, "give it standard input, at most 128 KiB" },
	{ 0 },
};

struct options {
	uint64_t timeout_seconds;
	bool use_stdin;
};

static int parse_options(struct cli *cli, int argc, char **argv, struct options *o,
			 struct err *err)
{
	int id;
	*o = (struct options){ .timeout_seconds = DEFAULT_TIMEOUT_SECONDS };
	while ((id = cli_next(cli, argc, argv, err)) > 0) {
		if (id == OPT_STDIN)
			o->use_stdin = true;
		else if (duration_parse(cli->value, &o->timeout_seconds, "--timeout",
					err) < 0)
			return -1;
	}
	if (id < 0)
		return -1;
	if (o->timeout_seconds < 1 || o->timeout_seconds > MAX_TIMEOUT_SECONDS)
		return err_set(err, ERR_USAGE, "--timeout: from 1s to 7d");
	return 0;
}

static int read_stdin(struct strbuf *input, struct err *err)
{
	char chunk[65536];
	ssize_t n;
	if (isatty(STDIN_FILENO))
		return err_set(err, ERR_USAGE,
			       "--stdin: standard input is a terminal, which a guest "
			       "agent cannot pass on; see 'appliance console'");
	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0) {
		strbuf_add(input, chunk, (size_t)n);
		if (input->len > AGENT_MAX_INPUT)
			return err_set(err, ERR_TOO_LARGE,
				       "--stdin: more than 128 KiB; use 'appliance put'");
	}
	return n < 0 ? err_sys(err, "read standard input") : 0;
}

/* The guest's output as it is; our exit status is what tells how it went. */
static int hand_over(struct cli *cli, const struct agent_output *output,
		     const struct options *o, const char *name, struct err *err)
{
	if (write_all(STDOUT_FILENO, output->out, output->out_bytes, err) < 0 ||
	    write_all(STDERR_FILENO, output->err, output->err_bytes, err) < 0)
		return -1;
	if (output->timed_out) {
		cli->exit_code = EXIT_TIMED_OUT;
		return err_set(err, ERR_TIMEOUT,
			       "not done within %llu s, and killed in %s; see --timeout",
			       (unsigned long long)o->timeout_seconds, name);
	}
	if (output->truncated)
		log_warn("the output is cut: the guest agent passes on 1 MiB of it; "
			 "have the command write a file, and use 'appliance get'");
	cli->exit_code = output->exit_code;
	return 0;
}

static int exec_in_guest(struct cli *cli, const char *name, const char *const *argv,
			 const struct options *o, struct err *err)
{
	_cleanup_strbuf_ struct strbuf input = STRBUF_INIT;
	_cleanup_(guest_close) struct guest guest = { 0 };
	_cleanup_(agent_output_destroy) struct agent_output output = { 0 };
	if ((o->use_stdin && read_stdin(&input, err) < 0) ||
	    cmd_open_guest(cli, name, &guest, err) < 0)
		return -1;
	const struct agent_exec exec = { .argv = argv,
					 .input = o->use_stdin ? input.data : NULL,
					 .input_bytes = input.len,
					 .timeout_ms = (int)o->timeout_seconds * 1000 };
	if (agent_exec(guest.agent, &exec, &output, err) < 0)
		return err_prefix(err, "%s", name);
	return hand_over(cli, &output, o, name, err);
}

int cmd_exec(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct options o;
	const char *name;
	cli->exit_code = EXIT_OURS;
	if (parse_options(cli, argc, argv, &o, err) < 0 ||
	    cli_check_args(cli, argc, 2, -1, err) < 0 ||
	    cmd_name(argv[cli->next], &name, err) < 0)
		return -1;
	return exec_in_guest(cli, name, (const char *const *)argv + cli->next + 1, &o,
			     err);
}
