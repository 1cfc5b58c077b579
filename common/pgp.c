/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/pgp.h"

#include <errno.h>
#include <gpgme.h>
#include <time.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/pgp-frame.h"

#define KEY_FILE_MAX_BYTES (1024 * 1024)

static void context_freep(gpgme_ctx_t *ctx)
{
	if (*ctx)
		gpgme_release(*ctx);
}

static void data_freep(gpgme_data_t *data)
{
	if (*data)
		gpgme_data_release(*data);
}

static void key_freep(gpgme_key_t *key)
{
	if (*key)
		gpgme_key_unref(*key);
}

/* gpgme's words, without its error source. */
static int pgp_fail(struct err *err, enum err_code code, gpgme_error_t reason, const char *what)
{
	return err_set(err, code, "%s: %s", what, gpgme_strerror(reason));
}

/* gpgme refuses everything, data objects included, until its version was asked for
 * once. It would then run gpgconf and gpgsm to learn about engines that we do not use:
 * four processes, a third of the time that signing a Release takes. */
static void start_gpgme(void)
{
	gpgme_set_global_flag("disable-gpgconf", "1");
	gpgme_check_version(NULL);
}

/* `home`: a keyring of its own, or NULL for the user's. */
static int context_new(const char *home, gpgme_ctx_t *ctx, struct err *err)
{
	start_gpgme();
	gpgme_error_t rc = gpgme_new(ctx);
	if (!rc)
		rc = gpgme_set_protocol(*ctx, GPGME_PROTOCOL_OpenPGP);
	if (!rc && home)
		rc = gpgme_ctx_set_engine_info(*ctx, GPGME_PROTOCOL_OpenPGP, NULL, home);
	if (rc)
		return pgp_fail(err, ERR_PROGRAM, rc, "cannot start GnuPG (is gpg installed?)");
	gpgme_set_offline(*ctx, 1);
	return 0;
}

static int data_from_memory(const void *bytes, size_t len, gpgme_data_t *data, struct err *err)
{
	start_gpgme();
	gpgme_error_t rc = gpgme_data_new_from_mem(data, bytes, len, 0);
	if (rc)
		return pgp_fail(err, ERR_SYSTEM, rc, "cannot hand data to GnuPG");
	return 0;
}

static int data_new(gpgme_data_t *data, struct err *err)
{
	gpgme_error_t rc = gpgme_data_new(data);
	if (rc)
		return pgp_fail(err, ERR_SYSTEM, rc, "cannot take data from GnuPG");
	return 0;
}

/* Move what gpgme wrote into `out`, replacing it. */
static void data_take(gpgme_data_t *data, struct strbuf *out)
{
	size_t len;
	gpgme_data_t taken = steal(data);
	char *bytes = gpgme_data_release_and_get_mem(taken, &len);
	strbuf_reset(out);
	strbuf_add(out, bytes ? bytes : "", bytes ? len : 0);
	gpgme_free(bytes);
}

static int add_signer(gpgme_ctx_t ctx, const char *key_id, struct err *err)
{
	_cleanup_(key_freep) gpgme_key_t key = NULL;
	gpgme_error_t rc = gpgme_get_key(ctx, key_id, &key, 1);
	if (rc)
		return err_set(err, ERR_NOT_FOUND,
			       "no secret key '%s' in the GnuPG keyring (%s); see "
			       "gpg --list-secret-keys, and GNUPGHOME if it lies elsewhere",
			       key_id, gpgme_strerror(rc));
	rc = gpgme_signers_add(ctx, key);
	if (rc)
		return pgp_fail(err, ERR_SIGNATURE, rc, key_id);
	return 0;
}

struct pgp_signer {
	char *key;
	gpgme_ctx_t ctx;
};

int pgp_signer_open(const char *key, struct pgp_signer **out, struct err *err)
{
	_cleanup_(pgp_signer_freep) struct pgp_signer *signer = xcalloc(1, sizeof(*signer));
	*out = NULL;
	signer->key = xstrdup(key);
	if (context_new(NULL, &signer->ctx, err) < 0 || add_signer(signer->ctx, key, err) < 0)
		return -1;
	gpgme_set_armor(signer->ctx, 1);
	*out = steal(&signer);
	return 0;
}

void pgp_signer_free(struct pgp_signer *signer)
{
	if (!signer)
		return;
	context_freep(&signer->ctx);
	free(signer->key);
	free(signer);
}

static int sign(struct pgp_signer *signer, gpgme_sig_mode_t mode, const char *text, size_t len,
		struct strbuf *out, struct err *err)
{
	_cleanup_(data_freep) gpgme_data_t plain = NULL;
	_cleanup_(data_freep) gpgme_data_t signature = NULL;
	if (data_from_memory(text, len, &plain, err) < 0 || data_new(&signature, err) < 0)
		return -1;
	gpgme_error_t rc = gpgme_op_sign(signer->ctx, plain, signature, mode);
	if (rc)
		return err_set(err, ERR_SIGNATURE,
			       "cannot sign with key %s: %s; does gpg-agent have access to it?",
			       signer->key, gpgme_strerror(rc));
	data_take(&signature, out);
	return 0;
}

int pgp_signer_clearsign(struct pgp_signer *signer, const char *text, size_t len,
			 struct strbuf *out, struct err *err)
{
	if (pgp_frame_check_text(text, len, err) < 0)
		return -1;
	return sign(signer, GPGME_SIG_MODE_CLEAR, text, len, out, err);
}

int pgp_signer_detach(struct pgp_signer *signer, const char *text, size_t len,
		      struct strbuf *out, struct err *err)
{
	return sign(signer, GPGME_SIG_MODE_DETACH, text, len, out, err);
}

int pgp_clearsign(const char *key, const char *text, size_t len, struct strbuf *out,
		  struct err *err)
{
	_cleanup_(pgp_signer_freep) struct pgp_signer *signer = NULL;
	if (pgp_signer_open(key, &signer, err) < 0)
		return -1;
	return pgp_signer_clearsign(signer, text, len, out, err);
}

int pgp_generate_key(const char *user_id, char fpr[PGP_FPR_SIZE], struct err *err)
{
	_cleanup_(context_freep) gpgme_ctx_t ctx = NULL;
	if (context_new(NULL, &ctx, err) < 0)
		return -1;
	gpgme_error_t rc = gpgme_op_createkey(ctx, user_id, "ed25519", 0, 0, NULL,
					      GPGME_CREATE_SIGN | GPGME_CREATE_NOPASSWD |
						      GPGME_CREATE_NOEXPIRE |
						      GPGME_CREATE_FORCE);
	gpgme_genkey_result_t result = rc ? NULL : gpgme_op_genkey_result(ctx);
	if (!result || !result->fpr)
		return err_set(err, ERR_PROGRAM, "cannot make a signing key for '%s': %s",
			       user_id, gpgme_strerror(rc));
	snprintf(fpr, PGP_FPR_SIZE, "%s", result->fpr);
	return 0;
}

int pgp_export_key(const char *key, struct strbuf *out, struct err *err)
{
	_cleanup_(context_freep) gpgme_ctx_t ctx = NULL;
	_cleanup_(data_freep) gpgme_data_t exported = NULL;
	if (context_new(NULL, &ctx, err) < 0 || data_new(&exported, err) < 0)
		return -1;
	gpgme_error_t rc = gpgme_op_export(ctx, key, GPGME_EXPORT_MODE_MINIMAL, exported);
	if (rc)
		return pgp_fail(err, ERR_NOT_FOUND, rc, key);
	data_take(&exported, out);
	if (out->len == 0)
		return err_set(err, ERR_NOT_FOUND, "no key '%s' in the GnuPG keyring", key);
	return 0;
}

int pgp_find_key(const char *key_id, char fpr[PGP_FPR_SIZE], struct err *err)
{
	_cleanup_(context_freep) gpgme_ctx_t ctx = NULL;
	if (context_new(NULL, &ctx, err) < 0 || add_signer(ctx, key_id, err) < 0)
		return -1;
	_cleanup_(key_freep) gpgme_key_t key = gpgme_signers_enum(ctx, 0);
	snprintf(fpr, PGP_FPR_SIZE, "%s", key->fpr);
	return 0;
}

/* ---- verifying: a keyring in a directory of its own, removed afterwards ---- */

/* gpgme does not wait for gpg to end, and a gpg that is ending may still remove its
 * lock files, which remove_tree() takes for "gone already": again until it is. */
static void home_removep(char **home)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	for (int attempt = 0; *home && attempt < 50; attempt++) {
		_cleanup_err_ struct err ignored = ERR_INIT;
		if (remove_tree(*home, &ignored) == 0 && !file_exists(*home))
			break;
		nanosleep(&pause, NULL);
	}
	free(*home);
}

/* gpg.conf keeps gpg from asking a trust database, a network or an agent, and from
 * writing into the directory while it ends. */
static int home_new(char **home, struct err *err)
{
	static const char conf[] = "no-autostart\ntrust-model always\n"
				   "no-auto-key-locate\nno-auto-key-retrieve\n"
				   "no-auto-check-trustdb\nno-random-seed-file\n";
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *template =
		xasprintf("%s/waybill-keyring-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(template))
		return err_sys(err, "cannot make a directory for a keyring in %s",
			       tmp && *tmp ? tmp : "/tmp");
	*home = steal(&template);
	_cleanup_free_ char *path = xasprintf("%s/gpg.conf", *home);
	return atomic_file_write(path, conf, strlen(conf), 0600, err);
}

static int import_key_file(gpgme_ctx_t ctx, const char *path, struct err *err)
{
	_cleanup_free_ char *bytes = NULL;
	_cleanup_(data_freep) gpgme_data_t data = NULL;
	size_t len;
	if (file_read(path, KEY_FILE_MAX_BYTES, &bytes, &len, err) < 0)
		return err_prefix(err, "cannot read the key file");
	if (data_from_memory(bytes, len, &data, err) < 0)
		return -1;
	gpgme_error_t rc = gpgme_op_import(ctx, data);
	if (rc)
		return pgp_fail(err, ERR_SIGNATURE, rc, path);
	gpgme_import_result_t result = gpgme_op_import_result(ctx);
	if (!result || result->considered == 0)
		return err_set(err, ERR_SIGNATURE, "%s holds no OpenPGP key", path);
	return 0;
}

static int import_key_files(gpgme_ctx_t ctx, const char *const *key_files, struct err *err)
{
	if (!key_files[0])
		return err_set(err, ERR_NOT_FOUND, "no key file to verify a signature with");
	for (size_t i = 0; key_files[i]; i++)
		if (import_key_file(ctx, key_files[i], err) < 0)
			return -1;
	return 0;
}

/* Why a signature does not count, as an error. */
static int refuse_signature(gpgme_signature_t s, struct err *err)
{
	const char *fpr = s->fpr ? s->fpr : "of an unknown key";
	switch (gpgme_err_code(s->status)) {
	case GPG_ERR_KEY_EXPIRED:
		return err_set(err, ERR_EXPIRED, "signed by key %s, which has expired", fpr);
	case GPG_ERR_SIG_EXPIRED:
		return err_set(err, ERR_EXPIRED, "the signature by key %s has expired", fpr);
	case GPG_ERR_CERT_REVOKED:
		return err_set(err, ERR_SIGNATURE, "signed by key %s, which is revoked", fpr);
	case GPG_ERR_NO_PUBKEY:
		return err_set(err, ERR_SIGNATURE, "signed by key %s, which is not trusted here",
			       fpr);
	case GPG_ERR_BAD_SIGNATURE:
		return err_set(err, ERR_SIGNATURE,
			       "the text was changed after key %s signed it", fpr);
	default:
		return err_set(err, ERR_SIGNATURE, "signature by key %s: %s", fpr,
			       gpgme_strerror(s->status));
	}
}

/* The primary key behind a good signature, which a subkey may have made. */
static int fill_signature(gpgme_ctx_t ctx, gpgme_signature_t s, struct pgp_signature *sig,
			  struct err *err)
{
	_cleanup_(key_freep) gpgme_key_t key = NULL;
	gpgme_error_t rc = gpgme_get_key(ctx, s->fpr, &key, 0);
	if (rc || !key->fpr)
		return pgp_fail(err, ERR_SIGNATURE, rc, "cannot find the signing key");
	snprintf(sig->fpr, sizeof(sig->fpr), "%s", key->fpr);
	sig->made_at = (int64_t)s->timestamp;
	return 0;
}

/* One good signature is enough, as long as none is a bad one: another key's may
 * stand beside it while keys are being changed. */
static int judge_signatures(gpgme_ctx_t ctx, struct pgp_signature *sig, struct err *err)
{
	gpgme_verify_result_t result = gpgme_op_verify_result(ctx);
	gpgme_signature_t good = NULL;
	if (!result || !result->signatures)
		return err_set(err, ERR_SIGNATURE, "there is no signature in it");
	for (gpgme_signature_t s = result->signatures; s; s = s->next) {
		if (gpgme_err_code(s->status) == GPG_ERR_BAD_SIGNATURE)
			return refuse_signature(s, err);
		if (s->status == GPG_ERR_NO_ERROR && !good)
			good = s;
	}
	if (!good)
		return refuse_signature(result->signatures, err);
	return sig ? fill_signature(ctx, good, sig, err) : 0;
}

/* `signature` alone (plain NULL, text comes out in *out) or detached over `plain`. */
static int verify(const char *const *key_files, gpgme_data_t signature, gpgme_data_t plain,
		  struct strbuf *out, struct pgp_signature *sig, struct err *err)
{
	_cleanup_(home_removep) char *home = NULL;
	_cleanup_(context_freep) gpgme_ctx_t ctx = NULL;
	_cleanup_(data_freep) gpgme_data_t text = NULL;
	if (home_new(&home, err) < 0 || context_new(home, &ctx, err) < 0 ||
	    import_key_files(ctx, key_files, err) < 0 || (!plain && data_new(&text, err) < 0))
		return -1;
	gpgme_error_t rc = gpgme_op_verify(ctx, signature, plain, text);
	if (rc) /* doubled or cut messages: the signature alone may look fine */
		return pgp_fail(err, ERR_SIGNATURE, rc, "not a signed message");
	if (judge_signatures(ctx, sig, err) < 0)
		return -1;
	if (out)
		data_take(&text, out);
	return 0;
}

int pgp_verify_clearsigned(const char *const *key_files, const char *text, size_t len,
			   struct strbuf *out, struct pgp_signature *sig, struct err *err)
{
	_cleanup_(data_freep) gpgme_data_t data = NULL;
	if (pgp_frame_check(text, len, err) < 0 || data_from_memory(text, len, &data, err) < 0)
		return -1;
	return verify(key_files, data, NULL, out, sig, err);
}

int pgp_verify_detached(const char *const *key_files, const char *text, size_t len,
			const char *signature, size_t signature_len, struct pgp_signature *sig,
			struct err *err)
{
	_cleanup_(data_freep) gpgme_data_t plain = NULL;
	_cleanup_(data_freep) gpgme_data_t data = NULL;
	if (data_from_memory(text, len, &plain, err) < 0 ||
	    data_from_memory(signature, signature_len, &data, err) < 0)
		return -1;
	return verify(key_files, data, plain, NULL, sig, err);
}
