/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session once both ends have shaken hands: what one says goes to the other, sifted and, if the machine
 * is recorded, kept. */
#include "remote/proxy/session.h"

static int from_viewer(void *arg, uint8_t *data, size_t len, struct line *to, struct err *err)
{
	struct session *session = arg;
	struct strbuf *out = &session->proxy->scratch, *payload = &session->proxy->answer;
	strbuf_reset(out);
	if (session->in_browser) {
		strbuf_reset(payload);
		if (session_open_frames(session, data, len, payload, err) < 0)
			return -1;
		data = (uint8_t *)payload->data;
		len = payload->len;
	}
	int result = rfb_filter_feed(&session->filter, data, len, out, err);
	if (result == 0 && session->recording && session->filter.settled &&
	    !recording_has_begun(session->recording))
		result = recording_begin(session->recording, session->server.init, session->filter.format,
					 session->proxy->conf->title, err);
	line_send(to, out->data, out->len);
	return result;
}

static int record(struct session *session, const uint8_t *data, size_t len, struct err *err)
{
	if (!session->recording)
		return 0;
	return recording_add(session->recording, data, len, loop_now_ms(session->proxy->loop), err);
}

static int to_viewer(void *arg, uint8_t *data, size_t len, struct line *to, struct err *err)
{
	if (record(arg, data, len, err) < 0)
		return -1;
	line_send(to, data, len);
	return 0;
}

/* Each piece in one frame, whose head fits in front of it. */
static int to_browser(void *arg, uint8_t *data, size_t len, struct line *to, struct err *err)
{
	struct session *session = arg;
	struct strbuf *head = &session->proxy->answer;
	if (record(session, data, len, err) < 0)
		return -1;
	strbuf_reset(head);
	websocket_add_head(head, len);
	memcpy(data - head->len, head->data, head->len);
	line_send(to, data - head->len, head->len + len);
	return 0;
}

static void on_relay_ended(void *arg, const struct err *why)
{
	session_end(arg, why ? why->msg : "both ends have finished");
}

void session_run(struct session *session)
{
	struct strbuf *out = &session->proxy->answer;
	const struct relay_conf conf = { .from_first = from_viewer,
					 .from_second = session->in_browser  ? to_browser
							: session->recording ? to_viewer
									     : NULL,
					 .ends_with_first = true,
					 .ended = on_relay_ended,
					 .arg = session };
	session->step = SESSION_RUNNING;
	loop_timer_clear(session->proxy->loop, &session->deadline);
	strbuf_reset(out);
	_cleanup_free_ char *title = xasprintf("%s%s", session->proxy->conf->title,
					       session->recording ? " (recorded)" : "");
	rfb_viewer_server_init(session->server.init, title, out);
	session_send_viewer(session, out);
	rfb_filter_init(&session->filter, session->view_only);
	if (session->recording)
		rfb_filter_record(&session->filter, session->server.init + RFB_FORMAT_AT);
	session->relay = relay_new(session->proxy->lines, session->viewer_line,
				   session->server_line, &conf);
	_cleanup_strbuf_ struct strbuf from_first = session->viewer_in;
	_cleanup_strbuf_ struct strbuf from_second = session->server_in;
	session->viewer_in = session->server_in = (struct strbuf)STRBUF_INIT;
	relay_feed(session->relay, true, from_second.data, from_second.len);
	if (!session->over)
		relay_feed(session->relay, false, from_first.data, from_first.len);
}
