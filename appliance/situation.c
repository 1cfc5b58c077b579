/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/situation.h"

#include <time.h>

#include "appliance/base-store.h"
#include "appliance/nat.h"
#include "appliance/order.h"
#include "appliance/disks.h"
#include "appliance/host-kernel.h"
#include "common/atomic-file.h"
#include "common/console-log.h"
#include "common/log.h"

static bool is_there(const struct host *host, const char *unit, const char *file)
{
	_cleanup_free_ char *path = instance_path(&host->root, unit, file);
	return file_exists(path);
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
	if (settings_load(c->host, inst, inst->wanted_version, &c->settings,
			  err) < 0)
		return -1;
	const struct appliance_conf *conf = c->settings->conf;
	s->overlay_current = str_same(inst->wanted_version, inst->actual_version) &&
			     str_same(inst->wanted_base, inst->actual_base) &&
			     is_there(c->host, inst->unit, OVERLAY_FILE);
	/* A guest that runs keeps its kernel until it starts again. */
	if (conf->boot == BOOT_HOST_KERNEL &&
	    (s->domain == DOMAIN_ABSENT || s->domain == DOMAIN_OFF))
		s->overlay_current = s->overlay_current &&
				     host_kernel_is_current(c->host, inst->unit);
	s->disks_there =
		(!conf->data_bytes || is_there(c->host, inst->unit, DATA_FILE)) &&
		(!conf->swap_bytes || is_there(c->host, inst->unit, SWAP_FILE));
	s->parallel = conf->upgrade == UPGRADE_PARALLEL;
	return 0;
}

/* Where the guest's ports are: its address, or NULL for the host's forwards. */
static int guest_address(struct step_context *c, char address[NAT_ADDRESS_SIZE],
			 struct err *err)
{
	*address = '\0';
	if (c->settings->conf->network != NETWORK_NAT)
		return 0;
	return nat_address(c->host, c->hv, c->inst->unit, address, err);
}

static int ask_checks(struct step_context *c, struct health_round *round, struct err *err)
{
	char address[NAT_ADDRESS_SIZE];
	if (guest_address(c, address, err) < 0)
		return -1;
	return health_run(c->hv, c->domain, c->settings->conf, *address ? address : NULL,
			  round, err);
}

/* Whether there is a guest to ask, and it has had a moment since the last step. */
static bool is_time_to_ask(const struct step_context *c, const struct situation *s)
{
	const struct instance *inst = c->inst;
	if (!c->settings || !s->overlay_current || inst->wanted_state != WANTED_RUNNING ||
	    inst->trial == TRIAL_REVERT)
		return false;
	bool checks = c->settings->conf->health_count > 0;
	return s->domain == DOMAIN_RUNNING &&
	       (checks ? !c->started : inst->trial != TRIAL_NONE);
}

/* A version on trial that switched itself off, or crashed. */
static bool has_ended(const struct step_context *c, const struct situation *s,
		      const struct domain_facts *facts)
{
	const struct instance *inst = c->inst;
	bool on_trial = inst->trial == TRIAL_GATE || inst->trial == TRIAL_WATCH;
	return on_trial && inst->wanted_state == WANTED_RUNNING && s->overlay_current &&
	       s->domain == DOMAIN_OFF && inst->started_at > 0 && facts->ended_by_itself;
}

static int judge(struct step_context *c, struct situation *s,
		 const struct domain_facts *facts, struct err *err)
{
	bool ended = has_ended(c, s, facts);
	if (c->asked || (!ended && !is_time_to_ask(c, s))) {
		s->verdict = c->verdict;
		return 0;
	}
	health_round_destroy(&c->round);
	if (!ended && ask_checks(c, &c->round, err) < 0)
		return -1;
	_cleanup_free_ char *console =
		instance_path(&c->host->root, c->inst->unit, CONSOLE_FILE);
	_cleanup_free_ char *panic = console_log_panic(console);
	const struct trial_moment moment = {
		.now = time(NULL),
		.started_at = facts->started_at,
		.ended_by_itself = ended,
		.panic = panic,
	};
	c->asked = true;
	enum health before = c->inst->health;
	c->verdict = s->verdict = trial_judge(c->inst, &c->round, &moment);
	c->moved |= c->inst->health == HEALTH_GOOD && before != HEALTH_GOOD;
	return 0;
}

/* "<name>" or "<name>@b": the one that c->inst->unit is not. */
static char *other_unit(const struct instance *inst)
{
	return str_eq(inst->unit, inst->name) ? xasprintf("%s@b", inst->name)
					      : xstrdup(inst->name);
}

static int look_at_other(struct step_context *c, struct situation *s, struct err *err)
{
	free(c->other_unit);
	c->other_unit = other_unit(c->inst);
	s->other_there = is_there(c->host, c->other_unit, "");
	if (!c->hv)
		return 0;
	_cleanup_free_ char *domain = root_domain_name(&c->host->root, c->other_unit);
	struct domain_facts facts;
	if (domain_look(c->hv, domain, &facts, err) < 0)
		return -1;
	s->other_domain = facts.state;
	return 0;
}

static int look_at_domain(struct step_context *c, struct situation *s,
			  struct domain_facts *facts, struct err *err)
{
	free(c->domain);
	c->domain = root_domain_name(&c->host->root, c->inst->unit);
	*facts = (struct domain_facts){ .state = DOMAIN_ABSENT };
	if (c->hv && domain_look(c->hv, c->domain, facts, err) < 0)
		return -1;
	s->domain = facts->state;
	return 0;
}

/* Only what is about to start waits; but an upgrade has waited before, and the service that it
 * interrupts must not stay away. */
static int look_at_order(struct step_context *c, struct situation *s, struct err *err)
{
	bool upgrade = c->stopped || (c->inst->trial == TRIAL_GATE && c->inst->good_version);
	free(c->blocked_why);
	c->blocked_why = NULL;
	bool starts = c->inst->wanted_state == WANTED_RUNNING ||
		      c->inst->wanted_state == WANTED_PAUSED;
	bool up = s->domain == DOMAIN_RUNNING || s->domain == DOMAIN_PAUSED;
	if (!c->hv || !c->settings || up || !starts || upgrade)
		return 0;
	if (order_blocked(c->host, c->hv, c->inst->name, c->settings->conf, &c->blocked_why,
			  err) < 0)
		return -1;
	s->blocked = c->blocked_why != NULL;
	return 0;
}

static bool time_is_over(const struct step_context *c, const struct domain_facts *facts)
{
	uint32_t limit = c->settings ? c->settings->conf->time_limit_seconds : 0;
	return limit > 0 && facts->state == DOMAIN_RUNNING && facts->started_at > 0 &&
	       time(NULL) >= facts->started_at + (int64_t)limit;
}

int situation_look(struct step_context *c, struct situation *s, struct err *why_broken,
		   struct err *err)
{
	struct domain_facts facts;
	*s = (struct situation){ .inst = c->inst, .merge_can_wait = c->merge_can_wait };
	s->removed = c->inst->wanted_state == WANTED_REMOVED;
	s->dir_there = is_there(c->host, c->inst->unit, "");
	s->before = before_look(&c->host->root, c->inst->unit);
	if (look_at_domain(c, s, &facts, err) < 0 || look_at_other(c, s, err) < 0)
		return -1;
	if (s->removed)
		return 0;
	if (!c->inst->wanted_version || !c->inst->wanted_base)
		return err_set(err, ERR_INCONSISTENT,
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
	s->watch_is_over =
		c->settings && trial_watch_is_over(c->inst, c->settings->conf->watch_seconds,
						   time(NULL));
	s->time_is_over = time_is_over(c, &facts);
	if (look_at_order(c, s, err) < 0)
		return -1;
	return judge(c, s, &facts, err);
}
