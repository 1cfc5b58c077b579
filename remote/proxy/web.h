/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The web page: HTTP over TLS. A visitor is one connection of a browser.
 * Source: docs/spec/proxy-http.md */
#ifndef WAYBILL_WEB_H
#define WAYBILL_WEB_H

#include "remote/http-request.h"
#include "remote/proxy/logins.h"
#include "remote/proxy/proxy.h"
#include "remote/proxy/users.h"

struct visitor {
	struct proxy *proxy;
	struct visitor *next;
	struct line *line;
	struct source *source; /* until its first request has come whole */
	struct sockaddr_storage address;
	char source_name[INET6_ADDRSTRLEN];
	struct strbuf in;
	struct loop_timer deadline;
	bool answering; /* a request is being looked into: the next one waits */
	bool close;	/* after this answer */
	bool head_only;
	/* A login under way. */
	struct password_check *check;
	struct loop_timer delay;
	char *user;
	char *target; /* of CONNECT, until its user is known */
};

struct web_answer {
	int status;
	const char *type;  /* of the body; NULL: there is none */
	const char *field; /* one more, whole with CR LF, or NULL */
	const void *body;
	size_t len;
	bool may_be_kept; /* by a cache, for an hour */
};

/* Answer the request at hand. The visitor may be gone afterwards. */
void web_answer(struct visitor *visitor, const struct web_answer *answer);
/* With a body of JSON, or (NULL) none. */
void web_answer_json(struct visitor *visitor, int status, struct json_object *json);
void web_answer_error(struct visitor *visitor, int status, const char *words);

/* After an answer that came later: take up what has come meanwhile. */
void web_next(struct visitor *visitor);

/* Handle a request, now or later. `body` has request->body_bytes. */
void web_handle(struct visitor *visitor, const struct http_request *request, const char *body);

/* The line, for another owner; *rest: what came after the request. The visitor is gone. */
struct line *visitor_take_line(struct visitor *visitor, struct strbuf *rest);

/* --- web-files.c -------------------------------------------------------------------------- */

void web_send_file(struct visitor *visitor, const char *path);

/* --- web-login.c -------------------------------------------------------------------------- */

/* Who this is: the user of its cookie, or whom a trusted reverse proxy names; borrowed, or NULL. */
const char *web_user(const struct visitor *visitor, const struct http_request *request);
/* Check the password of a user; then `done`, with visitor->user set. False: it has been answered. */
bool web_check_password(struct visitor *visitor, const char *user, const char *password,
			void (*done)(void *visitor, bool right));
/* After a wrong one: how long it must wait for its answer. */
int64_t web_failure_ms(const struct visitor *visitor);
void web_login(struct visitor *visitor, const char *body, size_t len);
void web_logout(struct visitor *visitor, const struct http_request *request);
/* A field of a form (application/x-www-form-urlencoded), decoded, to be freed; NULL: not there. */
char *web_form_field(const char *body, size_t len, const char *name);

/* --- tunnel.c ----------------------------------------------------------------------------- */

/* CONNECT MACHINE:PORT, with the user's name and password (RFC 9110 section 9.3.6, RFC 7617). */
void web_connect(struct visitor *visitor, const struct http_request *request);

#endif
