/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The proxy as the viewer of a VNC server, until the session begins. */
#include <string.h>

#include "common/utf8.h"
#include "common/util.h"
#include "remote/rfb-parts.h"

enum {
	REASON_BYTES = 1024,
	/* A name is dropped as it comes, but a server that sends for ever is none. */
	NAME_BYTES = 65536,
};

void rfb_server_start(struct rfb_server *server)
{
	*server = (struct rfb_server){ .step = RFB_SERVER_VERSION };
}

/* A refusal: u32 length and text at `data`. *used: 0 until it has come. */
static int take_refusal(const uint8_t *data, size_t len, size_t offset, size_t *used,
			struct err *err)
{
	if (len < offset + 4)
		return 0;
	uint32_t bytes = bytes_u32(data + offset);
	uint32_t kept = bytes < REASON_BYTES ? bytes : REASON_BYTES;
	if (len < offset + 4 + kept)
		return 0;
	*used = offset + 4 + kept;
	_cleanup_free_ char *reason = utf8_make_printable((const char *)data + offset + 4,
							  kept, "", REASON_BYTES);
	return err_set(err, ERR_REFUSED, "the VNC server refuses: %s", reason);
}

static int take_version(struct rfb_server *server, const uint8_t *data, size_t len,
			size_t *used, struct strbuf *out, struct err *err)
{
	if (len < RFB_VERSION_BYTES)
		return 0;
	if (rfb_version_parse(data, "the VNC server", &server->version, err) < 0)
		return -1;
	rfb_version_write(server->version, out);
	server->step = RFB_SERVER_SECURITY;
	*used = RFB_VERSION_BYTES;
	return 0;
}

/* After None, only 3.8 says how it went. */
static void chosen(struct rfb_server *server, uint8_t type)
{
	if (type == RFB_SECURITY_VNC)
		server->step = RFB_SERVER_CHALLENGE;
	else
		server->step = server->version == RFB_3_8 ? RFB_SERVER_RESULT
							  : RFB_SERVER_AUTHENTICATED;
}

/* 3.3: the server says which. */
static int take_type(struct rfb_server *server, const uint8_t *data, size_t len,
		     size_t *used, struct err *err)
{
	if (len < 4)
		return 0;
	uint32_t type = bytes_u32(data);
	if (type == 0)
		return take_refusal(data, len, 4, used, err);
	if (type != RFB_SECURITY_NONE && type != RFB_SECURITY_VNC)
		return err_set(err, ERR_INPUT, "the VNC server wants security type %u",
			       type);
	*used = 4;
	chosen(server, (uint8_t)type);
	return 0;
}

/* 3.7 and 3.8: the server offers, we choose. */
static int take_types(struct rfb_server *server, const uint8_t *data, size_t len,
		      size_t *used, struct strbuf *out, struct err *err)
{
	if (len < 1)
		return 0;
	if (data[0] == 0)
		return take_refusal(data, len, 1, used, err);
	if (len < 1u + data[0])
		return 0;
	uint8_t type = memchr(data + 1, RFB_SECURITY_NONE, data[0])  ? RFB_SECURITY_NONE
		       : memchr(data + 1, RFB_SECURITY_VNC, data[0]) ? RFB_SECURITY_VNC
								     : 0;
	if (!type)
		return err_set(
			err, ERR_INPUT,
			"the VNC server offers neither None nor VNC Authentication");
	*used = 1u + data[0];
	strbuf_addc(out, (char)type);
	chosen(server, type);
	return 0;
}

static int take_challenge(struct rfb_server *server, const uint8_t *data, size_t len,
			  size_t *used)
{
	if (len < VNC_CHALLENGE_BYTES)
		return 0;
	memcpy(server->challenge, data, VNC_CHALLENGE_BYTES);
	server->step = RFB_SERVER_CHALLENGED;
	*used = VNC_CHALLENGE_BYTES;
	return 0;
}

static int take_result(struct rfb_server *server, const uint8_t *data, size_t len,
		       size_t *used, struct err *err)
{
	if (len < 4)
		return 0;
	if (bytes_u32(data) == 0) {
		server->step = RFB_SERVER_AUTHENTICATED;
		*used = 4;
		return 0;
	}
	if (server->version == RFB_3_8)
		return take_refusal(data, len, 4, used, err);
	return err_set(err, ERR_REFUSED, "the VNC server refuses the password");
}

static int take_init(struct rfb_server *server, const uint8_t *data, size_t len,
		     size_t *used, struct err *err)
{
	if (len < RFB_SERVER_INIT_BYTES)
		return 0;
	memcpy(server->init, data, RFB_SERVER_INIT_BYTES);
	server->name_left = bytes_u32(data + RFB_SERVER_INIT_BYTES - 4);
	if (server->name_left > NAME_BYTES)
		return err_set(err, ERR_INPUT, "the VNC server has a name of %u bytes",
			       server->name_left);
	server->step = server->name_left ? RFB_SERVER_NAME : RFB_SERVER_READY;
	*used = RFB_SERVER_INIT_BYTES;
	return 0;
}

static int drop_name(struct rfb_server *server, size_t len, size_t *used)
{
	*used = len < server->name_left ? len : server->name_left;
	server->name_left -= (uint32_t)*used;
	if (server->name_left == 0)
		server->step = RFB_SERVER_READY;
	return 0;
}

int rfb_server_feed(struct rfb_server *server, const uint8_t *data, size_t len,
		    size_t *used, struct strbuf *out, struct err *err)
{
	*used = 0;
	switch (server->step) {
	case RFB_SERVER_VERSION:
		return take_version(server, data, len, used, out, err);
	case RFB_SERVER_SECURITY:
		return server->version == RFB_3_3
			       ? take_type(server, data, len, used, err)
			       : take_types(server, data, len, used, out, err);
	case RFB_SERVER_CHALLENGE:
		return take_challenge(server, data, len, used);
	case RFB_SERVER_RESULT:
		return take_result(server, data, len, used, err);
	case RFB_SERVER_INIT:
		return take_init(server, data, len, used, err);
	case RFB_SERVER_NAME:
		return drop_name(server, len, used);
	case RFB_SERVER_CHALLENGED:
	case RFB_SERVER_AUTHENTICATED:
	case RFB_SERVER_READY:
		break;
	}
	return 0;
}

void rfb_server_respond(struct rfb_server *server,
			const uint8_t response[VNC_CHALLENGE_BYTES], struct strbuf *out)
{
	strbuf_add(out, response, VNC_CHALLENGE_BYTES);
	server->step = RFB_SERVER_RESULT;
}

void rfb_server_client_init(struct rfb_server *server, bool shared, struct strbuf *out)
{
	strbuf_addc(out, shared ? 1 : 0);
	server->step = RFB_SERVER_INIT;
}
