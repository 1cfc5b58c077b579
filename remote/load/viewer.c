/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/load/load.h"

#include <time.h>

#include "common/log.h"
#include "common/util.h"
#include "remote/bytes.h"
#include "remote/dial.h"
#include "remote/vnc-auth.h"
#include "remote/websocket.h"

enum { CALL_MS = 60000, SHOUT_BYTES = 6, MAX_ANSWER = 8192 };

enum viewer_step { VIEW_HTTP, VIEW_VERSION, VIEW_TYPES, VIEW_CHALLENGE, VIEW_RESULT, VIEW_INIT, VIEW_RUNS };

struct viewer {
	struct load *load;
	struct line *line;
	const char *code; /* NULL: raw */
	enum viewer_step step;
	struct strbuf in; /* of the handshake */
	struct strbuf frames; /* those that it is in */
	uint64_t bytes;
	int64_t shouted_us;
	size_t echoed;
};

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void end(struct viewer *viewer)
{
	struct load *load = viewer->load;
	line_close(&viewer->line);
	strbuf_destroy(&viewer->in);
	strbuf_destroy(&viewer->frames);
	loop_bury(load->loop, viewer, free);
	if (++load->ended == load->count)
		loop_stop(load->loop);
}

/* To a WebSocket with the mask 0, which changes nothing. */
static void say(struct viewer *viewer, const void *data, size_t len)
{
	const uint8_t head[] = { 0x82, (uint8_t)(0x80 | len), 0, 0, 0, 0 };
	if (viewer->load->websocket)
		line_send(viewer->line, head, sizeof(head));
	line_send(viewer->line, data, len);
}

/* A PointerEvent, which passes whatever sieve there is; it is timed until it has come back. */
static void shout(struct viewer *viewer)
{
	static const uint8_t pointer[SHOUT_BYTES] = { 5, 0, 0, 1, 0, 1 };
	viewer->shouted_us = now_us();
	viewer->echoed = 0;
	say(viewer, pointer, sizeof(pointer));
}

static void note_rtt(struct load *load, int64_t us)
{
	if (load->rtt_count == load->rtt_size) {
		load->rtt_size = load->rtt_size ? 2 * load->rtt_size : 4096;
		load->rtt_us = xrealloc(load->rtt_us, load->rtt_size * sizeof(*load->rtt_us));
	}
	load->rtt_us[load->rtt_count++] = (uint32_t)us;
}

static void take_session(struct viewer *viewer, size_t len)
{
	struct load *load = viewer->load;
	if (!load->first_ms)
		load->first_ms = loop_now_ms(load->loop);
	viewer->bytes += len;
	load->bytes += len;
	if (load->mode == LOAD_ECHO && (viewer->echoed += len) >= SHOUT_BYTES) {
		note_rtt(load, now_us() - viewer->shouted_us);
		shout(viewer);
	}
	if (load->bytes_wanted && viewer->bytes >= load->bytes_wanted)
		end(viewer);
}

static void begin(struct viewer *viewer)
{
	viewer->step = VIEW_RUNS;
	viewer->load->begun++;
	if (viewer->load->mode == LOAD_ECHO)
		shout(viewer);
}

/* Bytes of the step's message that were taken; 0: it has not come whole. */
static size_t take_step(struct viewer *viewer, const uint8_t *data, size_t len)
{
	static const uint8_t version[] = "RFB 003.008\n", vnc = 2, shared = 1;
	static const size_t bytes[] = { [VIEW_VERSION] = 12, [VIEW_TYPES] = 1, [VIEW_CHALLENGE] = 16,
					[VIEW_RESULT] = 4, [VIEW_INIT] = 24 };
	size_t used = viewer->step == VIEW_TYPES && len > 0 ? 1u + data[0] : bytes[viewer->step];
	if (len < used)
		return 0;
	switch (viewer->step++) {
	case VIEW_VERSION:
		say(viewer, version, 12);
		break;
	case VIEW_TYPES:
		say(viewer, &vnc, 1);
		break;
	case VIEW_CHALLENGE: {
		struct vnc_key key;
		uint8_t response[VNC_CHALLENGE_BYTES];
		vnc_key_init(&key, viewer->code);
		vnc_key_respond(&key, data, response);
		say(viewer, response, sizeof(response));
		break;
	}
	case VIEW_RESULT:
		if (bytes_u32(data) != 0) {
			log_error("a viewer is refused");
			end(viewer);
			break;
		}
		say(viewer, &shared, 1);
		break;
	case VIEW_INIT: {
		size_t name = bytes_u32(data + 20);
		if (len < 24 + name) {
			viewer->step = VIEW_INIT;
			return 0;
		}
		used += name;
		begin(viewer);
		break;
	}
	default:
		break;
	}
	return used;
}

static void take_handshake(struct viewer *viewer, const uint8_t *data, size_t len)
{
	size_t used;
	strbuf_add(&viewer->in, data, len);
	while (viewer->line && viewer->step < VIEW_RUNS && viewer->in.len > 0 &&
	       (used = take_step(viewer, (uint8_t *)viewer->in.data, viewer->in.len)) > 0)
		strbuf_drop(&viewer->in, used);
	if (viewer->line && viewer->step == VIEW_RUNS && viewer->in.len > 0) {
		size_t rest = viewer->in.len;
		strbuf_destroy(&viewer->in);
		take_session(viewer, rest);
	}
}

/* Frames of a handshake are short, and may come in pieces; in the session only bytes are counted. */
static void take_frames(struct viewer *viewer, const uint8_t *data, size_t len)
{
	struct strbuf *in = &viewer->frames;
	strbuf_add(in, data, len);
	while (viewer->line && viewer->step < VIEW_RUNS && in->len >= 2) {
		size_t n = (uint8_t)in->data[1] & 0x7f;
		if (n > 125 || in->len < 2 + n)
			break;
		take_handshake(viewer, (uint8_t *)in->data + 2, n);
		strbuf_drop(in, 2 + n);
	}
	if (!viewer->line || viewer->step < VIEW_RUNS || in->len == 0)
		return;
	size_t rest = in->len;
	strbuf_destroy(in);
	take_session(viewer, viewer->load->mode == LOAD_ECHO ? rest - 2 : rest);
}

static void on_data(void *owner, uint8_t *data, size_t len)
{
	struct viewer *viewer = owner;
	if (viewer->step == VIEW_RUNS) {
		take_session(viewer, viewer->load->mode == LOAD_ECHO && viewer->load->websocket ? len - 2
											       : len);
	} else if (viewer->step == VIEW_HTTP) {
		strbuf_add(&viewer->in, data, len);
		const char *end_of_head = strstr(viewer->in.data, "\r\n\r\n");
		if (!end_of_head)
			return;
		size_t head = (size_t)(end_of_head - viewer->in.data) + 4;
		_cleanup_strbuf_ struct strbuf rest = viewer->in;
		viewer->in = (struct strbuf)STRBUF_INIT;
		viewer->step = VIEW_VERSION;
		if (!viewer->code)
			begin(viewer);
		take_frames(viewer, (uint8_t *)rest.data + head, rest.len - head);
	} else if (viewer->load->websocket) {
		take_frames(viewer, data, len);
	} else {
		take_handshake(viewer, data, len);
	}
}

static void start(void *owner)
{
	struct viewer *viewer = owner;
	if (viewer->load->websocket) {
		_cleanup_free_ char *request = xasprintf(
			"GET /websocket HTTP/1.1\r\nHost: load\r\nOrigin: https://load\r\n"
			"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
			"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
			"Sec-WebSocket-Protocol: binary\r\n\r\n");
		line_send(viewer->line, request, strlen(request));
		viewer->step = VIEW_HTTP;
	} else if (!viewer->code) {
		begin(viewer);
	} else {
		viewer->step = VIEW_VERSION;
	}
}

static void on_finished(void *owner)
{
	end(owner);
}

static void on_broken(void *owner, const struct err *why)
{
	log_error("viewer: %s", why->msg);
	end(owner);
}

static const struct line_ops viewer_ops = { .secured = start,
					    .data = on_data,
					    .finished = on_finished,
					    .broken = on_broken };

static void on_dialled(void *arg, int fd, const struct err *why)
{
	struct viewer *viewer = arg;
	_cleanup_err_ struct err err = ERR_INIT;
	viewer->line = fd < 0 ? NULL : line_new(viewer->load->lines, fd, &viewer_ops, viewer, &err);
	if (!viewer->line) {
		log_error("viewer: %s", why ? why->msg : err.msg);
		end(viewer);
	} else if (!viewer->load->proxy.tls) {
		start(viewer);
	} else if (line_start_tls(viewer->line, viewer->load->proxy.tls, NULL, &err) < 0) {
		on_broken(viewer, &err);
	}
}

void load_view(struct load *load, char **codes, size_t code_count)
{
	if (codes)
		load->count = (unsigned)code_count;
	for (unsigned i = 0; i < load->count; i++) {
		struct viewer *viewer = xcalloc(1, sizeof(*viewer));
		viewer->load = load;
		viewer->code = codes ? codes[i] : NULL;
		dial_start(load->loop, load->proxy.host, load->proxy.port, CALL_MS, on_dialled, viewer);
	}
}
