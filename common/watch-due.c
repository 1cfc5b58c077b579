/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/watch-due.h"

#include "common/atomic-file.h"
#include "common/util.h"

enum { MAX_BYTES = 32 };

int watch_due_read(const struct root *root, int64_t *due, struct err *err)
{
	_cleanup_free_ char *path = root_path(root, WATCH_DUE_FILE);
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	uint64_t seconds = 0;
	*due = 0;
	if (file_read(path, MAX_BYTES, &text, &len, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		err_clear(err);
		return 0;
	}
	text[strcspn(text, "\n")] = '\0';
	if (number_parse(text, 1, INT64_MAX, &seconds, path, err) < 0)
		return -1;
	*due = (int64_t)seconds;
	return 0;
}

int watch_due_set(const struct root *root, int64_t due, struct err *err)
{
	_cleanup_free_ char *path = root_path(root, WATCH_DUE_FILE);
	if (due == 0)
		return file_exists(path) ? atomic_unlink(path, err) : 0;
	_cleanup_free_ char *line = xasprintf("%lld\n", (long long)due);
	return atomic_file_write(path, line, strlen(line), 0644, err);
}
