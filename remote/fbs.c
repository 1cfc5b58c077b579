/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/fbs.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "remote/bytes.h"

static const char magic[] = "FBS 001.000\n";

static size_t padding_of(size_t len)
{
	return -len & 3;
}

/* A file takes all, or there is no room for the rest. */
static int write_whole(int fd, const struct iovec *pieces, int count, size_t len, struct err *err)
{
	ssize_t n;
	do {
		n = writev(fd, pieces, count);
	} while (n < 0 && errno == EINTR);
	if (n >= 0 && (size_t)n < len)
		errno = ENOSPC;
	return n == (ssize_t)len ? 0 : err_sys(err, "write the recording");
}

int fbs_write_magic(int fd, struct err *err)
{
	const struct iovec piece = { (void *)magic, FBS_MAGIC_BYTES };
	return write_whole(fd, &piece, 1, FBS_MAGIC_BYTES, err);
}

int fbs_write_block(int fd, const void *data, size_t len, uint32_t at_ms, struct err *err)
{
	_cleanup_strbuf_ struct strbuf head = STRBUF_INIT, tail = STRBUF_INIT;
	bytes_add_u32(&head, (uint32_t)len);
	strbuf_add(&tail, "\0\0\0", padding_of(len));
	bytes_add_u32(&tail, at_ms);
	const struct iovec pieces[] = { { head.data, head.len },
					{ (void *)data, len },
					{ tail.data, tail.len } };
	return write_whole(fd, pieces, 3, head.len + len + tail.len, err);
}

int fbs_read_magic(FILE *in, struct err *err)
{
	char got[FBS_MAGIC_BYTES];
	if (fread(got, sizeof(got), 1, in) == 1 && memcmp(got, magic, FBS_MAGIC_BYTES) == 0)
		return 0;
	return ferror(in) ? err_sys(err, "read") : err_set(err, ERR_INPUT, "this is no recording (FBS 001.000)");
}

/* 1: all of them, 0: the file ends before. */
static int read_whole(FILE *in, void *data, size_t len, struct err *err)
{
	if (len == 0 || fread(data, len, 1, in) == 1)
		return 1;
	return ferror(in) ? err_sys(err, "read") : 0;
}

int fbs_read_block(FILE *in, struct strbuf *data, uint32_t *at_ms, struct err *err)
{
	uint8_t head[4], piece[4096], tail[8];
	strbuf_reset(data);
	int got = read_whole(in, head, sizeof(head), err);
	if (got < 1)
		return got;
	size_t len = bytes_u32(head), padding = padding_of(len);
	if (len > FBS_MAX_BLOCK)
		return err_set(err, ERR_INPUT, "the recording has a block of %zu bytes; at most %d are "
					       "allowed", len, FBS_MAX_BLOCK);
	while (data->len < len) {
		size_t next = len - data->len < sizeof(piece) ? len - data->len : sizeof(piece);
		got = read_whole(in, piece, next, err);
		if (got < 1)
			return got;
		strbuf_add(data, piece, next);
	}
	got = read_whole(in, tail, padding + 4, err);
	if (got == 1)
		*at_ms = bytes_u32(tail + padding);
	return got;
}
