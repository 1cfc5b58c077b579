/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where systemd runs, an agent is an instance of a unit, which starts it again if it dies.
 * Elsewhere it is a process of its own, which the next converge starts again. That one holds a
 * lock for as long as it lives, so nobody takes another process for it. */
#include "appliance/screen-agent.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/subproc.h"

enum { SYSTEMCTL_MS = 30000, END_MS = 10000, POLL_MS = 20 };

static bool has_systemd(const struct host *host)
{
	return root_is_host(&host->root) && file_exists("/run/systemd/system");
}

/* Source: systemd.unit(5), "String escaping for inclusion in unit names". */
char *screen_systemd_unit(const char *unit)
{
	struct strbuf name = STRBUF_INIT;
	strbuf_adds(&name, "waybill-vncagent@");
	for (const char *p = unit; *p; p++) {
		if (isalnum((unsigned char)*p) || *p == '_' || (*p == '.' && p > unit))
			strbuf_addc(&name, *p);
		else
			strbuf_addf(&name, "\\x%02x", (unsigned char)*p);
	}
	strbuf_adds(&name, ".service");
	return strbuf_steal(&name);
}

/* Source: systemctl(1), "Exit status". */
enum { NOT_LOADED = 5 };

static int systemctl(const char *verb, const char *option, const char *unit, int *status,
		     struct err *err)
{
	_cleanup_free_ char *name = screen_systemd_unit(unit);
	const char *const argv[] = { "systemctl", option, verb, name, NULL };
	return subproc_run(&(struct subproc){ .argv = argv, .quiet = true,
					      .timeout_ms = SYSTEMCTL_MS },
			   status, err);
}

/* What was never started, or whose package has gone since, has stopped. */
static int stop_unit(const char *unit, struct err *err)
{
	int status = 0;
	if (systemctl("stop", "--quiet", unit, &status, err) == 0)
		return 0;
	if (status != NOT_LOADED)
		return -1;
	err_clear(err);
	return 0;
}

/* --- without systemd ------------------------------------------------------------------------ */

/* -1 with ERR_BUSY: an agent holds it. The agent inherits this descriptor, and must not be able
 * to write who is to be killed in its place. */
static int take_lock(const char *path, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return steal_fd(&fd);
	return errno == EWOULDBLOCK ? err_set(err, ERR_BUSY, "%s is locked", path)
				    : err_sys(err, "lock %s", path);
}

static char *lock_path(const struct host *host, const char *unit)
{
	return instance_path(&host->root, unit, SCREEN_AGENT_DIR "/lock");
}

static bool holds_lock(const char *path)
{
	_cleanup_err_ struct err err = ERR_INIT;
	if (!file_exists(path))
		return false;
	_cleanup_close_ int lock = take_lock(path, &err);
	return lock < 0 && err.code == ERR_BUSY;
}

static int start_process(const struct host *host, const char *unit, struct err *err)
{
	_cleanup_free_ char *path = lock_path(host, unit);
	_cleanup_free_ char *conf = instance_path(&host->root, unit, SCREEN_AGENT_CONF);
	const char *const argv[] = { "vncagent", "--config", conf, "run", NULL };
	_cleanup_close_ int lock = take_lock(path, err);
	if (lock < 0 && err->code == ERR_BUSY) {
		err_clear(err);
		return 0;
	}
	_cleanup_close_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	_cleanup_close_ int pid_fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (lock < 0)
		return -1;
	if (null < 0 || pid_fd < 0)
		return err_sys(err, "open %s", null < 0 ? "/dev/null" : path);
	pid_t pid;
	return subproc_start(&(struct subproc){ .argv = argv, .user = SCREEN_AGENT_USER,
						.stdin_fd = lock, .stdout_fd = null,
						.stderr_fd = null, .detached = true,
						.pid_fd = pid_fd },
			     &pid, err);
}

static bool wait_until_free(const char *path, int timeout_ms)
{
	int64_t deadline = monotonic_ms() + timeout_ms;
	while (holds_lock(path)) {
		if (monotonic_ms() >= deadline)
			return false;
		usleep(POLL_MS * 1000);
	}
	return true;
}

static int end_process(const struct host *host, const char *unit, struct err *err)
{
	_cleanup_free_ char *path = lock_path(host, unit);
	_cleanup_free_ char *text = NULL;
	size_t len;
	uint64_t pid;
	if (!holds_lock(path))
		return 0;
	if (file_read(path, 32, &text, &len, err) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	if (number_parse(text, 2, INT32_MAX, &pid, path, err) < 0)
		return -1;
	kill((pid_t)pid, SIGTERM);
	if (wait_until_free(path, END_MS))
		return 0;
	kill((pid_t)pid, SIGKILL);
	return wait_until_free(path, END_MS)
		       ? 0
		       : err_set(err, ERR_TIMEOUT, "process %s, the agent of %s, does not end", text,
				 unit);
}

/* --- either ---------------------------------------------------------------------------------- */

bool screen_run_is_up(const struct host *host, const char *unit)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *path = lock_path(host, unit);
	return has_systemd(host) ? systemctl("is-active", "--quiet", unit, NULL, &err) == 0
				 : holds_lock(path);
}

/* Not waited for: at boot systemd may have more to start first, ourselves among it. */
int screen_run_start(const struct host *host, const char *unit, struct err *err)
{
	return has_systemd(host) ? systemctl("start", "--no-block", unit, NULL, err)
				 : start_process(host, unit, err);
}

int screen_run_stop(const struct host *host, const char *unit, struct err *err)
{
	return has_systemd(host) ? stop_unit(unit, err) : end_process(host, unit, err);
}
