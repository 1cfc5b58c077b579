/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/care.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <time.h>

#include "common/log.h"
#include "common/subproc.h"
#include "pkgmgr/reboot.h"

enum { GC_TIMEOUT_MS = 600 * 1000 };

int care_make_room(const struct root *root, uint64_t free_bytes, struct err *err)
{
	_cleanup_free_ char *bytes = xasprintf("%" PRIu64, free_bytes);
	const char *const argv[] = { "appliance", "gc",	 "--until-free", bytes,
				     "--root",	  root->dir, NULL };
	struct subproc spec = { .argv = argv, .timeout_ms = GC_TIMEOUT_MS };
	if (subproc_run(&spec, NULL, err) == 0)
		return 0;
	if (err->code != ERR_NOT_FOUND)
		return err_prefix(err, "make room on the disk");
	log_debug("no bases here: %s", err->msg);
	err_clear(err);
	return 0;
}

/* What runs on from before until the machine boots. */
static bool needs_reboot(const struct plan_action *a)
{
	static const char *const patterns[] = { "libc6",	    "systemd",	  "dbus",
						"intel-microcode",  "amd64-microcode",
						"firmware-*",	    "xen-hypervisor-*" };
	if (a->verb != PLAN_UPGRADE && a->verb != PLAN_DOWNGRADE)
		return false;
	if (a->running_kernel)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (fnmatch(patterns[i], a->package, 0) == 0)
			return true;
	return false;
}

int care_before_commit(const struct root *root, const struct plan *plan, struct err *err)
{
	_cleanup_strv_ struct strv packages = STRV_INIT;
	for (size_t i = 0; i < plan->action_count; i++)
		if (needs_reboot(&plan->actions[i]))
			strv_add(&packages, plan->actions[i].package);
	return packages.count ? reboot_require(root, &packages, err) : 0;
}

static void reboot_words(const struct pkgmgr *m, const struct host_policy *policy,
			 struct strv *words)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *reason = NULL;
	_cleanup_free_ char *window = day_window_format(&policy->reboot);
	struct utsname kernel;
	if (uname(&kernel) < 0)
		return;
	if (reboot_reason(&m->root, kernel.release, &reason, &err) < 0)
		strv_addf(words, "nobody can tell whether a reboot is needed: %s", err.msg);
	if (!reason)
		return;
	if (!policy->reboot.is_set)
		strv_addf(words, "a reboot is needed: %s; the policy has no Reboot-Window", reason);
	else if (reboot_check_repeat(&m->root, reason, time(NULL), &err) < 0)
		strv_addf(words, "a reboot is needed, but %s", err.msg);
	else
		strv_addf(words, "a reboot is needed: %s; it waits for %s", reason, window);
}

static bool is_low(const char *dir, uint64_t min_bytes, uint64_t *free_bytes)
{
	struct statvfs fs;
	if (statvfs(dir, &fs) < 0)
		return false;
	*free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	return *free_bytes < min_bytes;
}

void care_keep_room(const struct pkgmgr *m, const struct site_list *list)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *dir = root_path(&m->root, "var/lib/waybill");
	uint64_t free_bytes = 0;
	if (is_low(dir, list->host.min_free_bytes, &free_bytes) &&
	    care_make_room(&m->root, list->host.min_free_bytes, &err) < 0)
		log_warn("%s", err.msg);
}

static void space_words(const struct pkgmgr *m, const struct host_policy *policy,
			struct strv *words)
{
	_cleanup_free_ char *dir = root_path(&m->root, "var/lib/waybill");
	uint64_t free_bytes = 0;
	if (!is_low(dir, policy->min_free_bytes, &free_bytes))
		return;
	_cleanup_free_ char *have = size_format(free_bytes);
	_cleanup_free_ char *want = size_format(policy->min_free_bytes);
	strv_addf(words, "the disk is filling up: %s are free below /var/lib/waybill, less than "
		  "Min-Free %s", have, want);
}

void care_words(const struct pkgmgr *m, const struct site_list *list, struct strv *words)
{
	reboot_words(m, &list->host, words);
	space_words(m, &list->host, words);
}
