/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/console-log.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/strbuf.h"
#include "common/util.h"

enum { PANIC_SEARCH_BYTES = 65536, MAX_PANIC_WORDS = 160 };

#define PANIC_MARK "Kernel panic - not syncing"

/* Terminals' escape sequences and other control characters go; lines stay. */
static char *printable(const char *text, size_t len)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == 0x1b && i + 1 < len && text[i + 1] == '[') {
			i += 2;
			while (i < len && !(text[i] >= '@' && text[i] <= '~'))
				i++;
		} else if (c == '\n' || (c >= ' ' && c < 0x7f)) {
			strbuf_addf(&out, "%c", c);
		}
	}
	return xstrdup(out.len ? out.data : "");
}

char *console_log_tail(const char *path, size_t bytes)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return NULL;
	off_t end = lseek(fd, 0, SEEK_END);
	off_t from = end > (off_t)bytes ? end - (off_t)bytes : 0;
	_cleanup_free_ char *text = xmalloc(bytes + 1);
	ssize_t n = end > 0 ? pread(fd, text, bytes, from) : 0;
	if (n <= 0)
		return NULL;
	const char *start = text;
	const char *newline = from > 0 ? memchr(text, '\n', (size_t)n) : NULL;
	if (newline)
		start = newline + 1;
	return printable(start, (size_t)(text + n - start));
}

char *console_log_panic(const char *path)
{
	_cleanup_free_ char *tail = console_log_tail(path, PANIC_SEARCH_BYTES);
	const char *at = tail ? strstr(tail, PANIC_MARK) : NULL;
	if (!at)
		return NULL;
	at += strlen(PANIC_MARK);
	at += strspn(at, ": ");
	size_t len = strcspn(at, "\n");
	return xasprintf("the guest's kernel panicked: %.*s",
			 len < MAX_PANIC_WORDS ? (int)len : MAX_PANIC_WORDS, at);
}
