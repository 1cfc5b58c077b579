/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer sends in a session, on its way to the VNC server.
 * Source: docs/spec/rfb.md, "In the session" */
#ifndef WAYBILL_RFB_FILTER_H
#define WAYBILL_RFB_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strbuf.h"
#include "remote/rfb.h"

enum {
	RFB_HEAD_BYTES = 20, /* of the longest message whose length is in its head */
	RFB_MAX_ENCODINGS = 1024,
	RFB_MAX_CUT_TEXT = 1024 * 1024,
};

struct rfb_filter {
	bool view_only;
	/* The message at hand: its head so far, then how many bytes are left of its body. */
	uint8_t head[RFB_HEAD_BYTES];
	size_t head_bytes;
	bool in_body;
	uint32_t body_left;
	enum { RFB_PASS, RFB_DROP, RFB_ENCODINGS } body;
	struct strbuf encodings; /* of SetEncodings, until they have all come */
	/* For a recording: */
	bool recorded;
	uint8_t format[RFB_FORMAT_BYTES]; /* of the pixels */
	bool settled; /* it is, for good, since pictures have been asked for */
};

void rfb_filter_init(struct rfb_filter *filter, bool view_only);
/* The session is recorded: the viewer gets what a recording can hold. `format`: the server's own.
 * Source: docs/spec/recording.md */
void rfb_filter_record(struct rfb_filter *filter, const uint8_t format[RFB_FORMAT_BYTES]);
void rfb_filter_destroy(struct rfb_filter *filter);

/* Take all of `data`, and add to `out` what the server may have, of SetEncodings only when it has come
 * whole. At most len + 4 * RFB_MAX_ENCODINGS + RFB_HEAD_BYTES bytes are added.
 * Errors: ERR_INPUT (a message that is not in the table), ERR_TOO_LARGE, ERR_REFUSED (it cannot be
 * recorded). */
int rfb_filter_feed(struct rfb_filter *filter, const uint8_t *data, size_t len, struct strbuf *out,
		    struct err *err) _must_check_;

#endif
