/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The private tree: one directory a site, with the operator's input, and what is
 * signed and served from it.
 *
 * sites/<site>/out is a link to .out.<serial>, a directory that is complete before the
 * link is renamed, so that site.list and its params are never from two serials.
 * Crash-safety: the serial is raised and durable before anything is signed with it, so
 * that none is used twice; a killed run skips one. */
#ifndef WAYBILL_SITE_H
#define WAYBILL_SITE_H

#include <stdbool.h>

#include "common/err.h"
#include "common/pgp.h"
#include "common/site-list.h"
#include "common/strv.h"
#include "repo-tools/repo.h"

/* "<repo>/private/sites/<site>/<formatted path>"; free it. */
char *site_path(const struct repo *repo, const char *site, const char *fmt, ...)
	_printf_(3, 4);

/* Errors: ERR_USAGE (no valid name), ERR_NOT_FOUND. */
int site_check(const struct repo *repo, const char *site, struct err *err) _must_check_;

/* A site with empty lists, not signed yet. ERR_EXISTS if it is there. */
int site_create(const struct repo *repo, const char *site, struct err *err) _must_check_;

/* All of it goes, the operator's input too. */
int site_remove(const struct repo *repo, const char *site, struct err *err) _must_check_;

/* The names of all sites, sorted, appended. */
int site_names(const struct repo *repo, struct strv *names, struct err *err) _must_check_;

/* The list as the operator's files say, with serial 0 and no dates or params.
 * Errors: ERR_INPUT, with file and line. */
int site_read_input(const struct repo *repo, const char *site, struct site_list **out,
		    struct err *err) _must_check_;

/* Sign what the operator's files say, with the next serial, and serve it. Returns the
 * serial in *serial (may be NULL). Errors: as site_read_input(), and of signing. */
int site_sign(const struct repo *repo, const char *site, uint64_t *serial,
	      struct err *err) _must_check_;

/* The same, unless the served list is in force and says what it would say: then that one
 * stays. *serial is the served one's in the end. *signed_anew: whether one was signed. */
int site_sign_if_changed(const struct repo *repo, const char *site, uint64_t *serial,
			 bool *signed_anew, struct err *err) _must_check_;

/* Whether `served`, from site_read_signed(), says what the operator's files and parameters
 * say, dates and serial apart, and the parameters that it names are served.
 * Errors: ERR_INCONSISTENT (they do not), ERR_INPUT. */
int site_check_served(const struct repo *repo, const char *site, const struct site_list *served,
		      struct err *err) _must_check_;

/* The served list, its signature verified with conf/trust/site-list.gpg. */
int site_read_signed(const struct repo *repo, const char *site, struct site_list **out,
		     struct pgp_signature *sig, struct err *err) _must_check_;

/* Set or replace the ssh key: one line of an OpenSSH public key file. Its comment and
 * options are not kept. Errors: ERR_INPUT. */
int site_set_key(const struct repo *repo, const char *site, const char *text,
		 struct err *err) _must_check_;

/* "ssh-ed25519 AAAA..." or NULL if the site has none yet; free it. */
int site_get_key(const struct repo *repo, const char *site, char **key,
		 struct err *err) _must_check_;

#endif
