/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RFB: the first byte says from whom the rest comes: a viewer at its handshake, a VNC
 * server, or a viewer in a session. */
#include <stdlib.h>

#include "remote/rfb-filter.h"
#include "remote/rfb.h"

static void viewer(const uint8_t *data, size_t size, struct strbuf *out, struct err *err)
{
	static const uint8_t challenge[VNC_CHALLENGE_BYTES];
	struct rfb_viewer viewer;
	size_t used = 1;
	rfb_viewer_start(&viewer, challenge, RFB_TLS_OFFERED, out);
	while (used > 0 && rfb_viewer_feed(&viewer, data, size, &used, out, err) == 0) {
		data += used;
		size -= used;
		if (viewer.step == RFB_VIEWER_TLS)
			rfb_viewer_secured(&viewer, out);
		if (viewer.step == RFB_VIEWER_IDENTIFIED)
			rfb_viewer_welcome(&viewer, out);
	}
}

static void server(const uint8_t *data, size_t size, struct strbuf *out, struct err *err)
{
	static const uint8_t response[VNC_CHALLENGE_BYTES];
	struct rfb_server server;
	size_t used = 1;
	rfb_server_start(&server);
	while (used > 0 && rfb_server_feed(&server, data, size, &used, out, err) == 0) {
		data += used;
		size -= used;
		if (server.step == RFB_SERVER_CHALLENGED)
			rfb_server_respond(&server, response, out);
		else if (server.step == RFB_SERVER_AUTHENTICATED)
			rfb_server_client_init(&server, true, out);
	}
}

/* However it is cut up, the same comes out, and never more than the header promises. */
static void session(const uint8_t *data, size_t size, bool view_only, struct strbuf *out,
		    struct err *err)
{
	_cleanup_strbuf_ struct strbuf whole = STRBUF_INIT;
	struct rfb_filter filter;
	struct err other = ERR_INIT;
	rfb_filter_init(&filter, view_only);
	int result = rfb_filter_feed(&filter, data, size, &whole, &other);
	rfb_filter_destroy(&filter);
	rfb_filter_init(&filter, view_only);
	int again = 0;
	for (size_t i = 0; i < size && again == 0; i++)
		again = rfb_filter_feed(&filter, data + i, 1, out, err);
	rfb_filter_destroy(&filter);
	if (result != again || other.code != err->code || whole.len != out->len ||
	    whole.len > size + 4 * RFB_MAX_ENCODINGS + RFB_HEAD_BYTES)
		abort();
	err_clear(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	struct err err = ERR_INIT;
	if (size == 0)
		return 0;
	switch (data[0] % 4) {
	case 0:
		viewer(data + 1, size - 1, &out, &err);
		break;
	case 1:
		server(data + 1, size - 1, &out, &err);
		break;
	default:
		session(data + 1, size - 1, data[0] % 2, &out, &err);
	}
	err_clear(&err);
	return 0;
}
