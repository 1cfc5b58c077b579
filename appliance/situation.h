/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an instance is, as seen at one moment: all that converge's table asks about. */
#ifndef WAYBILL_SITUATION_H
#define WAYBILL_SITUATION_H

#include "appliance/before.h"
#include "appliance/steps.h"
#include "appliance/trial.h"

struct situation {
	const struct instance *inst;
	enum domain_state domain;
	bool removed;	      /* is wanted */
	bool retained;	      /* the wanted version is in the store */
	bool overlay_current; /* there, and on the wanted version's base */
	bool disks_there;     /* data and swap, where the conf asks for them */
	bool domain_current;  /* defined from the settings that hold now */
	bool dir_there;	      /* instances/<unit> */
	bool broken;	      /* its settings cannot be read: it may stop, and not start */
	bool parallel;	      /* the wanted version comes up beside the old one */
	enum before_state before;
	bool merge_can_wait;  /* this hypervisor cannot merge a disk that is in use */
	/* The unit that is not in use, or no longer: of a parallel upgrade. */
	enum domain_state other_domain;
	bool other_there; /* has a directory */
	bool blocked;	  /* by what its Start-After names */
	bool time_is_over; /* its Time-Limit */
	enum verdict verdict;
	bool watch_is_over;
};

/* Look at c->inst. What is wrong with an instance's own files goes to `why_broken`, and is
 * no reason not to stop it. Asks the guest's checks, once for each context, and then
 * updates c->inst's health, which the caller saves. */
int situation_look(struct step_context *c, struct situation *s, struct err *why_broken,
		   struct err *err) _must_check_;

#endif
