/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Call the proxy: a line in TLS, through an HTTP proxy where one is set. */
#ifndef WAYBILL_CALL_H
#define WAYBILL_CALL_H

#include <stdint.h>
#include <openssl/types.h>

#include "remote/line.h"

struct call_conf {
	char *host;
	uint16_t port;
	/* NULL: directly. Else CONNECT is sent there. */
	char *http_proxy_host;
	uint16_t http_proxy_port;
	char *http_proxy_login; /* user:password, or NULL */
	SSL_CTX *tls;
};

struct call;

/* done() is called once, and never from within this call: with a line in TLS that it owns (and must
 * line_give() at once), or with NULL and why not. The call is gone by then. conf is borrowed until
 * then. */
struct call *call_start(struct lines *lines, const struct call_conf *conf, int timeout_ms,
			void (*done)(void *arg, struct line *line, const struct err *why),
			void *arg);
void call_cancel(struct call **call);

/* "HOST:PORT" or "[ADDRESS]:PORT"; *host is to be freed. Without a port: default_port, or, if that is
 * 0, an error. */
int host_port_parse(const char *text, uint16_t default_port, char **host, uint16_t *port,
		    const char *what, struct err *err) _must_check_;

#endif
