/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/mip.h"

#include <stdbool.h>
#include <string.h>

#include "remote/bytes.h"

/* What is left to read. `more`: a field was cut short, and all after it are zero. */
struct reader {
	const uint8_t *at;
	size_t left;
	bool more;
	struct err *err;
};

static bool take(struct reader *r, void *out, size_t len)
{
	if (r->more || r->left < len) {
		r->more = true;
		memset(out, 0, len);
		return false;
	}
	memcpy(out, r->at, len);
	r->at += len;
	r->left -= len;
	return true;
}

static uint8_t take_u8(struct reader *r)
{
	uint8_t value;
	take(r, &value, 1);
	return value;
}

static uint32_t take_u32(struct reader *r)
{
	uint8_t b[4];
	take(r, b, sizeof(b));
	return bytes_u32(b);
}

/* Up to `max`, or an error that names the field. */
static int take_u8_to(struct reader *r, unsigned max, const char *what, uint8_t *out)
{
	*out = take_u8(r);
	if (*out > max)
		return err_set(r->err, ERR_INPUT, "MiP: %s %u is above %u", what, *out,
			       max);
	return 0;
}

static int take_u16(struct reader *r, const char *what, uint16_t *out)
{
	uint32_t value = take_u32(r);
	if (value > UINT16_MAX)
		return err_set(r->err, ERR_INPUT, "MiP: %s %u is above %u", what, value,
			       UINT16_MAX);
	*out = (uint16_t)value;
	return 0;
}

/* What has come of a text is looked at even if the rest has not. */
static int take_text(struct reader *r, const char *what, char out[MIP_TEXT_BYTES + 1])
{
	uint32_t len = take_u32(r);
	if (len > MIP_TEXT_BYTES)
		return err_set(r->err, ERR_INPUT, "MiP: %s of %u bytes, more than %d",
			       what, len, MIP_TEXT_BYTES);
	size_t come = r->more ? 0 : r->left < len ? r->left : len;
	for (size_t i = 0; i < come; i++)
		if (r->at[i] < 0x20 || r->at[i] > 0x7e)
			return err_set(r->err, ERR_INPUT, "MiP: octet 0x%02x in %s",
				       r->at[i], what);
	take(r, out, len);
	out[len] = '\0';
	return 0;
}

static int take_ticket(struct reader *r, enum mip_version version, struct mip_message *m)
{
	if (version == MIP_2) {
		take(r, m->ticket, sizeof(m->ticket));
		return 0;
	}
	uint16_t number = 0;
	if (take_u16(r, "ticket", &number) < 0)
		return -1;
	m->ticket[MIP_TICKET_BYTES - 2] = (uint8_t)(number >> 8);
	m->ticket[MIP_TICKET_BYTES - 1] = (uint8_t)number;
	return 0;
}

static int take_handshake(struct reader *r, struct mip_message *m)
{
	uint8_t type;
	if (take_u8_to(r, MIP_RESOURCE, "identifier type", &type) < 0)
		return -1;
	m->identifier_type = type;
	return take_text(r, "identifier", m->identifier);
}

static int take_setup_request(struct reader *r, enum mip_version version,
			      struct mip_message *m)
{
	if (take_ticket(r, version, m) < 0)
		return -1;
	if (version == MIP_1 && (take_text(r, "proxy host", m->proxy_host) < 0 ||
				 take_u16(r, "proxy port", &m->proxy_port) < 0))
		return -1;
	if (take_text(r, "endpoint host", m->endpoint_host) < 0)
		return -1;
	return take_u16(r, "endpoint port", &m->endpoint_port);
}

static int take_setup_response(struct reader *r, enum mip_version version,
			       struct mip_message *m)
{
	if (take_ticket(r, version, m) < 0)
		return -1;
	return take_u8_to(r, MIP_STATUS_MAX, "status", &m->status);
}

static int take_goodbye(struct reader *r, struct mip_message *m)
{
	uint8_t reason;
	if (take_u8_to(r, MIP_BROKEN, "reason of a goodbye", &reason) < 0)
		return -1;
	m->reason = reason;
	return 0;
}

static int take_fields(struct reader *r, enum mip_version version, struct mip_message *m)
{
	switch (m->type) {
	case MIP_HANDSHAKE:
		return take_handshake(r, m);
	case MIP_SETUP_REQUEST:
		return take_setup_request(r, version, m);
	case MIP_SETUP_RESPONSE:
		return take_setup_response(r, version, m);
	case MIP_HEARTBEAT:
		return 0;
	case MIP_GOODBYE:
		return take_goodbye(r, m);
	case MIP_CHALLENGE:
	case MIP_ANSWER:
		take(r, m->ticket, sizeof(m->ticket));
		take(r, m->challenge, sizeof(m->challenge));
		return 0;
	}
	return 0;
}

int mip_parse(enum mip_version version, const void *data, size_t len,
	      struct mip_message *out, size_t *used, struct err *err)
{
	struct reader r = { data, len, false, err };
	struct mip_message m = { 0 };
	uint8_t type = 0;
	*used = 0;
	if (!take(&r, &type, 1))
		return 0;
	if (type > (version == MIP_1 ? MIP_SETUP_RESPONSE : MIP_ANSWER))
		return err_set(err, ERR_INPUT, "MiP: message type %u is not known", type);
	m.type = type;
	if (take_fields(&r, version, &m) < 0)
		return -1;
	if (r.more)
		return 0;
	*out = m;
	*used = len - r.left;
	return 0;
}

static void add_text(struct strbuf *buf, const char *text)
{
	size_t len = strnlen(text, MIP_TEXT_BYTES);
	bytes_add_u32(buf, (uint32_t)len);
	strbuf_add(buf, text, len);
}

static void add_ticket(struct strbuf *buf, enum mip_version version,
		       const struct mip_message *m)
{
	if (version == MIP_2)
		strbuf_add(buf, m->ticket, sizeof(m->ticket));
	else
		bytes_add_u32(buf, (uint32_t)m->ticket[MIP_TICKET_BYTES - 2] << 8 |
					   m->ticket[MIP_TICKET_BYTES - 1]);
}

static void add_setup_request(struct strbuf *buf, enum mip_version version,
			      const struct mip_message *m)
{
	add_ticket(buf, version, m);
	if (version == MIP_1) {
		add_text(buf, m->proxy_host);
		bytes_add_u32(buf, m->proxy_port);
	}
	add_text(buf, m->endpoint_host);
	bytes_add_u32(buf, m->endpoint_port);
}

void mip_write(enum mip_version version, const struct mip_message *m, struct strbuf *buf)
{
	strbuf_addc(buf, (char)m->type);
	switch (m->type) {
	case MIP_HANDSHAKE:
		strbuf_addc(buf, (char)m->identifier_type);
		add_text(buf, m->identifier);
		break;
	case MIP_SETUP_REQUEST:
		add_setup_request(buf, version, m);
		break;
	case MIP_SETUP_RESPONSE:
		add_ticket(buf, version, m);
		strbuf_addc(buf, (char)m->status);
		break;
	case MIP_HEARTBEAT:
		break;
	case MIP_GOODBYE:
		strbuf_addc(buf, (char)m->reason);
		break;
	case MIP_CHALLENGE:
	case MIP_ANSWER:
		add_ticket(buf, MIP_2, m);
		strbuf_add(buf, m->challenge, sizeof(m->challenge));
		break;
	}
}
