/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/closure.h"

#include "common/atomic-file.h"
#include "common/strbuf.h"

/* grub-installer's choice by firmware; one conflicts with the other. */
static const char *const loaders[][3] = {
	{ "grub-pc", NULL },
	{ "grub-efi-amd64", "shim-signed", NULL },
};

/* apt-get with its own sources and, if not NULL, with a state of installed packages, up to its
 * options. */
static void start(struct strv *args, const char *tool, const char *sources, const char *status)
{
	strv_addv(args, tool, "-q", "-o", NULL);
	strv_addf(args, "Dir::Etc::sourcelist=%s", sources);
	if (status) {
		strv_add(args, "-o");
		strv_addf(args, "Dir::State::status=%s", status);
	}
}

static void start_install(struct strv *args, const char *sources, const char *status,
			  const struct strv *packages)
{
	start(args, "apt-get", sources, status);
	strv_addv(args, "--print-uris", "--yes", "--no-install-recommends",
		  "--no-install-suggests", "install", NULL);
	for (size_t i = 0; i < packages->count; i++)
		strv_add(args, packages->items[i]);
}

/* Where apt-get does not find a way, its standard output says for which package, up to the
 * next line; NULL if it says nothing. */
static char *first_unmet(const char *output)
{
	static const char heading[] = "The following packages have unmet dependencies:\n";
	const char *line = strstr(output, heading);
	if (!line)
		return NULL;
	line += strlen(heading);
	line += strspn(line, " ");
	return xstrndup(line, strcspn(line, "\n"));
}

static int ask(const struct apt_root *apt, const struct strv *args, struct remote_files *out,
	       struct err *err)
{
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	int result = apt_root_run(apt, args, &output, err);
	const char *text = output.data ? output.data : "";
	if (result == 0)
		return remote_files_parse(out, text, err);
	_cleanup_free_ char *unmet = first_unmet(text);
	return unmet ? err_prefix(err, "%s", unmet) : -1;
}

/* debootstrap's choice, by priority, and what comes after it; all with what it needs. */
static int find_base(const struct apt_root *apt, const char *sources,
		     const struct strv *packages, struct remote_files *out, struct err *err)
{
	_cleanup_strv_ struct strv args = STRV_INIT;
	start_install(&args, sources, NULL, packages);
	strv_addv(&args, "?priority(required)", "?priority(important)", NULL);
	return ask(apt, &args, out, err);
}

/* "libcap2_1%3a2.75_amd64.deb" -> "libcap2=1:2.75", or NULL. */
static char *package_and_version(const char *file)
{
	const char *version = strchr(file, '_');
	const char *end = version ? strchr(version + 1, '_') : NULL;
	if (!end)
		return NULL;
	_cleanup_free_ char *quoted = xstrndup(version + 1, (size_t)(end - version - 1));
	char *epoch = strstr(quoted, "%3a");
	return epoch ? xasprintf("%.*s=%.*s:%s", (int)(version - file), file,
				 (int)(epoch - quoted), quoted, epoch + 3)
		     : xasprintf("%.*s=%s", (int)(version - file), file, quoted);
}

/* A dpkg status in which the base system is installed. */
static int write_status(const struct apt_root *apt, const char *sources,
			const struct remote_files *base, const char *path, struct err *err)
{
	_cleanup_strv_ struct strv args = STRV_INIT;
	_cleanup_strv_ struct strv lines = STRV_INIT;
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf status = STRBUF_INIT;
	start(&args, "apt-cache", sources, NULL);
	strv_add(&args, "show");
	for (size_t i = 0; i < base->count; i++) {
		_cleanup_free_ char *name = package_and_version(base->items[i].name);
		if (!name)
			return err_set(err, ERR_PROGRAM, "apt-get --print-uris: '%s' is no package "
				       "with its version", base->items[i].name);
		strv_add(&args, name);
	}
	if (apt_root_run(apt, &args, &output, err) < 0)
		return -1;
	strv_split(&lines, output.data ? output.data : "", "\n");
	for (size_t i = 0; i < lines.count; i++) {
		bool starts = str_starts(lines.items[i], "Package: ");
		strbuf_addf(&status, "%s%s\n%s", starts ? "\n" : "", lines.items[i],
			    starts ? "Status: install ok installed\n" : "");
	}
	return atomic_file_write(path, status.data ? status.data : "", status.len, 0644, err);
}

int closure_find(const struct closure *closure, const struct apt_root *apt,
		 struct remote_files *out, struct err *err)
{
	_cleanup_(remote_files_destroy) struct remote_files base = { 0 };
	_cleanup_free_ char *base_list = NULL, *list = NULL;
	_cleanup_free_ char *status = xasprintf("%s/base-status", apt->dir);
	if (apt_root_write_list(apt, "base.list", closure->base_sources, &base_list, err) < 0 ||
	    apt_root_write_list(apt, "install.list", closure->sources, &list, err) < 0 ||
	    find_base(apt, base_list, closure->base, &base, err) < 0 ||
	    write_status(apt, base_list, &base, status, err) < 0)
		return err_prefix(err, "cannot find out what the base system is");
	for (size_t i = 0; i < base.count; i++) {
		const struct remote_file *file = &base.items[i];
		if (remote_files_add(out, file->uri, file->name, file->size_bytes, file->sha256,
				     err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(loaders); i++) {
		_cleanup_strv_ struct strv args = STRV_INIT;
		start_install(&args, list, status, closure->packages);
		for (size_t j = 0; loaders[i][j]; j++)
			strv_add(&args, loaders[i][j]);
		if (ask(apt, &args, out, err) < 0)
			return err_prefix(err, "cannot find out what the installation needs");
	}
	return 0;
}
