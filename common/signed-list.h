/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A site's list as it is stored at the site: signed, and checked each time it is read. */
#ifndef WAYBILL_SIGNED_LIST_H
#define WAYBILL_SIGNED_LIST_H

#include "common/root.h"
#include "common/site-list.h"

#define LIST_PATH "var/lib/waybill/site.list"
#define LIST_KEYS_PATH "etc/waybill/trust.d/site-list.gpg"

/* What is inside the signature, which must be by a key of this root's trust.d. For whom the
 * list is, and when, is the caller's to judge. Errors: ERR_SIGNATURE, ERR_EXPIRED, ERR_INPUT. */
int signed_list_parse(const struct root *root, const char *text, size_t len,
		      struct site_list **out, struct err *err) _must_check_;

/* The last good list. Errors: ERR_NOT_FOUND (none yet), and as above. */
int signed_list_load(const struct root *root, struct site_list **out,
		     struct err *err) _must_check_;

#endif
