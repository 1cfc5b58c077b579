/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/archive-util.h"

static la_ssize_t append(struct archive *a, void *arg, const void *data, size_t len)
{
	strbuf_add(arg, data, len);
	return (la_ssize_t)len;
}

int archive_write_open_strbuf(struct archive *a, struct strbuf *out)
{
	return archive_write_open(a, out, NULL, append, NULL);
}
