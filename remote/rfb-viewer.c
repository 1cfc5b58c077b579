/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The proxy as the server of a viewer, until the session begins. */
#include <string.h>

#include "remote/rfb-parts.h"

void rfb_viewer_start(struct rfb_viewer *viewer,
		      const uint8_t challenge[VNC_CHALLENGE_BYTES], enum rfb_tls tls,
		      struct strbuf *out)
{
	*viewer = (struct rfb_viewer){ .step = RFB_VIEWER_VERSION, .tls = tls };
	memcpy(viewer->challenge, challenge, VNC_CHALLENGE_BYTES);
	rfb_version_write(RFB_3_8, out);
}

static void challenge_it(struct rfb_viewer *viewer, struct strbuf *out)
{
	strbuf_add(out, viewer->challenge, VNC_CHALLENGE_BYTES);
	viewer->step = RFB_VIEWER_RESPONSE;
}

/* In this order: viewers take the first that they know, and one that prefers TLS says so to its user,
 * who is then asked about a certificate. */
static void offer_types(struct rfb_viewer *viewer, struct strbuf *out)
{
	strbuf_addc(out, viewer->tls == RFB_TLS_OFFERED ? 2 : 1);
	if (viewer->tls != RFB_TLS_REQUIRED)
		strbuf_addc(out, RFB_SECURITY_VNC);
	if (viewer->tls != RFB_TLS_NO)
		strbuf_addc(out, RFB_SECURITY_VENCRYPT);
	viewer->step = RFB_VIEWER_SECURITY;
}

static int take_version(struct rfb_viewer *viewer, const uint8_t *data,
			struct strbuf *out, struct err *err)
{
	if (rfb_version_parse(data, "the viewer", &viewer->version, err) < 0)
		return -1;
	if (viewer->version != RFB_3_3) {
		offer_types(viewer, out);
		return 0;
	}
	if (viewer->tls == RFB_TLS_REQUIRED) {
		bytes_add_u32(out, 0);
		rfb_add_text(out, "This proxy wants TLS, which this viewer cannot do.");
		return err_set(err, ERR_INPUT, "the viewer speaks RFB 3.3, which has no TLS");
	}
	bytes_add_u32(out, RFB_SECURITY_VNC);
	challenge_it(viewer, out);
	return 0;
}

static int take_security(struct rfb_viewer *viewer, uint8_t type, struct strbuf *out,
			 struct err *err)
{
	static const uint8_t vencrypt_version[] = { 0, 2 };
	if (type == RFB_SECURITY_VENCRYPT && viewer->tls != RFB_TLS_NO) {
		strbuf_add(out, vencrypt_version, sizeof(vencrypt_version));
		viewer->step = RFB_VIEWER_VENCRYPT;
		return 0;
	}
	if (type != RFB_SECURITY_VNC || viewer->tls == RFB_TLS_REQUIRED) {
		rfb_viewer_refuse(viewer, "This type of security was not offered.", out);
		return err_set(err, ERR_INPUT,
			       "the viewer chose security type %u, which was not offered",
			       type);
	}
	challenge_it(viewer, out);
	return 0;
}

/* VeNCrypt 0.2: its version is agreed upon, then one subtype is offered. */
static int take_vencrypt(struct rfb_viewer *viewer, const uint8_t version[2], struct strbuf *out,
			 struct err *err)
{
	if (version[0] != 0 || version[1] != 2) {
		strbuf_addc(out, 1);
		return err_set(err, ERR_INPUT, "the viewer speaks VeNCrypt %u.%u", version[0], version[1]);
	}
	strbuf_addc(out, 0);
	strbuf_addc(out, 1);
	bytes_add_u32(out, RFB_VENCRYPT_X509_VNC);
	viewer->step = RFB_VIEWER_SUBTYPE;
	return 0;
}

static int take_subtype(struct rfb_viewer *viewer, uint32_t subtype, struct strbuf *out,
			struct err *err)
{
	if (subtype != RFB_VENCRYPT_X509_VNC) {
		strbuf_addc(out, 0);
		return err_set(err, ERR_INPUT,
			       "the viewer chose VeNCrypt's subtype %u, which was not offered", subtype);
	}
	strbuf_addc(out, 1);
	viewer->step = RFB_VIEWER_TLS;
	return 0;
}

void rfb_viewer_secured(struct rfb_viewer *viewer, struct strbuf *out)
{
	challenge_it(viewer, out);
}

/* Bytes of the message that this step waits for; 0: it waits for us. */
static size_t wanted(enum rfb_viewer_step step)
{
	switch (step) {
	case RFB_VIEWER_VERSION:
		return RFB_VERSION_BYTES;
	case RFB_VIEWER_SECURITY:
	case RFB_VIEWER_INIT:
		return 1;
	case RFB_VIEWER_VENCRYPT:
		return 2;
	case RFB_VIEWER_SUBTYPE:
		return 4;
	case RFB_VIEWER_RESPONSE:
		return VNC_CHALLENGE_BYTES;
	case RFB_VIEWER_TLS:
	case RFB_VIEWER_IDENTIFIED:
	case RFB_VIEWER_READY:
	case RFB_VIEWER_REFUSED:
		break;
	}
	return 0;
}

int rfb_viewer_feed(struct rfb_viewer *viewer, const uint8_t *data, size_t len,
		    size_t *used, struct strbuf *out, struct err *err)
{
	size_t bytes = wanted(viewer->step);
	*used = 0;
	if (bytes == 0 || len < bytes)
		return 0;
	*used = bytes;
	switch (viewer->step) {
	case RFB_VIEWER_VERSION:
		return take_version(viewer, data, out, err);
	case RFB_VIEWER_SECURITY:
		return take_security(viewer, data[0], out, err);
	case RFB_VIEWER_VENCRYPT:
		return take_vencrypt(viewer, data, out, err);
	case RFB_VIEWER_SUBTYPE:
		return take_subtype(viewer, bytes_u32(data), out, err);
	case RFB_VIEWER_RESPONSE:
		memcpy(viewer->response, data, VNC_CHALLENGE_BYTES);
		viewer->step = RFB_VIEWER_IDENTIFIED;
		return 0;
	case RFB_VIEWER_INIT:
		viewer->shared = data[0] != 0;
		viewer->step = RFB_VIEWER_READY;
		return 0;
	case RFB_VIEWER_TLS:
	case RFB_VIEWER_IDENTIFIED:
	case RFB_VIEWER_READY:
	case RFB_VIEWER_REFUSED:
		break;
	}
	return 0;
}

void rfb_viewer_welcome(struct rfb_viewer *viewer, struct strbuf *out)
{
	bytes_add_u32(out, 0);
	viewer->step = RFB_VIEWER_INIT;
}

/* Only 3.8 has room for a reason. */
void rfb_viewer_refuse(struct rfb_viewer *viewer, const char *reason, struct strbuf *out)
{
	bytes_add_u32(out, 1);
	if (viewer->version == RFB_3_8)
		rfb_add_text(out, reason);
	viewer->step = RFB_VIEWER_REFUSED;
}

void rfb_viewer_server_init(const uint8_t init[RFB_SERVER_INIT_BYTES], const char *name,
			    struct strbuf *out)
{
	/* Its last four bytes are the length of the name. */
	strbuf_add(out, init, RFB_SERVER_INIT_BYTES - 4);
	rfb_add_text(out, name);
}
