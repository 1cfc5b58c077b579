/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/delta-basis.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/atomic-file.h"

void delta_basis_add(struct delta_basis *basis, int fd, uint64_t fd_offset, uint64_t bytes)
{
	if (basis->count == sizeof(basis->parts) / sizeof(basis->parts[0]))
		abort();
	basis->parts[basis->count++] = (struct delta_part){ fd, fd_offset, bytes, basis->bytes };
	basis->bytes += delta_padded(bytes);
}

void delta_basis_grow(struct delta_basis *basis, uint64_t bytes)
{
	basis->parts[basis->count - 1].bytes += bytes;
	basis->bytes += bytes;
}

int delta_pread(int fd, void *buf, size_t len, uint64_t offset, struct err *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, (char *)buf + done, len - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read the basis of the delta");
		if (n == 0)
			return err_set(err, ERR_INPUT, "a file has become shorter while it was read");
		done += (size_t)n;
	}
	return 0;
}

int delta_copy(int from, uint64_t offset, uint64_t bytes, int to, struct err *err)
{
	enum { CHUNK = 1 << 20 };
	_cleanup_free_ char *buf = xmalloc(CHUNK);
	while (bytes > 0) {
		size_t n = bytes < CHUNK ? (size_t)bytes : CHUNK;
		if (delta_pread(from, buf, n, offset, err) != 0 || write_all(to, buf, n, err) != 0)
			return -1;
		offset += n;
		bytes -= n;
	}
	return 0;
}

/* As much as lies in one part: its bytes, or the zeros after them. */
static int read_part(const struct delta_part *part, uint64_t at, void *buf, size_t len,
		     size_t *got, struct err *err)
{
	uint64_t padded = delta_padded(part->bytes);
	uint64_t left = (at < part->bytes ? part->bytes : padded) - at;
	*got = left < len ? (size_t)left : len;
	if (at < part->bytes)
		return delta_pread(part->fd, buf, *got, part->fd_offset + at, err);
	memset(buf, 0, *got);
	return 0;
}

int delta_basis_read(const struct delta_basis *basis, uint64_t offset, void *buf, size_t len,
		     struct err *err)
{
	if (offset > basis->bytes || len > basis->bytes - offset)
		return err_set(err, ERR_INPUT, "the delta wants bytes from beyond its basis");
	for (size_t i = 0; i < basis->count && len > 0; i++) {
		const struct delta_part *part = &basis->parts[i];
		while (len > 0 && offset - part->start < delta_padded(part->bytes)) {
			size_t got = 0;
			if (read_part(part, offset - part->start, buf, len, &got, err) != 0)
				return -1;
			buf = (char *)buf + got;
			offset += got;
			len -= got;
		}
	}
	return 0;
}

int delta_basis_read_ranges(const struct delta_basis *basis, const struct delta_ranges *ranges,
			    uint64_t offset, void *buf, size_t len, struct err *err)
{
	if (offset > ranges->bytes || len > ranges->bytes - offset)
		return err_set(err, ERR_INPUT, "the delta wants bytes from beyond its ranges");
	for (size_t i = 0; i < ranges->count && len > 0; i++) {
		const struct delta_range *r = &ranges->items[i];
		if (offset >= r->bytes) {
			offset -= r->bytes;
			continue;
		}
		size_t n = r->bytes - offset < len ? (size_t)(r->bytes - offset) : len;
		if (delta_basis_read(basis, r->offset + offset, buf, n, err) != 0)
			return -1;
		buf = (char *)buf + n;
		len -= n;
		offset = 0;
	}
	return 0;
}
