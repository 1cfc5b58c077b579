/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/partial.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"

enum { SAVE_EVERY_MS = 100, SAVE_SHARE = 4, CHUNK = 256 << 10 };

/* pread() of all of it; a file that ends before is ERR_INPUT. */
static int read_all(int fd, void *data, size_t len, uint64_t offset, const char *path,
		    struct err *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, (char *)data + done, len - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read %s", path);
		if (n == 0)
			return err_set(err, ERR_INPUT, "%s is too short", path);
		done += (size_t)n;
	}
	return 0;
}

/* Feed `hash` with what is on the disk. */
static int hash_range(const struct partial *part, uint64_t offset, uint32_t length,
		      struct sha256 *hash, struct err *err)
{
	_cleanup_free_ char *chunk = xmalloc(CHUNK);
	sha256_start(hash);
	for (uint32_t done = 0; done < length;) {
		size_t len = length - done < CHUNK ? length - done : CHUNK;
		if (read_all(part->fd, chunk, len, offset + done, part->path, err) < 0)
			return -1;
		sha256_add(hash, chunk, len);
		done += (uint32_t)len;
	}
	return 0;
}

static uint64_t block_start(const struct partial *part, size_t i)
{
	return (uint64_t)i * part->state.block_bytes;
}

/* 1: the disk has what the state says of this block. */
static int block_is_good(const struct partial *part, size_t i, struct err *err)
{
	const struct partial_block *block = &part->state.blocks[i];
	_cleanup_err_ struct err unread = ERR_INIT;
	char sha256[SHA256_HEX_LEN + 1];
	struct sha256 hash;
	if (hash_range(part, block_start(part, i), block->length, &hash, &unread) < 0) {
		if (unread.code == ERR_INPUT || unread.sys_errno == EIO)
			return 0;
		return err_set(err, unread.code, "%s", unread.msg);
	}
	sha256_finish(&hash, sha256);
	return str_eq(sha256, block->sha256);
}

static int forget_unproven(struct partial *part, struct err *err)
{
	size_t lost = 0;
	for (size_t i = 0; i < part->state.block_count; i++) {
		if (!part->state.blocks[i].length)
			continue;
		int good = block_is_good(part, i, err);
		if (good < 0)
			return -1;
		if (good)
			continue;
		part->state.blocks[i].length = 0;
		part->dirty = true;
		lost++;
	}
	if (lost)
		log_warn("%zu blocks of %s are not what was received; they are fetched again", lost,
			 part->path);
	return 0;
}

/* A state that cannot be used leaves an empty one in its place. */
static void load_state(struct partial *part, const char *sha256, uint64_t size_bytes)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_err_ struct err err = ERR_INIT;
	size_t len = 0;
	struct partial_state read;
	if (file_exists(part->state_path) &&
	    file_read(part->state_path, PARTIAL_STATE_MAX_BYTES, &text, &len, &err) == 0 &&
	    partial_state_parse(text, len, &read, &err) == 0) {
		if (str_eq(read.sha256, sha256) && read.size_bytes == size_bytes) {
			part->state = read;
			return;
		}
		partial_state_destroy(&read);
	}
	if (err.msg)
		log_warn("%s: %s; what it speaks of is fetched again", part->state_path, err.msg);
	partial_state_init(&part->state, sha256, size_bytes);
}

static int open_file(struct partial *part, struct err *err)
{
	struct stat st;
	part->fd = open(part->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (part->fd < 0 || fstat(part->fd, &st) < 0)
		return err_sys(err, "open %s", part->path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INPUT, "%s is no file", part->path);
	uint64_t wanted = partial_state_received(&part->state) ? part->state.size_bytes : 0;
	if ((uint64_t)st.st_size > wanted && ftruncate(part->fd, (off_t)wanted) < 0)
		return err_sys(err, "cut %s", part->path);
	return 0;
}

int partial_open(const char *path, const char *sha256, uint64_t size_bytes,
		 struct partial **out, struct err *err)
{
	*out = NULL;
	_cleanup_(partial_freep) struct partial *part = xcalloc(1, sizeof(*part));
	part->fd = -1;
	part->path = xstrdup(path);
	part->state_path = xasprintf("%s.state", path);
	load_state(part, sha256, size_bytes);
	if (open_file(part, err) < 0 || forget_unproven(part, err) < 0)
		return -1;
	part->resumed = partial_state_received(&part->state) > 0;
	*out = steal(&part);
	return 0;
}

void partial_free(struct partial *part)
{
	if (!part)
		return;
	closep(&part->fd);
	partial_state_destroy(&part->state);
	free(part->path);
	free(part->state_path);
	free(part);
}

uint64_t partial_received(const struct partial *part)
{
	uint64_t sum = partial_state_received(&part->state);
	return part->growing ? sum + part->length - part->state.blocks[part->index].length : sum;
}

static uint32_t here_of_block(const struct partial *part, size_t i)
{
	return part->growing && part->index == i ? part->length : part->state.blocks[i].length;
}

/* The hash of what the growing block has goes into the state. */
static void note_growth(struct partial *part)
{
	struct partial_block *block = &part->state.blocks[part->index];
	if (!part->growing || block->length == part->length)
		return;
	struct sha256 copy = part->hash;
	block->length = part->length;
	sha256_finish(&copy, block->sha256);
	part->dirty = true;
}

/* What the state has of a block that another one takes over from is kept, so a block
 * may be left and come back to. */
static int grow_block(struct partial *part, size_t i, struct err *err)
{
	if (part->growing && part->index == i)
		return 0;
	note_growth(part);
	part->growing = false;
	uint32_t length = part->state.blocks[i].length;
	if (hash_range(part, block_start(part, i), length, &part->hash, err) < 0)
		return -1;
	part->growing = true;
	part->index = i;
	part->length = length;
	return 0;
}

static int compare(const struct partial *part, uint64_t offset, const char *data, size_t len,
		   struct err *err)
{
	_cleanup_free_ char *here = xmalloc(len);
	if (read_all(part->fd, here, len, offset, part->path, err) < 0)
		return -1;
	if (memcmp(here, data, len) == 0)
		return 0;
	return err_set(err, ERR_INCONSISTENT, "other bytes than were received before");
}

static int write_at(const struct partial *part, uint64_t offset, const char *data, size_t len,
		    struct err *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(part->fd, data + done, len - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "write %s", part->path);
		done += (size_t)n;
	}
	return 0;
}

static int append(struct partial *part, size_t i, uint64_t offset, const char *data, size_t len,
		  struct err *err)
{
	if (grow_block(part, i, err) < 0 || write_at(part, offset, data, len, err) < 0)
		return -1;
	sha256_add(&part->hash, data, len);
	part->length += (uint32_t)len;
	if (part->length == partial_state_block_length(&part->state, i)) {
		note_growth(part);
		part->growing = false;
	}
	return 0;
}

int partial_put(struct partial *part, uint64_t offset, const void *data, size_t len,
		struct err *err)
{
	const char *from = data;
	if (len > part->state.size_bytes || offset > part->state.size_bytes - len)
		return err_set(err, ERR_TOO_LARGE, "more than the signed %" PRIu64 " bytes",
			       part->state.size_bytes);
	while (len) {
		size_t i = (size_t)(offset / part->state.block_bytes);
		uint64_t within = offset - block_start(part, i);
		uint32_t here = here_of_block(part, i);
		uint64_t room = within < here
					? here - within
					: partial_state_block_length(&part->state, i) - within;
		size_t n = len < room ? len : (size_t)room;
		if (within > here)
			return err_set(err, ERR_INCONSISTENT, "bytes came out of order");
		int rc = within < here ? compare(part, offset, from, n, err)
				       : append(part, i, offset, from, n, err);
		if (rc < 0)
			return -1;
		offset += n;
		from += n;
		len -= n;
	}
	return 0;
}

/* Bytes first, then what speaks for them: killed in between, some are fetched again. */
static int write_state(struct partial *part, struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	if (fdatasync(part->fd) < 0)
		return err_sys(err, "flush %s", part->path);
	partial_state_format(&part->state, &text);
	if (atomic_file_write(part->state_path, text.data, text.len, 0600, err) < 0)
		return -1;
	part->dirty = false;
	return 0;
}

int partial_save(struct partial *part, bool now, struct err *err)
{
	int64_t started = monotonic_ms();
	if (now)
		note_growth(part);
	if (!part->dirty || (!now && started < part->next_save_ms))
		return 0;
	if (write_state(part, err) < 0)
		return -1;
	int64_t ended = monotonic_ms(), pause = (ended - started) * SAVE_SHARE;
	part->next_save_ms = ended + (pause > SAVE_EVERY_MS ? pause : SAVE_EVERY_MS);
	return 0;
}

int partial_save_end(struct partial *part, struct err *err)
{
	uint64_t from, to;
	note_growth(part);
	if (part->state.block_count <= 1 && !partial_state_gap(&part->state, &from, &to))
		return 0;
	return partial_save(part, true, err);
}

int partial_is_good(const struct partial *part, struct err *err)
{
	char sha256[SHA256_HEX_LEN + 1];
	uint64_t size = 0;
	if (sha256_fd(part->fd, sha256, &size, err) < 0)
		return err_prefix(err, "hash %s", part->path);
	return size == part->state.size_bytes && str_eq(sha256, part->state.sha256);
}

/* Without its state a partial file is nothing, so that goes last. */
int partial_remove(const char *path, struct err *err)
{
	_cleanup_free_ char *state_path = xasprintf("%s.state", path);
	return atomic_unlink(path, err) < 0 ? -1 : atomic_unlink(state_path, err);
}
