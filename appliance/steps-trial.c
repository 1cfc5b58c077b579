/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The effects that make an upgrade a transaction; docs/spec/instance.md, "Trial". */
#include <time.h>

#include "appliance/bad-version.h"
#include "appliance/base-store.h"
#include "appliance/disks.h"
#include "appliance/before.h"
#include "appliance/nat.h"
#include "appliance/port-forwards.h"
#include "appliance/screen-agent.h"
#include "appliance/steps.h"
#include "common/atomic-file.h"
#include "common/console-log.h"
#include "common/log.h"

enum { CONSOLE_EVIDENCE_BYTES = 4096 };

/* --- going back -------------------------------------------------------------- */

/* "http:80/: connection refused, 124 s after its start" */
static char *sentence(const struct instance *inst)
{
	const char *seen = inst->health_reason ? inst->health_reason : "it was not healthy";
	long long now = (long long)time(NULL);
	if (inst->trial == TRIAL_WATCH)
		return xasprintf("%s, %lld s after it had become healthy", seen,
				 now - (long long)inst->trial_since);
	return xasprintf("%s, %lld s after its start", seen, now - (long long)inst->started_at);
}

/* What each failed check saw, and the guest's last words. */
static char *evidence(const struct step_context *c)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	_cleanup_free_ char *path =
		instance_path(&c->host->root, c->inst->unit, CONSOLE_FILE);
	_cleanup_free_ char *console = console_log_tail(path, CONSOLE_EVIDENCE_BYTES);
	for (size_t i = 0; i < c->round.count; i++) {
		const struct health_result *result = &c->round.results[i];
		if (result->ok)
			continue;
		strbuf_addf(&out, "%s\n", result->text);
		if (result->detail)
			strbuf_addf(&out, "%s\n", result->detail);
	}
	if (console)
		strbuf_addf(&out, "the end of its console log:\n%s", console);
	return xstrdup(out.len ? out.data : "");
}

/* Mark and row in one transaction: either it is bad and the good one is wanted, or not. */
static int save_condemned(struct step_context *c, const char *reason, const char *detail,
			  struct err *err)
{
	struct instance *inst = c->inst;
	if (state_begin(c->host->state, err) < 0)
		return -1;
	if (bad_version_mark(c->host->state, inst->appliance, inst->actual_version,
			     inst->actual_base, reason, detail, err) < 0) {
		state_rollback(c->host->state);
		return -1;
	}
	inst->trial = TRIAL_REVERT;
	instance_set(&inst->wanted_version, inst->good_version);
	instance_set(&inst->wanted_base, inst->good_base);
	if (instance_save(c->host->state, inst, err) < 0) {
		state_rollback(c->host->state);
		return -1;
	}
	return state_commit(c->host->state, err);
}

int step_condemn(struct step_context *c, struct err *err)
{
	struct instance *inst = c->inst;
	_cleanup_free_ char *reason = sentence(inst);
	_cleanup_free_ char *detail = evidence(c);
	free(c->reverted_why);
	c->reverted_why = xasprintf("%s %s was reverted, and %s runs again: %s", inst->name,
				    inst->actual_version, inst->good_version, reason);
	log_event("instance-revert", "%s", c->reverted_why);
	return save_condemned(c, reason, detail, err);
}

int step_supersede(struct step_context *c, struct err *err)
{
	struct instance *inst = c->inst;
	if (inst->trial == TRIAL_WATCH)
		return step_settle(c, err);
	log_event("instance-supersede", "%s %s was on trial; %s is wanted now", inst->name,
		  inst->actual_version, inst->wanted_version);
	inst->trial = TRIAL_REVERT;
	return 0;
}

int step_restore(struct step_context *c, struct err *err)
{
	struct instance *inst = c->inst;
	if (!str_eq(inst->unit, inst->good_unit))
		instance_set(&inst->unit, inst->good_unit);
	else if (before_restore(c->host, inst->unit, err) < 0)
		return -1;
	log_event("instance-version", "%s goes back from %s to %s", inst->name,
		  inst->actual_version ? inst->actual_version : "none", inst->good_version);
	instance_set(&inst->actual_version, inst->good_version);
	instance_set(&inst->actual_base, inst->good_base);
	inst->trial = TRIAL_NONE;
	inst->failures = 0;
	inst->health = HEALTH_UNKNOWN;
	instance_set(&inst->health_reason, NULL);
	return 0;
}

/* --- going on ---------------------------------------------------------------- */

int step_begin(struct step_context *c, struct err *err)
{
	(void)err;
	c->inst->trial = TRIAL_GATE;
	c->inst->trial_since = time(NULL);
	return 0;
}

int step_snapshot(struct step_context *c, struct err *err)
{
	if (before_make(c->host, c->inst->unit, err) < 0)
		return -1;
	instance_set(&c->inst->actual_version, NULL);
	instance_set(&c->inst->actual_base, NULL);
	return 0;
}

int step_fork(struct step_context *c, struct err *err)
{
	(void)err;
	struct instance *inst = c->inst;
	instance_set(&inst->good_unit, inst->unit);
	instance_set(&inst->unit, c->other_unit);
	instance_set(&inst->actual_version, NULL);
	instance_set(&inst->actual_base, NULL);
	inst->trial = TRIAL_GATE;
	inst->trial_since = time(NULL);
	return 0;
}

int step_commit(struct step_context *c, struct err *err)
{
	(void)err;
	log_event("instance-commit", "%s %s is healthy and takes over", c->inst->name,
		  c->inst->actual_version);
	c->inst->trial = TRIAL_WATCH;
	c->inst->trial_since = time(NULL);
	return 0;
}

/* A few stay, so that `rollback` and `run --as` have something to go to. */
static int drop_old_bases(struct step_context *c, struct err *err)
{
	unsigned count = 0;
	uint64_t freed_bytes = 0;
	return base_store_gc(c->host, c->host->keep_bases, &count, &freed_bytes, err);
}

/* A mark keeps a version from coming back for as long as it can. */
static int clear_stale_marks(struct step_context *c, struct err *err)
{
	const struct instance *inst = c->inst;
	_cleanup_strv_ struct strv marked = STRV_INIT, kept = STRV_INIT;
	if (bad_version_list(c->host->state, inst->appliance, &marked, err) < 0 ||
	    base_store_versions(c->host, inst->appliance, &kept, err) < 0)
		return -1;
	for (size_t i = 0; i < marked.count; i++)
		if (version_compare(marked.items[i], inst->actual_version) < 0 &&
		    !strv_contains(&kept, marked.items[i]) &&
		    bad_version_clear(c->host->state, inst->appliance, marked.items[i],
				      err) < 0)
			return -1;
	return 0;
}

int step_settle(struct step_context *c, struct err *err)
{
	struct instance *inst = c->inst;
	instance_set(&inst->good_version, inst->actual_version);
	instance_set(&inst->good_base, inst->actual_base);
	instance_set(&inst->good_unit, inst->unit);
	inst->trial = TRIAL_NONE;
	log_event("instance-settle", "%s %s stays", inst->name, inst->actual_version);
	if (instance_save(c->host->state, inst, err) < 0 || drop_old_bases(c, err) < 0)
		return -1;
	return clear_stale_marks(c, err);
}

/* --- what is left over ------------------------------------------------------- */

/* A disk that is in use is merged by the hypervisor, at no cost in service; where that
 * cannot be done it waits until the domain is off. */
static int merge_live(struct step_context *c, struct err *err)
{
	_cleanup_err_ struct err why = ERR_INIT;
	_cleanup_free_ char *below = before_path(&c->host->root, c->inst->unit, DATA_FILE);
	bool paused;
	if (domain_merge_data(c->hv, c->domain, below, &paused, &why) < 0) {
		log_debug("%s: its data disk is merged when it is off: %s", c->inst->name,
			  why.msg);
		c->merge_can_wait = true;
		return 0;
	}
	if (before_adopt_data(c->host, c->inst->unit, err) < 0)
		return -1;
	return paused ? domain_resume(c->hv, c->domain, err) : 0;
}

int step_tidy(struct step_context *c, struct err *err)
{
	struct domain_facts facts = { .state = DOMAIN_ABSENT };
	if (c->hv && domain_look(c->hv, c->domain, &facts, err) < 0)
		return -1;
	if (facts.state == DOMAIN_RUNNING || facts.state == DOMAIN_PAUSED)
		return merge_live(c, err);
	return before_drop(c->host, c->inst->unit, err);
}

int step_retire(struct step_context *c, struct err *err)
{
	_cleanup_free_ char *domain = root_domain_name(&c->host->root, c->other_unit);
	bool forced, polite = c->inst->trial == TRIAL_WATCH;
	if (port_forwards_sync(c->host, c->hv, err) < 0)
		return -1;
	log_event("instance-retire", "%s: what ran beside it stops", c->inst->name);
	return domain_stop(c->hv, domain, polite ? c->host->stop_timeout_ms : 0, &forced, err);
}

int step_clear_other(struct step_context *c, struct err *err)
{
	_cleanup_free_ char *domain = root_domain_name(&c->host->root, c->other_unit);
	_cleanup_free_ char *dir = instance_path(&c->host->root, c->other_unit, "");
	if (nat_leave(c->host, c->hv, c->other_unit, err) < 0 ||
	    domain_undefine(c->hv, domain, err) < 0 ||
	    screen_agent_stop(c->host, c->other_unit, err) < 0)
		return -1;
	return remove_tree(dir, err);
}
