/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/delta-tar.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "imagepkg/tar-scan.h"

const char *const delta_tar_names[DELTA_TAR_FILES] = { BASE_FILE, KERNEL_FILE, INITRD_FILE };
enum { TAR_BLOCK = 512 };

struct spool {
	const struct image_deb *image;
	struct delta_tar *tar;
	struct tar_scan *scan;
	struct progress *progress;
	struct sha256 hash;
	uint64_t scanned;	/* bytes, with those that are being scanned */
};

/* Called when a header is complete, so the content begins where the scan is. */
static int on_begin(const struct tar_scan_entry *entry, void *arg, struct err *err)
{
	struct spool *s = arg;
	for (size_t i = 0; i < DELTA_TAR_FILES; i++) {
		_cleanup_free_ char *path = image_deb_file(s->image, delta_tar_names[i]);
		if (!entry->is_dir && str_eq(entry->path, path)) {
			s->tar->files[i].offset = s->scanned;
			s->tar->files[i].bytes = entry->size_bytes;
		}
	}
	return 0;
}

static int on_tar_bytes(const void *data, size_t len, void *arg, struct err *err)
{
	struct spool *s = arg;
	sha256_add(&s->hash, data, len);
	progress_add(s->progress, len);
	if (write_all(s->tar->fd, data, len, err) != 0)
		return err_prefix(err, "the unpacked data.tar");
	/* Block by block: then on_begin() knows where it is. */
	for (size_t done = 0; done < len;) {
		size_t n = TAR_BLOCK - (size_t)(s->scanned % TAR_BLOCK);
		if (n > len - done)
			n = len - done;
		s->scanned += n;
		if (tar_scan_feed(s->scan, (const char *)data + done, n, err) != 0)
			return -1;
		done += n;
	}
	return 0;
}

static int check(const struct image_deb *image, const struct delta_tar *tar, struct err *err)
{
	const char *want = deb_field(image->deb, "Image-Data-SHA256");
	if (!str_same(want, tar->sha256))
		return err_set(err, ERR_INPUT, "%s: its data.tar has SHA-256 %s, not %.80s as "
			       "Image-Data-SHA256 says", image->deb->path, tar->sha256,
			       want ? want : "(nothing)");
	if (tar->files[DELTA_TAR_DISK].bytes == 0)
		return err_set(err, ERR_INPUT, "%s holds no " BASE_FILE, image->deb->path);
	return 0;
}

int delta_tar_open(const struct image_deb *image, const char *tmp_dir, struct progress *progress,
		   struct delta_tar *out, struct err *err)
{
	struct spool s = { .image = image, .tar = out, .progress = progress };
	const struct tar_scan_handler handler = { .begin = on_begin, .arg = &s };
	_cleanup_(tar_scan_freep) struct tar_scan *scan = tar_scan_new(&handler);
	s.scan = scan;
	out->fd = open(tmp_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (out->fd < 0)
		return err_sys(err, "cannot make a temporary file in %s", tmp_dir);
	sha256_start(&s.hash);
	if (deb_data_read(image->deb, on_tar_bytes, &s, err) != 0 ||
	    tar_scan_finish(scan, err) != 0)
		return err_prefix(err, "%s", image->deb->path);
	sha256_finish(&s.hash, out->sha256);
	out->bytes = s.scanned;
	return check(image, out, err);
}

void delta_tar_close(struct delta_tar *tar)
{
	closep(&tar->fd);
}
