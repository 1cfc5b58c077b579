/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the operator reads about tokens and machines: sentences, and JSON. */
#ifndef WAYBILL_ENROL_WORDS_H
#define WAYBILL_ENROL_WORDS_H

#include <json-c/json.h>

#include "common/strv.h"
#include "repo-tools/enrolment.h"

/* "SHA256:..., serial S, Product, 52:54:..." made printable; free it. */
char *enrol_describe_machine(const struct enrolment_machine *machine);

/* A sentence for each thing about this site that the operator must decide or know: a
 * machine that waits, a stick that was copied. NULL: about machines that have no site. */
void enrol_words(const struct enrolment *e, const char *site, struct strv *words);

struct json_object *enrol_machine_to_json(const struct enrolment_machine *machine);
/* The machine, who waits or was refused, and unused tokens of a site. */
struct json_object *enrol_site_to_json(const struct enrolment *e, const char *site);

/* "one stick, unused, expires ..." for each token of the site that nobody has used yet. */
void enrol_token_words(const struct enrolment *e, const char *site, struct strv *words);

#endif
