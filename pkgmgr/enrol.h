/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How this machine becomes a site: key, token, answer. Source: docs/spec/enrolment.md, "At
 * the site"
 *
 * Crash-safety: Site is in pkgmgr.conf before the token goes, and the gate gives the same
 * key the same answer; so a run that dies anywhere is simply repeated. */
#ifndef PKGMGR_ENROL_H
#define PKGMGR_ENROL_H

#include <stdbool.h>

#include "common/enrol.h"
#include "pkgmgr/pkgmgr.h"

#define ENROL_ANSWER_PATH "var/lib/waybill/enrolment-answer"

/* Ask the gate to be let in; *answer (destroy it) is what it said, and with ENROL_ENROLLED
 * all is done. Nothing to do is ERR_NOT_FOUND: there is no token. Errors: ERR_NETWORK (try
 * again), ERR_REFUSED (by the gate: *answer is set; or the answer is not for us),
 * ERR_INPUT. */
int enrol_run(struct pkgmgr *m, struct enrol_answer *answer, struct err *err) _must_check_;

/* Whether there is a token, so that this is no site yet. */
bool enrol_is_due(const struct root *root);

/* What the gate said last; false: nothing, or it is not readable. Destroy *answer. */
bool enrol_last_answer(const struct root *root, struct enrol_answer *answer);

/* Put "Site: <site>" into the text of a pkgmgr.conf, whose other lines stay. */
void enrol_conf_set_site(const char *text, const char *site, struct strbuf *out);

#endif
