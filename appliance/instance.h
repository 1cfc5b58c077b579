/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of state.db's table `instance`: what is wanted of each instance, what it is,
 * and what converge is in the middle of. Format: docs/spec/state-db.md */
#ifndef WAYBILL_INSTANCE_H
#define WAYBILL_INSTANCE_H

#include <stdint.h>

#include "common/err.h"
#include "common/state.h"
#include "common/strv.h"
#include "common/util.h"

enum wanted_state { WANTED_RUNNING, WANTED_STOPPED, WANTED_PAUSED, WANTED_REMOVED };

/* A version that took over and is not trusted yet. */
enum trial {
	TRIAL_NONE,
	TRIAL_GATE,   /* started; its checks have not all passed */
	TRIAL_WATCH,  /* they have; it must stay so for the appliance's Watch */
	TRIAL_REVERT, /* they did not: the one before is being put back */
};

enum health { HEALTH_UNKNOWN, HEALTH_GOOD, HEALTH_BAD };

struct instance {
	char *name;
	char *appliance;
	enum wanted_state wanted_state;
	char *wanted_version; /* the four: NULL if there is none */
	char *wanted_base;
	char *actual_version;
	char *actual_base; /* of the overlay; NULL also when a fresh overlay is wanted */
	char *step;	   /* under way, or NULL */
	char *note;	   /* why the last converge failed, or NULL */
	int64_t updated_at;
	/* The domain's name is made from it, and it names the directory below instances/.
	 * The instance's name, but for every other parallel upgrade: then "<name>@b". */
	char *unit;
	int64_t started_at; /* by converge, Unix seconds; 0: converge stopped it */
	char *ports;	    /* instead of the conf's Ports, or NULL */
	char *good_version; /* the last that stood its watch; NULL: none did yet */
	char *good_base;
	char *good_unit;
	enum trial trial;
	int64_t trial_since; /* Unix seconds: when this phase of the trial began */
	enum health health;
	char *health_reason; /* what the last round of checks saw amiss, or NULL */
	int64_t health_at;
	int64_t failures; /* rounds in a row that saw something amiss */
};

const char *trial_name(enum trial trial); /* "" for none */
const char *health_name(enum health health);
const char *wanted_state_name(enum wanted_state state);
int wanted_state_parse(const char *text, enum wanted_state *out, struct err *err) _must_check_;

struct instance *instance_new(const char *name);
void instance_free(struct instance *inst);
DEFINE_FREEP(struct instance, instance_free)

/* The unit that serves: a parallel upgrade takes over only once it is well. Borrowed, as *version, of
 * that unit, which may be NULL. */
const char *instance_serving_unit(const struct instance *inst, const char **version);

/* Errors: ERR_NOT_FOUND, with advice. */
int instance_load(struct state *state, const char *name, struct instance **out,
		  struct err *err) _must_check_;

/* The names of all instances, sorted. */
int instance_names(struct state *state, struct strv *out, struct err *err) _must_check_;

/* Write the row as it is here, in one transaction; updated_at becomes now. */
int instance_save(struct state *state, struct instance *inst, struct err *err) _must_check_;

/* Delete the row; a missing one is success. */
int instance_forget(struct state *state, const char *name, struct err *err) _must_check_;

/* Replace an owned string field: instance_set(&inst->note, "..."). value may be NULL. */
void instance_set(char **field, const char *value);

#endif
