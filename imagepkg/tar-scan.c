/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/tar-scan.h"

#include "common/strbuf.h"
#include "common/strv.h"

enum {
	BLOCK = 512,
	MAX_LONG_NAME = 1024,
};

/* Offsets and lengths in a header. Source: tar(5), the GNU format */
enum {
	AT_MODE = 100, AT_UID = 108, AT_GID = 116, AT_SIZE = 124, AT_SUM = 148,
	AT_TYPE = 156, AT_MAGIC = 257, LEN_NAME = 100, LEN_ID = 8, LEN_SIZE = 12,
};

enum state { IN_HEADER, IN_LONG_NAME, IN_DATA, AT_END };

struct tar_scan {
	const struct tar_scan_handler *handler;
	enum state state;
	uint8_t block[BLOCK];		/* a header that is not complete yet */
	size_t block_len;
	uint64_t left_bytes;		/* of the entry's content */
	size_t padding;			/* after it */
	struct strbuf long_name;	/* for the next entry, or empty */
	unsigned zero_blocks;
};

struct tar_scan *tar_scan_new(const struct tar_scan_handler *handler)
{
	struct tar_scan *scan = xcalloc(1, sizeof(*scan));
	scan->handler = handler;
	return scan;
}

void tar_scan_free(struct tar_scan *scan)
{
	if (!scan)
		return;
	strbuf_destroy(&scan->long_name);
	free(scan);
}

/* Octal digits, or GNU's base 256 for what is too large for them. */
static bool get_number(const uint8_t *field, size_t len, uint64_t *out)
{
	uint64_t value = 0;
	size_t i = 0;
	if (field[0] == 0x80) {
		for (i = 1; i < len; i++) {
			if (value >> 55)
				return false;
			value = value << 8 | field[i];
		}
		*out = value;
		return true;
	}
	while (i < len && field[i] == ' ')
		i++;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(field[i] - '0');
	*out = value;
	return i == len || field[i] == ' ' || field[i] == '\0';
}

static bool checksum_is_right(const uint8_t *block)
{
	uint64_t want = 0, sum = 0;
	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= AT_SUM && i < AT_SUM + 8 ? ' ' : block[i];
	return get_number(block + AT_SUM, 8, &want) && want == sum;
}

static int check_path(const char *path, struct err *err)
{
	_cleanup_strv_ struct strv parts = STRV_INIT;
	strv_split(&parts, path, "/");
	for (size_t i = 0; i < parts.count; i++)
		if (str_eq(parts.items[i], ".."))
			return err_set(err, ERR_INPUT, "data.tar: the path '%.200s' leaves the "
				       "root", path);
	return path[0] == '/' ? err_set(err, ERR_INPUT, "data.tar: the path '%.200s' is absolute",
					path) : 0;
}

static char *take_path(struct tar_scan *scan)
{
	_cleanup_free_ char *raw = scan->long_name.len
		? strbuf_steal(&scan->long_name)
		: xstrndup((const char *)scan->block, LEN_NAME);
	const char *path = raw;
	while (str_starts(path, "./"))
		path += 2;
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	return len == 1 && path[0] == '.' ? xstrdup("") : xstrndup(path, len);
}

static int begin_entry(struct tar_scan *scan, char type, uint64_t size, struct err *err)
{
	uint64_t mode = 0, uid = 0, gid = 0;
	_cleanup_free_ char *path = take_path(scan);
	if (check_path(path, err) != 0)
		return -1;
	if (type != '0' && type != '5')
		return err_set(err, ERR_INPUT, "data.tar: '%.200s' is of type '%c'; only files and "
			       "directories belong into an image package", path, type);
	if (!get_number(scan->block + AT_MODE, LEN_ID, &mode) ||
	    !get_number(scan->block + AT_UID, LEN_ID, &uid) ||
	    !get_number(scan->block + AT_GID, LEN_ID, &gid) || mode > 07777)
		return err_set(err, ERR_INPUT, "data.tar: broken header of '%.200s'", path);
	if (uid != 0 || gid != 0)
		return err_set(err, ERR_INPUT, "data.tar: '%.200s' does not belong to root", path);
	if (type == '5' && size != 0)
		return err_set(err, ERR_INPUT, "data.tar: the directory '%.200s' has content", path);
	const struct tar_scan_entry entry = { path, type == '5', (uint32_t)mode, size };
	const struct tar_scan_handler *handler = scan->handler;
	return handler->begin ? handler->begin(&entry, handler->arg, err) : 0;
}

static int end_entry(struct tar_scan *scan, struct err *err)
{
	bool was_name = scan->state == IN_LONG_NAME;
	scan->state = IN_HEADER;
	const struct tar_scan_handler *handler = scan->handler;
	return was_name || !handler->end ? 0 : handler->end(handler->arg, err);
}

static int on_header(struct tar_scan *scan, struct err *err)
{
	static const uint8_t zeros[BLOCK];
	uint64_t size = 0;
	if (memcmp(scan->block, zeros, BLOCK) == 0) {
		if (++scan->zero_blocks == 2)
			scan->state = AT_END;
		return 0;
	}
	if (scan->zero_blocks || !checksum_is_right(scan->block) ||
	    memcmp(scan->block + AT_MAGIC, "ustar", 5) != 0 ||
	    !get_number(scan->block + AT_SIZE, LEN_SIZE, &size))
		return err_set(err, ERR_INPUT, "data.tar: broken tar header");
	char type = (char)scan->block[AT_TYPE];
	if (type == 'L' && (size > MAX_LONG_NAME || scan->long_name.len))
		return err_set(err, ERR_INPUT, "data.tar: a file name that is too long");
	scan->left_bytes = size;
	scan->padding = (size_t)(-size % BLOCK);
	scan->state = type == 'L' ? IN_LONG_NAME : IN_DATA;
	if (type != 'L' && begin_entry(scan, type, size, err) != 0)
		return -1;
	return size == 0 ? end_entry(scan, err) : 0;
}

/* Each takes from the front and returns how much; *failed when a handler said no. */
static size_t take_header(struct tar_scan *scan, const uint8_t *data, size_t len, bool *failed,
			  struct err *err)
{
	size_t n = BLOCK - scan->block_len < len ? BLOCK - scan->block_len : len;
	memcpy(scan->block + scan->block_len, data, n);
	scan->block_len += n;
	if (scan->block_len == BLOCK) {
		scan->block_len = 0;
		*failed = on_header(scan, err) != 0;
	}
	return n;
}

static size_t take_content(struct tar_scan *scan, const uint8_t *data, size_t len, bool *failed,
			   struct err *err)
{
	if (scan->left_bytes == 0) {
		size_t n = scan->padding < len ? scan->padding : len;
		scan->padding -= n;
		if (scan->padding == 0)
			*failed = end_entry(scan, err) != 0;
		return n;
	}
	size_t n = scan->left_bytes < len ? (size_t)scan->left_bytes : len;
	scan->left_bytes -= n;
	if (scan->state == IN_LONG_NAME)
		strbuf_add(&scan->long_name, data, n);
	else if (scan->handler->data)
		*failed = scan->handler->data(data, n, scan->handler->arg, err) != 0;
	if (!*failed && scan->left_bytes == 0 && scan->padding == 0)
		*failed = end_entry(scan, err) != 0;
	return n;
}

int tar_scan_feed(struct tar_scan *scan, const void *data, size_t len, struct err *err)
{
	const uint8_t *at = data;
	bool failed = false;
	while (len > 0 && !failed) {
		size_t n = len;
		if (scan->state == IN_HEADER)
			n = take_header(scan, at, len, &failed, err);
		else if (scan->state != AT_END)
			n = take_content(scan, at, len, &failed, err);
		at += n;
		len -= n;
	}
	return failed ? -1 : 0;
}

int tar_scan_finish(const struct tar_scan *scan, struct err *err)
{
	if (scan->state == AT_END)
		return 0;
	return err_set(err, ERR_INPUT, "data.tar ends early");
}
