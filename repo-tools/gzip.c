/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/gzip.h"

#include "common/archive-util.h"
#include "common/util.h"

/* Without a time stamp, so that the bytes depend on the data alone. */
static int set_up(struct archive *a, struct strbuf *out)
{
	return archive_write_set_format_raw(a) != ARCHIVE_OK ||
	       archive_write_add_filter_gzip(a) != ARCHIVE_OK ||
	       archive_write_set_options(a, "gzip:!timestamp") != ARCHIVE_OK ||
	       archive_write_set_bytes_per_block(a, 65536) != ARCHIVE_OK ||
	       archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
	       archive_write_open_strbuf(a, out) != ARCHIVE_OK;
}

int gzip_compress(const void *data, size_t len, struct strbuf *out, struct err *err)
{
	_cleanup_(archive_write_freep) struct archive *a = archive_write_new();
	_cleanup_(archive_entry_freep) struct archive_entry *entry = archive_entry_new();
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_pathname(entry, "data");
	if (set_up(a, out) || archive_write_header(a, entry) != ARCHIVE_OK ||
	    (len && archive_write_data(a, data, len) != (la_ssize_t)len) ||
	    archive_write_close(a) != ARCHIVE_OK)
		return err_set(err, ERR_SYSTEM, "cannot compress: %s", archive_error_string(a));
	return 0;
}
