/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Look, take the first step that is needed, record it, do it, look again. What is needed
 * follows from what is there, not from where an earlier run stopped, so a rerun after a
 * death goes on by itself; the recorded step tells people what was under way. */
#include "appliance/converge.h"

#include "appliance/port-forwards.h"
#include "appliance/screen-agent.h"
#include "appliance/situation.h"
#include "appliance/steps.h"
#include "appliance/watch-due.h"
#include "common/log.h"

static bool is_up(enum domain_state state)
{
	return state == DOMAIN_RUNNING || state == DOMAIN_PAUSED;
}

static bool wants_up(const struct situation *s)
{
	return s->inst->wanted_state == WANTED_RUNNING ||
	       s->inst->wanted_state == WANTED_PAUSED;
}

static bool on_trial(const struct situation *s)
{
	return s->inst->trial == TRIAL_GATE || s->inst->trial == TRIAL_WATCH;
}

static bool reverting(const struct situation *s)
{
	return s->inst->trial == TRIAL_REVERT;
}

/* The version that is here is another than the wanted one. */
static bool is_other_version(const struct situation *s)
{
	const struct instance *inst = s->inst;
	return inst->actual_version && (!str_same(inst->actual_version, inst->wanted_version) ||
					!str_same(inst->actual_base, inst->wanted_base));
}

/* What is here is what last stood its watch. */
static bool is_good(const struct instance *inst)
{
	return str_same(inst->actual_version, inst->good_version) &&
	       str_same(inst->actual_base, inst->good_base);
}

static bool is_parallel_trial(const struct situation *s)
{
	return s->inst->good_unit && !str_eq(s->inst->good_unit, s->inst->unit);
}

static bool must_condemn(const struct situation *s)
{
	return !s->removed && on_trial(s) && s->verdict == VERDICT_SICK &&
	       s->inst->good_version && !is_good(s->inst) && !is_other_version(s);
}

/* Something else is wanted while a version is on trial: one that was not yet well goes,
 * one that was is taken as it is. */
static bool must_supersede(const struct situation *s)
{
	return !s->removed && !s->broken && s->retained && on_trial(s) &&
	       is_other_version(s) && s->inst->good_version && !is_good(s->inst);
}

static bool must_settle(const struct situation *s)
{
	return s->inst->trial == TRIAL_WATCH && !s->removed && s->watch_is_over &&
	       s->verdict == VERDICT_WELL;
}

/* A version that stays beside the old one takes no stop of it. */
static bool must_fork(const struct situation *s)
{
	return s->parallel && s->retained && !s->removed && s->inst->trial == TRIAL_NONE &&
	       s->inst->wanted_state == WANTED_RUNNING && s->domain == DOMAIN_RUNNING &&
	       is_other_version(s) && is_good(s->inst) && s->other_domain == DOMAIN_ABSENT &&
	       !s->other_there;
}

/* To be replaced it stops only when all is there for the new one. */
static bool must_stop(const struct situation *s)
{
	bool replace = s->retained && (!s->overlay_current || !s->domain_current);
	bool revert = reverting(s) && !is_parallel_trial(s);
	return is_up(s->domain) && (!wants_up(s) || replace || revert);
}

static bool must_retain(const struct situation *s)
{
	return !s->removed && !s->retained && !reverting(s);
}

static bool must_restore(const struct situation *s)
{
	return reverting(s) && !s->removed && (!is_up(s->domain) || is_parallel_trial(s));
}

/* What another upgrade left, once nothing can need it any more. */
static bool must_tidy(const struct situation *s)
{
	bool unneeded = s->inst->trial == TRIAL_NONE || s->removed;
	if (!unneeded || s->before == BEFORE_NONE)
		return false;
	return !is_up(s->domain) || (s->before == BEFORE_CHAINED && !s->merge_can_wait);
}

static bool must_begin(const struct situation *s)
{
	return !s->removed && !s->broken && s->retained && !is_up(s->domain) &&
	       s->inst->trial == TRIAL_NONE && is_other_version(s) && is_good(s->inst);
}

static bool must_snapshot(const struct situation *s)
{
	return s->inst->trial == TRIAL_GATE && !s->removed && !is_up(s->domain) &&
	       is_other_version(s) && is_good(s->inst) && !is_parallel_trial(s);
}

static bool must_undefine(const struct situation *s)
{
	return s->removed && s->domain == DOMAIN_OFF;
}

static bool must_overlay(const struct situation *s)
{
	return !s->removed && !is_up(s->domain) && !s->overlay_current;
}

static bool must_disks(const struct situation *s)
{
	return !s->removed && !is_up(s->domain) && !s->disks_there;
}

static bool must_define(const struct situation *s)
{
	return !s->removed && !is_up(s->domain) && !s->domain_current;
}

static bool must_start(const struct situation *s)
{
	return wants_up(s) && !is_up(s->domain) && !s->broken && !s->blocked;
}

static bool must_expire(const struct situation *s)
{
	return s->time_is_over && wants_up(s);
}

static bool must_pause(const struct situation *s)
{
	return s->inst->wanted_state == WANTED_PAUSED && s->domain == DOMAIN_RUNNING;
}

static bool must_resume(const struct situation *s)
{
	return s->inst->wanted_state == WANTED_RUNNING && s->domain == DOMAIN_PAUSED;
}

static bool must_commit(const struct situation *s)
{
	return s->inst->trial == TRIAL_GATE && s->verdict == VERDICT_WELL &&
	       s->overlay_current;
}

/* The other unit of a parallel upgrade has served, or failed. */
static bool must_retire(const struct situation *s)
{
	bool taken_over = s->inst->trial != TRIAL_GATE || s->removed;
	return taken_over && !reverting(s) && is_up(s->other_domain);
}

static bool must_clear_other(const struct situation *s)
{
	bool unneeded = s->inst->trial == TRIAL_NONE || s->removed;
	return unneeded && !is_up(s->other_domain) &&
	       (s->other_domain == DOMAIN_OFF || s->other_there);
}

static bool must_forget(const struct situation *s)
{
	return s->removed && s->domain == DOMAIN_ABSENT && !s->dir_there && !s->other_there;
}

/* In this order. docs/spec/instance.md has the same table in words, and
 * docs/ARCHITECTURE.md its picture. */
static const struct step {
	const char *name;
	bool needs_hypervisor;
	bool (*is_needed)(const struct situation *s);
	int (*run)(struct step_context *context, struct err *err);
} steps[] = {
	{ "condemn", false, must_condemn, step_condemn },
	{ "supersede", false, must_supersede, step_supersede },
	{ "settle", false, must_settle, step_settle },
	{ "expire", false, must_expire, step_expire },
	{ "fork", true, must_fork, step_fork },
	{ "stop", true, must_stop, step_stop },
	{ "retain", false, must_retain, step_retain },
	{ "restore", true, must_restore, step_restore },
	{ "tidy", false, must_tidy, step_tidy },
	{ "begin", true, must_begin, step_begin },
	{ "snapshot", true, must_snapshot, step_snapshot },
	{ "undefine", true, must_undefine, step_undefine },
	{ "overlay", true, must_overlay, step_overlay },
	{ "disks", true, must_disks, step_disks },
	{ "define", true, must_define, step_define },
	{ "start", true, must_start, step_start },
	{ "pause", true, must_pause, step_pause },
	{ "resume", true, must_resume, step_resume },
	{ "commit", false, must_commit, step_commit },
	{ "retire", true, must_retire, step_retire },
	{ "clear-other", true, must_clear_other, step_clear_other },
	{ "forget", true, must_forget, step_forget },
};

static const struct step *next_step(const struct situation *s, bool have_hypervisor)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i].is_needed(s))
			return !steps[i].needs_hypervisor || have_hypervisor ? &steps[i]
									     : NULL;
	return NULL;
}

/* Recorded before, so that what a death interrupted has a name; the row that step->run
 * changed is written after it. */
static int take_step(struct step_context *c, const struct step *step, struct err *err)
{
	log_debug("%s: %s", c->inst->name, step->name);
	instance_set(&c->inst->step, step->name);
	if (instance_save(c->host->state, c->inst, err) < 0)
		return -1;
	if (step->run(c, err) < 0)
		return err_prefix(err, "%s: %s", c->inst->name, step->name);
	if (c->forgotten)
		return 0;
	instance_set(&c->inst->step, NULL);
	return instance_save(c->host->state, c->inst, err);
}

/* Nothing is left to do; is all well? */
static int conclude(struct step_context *c, const struct situation *s,
		    const struct err *why_broken, struct err *err)
{
	const struct instance *inst = c->inst;
	c->waiting = s->domain == DOMAIN_RUNNING && inst->trial != TRIAL_WATCH &&
		     (s->verdict == VERDICT_PENDING ||
		      (c->started && c->settings && c->settings->conf->health_count > 0));
	if (c->asked && instance_save(c->host->state, c->inst, err) < 0)
		return -1;
	if (s->broken && wants_up(s))
		return err_set(err, why_broken->code, "%s", why_broken->msg);
	if (c->reverted_why)
		return err_set(err, ERR_REFUSED, "%s", c->reverted_why);
	if (s->verdict == VERDICT_SICK && on_trial(s))
		return err_set(err, ERR_INCONSISTENT,
			       "%s %s is not healthy: %s; there is no earlier version to go "
			       "back to",
			       inst->name, inst->actual_version, inst->health_reason);
	return 0;
}

/* What is needed again at once does not last, and no way is longer than the table twice. */
static int take_all_steps(struct step_context *c, struct err *err)
{
	const struct step *last = NULL;
	size_t taken = 0;
	while (!c->forgotten) {
		struct situation s;
		_cleanup_err_ struct err why_broken = ERR_INIT;
		if (situation_look(c, &s, &why_broken, err) < 0)
			return -1;
		const struct step *step = next_step(&s, c->hv != NULL);
		if (!step)
			return conclude(c, &s, &why_broken, err);
		if (step == last || taken > 2 * ARRAY_SIZE(steps))
			return err_set(err, ERR_PROGRAM,
				       "%s: '%s' was done and did not last; the guest's last words "
				       "are in `appliance console --log %s`",
				       c->inst->name, step->name, c->inst->name);
		last = step;
		taken++;
		c->moved = true;
		if (take_step(c, step, err) < 0)
			return -1;
	}
	return 0;
}

static void record_failure(struct step_context *c, const struct err *cause)
{
	_cleanup_err_ struct err err = ERR_INIT;
	instance_set(&c->inst->note, cause->msg);
	if (instance_save(c->host->state, c->inst, &err) < 0)
		log_warn("cannot record why %s failed: %s", c->inst->name, err.msg);
}

/* A step stays recorded when an earlier run died right after its effect; a note stays as
 * long as it is true. */
static int record_success(struct step_context *c, struct err *err)
{
	struct instance *inst = c->inst;
	_cleanup_free_ char *note =
		c->blocked_why ? xasprintf("waits: %s", c->blocked_why) : NULL;
	bool same = note ? str_same(note, inst->note) : !inst->note;
	if (c->forgotten || (same && !inst->step))
		return 0;
	instance_set(&inst->note, note);
	instance_set(&inst->step, NULL);
	return instance_save(c->host->state, inst, err);
}

int converge_instance(struct host *host, struct hypervisor *hv, const char *name,
		      struct converge_outcome *outcome, struct err *err)
{
	_cleanup_(instance_freep) struct instance *inst = NULL;
	*outcome = (struct converge_outcome){ 0 };
	if (instance_load(host->state, name, &inst, err) < 0)
		return -1;
	/* An earlier run died while it stopped the guest; the guest did not do it itself. */
	if (str_same(inst->step, "stop"))
		inst->started_at = 0;
	_cleanup_(step_context_destroy) struct step_context context = {
		.host = host, .hv = hv, .inst = inst
	};
	int result = take_all_steps(&context, err);
	*outcome = (struct converge_outcome){ .waiting = context.waiting,
					      .blocked = context.blocked_why != NULL,
					      .moved = context.moved };
	if (result < 0) {
		record_failure(&context, err);
		return -1;
	}
	return record_success(&context, err);
}

/* Without a hypervisor, what was never made a domain of needs no change of one. */
static int needs_domain(struct host *host, const char *name, bool *needs, struct err *err)
{
	_cleanup_(instance_freep) struct instance *inst = NULL;
	if (instance_load(host->state, name, &inst, err) < 0)
		return -1;
	*needs = inst->wanted_state != WANTED_REMOVED || inst->actual_version;
	return 0;
}

static int converge_without(struct host *host, const char *name, const struct err *reason,
			    struct err *err)
{
	bool needs;
	struct converge_outcome outcome;
	if (converge_instance(host, NULL, name, &outcome, err) < 0 ||
	    needs_domain(host, name, &needs, err) < 0)
		return -1;
	if (!needs)
		return 0;
	return err_set(err, ERR_NETWORK, "%s: waits for the next boot: %s", name,
		       reason->msg);
}

/* The first failure is returned, the others are said; start_only: all are said. */
static void report(const struct err *one, bool start_only, struct err *err)
{
	if (start_only || err->code != ERR_NONE)
		log_warn("%s", one->msg);
	else
		err_set(err, one->code, "%s", one->msg);
}

int converge_run(struct host *host, const struct strv *names, bool start_only,
		 struct converge_outcome *outcome, struct err *err)
{
	*outcome = (struct converge_outcome){ 0 };
	_cleanup_err_ struct err no_hv = ERR_INIT, forwards = ERR_INIT, due = ERR_INIT;
	_cleanup_(hypervisor_freep) struct hypervisor *hv = NULL;
	if (hypervisor_open(host->libvirt_uri, &hv, &no_hv) < 0)
		log_debug("%s", no_hv.msg);
	for (size_t i = 0; i < names->count; i++) {
		_cleanup_err_ struct err one = ERR_INIT, screen = ERR_INIT;
		struct converge_outcome its = { 0 };
		int result = hv ? converge_instance(host, hv, names->items[i], &its, &one)
				: converge_without(host, names->items[i], &no_hv, &one);
		outcome->waiting |= its.waiting;
		outcome->blocked |= its.blocked;
		outcome->moved |= its.moved;
		if (result < 0)
			report(&one, start_only, err);
		/* Before the next one, so that a screen can be seen while its guest boots. */
		if (hv && screen_agent_sync(host, hv, names->items[i], &screen) < 0)
			report(&screen, start_only, err);
	}
	outcome->waiting |= outcome->blocked && outcome->moved;
	if (hv && port_forwards_sync(host, hv, &forwards) < 0)
		report(&forwards, start_only, err);
	if (watch_due_write(host, &due) < 0)
		report(&due, start_only, err);
	return err->code == ERR_NONE ? 0 : -1;
}

int converge_one(struct host *host, const char *name, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct converge_outcome outcome;
	strv_add(&names, name);
	return converge_run(host, &names, false, &outcome, err);
}
