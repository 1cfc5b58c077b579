/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The effects of converge, one function each. Each may be repeated. */
#ifndef WAYBILL_STEPS_H
#define WAYBILL_STEPS_H

#include "appliance/disks.h"
#include "appliance/domain.h"
#include "appliance/host.h"
#include "appliance/instance.h"
#include "appliance/settings.h"

struct step_context {
	struct host *host;
	struct hypervisor *hv; /* NULL: none answers */
	struct instance *inst; /* a step changes it, converge saves it */
	const char *domain;
	struct settings *settings; /* of the wanted version, once that is retained */
	bool forgotten;		   /* the row has gone */
};

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
int step_pause(struct step_context *c, struct err *err) _must_check_;
int step_resume(struct step_context *c, struct err *err) _must_check_;
/* Nothing is left of a removed instance: its row goes. */
int step_forget(struct step_context *c, struct err *err) _must_check_;

#endif
