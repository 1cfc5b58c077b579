/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a session consists of; for session*.c alone. */
#ifndef WAYBILL_SESSION_H
#define WAYBILL_SESSION_H

#include "remote/proxy/player.h"
#include "remote/proxy/proxy.h"
#include "remote/proxy/recording.h"
#include "remote/relay.h"
#include "remote/rfb-filter.h"
#include "remote/rfb.h"
#include "remote/websocket.h"

enum session_step {
	SESSION_GREETING,  /* the viewer says which machine it wants */
	SESSION_REFUSED,   /* the answer waits: a guess must cost time */
	SESSION_CALLING,   /* the agent is to send a data line */
	SESSION_SERVER,	   /* the VNC server lets us in */
	SESSION_WELCOMED,  /* the viewer begins */
	SESSION_BEGINNING, /* the VNC server tells its screen */
	SESSION_RUNNING,   /* bytes go through */
};

struct session {
	struct proxy *proxy;
	struct session *next;
	uint64_t id;
	enum session_step step;
	bool over;
	struct source *source; /* until the viewer has said which machine it wants */
	char source_name[INET6_ADDRSTRLEN];
	struct loop_timer deadline;
	const char *refusal;

	struct line *viewer_line;
	bool in_browser; /* it speaks WebSocket: */
	struct websocket websocket;
	struct strbuf viewer_in; /* what has come and waits for its turn */
	struct rfb_viewer viewer;

	struct machine *machine;
	char *user; /* who asked for the code, or NULL */
	bool view_only;
	int64_t began_at; /* Unix seconds */
	struct pairing pairing;
	struct line *server_line;
	struct strbuf server_in;
	struct rfb_server server;
	bool challenged;
	char *plays; /* a recording of the machine instead of the machine, or NULL: */
	pid_t player;
	struct recording *recording; /* that is being made, or NULL */

	struct relay *relay; /* has both lines from SESSION_RUNNING on */
	struct rfb_filter filter;
};

/* Over, and buried: audited if it had a machine. */
void session_end(struct session *session, const char *why);
/* Both ends have shaken hands. */
void session_run(struct session *session);

/* What the handshakes say; to a browser each piece is a message. */
void session_send_viewer(struct session *session, const struct strbuf *out);
/* What a browser sends, out of its frames: at `payload`. What must be answered is. Returns -1 with the
 * close frame sent. */
int session_open_frames(struct session *session, const uint8_t *data, size_t len,
			struct strbuf *payload, struct err *err) _must_check_;

/* One line of JSON: who, which machine, from where, when, how much, and why it ended. */
void session_audit(const struct session *session, const char *why);

#endif
