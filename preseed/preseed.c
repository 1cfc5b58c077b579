/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/preseed.h"

#include <inttypes.h>

#include <nettle/base64.h>

#include "common/atomic-file.h"
#include "common/subproc.h"
#include "common/workdir.h"
#include "preseed/installer.h"
#include "preseed/mirrors.h"
#include "preseed/template.h"

enum { MAX_DATA_BYTES = 1 << 20 };

/* Where base-installer looks for what is to be run when it is done, before apt is set up, and
 * finish-install, after the last package. */
#define HOOK "usr/lib/post-base-installer.d/10waybill"
#define LAST_HOOK "usr/lib/finish-install.d/93waybill"

/* Where waybill/offline serves the stick. */
#define STICK_MIRROR "http://127.0.0.1/debian"
#define STICK_SECURITY "http://127.0.0.1/debian-security"

/* Everything that a site needs; libvirt and QEMU come with waybill-site. */
#define PACKAGES "waybill-site waybill-hostconfig openssh-server"
#define PACKAGES_XEN " xen-system-amd64 libvirt-daemon-driver-xen"

static int read_data(const char *name, char **text, size_t *len, struct err *err)
{
	const char *env = getenv("WAYBILL_PRESEED_DIR");
	_cleanup_free_ char *path =
		xasprintf("%s/%s", env && *env ? env : WAYBILL_DATADIR "/preseed", name);
	return file_read(path, MAX_DATA_BYTES, text, len, err);
}

static char *base64(const char *data, size_t len)
{
	char *text = xcalloc(1, BASE64_ENCODE_RAW_LENGTH(len) + 1);
	base64_encode_raw(text, len, (const uint8_t *)data);
	return text;
}

static void set_network(struct values *v, const struct site_conf *conf)
{
	_cleanup_free_ char *dns = strv_join(&conf->dns, " ");
	_cleanup_free_ char *uplink = site_conf_uplink(conf);
	values_set(v, "interface", uplink);
	values_set(v, "address", conf->address);
	values_set(v, "netmask", conf->netmask);
	values_set(v, "gateway", conf->gateway);
	values_set(v, "dns", dns);
	values_set(v, "domain", conf->domain);
}

static void set_mirrors(struct values *v, const struct site_conf *conf, bool offline)
{
	struct mirror_url mirror, security;
	const char *url = offline ? STICK_MIRROR : conf->mirror;
	const char *security_url = offline ? STICK_SECURITY : conf->security_mirror;
	mirror_url_split(url ? url : "", &mirror);
	mirror_url_split(security_url ? security_url : "", &security);
	values_set(v, "mirror-protocol", mirror.protocol);
	values_set(v, "mirror-host", mirror.host);
	values_set(v, "mirror-directory", mirror.directory);
	values_set(v, "security-host", security.host);
	values_set(v, "proxy", offline ? NULL : conf->proxy);
	values_set(v, "offline", offline ? "1" : NULL);
	values_set(v, "suite", INSTALLER_SUITE);
	mirror_url_destroy(&mirror);
	mirror_url_destroy(&security);
}

static void set_repository(struct values *v, const struct bundle *bundle, bool packages)
{
	_cleanup_free_ char *line = NULL;
	_cleanup_free_ char *key = NULL;
	_cleanup_free_ char *from_stick = NULL;
	if (bundle) {
		line = xasprintf("%s %s %s", bundle->uri, bundle->suite, bundle->components);
		from_stick = xasprintf("file:/media/waybill %s %s", bundle->suite,
				       bundle->components);
		key = base64(bundle->repository_key, bundle->repository_key_len);
	}
	values_set(v, "repository", line);
	values_set(v, "stick-repository", packages ? from_stick : NULL);
	values_set(v, "repository-key", key);
}

/* A site that has no network now may get a mirror with https, and apt then wants certificates;
 * the installer asks for them by itself when it sees such a mirror. */
char *preseed_packages(const struct site_conf *conf, enum stick_holds holds)
{
	_cleanup_free_ char *more = strv_join(&conf->packages, " ");
	return xasprintf(PACKAGES "%s%s%s%s",
			 str_eq(conf->hypervisor, "xen") ? PACKAGES_XEN : "",
			 holds == STICK_HOLDS_ALL ? " ca-certificates" : "", *more ? " " : "",
			 more);
}

static void set_system(struct values *v, const struct site_conf *conf, enum stick_holds holds)
{
	_cleanup_free_ char *disks = strv_join(&conf->disk, " ");
	_cleanup_free_ char *minimum = xasprintf("%" PRIu64, conf->disk_minimum_bytes);
	_cleanup_free_ char *keys = conf->ssh_keys.count ? strv_join(&conf->ssh_keys, "\n") : NULL;
	_cleanup_free_ char *lines = keys ? xasprintf("%s\n", keys) : NULL;
	_cleanup_free_ char *encoded = lines ? base64(lines, strlen(lines)) : NULL;
	_cleanup_free_ char *packages = preseed_packages(conf, holds);
	values_set(v, "disk", disks);
	values_set(v, "disk-minimum", minimum);
	values_set(v, "raid", conf->raid1 ? "1" : "none");
	values_set(v, "authorized-keys", encoded);
	values_set(v, "packages", packages);
	values_set(v, "locale", conf->locale);
	values_set(v, "keyboard", conf->keyboard);
	values_set(v, "time-zone", conf->time_zone);
	values_set(v, "password", conf->password ? conf->password : "*");
	values_set(v, "kernel", conf->kernel);
	values_set(v, "drivers", conf->drivers);
	values_set(v, "kernel-args", conf->kernel_args);
}

int preseed_make(enum preseed_kind kind, const struct site_conf *conf,
		 const struct bundle *bundle, const char *site, enum stick_holds holds,
		 struct strbuf *out, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_(values_destroy) struct values v = { 0 };
	size_t len;
	if (read_data("preseed.cfg", &text, &len, err) < 0)
		return -1;
	values_set(&v, "stick", kind == PRESEED_PART ? NULL : "1");
	values_set(&v, "part", kind == PRESEED_GENERIC ? NULL : "1");
	values_set(&v, "hostname", site ? site : "waybill");
	set_network(&v, conf);
	set_mirrors(&v, conf, holds == STICK_HOLDS_ALL);
	set_repository(&v, bundle, holds != STICK_HOLDS_NOTHING);
	set_system(&v, conf, holds);
	return template_expand(text, &v, "preseed.cfg", out, err);
}

/* A database of its own: this machine's is another program's to lock, and root's to read. */
static const char debconf_conf[] = "Config: config\n"
				   "Templates: templates\n"
				   "\n"
				   "Name: config\n"
				   "Driver: File\n"
				   "Filename: %1$s/config.dat\n"
				   "\n"
				   "Name: templates\n"
				   "Driver: File\n"
				   "Filename: %1$s/templates.dat\n";

int preseed_check(const char *text, size_t len, struct err *err)
{
	_cleanup_(workdir_freep) struct workdir *work = NULL;
	if (workdir_new(&work, err) < 0)
		return -1;
	_cleanup_free_ char *conf = workdir_file(work, "debconf.conf");
	_cleanup_free_ char *env = xasprintf("DEBCONF_SYSTEMRC=%s", conf);
	_cleanup_free_ char *conf_text = xasprintf(debconf_conf, work->path);
	const char *env_add[] = { env, "DEBIAN_FRONTEND=noninteractive", NULL };
	if (atomic_file_write(conf, conf_text, strlen(conf_text), 0644, err) < 0)
		return -1;
	const char *argv[] = { "debconf-set-selections", "--checkonly", NULL };
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	struct subproc spec = { .argv = argv, .env_add = env_add, .input = text, .input_len = len,
				.output = &output, .quiet = true, .timeout_ms = 60000 };
	return subproc_run(&spec, NULL, err) == 0
		       ? 0
		       : err_prefix(err, "debconf does not take the preseed file");
}

static int add_script(struct seed_archive *seed, const char *name, const char *to, mode_t mode,
		      struct err *err)
{
	size_t len;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *from = xasprintf("installer/%s", name);
	if (read_data(from, &text, &len, err) < 0)
		return -1;
	seed_archive_add(seed, to, text, len, mode);
	return 0;
}

int preseed_add(struct seed_archive *seed, enum preseed_kind kind, const struct strbuf *preseed,
		const struct bundle *bundle, enum stick_holds holds, struct err *err)
{
	static const char *const files[] = {
		"apt-get", "early", "line", "vlan", "lib", "initrd",
		"partition", "fetch", "disk", "late", "waybill.templates",
	};
	int64_t now = time_now_reproducible();
	_cleanup_free_ char *floor = xasprintf(
		"%" PRId64 "\n", bundle->not_before > now ? bundle->not_before : now);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *to = xasprintf("waybill/%s", files[i]);
		if (add_script(seed, files[i], to, 0644, err) < 0)
			return -1;
	}
	if (holds != STICK_HOLDS_NOTHING && add_script(seed, "mount", HOOK, 0755, err) < 0)
		return -1;
	if (holds == STICK_HOLDS_ALL &&
	    (add_script(seed, "offline", "waybill/offline", 0644, err) < 0 ||
	     add_script(seed, "finish", LAST_HOOK, 0755, err) < 0))
		return -1;
	seed_archive_add(seed, "preseed.cfg", preseed->data, preseed->len, 0600);
	seed_archive_add(seed, "waybill/bundle.tar", bundle->tar, bundle->tar_len, 0600);
	seed_archive_add(seed, "waybill/not-before", floor, strlen(floor), 0644);
	if (kind == PRESEED_GENERIC)
		seed_archive_add(seed, "waybill/generic", "", 0, 0644);
	return 0;
}
