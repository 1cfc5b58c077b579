/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines for authorized_keys: what a key may do. Format: docs/spec/gate.md, "Keys" */
#ifndef WAYBILL_GATE_KEYS_H
#define WAYBILL_GATE_KEYS_H

#include "common/err.h"
#include "common/strbuf.h"
#include "repo-tools/repo.h"

/* sshd splits the command like a shell, so there are paths that cannot stand in it.
 * Errors: ERR_USAGE. */
int gate_keys_check_dir(const struct repo *repo, struct err *err) _must_check_;

/* Append the line that ties a site's key to the gate. */
void gate_keys_add_line(const struct repo *repo, const char *site, const char *key,
			struct strbuf *out);

/* What sshd's AuthorizedKeysCommand is to print for a key (its %f, %t, %k): the site's line,
 * or that of a key which may enrol; nothing for what is no key with that fingerprint.
 * Errors: ERR_USAGE, and of reading. */
int gate_keys_answer(const struct repo *repo, const char *fingerprint, const char *type,
		     const char *base64, struct strbuf *out, struct err *err) _must_check_;

#endif
