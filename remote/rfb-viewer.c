/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The proxy as the server of a viewer, until the session begins. */
#include <string.h>

#include "remote/rfb-parts.h"

void rfb_viewer_start(struct rfb_viewer *viewer,
		      const uint8_t challenge[VNC_CHALLENGE_BYTES], struct strbuf *out)
{
	*viewer = (struct rfb_viewer){ .step = RFB_VIEWER_VERSION };
	memcpy(viewer->challenge, challenge, VNC_CHALLENGE_BYTES);
	rfb_version_write(RFB_3_8, out);
}

/* One type is offered, so that no viewer chooses one that it cannot do. */
static int take_version(struct rfb_viewer *viewer, const uint8_t *data,
			struct strbuf *out, struct err *err)
{
	if (rfb_version_parse(data, "the viewer", &viewer->version, err) < 0)
		return -1;
	if (viewer->version == RFB_3_3) {
		bytes_add_u32(out, RFB_SECURITY_VNC);
		strbuf_add(out, viewer->challenge, VNC_CHALLENGE_BYTES);
		viewer->step = RFB_VIEWER_RESPONSE;
	} else {
		strbuf_addc(out, 1);
		strbuf_addc(out, RFB_SECURITY_VNC);
		viewer->step = RFB_VIEWER_SECURITY;
	}
	return 0;
}

static int take_security(struct rfb_viewer *viewer, uint8_t type, struct strbuf *out,
			 struct err *err)
{
	if (type != RFB_SECURITY_VNC) {
		rfb_viewer_refuse(viewer, "This type of security was not offered.", out);
		return err_set(err, ERR_INPUT,
			       "the viewer chose security type %u, which was not offered",
			       type);
	}
	strbuf_add(out, viewer->challenge, VNC_CHALLENGE_BYTES);
	viewer->step = RFB_VIEWER_RESPONSE;
	return 0;
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
	case RFB_VIEWER_RESPONSE:
		return VNC_CHALLENGE_BYTES;
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
	case RFB_VIEWER_RESPONSE:
		memcpy(viewer->response, data, VNC_CHALLENGE_BYTES);
		viewer->step = RFB_VIEWER_IDENTIFIED;
		return 0;
	case RFB_VIEWER_INIT:
		viewer->shared = data[0] != 0;
		viewer->step = RFB_VIEWER_READY;
		return 0;
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
