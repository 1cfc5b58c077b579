/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/workdir.h"

#include <errno.h>
#include <stdlib.h>

#include "common/atomic-file.h"
#include "common/log.h"

/* mmdebstrap splits some of its arguments as a shell does. */
static bool is_plain(const char *path)
{
	return path[0] == '/' &&
	       path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789/._+-")] == '\0';
}

int workdir_new(struct workdir **out, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	if (!tmp || !*tmp)
		tmp = "/var/tmp";
	*out = NULL;
	if (!is_plain(tmp))
		return err_set(err, ERR_USAGE, "TMPDIR '%s' must be an absolute path of letters, "
			       "digits and /._+-", tmp);
	_cleanup_free_ char *path = xasprintf("%s/%s.XXXXXX", tmp,
						program_invocation_short_name);
	if (!mkdtemp(path))
		return err_sys(err, "cannot make a temporary directory in %s", tmp);
	*out = xcalloc(1, sizeof(**out));
	(*out)->path = steal(&path);
	return 0;
}

void workdir_free(struct workdir *dir)
{
	struct err err = ERR_INIT;
	if (!dir)
		return;
	if (remove_tree(dir->path, &err) != 0)
		log_warn("%s", err.msg);
	err_clear(&err);
	free(dir->path);
	free(dir);
}

char *workdir_file(const struct workdir *dir, const char *name)
{
	return xasprintf("%s/%s", dir->path, name);
}
