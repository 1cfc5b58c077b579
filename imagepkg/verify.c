/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/verify.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/hash.h"
#include "common/progress.h"
#include "common/strv.h"
#include "imagepkg/image-deb.h"
#include "imagepkg/maintscript.h"
#include "imagepkg/qcow2.h"
#include "imagepkg/tar-scan.h"
#include "common/workdir.h"

enum { MAX_MD5SUMS_BYTES = 64 * 1024 };

/* What one pass over data.tar collects. */
struct pass {
	const struct image_deb *image;
	struct tar_scan *scan;
	struct progress *progress;
	struct sha256 tar_hash;
	uint64_t tar_bytes;
	char *path;		/* of the file that is being read, or NULL */
	struct md5_ctx md5;
	struct strv md5_lines;	/* "<md5>  <path>", as in md5sums */
	struct strv paths;
	int disk_fd;		/* the disk's copy, for qemu-img */
	bool in_disk;
};

static void pass_destroy(struct pass *pass)
{
	tar_scan_free(pass->scan);
	progress_freep(&pass->progress);
	free(pass->path);
	strv_destroy(&pass->md5_lines);
	strv_destroy(&pass->paths);
	closep(&pass->disk_fd);
}

/* --- what lies in data.tar -------------------------------------------------------- */

/* `path` is `dir`, lies below it, or is one of the directories above it. */
static bool is_along(const char *path, const char *dir)
{
	size_t len = strlen(path), dir_len = strlen(dir);
	if (len <= dir_len)
		return strncmp(dir, path, len) == 0 && (dir[len] == '/' || len == dir_len || !len);
	return strncmp(path, dir, dir_len) == 0 && path[dir_len] == '/';
}

static int check_place(const struct pass *pass, const struct tar_scan_entry *entry,
		       struct err *err)
{
	const char *name = pass->image->conf->appliance;
	_cleanup_free_ char *image = xasprintf(APPLIANCES_DIR "/%s", name);
	_cleanup_free_ char *doc = xasprintf("usr/share/doc/%s", name);
	_cleanup_free_ char *lintian = xasprintf("usr/share/lintian/overrides/%s", name);
	if (!is_along(entry->path, image) && !is_along(entry->path, doc) &&
	    !is_along(entry->path, lintian))
		return err_set(err, ERR_INPUT, "'/%.200s' has no business in the image package %s",
			       entry->path, name);
	if (entry->mode != (entry->is_dir ? 0755 : 0644))
		return err_set(err, ERR_INPUT, "'/%.200s' has mode %04o, not %s", entry->path,
			       entry->mode, entry->is_dir ? "0755" : "0644");
	if (!entry->is_dir && strv_contains(&pass->paths, entry->path))
		return err_set(err, ERR_INPUT, "'/%.200s' is there twice", entry->path);
	return 0;
}

static int on_begin(const struct tar_scan_entry *entry, void *arg, struct err *err)
{
	struct pass *pass = arg;
	if (check_place(pass, entry, err) != 0)
		return -1;
	if (entry->is_dir)
		return 0;
	_cleanup_free_ char *disk = image_deb_file(pass->image, BASE_FILE);
	pass->path = xstrdup(entry->path);
	pass->in_disk = str_eq(entry->path, disk);
	strv_add(&pass->paths, entry->path);
	md5_init(&pass->md5);
	return 0;
}

static int on_data(const void *data, size_t len, void *arg, struct err *err)
{
	struct pass *pass = arg;
	md5_update(&pass->md5, len, data);
	return pass->in_disk ? write_all(pass->disk_fd, data, len, err) : 0;
}

static int on_end(void *arg, struct err *err)
{
	struct pass *pass = arg;
	uint8_t digest[MD5_DIGEST_SIZE];
	char hex[MD5_HEX_LEN + 1];
	if (!pass->path)	/* a directory */
		return 0;
	md5_digest(&pass->md5, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	strv_addf(&pass->md5_lines, "%s  %s", hex, pass->path);
	freep(&pass->path);
	pass->path = NULL;
	pass->in_disk = false;
	return 0;
}

static int on_tar_bytes(const void *data, size_t len, void *arg, struct err *err)
{
	struct pass *pass = arg;
	sha256_add(&pass->tar_hash, data, len);
	pass->tar_bytes += len;
	progress_add(pass->progress, len);
	return tar_scan_feed(pass->scan, data, len, err);
}

static int read_data(struct pass *pass, struct err *err)
{
	const struct tar_scan_handler handler = { on_begin, on_data, on_end, pass };
	pass->scan = tar_scan_new(&handler);
	sha256_start(&pass->tar_hash);
	if (deb_data_read(pass->image->deb, on_tar_bytes, pass, err) != 0)
		return -1;
	return tar_scan_finish(pass->scan, err);
}

/* --- what must agree --------------------------------------------------------------- */

static int check_equal(const char *what, const char *got, const char *want, struct err *err)
{
	if (got && str_eq(got, want))
		return 0;
	return err_set(err, ERR_INPUT, "%s is '%.80s', not '%.80s'", what, got ? got : "(missing)",
		       want);
}

static int check_control(const struct image_deb *image, struct err *err)
{
	const struct appliance_conf *conf = image->conf;
	const struct deb *deb = image->deb;
	const char *pre_depends = deb_field(deb, "Pre-Depends");
	_cleanup_strv_ struct strv words = STRV_INIT;
	strv_split(&words, pre_depends ? pre_depends : "", " ,\n\t");
	if (!strv_contains(&words, "waybill-site"))
		return err_set(err, ERR_INPUT, "Pre-Depends does not name waybill-site: the "
			       "scripts call its program");
	if (check_equal(CONF_FILE ": Appliance", conf->appliance, deb_field(deb, "Package"),
			err) != 0 ||
	    check_equal("Version", deb_field(deb, "Version"), conf->version, err) != 0 ||
	    check_equal("Architecture", deb_field(deb, "Architecture"), conf->architecture,
			err) != 0)
		return -1;
	return check_equal("Image-Base-SHA256", deb_field(deb, "Image-Base-SHA256"),
			   conf->base_sha256, err);
}

/* Ours, and nothing else that dpkg or debconf would run. */
static int check_scripts(const struct deb *deb, struct err *err)
{
	static const char *const unwanted[] = { "config", "triggers", "conffiles", "templates" };
	for (size_t i = 0; i < MAINTSCRIPT_COUNT; i++) {
		_cleanup_free_ char *ours = NULL;
		_cleanup_free_ char *theirs = NULL;
		size_t ours_len = 0, theirs_len = 0;
		if (maintscript_read(maintscript_names[i], &ours, &ours_len, err) != 0 ||
		    deb_control_file(deb, maintscript_names[i], MAINTSCRIPT_MAX_BYTES, &theirs,
				     &theirs_len, err) != 0)
			return -1;
		if (ours_len != theirs_len || memcmp(ours, theirs, ours_len) != 0)
			return err_set(err, ERR_INPUT, "its %s is not the one of this version of "
				       "Waybill", maintscript_names[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++) {
		_cleanup_free_ char *text = NULL;
		size_t len = 0;
		struct err gone = ERR_INIT;
		int rc = deb_control_file(deb, unwanted[i], 0, &text, &len, &gone);
		bool missing = rc != 0 && gone.code == ERR_NOT_FOUND;
		err_clear(&gone);
		if (!missing)
			return err_set(err, ERR_INPUT, "it has a control file '%s', which an image "
				       "package must not have", unwanted[i]);
	}
	return 0;
}

static int check_digests(struct pass *pass, struct err *err)
{
	const struct deb *deb = pass->image->deb;
	char hex[SHA256_HEX_LEN + 1];
	_cleanup_free_ char *size = xasprintf("%llu", (unsigned long long)pass->tar_bytes);
	sha256_finish(&pass->tar_hash, hex);
	if (check_equal("Image-Data-SHA256", deb_field(deb, "Image-Data-SHA256"), hex, err) != 0)
		return -1;
	return check_equal("Image-Data-Size", deb_field(deb, "Image-Data-Size"), size, err);
}

/* md5sums names exactly the files that are there. */
static int check_md5sums(struct pass *pass, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_strv_ struct strv listed = STRV_INIT;
	size_t len = 0;
	if (deb_control_file(pass->image->deb, "md5sums", MAX_MD5SUMS_BYTES, &text, &len, err) != 0)
		return -1;
	strv_split(&listed, text, "\n");
	for (size_t i = 0; i < pass->md5_lines.count; i++)
		if (!strv_contains(&listed, pass->md5_lines.items[i]))
			return err_set(err, ERR_INPUT, "/%s is not as md5sums says",
				       pass->paths.items[i]);
	if (listed.count != pass->md5_lines.count)
		return err_set(err, ERR_INPUT, "md5sums has %zu lines for %zu files", listed.count,
			       pass->md5_lines.count);
	return 0;
}

static int check_files(const struct pass *pass, struct err *err)
{
	bool kernel = pass->image->conf->boot == BOOT_KERNEL;
	const struct { const char *file; bool wanted, allowed; } files[] = {
		{ BASE_FILE, true, true },
		{ KERNEL_FILE, kernel, kernel },
		{ INITRD_FILE, false, kernel },
	};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = image_deb_file(pass->image, files[i].file);
		bool there = strv_contains(&pass->paths, path);
		if (files[i].wanted && !there)
			return err_set(err, ERR_INPUT, "/%s is missing", path);
		if (there && !files[i].allowed)
			return err_set(err, ERR_INPUT, "/%s is there, but Boot is %s", path,
				       boot_mode_name(pass->image->conf->boot));
	}
	return 0;
}

static int check_disk(const struct image_deb *image, const char *disk, struct err *err)
{
	struct qcow2_info info;
	char hex[SHA256_HEX_LEN + 1];
	if (sha256_file(disk, hex, NULL, err) != 0 ||
	    check_equal(BASE_FILE ": SHA-256", hex, image->conf->base_sha256, err) != 0 ||
	    qcow2_read_header(disk, &info, err) != 0)
		return -1;
	if (info.virtual_bytes != image->conf->disk_bytes)
		return err_set(err, ERR_INPUT, BASE_FILE " has a virtual size of %llu bytes, "
			       CONF_FILE " says %llu", (unsigned long long)info.virtual_bytes,
			       (unsigned long long)image->conf->disk_bytes);
	return qcow2_check(disk, err);
}

static int verify_opened(const struct image_deb *image, const struct workdir *work,
			 size_t *files, struct err *err)
{
	_cleanup_free_ char *disk = workdir_file(work, BASE_FILE);
	_cleanup_(pass_destroy) struct pass pass = { .image = image };
	uint64_t expected = 0;
	const char *size = deb_field(image->deb, "Image-Data-Size");
	pass.disk_fd = open(disk, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (pass.disk_fd < 0)
		return err_sys(err, "cannot make %s", disk);
	if (!size || number_parse(size, 0, UINT64_MAX / 2, &expected, "Image-Data-Size", err) != 0)
		return err_set(err, ERR_INPUT, "Image-Data-Size is missing");
	pass.progress = progress_new("verifying", expected);
	if (check_control(image, err) != 0 || check_scripts(image->deb, err) != 0 ||
	    read_data(&pass, err) != 0 || check_digests(&pass, err) != 0 ||
	    check_md5sums(&pass, err) != 0 || check_files(&pass, err) != 0 ||
	    check_disk(image, disk, err) != 0)
		return -1;
	*files = pass.paths.count;
	return 0;
}

int verify_image_deb(const char *path, size_t *files, struct err *err)
{
	_cleanup_(image_deb_freep) struct image_deb *image = NULL;
	_cleanup_(workdir_freep) struct workdir *work = NULL;
	if (image_deb_open(path, &image, err) != 0 || workdir_new(&work, err) != 0)
		return -1;
	if (verify_opened(image, work, files, err) == 0)
		return 0;
	return str_starts(err->msg, path) ? -1 : err_prefix(err, "%s", path);
}
