/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What both handshakes share. */
#ifndef WAYBILL_RFB_PARTS_H
#define WAYBILL_RFB_PARTS_H

#include "remote/bytes.h"
#include "remote/rfb.h"

enum { RFB_SECURITY_NONE = 1, RFB_SECURITY_VNC = 2, RFB_SECURITY_VENCRYPT = 19 };
enum { RFB_VENCRYPT_X509_VNC = 261 };

/* The highest version that both we and one who says `text` know.
 * Errors: ERR_INPUT (not "RFB 003.xxx\n"). */
int rfb_version_parse(const uint8_t text[RFB_VERSION_BYTES], const char *who,
		      enum rfb_version *out, struct err *err) _must_check_;
void rfb_version_write(enum rfb_version version, struct strbuf *out);

/* A u32 with its length, then the text. */
void rfb_add_text(struct strbuf *out, const char *text);

#endif
