/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/subproc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/strv.h"
#include "common/util.h"

enum { DEFAULT_MAX_OUTPUT = 1 << 20, TERM_GRACE_MS = 2000, POLL_MS = 50 };

/* A running child and our ends of its pipes; -1 where there is none. */
struct child {
	const struct subproc *spec;
	pid_t pid;
	int in, out, diag;
	size_t in_done;
	struct strbuf diag_text;	/* standard error, or its unfinished line */
	size_t max_output;
	bool too_large;
};

char *subproc_describe(const char *const *argv)
{
	struct strbuf text = STRBUF_INIT;
	for (size_t i = 0; i < 6 && argv[i]; i++)
		strbuf_addf(&text, "%s%s", i ? " " : "", argv[i]);
	return strbuf_steal(&text);
}

int drop_privileges(const char *user, struct err *err)
{
	const struct passwd *pw = getpwnam(user);
	if (!pw)
		return err_set(err, ERR_NOT_FOUND, "there is no user '%s' on this machine", user);
	if (pw->pw_uid == getuid() && pw->pw_uid == geteuid())
		return 0;
	if (initgroups(user, pw->pw_gid) < 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
		return err_sys(err, "become user '%s'", user);
	if (pw->pw_uid != 0 && (setuid(0) == 0 || setgid(0) == 0))
		return err_set(err, ERR_INCONSISTENT, "could become root again after dropping to '%s'",
			       user);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "set no_new_privs");
	return 0;
}

static int make_pipe(int ends[2], struct err *err)
{
	return pipe2(ends, O_CLOEXEC) < 0 ? err_sys(err, "make a pipe") : 0;
}

/* In the child: put `fd` in the place of `target`, surviving exec. */
static void place(int fd, int target)
{
	if (fd == target)
		fcntl(fd, F_SETFD, 0);
	else
		dup2(fd, target);
}

/* In the child, after fork: never returns. `report` carries a message to the
 * parent if exec did not happen; exec closes it. */
static void __attribute__((noreturn))
become(const struct subproc *spec, int in, int out, int diag, int report)
{
	struct err err = ERR_INIT;
	place(in, STDIN_FILENO);
	place(out, STDOUT_FILENO);
	if (diag >= 0)
		place(diag, STDERR_FILENO);
	for (const char *const *e = spec->env_add; e && *e; e++)
		putenv((char *)*e);
	signal(SIGPIPE, SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (spec->die_with_us)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (spec->detached)
		setsid();
	if (spec->pid_fd > 0 && dprintf(spec->pid_fd, "%ld\n", (long)getpid()) < 0)
		err_sys(&err, "write down the PID");
	if (spec->chdir && err.code == ERR_NONE && chdir(spec->chdir) < 0)
		err_sys(&err, "enter %s", spec->chdir);
	if (err.code == ERR_NONE && (!spec->user || drop_privileges(spec->user, &err) == 0)) {
		execvp(spec->argv[0], (char *const *)spec->argv);
		int code = errno;
		if (code == ENOENT)
			err_set(&err, ERR_NOT_FOUND, "%s is not installed", spec->argv[0]);
		else
			err_sys(&err, "run %s", spec->argv[0]);
	}
	unsigned char code = (unsigned char)err.code;
	ssize_t ignored = write(report, &code, 1);
	ignored += write(report, err.msg, strlen(err.msg));
	_exit(127);
}

/* Wait until the child has exec'd, or said why not. */
static int await_exec(pid_t pid, int report, struct err *err)
{
	char text[512];
	ssize_t n;
	do {
		n = read(report, text, sizeof(text) - 1);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	/* The code and the words may come in two pieces. */
	ssize_t more = n < (ssize_t)sizeof(text) - 1
			       ? read(report, text + n, sizeof(text) - 1 - (size_t)n)
			       : 0;
	text[n + (more > 0 ? more : 0)] = '\0';
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return err_set(err, (enum err_code)text[0], "%s", text + 1);
}

/* Fork and exec with these three descriptors; diag -1 inherits. */
static int spawn(const struct subproc *spec, int in, int out, int diag, pid_t *pid,
		 struct err *err)
{
	int report[2] = { -1, -1 };
	if (make_pipe(report, err) < 0)
		return -1;
	_cleanup_close_ int report_read = report[0];
	_cleanup_close_ int report_write = report[1];
	*pid = fork();
	if (*pid < 0)
		return err_sys(err, "fork to run %s", spec->argv[0]);
	if (*pid == 0)
		become(spec, in, out, diag, report_write);
	closep(&report_write);
	return await_exec(*pid, report_read, err);
}

static int open_null(struct err *err)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "open /dev/null") : fd;
}

int subproc_start(const struct subproc *spec, pid_t *pid, struct err *err)
{
	_cleanup_close_ int null = open_null(err);
	if (null < 0)
		return -1;
	return spawn(spec, spec->stdin_fd > 0 ? spec->stdin_fd : null,
		     spec->stdout_fd > 0 ? spec->stdout_fd : STDERR_FILENO,
		     spec->stderr_fd > 0 ? spec->stderr_fd : -1, pid, err);
}

static void pass_lines(struct child *c)
{
	char *start = c->diag_text.data, *end;
	while (start && (end = strchr(start, '\n'))) {
		*end = '\0';
		c->spec->on_line(start, c->spec->on_line_arg);
		start = end + 1;
	}
	if (start && start != c->diag_text.data) {
		_cleanup_free_ char *rest = xstrdup(start);
		strbuf_reset(&c->diag_text);
		strbuf_adds(&c->diag_text, rest);
	}
}

/* Read what is there; closes the descriptor at its end. A stream above its
 * bound: standard output is an error, standard error keeps its tail. */
static void drain(struct child *c, int *fd, struct strbuf *into, bool is_output)
{
	char chunk[16384];
	ssize_t n = read(*fd, chunk, sizeof(chunk));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		closep(fd);
		return;
	}
	if (into->len + (size_t)n > c->max_output) {
		if (is_output) {
			c->too_large = true;
			return;
		}
		strbuf_reset(into);
	}
	strbuf_add(into, chunk, (size_t)n);
	if (!is_output && c->spec->on_line)
		pass_lines(c);
}

static void feed(struct child *c)
{
	const char *data = c->spec->input;
	ssize_t n = write(c->in, data + c->in_done, c->spec->input_len - c->in_done);
	if (n > 0)
		c->in_done += (size_t)n;
	bool over = n < 0 && errno != EINTR && errno != EAGAIN;
	if (over || c->in_done == c->spec->input_len)
		closep(&c->in);
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == pid;
}

/* One round of moving bytes; false when all pipes are closed, or the child is
 * gone and only a daemon that it left behind still holds them. */
static bool pump(struct child *c)
{
	struct pollfd fds[3] = {
		{ .fd = c->in, .events = POLLOUT },
		{ .fd = c->out, .events = POLLIN },
		{ .fd = c->diag, .events = POLLIN },
	};
	if (c->in < 0 && c->out < 0 && c->diag < 0)
		return false;
	/* Asked before the wait: what a child writes as it ends is in the pipes then. */
	bool ended = has_ended(c->pid);
	int ready = poll(fds, 3, POLL_MS);
	if (ready <= 0)
		return ready < 0 || !ended;
	if (fds[0].revents)
		feed(c);
	if (fds[1].revents)
		drain(c, &c->out, c->spec->output, true);
	if (fds[2].revents)
		drain(c, &c->diag, &c->diag_text, false);
	return true;
}

static int reap(pid_t pid, int *status, int64_t deadline_ms)
{
	for (;;) {
		pid_t got = waitpid(pid, status, deadline_ms ? WNOHANG : 0);
		if (got == pid)
			return 0;
		if (got < 0 && errno != EINTR)
			return -1;
		if (got == 0) {
			if (monotonic_ms() >= deadline_ms)
				return -1;
			poll(NULL, 0, 10);
		}
	}
}

static void end_child(pid_t pid, int *status)
{
	kill(pid, SIGTERM);
	if (reap(pid, status, monotonic_ms() + TERM_GRACE_MS) == 0)
		return;
	kill(pid, SIGKILL);
	reap(pid, status, 0);
}

/* The last three lines of what it said on standard error, as one. */
static char *last_words(const struct strbuf *text)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	if (text->data)
		strv_split(&lines, text->data, "\r\n");
	struct strbuf words = STRBUF_INIT;
	for (size_t i = lines.count > 3 ? lines.count - 3 : 0; i < lines.count; i++)
		strbuf_addf(&words, "%s%s", words.len ? "; " : ": ", lines.items[i]);
	return strbuf_steal(&words);
}

static int judge(const char *what, int status, const char *words, struct err *err)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		return err_set(err, ERR_PROGRAM, "'%s' failed with exit status %d%s", what,
			       WEXITSTATUS(status), words);
	return err_set(err, ERR_PROGRAM, "'%s' was ended by signal %d%s", what, WTERMSIG(status),
		       words);
}

static int finish(struct child *c, int *exit_status, struct err *err)
{
	int64_t deadline = c->spec->timeout_ms ? monotonic_ms() + c->spec->timeout_ms : 0;
	_cleanup_free_ char *what = subproc_describe(c->spec->argv);
	int status = 0;
	while (pump(c)) {
		if (c->too_large) {
			end_child(c->pid, &status);
			return err_set(err, ERR_TOO_LARGE, "'%s' printed more than %zu bytes", what,
				       c->max_output);
		}
		if (deadline && monotonic_ms() >= deadline)
			break;
	}
	if (reap(c->pid, &status, deadline) < 0) {
		end_child(c->pid, &status);
		return err_set(err, ERR_TIMEOUT, "'%s' did not end within %d s", what,
			       c->spec->timeout_ms / 1000);
	}
	if (c->spec->on_line && c->diag_text.len)
		c->spec->on_line(c->diag_text.data, c->spec->on_line_arg);
	if (exit_status)
		*exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	_cleanup_free_ char *words = last_words(&c->diag_text);
	return judge(what, status, words, err);
}

static void child_destroy(struct child *c)
{
	closep(&c->in);
	closep(&c->out);
	closep(&c->diag);
	strbuf_destroy(&c->diag_text);
}

/* Our end of a new pipe into *ours, the child's returned; ours does not block. */
static int pipe_for(int *ours, bool we_read, struct err *err)
{
	int ends[2];
	if (make_pipe(ends, err) < 0)
		return -1;
	*ours = ends[we_read ? 0 : 1];
	fcntl(*ours, F_SETFL, O_NONBLOCK);
	return ends[we_read ? 1 : 0];
}

int subproc_run(const struct subproc *spec, int *exit_status, struct err *err)
{
	if (exit_status)
		*exit_status = -1;
	_cleanup_(child_destroy) struct child c = {
		.spec = spec, .in = -1, .out = -1, .diag = -1,
		.max_output = spec->max_output ? spec->max_output : DEFAULT_MAX_OUTPUT,
	};
	_cleanup_close_ int null = open_null(err);
	_cleanup_close_ int in = -1, out = -1, diag = -1;
	if (null < 0)
		return -1;
	if (spec->input && (in = pipe_for(&c.in, false, err)) < 0)
		return -1;
	if (spec->output && (out = pipe_for(&c.out, true, err)) < 0)
		return -1;
	if ((spec->quiet || spec->on_line) && (diag = pipe_for(&c.diag, true, err)) < 0)
		return -1;
	int child_in = spec->input ? in : spec->stdin_fd > 0 ? spec->stdin_fd : null;
	int child_out = spec->output ? out : spec->stdout_fd > 0 ? spec->stdout_fd : STDERR_FILENO;
	if (spawn(spec, child_in, child_out, diag, &c.pid, err) < 0)
		return -1;
	closep(&in);
	closep(&out);
	closep(&diag);
	return finish(&c, exit_status, err);
}

int subproc_wait(pid_t pid, const char *name, int timeout_ms, struct err *err)
{
	int status = 0;
	if (reap(pid, &status, timeout_ms ? monotonic_ms() + timeout_ms : 0) < 0) {
		end_child(pid, &status);
		return err_set(err, ERR_TIMEOUT, "'%s' did not end within %d s", name,
			       timeout_ms / 1000);
	}
	return judge(name, status, "", err);
}
