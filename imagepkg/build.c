/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/build.h"

#include "common/log.h"
#include "imagepkg/base.h"
#include "imagepkg/boot-file.h"
#include "imagepkg/bootstrap.h"
#include "common/ext4-writer.h"
#include "imagepkg/package.h"
#include "imagepkg/tree-import.h"
#include "common/workdir.h"

/* The files of one build, below the work directory. */
struct build {
	struct recipe *recipe;
	struct workdir *work;
	char *tar;
	char *disk;
	char *base;
	char *kernel;	/* NULL unless Boot: kernel */
	char *initrd;
};

static void build_destroy(struct build *b)
{
	free(b->tar);
	free(b->disk);
	free(b->base);
	free(b->kernel);
	free(b->initrd);
	workdir_free(b->work);
}

static int build_init(struct build *b, struct err *err)
{
	if (workdir_new(&b->work, err) != 0)
		return -1;
	b->disk = workdir_file(b->work, "disk.raw");
	b->base = workdir_file(b->work, BASE_FILE);
	if (b->recipe->conf->boot == BOOT_KERNEL) {
		b->kernel = workdir_file(b->work, KERNEL_FILE);
		b->initrd = workdir_file(b->work, INITRD_FILE);
	}
	return 0;
}

static int check_boot_files(const struct build *b, const struct tree_import *import,
			    struct err *err)
{
	if (!b->kernel)
		return 0;
	if (!import->kernel_release)
		return err_set(err, ERR_INPUT, "Boot: kernel, but there is no /boot/vmlinuz-*; add "
			       "linux-image-cloud-amd64 to Packages");
	if (!import->initrd_release)
		return err_set(err, ERR_INPUT, "Boot: kernel, but there is no /boot/initrd.img-*; "
			       "add initramfs-tools to Packages, or make one in Script");
	if (!str_eq(import->kernel_release, import->initrd_release))
		return err_set(err, ERR_INPUT, "the newest kernel is %s, the newest initrd %s: "
			       "they must be of one version", import->kernel_release,
			       import->initrd_release);
	if (initrd_make_plain(b->initrd, err) != 0)
		return -1;
	if (b->recipe->kernel != KERNEL_AS_IS && kernel_make_plain(b->kernel, err) != 0)
		return -1;
	return b->recipe->kernel == KERNEL_SMALL ? kernel_drop_btf(b->kernel, err) : 0;
}

static bool brings_file(const struct recipe *recipe, const char *path)
{
	for (size_t i = 0; i < recipe->file_count; i++)
		if (str_eq(recipe->files[i].destination, path))
			return true;
	return false;
}

/* Disk, kernel and initrd from the tar. */
static int make_disk(struct build *b, struct err *err)
{
	/* mmdebstrap has put the build host's resolv.conf there. */
	const char *const leave_out[] = {
		BOOTSTRAP_SCRIPT,
		brings_file(b->recipe, "/etc/resolv.conf") ? NULL : "etc/resolv.conf",
		NULL,
	};
	const struct appliance_conf *conf = b->recipe->conf;
	_cleanup_(ext4_writer_freep) struct ext4_writer *w = NULL;
	_cleanup_free_ char *identity = xasprintf("%s %s", conf->appliance, conf->version);
	struct tree_import import = { .tar_path = b->tar, .tree = b->recipe->tree,
				      .leave_out = leave_out, .kernel_out = b->kernel,
				      .initrd_out = b->initrd };
	int rc = ext4_writer_new(b->disk, conf->disk_bytes, identity, time_now_reproducible(),
				 &w, err);
	if (rc == 0)
		rc = tree_import_run(&import, w, err);
	if (rc == 0)
		rc = ext4_writer_finish(w, err);
	if (rc == 0)
		rc = check_boot_files(b, &import, err);
	free(import.kernel_release);
	free(import.initrd_release);
	return rc;
}

int build_package(struct recipe *recipe, const char *out_dir, char **path, struct err *err)
{
	_cleanup_(build_destroy) struct build b = { .recipe = recipe };
	const char *name = recipe->conf->appliance;
	if (build_init(&b, err) != 0)
		return -1;
	log_info("installing %s with %zu packages named", recipe->suite, recipe->packages.count);
	if (bootstrap_run(recipe, b.work, &b.tar, err) != 0)
		return err_prefix(err, "build %s", name);
	log_info("making the disk of %s", name);
	if (make_disk(&b, err) != 0 || base_make(b.disk, false, b.base, recipe->conf, err) != 0)
		return err_prefix(err, "build %s", name);
	const struct package package = { .conf = recipe->conf, .disk_path = b.base,
					 .kernel_path = b.kernel, .initrd_path = b.initrd,
					 .maintainer = recipe->maintainer,
					 .description = recipe->description,
					 .out_dir = out_dir, .tmp_dir = b.work->path };
	return package_write(&package, path, err);
}
