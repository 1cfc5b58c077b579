/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The proxy: what its parts share. One process, one loop, no thread.
 *
 *   ports.c     who dials in: viewers at one port, TLS at the other
 *   agents.c    agents that register, and their data lines
 *   web.c       browsers: web-routes.c, web-login.c, web-files.c
 *   session.c   one viewer and one machine, from greeting to end; session-run.c while both talk
 *   recording.c, player.c   what a session leaves, and how it is seen again
 *   tunnel.c    one user and one port of a machine
 *   pairing.c   data lines that either has asked for
 *   control.c   what vncproxyctl asks
 */
#ifndef WAYBILL_PROXY_H
#define WAYBILL_PROXY_H

#include <netinet/in.h>

#include "remote/code-book.h"
#include "remote/line.h"
#include "remote/mip.h"
#include "remote/proxy/conf.h"
#include "remote/proxy/machines.h"
#include "remote/proxy/pairing.h"
#include "remote/proxy/sources.h"

struct json_object;
struct session;
struct stranger;
struct logins;
struct tunnel;
struct visitor;

struct port {
	struct proxy *proxy;
	struct loop_fd watch;
	struct loop_timer resting;
	void (*accepted)(struct proxy *proxy, int fd, struct source *source);
};

struct proxy {
	const struct proxy_conf *conf;
	struct loop *loop;
	struct lines *lines;
	SSL_CTX *tls;
	enum rfb_tls viewers_tls;
	struct machines machines;
	struct code_book *codes;
	struct sources *sources;
	struct session *sessions;   /* a list, the newest first */
	struct pairing *pairings;   /* of sessions and tunnels */
	struct tunnel *tunnels;
	struct visitor *visitors;   /* browsers; web.h */
	unsigned visitor_count;
	struct logins *logins;
	unsigned check_count;	    /* of passwords under way */
	struct stranger *strangers; /* who came to the TLS port and has not said what for */
	unsigned session_count;     /* of those with a machine */
	uint64_t next_session_id;
	struct port viewers, agents;
	struct control *control;
	int audit; /* appended to, or -1 */
	struct loop_timer housekeeping;
	/* Of the call at hand: shared, so that a session at rest holds no buffer. */
	struct strbuf scratch, answer;
};

/* Run until TERM or INT; HUP reads the machines and the certificate anew. conf is borrowed. */
int proxy_run(const struct proxy_conf *conf, struct err *err) _must_check_;
/* Read the machines and the certificate anew; what is wrong changes nothing. */
int proxy_reload(struct proxy *proxy, struct err *err) _must_check_;

/* A new one-time code for `user`, or for the operator (NULL). *machine_name is machine->name.
 * Errors: ERR_NOT_FOUND, ERR_REFUSED (the user may not). */
int proxy_mint_code(struct proxy *proxy, const char *machine_name, const char *user,
		    char code[CODE_LEN + 1], struct err *err) _must_check_;
/* The same, for a recording, by its file's name. */
int proxy_mint_play_code(struct proxy *proxy, const char *file, const char *user,
			 char code[CODE_LEN + 1], struct err *err) _must_check_;
/* Those that `user` may see, or the operator (NULL), as docs/spec/proxy-control.md has them. */
int proxy_recordings(const struct proxy *proxy, const char *user, struct json_object **out,
		     struct err *err) _must_check_;

/* --- ports.c ------------------------------------------------------------------------------ */

int port_open(struct port *port, const struct listen_at *at, struct err *err) _must_check_;
void port_close(struct port *port);
void tls_accepted(struct proxy *proxy, int fd, struct source *source);
void strangers_end(struct proxy *proxy);

/* --- agents.c ----------------------------------------------------------------------------- */

/* An agent's first message: a handshake makes `line` a control line, a setup response a data line. Takes
 * the line over; `rest` came after the message. */
void agent_arrived(struct proxy *proxy, struct line *line, enum mip_version version,
		   const struct mip_message *message, const void *rest, size_t rest_len);
void agent_leave(struct machine *machine, enum mip_goodbye reason);

/* --- session.c ---------------------------------------------------------------------------- */

/* Who came to the TLS port speaks HTTP; `rest` has come already. Takes the line and the source over. */
void visitor_arrived(struct proxy *proxy, struct line *line, struct source *source,
		     const void *rest, size_t len);
void visitors_end(struct proxy *proxy);

/* A viewer in a browser, whose WebSocket has been agreed upon; `rest` came after the request. Takes the
 * line and the source over. */
void browser_arrived(struct proxy *proxy, struct line *line, struct source *source,
		     const void *rest, size_t len);
/* A viewer has come, over TCP in clear. */
void viewer_accepted(struct proxy *proxy, int fd, struct source *source);
/* The session's id, or 0: all of them; a machine, or NULL: any. Returns how many it were. */
unsigned sessions_end(struct proxy *proxy, uint64_t id, const struct machine *machine,
		      const char *why);
/* Machines' files have changed: end the sessions of who may have them no longer. */
void sessions_recheck(struct proxy *proxy);
struct json_object *sessions_to_json(const struct proxy *proxy);

/* --- tunnel.c ----------------------------------------------------------------------------- */

/* As sessions_recheck(). */
void tunnels_recheck(struct proxy *proxy);
/* The machine's tunnels; NULL: all. */
void tunnels_end(struct proxy *proxy, const struct machine *machine, const char *why);

/* --- control.c ---------------------------------------------------------------------------- */

int control_open(struct proxy *proxy, struct err *err) _must_check_;
void control_close(struct proxy *proxy);

#endif
