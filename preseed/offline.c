/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/offline.h"

#include <fcntl.h>

#include "common/atomic-file.h"
#include "common/deb.h"
#include "common/host-sources.h"
#include "common/log.h"
#include "preseed/apt-root.h"
#include "preseed/closure.h"
#include "preseed/installer.h"
#include "preseed/preseed.h"
#include "preseed/suites.h"
#include "preseed/udebs.h"

enum { MAX_INITRD_BYTES = 512 << 20, MAX_STATUS_BYTES = 8 << 20, MAX_UDEBS = 10000 };

#define DPKG_STATUS "var/lib/dpkg/status"

/* What the installer asks apt for by itself, besides what siteusb tells it to install; found by
 * reading its components for apt-install. First what comes with the base system, then what comes
 * when apt knows all suites; the last three depend on the machine. */
static const char *const early_packages[] = {
	"initramfs-tools", "busybox",	"zstd",	    "locales",	 "console-setup",
	"keyboard-configuration", "dosfstools", "e2fsprogs", "pciutils", "usbutils",
	"eject", "udev",
};
static const char *const late_packages[] = {
	"laptop-detect", "installation-report", "popularity-contest", "os-prober", "grub-common",
	"qemu-guest-agent", "intel-microcode", "amd64-microcode",
};

/* Lines of sources.list. */
struct sources {
	struct strv debian;	/* of this machine, "deb URI SUITE main" */
	struct strv all;	/* with every component that the installer looks into */
	struct strv packages;	/* without its own components, which no apt installs */
	struct strv base;	/* the release alone */
};

static void sources_destroy(struct sources *sources)
{
	strv_destroy(&sources->debian);
	strv_destroy(&sources->all);
	strv_destroy(&sources->packages);
	strv_destroy(&sources->base);
}

/* The operator's own suite, as the installer will see it: from the stick, with its key. */
static int add_operator(const struct offline *offline, const struct workdir *work,
			struct sources *out, struct err *err)
{
	const struct bundle *bundle = offline->bundle;
	bool armored = str_starts(bundle->repository_key, "-----BEGIN");
	_cleanup_free_ char *key = workdir_file(work, armored ? "repository.asc"
							      : "repository.gpg");
	_cleanup_free_ char *line =
		xasprintf("deb [signed-by=%s] file:%s %s %s", key, offline->tree, bundle->suite,
			  bundle->components);
	strv_add(&out->all, line);
	strv_add(&out->packages, line);
	return atomic_file_write(key, bundle->repository_key, bundle->repository_key_len, 0644,
				 err);
}

/* This machine's mirrors. The installer looks for updates where it has found the release; apt
 * here does not name them while there are none. */
static int find_mirrors(struct strv *out, struct err *err)
{
	static const char release[] = " " INSTALLER_SUITE " main";
	_cleanup_strv_ struct strv lines = STRV_INIT;
	if (sources_list(INSTALLER_SUITE, NULL, &lines, err) < 0)
		return -1;
	for (size_t i = 0; i < lines.count; i++) {
		const char *line = lines.items[i];
		if (str_ends(line, "-updates main"))
			continue;
		strv_add(out, line);
		if (str_ends(line, release))
			strv_addf(out, "%.*s " INSTALLER_SUITE "-updates main",
				  (int)(strlen(line) - strlen(release)), line);
	}
	return 0;
}

static int make_sources(const struct offline *offline, const struct workdir *work,
			struct sources *out, struct err *err)
{
	if (find_mirrors(&out->debian, err) < 0)
		return -1;
	for (size_t i = 0; i < out->debian.count; i++) {
		bool release = str_ends(out->debian.items[i], " " INSTALLER_SUITE " main");
		_cleanup_free_ char *line =
			xasprintf("deb [signed-by=" DEBIAN_KEYRING "] %s non-free-firmware",
				  out->debian.items[i] + strlen("deb "));
		strv_addf(&out->all, "%s%s", line, release ? " main/debian-installer" : "");
		strv_add(&out->packages, line);
		if (release)
			strv_add(&out->base, line);
	}
	return add_operator(offline, work, out, err);
}

static void early(const struct site_conf *conf, struct strv *out)
{
	strv_add(out, conf->kernel);
	for (size_t i = 0; i < ARRAY_SIZE(early_packages); i++)
		strv_add(out, early_packages[i]);
	if (conf->raid1)
		strv_add(out, "mdadm");
}

static void late(const struct site_conf *conf, struct strv *out)
{
	_cleanup_free_ char *packages = preseed_packages(conf, STICK_HOLDS_ALL);
	strv_split(out, packages, " ");
	for (size_t i = 0; i < ARRAY_SIZE(late_packages); i++)
		strv_add(out, late_packages[i]);
}

static int read_initrd_status(const char *path, struct deb822 **out, struct err *err)
{
	_cleanup_free_ char *gz = NULL;
	_cleanup_free_ char *text = NULL;
	size_t gz_len, len;
	return file_read(path, MAX_INITRD_BYTES, &gz, &gz_len, err) < 0 ||
			       seed_archive_get(gz, gz_len, DPKG_STATUS, &text, &len, err) < 0 ||
			       deb822_parse(text, len, MAX_UDEBS, "the installer's " DPKG_STATUS,
					    out, err) < 0
		       ? err_prefix(err, "%s", path)
		       : 0;
}

static int add_udebs(const struct offline *offline, const struct apt_root *apt,
		     const struct suites *suites, struct remote_files *files, struct err *err)
{
	_cleanup_(deb822_freep) struct deb822 *initrd = NULL;
	_cleanup_(deb822_freep) struct deb822 *extra = NULL;
	_cleanup_(deb822_freep) struct deb822 *index = NULL;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_strv_ struct strv args = STRV_INIT;
	_cleanup_free_ char *extra_path =
		offline->extra ? xasprintf("%s/" DPKG_STATUS, offline->extra) : NULL;
	strv_addv(&args, APT_HELPER, "cat-file", suites->udebs_path, NULL);
	if (read_initrd_status(offline->initrd_path, &initrd, err) < 0 ||
	    (extra_path && file_exists(extra_path) &&
	     deb822_read_file(extra_path, MAX_STATUS_BYTES, MAX_UDEBS, &extra, err) < 0) ||
	    apt_root_run(apt, &args, &text, err) < 0 ||
	    deb822_parse(text.data ? text.data : "", text.len, MAX_UDEBS, suites->udebs_path,
			 &index, err) < 0)
		return -1;
	const struct suite *release = &suites->suite[SUITE_RELEASE];
	struct udebs_present present = { initrd, extra };
	return udebs_add(index, &present, release->uri, release->place, files, err);
}

/* All that is fetched from Debian's archive; apt has its indexes. */
static int find_files(const struct offline *offline, const struct apt_root *apt,
		      const struct sources *sources, const struct suites *suites,
		      struct remote_files *files, struct err *err)
{
	_cleanup_(remote_files_destroy) struct remote_files packages = { 0 };
	_cleanup_strv_ struct strv base = STRV_INIT;
	_cleanup_strv_ struct strv more = STRV_INIT;
	early(offline->conf, &base);
	late(offline->conf, &more);
	struct closure closure = { .base_sources = &sources->base, .base = &base,
				   .sources = &sources->packages, .packages = &more };
	return suites_add_indexes(suites, files, err) < 0 ||
			       add_udebs(offline, apt, suites, files, err) < 0 ||
			       closure_find(&closure, apt, &packages, err) < 0
		       ? -1
		       : suites_add_packages(suites, &packages, files, err);
}

static int get_busybox(const struct apt_root *apt, const struct workdir *work, char **path,
		       struct err *err)
{
	_cleanup_(deb_freep) struct deb *deb = NULL;
	_cleanup_free_ char *package = NULL;
	_cleanup_free_ char *out = workdir_file(work, "busybox");
	_cleanup_close_ int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	if (fd < 0)
		return err_sys(err, "cannot create %s", out);
	if (apt_root_get(apt, "busybox-static", &package, err) < 0 ||
	    deb_open(package, &deb, err) < 0 ||
	    deb_data_extract(deb, "usr/bin/busybox", fd, err) < 0)
		return err_prefix(err, "busybox-static");
	*path = steal(&out);
	return 0;
}

static void say_what_it_holds(const struct remote_files *files, uint64_t bytes,
			      const struct suites *suites)
{
	_cleanup_free_ char *size = size_format(bytes);
	_cleanup_free_ char *until = suites_fresh_until(suites);
	log_info("%zu files of Debian on the stick, %s; its security updates are fresh until %s, "
		 "and it installs after that as well", files->count, size,
		 until ? until : "they are replaced");
}

int offline_collect(const struct offline *offline, const struct workdir *work,
		    char **busybox_path, uint64_t *total_bytes, struct err *err)
{
	_cleanup_(apt_root_freep) struct apt_root *apt = NULL;
	_cleanup_(suites_destroy) struct suites suites = { 0 };
	_cleanup_(remote_files_destroy) struct remote_files files = { 0 };
	_cleanup_(sources_destroy) struct sources sources = { 0 };
	_cleanup_free_ char *cache = xasprintf("%s/offline", offline->cache);
	_cleanup_err_ struct err update = ERR_INIT;
	uint64_t bytes = 0;
	*busybox_path = NULL;
	if (make_sources(offline, work, &sources, err) < 0 ||
	    apt_root_open(cache, &sources.all, &apt, err) < 0)
		return -1;
	if (apt_root_update(apt, &update) < 0)
		log_warn("the mirror has nothing new: %s", update.msg);
	if (suites_read(apt, &sources.debian, &suites, err) < 0 ||
	    find_files(offline, apt, &sources, &suites, &files, err) < 0 ||
	    remote_files_fetch(&files, apt, cache, err) < 0 ||
	    get_busybox(apt, work, busybox_path, err) < 0 ||
	    suites_write_releases(&suites, apt, cache, offline->tree, err) < 0 ||
	    remote_files_place(&files, cache, offline->tree, &bytes, err) < 0)
		return err_prefix(err, "--offline");
	say_what_it_holds(&files, bytes, &suites);
	*total_bytes += bytes;
	return 0;
}
