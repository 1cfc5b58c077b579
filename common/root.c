/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/root.h"

#include <stdarg.h>
#include <sys/stat.h>

#include "common/hash.h"
#include "common/util.h"

int root_init(struct root *root, const char *dir, struct err *err)
{
	*root = (struct root){ NULL, NULL };
	if (!dir || !*dir)
		dir = "/";
	_cleanup_free_ char *real = realpath(dir, NULL);
	if (!real)
		return err_sys(err, "root directory %s", dir);
	struct stat st;
	if (stat(real, &st) < 0)
		return err_sys(err, "root directory %s", real);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_USAGE, "root %s is not a directory", real);
	char hex[SHA256_HEX_LEN + 1];
	sha256_hex(real, strlen(real), hex);
	root->id = str_eq(real, "/") ? xstrdup("") : xstrndup(hex, 8);
	root->dir = steal(&real);
	return 0;
}

void root_destroy(struct root *root)
{
	free(root->dir);
	free(root->id);
	*root = (struct root){ NULL, NULL };
}

bool root_is_host(const struct root *root)
{
	return str_eq(root->dir, "/");
}

char *root_path(const struct root *root, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *tail = xvasprintf(fmt, ap);
	va_end(ap);
	const char *rest = tail + strspn(tail, "/");
	char *path = xasprintf("%s/%s", root_is_host(root) ? "" : root->dir, rest);
	free(tail);
	return path;
}

char *root_domain_name(const struct root *root, const char *instance)
{
	if (root_is_host(root))
		return xasprintf("waybill-%s", instance);
	return xasprintf("waybill-%s-%s", root->id, instance);
}
