/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The effects of converge, one function each. Each may be repeated. */
#ifndef WAYBILL_STEPS_H
#define WAYBILL_STEPS_H

#include "appliance/disks.h"
#include "appliance/domain.h"
#include "appliance/host.h"
#include "appliance/instance.h"
#include "appliance/settings.h"
#include "appliance/trial.h"

struct step_context {
	struct host *host;
	struct hypervisor *hv; /* NULL: none answers */
	struct instance *inst; /* a step changes it, converge saves it */
	char *domain;	       /* of inst->unit */
	char *other_unit;      /* the one that inst->unit is not */
	struct settings *settings; /* of the wanted version, once that is retained */
	struct health_round round; /* the checks, once `asked` */
	bool asked;
	enum verdict verdict;
	bool stopped;	     /* by this run: what comes up in its place does not wait */
	bool started;	     /* by this run; its checks are for the next one */
	bool forgotten;	     /* the row has gone */
	bool merge_can_wait; /* a data disk could not be merged while in use */
	bool waiting;	     /* converge again in a moment */
	bool moved;	     /* a step was taken, or it became healthy */
	char *blocked_why;   /* what its start waits for, or NULL */
	char *reverted_why;  /* this run gave a version up */
};
void step_context_destroy(struct step_context *c);

/* Package -> store, so that what is wanted outlives dpkg's next unpack. */
int step_retain(struct step_context *c, struct err *err) _must_check_;
int step_stop(struct step_context *c, struct err *err) _must_check_;
int step_undefine(struct step_context *c, struct err *err) _must_check_;
/* A fresh overlay on the wanted base, and its kernel: the instance is of that version. */
int step_overlay(struct step_context *c, struct err *err) _must_check_;
/* Data and swap where they are missing. */
int step_disks(struct step_context *c, struct err *err) _must_check_;
/* Seed and domain XML from the settings. */
int step_define(struct step_context *c, struct err *err) _must_check_;
int step_start(struct step_context *c, struct err *err) _must_check_;
/* Its Time-Limit is over: it is to be stopped. */
int step_expire(struct step_context *c, struct err *err) _must_check_;
int step_pause(struct step_context *c, struct err *err) _must_check_;
int step_resume(struct step_context *c, struct err *err) _must_check_;

/* --- steps-trial.c: a version takes over, stays, or goes back ------------------------- */

/* The version on trial is marked bad, and the good one is wanted again. */
int step_condemn(struct step_context *c, struct err *err) _must_check_;
/* Another version is wanted than the one on trial: that goes back first, or, if it was
 * well before, counts as good. */
int step_supersede(struct step_context *c, struct err *err) _must_check_;
/* Its watch is over: the version is the good one. */
int step_settle(struct step_context *c, struct err *err) _must_check_;
/* The wanted version gets the other unit, and the old one runs on. */
int step_fork(struct step_context *c, struct err *err) _must_check_;
/* Disks as they were before the trial, or the unit that ran before it. */
int step_restore(struct step_context *c, struct err *err) _must_check_;
/* Merge the data disk; what was kept for a way back goes. */
int step_tidy(struct step_context *c, struct err *err) _must_check_;
/* From here on the wanted version is on trial. */
int step_begin(struct step_context *c, struct err *err) _must_check_;
/* The disks as they are, kept in before/. */
int step_snapshot(struct step_context *c, struct err *err) _must_check_;
/* It is well: from now on it is watched. */
int step_commit(struct step_context *c, struct err *err) _must_check_;
/* The ports go to the unit that serves; the other one stops. */
int step_retire(struct step_context *c, struct err *err) _must_check_;
/* Nothing of the other unit stays. */
int step_clear_other(struct step_context *c, struct err *err) _must_check_;

/* Nothing is left of a removed instance: its row goes. */
int step_forget(struct step_context *c, struct err *err) _must_check_;

#endif
