/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/sync.h"

#include <sys/utsname.h>
#include <time.h>

#include "common/lock.h"
#include "common/log.h"
#include "pkgmgr/apt/apt.h"
#include "pkgmgr/care.h"
#include "pkgmgr/clock.h"
#include "pkgmgr/dpkg.h"
#include "pkgmgr/fetch.h"
#include "pkgmgr/deltas.h"
#include "pkgmgr/gate.h"
#include "pkgmgr/guard.h"
#include "pkgmgr/instances.h"
#include "pkgmgr/keep.h"
#include "pkgmgr/list.h"
#include "pkgmgr/quit.h"
#include "pkgmgr/record.h"
#include "pkgmgr/releases.h"
#include "pkgmgr/report.h"
#include "pkgmgr/trials.h"

/* Another sync may be fetching for hours; dpkg works for minutes. */
enum { LOCK_TIMEOUT_MS = 600 * 1000, DPKG_TIMEOUT_S = 1800 };

void sync_destroy(struct sync *sync)
{
	site_list_free(sync->list);
	plan_free(sync->plan);
	fetch_policy_destroy(&sync->policy);
	strv_destroy(&sync->notes);
	strv_destroy(&sync->attention);
}

int sync_make_plan(const struct pkgmgr *m, const struct site_list *list, struct plan **plan,
		   struct err *err)
{
	_cleanup_strv_ struct strv ours = STRV_INIT, bad = STRV_INIT;
	struct utsname kernel;
	if (record_read_origins(m->state, &ours, err) < 0 || trials_read_bad(m->state, &bad, err) < 0)
		return -1;
	if (uname(&kernel) < 0)
		return err_sys(err, "ask for the running kernel");
	struct apt_request request = { list, &ours, &bad, m->conf->origin, kernel.release };
	if (apt_plan(&request, plan, err) < 0 || trials_note(m->state, *plan, err) < 0)
		return -1;
	return guard_check(*plan, list, err);
}

/* What did not get installed is not ours. */
static int settle(const struct pkgmgr *m, struct err *err)
{
	struct dpkg_status status = { 0 };
	int rc = dpkg_status_read(&m->root, &status, err);
	if (rc == 0)
		rc = record_settle(m->state, &status.installed, err);
	dpkg_status_destroy(&status);
	return rc;
}

/* A package that cannot be configured must not keep away the version that mends it:
 * the sync goes on, and says at its end that it is still so. */
static void configure_all(struct sync *sync)
{
	_cleanup_err_ struct err err = ERR_INIT;
	log_event("sync-repair", "dpkg was interrupted; running dpkg --configure -a");
	if (dpkg_configure_all(&sync->m->root, &err) == 0)
		return;
	log_warn("%s", err.msg);
	sync->unrepaired = true;
}

/* What a killed sync or dpkg left: an orphaned dpkg is waited for, and the half-done is
 * configured. */
static int repair(struct sync *sync, struct err *err)
{
	const struct pkgmgr *m = sync->m;
	struct dpkg_status status = { 0 };
	if (dpkg_wait(&m->root, DPKG_TIMEOUT_S, err) < 0)
		return -1;
	int rc = dpkg_status_read(&m->root, &status, err);
	if (rc == 0 && status.needs_repair)
		configure_all(sync);
	dpkg_status_destroy(&status);
	return rc == 0 ? settle(m, err) : -1;
}

static int check_repaired(const struct sync *sync, struct err *err)
{
	struct dpkg_status status = { 0 };
	if (!sync->unrepaired)
		return 0;
	int rc = dpkg_status_read(&sync->m->root, &status, err);
	if (rc == 0 && status.needs_repair)
		rc = err_set(err, ERR_PROGRAM,
			     "dpkg cannot configure all packages ('dpkg --audit' names them); "
			     "publish a version that can be configured");
	dpkg_status_destroy(&status);
	return rc;
}

static int accept_list(struct sync *sync, struct err *err)
{
	int64_t now;
	if (clock_now(sync->m, &now, err) < 0 ||
	    list_accept(sync->m, now, &sync->list, err) < 0)
		return -1;
	log_event("list-accepted", "serial %llu, epoch %llu",
		  (unsigned long long)sync->list->serial, (unsigned long long)sync->list->epoch);
	return 0;
}

static int fetch_list(struct sync *sync, struct err *err)
{
	if (gate_fetch(sync->m, err) == 0)
		return 0;
	sync->offline = err->code == ERR_NETWORK;
	return -1;
}

static int refresh(struct sync *sync, struct err *err)
{
	int64_t now;
	uint64_t received = 0;
	_cleanup_free_ char *warning = NULL;
	int rc = apt_update(&sync->policy, &received, &warning, err);
	sync->received_bytes += received;
	if (rc < 0)
		return -1;
	if (warning && apt_is_untimely(warning))
		sync->untimely = true;
	if (warning) {
		log_warn("%s; the indexes of before are used", warning);
		strv_add(&sync->notes, warning);
	}
	return clock_now(sync->m, &now, err) < 0
		       ? -1
		       : releases_check(sync->m, sync->list, now, err);
}

/* The gate's time, if the clock is wrong; false: it is not, or cannot be helped. */
static bool correct_clock(struct sync *sync)
{
	_cleanup_err_ struct err unknown = ERR_INIT;
	bool stepped = false;
	if (clock_correct(sync->m, &sync->notes, &stepped, &unknown) < 0)
		log_warn("%s", unknown.msg);
	return stepped;
}

/* What the step that is done again had noted. */
static void forget_notes(struct strv *notes, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		free(notes->items[i]);
	for (size_t i = to; i <= notes->count && to > from; i++)
		notes->items[from + i - to] = notes->items[i];
	notes->count -= to - from;
}

/* A step that judges signed dates. What it refuses by a wrong clock is tried once more by the
 * right one; what is old by its serial or by the floor stays refused. */
static int by_the_right_clock(struct sync *sync, int (*step)(struct sync *, struct err *),
			      struct err *err)
{
	size_t before = sync->notes.count;
	sync->untimely = false;
	int rc = step(sync, err);
	size_t after = sync->notes.count;
	bool suspect = rc < 0 ? err_exit_code(err) == EXIT_REFUSED : sync->untimely;
	if (!suspect || !correct_clock(sync))
		return rc;
	err_clear(err);
	forget_notes(&sync->notes, before, after);
	return step(sync, err);
}

static int get_list(struct sync *sync, struct err *err)
{
	bool impossible = false;
	if (clock_is_impossible(sync->m, &impossible, err) < 0)
		return -1;
	if (impossible)
		correct_clock(sync);
	return fetch_list(sync, err) < 0 ? -1 : by_the_right_clock(sync, accept_list, err);
}

/* Bases that are only kept for a rollback go before a sync is given up. */
static int preflight(const struct root *root, const struct plan *plan, struct err *err)
{
	_cleanup_err_ struct err tight = ERR_INIT;
	uint64_t needed = 0;
	if (fetch_check_space(root, plan, &needed, &tight) == 0)
		return 0;
	if (tight.code != ERR_NO_SPACE)
		return err_set(err, tight.code, "%s", tight.msg);
	if (care_make_room(root, needed, err) < 0)
		return -1;
	return fetch_check_space(root, plan, &needed, err);
}

static int fetch(struct sync *sync, struct err *err)
{
	const struct root *root = &sync->m->root;
	_cleanup_err_ struct err unpruned = ERR_INIT;
	if (keep_prune(root, &sync->policy, 0, time(NULL), &unpruned) < 0)
		log_warn("%s", unpruned.msg);
	if (deltas_plan(root, &sync->policy, sync->plan, &sync->received_bytes, err) < 0 ||
	    fetch_prepare(root, sync->plan, err) < 0 || deltas_find(root, sync->plan, err) < 0 ||
	    preflight(root, sync->plan, err) < 0 ||
	    deltas_apply(root, &sync->policy, sync->plan, &sync->notes, &sync->received_bytes,
			 err) < 0)
		return -1;
	return fetch_packages(root, &sync->policy, sync->plan, &sync->received_bytes, err);
}

/* dpkg's locks are held. Whatever dpkg says, state.db then says what is installed;
 * err keeps the first failure. */
static int commit_locked(struct sync *sync, struct err *err)
{
	const struct pkgmgr *m = sync->m;
	if (record_intend(m->state, sync->plan, time(NULL), err) < 0 ||
	    fetch_rehash(sync->plan, err) < 0 ||
	    care_before_commit(&m->root, sync->plan, err) < 0)
		return -1;
	log_event("commit-start", "%zu changes", sync->plan->action_count);
	sync->committed = apt_commit(sync->plan, err) == 0;
	int settled = settle(m, err);
	return sync->committed && settled == 0 ? 0 : -1;
}

static int commit(struct sync *sync, struct err *err)
{
	if (!sync->plan->action_count) {
		sync->committed = true;
		return 0;
	}
	if (quit_check(err) < 0 || apt_lock(DPKG_TIMEOUT_S, err) < 0)
		return -1;
	int rc = commit_locked(sync, err);
	apt_unlock();
	_cleanup_err_ struct err unclean = ERR_INIT;
	/* What is installed must still be started. */
	if (rc == 0 && fetch_clean(&sync->m->root, &sync->policy, sync->plan, &unclean) < 0)
		log_warn("the cache keeps what it need not: %s", unclean.msg);
	return rc;
}

/* A version that had to be rolled back is a failure of this sync, though the site serves. */
static int converge(struct sync *sync, struct err *err)
{
	const struct pkgmgr *m = sync->m;
	_cleanup_strv_ struct strv words = STRV_INIT;
	_cleanup_err_ struct err unread = ERR_INIT;
	bool reverted = false;
	if (instances_converge(&m->root, &reverted, err) < 0)
		return -1;
	if (!reverted)
		return 0;
	if (trials_words(m->state, sync->plan, sync->committed, &words, &unread) < 0)
		log_warn("%s", unread.msg);
	_cleanup_free_ char *text = words.count ? strv_join(&words, "; ")
						 : xstrdup("'appliance list' says more");
	return err_set(err, ERR_PROGRAM,
		       "the packages are in place, but a version had to be rolled back: %s", text);
}

static int init(const struct pkgmgr *m, struct err *err)
{
	if (apt_init(&m->root, err) < 0)
		return -1;
	if (m->conf->fetch.proxy)
		apt_set_proxy(m->conf->fetch.proxy);
	return 0;
}

static int steps(struct sync *sync, struct err *err)
{
	const struct pkgmgr *m = sync->m;
	if (init(m, err) < 0 || repair(sync, err) < 0 || get_list(sync, err) < 0 ||
	    quit_check(err) < 0)
		return -1;
	fetch_policy_merge(&m->conf->fetch, &sync->list->fetch, &sync->policy);
	if (by_the_right_clock(sync, refresh, err) < 0 ||
	    sync_make_plan(m, sync->list, &sync->plan, err) < 0)
		return -1;
	for (size_t i = 0; i < sync->plan->notes.count; i++)
		log_warn("%s", sync->plan->notes.items[i]);
	if (fetch(sync, err) < 0 || commit(sync, err) < 0 || converge(sync, err) < 0)
		return -1;
	return check_repaired(sync, err);
}

/* Adds what went wrong while recording to `err` if nothing else went wrong. */
static void record(const struct sync *sync, int64_t id, struct err *err)
{
	_cleanup_err_ struct err second = ERR_INIT;
	_cleanup_free_ char *summary = err->code != ERR_NONE ? xstrdup(err->msg)
							      : plan_summary(sync->plan);
	uint64_t epoch = 0, serial = 0;
	int known = list_last_serial(sync->m, &epoch, &serial, &second);
	struct sync_record record = {
		.id = id,
		.ended_at = time(NULL),
		.exit_code = (int)err_exit_code(err),
		.serial = (int64_t)serial,
		.received_bytes = (int64_t)sync->received_bytes,
		.summary = summary,
	};
	if (known == 0 &&
	    (!sync->committed ||
	     record_actions(sync->m->state, id, sync->plan, &second) == 0) &&
	    record_end(sync->m->state, &record, &second) == 0)
		return;
	log_error("cannot record this sync: %s", second.msg);
	err_set(err, second.code, "cannot record this sync: %s", second.msg);
}

/* The reason is the error that main prints. */
static void log_end(const struct sync *sync, const struct err *err)
{
	if (err->code == ERR_NONE) {
		_cleanup_free_ char *summary = plan_summary(sync->plan);
		log_event("sync-done", "%s", summary);
	} else if (err_exit_code(err) == EXIT_REFUSED)
		log_event("sync-refused", "no package was changed");
	else
		log_event("sync-failed", "exit %d", (int)err_exit_code(err));
}

/* By the list in force, which is not one that was just refused. */
static void look_after_host(struct sync *sync)
{
	_cleanup_(site_list_freep) struct site_list *last = NULL;
	_cleanup_err_ struct err none = ERR_INIT;
	if (!sync->list && list_load(sync->m, &last, &none) < 0)
		log_debug("no policy: %s", none.msg);
	const struct site_list *list = sync->list ? sync->list : last;
	if (!list)
		return;
	care_keep_room(sync->m, list);
	care_words(sync->m, list, &sync->attention);
	for (size_t i = 0; i < sync->attention.count; i++)
		log_warn("%s", sync->attention.items[i]);
}

static int run_locked(struct sync *sync, struct err *err)
{
	int64_t id = 0;
	if (record_start(sync->m->state, time(NULL), &id, err) < 0)
		return -1;
	log_event("sync-start", "site %s", sync->m->conf->site);
	if (steps(sync, err) < 0)
		log_debug("stopped: %s", err->msg);
	record(sync, id, err);
	log_end(sync, err);
	look_after_host(sync);
	if (!sync->offline)
		report_send(sync, err);
	return err->code == ERR_NONE ? 0 : -1;
}

int sync_run(const struct pkgmgr *m, struct sync *sync, struct err *err)
{
	*sync = (struct sync){ .m = m };
	_cleanup_free_ char *path = root_path(&m->root, "var/lib/waybill/pkgmgr.lock");
	_cleanup_close_ int lock = lock_take(path, LOCK_TIMEOUT_MS, err);
	if (lock < 0)
		return err_prefix(err, "another sync runs");
	quit_watch_signals();
	return run_locked(sync, err);
}
