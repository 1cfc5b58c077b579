/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/qcow2-map.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>

#include "common/delta-basis.h"
#include "imagepkg/qcow2.h"

#define OFFSET_MASK UINT64_C(0x00fffffffffffe00)
#define ENTRY_COMPRESSED (UINT64_C(1) << 62)
#define ENTRY_ZERO UINT64_C(1)
enum { MIN_CLUSTER_BITS = 12, MAX_L1 = 1 << 20, AT_L1_SIZE = 36, AT_L1_TABLE = 40, SECTOR = 512 };

void qcow2_map_free(struct qcow2_map *map)
{
	if (!map)
		return;
	for (size_t i = 0; i < map->l1_count; i++)
		free(map->l2[i]);
	free(map->l2);
	free(map);
}

static int read_table(const struct qcow2_map *map, uint64_t at, size_t count, uint64_t **out,
		      struct err *err)
{
	size_t bytes = count * sizeof(uint64_t);
	if (at > map->file_bytes || bytes > map->file_bytes - at)
		return err_set(err, ERR_INPUT, "a table of the qcow2 file lies outside of it");
	_cleanup_free_ uint64_t *table = xmalloc(bytes);
	if (delta_pread(map->fd, table, bytes, map->fd_offset + at, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		table[i] = be64toh(table[i]);
	*out = steal(&table);
	return 0;
}

/* Turn entries into offsets in the file. */
static int read_l2(struct qcow2_map *map, size_t index, uint64_t at, struct err *err)
{
	size_t count = (size_t)1 << (map->cluster_bits - 3);
	uint64_t cluster = UINT64_C(1) << map->cluster_bits;
	if (read_table(map, at, count, &map->l2[index], err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		uint64_t entry = map->l2[index][i], offset = entry & OFFSET_MASK;
		if (entry & ENTRY_COMPRESSED)
			return err_set(err, ERR_INPUT, "the qcow2 file has compressed clusters");
		bool mapped = offset != 0 && !(entry & ENTRY_ZERO);
		/* The last cluster of a file may be cut short where it holds zeros. */
		if (mapped && (offset % SECTOR || offset >= map->file_bytes))
			return err_set(err, ERR_INPUT, "a cluster of the qcow2 file lies outside "
				       "of it");
		if (mapped && map->file_bytes - offset < cluster)
			mapped = false;
		map->l2[index][i] = mapped ? offset : QCOW2_UNMAPPED;
	}
	return 0;
}

static int read_tables(struct qcow2_map *map, const uint8_t *header, struct err *err)
{
	uint32_t size_be;
	uint64_t table_be;
	_cleanup_free_ uint64_t *l1 = NULL;
	memcpy(&size_be, header + AT_L1_SIZE, sizeof(size_be));
	memcpy(&table_be, header + AT_L1_TABLE, sizeof(table_be));
	size_t count = be32toh(size_be);
	if (count > MAX_L1 || map->cluster_bits < MIN_CLUSTER_BITS)
		return err_set(err, ERR_TOO_LARGE, "the tables of the qcow2 file are too large");
	if (read_table(map, be64toh(table_be), count, &l1, err) != 0)
		return -1;
	map->l2 = xcalloc(count, sizeof(*map->l2));
	map->l1_count = count;
	for (size_t i = 0; i < count; i++)
		if ((l1[i] & OFFSET_MASK) && read_l2(map, i, l1[i] & OFFSET_MASK, err) != 0)
			return -1;
	return 0;
}

int qcow2_map_open(int fd, uint64_t fd_offset, uint64_t file_bytes, struct qcow2_map **out,
		   struct err *err)
{
	_cleanup_(qcow2_map_freep) struct qcow2_map *map = xcalloc(1, sizeof(*map));
	uint8_t header[QCOW2_HEADER_BYTES];
	struct qcow2_info info;
	*out = NULL;
	if (file_bytes < sizeof(header))
		return err_set(err, ERR_INPUT, "the qcow2 file is too short");
	if (delta_pread(fd, header, sizeof(header), fd_offset, err) != 0 ||
	    qcow2_parse_header(header, sizeof(header), "the disk", &info, err) != 0)
		return -1;
	*map = (struct qcow2_map){ .fd = fd, .fd_offset = fd_offset, .file_bytes = file_bytes,
				   .virtual_bytes = info.virtual_bytes,
				   .cluster_bits = info.cluster_bits };
	if (read_tables(map, header, err) != 0)
		return -1;
	*out = steal(&map);
	return 0;
}

uint64_t qcow2_map_find(const struct qcow2_map *map, uint64_t at)
{
	uint64_t cluster = at >> map->cluster_bits;
	uint64_t l1 = cluster >> (map->cluster_bits - 3);
	if (at >= map->virtual_bytes || l1 >= map->l1_count || !map->l2[l1])
		return QCOW2_UNMAPPED;
	uint64_t offset = map->l2[l1][cluster & ((UINT64_C(1) << (map->cluster_bits - 3)) - 1)];
	if (offset == QCOW2_UNMAPPED)
		return offset;
	return offset + (at & ((UINT64_C(1) << map->cluster_bits) - 1));
}

uint64_t *qcow2_map_invert(const struct qcow2_map *map, size_t *count)
{
	size_t per_l2 = (size_t)1 << (map->cluster_bits - 3);
	*count = (size_t)((map->file_bytes >> map->cluster_bits) + 1);
	uint64_t *inverse = xmalloc(*count * sizeof(*inverse));
	memset(inverse, 0xff, *count * sizeof(*inverse));
	for (size_t i = 0; i < map->l1_count; i++)
		for (size_t j = 0; map->l2[i] && j < per_l2; j++)
			if (map->l2[i][j] != QCOW2_UNMAPPED)
				inverse[map->l2[i][j] >> map->cluster_bits] =
					(uint64_t)(i * per_l2 + j) << map->cluster_bits;
	return inverse;
}

int qcow2_map_read(const struct qcow2_map *map, uint64_t at, void *buf, size_t len,
		   struct err *err)
{
	uint64_t cluster = UINT64_C(1) << map->cluster_bits;
	while (len > 0) {
		uint64_t offset = qcow2_map_find(map, at), left = cluster - at % cluster;
		size_t n = left < len ? (size_t)left : len;
		if (offset == QCOW2_UNMAPPED)
			memset(buf, 0, n);
		else if (delta_pread(map->fd, buf, n, map->fd_offset + offset, err) != 0)
			return -1;
		buf = (char *)buf + n;
		at += n;
		len -= n;
	}
	return 0;
}

/* --- as an I/O manager of libext2fs ---------------------------------------------------- */

struct io {
	const struct qcow2_map *map;
	uint64_t start;
};

static struct struct_io_manager manager;

/* open() gets nothing but a name, so the name is the address of this. */
static errcode_t io_open(const char *name, int flags, io_channel *channel)
{
	uintptr_t address = 0;
	if (sscanf(name, "%" SCNxPTR, &address) != 1 || flags & IO_FLAG_RW)
		return EXT2_ET_BAD_DEVICE_NAME;
	io_channel c = xcalloc(1, sizeof(*c));
	c->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	c->manager = &manager;
	c->name = xstrdup("qcow2");
	c->block_size = 1024;
	c->refcount = 1;
	c->private_data = xmalloc(sizeof(struct io));
	memcpy(c->private_data, (const void *)address, sizeof(struct io));
	*channel = c;
	return 0;
}

static errcode_t io_close(io_channel channel)
{
	if (--channel->refcount > 0)
		return 0;
	free(channel->private_data);
	free(channel->name);
	free(channel);
	return 0;
}

static errcode_t io_set_blksize(io_channel channel, int blksize)
{
	channel->block_size = blksize;
	return 0;
}

/* A negative count is one of bytes. */
static errcode_t io_read_blk64(io_channel channel, unsigned long long block, int count, void *data)
{
	const struct io *io = channel->private_data;
	_cleanup_err_ struct err err = ERR_INIT;
	uint64_t at = io->start + block * (uint64_t)channel->block_size;
	size_t len = count < 0 ? (size_t)-count : (size_t)count * (size_t)channel->block_size;
	return qcow2_map_read(io->map, at, data, len, &err) == 0 ? 0 : EXT2_ET_SHORT_READ;
}

static errcode_t io_read_blk(io_channel channel, unsigned long block, int count, void *data)
{
	return io_read_blk64(channel, block, count, data);
}

static errcode_t io_write_blk(io_channel channel, unsigned long block, int count, const void *data)
{
	return EXT2_ET_RO_FILSYS;
}

static errcode_t io_write_blk64(io_channel channel, unsigned long long block, int count,
				const void *data)
{
	return EXT2_ET_RO_FILSYS;
}

static errcode_t io_flush(io_channel channel)
{
	return 0;
}

static struct struct_io_manager manager = {
	.magic = EXT2_ET_MAGIC_IO_MANAGER,
	.name = "qcow2, read only",
	.open = io_open,
	.close = io_close,
	.set_blksize = io_set_blksize,
	.read_blk = io_read_blk,
	.read_blk64 = io_read_blk64,
	.write_blk = io_write_blk,
	.write_blk64 = io_write_blk64,
	.flush = io_flush,
};

errcode_t qcow2_map_open_fs(const struct qcow2_map *map, uint64_t at, ext2_filsys *fs)
{
	const struct io io = { map, at };
	char name[2 + 2 * sizeof(uintptr_t) + 1];
	snprintf(name, sizeof(name), "%" PRIxPTR, (uintptr_t)&io);
	initialize_ext2_error_table();
	return ext2fs_open(name, EXT2_FLAG_64BITS | EXT2_FLAG_IGNORE_CSUM_ERRORS, 0, 0, &manager, fs);
}
