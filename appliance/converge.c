/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Look, take the first step that is needed, record it, do it, look again. What is needed
 * follows from what is there, not from where an earlier run stopped, so a rerun after a
 * death goes on by itself; the recorded step tells people (and later the health gate)
 * what was under way. */
#include "appliance/converge.h"

#include "appliance/base-store.h"
#include "appliance/port-forwards.h"
#include "appliance/steps.h"
#include "common/atomic-file.h"
#include "common/log.h"

/* What an instance is, as seen at one moment. */
struct situation {
	const struct instance *inst;
	enum domain_state domain;
	bool removed;         /* is wanted */
	bool retained;        /* the wanted version is in the store */
	bool overlay_current; /* there, and on the wanted version's base */
	bool disks_there;     /* data and swap, where the conf asks for them */
	bool domain_current;  /* defined from the settings that hold now */
	bool dir_there;       /* instances/<name> */
	bool broken;          /* its settings cannot be read: it may stop, and not start */
};

static bool is_up(const struct situation *s)
{
	return s->domain == DOMAIN_RUNNING || s->domain == DOMAIN_PAUSED;
}

static bool wants_up(const struct situation *s)
{
	return s->inst->wanted_state == WANTED_RUNNING ||
	       s->inst->wanted_state == WANTED_PAUSED;
}

static bool must_retain(const struct situation *s)
{
	return !s->removed && !s->retained;
}

/* To be replaced it stops only when all is there for the new one. */
static bool must_stop(const struct situation *s)
{
	bool replace = s->retained && (!s->overlay_current || !s->domain_current);
	return is_up(s) && (!wants_up(s) || replace);
}

static bool must_undefine(const struct situation *s)
{
	return s->removed && s->domain == DOMAIN_OFF;
}

static bool must_overlay(const struct situation *s)
{
	return !s->removed && !is_up(s) && !s->overlay_current;
}

static bool must_disks(const struct situation *s)
{
	return !s->removed && !is_up(s) && !s->disks_there;
}

static bool must_define(const struct situation *s)
{
	return !s->removed && !is_up(s) && !s->domain_current;
}

static bool must_start(const struct situation *s)
{
	return wants_up(s) && !is_up(s) && !s->broken;
}

static bool must_pause(const struct situation *s)
{
	return s->inst->wanted_state == WANTED_PAUSED && s->domain == DOMAIN_RUNNING;
}

static bool must_resume(const struct situation *s)
{
	return s->inst->wanted_state == WANTED_RUNNING && s->domain == DOMAIN_PAUSED;
}

static bool must_forget(const struct situation *s)
{
	return s->removed && s->domain == DOMAIN_ABSENT && !s->dir_there;
}

/* In this order; docs/spec/instance.md tells where the health gate's steps will stand. */
static const struct step {
	const char *name;
	bool needs_hypervisor;
	bool (*is_needed)(const struct situation *s);
	int (*run)(struct step_context *context, struct err *err);
} steps[] = {
	{ "stop", true, must_stop, step_stop },
	{ "retain", false, must_retain, step_retain },
	{ "undefine", true, must_undefine, step_undefine },
	{ "overlay", true, must_overlay, step_overlay },
	{ "disks", true, must_disks, step_disks },
	{ "define", true, must_define, step_define },
	{ "start", true, must_start, step_start },
	{ "pause", true, must_pause, step_pause },
	{ "resume", true, must_resume, step_resume },
	{ "forget", true, must_forget, step_forget },
};

static bool is_there(const struct host *host, const char *name, const char *file)
{
	_cleanup_free_ char *path = instance_path(&host->root, name, file);
	return file_exists(path);
}

static bool same(const char *a, const char *b)
{
	return a && b && str_eq(a, b);
}

/* The part that only an instance with a retained version has. */
static int look_at_files(struct step_context *c, struct situation *s, struct err *err)
{
	const struct instance *inst = c->inst;
	if (base_store_has(c->host, inst, &s->retained, err) < 0)
		return -1;
	if (!s->retained)
		return 0;
	settings_free(c->settings);
	c->settings = NULL;
	if (settings_load(c->host, inst->appliance, inst->wanted_version, &c->settings,
			  err) < 0)
		return -1;
	const struct appliance_conf *conf = c->settings->conf;
	s->overlay_current = same(inst->wanted_version, inst->actual_version) &&
			     same(inst->wanted_base, inst->actual_base) &&
			     is_there(c->host, inst->unit, OVERLAY_FILE);
	s->disks_there =
		(!conf->data_bytes || is_there(c->host, inst->unit, DATA_FILE)) &&
		(!conf->swap_bytes || is_there(c->host, inst->unit, SWAP_FILE));
	return 0;
}

/* What is wrong with an instance's own files goes to `why_broken`, and is no reason not
 * to stop it. */
static int look(struct step_context *c, struct situation *s, struct err *why_broken,
		struct err *err)
{
	*s = (struct situation){ .inst = c->inst, .domain = DOMAIN_ABSENT };
	s->removed = c->inst->wanted_state == WANTED_REMOVED;
	s->dir_there = is_there(c->host, c->inst->unit, "");
	struct domain_facts facts = { .state = DOMAIN_ABSENT };
	if (c->hv && domain_look(c->hv, c->domain, &facts, err) < 0)
		return -1;
	s->domain = facts.state;
	if (s->removed)
		return 0;
	if (!c->inst->wanted_version || !c->inst->wanted_base)
		return err_set(err, ERR_STATE,
			       "no version of %s is wanted; `appliance want %s` records the "
			       "installed one",
			       c->inst->name, c->inst->name);
	if (look_at_files(c, s, why_broken) < 0) {
		s->broken = s->retained = s->overlay_current = s->disks_there = true;
		s->domain_current = true;
		return 0;
	}
	s->domain_current = c->settings && str_eq(facts.digest, c->settings->digest) &&
			    is_there(c->host, c->inst->unit, SEED_FILE);
	return 0;
}

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

/* Each step once: what is needed again at once does not last. */
static int take_all_steps(struct step_context *c, struct err *err)
{
	uint32_t taken = 0;
	while (!c->forgotten) {
		struct situation s;
		_cleanup_err_ struct err why_broken = ERR_INIT;
		if (look(c, &s, &why_broken, err) < 0)
			return -1;
		const struct step *step = next_step(&s, c->hv != NULL);
		if (!step && s.broken && wants_up(&s))
			return err_set(err, why_broken.code, "%s", why_broken.msg);
		if (!step)
			return 0;
		uint32_t bit = UINT32_C(1) << (step - steps);
		if (taken & bit)
			return err_set(err, ERR_PROGRAM,
				       "%s: '%s' was done and did not last; the guest's last words "
				       "are in `appliance console --log %s`",
				       c->inst->name, step->name, c->inst->name);
		taken |= bit;
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

int converge_instance(struct host *host, struct hypervisor *hv, const char *name,
		      struct err *err)
{
	_cleanup_(instance_freep) struct instance *inst = NULL;
	if (instance_load(host->state, name, &inst, err) < 0)
		return -1;
	_cleanup_free_ char *domain = root_domain_name(&host->root, inst->unit);
	struct step_context context = {
		.host = host, .hv = hv, .inst = inst, .domain = domain
	};
	int result = take_all_steps(&context, err);
	settings_free(context.settings);
	if (result < 0) {
		record_failure(&context, err);
		return -1;
	}
	/* A step stays recorded when an earlier run died right after its effect. */
	if (context.forgotten || (!inst->note && !inst->step))
		return 0;
	instance_set(&inst->note, NULL);
	instance_set(&inst->step, NULL);
	return instance_save(host->state, inst, err);
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
	if (converge_instance(host, NULL, name, err) < 0 ||
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
		 struct err *err)
{
	_cleanup_err_ struct err no_hv = ERR_INIT, forwards = ERR_INIT;
	_cleanup_(hypervisor_freep) struct hypervisor *hv = NULL;
	if (hypervisor_open(host->libvirt_uri, &hv, &no_hv) < 0)
		log_debug("%s", no_hv.msg);
	for (size_t i = 0; i < names->count; i++) {
		_cleanup_err_ struct err one = ERR_INIT;
		int result = hv ? converge_instance(host, hv, names->items[i], &one)
				: converge_without(host, names->items[i], &no_hv, &one);
		if (result < 0)
			report(&one, start_only, err);
	}
	if (hv && port_forwards_sync(host, hv, &forwards) < 0)
		report(&forwards, start_only, err);
	return err->code == ERR_NONE ? 0 : -1;
}

int converge_one(struct host *host, const char *name, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	strv_add(&names, name);
	return converge_run(host, &names, false, err);
}
