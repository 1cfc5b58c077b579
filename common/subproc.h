/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running other programs: argv arrays, no shell, a deadline, bounded output. */
#ifndef WAYBILL_SUBPROC_H
#define WAYBILL_SUBPROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/strbuf.h"

/* Zeroed means: inherit environment and user, standard input is /dev/null,
 * output goes to our standard error, no deadline. */
struct subproc {
	const char *const *argv;	/* NULL-terminated; argv[0] searched in PATH */
	const char *const *env_add;	/* NULL-terminated "NAME=value", or NULL */
	const char *chdir;
	const char *user;		/* drop to this user and its groups, or NULL */
	const void *input;		/* bytes for standard input, or NULL */
	size_t input_len;
	int stdin_fd;			/* used if > 0 and input is NULL */
	int stdout_fd;			/* used if > 0 and output is NULL */
	int stderr_fd;			/* subproc_start(): standard error, used if > 0 */
	bool die_with_us;		/* killed when we end, however we do */
	bool detached;			/* subproc_start(): in a session of its own, to outlive us */
	int pid_fd;			/* used if > 0: an empty file that gets its PID, before it runs */
	struct strbuf *output;		/* captures standard output, or NULL */
	size_t max_output;		/* bound of each captured stream; 0: 1 MiB */
	bool quiet;			/* standard error is captured; its last lines
					 * go into the error message */
	int timeout_ms;			/* 0: none; then TERM, 2 s, KILL */
	void (*on_line)(const char *line, void *arg); /* called for each line of
					 * standard error instead of passing it on */
	void *on_line_arg;
};

/* Run and wait. Returns 0 if it exited 0. Otherwise -1: ERR_PROGRAM with the
 * status and the last words of its standard error, ERR_NOT_FOUND if it is not
 * installed, ERR_TIMEOUT, ERR_TOO_LARGE. exit_status, if not NULL, receives the
 * exit status, or -1 if it did not exit by itself. */
int subproc_run(const struct subproc *spec, int *exit_status, struct err *err) _must_check_;

/* Start without waiting, for pipelines; end with subproc_wait(). */
int subproc_start(const struct subproc *spec, pid_t *pid, struct err *err) _must_check_;
int subproc_wait(pid_t pid, const char *name, int timeout_ms, struct err *err) _must_check_;

/* "run rsync -a ..." for messages; free the result. */
char *subproc_describe(const char *const *argv);

/* Become `user` with its groups for good, and prove that there is no way back.
 * Only for a process that does nothing else afterwards. */
int drop_privileges(const char *user, struct err *err) _must_check_;

#endif
