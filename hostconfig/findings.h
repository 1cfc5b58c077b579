/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What waybill-host-check found. Format: docs/spec/host-config.md */
#ifndef HOSTCONFIG_FINDINGS_H
#define HOSTCONFIG_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

enum result { RESULT_OK, RESULT_WARNING, RESULT_PROBLEM, RESULT_SKIPPED };

struct finding {
	const char *check;	/* borrowed: of the table of checks */
	enum result result;
	char *text;
	char *advice;		/* or NULL */
};

struct findings {
	struct finding *items;
	size_t count;
	const char *check;	/* of what is added */
};

void findings_destroy(struct findings *findings);

/* Append a sentence; nobody is advised until findings_advise() follows. */
void findings_add(struct findings *findings, enum result result, const char *fmt, ...)
	_printf_(3, 4);
/* What to do about the last one. */
void findings_advise(struct findings *findings, const char *fmt, ...) _printf_(2, 3);

/* Has anything of this check gone beyond a warning? */
bool findings_problem(const struct findings *findings, const char *check);

void findings_print(const struct findings *findings);
void findings_print_json(const struct findings *findings);

#endif
