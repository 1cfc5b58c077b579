/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/scheduler.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/enrol.h"
#include "common/lock.h"
#include "common/log.h"
#include "common/subproc.h"
#include "common/util.h"
#include "pkgmgr/chores.h"
#include "pkgmgr/schedule.h"
#include "pkgmgr/watch.h"

#define RUN_DIR "run/waybill"
#define SYNC_UNIT "waybill-sync.service"
#define ENROL_UNIT "waybill-enrol.service"
#define CONVERGE_UNIT "waybill-converge.service"
#define REBOOT_UNIT "waybill-reboot.service"
#define SERVE_UNIT "waybill-serve.service"

/* The clock is looked at once a minute, so that a jump is noticed. */
enum { LOOK_S = 60, JUMP_S = 60, START_SPAN_S = 60, LINE_MAX_BYTES = 64, ASK_TIMEOUT_MS = 5000 };

struct scheduler {
	const struct root *root;
	int socket;
	int signals;
	pid_t sync_pid;		/* of a sync, or an enrolment; 0: none runs */
	bool enrolling;		/* there is a token to show before there is anything to sync */
	int64_t next_at;	/* Unix seconds */
	int64_t clock_offset;	/* real time minus monotonic time, seconds */
	unsigned failures;	/* in a row */
	int last_exit;		/* -1: none yet */
	struct watch watch;
	struct chores chores;
	bool quit;
};

static char *socket_path(const struct root *root)
{
	return root_path(root, RUN_DIR "/pkgmgrd.sock");
}

static int64_t clock_offset(void)
{
	return (int64_t)time(NULL) - monotonic_ms() / 1000;
}

static double random_unit(void)
{
	uint32_t n = 0;
	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		n = (uint32_t)monotonic_ms();
	return n / 4294967296.0;
}

/* A schedule that cannot be read is no reason not to sync: the defaults serve. */
static void load_schedule(const struct scheduler *s, struct schedule *schedule)
{
	_cleanup_err_ struct err err = ERR_INIT;
	schedule_init(schedule);
	if (schedule_read(s->root, schedule, &err) < 0)
		log_warn("%s; using the default schedule", err.msg);
}

static bool has_token(const struct scheduler *s)
{
	_cleanup_free_ char *path = root_path(s->root, ENROL_TICKET_PATH);
	return file_exists(path);
}

static void log_next(const struct scheduler *s, const char *what)
{
	_cleanup_free_ char *at = time_format(s->next_at);
	log_info("next %s at %s", what, at);
}

static void plan_enrolment(struct scheduler *s)
{
	s->next_at = time(NULL);
	if (s->failures)
		s->next_at += (int64_t)schedule_enrol_backoff(s->failures, random_unit());
	log_next(s, "enrolment");
}

static void plan_next(struct scheduler *s, bool refused)
{
	struct schedule schedule;
	if (s->enrolling) {
		plan_enrolment(s);
		return;
	}
	load_schedule(s, &schedule);
	int64_t now = time(NULL);
	s->next_at = schedule_next(&schedule, now);
	if (s->failures) {
		int64_t retry = now + (int64_t)schedule_backoff(s->failures, refused, random_unit());
		if (retry < s->next_at)
			s->next_at = retry;
	}
	schedule_destroy(&schedule);
	log_next(s, "sync");
}

static void plan_first(struct scheduler *s)
{
	struct schedule schedule;
	load_schedule(s, &schedule);
	s->next_at = time(NULL) + (int64_t)schedule_offset(schedule.site, START_SPAN_S);
	schedule_destroy(&schedule);
}

/* Under systemd a sync has a unit of its own, so that a new waybill-site may
 * restart us without killing the dpkg that does it. */
static bool has_systemd(const struct scheduler *s)
{
	return root_is_host(s->root) && file_exists("/run/systemd/system");
}

static void start_sync(struct scheduler *s)
{
	_cleanup_err_ struct err err = ERR_INIT;
	s->enrolling = has_token(s);
	const char *const unit[] = { "systemctl", "start", s->enrolling ? ENROL_UNIT : SYNC_UNIT,
				     NULL };
	const char *const direct[] = { "pkgmgr", "--root", s->root->dir,
				       s->enrolling ? "enroll" : "sync", NULL };
	struct subproc spec = { .argv = has_systemd(s) ? unit : direct };
	log_event(s->enrolling ? "enrol-due" : "sync-due", "starting %s",
		  s->enrolling ? "an enrolment" : "a sync");
	s->watch.has_news = false;
	if (subproc_start(&spec, &s->sync_pid, &err) == 0)
		return;
	log_error("%s", err.msg);
	s->sync_pid = 0;
	s->failures++;
	s->last_exit = EXIT_FAILED;
	plan_next(s, false);
}

/* The unit has the rights that converging needs, and we have none. */
static void run_converge(struct scheduler *s)
{
	const char *const unit[] = { "systemctl", "start", CONVERGE_UNIT, NULL };
	const char *const direct[] = { "appliance",  "--quiet",	 "--root", s->root->dir,
				       "converge", "--all", NULL };
	watch_run(&s->watch, has_systemd(s) ? unit : direct, time(NULL));
}

static void run_chores(struct scheduler *s)
{
	const char *const unit[] = { "systemctl", "start", REBOOT_UNIT, NULL };
	const char *const direct[] = { "pkgmgr", "--root", s->root->dir, "reboot", NULL };
	_cleanup_err_ struct err err = ERR_INIT;
	struct schedule schedule;
	schedule_init(&schedule);
	if (schedule_read(s->root, &schedule, &err) == 0)
		chores_run(&s->chores, &schedule, s->sync_pid || s->watch.pid,
			   has_systemd(s) ? unit : direct, time(NULL));
	else
		log_debug("no chores: %s", err.msg);
	schedule_destroy(&schedule);
	chores_serve(&s->chores, has_systemd(s) ? SERVE_UNIT : NULL, time(NULL));
}

/* A machine that waits for approval is no failed unit, so systemd is told that all is well;
 * the token says whether it is. */
static bool has_succeeded(const struct scheduler *s)
{
	return s->last_exit == EXIT_DONE && !(s->enrolling && has_token(s));
}

static void sync_ended(struct scheduler *s, int status)
{
	s->sync_pid = 0;
	s->last_exit = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
	if (has_succeeded(s))
		s->failures = 0;
	else
		s->failures++;
	log_event(s->enrolling ? "enrol-ended" : "sync-ended", "exit %d", s->last_exit);
	plan_next(s, s->last_exit == EXIT_REFUSED);
}

static void take_signals(struct scheduler *s)
{
	struct signalfd_siginfo info;
	while (read(s->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			s->quit = true;
	int status = 0;
	if (s->sync_pid && waitpid(s->sync_pid, &status, WNOHANG) == s->sync_pid)
		sync_ended(s, status);
	if (s->watch.pid && waitpid(s->watch.pid, &status, WNOHANG) == s->watch.pid)
		watch_ended(&s->watch, status, time(NULL));
	chores_reap(&s->chores, time(NULL));
}

static char *describe(const struct scheduler *s)
{
	_cleanup_free_ char *next = time_format(s->next_at);
	_cleanup_free_ char *last = s->last_exit < 0 ? xstrdup("null")
						     : xasprintf("%d", s->last_exit);
	_cleanup_free_ char *due = time_format(s->watch.due_at);
	_cleanup_free_ char *converge = s->watch.due_at ? xasprintf("\"%s\"", due)
							 : xstrdup("null");
	return xasprintf("{\"running\":%s,\"next_sync\":\"%s\",\"failures\":%u,\"last_exit\":%s,"
			 "\"converging\":%s,\"next_converge\":%s,\"enrolling\":%s}",
			 s->sync_pid ? "true" : "false", next, s->failures, last,
			 s->watch.pid ? "true" : "false", converge,
			 s->enrolling ? "true" : "false");
}

static char *answer_to(struct scheduler *s, const char *request)
{
	if (str_eq(request, "status"))
		return describe(s);
	if (!str_eq(request, "sync"))
		return xstrdup("unknown request");
	if (s->sync_pid)
		return xstrdup("running");
	if (chores_going_down(&s->chores, time(NULL)))
		return xstrdup("going down");
	start_sync(s);
	return xstrdup(s->sync_pid ? "started" : "failed to start");
}

/* One line from a descriptor with a receive timeout, without its newline. */
static int read_line(int fd, char *line, size_t size)
{
	size_t len = 0;
	while (len + 1 < size) {
		ssize_t n = read(fd, line + len, size - 1 - len);
		if (n <= 0)
			return -1;
		len += (size_t)n;
		char *end = memchr(line, '\n', len);
		if (end) {
			*end = '\0';
			return 0;
		}
	}
	return -1;
}

static void set_timeout(int fd, int timeout_ms)
{
	struct timeval tv = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

/* Root alone can connect, so that a slow peer only delays itself for a second. */
static void serve(struct scheduler *s)
{
	_cleanup_close_ int peer = accept4(s->socket, NULL, NULL, SOCK_CLOEXEC);
	char request[LINE_MAX_BYTES];
	if (peer < 0)
		return;
	set_timeout(peer, 1000);
	if (read_line(peer, request, sizeof(request)) < 0)
		return;
	_cleanup_free_ char *answer = answer_to(s, request);
	_cleanup_free_ char *line = xasprintf("%s\n", answer);
	_cleanup_err_ struct err err = ERR_INIT;
	if (write_all(peer, line, strlen(line), &err) < 0)
		log_debug("socket: %s", err.msg);
}

static void check_clock(struct scheduler *s)
{
	int64_t offset = clock_offset();
	int64_t jump = offset - s->clock_offset;
	if (jump < -JUMP_S || jump > JUMP_S) {
		log_info("the clock moved by %lld s", (long long)jump);
		plan_next(s, false);
		watch_clock_moved(&s->watch, (int64_t)time(NULL));
		chores_clock_moved(&s->chores);
	}
	s->clock_offset = offset;
}

/* A token that comes while we run is shown at once; a site that was let in syncs at once,
 * since then there is an enrolment's end and no token any more. */
static void look_for_token(struct scheduler *s)
{
	bool due = has_token(s);
	if (s->sync_pid || due == s->enrolling)
		return;
	s->enrolling = due;
	s->failures = 0;
	s->next_at = time(NULL);
}

/* A version that was rolled back in the middle of its watch is to be known at home before
 * the night: a sync reports it. */
static bool sync_is_due(const struct scheduler *s)
{
	return !s->sync_pid && (s->watch.has_news || time(NULL) >= s->next_at);
}

/* Seconds until something is to be started, at most LOOK_S. */
static int64_t next_wait(const struct scheduler *s)
{
	int64_t next = s->sync_pid ? INT64_MAX : s->next_at;
	int64_t converge = s->watch.pid ? INT64_MAX : watch_next(&s->watch);
	int64_t now = time(NULL);
	if (chores_going_down(&s->chores, now))
		return LOOK_S;
	if (converge < next)
		next = converge;
	return next - now > LOOK_S ? LOOK_S : next - now;
}

static void loop(struct scheduler *s)
{
	while (!s->quit) {
		int64_t wait_s = next_wait(s);
		struct pollfd fds[] = { { .fd = s->signals, .events = POLLIN },
					{ .fd = s->socket, .events = POLLIN },
					{ .fd = s->watch.inotify, .events = POLLIN } };
		if (wait_s > 0)
			poll(fds, ARRAY_SIZE(fds), (int)wait_s * 1000);
		if (fds[0].revents)
			take_signals(s);
		if (fds[1].revents)
			serve(s);
		if (fds[2].revents)
			watch_look(&s->watch);
		check_clock(s);
		look_for_token(s);
		bool down = s->quit || chores_going_down(&s->chores, time(NULL));
		if (!down)
			run_converge(s);
		if (!down && sync_is_due(s))
			start_sync(s);
		if (!down)
			run_chores(s);
	}
}

static int socket_address(const struct root *root, struct sockaddr_un *address, struct err *err)
{
	_cleanup_free_ char *path = socket_path(root);
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address->sun_path))
		return err_set(err, ERR_USAGE, "%s is too long for a socket's name", path);
	strcpy(address->sun_path, path);
	return 0;
}

static int listen_on(struct scheduler *s, struct err *err)
{
	struct sockaddr_un address;
	if (socket_address(s->root, &address, err) < 0)
		return -1;
	unlink(address.sun_path);	/* the lock says that nobody listens on it */
	s->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->socket < 0)
		return err_sys(err, "make a socket");
	mode_t old = umask(0177);
	int bound = bind(s->socket, (struct sockaddr *)&address, sizeof(address));
	umask(old);
	if (bound < 0 || listen(s->socket, 8) < 0)
		return err_sys(err, "listen on %s", address.sun_path);
	return 0;
}

static int watch_signals(struct scheduler *s, struct err *err)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals < 0 ? err_sys(err, "watch signals") : 0;
}

int scheduler_run(const struct root *root, struct err *err)
{
	_cleanup_free_ char *dir = root_path(root, RUN_DIR);
	_cleanup_free_ char *lock_path = root_path(root, RUN_DIR "/pkgmgrd.lock");
	if (make_dirs(dir, 0755, err) < 0)
		return -1;
	_cleanup_close_ int lock = lock_take(lock_path, 0, err);
	if (lock < 0)
		return err_prefix(err, "another pkgmgrd runs");
	struct scheduler s = { .root = root, .socket = -1, .signals = -1, .last_exit = -1,
			       .clock_offset = clock_offset(), .watch.inotify = -1,
			       .chores.root = root };
	int result = watch_signals(&s, err);
	if (result == 0)
		result = watch_init(&s.watch, root, err);
	if (result == 0)
		result = listen_on(&s, err);
	if (result == 0) {
		s.enrolling = has_token(&s);
		plan_first(&s);
		log_event("scheduler-start", "root %s", root->dir);
		loop(&s);
		chores_end(&s.chores);
		_cleanup_free_ char *path = socket_path(root);
		unlink(path);
	}
	watch_destroy(&s.watch);
	closep(&s.socket);
	closep(&s.signals);
	return result;
}

int scheduler_ask(const struct root *root, const char *request, char **answer, struct err *err)
{
	*answer = NULL;
	struct sockaddr_un address;
	if (socket_address(root, &address, err) < 0)
		return -1;
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, "make a socket");
	set_timeout(fd, ASK_TIMEOUT_MS);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_set(err, ERR_NOT_FOUND, "no pkgmgrd answers at %s: %s; is it running?",
			       address.sun_path, strerror(errno));
	_cleanup_free_ char *line = xasprintf("%s\n", request);
	if (write_all(fd, line, strlen(line), err) < 0)
		return err_prefix(err, "ask pkgmgrd");
	char reply[512];
	if (read_line(fd, reply, sizeof(reply)) < 0)
		return err_set(err, ERR_TIMEOUT, "pkgmgrd gave no answer within %d s",
			       ASK_TIMEOUT_MS / 1000);
	*answer = xstrdup(reply);
	return 0;
}
