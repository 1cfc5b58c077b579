/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/rfb-parts.h"

#include <ctype.h>
#include <string.h>

int rfb_version_parse(const uint8_t text[RFB_VERSION_BYTES], const char *who,
		      enum rfb_version *out, struct err *err)
{
	const uint8_t *minor = text + 8;
	if (memcmp(text, "RFB 003.", 8) != 0 || !isdigit(minor[0]) ||
	    !isdigit(minor[1]) || !isdigit(minor[2]) || text[11] != '\n')
		return err_set(err, ERR_INPUT, "%s does not speak RFB 3", who);
	int number = 100 * (minor[0] - '0') + 10 * (minor[1] - '0') + minor[2] - '0';
	/* 3.889 is Apple's 3.8; some say 3.5 and mean 3.3 (RFC 6143 section 7.1.1). */
	*out = number >= 8 ? RFB_3_8 : number == 7 ? RFB_3_7 : RFB_3_3;
	return 0;
}

void rfb_version_write(enum rfb_version version, struct strbuf *out)
{
	strbuf_addf(out, "RFB 003.%03d\n", version);
}

void rfb_add_text(struct strbuf *out, const char *text)
{
	size_t len = strlen(text);
	bytes_add_u32(out, (uint32_t)len);
	strbuf_add(out, text, len);
}
