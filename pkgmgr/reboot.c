/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/reboot.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/util.h"

#define REQUIRED_FILE "run/reboot-required"
#define PACKAGES_FILE "run/reboot-required.pkgs"
#define RECORD_FILE "var/lib/waybill/reboot"

enum { MAX_BYTES = 64 * 1024, MAX_NAMED = 8, PAUSE_S = 20 * 3600 };

/* "6.1.0-41" of "6.1.0-41-cloud-amd64": another flavour is no newer kernel. */
static char *kernel_version(const char *release)
{
	const char *end = release;
	while ((end = strchr(end, '-')) && !isalpha((unsigned char)end[1]))
		end++;
	return end ? xstrndup(release, (size_t)(end - release)) : xstrdup(release);
}

static bool is_newer(const char *release, const char *other)
{
	_cleanup_free_ char *a = kernel_version(release), *b = kernel_version(other);
	return version_compare(a, b) > 0;
}

/* The newest kernel in /boot that is newer than the running one, if that is there, too;
 * else nobody knows where this machine has its kernel from. */
static int find_newer(const struct root *root, const char *running, char **newest,
		      struct err *err)
{
	_cleanup_free_ char *dir = root_path(root, "boot");
	DIR *listing = opendir(dir);
	bool known = false;
	*newest = NULL;
	if (!listing)
		return errno == ENOENT ? 0 : err_sys(err, "list %s", dir);
	for (const struct dirent *e; (e = readdir(listing));) {
		if (!str_starts(e->d_name, "vmlinuz-"))
			continue;
		const char *release = e->d_name + strlen("vmlinuz-");
		known |= str_eq(release, running);
		if (is_newer(release, *newest ? *newest : running)) {
			free(*newest);
			*newest = xstrdup(release);
		}
	}
	closedir(listing);
	if (!known) {
		free(*newest);
		*newest = NULL;
	}
	return 0;
}

/* The names in reboot-required.pkgs, each once; nothing there is nothing named. */
static void read_packages(const struct root *root, struct strv *names)
{
	_cleanup_free_ char *path = root_path(root, PACKAGES_FILE);
	_cleanup_free_ char *text = NULL;
	_cleanup_err_ struct err unread = ERR_INIT;
	_cleanup_strv_ struct strv lines = STRV_INIT;
	size_t len = 0;
	if (file_read(path, MAX_BYTES, &text, &len, &unread) < 0)
		return;
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++)
		if (name_is_valid(lines.items[i]) && !strv_contains(names, lines.items[i]))
			strv_add(names, lines.items[i]);
}

static char *required_reason(const struct root *root)
{
	_cleanup_strv_ struct strv names = STRV_INIT, named = STRV_INIT;
	read_packages(root, &names);
	if (!names.count)
		return xstrdup("/" REQUIRED_FILE " is there");
	for (size_t i = 0; i < names.count && i < MAX_NAMED; i++)
		strv_add(&named, names.items[i]);
	_cleanup_free_ char *text = strv_join(&named, ", ");
	return xasprintf("%s%s %s upgraded", text, names.count > MAX_NAMED ? " and more" : "",
			 names.count == 1 ? "was" : "were");
}

int reboot_reason(const struct root *root, const char *running, char **reason, struct err *err)
{
	_cleanup_free_ char *required = root_path(root, REQUIRED_FILE);
	_cleanup_free_ char *newest = NULL;
	*reason = NULL;
	if (find_newer(root, running, &newest, err) < 0)
		return -1;
	if (newest)
		*reason = xasprintf("kernel %s is installed and %s runs", newest, running);
	else if (file_exists(required))
		*reason = required_reason(root);
	return 0;
}

int reboot_require(const struct root *root, const struct strv *packages, struct err *err)
{
	static const char text[] = "*** System restart required ***\n";
	_cleanup_free_ char *run = root_path(root, "run");
	_cleanup_free_ char *required = root_path(root, REQUIRED_FILE);
	_cleanup_free_ char *list = root_path(root, PACKAGES_FILE);
	_cleanup_strv_ struct strv names = STRV_INIT;
	read_packages(root, &names);
	for (size_t i = 0; i < packages->count; i++)
		if (!strv_contains(&names, packages->items[i]))
			strv_add(&names, packages->items[i]);
	strv_add(&names, ""); /* a newline at the end */
	_cleanup_free_ char *lines = strv_join(&names, "\n");
	if (make_dirs(run, 0755, err) < 0 ||
	    atomic_file_write(list, lines, strlen(lines), 0644, err) < 0)
		return -1;
	return atomic_file_write(required, text, strlen(text), 0644, err);
}

/* Which boot this is, to free; "" where nobody says. */
static char *boot_id(void)
{
	_cleanup_err_ struct err unread = ERR_INIT;
	char *text = NULL;
	size_t len = 0;
	if (file_read("/proc/sys/kernel/random/boot_id", 256, &text, &len, &unread) < 0)
		return xstrdup("");
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* The last one that was asked for. */
struct record {
	int64_t at;
	char *reason;	/* NULL: there was none */
	char *boot;	/* in which it was */
};

static void record_destroy(struct record *record)
{
	free(record->reason);
	free(record->boot);
}

static int read_record(const struct root *root, struct record *record, struct err *err)
{
	static const char *const known[] = { "At", "Reason", "Boot", NULL };
	_cleanup_free_ char *path = root_path(root, RECORD_FILE);
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	const char *when = NULL, *why = NULL, *boot = NULL;
	*record = (struct record){ 0 };
	if (!file_exists(path))
		return 0;
	if (deb822_read_file(path, MAX_BYTES, 1, &doc, err) < 0)
		return -1;
	if (doc->count != 1)
		return err_set(err, ERR_INPUT, "%s is empty", path);
	if (deb822_check_known(&doc->stanzas[0], known, path, err) < 0 ||
	    deb822_require(&doc->stanzas[0], "At", path, &when, err) < 0 ||
	    deb822_require(&doc->stanzas[0], "Reason", path, &why, err) < 0 ||
	    deb822_require(&doc->stanzas[0], "Boot", path, &boot, err) < 0 ||
	    time_parse(when, &record->at, path, err) < 0)
		return -1;
	record->reason = xstrdup(why);
	record->boot = xstrdup(boot);
	return 0;
}

int reboot_check_repeat(const struct root *root, const char *reason, int64_t now,
			struct err *err)
{
	_cleanup_(record_destroy) struct record last;
	_cleanup_free_ char *boot = boot_id();
	if (read_record(root, &last, err) < 0)
		return -1;
	if (!last.reason)
		return 0;
	_cleanup_free_ char *when = time_format(last.at);
	bool recent = last.at <= now && now - last.at < PAUSE_S;
	if (str_eq(last.boot, boot))
		return !recent ? 0 : err_set(err, ERR_REFUSED, "the reboot that was asked for at %s "
					     "has not happened yet", when);
	if (str_starts(reason, "kernel ") && str_eq(reason, last.reason))
		return err_set(err, ERR_REFUSED,
			       "the reboot of %s was for the same and did not help: %s; which "
			       "kernel does the boot loader start?", when, reason);
	if (recent)
		return err_set(err, ERR_REFUSED,
			       "the last reboot was asked for at %s; there are %d hours between two",
			       when, PAUSE_S / 3600);
	return 0;
}

int reboot_remember(const struct root *root, const char *reason, int64_t now, struct err *err)
{
	_cleanup_free_ char *path = root_path(root, RECORD_FILE);
	_cleanup_free_ char *at = time_format(now);
	_cleanup_free_ char *boot = boot_id();
	_cleanup_free_ char *text = xasprintf("At: %s\nReason: %s\nBoot: %s\n", at, reason, boot);
	return atomic_file_write(path, text, strlen(text), 0644, err);
}

int reboot_forget(const struct root *root, struct err *err)
{
	_cleanup_free_ char *path = root_path(root, RECORD_FILE);
	return file_exists(path) ? atomic_unlink(path, err) : 0;
}
