/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an operator wants a site to have: the files musthave, mayhave, maynothave and
 * policy, which may be edited by hand and kept under version control. */
#ifndef WAYBILL_SITE_INPUT_H
#define WAYBILL_SITE_INPUT_H

#include <stdbool.h>

#include "common/err.h"
#include "common/site-list.h"
#include "common/strbuf.h"
#include "repo-tools/repo.h"

/* The three files' texts, in memory. */
struct site_input {
	struct strbuf text[LIST_KINDS];
	bool changed[LIST_KINDS];
};

void site_input_destroy(struct site_input *input);
#define _cleanup_site_input_ __attribute__((cleanup(site_input_destroy)))

int site_input_load(const struct repo *repo, const char *site, struct site_input *input,
		    struct err *err) _must_check_;

/* The list that the texts and the site's policy make, with serial 0, no dates and no
 * params. Errors: ERR_INPUT, with file and line, also when the lists contradict. */
int site_input_parse(const struct repo *repo, const char *site, const struct site_input *input,
		     struct site_list **out, struct err *err) _must_check_;

/* Put a line into one list, in the place of one about the same name or pattern if there is
 * one, and take that out of the others. Other lines and comments, and one that says the
 * same, stay as they are. Errors: ERR_INPUT. */
int site_input_put(struct site_input *input, enum site_list_kind kind, const char *line,
		   struct err *err) _must_check_;

/* Take a name or pattern out of all lists. ERR_NOT_FOUND if it is in none. */
int site_input_drop(struct site_input *input, const char *pattern, struct err *err) _must_check_;

/* Write what has changed, `first` before the others: killed in between, a name is in
 * two lists, which is never signed, and not in none, which would remove it. */
int site_input_save(const struct repo *repo, const char *site, const struct site_input *input,
		    enum site_list_kind first, struct err *err) _must_check_;

#endif
