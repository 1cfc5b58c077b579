/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sites/<site>/params/<appliance>: what one site's instance of an appliance is told.
 * Format: docs/spec/site-list.md, "Parameters". */
#ifndef WAYBILL_SITE_PARAM_H
#define WAYBILL_SITE_PARAM_H

#include "common/err.h"
#include "common/site-list.h"
#include "common/strbuf.h"
#include "common/strv.h"
#include "repo-tools/repo.h"

/* Appliances that have parameters at this site, sorted, appended. */
int site_param_names(const struct repo *repo, const char *site, struct strv *names,
		     struct err *err) _must_check_;

/* The file's text, checked; empty if there is none. Errors: ERR_INPUT, ERR_TOO_LARGE. */
int site_param_read(const struct repo *repo, const char *site, const char *appliance,
		    struct strbuf *text, struct err *err) _must_check_;

/* Check each parameter file, copy it into the directory `copy_dir` unless that is NULL, and
 * append its hash to list->params. Errors: as site_param_read(), and of writing. */
int site_param_list(const struct repo *repo, const char *site, const char *copy_dir,
		    struct site_list *list, struct err *err) _must_check_;

/* Set NAME=VALUE where it stands or at the end; an empty value takes NAME out, and the last one the file.
 * Errors: ERR_USAGE, ERR_INPUT. */
int site_param_set(const struct repo *repo, const char *site, const char *appliance,
		   const char *const *assignments, struct err *err) _must_check_;

/* The text with one assignment done, for site_param_set(). */
int site_param_edit(const char *text, size_t len, const char *assignment, const char *origin,
		    struct strbuf *out, struct err *err) _must_check_;

#endif
