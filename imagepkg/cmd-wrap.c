/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/appliance-conf.h"
#include "common/deb822.h"
#include "common/log.h"
#include "imagepkg/base.h"
#include "imagepkg/cmds.h"
#include "imagepkg/ext4-clean.h"
#include "imagepkg/package.h"
#include "imagepkg/qcow2.h"
#include "common/workdir.h"

enum {
	OPT_DISK = 1, OPT_NAME, OPT_VERSION, OPT_CONFIG, OPT_KERNEL, OPT_INITRD,
	OPT_ARCHITECTURE, OPT_MAINTAINER, OPT_DESCRIPTION, OPT_OUTPUT,
	MIN_DISK_BYTES = 1 << 20,
};

const struct cli_opt cmd_wrap_opts[] = {
	{ OPT_DISK, "disk", 0, "FILE", "the disk, raw or qcow2; it is not changed" },
	{ OPT_NAME, "name", 0, "NAME", "name of the appliance and its package" },
	{ OPT_VERSION, "version", 0, "V", "its Debian version" },
	{ OPT_CONFIG, "config", 0, "FILE", "its VM: fields of appliance.conf, Memory to Params" },
	{ OPT_KERNEL, "kernel", 0, "FILE", "kernel, for Boot: kernel" },
	{ OPT_INITRD, "initrd", 0, "FILE", "initrd, for Boot: kernel" },
	{ OPT_ARCHITECTURE, "architecture", 0, "ARCH", "Debian architecture (default amd64)" },
	{ OPT_MAINTAINER, "maintainer", 0, "TEXT", "\"Name <address>\"" },
	{ OPT_DESCRIPTION, "description", 0, "TEXT", "one line" },
	{ OPT_OUTPUT, "output", 'o', "DIR", "where the package goes (default .)" },
	{ 0 },
};

struct wrap {
	const char *disk, *name, *version, *config, *kernel, *initrd, *output;
	const char *architecture, *maintainer, *description;
};

static const char **slot_of(struct wrap *wrap, int id)
{
	switch (id) {
	case OPT_DISK: return &wrap->disk;
	case OPT_NAME: return &wrap->name;
	case OPT_VERSION: return &wrap->version;
	case OPT_CONFIG: return &wrap->config;
	case OPT_KERNEL: return &wrap->kernel;
	case OPT_INITRD: return &wrap->initrd;
	case OPT_ARCHITECTURE: return &wrap->architecture;
	case OPT_MAINTAINER: return &wrap->maintainer;
	case OPT_DESCRIPTION: return &wrap->description;
	default: return &wrap->output;
	}
}

static int check_options(const struct wrap *wrap, struct err *err)
{
	if (!wrap->disk || !wrap->name || !wrap->version)
		return err_set(err, ERR_USAGE, "--disk, --name and --version are needed");
	if (!name_is_valid(wrap->name))
		return err_set(err, ERR_USAGE, "'%.64s' is no package name: lowercase letters, "
			       "digits and +-. only, two at least", wrap->name);
	if (!version_is_valid(wrap->version))
		return err_set(err, ERR_USAGE, "'%.64s' is no Debian version", wrap->version);
	if (strpbrk(wrap->maintainer, "\n\r") || strpbrk(wrap->description, "\n\r"))
		return err_set(err, ERR_USAGE, "--maintainer and --description are one line each");
	return 0;
}

static int parse_options(struct cli *cli, int argc, char **argv, struct wrap *wrap,
			 struct err *err)
{
	int id;
	*wrap = (struct wrap){ .output = ".",
			       .architecture = APPLIANCE_DEFAULT_ARCHITECTURE,
			       .maintainer = PACKAGE_DEFAULT_MAINTAINER,
			       .description = "virtual appliance from a disk image" };
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		*slot_of(wrap, id) = cli->value;
	if (id < 0 || cli_check_args(cli, argc, 0, 0, err) != 0 || check_options(wrap, err) != 0)
		return -1;
	return output_dir_check(wrap->output, err);
}

static int read_config(const struct wrap *wrap, struct appliance_conf *conf, struct err *err)
{
	static const char *const known[] = { APPLIANCE_VM_FIELDS, NULL };
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	if (!wrap->config)
		return 0;
	if (deb822_read_file(wrap->config, APPLIANCE_CONF_MAX_BYTES, 1, &doc, err) != 0)
		return -1;
	if (doc->count != 1)
		return err_set(err, ERR_INPUT, "%s: holds no stanza", wrap->config);
	if (deb822_check_known(&doc->stanzas[0], known, wrap->config, err) != 0)
		return -1;
	return appliance_conf_from_stanza(&doc->stanzas[0], wrap->config, conf, err);
}

static int make_conf(const struct wrap *wrap, struct appliance_conf **out, struct err *err)
{
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = appliance_conf_new();
	if (read_config(wrap, conf, err) != 0)
		return -1;
	if (conf->boot == BOOT_KERNEL && !wrap->kernel)
		return err_set(err, ERR_USAGE, "Boot: kernel needs --kernel FILE (and mostly "
			       "--initrd FILE)");
	if (conf->boot != BOOT_KERNEL && (wrap->kernel || wrap->initrd))
		return err_set(err, ERR_USAGE, "--kernel and --initrd need Boot: kernel in the "
			       "file of --config");
	conf->appliance = xstrdup(wrap->name);
	conf->version = xstrdup(wrap->version);
	conf->architecture = xstrdup(wrap->architecture);
	*out = steal(&conf);
	return 0;
}

/* What kind of disk it is, after the checks that must come before QEMU reads it. */
static int probe_disk(const char *path, bool *is_qcow2, struct err *err)
{
	char head[QCOW2_HEADER_BYTES] = { 0 };
	struct qcow2_info info;
	struct stat st;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "there is no disk %s", path);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(err, "cannot open the disk %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INPUT, "the disk %s is no regular file", path);
	ssize_t n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return err_sys(err, "cannot read the disk %s", path);
	*is_qcow2 = qcow2_is_magic(head, (size_t)n);
	if (*is_qcow2)
		return qcow2_parse_header(head, (size_t)n, path, &info, err);
	if (st.st_size < MIN_DISK_BYTES || st.st_size % 512 != 0)
		return err_set(err, ERR_INPUT, "%s is neither qcow2 nor a raw disk: %lld bytes "
			       "are no whole number of sectors of 1 MiB or more", path,
			       (long long)st.st_size);
	return 0;
}

/* An ext4 file system is cleaned, in a copy; any other disk goes in as it is. */
static int make_base(const char *disk, bool is_qcow2, const struct workdir *work,
		     const char *base, struct appliance_conf *conf, struct err *err)
{
	_cleanup_free_ char *copy = workdir_file(work, "disk.raw");
	if (!is_qcow2 && !ext4_clean_is_ext(disk))
		return base_make(disk, false, base, conf, err);
	if (qcow2_to_raw(disk, is_qcow2, copy, err) != 0)
		return err_prefix(err, "copy the disk");
	if (ext4_clean_is_ext(copy)) {
		log_info("cleaning the file system");
		if (ext4_clean_run(copy, err) != 0)
			return err_prefix(err, "%s", disk);
	}
	int rc = base_make(copy, false, base, conf, err);
	if (unlink(copy) != 0)	/* room for the package */
		log_debug("cannot remove %s", copy);
	return rc;
}

int cmd_wrap(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct wrap wrap;
	bool is_qcow2 = false;
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = NULL;
	_cleanup_(workdir_freep) struct workdir *work = NULL;
	if (parse_options(cli, argc, argv, &wrap, err) != 0 ||
	    make_conf(&wrap, &conf, err) != 0 || probe_disk(wrap.disk, &is_qcow2, err) != 0 ||
	    workdir_new(&work, err) != 0)
		return -1;
	_cleanup_free_ char *base = workdir_file(work, BASE_FILE);
	_cleanup_free_ char *path = NULL;
	const struct package package = {
		.conf = conf, .disk_path = base, .kernel_path = wrap.kernel,
		.initrd_path = wrap.initrd, .maintainer = wrap.maintainer,
		.description = wrap.description, .out_dir = wrap.output,
		.tmp_dir = work->path,
	};
	log_info("reading %s", wrap.disk);
	if (make_base(wrap.disk, is_qcow2, work, base, conf, err) != 0 ||
	    package_write(&package, &path, err) != 0)
		return -1;
	printf("%s\n", path);
	return 0;
}
