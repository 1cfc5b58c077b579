/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/before.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "appliance/disks.h"
#include "appliance/host-kernel.h"
#include "common/appliance-conf.h"
#include "common/atomic-file.h"

/* Stands for a data disk that was not there: going back removes the one that is. */
#define NO_DATA_FILE "no-data"

/* What is moved there and back by name. */
static const char *const moved_files[] = { OVERLAY_FILE, KERNEL_FILE, INITRD_FILE,
					   NVRAM_FILE, KERNEL_RELEASE_FILE, CONSOLE_FILE };

char *before_path(const struct root *root, const char *unit, const char *file)
{
	_cleanup_free_ char *inside =
		xasprintf(BEFORE_DIR "%s%s", *file ? "/" : "", file);
	return instance_path(root, unit, inside);
}

enum before_state before_look(const struct root *root, const char *unit)
{
	_cleanup_free_ char *dir = before_path(root, unit, "");
	_cleanup_free_ char *old = before_path(root, unit, DATA_FILE);
	_cleanup_free_ char *data = instance_path(root, unit, DATA_FILE);
	struct stat a, b;
	if (!file_exists(dir))
		return BEFORE_NONE;
	if (stat(old, &a) < 0 || stat(data, &b) < 0)
		return BEFORE_PLAIN;
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino ? BEFORE_PLAIN
							    : BEFORE_CHAINED;
}

static int move_if_there(const char *from, const char *to, struct err *err)
{
	return file_exists(from) ? atomic_rename(from, to, err) : 0;
}

/* The link first: from then on before/ has the data disk, and it is not ours to write to
 * until the overlay has taken its name. */
static int chain_data(const struct host *host, const char *unit, struct err *err)
{
	_cleanup_free_ char *data = instance_path(&host->root, unit, DATA_FILE);
	_cleanup_free_ char *old = before_path(&host->root, unit, DATA_FILE);
	_cleanup_free_ char *none = before_path(&host->root, unit, NO_DATA_FILE);
	if (!file_exists(data))
		return atomic_file_write(none, "", 0, 0600, err);
	if (before_look(&host->root, unit) == BEFORE_CHAINED)
		return 0;
	if (atomic_link(data, old, err) < 0)
		return -1;
	return disk_make_data_overlay(host, unit, err);
}

int before_make(const struct host *host, const char *unit, struct err *err)
{
	_cleanup_free_ char *dir = before_path(&host->root, unit, "");
	if (make_dirs(dir, 0711, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(moved_files); i++) {
		_cleanup_free_ char *from =
			instance_path(&host->root, unit, moved_files[i]);
		_cleanup_free_ char *to = before_path(&host->root, unit, moved_files[i]);
		if (move_if_there(from, to, err) < 0)
			return -1;
	}
	return chain_data(host, unit, err);
}

int before_restore(const struct host *host, const char *unit, struct err *err)
{
	_cleanup_free_ char *data = instance_path(&host->root, unit, DATA_FILE);
	_cleanup_free_ char *old = before_path(&host->root, unit, DATA_FILE);
	_cleanup_free_ char *none = before_path(&host->root, unit, NO_DATA_FILE);
	_cleanup_free_ char *dir = before_path(&host->root, unit, "");
	for (size_t i = 0; i < ARRAY_SIZE(moved_files); i++) {
		_cleanup_free_ char *from = before_path(&host->root, unit, moved_files[i]);
		_cleanup_free_ char *to = instance_path(&host->root, unit, moved_files[i]);
		if (move_if_there(from, to, err) < 0)
			return -1;
	}
	if ((file_exists(none) && atomic_unlink(data, err) < 0) ||
	    move_if_there(old, data, err) < 0)
		return -1;
	return remove_tree(dir, err);
}

int before_drop(const struct host *host, const char *unit, struct err *err)
{
	_cleanup_free_ char *dir = before_path(&host->root, unit, "");
	_cleanup_free_ char *data = instance_path(&host->root, unit, DATA_FILE);
	_cleanup_free_ char *old = before_path(&host->root, unit, DATA_FILE);
	bool chained = before_look(&host->root, unit) == BEFORE_CHAINED;
	if (chained && disk_commit_data(host, unit, err) < 0)
		return -1;
	/* If the overlay was lost, what is below it is still somebody's data. */
	bool orphaned = file_exists(old) && !file_exists(data);
	if ((chained || orphaned) && before_adopt_data(host, unit, err) < 0)
		return -1;
	return remove_tree(dir, err);
}

int before_adopt_data(const struct host *host, const char *unit, struct err *err)
{
	_cleanup_free_ char *data = instance_path(&host->root, unit, DATA_FILE);
	_cleanup_free_ char *old = before_path(&host->root, unit, DATA_FILE);
	_cleanup_free_ char *fresh = xasprintf("%s.new", data);
	if (atomic_unlink(fresh, err) < 0 || atomic_link(old, fresh, err) < 0)
		return -1;
	return atomic_rename(fresh, data, err);
}
