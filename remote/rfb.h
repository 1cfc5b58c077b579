/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RFB's handshake as the proxy speaks it to a viewer and to a VNC server: bytes in, bytes out,
 * no sockets. Source: RFC 6143 section 7.1 to 7.3; docs/spec/rfb.md */
#ifndef WAYBILL_RFB_H
#define WAYBILL_RFB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strbuf.h"
#include "remote/vnc-auth.h"

/* What both ends of a session have agreed upon, as far as messages differ. */
enum rfb_version { RFB_3_3 = 3, RFB_3_7 = 7, RFB_3_8 = 8 };

enum {
	RFB_VERSION_BYTES = 12,
	RFB_SERVER_INIT_BYTES = 24,
	RFB_FORMAT_BYTES = 16, /* a pixel format, */
	RFB_FORMAT_AT = 4,     /* in ServerInit, and in SetPixelFormat */
};

/* --- to a viewer, as its server -------------------------------------------------------- */

/* May, or must, a viewer go on in TLS (VeNCrypt's X509Vnc)? */
enum rfb_tls { RFB_TLS_NO, RFB_TLS_OFFERED, RFB_TLS_REQUIRED };

enum rfb_viewer_step {
	RFB_VIEWER_VERSION,
	RFB_VIEWER_SECURITY,
	RFB_VIEWER_VENCRYPT,
	RFB_VIEWER_SUBTYPE,
	RFB_VIEWER_TLS, /* TLS begins after what was added to `out`; then rfb_viewer_secured() */
	RFB_VIEWER_RESPONSE,
	RFB_VIEWER_IDENTIFIED, /* its response has come: rfb_viewer_welcome() or _refuse() */
	RFB_VIEWER_INIT,
	RFB_VIEWER_READY, /* `shared` is what it asked for: rfb_viewer_server_init() */
	RFB_VIEWER_REFUSED,
};

struct rfb_viewer {
	enum rfb_viewer_step step;
	enum rfb_version version;
	enum rfb_tls tls;
	uint8_t challenge[VNC_CHALLENGE_BYTES];
	uint8_t response[VNC_CHALLENGE_BYTES]; /* from RFB_VIEWER_IDENTIFIED on */
	bool shared;
};

/* Begin: adds the server's greeting to `out`. The challenge is new for each viewer. */
void rfb_viewer_start(struct rfb_viewer *viewer, const uint8_t challenge[VNC_CHALLENGE_BYTES],
		      enum rfb_tls tls, struct strbuf *out);

/* In step RFB_VIEWER_TLS: it is there. */
void rfb_viewer_secured(struct rfb_viewer *viewer, struct strbuf *out);

/* Take a message from the start of `data`; *used: its bytes, or 0 if it has not come whole or
 * if the step waits for us. What is to be sent is added to `out`. Errors: ERR_INPUT, after
 * which nothing is to be sent but what is in `out`. */
int rfb_viewer_feed(struct rfb_viewer *viewer, const uint8_t *data, size_t len, size_t *used,
		    struct strbuf *out, struct err *err) _must_check_;

/* In step RFB_VIEWER_IDENTIFIED: let it in, or say why not, in words that may go outside. */
void rfb_viewer_welcome(struct rfb_viewer *viewer, struct strbuf *out);
void rfb_viewer_refuse(struct rfb_viewer *viewer, const char *reason, struct strbuf *out);

/* In step RFB_VIEWER_READY: the server's ServerInit with a name of ours. */
void rfb_viewer_server_init(const uint8_t init[RFB_SERVER_INIT_BYTES], const char *name,
			    struct strbuf *out);

/* --- to a VNC server, as its viewer ---------------------------------------------------- */

enum rfb_server_step {
	RFB_SERVER_VERSION,
	RFB_SERVER_SECURITY,
	RFB_SERVER_CHALLENGE,
	RFB_SERVER_CHALLENGED, /* `challenge` is set: rfb_server_respond() */
	RFB_SERVER_RESULT,
	RFB_SERVER_AUTHENTICATED, /* rfb_server_client_init() */
	RFB_SERVER_INIT,
	RFB_SERVER_NAME,
	RFB_SERVER_READY, /* `init` is set; what follows is the session */
};

struct rfb_server {
	enum rfb_server_step step;
	enum rfb_version version;
	uint8_t challenge[VNC_CHALLENGE_BYTES];
	uint8_t init[RFB_SERVER_INIT_BYTES];
	uint32_t name_left; /* bytes of its name still to be dropped */
};

void rfb_server_start(struct rfb_server *server);

/* As rfb_viewer_feed(). Errors: ERR_INPUT; ERR_REFUSED (it does not let us in; the server's own
 * reason, which must not go outside, is in the message, made printable). */
int rfb_server_feed(struct rfb_server *server, const uint8_t *data, size_t len, size_t *used,
		    struct strbuf *out, struct err *err) _must_check_;

void rfb_server_respond(struct rfb_server *server, const uint8_t response[VNC_CHALLENGE_BYTES],
			struct strbuf *out);
void rfb_server_client_init(struct rfb_server *server, bool shared, struct strbuf *out);

#endif
