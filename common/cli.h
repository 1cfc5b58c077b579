/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines from one table: parsing, help, completion and the man page
 * test all read the same descriptions. */
#ifndef WAYBILL_CLI_H
#define WAYBILL_CLI_H

#include <stdbool.h>

#include "common/err.h"

struct cli;

struct cli_opt {
	int id;			/* > 0, what cli_next() returns */
	const char *name;	/* long name without dashes */
	char letter;		/* short name, or 0 */
	const char *arg;	/* "DIR" if it takes an argument, else NULL */
	const char *help;
};

/* opts ends with a zeroed element; run() returns 0, or -1 with err set. */
struct cli_cmd {
	const char *name;	/* "site add" is fine: matched word by word; "" is the only
				 * one of a program that has no commands */
	const char *args;	/* "NAME [VERSION]", for the usage line */
	const char *summary;	/* one line, lower case, no full stop */
	const struct cli_opt *opts;	/* or NULL */
	int (*run)(struct cli *cli, int argc, char **argv, struct err *err);
};

struct cli_prog {
	const char *name;
	const char *summary;
	const struct cli_cmd *cmds;	/* ends with a zeroed element */
	const struct cli_opt *opts;	/* of the program: parsed before or after the
					 * command's name; or NULL */
	int (*on_opt)(struct cli *cli, int id, const char *value, struct err *err);
};

/* Every program has --help, --version, --json, --verbose (-v), --quiet (-q). */
struct cli {
	const struct cli_prog *prog;
	const struct cli_cmd *cmd;
	void *ctx;		/* the program's own context */
	bool json;
	const char *value;	/* argument of the option that cli_next() returned */
	int exit_code;		/* the command's own, instead of 0 or the error's; 0: none */
	int next;		/* first argument that is no option, after cli_next()
				 * returned 0 */
};

/* Find the command, run it, print its error. Returns the exit code. With no
 * command prints help and returns EXIT_USAGE. `PROG --list-options [CMD]` prints
 * what completion needs. */
int cli_main(const struct cli_prog *prog, void *ctx, int argc, char **argv);

/* The next option's id of the command, 0 at the end, -1 with ERR_USAGE. Global
 * options are handled on the way. argv[0] is the command's name. */
int cli_next(struct cli *cli, int argc, char **argv, struct err *err) _must_check_;

/* ERR_USAGE unless the number of arguments left is within [min, max]. */
int cli_check_args(const struct cli *cli, int argc, int min, int max, struct err *err) _must_check_;

/* For a command without options: parse, then check the number of arguments. */
int cli_no_opts(struct cli *cli, int argc, char **argv, int min, int max, struct err *err) _must_check_;

#endif
