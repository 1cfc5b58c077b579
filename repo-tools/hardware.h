/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sites/<site>/hardware: which machine the operator expects to become a site, and which
 * site a machine is by that. Format: docs/spec/enrolment.md, "Hardware" */
#ifndef WAYBILL_HARDWARE_H
#define WAYBILL_HARDWARE_H

#include <stdbool.h>

#include "common/enrol.h"
#include "repo-tools/repo.h"

struct hardware {
	char *site;
	char *serial;		/* or NULL */
	struct strv macs;	/* lower case */
	bool has_machine;	/* the site has a key already */
};

/* One for each site, also for those of which nothing is written down. */
struct hardware_list {
	struct hardware *sites;
	size_t count;
};

void hardware_list_destroy(struct hardware_list *list);
#define _cleanup_hardware_list_ __attribute__((cleanup(hardware_list_destroy)))
int hardware_list_load(const struct repo *repo, struct hardware_list *list,
		       struct err *err) _must_check_;

/* Borrowed, or NULL. */
const struct hardware *hardware_of_site(const struct hardware_list *list, const char *site);

/* What is written down for one site, or (both empty) nothing. */
void hardware_destroy(struct hardware *hardware);
int hardware_read(const struct repo *repo, const char *site, struct hardware *out,
		  struct err *err) _must_check_;
/* Errors: ERR_USAGE (a serial that many boards carry, no MAC), ERR_EXISTS (it is another
 * site's already). An empty one takes away what was written down. */
int hardware_write(const struct repo *repo, const struct hardware *hardware,
		   struct err *err) _must_check_;

/* The one site without a machine whose hardware this is; else NULL, and *why (free it) is
 * a sentence for the operator. */
const char *hardware_match(const struct hardware_list *list, const struct enrol_facts *facts,
			   char **why);

/* What boards carry that were given no serial. */
bool hardware_serial_is_junk(const char *serial);

#endif
