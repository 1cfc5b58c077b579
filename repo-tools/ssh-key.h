/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One OpenSSH public key, on its way into authorized_keys or known_hosts, where a
 * stray quote or newline would be somebody's way in. */
#ifndef WAYBILL_SSH_KEY_H
#define WAYBILL_SSH_KEY_H

#include <stdbool.h>

#include "common/err.h"

#define SSH_KEY_MAX_BYTES (16 * 1024)

/* "TYPE BASE64 [COMMENT]\n" -> "TYPE BASE64" (free it). Options in front of the type, a
 * second line, and a type that does not match what is encoded are errors.
 * Errors: ERR_INPUT, ERR_TOO_LARGE. */
int ssh_key_parse(const char *text, char **key, struct err *err) _must_check_;

/* "SHA256:" and 43 characters, as `ssh-keygen -l` and sshd's %f have it. */
#define SSH_KEY_FINGERPRINT_LEN 50

/* Of a key as ssh_key_parse() gives it. */
void ssh_key_fingerprint(const char *key, char fingerprint[SSH_KEY_FINGERPRINT_LEN + 1]);
/* Whether text is one in form. */
bool ssh_key_fingerprint_is_valid(const char *text);

#endif
