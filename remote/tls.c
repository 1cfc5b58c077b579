/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "common/util.h"

DEFINE_FREEP(SSL_CTX, SSL_CTX_free)
DEFINE_FREEP(X509, X509_free)
DEFINE_FREEP(EVP_PKEY, EVP_PKEY_free)
DEFINE_FREEP(BIO, BIO_free_all)

/* As ALPN writes them: each after its length. */
static const unsigned char offers[][10] = {
	[TLS_MIP_1] = "\5mip/1",
	[TLS_MIP_2] = "\5mip/2",
	[TLS_HTTP] = "\10http/1.1",
};
static const enum tls_protocol preferred[] = { TLS_MIP_2, TLS_MIP_1, TLS_HTTP };

int tls_error(const SSL *ssl, struct err *err, const char *what)
{
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	long verdict = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
	if (verdict != X509_V_OK)
		reason = X509_verify_cert_error_string(verdict);
	ERR_clear_error();
	return err_set(err, ERR_NETWORK, "%s: %s", what, reason ? reason : "TLS has failed");
}

/* --- keys ------------------------------------------------------------------------------- */

static int pin_of(const X509 *certificate, char pin[TLS_PIN_LEN + 1])
{
	unsigned char *der = NULL, digest[TLS_PIN_LEN / 2];
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1;
	OPENSSL_free(der);
	for (size_t i = 0; ok && i < sizeof(digest); i++)
		snprintf(pin + 2 * i, 3, "%02x", digest[i]);
	return ok ? 0 : -1;
}

int tls_peer_pin(const SSL *ssl, char pin[TLS_PIN_LEN + 1])
{
	const X509 *certificate = SSL_get0_peer_certificate(ssl);
	return certificate ? pin_of(certificate, pin) : -1;
}

int tls_file_pin(const char *path, char pin[TLS_PIN_LEN + 1], struct err *err)
{
	_cleanup_(BIO_free_allp) BIO *file = BIO_new_file(path, "r");
	_cleanup_(X509_freep) X509 *certificate =
		file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
	if (!certificate || pin_of(certificate, pin) < 0)
		return tls_error(NULL, err, path);
	return 0;
}

/* A name and times that nobody looks at: the key is what counts. No end, for a site's clock may be
 * years off (RFC 5280 section 4.1.2.5). */
static X509 *certificate_new(EVP_PKEY *key, const char *name)
{
	_cleanup_(X509_freep) X509 *certificate = X509_new();
	if (!certificate || !X509_set_version(certificate, X509_VERSION_3) ||
	    !ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) ||
	    !ASN1_TIME_set_string(X509_getm_notBefore(certificate), "20000101000000Z") ||
	    !ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z") ||
	    !X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
					(const unsigned char *)name, -1, -1, 0) ||
	    !X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) ||
	    !X509_set_pubkey(certificate, key) || !X509_sign(certificate, key, EVP_sha256()))
		return NULL;
	return steal(&certificate);
}

int tls_make_identity(const char *name, struct strbuf *pem, char pin[TLS_PIN_LEN + 1],
		      struct err *err)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
	_cleanup_(X509_freep) X509 *certificate = key ? certificate_new(key, name) : NULL;
	_cleanup_(BIO_free_allp) BIO *memory = BIO_new(BIO_s_mem());
	if (!certificate || !memory || pin_of(certificate, pin) < 0 ||
	    !PEM_write_bio_PKCS8PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) ||
	    !PEM_write_bio_X509(memory, certificate))
		return tls_error(NULL, err, "make a key");
	char *text = NULL;
	long len = BIO_get_mem_data(memory, &text);
	strbuf_add(pem, text, (size_t)len);
	return 0;
}

/* --- contexts --------------------------------------------------------------------------- */

static SSL_CTX *context_new(const SSL_METHOD *method)
{
	SSL_CTX *tls = SSL_CTX_new(method);
	if (!tls)
		abort(); /* out of memory */
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	/* Ten thousand agents' sessions would be remembered for nothing. */
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	return tls;
}

static int use_identity(SSL_CTX *tls, const char *certificate, const char *key, struct err *err)
{
	if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1)
		return tls_error(NULL, err, certificate);
	if (SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(tls) != 1)
		return tls_error(NULL, err, key);
	return 0;
}

/* That the other end has the key is TLS's to prove; whose it is, tls_peer_pin() tells. */
static int take_any(X509_STORE_CTX *store, void *arg)
{
	return 1;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
			   const unsigned char *offered, unsigned int offered_len, void *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(preferred); i++) {
		const unsigned char *ours = offers[preferred[i]];
		for (unsigned int at = 0; at < offered_len; at += 1u + offered[at]) {
			if (offered[at] != ours[0] || memcmp(offered + at, ours, 1u + ours[0]) != 0)
				continue;
			*out = offered + at + 1;
			*out_len = ours[0];
			/* A browser would ask its user which certificate to show. */
			if (preferred[i] == TLS_HTTP)
				SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

SSL_CTX *tls_server_new(const char *certificate, const char *key, struct err *err)
{
	_cleanup_(SSL_CTX_freep) SSL_CTX *tls = context_new(TLS_server_method());
	if (use_identity(tls, certificate, key, err) < 0)
		return NULL;
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(tls, take_any, NULL);
	SSL_CTX_set_alpn_select_cb(tls, choose_protocol, NULL);
	SSL_CTX_set_num_tickets(tls, 0);
	SSL_CTX_set_options(tls, SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA);
	return steal(&tls);
}

bool tls_is_self_signed(SSL_CTX *tls)
{
	return X509_self_signed(SSL_CTX_get0_certificate(tls), 0) == 1;
}

static int take_pinned(X509_STORE_CTX *store, void *arg)
{
	const char *wanted = arg; /* borrowed by tls_client_new() */
	char pin[TLS_PIN_LEN + 1];
	const X509 *certificate = X509_STORE_CTX_get0_cert(store);
	if (certificate && pin_of(certificate, pin) == 0 && str_eq(pin, wanted))
		return 1;
	X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

static int trust_roots(SSL_CTX *tls, const char *roots, struct err *err)
{
	int rc = roots ? SSL_CTX_load_verify_locations(tls, roots, NULL)
		       : SSL_CTX_set_default_verify_paths(tls);
	return rc == 1 ? 0 : tls_error(NULL, err, roots ? roots : "the system's certificates");
}

SSL_CTX *tls_client_new(const char *identity, const char *pin, const char *roots,
			enum tls_protocol protocol, struct err *err)
{
	_cleanup_(SSL_CTX_freep) SSL_CTX *tls = context_new(TLS_client_method());
	if (identity && use_identity(tls, identity, identity, err) < 0)
		return NULL;
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	if (pin) {
		SSL_CTX_set_cert_verify_callback(tls, take_pinned, (void *)pin);
	} else if (trust_roots(tls, roots, err) < 0) {
		return NULL;
	}
	const unsigned char *offer = offers[protocol];
	if (protocol != TLS_NO_PROTOCOL && SSL_CTX_set_alpn_protos(tls, offer, 1u + offer[0]) != 0) {
		tls_error(NULL, err, "offer a protocol");
		return NULL;
	}
	return steal(&tls);
}

int tls_ask_for(SSL *ssl, const char *name, struct err *err)
{
	struct in6_addr address;
	bool is_address = inet_pton(AF_INET, name, &address) == 1 ||
			  inet_pton(AF_INET6, name, &address) == 1;
	if (is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) != 1
		       : SSL_set1_host(ssl, name) != 1 || SSL_set_tlsext_host_name(ssl, name) != 1)
		return tls_error(ssl, err, "ask for the server's name");
	return 0;
}

enum tls_protocol tls_protocol(const SSL *ssl)
{
	const unsigned char *name = NULL;
	unsigned int len = 0;
	SSL_get0_alpn_selected(ssl, &name, &len);
	for (size_t i = 0; name && i < ARRAY_SIZE(preferred); i++)
		if (offers[preferred[i]][0] == len && memcmp(offers[preferred[i]] + 1, name, len) == 0)
			return preferred[i];
	return TLS_NO_PROTOCOL;
}
