/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cleanup helpers for libarchive's objects, and writing into memory. */
#ifndef WAYBILL_ARCHIVE_UTIL_H
#define WAYBILL_ARCHIVE_UTIL_H

#include <archive.h>
#include <archive_entry.h>

#include "common/strbuf.h"

static inline void archive_read_freep(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

static inline void archive_write_freep(struct archive **a)
{
	if (*a)
		archive_write_free(*a);
}

static inline void archive_entry_freep(struct archive_entry **entry)
{
	if (*entry)
		archive_entry_free(*entry);
}

/* Like archive_write_open(): what is written is appended to *out. */
int archive_write_open_strbuf(struct archive *a, struct strbuf *out);

#endif
