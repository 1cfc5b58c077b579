/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/qcow2.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/subproc.h"
#include "common/util.h"

enum {
	INCOMPATIBLE_DIRTY = 1 << 0,
	INCOMPATIBLE_CORRUPT = 1 << 1,
	INCOMPATIBLE_DATA_FILE = 1 << 2,
	CONVERT_TIMEOUT_MS = 4 * 3600 * 1000,
};

bool qcow2_is_magic(const void *data, size_t len)
{
	return len >= 4 && memcmp(data, "QFI\xfb", 4) == 0;
}

static uint32_t be32(const void *data, size_t offset)
{
	uint32_t v;
	memcpy(&v, (const char *)data + offset, sizeof(v));
	return be32toh(v);
}

static uint64_t be64(const void *data, size_t offset)
{
	uint64_t v;
	memcpy(&v, (const char *)data + offset, sizeof(v));
	return be64toh(v);
}

int qcow2_parse_header(const void *data, size_t len, const char *name,
		       struct qcow2_info *info, struct err *err)
{
	if (!qcow2_is_magic(data, len))
		return err_set(err, ERR_INPUT, "%s is no qcow2 image", name);
	if (len < QCOW2_HEADER_BYTES)
		return err_set(err, ERR_INPUT, "%s: the qcow2 header is truncated", name);
	*info = (struct qcow2_info){ .version = be32(data, 4), .cluster_bits = be32(data, 20),
				     .virtual_bytes = be64(data, 24) };
	uint64_t incompatible = info->version >= 3 ? be64(data, 72) : 0;
	if (info->version != 2 && info->version != 3)
		return err_set(err, ERR_INPUT, "%s: qcow2 version %u is not known", name,
			       info->version);
	if (info->cluster_bits < 9 || info->cluster_bits > 21)
		return err_set(err, ERR_INPUT, "%s: a qcow2 cluster cannot have 2^%u bytes", name,
			       info->cluster_bits);
	if (be64(data, 8) != 0)
		return err_set(err, ERR_INPUT, "%s has a backing file; flatten it first: "
			       "qemu-img convert -O qcow2", name);
	if (be32(data, 32) != 0)
		return err_set(err, ERR_INPUT, "%s is encrypted", name);
	if (be32(data, 60) != 0)
		return err_set(err, ERR_INPUT, "%s has internal snapshots; delete them first: "
			       "qemu-img snapshot -d", name);
	if (incompatible & INCOMPATIBLE_DATA_FILE)
		return err_set(err, ERR_INPUT, "%s keeps its data in another file", name);
	if (incompatible & (INCOMPATIBLE_DIRTY | INCOMPATIBLE_CORRUPT))
		return err_set(err, ERR_INPUT, "%s was not closed cleanly; repair it first: "
			       "qemu-img check -r all", name);
	if (info->virtual_bytes == 0 || info->virtual_bytes > (UINT64_C(1) << 46))
		return err_set(err, ERR_INPUT, "%s: a virtual size of %llu bytes is not usable",
			       name, (unsigned long long)info->virtual_bytes);
	return 0;
}

int qcow2_read_header(const char *path, struct qcow2_info *info, struct err *err)
{
	char header[QCOW2_HEADER_BYTES] = { 0 };
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "cannot open %s", path);
	ssize_t n = pread(fd, header, sizeof(header), 0);
	if (n < 0)
		return err_sys(err, "cannot read %s", path);
	return qcow2_parse_header(header, (size_t)n, path, info, err);
}

static int run_qemu_img(const char *const *argv, struct err *err)
{
	struct subproc spec = { .argv = argv, .quiet = true, .timeout_ms = CONVERT_TIMEOUT_MS };
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	spec.output = &output;
	return subproc_run(&spec, NULL, err);
}

/* qemu-img takes "name:" at the start of a file name for a protocol. */
static char *plain_name(const char *path)
{
	return path[0] == '/' ? xstrdup(path) : xasprintf("./%s", path);
}

int qcow2_convert(const char *from, bool from_qcow2, const char *to, struct err *err)
{
	_cleanup_free_ char *in = plain_name(from);
	_cleanup_free_ char *out = plain_name(to);
	/* One coroutine: clusters are laid out in the order of the disk, always. */
	const char *argv[] = { "qemu-img", "convert", "-m", "1", "-t", "unsafe",
			       "-S", "4k", "-f", from_qcow2 ? "qcow2" : "raw", "-O", "qcow2",
			       "-o", "compat=1.1,cluster_size=65536,lazy_refcounts=off",
			       "--", in, out, NULL };
	return run_qemu_img(argv, err);
}

int qcow2_to_raw(const char *from, bool from_qcow2, const char *to, struct err *err)
{
	_cleanup_free_ char *in = plain_name(from);
	_cleanup_free_ char *out = plain_name(to);
	const char *argv[] = { "qemu-img", "convert", "-t", "unsafe", "-S", "4k",
			       "-f", from_qcow2 ? "qcow2" : "raw", "-O", "raw", "--", in, out,
			       NULL };
	return run_qemu_img(argv, err);
}

int qcow2_check(const char *path, struct err *err)
{
	_cleanup_free_ char *in = plain_name(path);
	const char *argv[] = { "qemu-img", "check", "-f", "qcow2", "--", in, NULL };
	return run_qemu_img(argv, err);
}
