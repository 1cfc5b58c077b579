/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/chores.h"

#include <signal.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "common/log.h"
#include "common/subproc.h"
#include "common/util.h"
#include "pkgmgr/neighbours.h"
#include "pkgmgr/reboot.h"

enum { RETRY_S = 300, DOWN_S = 600, GC_PAUSE_S = 3600, SERVE_LOOK_S = 600 };

static void start(struct chore *chore, const char *const *argv, int64_t now)
{
	_cleanup_err_ struct err err = ERR_INIT;
	struct subproc spec = { .argv = argv };
	if (subproc_start(&spec, &chore->pid, &err) == 0)
		return;
	log_error("%s", err.msg);
	chore->pid = 0;
	chore->not_before = now + RETRY_S;
}

/* What `pkgmgr reboot` has to say no to that can be seen from here is not asked. */
static bool reboot_is_due(const struct chores *c, const struct schedule *schedule, int64_t now)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *reason = NULL;
	struct utsname kernel;
	if (!day_window_is_open(&schedule->reboot, now) || uname(&kernel) < 0)
		return false;
	if (reboot_reason(c->root, kernel.release, &reason, &err) < 0 ||
	    (reason && reboot_check_repeat(c->root, reason, now, &err) < 0)) {
		log_debug("no reboot: %s", err.msg);
		return false;
	}
	return reason != NULL;
}

static bool space_is_low(const struct chores *c, const struct schedule *schedule)
{
	_cleanup_free_ char *dir = root_path(c->root, "var/lib/waybill");
	struct statvfs fs;
	return schedule->min_free_bytes && statvfs(dir, &fs) == 0 &&
	       (uint64_t)fs.f_bavail * fs.f_frsize < schedule->min_free_bytes;
}

static void run_gc(struct chores *c, const struct schedule *schedule, int64_t now)
{
	_cleanup_free_ char *bytes =
		xasprintf("%llu", (unsigned long long)schedule->min_free_bytes);
	const char *const argv[] = { "appliance", "--quiet",	  "--root", c->root->dir,
				     "gc",	  "--until-free", bytes,    NULL };
	log_event("space-low", "less than Min-Free is left; dropping bases that are not used");
	start(&c->gc, argv, now);
}

void chores_run(struct chores *c, const struct schedule *schedule, bool busy,
		const char *const *reboot_argv, int64_t now)
{
	if (c->reboot.pid || chores_going_down(c, now))
		return;
	if (!c->gc.pid && now >= c->gc.not_before && space_is_low(c, schedule))
		run_gc(c, schedule, now);
	if (busy || c->gc.pid || now < c->reboot.not_before || !reboot_is_due(c, schedule, now))
		return;
	log_event("reboot-due", "asking for a reboot");
	start(&c->reboot, reboot_argv, now);
}

static bool has_neighbours(const struct chores *c)
{
	_cleanup_strv_ struct strv networks = STRV_INIT;
	_cleanup_err_ struct err err = ERR_INIT;
	if (neighbours_read(c->root, &networks, &err) < 0)
		log_debug("%s", err.msg);
	return networks.count > 0;
}

/* Starting a unit that runs does nothing, so it is not asked whether it does. */
void chores_serve(struct chores *c, const char *unit, int64_t now)
{
	const char *const by_systemd[] = { "systemctl", "start", unit, NULL };
	const char *const direct[] = { "pkgmgr", "--root", c->root->dir, "serve", "--by-policy", NULL };
	if (!has_neighbours(c))
		c->serve.not_before = 0;
	else if (!c->serve.pid && now >= c->serve.not_before)
		start(&c->serve, unit ? by_systemd : direct, now);
}

void chores_end(const struct chores *c)
{
	if (c->serve.pid)
		kill(c->serve.pid, SIGTERM);
}

static bool has_ended(struct chore *chore, int *exit_status)
{
	int status = 0;
	if (!chore->pid || waitpid(chore->pid, &status, WNOHANG) != chore->pid)
		return false;
	chore->pid = 0;
	*exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
	return true;
}

void chores_reap(struct chores *c, int64_t now)
{
	int status = 0;
	if (has_ended(&c->gc, &status))
		c->gc.not_before = now + GC_PAUSE_S;
	if (has_ended(&c->serve, &status))
		c->serve.not_before = now + (status == EXIT_DONE ? SERVE_LOOK_S : RETRY_S);
	if (!has_ended(&c->reboot, &status))
		return;
	if (status == EXIT_DONE) {
		c->down_until = now + DOWN_S;
		return;
	}
	log_event("reboot-put-off", "exit %d; asking again in %d minutes", status, RETRY_S / 60);
	c->reboot.not_before = now + RETRY_S;
}

bool chores_going_down(const struct chores *c, int64_t now)
{
	return c->reboot.pid || now < c->down_until;
}

void chores_clock_moved(struct chores *c)
{
	c->reboot.not_before = c->gc.not_before = c->serve.not_before = c->down_until = 0;
}
