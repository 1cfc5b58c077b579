/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/nbd-io.h"

#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <libnbd.h>

#include "appliance/disk-cache.h"

enum { SUPER_OFFSET = 1024 };

struct nbd_disk {
	struct nbd_handle *nbd;
	uint64_t bytes;
	struct disk_cache *cache;
	uint64_t offset; /* of the file system */
	struct struct_io_channel channel;
};

/* --- the disk ----------------------------------------------------------------- */

/* libnbd starts it with a socket of its own, without a shell, and ends it by its PID. With
 * its only client it ends by itself. */
static int start_qemu_nbd(struct nbd_handle *nbd, const char *path)
{
	const char *argv[] = { "qemu-nbd",	  "--format=qcow2", "--cache=writeback",
			       "--discard=unmap", "--",		    path,
			       NULL };
	/* It takes argv as execvp() does, and changes nothing in it. */
	return nbd_connect_systemd_socket_activation(nbd, (char **)argv);
}

static int errno_of(int result)
{
	if (result == 0)
		return 0;
	return nbd_get_errno() ? nbd_get_errno() : EIO;
}

static int device_read(void *arg, uint64_t offset, void *data, size_t len)
{
	return errno_of(nbd_pread(arg, data, len, offset, 0));
}

static int device_write(void *arg, uint64_t offset, const void *data, size_t len)
{
	return errno_of(nbd_pwrite(arg, data, len, offset, 0));
}

int nbd_disk_open(const char *path, struct nbd_disk **out, struct err *err)
{
	_cleanup_(nbd_disk_freep) struct nbd_disk *disk = xcalloc(1, sizeof(*disk));
	*out = NULL;
	disk->nbd = nbd_create();
	int64_t bytes = -1;
	if (disk->nbd && start_qemu_nbd(disk->nbd, path) == 0)
		bytes = nbd_get_size(disk->nbd);
	if (bytes < 0)
		return err_set(err, ERR_PROGRAM, "qemu-nbd cannot open %s: %s", path,
			       nbd_get_error());
	disk->bytes = (uint64_t)bytes;
	disk->cache = disk_cache_new(&(struct disk_device){
		device_read, device_write, disk->nbd, disk->bytes });
	*out = steal(&disk);
	return 0;
}

void nbd_disk_free(struct nbd_disk *disk)
{
	if (!disk)
		return;
	if (disk->nbd)
		nbd_close(disk->nbd);
	disk_cache_free(disk->cache);
	free(disk->channel.name);
	free(disk);
}

uint64_t nbd_disk_bytes(const struct nbd_disk *disk)
{
	return disk->bytes;
}

int nbd_disk_read(struct nbd_disk *disk, uint64_t offset, void *data, size_t len,
		  struct err *err)
{
	if (offset > disk->bytes || len > disk->bytes - offset)
		return err_set(err, ERR_INPUT, "the disk ends before byte %llu",
			       (unsigned long long)(offset + len));
	if (nbd_pread(disk->nbd, data, len, offset, 0) < 0)
		return err_set(err, ERR_SYSTEM, "read the disk: %s", nbd_get_error());
	return 0;
}

/* --- libext2fs's side --------------------------------------------------------- */

static struct nbd_disk *disk_of(io_channel channel)
{
	return channel->private_data;
}

static errcode_t io_open(const char *name, int flags, io_channel *channel)
{
	_cleanup_err_ struct err err = ERR_INIT;
	struct nbd_disk *disk;
	if (nbd_disk_open(name, &disk, &err) < 0)
		return EIO;
	disk->channel = (struct struct_io_channel){
		.magic = EXT2_ET_MAGIC_IO_CHANNEL,
		.manager = nbd_io_manager,
		.name = xstrdup(name),
		.block_size = SUPER_OFFSET,
		.refcount = 1,
		.private_data = disk,
	};
	*channel = &disk->channel;
	return 0;
}

static errcode_t io_flush(io_channel channel)
{
	struct nbd_disk *disk = disk_of(channel);
	int rc = disk_cache_flush(disk->cache);
	return rc ? rc : errno_of(nbd_flush(disk->nbd, 0));
}

static errcode_t io_close(io_channel channel)
{
	if (--channel->refcount > 0)
		return 0;
	struct nbd_disk *disk = disk_of(channel);
	errcode_t rc = io_flush(channel);
	int shut = errno_of(nbd_shutdown(disk->nbd, 0));
	nbd_disk_free(disk);
	return rc ? rc : shut;
}

static errcode_t io_set_blksize(io_channel channel, int blksize)
{
	channel->block_size = blksize;
	return 0;
}

static errcode_t io_set_option(io_channel channel, const char *option, const char *arg)
{
	_cleanup_err_ struct err err = ERR_INIT;
	struct nbd_disk *disk = disk_of(channel);
	if (!str_eq(option, "offset") || !arg ||
	    number_parse(arg, 0, disk->bytes, &disk->offset, "offset", &err) < 0)
		return EXT2_ET_INVALID_ARGUMENT;
	return 0;
}

/* libext2fs gives a count of blocks, or minus a count of bytes. */
static size_t length_of(io_channel channel, int count)
{
	return count < 0 ? (size_t)-(long)count
			 : (size_t)count * (size_t)channel->block_size;
}

static uint64_t place_of(io_channel channel, unsigned long long block)
{
	return disk_of(channel)->offset + block * (uint64_t)channel->block_size;
}

static errcode_t io_read64(io_channel channel, unsigned long long block, int count, void *data)
{
	return disk_cache_read(disk_of(channel)->cache, place_of(channel, block), data,
			       length_of(channel, count));
}

static errcode_t io_write64(io_channel channel, unsigned long long block, int count,
			    const void *data)
{
	return disk_cache_write(disk_of(channel)->cache, place_of(channel, block), data,
				length_of(channel, count));
}

static errcode_t io_read(io_channel channel, unsigned long block, int count, void *data)
{
	return io_read64(channel, block, count, data);
}

static errcode_t io_write(io_channel channel, unsigned long block, int count, const void *data)
{
	return io_write64(channel, block, count, data);
}

static errcode_t io_write_byte(io_channel channel, unsigned long offset, int count,
			       const void *data)
{
	struct nbd_disk *disk = disk_of(channel);
	return disk_cache_write(disk->cache, disk->offset + offset, data, (size_t)count);
}

static struct struct_io_manager manager = {
	.magic = EXT2_ET_MAGIC_IO_MANAGER,
	.name = "qcow2 through qemu-nbd",
	.open = io_open,
	.close = io_close,
	.set_blksize = io_set_blksize,
	.read_blk = io_read,
	.write_blk = io_write,
	.flush = io_flush,
	.write_byte = io_write_byte,
	.set_option = io_set_option,
	.read_blk64 = io_read64,
	.write_blk64 = io_write64,
};
struct struct_io_manager *const nbd_io_manager = &manager;
