/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a machine with a token becomes a site: the rules, without files or sockets.
 * Source: docs/spec/enrolment.md, "Tokens" */
#ifndef WAYBILL_ENROL_DECIDE_H
#define WAYBILL_ENROL_DECIDE_H

#include "common/enrol.h"
#include "repo-tools/enrolment.h"
#include "repo-tools/hardware.h"

/* Decide about a request of the key with `fingerprint`, which is no site's now. Changes `e`
 * accordingly; true: it is to be saved, and with ENROL_ENROLLED the key is then the
 * site's. *answer is to be destroyed. `now`: Unix seconds. */
bool enrol_decide(struct enrolment *e, const struct hardware_list *sites,
		  const struct enrol_request *request, const char *fingerprint, int64_t now,
		  struct enrol_answer *answer);

/* Which site's preseed a machine in the installer may have; NULL: none, and answer->reason
 * says why. Changes nothing. */
const char *enrol_decide_preseed(const struct enrolment *e, const struct hardware_list *sites,
				 const struct enrol_request *request, int64_t now,
				 struct enrol_answer *answer);

/* The machine becomes the site, and another that was it does not stay. */
void enrol_make_site(struct enrolment *e, struct enrolment_machine *machine, const char *site,
		     int64_t now);

#endif
