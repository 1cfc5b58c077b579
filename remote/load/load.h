/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vnc-load: many agents, servers and viewers in one process, to load a proxy with. For tests and
 * benchmarks; it trusts whom it talks to. */
#ifndef WAYBILL_LOAD_H
#define WAYBILL_LOAD_H

#include "remote/call.h"
#include "remote/line.h"

/* What a server does once a viewer has begun. */
enum load_mode {
	LOAD_IDLE,
	LOAD_PUMP, /* sends for ever */
	LOAD_ECHO, /* sends back what comes */
};

struct load {
	struct loop *loop;
	struct lines *lines;
	struct call_conf proxy; /* host, port, tls */
	enum load_mode mode;
	bool websocket;
	uint64_t bytes_wanted; /* of each viewer; then it leaves */
	int64_t end_ms;
	unsigned count;
	/* What has been reached. */
	unsigned registered, begun, ended;
	uint64_t bytes;
	int64_t first_ms; /* when the first byte of a session came */
	uint32_t *rtt_us;
	size_t rtt_count, rtt_size;
};

/* --- load-server.c ------------------------------------------------------------------------ */

/* Be a server at the other end of `line`: of RFB without a password, or (raw) of bytes. Takes it over. */
void load_serve(struct load *load, struct line *line, bool raw);
/* Listen at 127.0.0.1, with TLS if `tls` is not NULL, and be a raw server to each. */
int load_listen(struct load *load, uint16_t port, SSL_CTX *tls, struct err *err) _must_check_;
/* Register `count` machines PREFIX0, PREFIX1 ... with the proxy, and be the server of each. */
void load_agents(struct load *load, const char *prefix);

/* --- load-viewer.c ------------------------------------------------------------------------ */

/* Start a viewer for each code (RFB), or `count` without one (raw). In TLS if load->proxy.tls is
 * set, by WebSocket if load->websocket is. */
void load_view(struct load *load, char **codes, size_t code_count);

#endif
