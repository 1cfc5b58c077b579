/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pkgmgr reboot. When it may be: docs/spec/self-care.md, "Reboots" */
#include <json-c/json.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>

#include "common/atomic-file.h"
#include "common/cli.h"
#include "common/lock.h"
#include "common/log.h"
#include "common/subproc.h"
#include "pkgmgr/dpkg.h"
#include "pkgmgr/list.h"
#include "pkgmgr/reboot.h"

enum { COMMAND_TIMEOUT_MS = 60 * 1000 };

/* Both locks of a site: while they are held, nobody syncs and nobody converges. */
struct quiet {
	int sync_lock, converge_lock;
};

static int take(const struct root *root, const char *name, const char *what, struct err *err)
{
	_cleanup_free_ char *path = root_path(root, "var/lib/waybill/%s", name);
	int lock = lock_take(path, 0, err);
	if (lock < 0 && err->code == ERR_BUSY) {
		err_clear(err);
		return err_set(err, ERR_REFUSED, "not now: %s", what);
	}
	return lock;
}

static void quiet_end(struct quiet *quiet)
{
	closep(&quiet->sync_lock);
	closep(&quiet->converge_lock);
}

static int quiet_begin(const struct root *root, struct quiet *quiet, struct err *err)
{
	quiet->sync_lock = take(root, "pkgmgr.lock", "a sync runs", err);
	if (quiet->sync_lock < 0)
		return -1;
	quiet->converge_lock = take(root, "appliance.lock", "appliances are being changed", err);
	return quiet->converge_lock < 0 ? -1 : 0;
}

static int check_window(const struct pkgmgr *m, int64_t now, struct err *err)
{
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	if (list_load(m, &list, err) < 0)
		return -1;
	const struct day_window *window = &list->host.reboot;
	_cleanup_free_ char *text = day_window_format(window);
	if (!window->is_set)
		return err_set(err, ERR_REFUSED, "the site's policy has no Reboot-Window");
	if (!day_window_is_open(window, now))
		return err_set(err, ERR_REFUSED, "not now: the Reboot-Window is %s", text);
	return 0;
}

/* A version on trial would have to begin it anew. A first one that is sick stays so, and is
 * no reason to wait. */
static int check_trials(const struct pkgmgr *m, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(m->state, &stmt, err, "",
			  "SELECT name, trial FROM instance WHERE trial IS NOT NULL AND"
			  " (good_version IS NOT NULL OR health IS NOT 'unhealthy')"
			  " ORDER BY name LIMIT 1") < 0)
		return -1;
	int row = state_step(m->state, stmt, err);
	if (row <= 0)
		return row;
	return err_set(err, ERR_REFUSED, "not now: %s has a version on trial (%s)",
		       (const char *)sqlite3_column_text(stmt, 0),
		       (const char *)sqlite3_column_text(stmt, 1));
}

static int check_dpkg(const struct root *root, struct err *err)
{
	struct dpkg_status status = { 0 };
	if (dpkg_wait(root, 0, err) < 0) {
		err->code = ERR_REFUSED;
		return err_prefix(err, "not now");
	}
	int rc = dpkg_status_read(root, &status, err);
	if (rc == 0 && status.needs_repair)
		rc = err_set(err, ERR_REFUSED,
			     "not now: dpkg has something half installed; the next sync sees to it");
	dpkg_status_destroy(&status);
	return rc;
}

static int check_all(const struct pkgmgr *m, const char *reason, int64_t now, struct err *err)
{
	if (check_window(m, now, err) < 0 || check_trials(m, err) < 0 ||
	    check_dpkg(&m->root, err) < 0)
		return -1;
	return reboot_check_repeat(&m->root, reason, now, err);
}

static int choose_command(const struct pkgmgr *m, struct strv *argv, struct err *err)
{
	if (*m->conf->reboot_command) {
		strv_split(argv, m->conf->reboot_command, " \t\n");
		return 0;
	}
	if (!root_is_host(&m->root))
		return err_set(err, ERR_REFUSED,
			       "%s is no machine of its own; Reboot-Command in pkgmgr.conf says how "
			       "to reboot it", m->root.dir);
	if (file_exists("/run/systemd/system"))
		strv_addv(argv, "systemctl", "reboot", NULL);
	else
		strv_addv(argv, "shutdown", "-r", "now", NULL);
	return 0;
}

/* Remembered first: a machine that goes down at once must know afterwards. */
static int go(const struct pkgmgr *m, const char *reason, int64_t now, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_err_ struct err second = ERR_INIT;
	if (choose_command(m, &argv, err) < 0 ||
	    reboot_remember(&m->root, reason, now, err) < 0)
		return -1;
	struct subproc spec = { .argv = (const char *const *)argv.items,
				.timeout_ms = COMMAND_TIMEOUT_MS };
	log_event("reboot", "%s", reason);
	if (subproc_run(&spec, NULL, err) == 0)
		return 0;
	if (reboot_forget(&m->root, &second) < 0)
		log_warn("%s", second.msg);
	return err_prefix(err, "ask for a reboot");
}

static void print(const struct cli *cli, const char *reason)
{
	if (!cli->json) {
		printf("%s%s\n", reason ? "rebooting: " : "no reboot is needed",
		       reason ? reason : "");
		return;
	}
	struct json_object *out = json_object_new_object();
	json_object_object_add(out, "rebooting", json_object_new_boolean(reason != NULL));
	json_object_object_add(out, "reason", reason ? json_object_new_string(reason) : NULL);
	puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PLAIN));
	json_object_put(out);
}

int cmd_reboot(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct pkgmgr *m = cli->ctx;
	struct quiet quiet = { -1, -1 };
	struct utsname kernel;
	_cleanup_free_ char *reason = NULL;
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0 || pkgmgr_open(m, err) < 0)
		return -1;
	if (uname(&kernel) < 0)
		return err_sys(err, "ask for the running kernel");
	if (reboot_reason(&m->root, kernel.release, &reason, err) < 0)
		return -1;
	int64_t now = time(NULL);
	int rc = 0;
	if (reason) {
		rc = quiet_begin(&m->root, &quiet, err);
		if (rc == 0)
			rc = check_all(m, reason, now, err);
		if (rc == 0)
			rc = go(m, reason, now, err);
	}
	quiet_end(&quiet);
	if (rc == 0)
		print(cli, reason);
	return rc;
}
