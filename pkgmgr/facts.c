/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/facts.h"

#include <dirent.h>
#include <inttypes.h>

#include "common/atomic-file.h"
#include "common/utf8.h"

/* The gate takes at most 64 lines of a kind, of 200 bytes. */
enum { LINE_BYTES = 200, MAX_ITEMS = 32, SECTOR_BYTES = 512 };

/* Files of /proc say that they are empty, so they are read line by line. *line is to be
 * freed, NULL if no line begins with `prefix`. */
static char *find_line(const struct root *root, const char *name, const char *prefix)
{
	_cleanup_free_ char *path = root_path(root, "%s", name);
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char line[1024];
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (str_starts(line, prefix))
			return xstrdup(line + strlen(prefix));
	}
	return NULL;
}

/* The first line without blanks around it, fit to be sent; NULL if there is none. */
static char *read_line(const struct root *root, const char *name)
{
	_cleanup_free_ char *line = find_line(root, name, "");
	if (!line)
		return NULL;
	char *start = line + strspn(line, " \t");
	size_t len = strlen(start);
	while (len && strchr(" \t", start[len - 1]))
		len--;
	return len ? utf8_make_printable(start, len, "", LINE_BYTES) : NULL;
}

static char *read_product(const struct root *root)
{
	_cleanup_free_ char *vendor = read_line(root, "sys/class/dmi/id/sys_vendor");
	_cleanup_free_ char *name = read_line(root, "sys/class/dmi/id/product_name");
	if (!vendor || !name)
		return vendor ? steal(&vendor) : steal(&name);
	_cleanup_free_ char *both = xasprintf("%s %s", vendor, name);
	return utf8_make_printable(both, strlen(both), "", LINE_BYTES);
}

static char *read_memory(const struct root *root)
{
	_cleanup_free_ char *line = find_line(root, "proc/meminfo", "MemTotal:");
	uint64_t kib = line ? strtoull(line, NULL, 10) : 0;
	return kib ? xasprintf("%" PRIu64, kib * 1024) : NULL;
}

/* PRETTY_NAME="Debian GNU/Linux 13 (trixie)" */
static char *read_release(const struct root *root)
{
	_cleanup_free_ char *value = find_line(root, "etc/os-release", "PRETTY_NAME=");
	if (!value)
		return NULL;
	char *start = value + (*value == '"');
	size_t len = strcspn(start, "\"");
	return len ? utf8_make_printable(start, len, "", LINE_BYTES) : NULL;
}

static void each_name(const struct root *root, const char *dir_name,
		      void (*add)(const struct root *, const char *, struct enrol_facts *),
		      struct enrol_facts *facts)
{
	_cleanup_free_ char *path = root_path(root, "%s", dir_name);
	DIR *dir = opendir(path);
	if (!dir)
		return;
	for (const struct dirent *e; (e = readdir(dir));)
		if (e->d_name[0] != '.')
			add(root, e->d_name, facts);
	closedir(dir);
}

/* Hardware has a device; bridges, bonds and guests' interfaces have none. */
static void add_mac(const struct root *root, const char *name, struct enrol_facts *facts)
{
	_cleanup_free_ char *device = root_path(root, "sys/class/net/%s/device", name);
	_cleanup_free_ char *file = xasprintf("sys/class/net/%s/address", name);
	_cleanup_free_ char *text = file_exists(device) ? read_line(root, file) : NULL;
	_cleanup_free_ char *mac = text ? enrol_mac_normal(text) : NULL;
	if (mac && facts->macs.count < MAX_ITEMS)
		strv_add(&facts->macs, mac);
}

static void add_disk(const struct root *root, const char *name, struct enrol_facts *facts)
{
	_cleanup_free_ char *device = root_path(root, "sys/block/%s/device", name);
	_cleanup_free_ char *file = xasprintf("sys/block/%s/size", name);
	_cleanup_free_ char *sectors = file_exists(device) ? read_line(root, file) : NULL;
	uint64_t count = sectors ? strtoull(sectors, NULL, 10) : 0;
	if (count && facts->disks.count < MAX_ITEMS)
		strv_addf(&facts->disks, "%.64s %" PRIu64, name, count * SECTOR_BYTES);
}

void facts_read(const struct root *root, struct enrol_facts *facts)
{
	*facts = (struct enrol_facts){
		.serial = read_line(root, "sys/class/dmi/id/product_serial"),
		.product = read_product(root),
		.memory = read_memory(root),
		.release = read_release(root),
	};
	each_name(root, "sys/class/net", add_mac, facts);
	each_name(root, "sys/block", add_disk, facts);
	strv_sort(&facts->macs);
	strv_sort(&facts->disks);
}
