/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/utf8.h"

#include <string.h>

#include "common/strbuf.h"

size_t utf8_char_len(const char *s, size_t len)
{
	const unsigned char *b = (const unsigned char *)s;
	if (len == 0 || b[0] < 0x80)
		return len > 0;
	size_t more = b[0] >= 0xf0 ? 3 : b[0] >= 0xe0 ? 2 : 1;
	if (b[0] < 0xc2 || b[0] > 0xf4 || more >= len)
		return 0;
	for (size_t i = 1; i <= more; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	bool overlong = (b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xf0 && b[1] < 0x90);
	bool beyond = (b[0] == 0xed && b[1] > 0x9f) || (b[0] == 0xf4 && b[1] > 0x8f);
	return overlong || beyond ? 0 : more + 1;
}

bool utf8_is_valid(const char *s)
{
	for (size_t left = strlen(s); left > 0;) {
		size_t n = utf8_char_len(s, left);
		if (!n)
			return false;
		s += n;
		left -= n;
	}
	return true;
}

/* ASCII's and those of U+0080 to U+009F. */
static bool is_control(const char *s)
{
	const unsigned char *b = (const unsigned char *)s;
	return b[0] < 0x20 || b[0] == 0x7f || (b[0] == 0xc2 && b[1] < 0xa0);
}

char *utf8_make_printable(const char *data, size_t len, const char *keep, size_t max_bytes)
{
	struct strbuf buf = STRBUF_INIT;
	for (size_t i = 0; i < len;) {
		const char *at = data + i;
		size_t n = utf8_char_len(at, len - i);
		bool fits = n && (!is_control(at) || (*at && strchr(keep, *at)));
		size_t adds = fits ? n : 1;
		if (buf.len + adds > max_bytes)
			break;
		strbuf_add(&buf, fits ? at : "?", adds);
		i += n ? n : 1;
	}
	return strbuf_steal(&buf);
}
