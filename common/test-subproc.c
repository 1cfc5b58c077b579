/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "common/strv.h"
#include "common/subproc.h"

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_output_and_input(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	_cleanup_free_ char *big = xcalloc(1, 300001);
	memset(big, 'x', 300000);
	struct subproc cat = { .argv = ARGV("cat"), .input = big, .input_len = 300000,
			       .output = &out };
	assert_ok(subproc_run(&cat, NULL, &err));
	assert_int_equal(out.len, 300000);
	assert_string_equal(out.data, big);
}

static void test_no_shell(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	struct subproc echo = { .argv = ARGV("echo", "$(id)", "; rm -rf *", "`x`"), .output = &out };
	assert_ok(subproc_run(&echo, NULL, &err));
	assert_string_equal(out.data, "$(id) ; rm -rf * `x`\n");
}

static void test_failures(void **state)
{
	struct err err = ERR_INIT;
	int status = 0;
	struct subproc ls = { .argv = ARGV("ls", "/nowhere"), .quiet = true };
	assert_fails(subproc_run(&ls, &status, &err), ERR_PROGRAM, "/nowhere");
	assert_int_equal(status, 2);
	struct subproc none = { .argv = ARGV("no-such-program-here") };
	assert_fails(subproc_run(&none, &status, &err), ERR_NOT_FOUND, "not installed");
	struct subproc dir = { .argv = ARGV("true"), .chdir = "/nowhere" };
	assert_fails(subproc_run(&dir, NULL, &err), ERR_SYSTEM, "enter /nowhere");
	struct subproc user = { .argv = ARGV("true"), .user = "no-such-user" };
	assert_fails(subproc_run(&user, NULL, &err), ERR_NOT_FOUND, "no-such-user");
}

static void test_deadline(void **state)
{
	struct err err = ERR_INIT;
	struct subproc sleepy = { .argv = ARGV("sleep", "60"), .timeout_ms = 100 };
	int64_t start = monotonic_ms();
	assert_fails(subproc_run(&sleepy, NULL, &err), ERR_TIMEOUT, "sleep 60");
	assert_true(monotonic_ms() - start < 30000);
}

static void test_bounded_output(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	struct subproc yes = { .argv = ARGV("yes"), .output = &out, .max_output = 1000 };
	assert_fails(subproc_run(&yes, NULL, &err), ERR_TOO_LARGE, "more than 1000");
	assert_true(out.len <= 1000);
}

static void collect(const char *line, void *arg)
{
	strv_add(arg, line);
}

static void test_lines_and_environment(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_strv_ struct strv lines = STRV_INIT;
	struct subproc sh = { .argv = ARGV("env", "sh", "-c", "printf 'a\\n%s\\nc' \"$X\" >&2"),
			      .env_add = ARGV("X=b"), .on_line = collect, .on_line_arg = &lines };
	assert_ok(subproc_run(&sh, NULL, &err));
	assert_int_equal(lines.count, 3);
	assert_string_equal(lines.items[1], "b");
	assert_string_equal(lines.items[2], "c");
}

/* What outlives us can be found again by its file, and is in nobody's way at a terminal. */
static void test_detached(void **state)
{
	struct err err = ERR_INIT;
	char name[] = "/tmp/test-subproc-XXXXXX", text[32] = "";
	_cleanup_close_ int fd = mkstemp(name);
	pid_t pid;
	struct subproc idle = { .argv = ARGV("sleep", "60"), .detached = true, .pid_fd = fd };
	assert_ok(subproc_start(&idle, &pid, &err));
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	assert_int_equal(strtol(text, NULL, 10), pid);
	assert_int_equal(getsid(pid), pid);
	kill(pid, SIGKILL);
	assert_fails(subproc_wait(pid, "sleep", 5000, &err), ERR_PROGRAM, "signal 9");
	unlink(name);
}

/* After a wait in vain another process has the processor for so long. */
static int preempted_ms;

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	struct timespec timeout = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };
	int ready = ppoll(fds, count, timeout_ms < 0 ? NULL : &timeout, NULL);
	if (ready == 0 && preempted_ms)
		usleep((useconds_t)preempted_ms * 1000);
	return ready;
}

/* A child may write and end after a wait for its output, and before it is asked whether it
 * has ended. */
static void test_late_output(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	struct subproc late = { .argv = ARGV("sh", "-c", "sleep 0.2; echo x"), .output = &out };
	preempted_ms = 500;
	int result = subproc_run(&late, NULL, &err);
	preempted_ms = 0;
	assert_ok(result);
	assert_string_equal(out.data, "x\n");
}

/* A program that leaves a daemon behind, which keeps its output open, ends. */
static void test_daemon_left_behind(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	struct subproc sh = { .argv = ARGV("sh", "-c", "sleep 30 & echo $!"), .output = &out };
	int64_t start = monotonic_ms();
	assert_ok(subproc_run(&sh, NULL, &err));
	assert_true(monotonic_ms() - start < 20000);
	kill((pid_t)atol(out.data), SIGKILL);
}

static void test_drop_privileges(void **state)
{
	struct err err = ERR_INIT;
	if (geteuid() != 0)
		skip();
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	struct subproc id = { .argv = ARGV("id", "-un"), .user = "nobody", .output = &out };
	assert_ok(subproc_run(&id, NULL, &err));
	assert_string_equal(out.data, "nobody\n");
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_and_input),
		cmocka_unit_test(test_no_shell),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_bounded_output),
		cmocka_unit_test(test_lines_and_environment),
		cmocka_unit_test(test_detached),
	cmocka_unit_test(test_late_output),
		cmocka_unit_test(test_daemon_left_behind),
		cmocka_unit_test(test_drop_privileges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
