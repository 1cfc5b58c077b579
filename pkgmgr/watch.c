/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/watch.h"

#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "common/subproc.h"
#include "common/util.h"
#include "common/watch-due.h"

/* A converge that leaves an old time behind must not become a busy loop. */
enum { PAUSE_S = 1, FAILED_PAUSE_S = 60 };

int watch_init(struct watch *watch, const struct root *root, struct err *err)
{
	_cleanup_free_ char *dir = root_path(root, "var/lib/waybill");
	*watch = (struct watch){ .root = root, .inotify = -1 };
	if (make_dirs(dir, 0755, err) < 0)
		return -1;
	watch->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	/* Files are replaced by a rename, so this sees each new time, and little else. */
	if (watch->inotify < 0 || inotify_add_watch(watch->inotify, dir, IN_MOVED_TO) < 0)
		return err_sys(err, "watch %s", dir);
	watch_look(watch);
	return 0;
}

void watch_destroy(struct watch *watch)
{
	closep(&watch->inotify);
}

void watch_look(struct watch *watch)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	_cleanup_err_ struct err err = ERR_INIT;
	while (read(watch->inotify, events, sizeof(events)) > 0)
		;
	if (watch_due_read(watch->root, &watch->due_at, &err) < 0)
		log_warn("%s; the next converge writes it anew", err.msg);
}

void watch_run(struct watch *watch, const char *const *argv, int64_t now)
{
	_cleanup_err_ struct err err = ERR_INIT;
	struct subproc spec = { .argv = argv };
	if (watch->pid || now < watch_next(watch))
		return;
	log_debug("a converge is due");
	if (subproc_start(&spec, &watch->pid, &err) == 0)
		return;
	log_error("%s", err.msg);
	watch->pid = 0;
	watch->not_before = now + FAILED_PAUSE_S;
}

void watch_ended(struct watch *watch, int status, int64_t now)
{
	bool done = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE;
	bool reverted = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_REFUSED;
	watch->pid = 0;
	watch->not_before = now + (done || reverted ? PAUSE_S : FAILED_PAUSE_S);
	watch->has_news |= !done && !watch->failed;
	watch->failed = !done;
	if (!done)
		log_event("converge-ended", "exit %d",
			  WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED);
	watch_look(watch);
}

void watch_clock_moved(struct watch *watch, int64_t now)
{
	watch_look(watch);
	if (watch->due_at)
		watch->due_at = now;
	watch->not_before = now;
}

int64_t watch_next(const struct watch *watch)
{
	if (!watch->due_at)
		return INT64_MAX;
	return watch->due_at > watch->not_before ? watch->due_at : watch->not_before;
}
