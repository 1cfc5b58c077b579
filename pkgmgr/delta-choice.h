/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which deltas make the wanted version out of the installed one for the fewest bytes.
 * Format: docs/spec/repository.md, "Deltas" */
#ifndef PKGMGR_DELTA_CHOICE_H
#define PKGMGR_DELTA_CHOICE_H

#include <stddef.h>

#include "pkgmgr/plan.h"

/* What the signed indexes offer. */
struct delta_offers {
	struct delta_offer {
		char *package, *old_version, *new_version;
		struct plan_delta delta;
	} *items;
	size_t count;
};

/* Add the stanzas of one index, whose Filenames are below `base_uri`. What is offered by
 * several servers becomes one with several URIs. Errors: ERR_INPUT, ERR_TOO_LARGE.
 * The bytes come from a signed index, but are parsed with care. */
int delta_offers_parse(const char *text, size_t len, const char *base_uri,
		       struct delta_offers *offers, struct err *err) _must_check_;
void delta_offers_destroy(struct delta_offers *offers);

/* Fill action->archive.deltas with one delta, or a chain of two, that together have fewer
 * bytes than the package; or leave it empty. */
void delta_choose(const struct delta_offers *offers, struct plan_action *action);

#endif
