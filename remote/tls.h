/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TLS between the proxy, its agents and browsers. Agents and proxy know each other by their public
 * keys, as ssh does: a pin. Source: docs/spec/mip.md, "Who is who" */
#ifndef WAYBILL_TLS_H
#define WAYBILL_TLS_H

#include <openssl/types.h>
#include <stdbool.h>

#include "common/err.h"
#include "common/strbuf.h"

/* SHA-256 of a public key (SubjectPublicKeyInfo), in hexadecimal. */
enum { TLS_PIN_LEN = 64 };

/* What ALPN has agreed upon. */
enum tls_protocol { TLS_NO_PROTOCOL, TLS_MIP_1, TLS_MIP_2, TLS_HTTP };

/* For a server: `certificate` (a chain) and `key` are PEM files. Who offers no HTTP is asked for a
 * certificate; any is taken, to be judged by tls_peer_pin(). Free with SSL_CTX_free(). */
SSL_CTX *tls_server_new(const char *certificate, const char *key, struct err *err);
/* Is its certificate nobody else's word? */
bool tls_is_self_signed(SSL_CTX *tls);

/* For an agent, which shows the certificate in `identity` (PEM, key and certificate), or for a
 * client with none (NULL). The server must have the key of `pin` (borrowed while the context lives); if that
 * is NULL, a certificate for its name by an authority of `roots` (PEM; NULL: the system's). */
SSL_CTX *tls_client_new(const char *identity, const char *pin, const char *roots,
			enum tls_protocol protocol, struct err *err);

/* As a client: ask for `name`, and take no certificate for another (unless pinned). */
int tls_ask_for(SSL *ssl, const char *name, struct err *err) _must_check_;

enum tls_protocol tls_protocol(const SSL *ssl);

/* Of the certificate that the other end has shown. Returns -1 if it showed none. */
int tls_peer_pin(const SSL *ssl, char pin[TLS_PIN_LEN + 1]) _must_check_;

/* Make a key with a certificate that it signs itself, for `name`; both are added to `pem`. */
int tls_make_identity(const char *name, struct strbuf *pem, char pin[TLS_PIN_LEN + 1],
		      struct err *err) _must_check_;
/* The pin of the first certificate in a PEM file. */
int tls_file_pin(const char *path, char pin[TLS_PIN_LEN + 1], struct err *err) _must_check_;

/* Why the last call for `ssl` has failed: "`what`: reason". ssl may be NULL. Returns -1. */
int tls_error(const SSL *ssl, struct err *err, const char *what);

#endif
