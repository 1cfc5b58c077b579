/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/rfb-filter.h"

#include <string.h>

#include "common/util.h"
#include "remote/rfb-parts.h"

enum client_message {
	SET_PIXEL_FORMAT = 0,
	SET_ENCODINGS = 2,
	UPDATE_REQUEST = 3,
	KEY_EVENT = 4,
	POINTER_EVENT = 5,
	CUT_TEXT = 6,
	CONTINUOUS_UPDATES = 150,
	FENCE = 248,
	XVP = 250,
	SET_DESKTOP_SIZE = 251,
	QEMU = 255,
};

enum qemu_message { QEMU_KEY = 0, QEMU_AUDIO = 1 };
enum { QEMU_AUDIO_SET_FORMAT = 2 };

struct range {
	int32_t from, to;
};

static const struct range passed[] = {
	{ 0, 2 },       /* Raw, CopyRect, RRE */
	{ 4, 7 },       /* CoRRE, Hextile, zlib, Tight */
	{ 15, 17 },     /* TRLE, ZRLE, ZYWRLE */
	{ 21, 22 },     /* JPEG, JRLE */
	{ 50, 50 },     /* Open H.264 */
	{ -32, -23 },   /* JPEG quality */
	{ -224, -223 }, /* LastRect, DesktopSize */
	{ -232, -232 }, /* PointerPos */
	{ -240, -239 }, /* XCursor, Cursor */
	{ -256, -247 }, /* compression level */
	{ -261,
	  -257 }, /* QEMU: LED state, TightPNG, audio, extended key, pointer motion */
	{ -309, -308 }, /* xvp, ExtendedDesktopSize */
	{ -314, -312 }, /* Cursor With Alpha, ContinuousUpdates, Fence */
	{ -512, -412 }, /* JPEG quality, fine */
	{ -768, -763 }, /* JPEG subsampling */
	{ (int32_t)0xC0A1E5CE, (int32_t)0xC0A1E5CE }, /* Extended Clipboard */
};

/* What every player knows; and the pointer stays in the picture. */
static const struct range recorded[] = {
	{ 0, 2 },       /* Raw, CopyRect, RRE */
	{ 5, 7 },       /* Hextile, zlib, Tight */
	{ 16, 16 },     /* ZRLE */
	{ -32, -23 },   /* JPEG quality */
	{ -224, -223 }, /* LastRect, DesktopSize */
	{ -256, -247 }, /* compression level */
};

void rfb_filter_init(struct rfb_filter *filter, bool view_only)
{
	*filter = (struct rfb_filter){ .view_only = view_only };
}

void rfb_filter_record(struct rfb_filter *filter, const uint8_t format[RFB_FORMAT_BYTES])
{
	filter->recorded = true;
	memcpy(filter->format, format, RFB_FORMAT_BYTES);
}

void rfb_filter_destroy(struct rfb_filter *filter)
{
	strbuf_destroy(&filter->encodings);
}

/* Of the head, as far as it is known from the first `have` (> 0) bytes of it; 0: no such
 * message. */
static size_t head_bytes(const uint8_t *head, size_t have)
{
	switch ((enum client_message)head[0]) {
	case SET_PIXEL_FORMAT:
		return 20;
	case SET_ENCODINGS:
	case XVP:
		return 4;
	case UPDATE_REQUEST:
	case CONTINUOUS_UPDATES:
		return 10;
	case KEY_EVENT:
	case CUT_TEXT:
	case SET_DESKTOP_SIZE:
		return 8;
	case POINTER_EVENT:
		return 6;
	case FENCE:
		return 9;
	case QEMU:
		if (have < 4)
			return 4;
		if (head[1] == QEMU_KEY)
			return 12;
		if (head[1] == QEMU_AUDIO)
			return head[2] == 0 && head[3] == QEMU_AUDIO_SET_FORMAT ? 10 : 4;
	}
	return 0;
}

/* Bytes after the head. */
static uint32_t body_bytes(const uint8_t *head)
{
	switch ((enum client_message)head[0]) {
	case SET_ENCODINGS:
		return 4u * ((uint32_t)head[2] << 8 | head[3]);
	case CUT_TEXT: {
		uint32_t bytes = bytes_u32(head + 4);
		return bytes & 0x80000000 ? -bytes : bytes;
	}
	case FENCE:
		return head[8];
	case SET_DESKTOP_SIZE:
		return 16u * head[6];
	case SET_PIXEL_FORMAT:
	case UPDATE_REQUEST:
	case KEY_EVENT:
	case POINTER_EVENT:
	case CONTINUOUS_UPDATES:
	case XVP:
	case QEMU:
		break;
	}
	return 0;
}

/* Does it change anything at the server's desk? */
static bool acts(const uint8_t *head)
{
	switch ((enum client_message)head[0]) {
	case KEY_EVENT:
	case POINTER_EVENT:
	case CUT_TEXT:
	case XVP:
	case SET_DESKTOP_SIZE:
		return true;
	case QEMU:
		return head[1] == QEMU_KEY;
	case SET_PIXEL_FORMAT:
	case SET_ENCODINGS:
	case UPDATE_REQUEST:
	case CONTINUOUS_UPDATES:
	case FENCE:
		break;
	}
	return false;
}

static int check_size(const struct rfb_filter *filter, struct err *err)
{
	if (filter->head[0] == SET_ENCODINGS && filter->body_left > 4 * RFB_MAX_ENCODINGS)
		return err_set(err, ERR_TOO_LARGE,
			       "the viewer sets %u encodings, more than %d",
			       filter->body_left / 4, RFB_MAX_ENCODINGS);
	if (filter->head[0] == CUT_TEXT && filter->body_left > RFB_MAX_CUT_TEXT)
		return err_set(err, ERR_TOO_LARGE,
			       "the viewer sends a clipboard of %u bytes, more than %d",
			       filter->body_left, RFB_MAX_CUT_TEXT);
	return 0;
}

/* A player must be able to show it in other formats. */
static int settle_format(struct rfb_filter *filter, struct err *err)
{
	uint8_t bits = filter->format[0];
	bool big_endian = filter->format[2], true_colour = filter->format[3];
	if (big_endian || !true_colour || (bits != 8 && bits != 16 && bits != 32))
		return err_set(err, ERR_REFUSED, "the viewer's pixel format cannot be recorded");
	filter->settled = true;
	return 0;
}

static int check_recorded(struct rfb_filter *filter, struct err *err)
{
	/* The format's last three bytes are padding. */
	const uint8_t *format = filter->head + RFB_FORMAT_AT;
	if (filter->head[0] == UPDATE_REQUEST && !filter->settled)
		return settle_format(filter, err);
	if (filter->head[0] != SET_PIXEL_FORMAT)
		return 0;
	if (filter->settled && memcmp(filter->format, format, RFB_FORMAT_BYTES - 3) != 0)
		return err_set(err, ERR_REFUSED, "the viewer changes its pixel format, and is recorded");
	memcpy(filter->format, format, RFB_FORMAT_BYTES);
	return 0;
}

static bool is_in(const struct range *ranges, size_t count, int32_t encoding)
{
	for (size_t i = 0; i < count; i++)
		if (encoding >= ranges[i].from && encoding <= ranges[i].to)
			return true;
	return false;
}

static bool encoding_passes(const struct rfb_filter *filter, int32_t encoding)
{
	return filter->recorded ? is_in(recorded, ARRAY_SIZE(recorded), encoding)
				: is_in(passed, ARRAY_SIZE(passed), encoding);
}

static void write_encodings(struct rfb_filter *filter, struct strbuf *out)
{
	_cleanup_strbuf_ struct strbuf kept = STRBUF_INIT;
	for (size_t at = 0; at < filter->encodings.len; at += 4) {
		const char *encoding = filter->encodings.data + at;
		if (encoding_passes(filter, (int32_t)bytes_u32((const uint8_t *)encoding)))
			strbuf_add(&kept, encoding, 4);
	}
	size_t count = kept.len / 4;
	const uint8_t head[] = { SET_ENCODINGS, 0, (uint8_t)(count >> 8),
				 (uint8_t)count };
	strbuf_add(out, head, sizeof(head));
	if (count > 0)
		strbuf_add(out, kept.data, kept.len);
	strbuf_reset(&filter->encodings);
}

/* The head is whole: what is to become of the message? */
static int begin_body(struct rfb_filter *filter, struct strbuf *out, struct err *err)
{
	filter->in_body = true;
	filter->body_left = body_bytes(filter->head);
	if (check_size(filter, err) < 0 || (filter->recorded && check_recorded(filter, err) < 0))
		return -1;
	if (filter->head[0] == SET_ENCODINGS) {
		filter->body = RFB_ENCODINGS;
	} else if (filter->view_only && acts(filter->head)) {
		filter->body = RFB_DROP;
	} else {
		filter->body = RFB_PASS;
		strbuf_add(out, filter->head, filter->head_bytes);
	}
	return 0;
}

static int take_head(struct rfb_filter *filter, uint8_t byte, struct strbuf *out,
		     struct err *err)
{
	filter->head[filter->head_bytes++] = byte;
	size_t bytes = head_bytes(filter->head, filter->head_bytes);
	if (bytes == 0)
		return err_set(
			err, ERR_INPUT,
			"the viewer sends a message of type %u, which is not known",
			filter->head[0]);
	return filter->head_bytes == bytes ? begin_body(filter, out, err) : 0;
}

static void take_body(struct rfb_filter *filter, const uint8_t *data, size_t len,
		      struct strbuf *out)
{
	if (filter->body == RFB_PASS)
		strbuf_add(out, data, len);
	else if (filter->body == RFB_ENCODINGS)
		strbuf_add(&filter->encodings, data, len);
	filter->body_left -= (uint32_t)len;
}

static void end_body(struct rfb_filter *filter, struct strbuf *out)
{
	if (filter->body == RFB_ENCODINGS)
		write_encodings(filter, out);
	filter->in_body = false;
	filter->head_bytes = 0;
}

int rfb_filter_feed(struct rfb_filter *filter, const uint8_t *data, size_t len,
		    struct strbuf *out, struct err *err)
{
	while (len > 0) {
		size_t taken = 1;
		if (!filter->in_body) {
			if (take_head(filter, data[0], out, err) < 0)
				return -1;
		} else {
			taken = len < filter->body_left ? len : filter->body_left;
			take_body(filter, data, taken, out);
		}
		if (filter->in_body && filter->body_left == 0)
			end_body(filter, out);
		data += taken;
		len -= taken;
	}
	return 0;
}
