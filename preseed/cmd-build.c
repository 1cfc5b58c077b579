/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <sys/stat.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "common/subproc.h"
#include "common/workdir.h"
#include "preseed/audit.h"
#include "preseed/bundle.h"
#include "preseed/cmds.h"
#include "preseed/installer.h"
#include "preseed/mirrors.h"
#include "preseed/offline.h"
#include "preseed/preseed.h"
#include "preseed/seed-archive.h"
#include "preseed/site-conf.h"
#include "preseed/stick-packages.h"
#include "preseed/stick.h"
#include "preseed/target-files.h"

enum { MAX_BUSYBOX_BYTES = 16 << 20 };

enum {
	OPT_SITE = 1,
	OPT_GENERIC,
	OPT_BUNDLE,
	OPT_REPO,
	OPT_CONFIG,
	OPT_OUTPUT,
	OPT_CACHE,
	OPT_EXTRA,
	OPT_KERNEL_ARGS,
	OPT_WITH_PACKAGES,
	OPT_APPLIANCE,
	OPT_OFFLINE,
};

const struct cli_opt cmd_build_opts[] = {
	{ OPT_SITE, "site", 's', "NAME", "the site that the stick installs" },
	{ OPT_GENERIC, "generic", 0, NULL, "for any site: the configuration server knows which" },
	{ OPT_BUNDLE, "bundle", 'b', "FILE", "from imagerepo site bundle --enroll" },
	{ OPT_REPO, "repo", 'r', "DIR", "instead of --bundle: make one from this repository" },
	{ OPT_CONFIG, "config", 'c', "FILE", "the site's file: disk, network, keys and so on" },
	{ OPT_OUTPUT, "output", 'o', "FILE", "the image" },
	{ OPT_CACHE, "cache", 0, "DIR", "for Debian's installer and packages (default ~/.cache/waybill)" },
	{ OPT_EXTRA, "extra", 0, "DIR", "files to add to the installer: drivers that it lacks" },
	{ OPT_KERNEL_ARGS, "kernel-args", 0, "TEXT", "for the installer: console=ttyS0,115200n8" },
	{ OPT_WITH_PACKAGES, "with-packages", 0, "DIR",
	  "put packages on the stick, from the public/ of the repository" },
	{ OPT_APPLIANCE, "appliance", 'a', "NAME", "with this one too (repeatable)" },
	{ OPT_OFFLINE, "offline", 0, NULL, "put Debian's packages on it too: no network needed" },
	{ 0 },
};

struct request {
	const char *site, *bundle, *repo, *config, *output, *cache, *extra, *kernel_args;
	const char *public_dir;
	struct strv packages;
	bool generic, offline;
};

static void request_destroy(struct request *req)
{
	strv_destroy(&req->packages);
}

static void take_option(struct request *req, int id, const char *value)
{
	switch (id) {
	case OPT_SITE:
		req->site = value;
		break;
	case OPT_GENERIC:
		req->generic = true;
		break;
	case OPT_BUNDLE:
		req->bundle = value;
		break;
	case OPT_REPO:
		req->repo = value;
		break;
	case OPT_CONFIG:
		req->config = value;
		break;
	case OPT_OUTPUT:
		req->output = value;
		break;
	case OPT_CACHE:
		req->cache = value;
		break;
	case OPT_EXTRA:
		req->extra = value;
		break;
	case OPT_KERNEL_ARGS:
		req->kernel_args = value;
		break;
	case OPT_WITH_PACKAGES:
		req->public_dir = value;
		break;
	case OPT_APPLIANCE:
		strv_add(&req->packages, value);
		break;
	case OPT_OFFLINE:
		req->offline = true;
		break;
	}
}

static int check_request(const struct request *req, struct err *err)
{
	if (req->generic == (req->site != NULL))
		return err_set(err, ERR_USAGE, "say either --site NAME or --generic");
	if (req->site && !site_name_is_valid(req->site))
		return err_set(err, ERR_USAGE, "--site: '%s' is no site's name: lower-case "
			       "letters, digits and hyphens", req->site);
	if ((req->bundle != NULL) == (req->repo != NULL))
		return err_set(err, ERR_USAGE, "say either --bundle FILE, which imagerepo site "
			       "bundle has written, or --repo DIR");
	if (req->repo && req->generic)
		return err_set(err, ERR_USAGE, "--generic needs a bundle: imagerepo site bundle "
			       "--generic --batch N -o FILE");
	struct stat st;
	if (!req->output)
		return err_set(err, ERR_USAGE, "say where to write the image: -o stick.img");
	if (stat(req->output, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "%s is no file; build an image first, then bring it "
			       "onto a stick with siteusb write", req->output);
	if (req->packages.count && !req->public_dir)
		return err_set(err, ERR_USAGE, "--appliance needs --with-packages");
	if (req->offline && !req->public_dir)
		return err_set(err, ERR_USAGE, "--offline needs --with-packages DIR: Waybill's own "
			       "packages come from there");
	if (req->offline && req->generic)
		return err_set(err, ERR_USAGE, "--offline is for one site: a machine with a "
			       "--generic stick asks the configuration server which it is");
	for (const char *p = req->kernel_args ? req->kernel_args : ""; *p; p++)
		if (!isprint((unsigned char)*p) || strchr("\"'\\`$;|&<>{}", *p))
			return err_set(err, ERR_USAGE, "--kernel-args: '%s' has a character that "
				       "the boot loader takes for its own", req->kernel_args);
	return 0;
}

/* A bundle with a new token, straight from the repository on this machine. */
static int make_bundle(const struct request *req, struct bundle **out, struct err *err)
{
	const char *argv[] = { "imagerepo", "--repo", req->repo, "site", "bundle", req->site,
			       "--enroll", NULL };
	_cleanup_strbuf_ struct strbuf tar = STRBUF_INIT;
	struct subproc spec = { .argv = argv, .output = &tar, .max_output = 8 << 20,
				.quiet = true, .timeout_ms = 60000 };
	if (subproc_run(&spec, NULL, err) != 0)
		return err_prefix(err, "cannot make a bundle");
	return bundle_parse(tar.data, tar.len, "of imagerepo", out, err);
}

static int get_bundle(const struct request *req, struct bundle **out, struct err *err)
{
	if ((req->bundle ? bundle_read(req->bundle, out, err) : make_bundle(req, out, err)) < 0)
		return -1;
	const char *site = (*out)->site;
	if (req->generic && site)
		return err_set(err, ERR_INPUT, "the bundle is that of site %s; a generic stick "
			       "needs one of imagerepo site bundle --generic", site);
	if (req->site && !str_same(site, req->site))
		return err_set(err, ERR_INPUT, "the bundle is that of %s%s, not of %s",
			       site ? "site " : "a generic stick", site ? site : "", req->site);
	if (!(*out)->token)
		log_warn("the bundle has no enrolment token (imagerepo site bundle --enroll): "
			 "the site will not enrol by itself");
	return 0;
}

static enum stick_holds stick_holds(const struct request *req)
{
	return req->offline ? STICK_HOLDS_ALL
	       : req->public_dir ? STICK_HOLDS_OURS
				 : STICK_HOLDS_NOTHING;
}

/* The answers; what is wrong in them shows before anything is fetched. */
static int make_preseed(const struct request *req, const struct site_conf *conf,
			const struct bundle *bundle, struct strbuf *out, struct err *err)
{
	enum preseed_kind kind = req->generic ? PRESEED_GENERIC : PRESEED_SITE;
	return preseed_make(kind, conf, bundle, req->site, stick_holds(req), out, err) < 0 ||
			       audit_preseed(out->data, err) < 0 ||
			       preseed_check(out->data, out->len, err) < 0
		       ? -1
		       : 0;
}

/* What a machine without a network needs to use the stick. busybox: NULL, or a path. */
static int add_offline(struct seed_archive *seed, const struct request *req,
		       const struct site_conf *conf, const char *busybox, struct err *err)
{
	_cleanup_free_ char *data = NULL;
	size_t len;
	if (!busybox)
		return 0;
	if (file_read(busybox, MAX_BUSYBOX_BYTES, &data, &len, err) < 0)
		return -1;
	seed_archive_add(seed, "waybill/busybox", data, len, 0755);
	target_files_add(seed, conf, req->site);
	return 0;
}

static int make_seed(const struct request *req, const struct site_conf *conf,
		     const struct bundle *bundle, const struct strbuf *preseed,
		     const char *busybox, struct strbuf *out, struct err *err)
{
	enum preseed_kind kind = req->generic ? PRESEED_GENERIC : PRESEED_SITE;
	_cleanup_(seed_archive_freep) struct seed_archive *seed = seed_archive_new();
	if (req->extra) {
		if (seed_archive_add_tree(seed, req->extra, err) < 0)
			return err_prefix(err, "--extra");
		seed_archive_add(seed, "waybill/extra", "", 0, 0644);
	}
	return preseed_add(seed, kind, preseed, bundle, stick_holds(req), err) < 0 ||
			       add_offline(seed, req, conf, busybox, err) < 0
		       ? -1
		       : seed_archive_write(seed, out, err);
}

static char *default_cache(void)
{
	const char *home = getenv("HOME");
	return xasprintf("%s/.cache/waybill", home && *home ? home : "/var/cache");
}

/* What goes onto the stick beside the installer. *image, of a file system, and *busybox stay NULL
 * if there is to be none. */
static int make_packages(const struct request *req, const struct site_conf *conf,
			 const struct bundle *bundle, const char *cache,
			 const struct workdir *work, char **image, char **busybox,
			 struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ char *tree = workdir_file(work, "packages");
	_cleanup_free_ char *initrd = workdir_file(work, "initrd.gz");
	uint64_t bytes = 0;
	if (!req->public_dir)
		return 0;
	strv_addv(&names, "waybill-site", "waybill-hostconfig", NULL);
	for (size_t i = 0; i < req->packages.count; i++)
		strv_add(&names, req->packages.items[i]);
	struct stick_packages packages = { req->public_dir, bundle->suite, &names };
	struct offline offline = { .conf = conf, .bundle = bundle, .cache = cache,
				   .extra = req->extra, .initrd_path = initrd, .tree = tree };
	if (stick_packages_collect(&packages, tree, &bytes, err) < 0 ||
	    (req->offline && offline_collect(&offline, work, busybox, &bytes, err) < 0))
		return -1;
	*image = workdir_file(work, "packages.img");
	return stick_packages_image(tree, bytes, *image, err);
}

static int build(const struct request *req, struct err *err)
{
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	_cleanup_(site_conf_freep) struct site_conf *conf = NULL;
	_cleanup_(workdir_freep) struct workdir *work = NULL;
	_cleanup_strbuf_ struct strbuf preseed = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf seed = STRBUF_INIT;
	_cleanup_free_ char *packages = NULL, *busybox = NULL;
	_cleanup_free_ char *cache = req->cache ? xstrdup(req->cache) : default_cache();
	if (site_conf_read(req->config, &conf, err) < 0 || get_bundle(req, &bundle, err) < 0 ||
	    mirrors_complete(conf, err) < 0 ||
	    make_preseed(req, conf, bundle, &preseed, err) < 0 || workdir_new(&work, err) < 0 ||
	    installer_get(cache, NULL, work->path, err) < 0 ||
	    make_packages(req, conf, bundle, cache, work, &packages, &busybox, err) < 0 ||
	    make_seed(req, conf, bundle, &preseed, busybox, &seed, err) < 0)
		return -1;
	_cleanup_free_ char *linux_path = workdir_file(work, "linux");
	_cleanup_free_ char *initrd = workdir_file(work, "initrd.gz");
	struct stick stick = { .title = req->site ? req->site : "a new site",
			       .linux_path = linux_path, .initrd_path = initrd,
			       .seed = seed.data, .seed_len = seed.len,
			       .packages = packages,
			       .kernel_args = req->kernel_args ? req->kernel_args : "" };
	if (stick_write(&stick, work, req->output, err) < 0)
		return -1;
	log_info("%s installs %s and erases the machine that boots from it; next: siteusb write "
		 "%s DEVICE", req->output, stick.title, req->output);
	return 0;
}

int cmd_build(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(request_destroy) struct request req = { 0 };
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		take_option(&req, id, cli->value);
	if (id < 0 || cli_check_args(cli, argc, 0, 0, err) < 0 || check_request(&req, err) < 0)
		return -1;
	return build(&req, err);
}
