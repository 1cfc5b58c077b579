/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/device.h"

#include <ctype.h>
#include <sys/sysmacros.h>

#include "common/atomic-file.h"
#include "common/util.h"

enum { MAX_ATTRIBUTE_BYTES = 4096, SECTOR_BYTES = 512 };

/* A sysfs attribute without blanks at its ends; NULL if there is none. */
static char *attribute(const char *dir, const char *name)
{
	_cleanup_err_ struct err ignored = ERR_INIT;
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	_cleanup_free_ char *text = NULL;
	size_t len;
	if (file_read(path, MAX_ATTRIBUTE_BYTES, &text, &len, &ignored) < 0)
		return NULL;
	char *start = text;
	while (isspace((unsigned char)*start))
		start++;
	len = strlen(start);
	while (len && isspace((unsigned char)start[len - 1]))
		len--;
	return len ? xstrndup(start, len) : NULL;
}

static bool is_one(const char *dir, const char *name)
{
	_cleanup_free_ char *value = attribute(dir, name);
	return str_same(value, "1");
}

/* A card in a reader on the mainboard does not say removable; its type tells it from the
 * soldered eMMC (Linux: Documentation/admin-guide/mmc). */
static bool is_sd_card(const char *dir)
{
	_cleanup_free_ char *type = attribute(dir, "device/type");
	return str_same(type, "SD");
}

static char *describe(const char *dir, const char *path)
{
	_cleanup_free_ char *vendor = attribute(dir, "device/vendor");
	_cleanup_free_ char *model = attribute(dir, "device/model");
	const char *base = strrchr(path, '/');
	if (!model)
		return xstrdup(base ? base + 1 : path);
	return vendor ? xasprintf("%s %s", vendor, model) : xstrdup(model);
}

int device_probe(const char *sysfs, dev_t number, const char *path, struct device *out,
		 struct err *err)
{
	_cleanup_free_ char *dir =
		xasprintf("%s/dev/block/%u:%u", sysfs, major(number), minor(number));
	_cleanup_free_ char *size = attribute(dir, "size");
	uint64_t sectors = 0;
	*out = (struct device){ 0 };
	if (!size || number_parse(size, 0, UINT64_MAX / SECTOR_BYTES, &sectors, "size", err) < 0) {
		err_clear(err);
		return err_set(err, ERR_INPUT, "%s: the kernel knows no such block device", path);
	}
	out->path = xstrdup(path);
	out->name = describe(dir, path);
	_cleanup_free_ char *part = attribute(dir, "partition");
	out->partition = part != NULL;
	out->removable = is_one(dir, "removable") || is_sd_card(dir);
	out->read_only = is_one(dir, "ro");
	out->size_bytes = sectors * SECTOR_BYTES;
	return 0;
}

void device_destroy(struct device *device)
{
	free(device->path);
	free(device->name);
	*device = (struct device){ 0 };
}

int device_check(const struct device *device, uint64_t image_bytes, bool force, struct err *err)
{
	if (device->partition)
		return err_set(err, ERR_REFUSED, "%s is a partition; a stick boots from the whole "
			       "disk, such as /dev/sdb", device->path);
	if (device->size_bytes == 0)
		return err_set(err, ERR_REFUSED, "%s has no medium in it", device->path);
	if (device->read_only)
		return err_set(err, ERR_REFUSED, "%s (%s) is write-protected", device->path,
			       device->name);
	if (device->size_bytes < image_bytes) {
		_cleanup_free_ char *has = size_format(device->size_bytes);
		_cleanup_free_ char *wants = size_format(image_bytes);
		return err_set(err, ERR_REFUSED, "%s (%s) has %s, the image %s", device->path,
			       device->name, has, wants);
	}
	if (!device->removable && !force)
		return err_set(err, ERR_REFUSED, "%s (%s) is no removable disk; if it is the stick "
			       "nevertheless, as some do not say so, use --force", device->path,
			       device->name);
	return 0;
}
