/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenPGP through gpgme: signing with the operator's agent, verifying against
 * key files and nothing else. Only this module sees <gpgme.h>. */
#ifndef WAYBILL_PGP_H
#define WAYBILL_PGP_H

#include <stdint.h>

#include "common/err.h"
#include "common/strbuf.h"
#include "common/util.h"

/* A fingerprint in hexadecimal, NUL-terminated. */
#define PGP_FPR_SIZE 65

struct pgp_signature {
	char fpr[PGP_FPR_SIZE];	/* primary key that made the signature */
	int64_t made_at;	/* Unix seconds */
};

/* Sign `text` with the secret key `key` (fingerprint or user ID) of the user's
 * keyring; gpg-agent asks for what it needs. Output replaces *out.
 * Errors: ERR_NOT_FOUND (no such key), ERR_SIGNATURE (signing failed). */
int pgp_clearsign(const char *key, const char *text, size_t len, struct strbuf *out,
		  struct err *err) _must_check_;

/* For more than one signature by the same key, which is then looked up once. The
 * detached one is armored. Errors: as pgp_clearsign(). */
struct pgp_signer;
int pgp_signer_open(const char *key, struct pgp_signer **out, struct err *err) _must_check_;
void pgp_signer_free(struct pgp_signer *signer);
DEFINE_FREEP(struct pgp_signer, pgp_signer_free)
int pgp_signer_clearsign(struct pgp_signer *signer, const char *text, size_t len,
			 struct strbuf *out, struct err *err) _must_check_;
int pgp_signer_detach(struct pgp_signer *signer, const char *text, size_t len,
		      struct strbuf *out, struct err *err) _must_check_;

/* Make a signing key without a passphrase for `user_id`, for `imagerepo init`. */
int pgp_generate_key(const char *user_id, char fpr[PGP_FPR_SIZE], struct err *err) _must_check_;
/* The public key, binary (for Signed-By and trust.d). */
int pgp_export_key(const char *key, struct strbuf *out, struct err *err) _must_check_;
/* The fingerprint of the secret key that `key_id` (fingerprint, user ID or a part
 * of one) names. Errors: ERR_NOT_FOUND (none, or more than one). */
int pgp_find_key(const char *key_id, char fpr[PGP_FPR_SIZE], struct err *err) _must_check_;

/* Check a clearsigned message against exactly the keys in `key_files` (a
 * NULL-terminated list of key files, binary or armored), in a keyring of its
 * own. Only what is inside the signature comes out, in *out: text before and
 * after the block is an error too, and so is a second block. `sig` may be NULL.
 * Errors: ERR_SIGNATURE (unsigned, altered, unknown or revoked key, text around
 * the block), ERR_EXPIRED (the key's time is over), ERR_NOT_FOUND (no key file). */
int pgp_verify_clearsigned(const char *const *key_files, const char *text, size_t len,
			   struct strbuf *out, struct pgp_signature *sig,
			   struct err *err) _must_check_;

/* The same for `text` and a detached signature (Release and Release.gpg). `sig` may
 * be NULL. */
int pgp_verify_detached(const char *const *key_files, const char *text, size_t len,
			const char *signature, size_t signature_len, struct pgp_signature *sig,
			struct err *err) _must_check_;

#endif
