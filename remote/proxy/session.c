/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One viewer and one machine, from greeting to end. Each end's handshake is a machine of its own
 * (remote/rfb.h); drive() moves both and passes on what one has to tell the other. */
#include "remote/proxy/session.h"

#include <sys/random.h>
#include <time.h>

#include "common/log.h"

enum {
	/* A viewer's program answers at once; then a person has to type. */
	GREETING_MS = 10000,
	TYPING_MS = 120000,
	CALLING_MS = 15000,
	/* What may wait for its turn. */
	WAITING_BYTES = 65536,
};

static void free_session(void *object)
{
	struct session *session = object;
	strbuf_destroy(&session->viewer_in);
	strbuf_destroy(&session->server_in);
	rfb_filter_destroy(&session->filter);
	websocket_destroy(&session->websocket);
	recording_freep(&session->recording);
	free(session->plays);
	free(session->user);
	free(session);
}

void session_end(struct session *session, const char *why)
{
	struct proxy *proxy = session->proxy;
	struct session **p = &proxy->sessions;
	while (*p != session)
		p = &(*p)->next;
	*p = session->next;
	if (session->machine) {
		session_audit(session, why);
		session->machine->session_count--;
		proxy->session_count--;
	} else {
		log_info("viewer, %s: %s", session->source_name, why);
	}
	pairing_end(&session->pairing);
	source_leave(proxy->sources, session->source);
	loop_timer_clear(proxy->loop, &session->deadline);
	session->over = true;
	if (session->relay)
		session->viewer_line = session->server_line = NULL; /* it closes them */
	relay_freep(&session->relay);
	line_close(&session->viewer_line);
	line_close(&session->server_line);
	player_end(&session->player);
	loop_bury(proxy->loop, session, free_session);
}

void session_send_viewer(struct session *session, const struct strbuf *out)
{
	if (out->len > 0 && session->in_browser) {
		_cleanup_strbuf_ struct strbuf head = STRBUF_INIT;
		websocket_add_head(&head, out->len);
		line_send(session->viewer_line, head.data, head.len);
	}
	line_send(session->viewer_line, out->data, out->len);
}

int session_open_frames(struct session *session, const uint8_t *data, size_t len,
		       struct strbuf *payload, struct err *err)
{
	_cleanup_strbuf_ struct strbuf answer = STRBUF_INIT;
	int result = websocket_feed(&session->websocket, data, len, payload, &answer, err);
	if (result < 0)
		websocket_add_close(&answer, session->websocket.reason);
	line_send(session->viewer_line, answer.data, answer.len);
	if (result == 0 && session->websocket.closed)
		return err_set(err, ERR_CANCELLED, "the viewer left");
	return result;
}

static void set_deadline(struct session *session, int64_t in_ms)
{
	loop_timer_set(session->proxy->loop, &session->deadline, in_ms);
}

/* --- how it begins, and does not ---------------------------------------------------------- */

/* Tell the viewer, in words of ours, and end. */
static void refuse(struct session *session, const char *reason, const char *why)
{
	struct strbuf *out = &session->proxy->answer;
	strbuf_reset(out);
	rfb_viewer_refuse(&session->viewer, reason, out);
	session_send_viewer(session, out);
	line_finish(session->viewer_line);
	session_end(session, why);
}

static const char *refusal_of(uint8_t status)
{
	switch (status) {
	case MIP_NOBODY_LISTENS:
	case MIP_NO_ANSWER:
		return "The machine is there, but its screen is not.";
	case MIP_TOO_MANY:
		return "The machine has as many sessions as it may have.";
	default:
		return "The machine cannot be reached.";
	}
}

static void on_refused(void *owner, uint8_t status)
{
	_cleanup_free_ char *why = xasprintf("the agent says: status %u", status);
	refuse(owner, refusal_of(status), why);
}

static void on_deadline(void *arg)
{
	struct session *session = arg;
	switch (session->step) {
	case SESSION_REFUSED:
		refuse(session, session->refusal, "a code that leads nowhere");
		return;
	case SESSION_CALLING:
	case SESSION_SERVER:
		refuse(session, "The machine does not answer.", "the machine did not answer");
		return;
	default:
		session_end(session, "the handshake took too long");
	}
}

static const struct pairing_ops pairing_ops;
static const struct line_ops server_ops;

static void begin_server(struct session *session, struct line *line);

static void request_data_line(struct session *session)
{
	session->step = SESSION_CALLING;
	set_deadline(session, CALLING_MS);
	if (pairing_begin(&session->pairing, session->proxy, session->machine, "", 0, &pairing_ops,
			  session) < 0)
		refuse(session, "There are too many sessions at the moment.", "no ticket is free");
}

static void start_player(struct session *session)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *path =
		xasprintf("%s/%s", session->proxy->conf->recordings, session->plays);
	int fd = player_start(path, &session->player, &err);
	struct line *line = fd < 0 ? NULL : line_new(session->proxy->lines, fd, &server_ops, session, &err);
	if (line)
		begin_server(session, line);
	else
		refuse(session, "The recording cannot be played.", err.msg);
}

/* A session that is to be recorded and cannot be is none. */
static bool start_recording(struct session *session)
{
	_cleanup_err_ struct err err = ERR_INIT;
	const struct proxy *proxy = session->proxy;
	if (!session->machine->record || session->plays)
		return true;
	session->recording = recording_new(proxy->conf->recordings, session->machine->name, session->id,
					   session->began_at, loop_now_ms(proxy->loop), &err);
	if (session->recording)
		return true;
	log_error("%s: %s", session->machine->name, err.msg);
	refuse(session, "The session cannot be recorded, as it must be.", err.msg);
	return false;
}

static void enter(struct session *session, struct machine *machine,
		  const struct code_grant *grant)
{
	struct proxy *proxy = session->proxy;
	session->machine = machine;
	session->user = grant->user ? xstrdup(grant->user) : NULL;
	session->view_only = grant->view_only;
	session->plays = grant->recording ? xstrdup(grant->recording) : NULL;
	session->began_at = time(NULL);
	machine->session_count++;
	proxy->session_count++;
	/* No stranger any longer. */
	source_leave(proxy->sources, steal(&session->source));
	if (!machine->agent && !session->plays)
		refuse(session, "The machine is not connected at the moment.",
		       "no agent is there");
	else if (machine->session_count > proxy->conf->max_sessions_per_machine)
		refuse(session, "The machine has as many sessions as it may have.",
		       "too many sessions of this machine");
	else if (proxy->session_count > proxy->conf->max_sessions)
		refuse(session, "There are too many sessions at the moment.",
		       "too many sessions");
	else if (session->plays)
		start_player(session);
	else if (start_recording(session))
		request_data_line(session);
}

static void identify(struct session *session)
{
	struct proxy *proxy = session->proxy;
	const char *code;
	const struct code_grant *grant;
	int64_t now_ms = loop_now_ms(proxy->loop);
	struct machine *machine = NULL;
	if (code_book_find(proxy->codes, session->viewer.challenge, session->viewer.response,
			   now_ms, &code, &grant) == 0)
		machine = machines_find(&proxy->machines, grant->machine);
	/* The machine's file may have changed since. */
	if (!machine || !machine_grants(machine, grant)) {
		session->step = SESSION_REFUSED;
		session->refusal = "No machine has this code, or its time is over.";
		set_deadline(session, source_failed(session->source, now_ms));
		return;
	}
	struct code_grant copy = *grant;
	_cleanup_free_ char *user = grant->user ? xstrdup(grant->user) : NULL;
	_cleanup_free_ char *recording = grant->recording ? xstrdup(grant->recording) : NULL;
	copy.user = user;
	copy.recording = recording;
	if (code_book_is_one_time(proxy->codes, code))
		code_book_remove(proxy->codes, code);
	enter(session, machine, &copy);
}

/* --- the handshakes ----------------------------------------------------------------------- */

/* The next message of the viewer, if it has come. Returns how many bytes that were. */
static size_t feed_viewer(struct session *session)
{
	struct strbuf *in = &session->viewer_in, *out = &session->proxy->answer;
	_cleanup_err_ struct err err = ERR_INIT;
	enum rfb_viewer_step before = session->viewer.step;
	size_t used = 0;
	strbuf_reset(out);
	int result = rfb_viewer_feed(&session->viewer, (uint8_t *)in->data, in->len, &used, out,
				     &err);
	session_send_viewer(session, out);
	if (result < 0) {
		line_finish(session->viewer_line);
		session_end(session, err.msg);
		return 0;
	}
	if (before != RFB_VIEWER_RESPONSE && session->viewer.step == RFB_VIEWER_RESPONSE)
		set_deadline(session, TYPING_MS);
	strbuf_drop(in, used);
	return used;
}

static size_t feed_server(struct session *session)
{
	struct strbuf *in = &session->server_in, *out = &session->proxy->answer;
	_cleanup_err_ struct err err = ERR_INIT;
	size_t used = 0;
	strbuf_reset(out);
	if (rfb_server_feed(&session->server, (uint8_t *)in->data, in->len, &used, out, &err) < 0) {
		if (session->step == SESSION_SERVER)
			refuse(session, "The machine's screen refuses.", err.msg);
		else
			session_end(session, err.msg);
		return 0;
	}
	line_send(session->server_line, out->data, out->len);
	strbuf_drop(in, used);
	return used;
}

static void ask_for_response(struct session *session)
{
	session->challenged = true;
	if (pairing_challenge(&session->pairing, session->server.challenge) < 0)
		refuse(session, "The machine's screen refuses.",
		       "the VNC server wants a password, and the agent cannot be asked");
}

static void on_answered(void *owner, const uint8_t *response)
{
	struct session *session = owner;
	if (session->step != SESSION_SERVER || session->server.step != RFB_SERVER_CHALLENGED)
		return;
	struct strbuf *out = &session->proxy->answer;
	strbuf_reset(out);
	rfb_server_respond(&session->server, response, out);
	line_send(session->server_line, out->data, out->len);
}

static bool wants_shared(const struct session *session)
{
	switch (session->proxy->conf->shared) {
	case SHARED_ALWAYS:
		return true;
	case SHARED_NEVER:
		return false;
	case SHARED_AS_VIEWER:
		break;
	}
	return session->viewer.shared;
}

/* VeNCrypt: the viewer's line goes on in TLS. What came in clear beyond the handshake is nobody's. */
static void start_tls(struct session *session)
{
	_cleanup_err_ struct err err = ERR_INIT;
	if (session->viewer_in.len > 0)
		session_end(session, "the viewer sends in clear what belongs into TLS");
	else if (line_start_tls(session->viewer_line, session->proxy->tls, NULL, &err) < 0)
		session_end(session, err.msg);
}

static void on_viewer_secured(void *owner)
{
	struct session *session = owner;
	struct strbuf *out = &session->proxy->answer;
	strbuf_reset(out);
	rfb_viewer_secured(&session->viewer, out);
	session_send_viewer(session, out);
	set_deadline(session, TYPING_MS);
}

/* What one end's handshake has to tell the other. True: there may be more to do. */
static bool advance(struct session *session)
{
	struct strbuf *out = &session->proxy->answer;
	enum session_step before = session->step;
	strbuf_reset(out);
	if (before == SESSION_GREETING && session->viewer.step == RFB_VIEWER_TLS &&
	    !line_ssl(session->viewer_line)) {
		start_tls(session);
		return false;
	}
	if (before == SESSION_GREETING && session->viewer.step == RFB_VIEWER_IDENTIFIED) {
		identify(session);
		return false; /* others speak next */
	}
	if (before == SESSION_SERVER && session->server.step == RFB_SERVER_CHALLENGED &&
	    !session->challenged) {
		ask_for_response(session);
		return false;
	}
	if (before == SESSION_SERVER && session->server.step == RFB_SERVER_AUTHENTICATED) {
		session->step = SESSION_WELCOMED;
		rfb_viewer_welcome(&session->viewer, out);
		session_send_viewer(session, out);
	} else if (before == SESSION_WELCOMED && session->viewer.step == RFB_VIEWER_READY) {
		session->step = SESSION_BEGINNING;
		rfb_server_client_init(&session->server, wants_shared(session), out);
		line_send(session->server_line, out->data, out->len);
	} else if (before == SESSION_BEGINNING && session->server.step == RFB_SERVER_READY) {
		session_run(session);
		return false;
	}
	return session->step != before;
}

static void drive(struct session *session)
{
	size_t used;
	do {
		used = feed_viewer(session);
		if (!session->over && session->server_line)
			used += feed_server(session);
	} while (!session->over && (advance(session) || used > 0) && !session->over &&
		 session->step != SESSION_RUNNING);
}

/* --- what comes --------------------------------------------------------------------------- */

static void take(struct session *session, struct strbuf *in, const void *data, size_t len)
{
	strbuf_add(in, data, len);
	if (in->len > WAITING_BYTES)
		session_end(session, "too much at once, before the session has begun");
	else
		drive(session);
}

static void on_viewer_data(void *owner, uint8_t *data, size_t len)
{
	struct session *session = owner;
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf payload = STRBUF_INIT;
	if (!session->in_browser)
		take(session, &session->viewer_in, data, len);
	else if (session_open_frames(session, data, len, &payload, &err) < 0)
		session_end(session, err.msg);
	else
		take(session, &session->viewer_in, payload.data, payload.len);
}

static void on_server_data(void *owner, uint8_t *data, size_t len)
{
	struct session *session = owner;
	take(session, &session->server_in, data, len);
}

static void on_viewer_finished(void *owner)
{
	session_end(owner, "the viewer left");
}

static void on_viewer_broken(void *owner, const struct err *why)
{
	session_end(owner, why->msg);
}

static void lose_server(struct session *session, const char *why)
{
	if (session->step == SESSION_SERVER)
		refuse(session, "The machine's screen is not there.", why);
	else
		session_end(session, why);
}

static void on_server_finished(void *owner)
{
	lose_server(owner, "the VNC server left");
}

static void on_server_broken(void *owner, const struct err *why)
{
	lose_server(owner, why->msg);
}

static const struct line_ops viewer_ops = {
	.secured = on_viewer_secured,
	.data = on_viewer_data,
	.finished = on_viewer_finished,
	.broken = on_viewer_broken,
};

static const struct line_ops server_ops = {
	.data = on_server_data,
	.finished = on_server_finished,
	.broken = on_server_broken,
};

static void begin_server(struct session *session, struct line *line)
{
	session->step = SESSION_SERVER;
	session->server_line = line;
	set_deadline(session, CALLING_MS);
	rfb_server_start(&session->server);
}

static void on_connected(void *owner, struct line *line, const void *rest, size_t len)
{
	struct session *session = owner;
	line_give(line, &server_ops, session);
	begin_server(session, line);
	take(session, &session->server_in, rest, len);
}

static const struct pairing_ops pairing_ops = {
	.connected = on_connected,
	.refused = on_refused,
	.answered = on_answered,
};

/* Lists it, with its source and a deadline; its line comes next. */
static struct session *session_new(struct proxy *proxy, struct source *source)
{
	struct session *session = xcalloc(1, sizeof(*session));
	session->proxy = proxy;
	session->id = ++proxy->next_session_id;
	session->source = source;
	source_name(source, session->source_name);
	session->deadline = (struct loop_timer){ .fire = on_deadline, .arg = session };
	session->next = proxy->sessions;
	proxy->sessions = session;
	set_deadline(session, GREETING_MS);
	return session;
}

static void greet(struct session *session)
{
	struct strbuf *out = &session->proxy->answer;
	uint8_t challenge[VNC_CHALLENGE_BYTES];
	(void)!getrandom(challenge, sizeof(challenge), 0);
	strbuf_reset(out);
	/* A browser is in TLS already. */
	rfb_viewer_start(&session->viewer, challenge,
			 session->in_browser ? RFB_TLS_NO : session->proxy->viewers_tls, out);
	session_send_viewer(session, out);
}

void viewer_accepted(struct proxy *proxy, int fd, struct source *source)
{
	_cleanup_err_ struct err err = ERR_INIT;
	struct session *session = session_new(proxy, source);
	session->viewer_line = line_new(proxy->lines, fd, &viewer_ops, session, &err);
	if (session->viewer_line)
		greet(session);
	else
		session_end(session, err.msg);
}

void browser_arrived(struct proxy *proxy, struct line *line, struct source *source,
		     const void *rest, size_t len)
{
	struct session *session = session_new(proxy, source);
	session->viewer_line = line;
	session->in_browser = true;
	websocket_init(&session->websocket);
	line_give(line, &viewer_ops, session);
	greet(session);
	if (len > 0)
		on_viewer_data(session, (uint8_t *)rest, len);
}

void sessions_recheck(struct proxy *proxy)
{
	for (struct session *s = proxy->sessions, *next; s; s = next) {
		next = s->next;
		const struct code_grant grant = { .user = s->user,
						  .view_only = s->view_only,
						  .recording = s->plays };
		if (s->machine && !machine_grants(s->machine, &grant))
			session_end(s, "the user may do this no longer");
	}
}

unsigned sessions_end(struct proxy *proxy, uint64_t id, const struct machine *machine,
		      const char *why)
{
	unsigned count = 0;
	for (struct session *s = proxy->sessions, *next; s; s = next) {
		next = s->next;
		if ((id != 0 && s->id != id) || (machine && s->machine != machine))
			continue;
		session_end(s, why);
		count++;
	}
	return count;
}
