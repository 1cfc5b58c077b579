/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/recipe.h"

#include <libgen.h>
#include <sys/stat.h>

#include "common/atomic-file.h"
#include "common/deb822.h"

#define LOWER_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789"

enum {
	MAX_PACKAGES = 5000,
	MAX_FILES = 5000,
	BLOCK_BYTES = 4096,
	MIN_DISK_BYTES = 16 << 20,
};

/* One recipe on its way in: what every field parser needs. */
struct reading {
	const struct deb822_stanza *stanza;
	const char *dir;
	const char *origin;
	struct recipe *recipe;
};

static int require(const struct reading *r, const char *field, char **out, struct err *err)
{
	const char *value = NULL;
	if (deb822_require(r->stanza, field, r->origin, &value, err) != 0)
		return -1;
	*out = xstrdup(value);
	return 0;
}

static bool only_has(const char *text, const char *characters)
{
	return *text && text[strspn(text, characters)] == '\0';
}

static int bad_field(const struct reading *r, const char *field, const char *value,
		     const char *want, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s: %s: '%.80s' is not %s", r->origin, field, value, want);
}

static int read_identity(const struct reading *r, struct err *err)
{
	struct recipe *recipe = r->recipe;
	struct appliance_conf *conf = recipe->conf;
	const char *arch = deb822_get(r->stanza, "Architecture");
	if (require(r, "Name", &conf->appliance, err) != 0 ||
	    require(r, "Version", &conf->version, err) != 0 ||
	    require(r, "Maintainer", &recipe->maintainer, err) != 0 ||
	    require(r, "Description", &recipe->description, err) != 0)
		return -1;
	conf->architecture = xstrdup(arch ? arch : APPLIANCE_DEFAULT_ARCHITECTURE);
	if (!name_is_valid(conf->appliance))
		return bad_field(r, "Name", conf->appliance, "a package name", err);
	if (!version_is_valid(conf->version))
		return bad_field(r, "Version", conf->version, "a Debian version", err);
	if (!only_has(conf->architecture, LOWER_DIGITS "-"))
		return bad_field(r, "Architecture", conf->architecture, "an architecture", err);
	if (strchr(recipe->maintainer, '\n') || !strchr(recipe->maintainer, '<'))
		return bad_field(r, "Maintainer", recipe->maintainer, "'Name <address>'", err);
	return 0;
}

static int read_sources(const struct reading *r, struct err *err)
{
	struct recipe *recipe = r->recipe;
	const char *mirror = deb822_get(r->stanza, "Mirror");
	const char *packages = deb822_get(r->stanza, "Packages");
	if (require(r, "Suite", &recipe->suite, err) != 0)
		return -1;
	if (!only_has(recipe->suite, LOWER_DIGITS "-"))
		return bad_field(r, "Suite", recipe->suite, "the name of a suite", err);
	if (mirror && (!strstr(mirror, ":/") || strpbrk(mirror, " \t\n[]'\"\\$`")))
		return bad_field(r, "Mirror", mirror, "the URL of an archive", err);
	recipe->mirror = mirror ? xstrdup(mirror) : NULL;
	strv_split(&recipe->packages, packages ? packages : "", " \t\n");
	if (recipe->packages.count > MAX_PACKAGES)
		return err_set(err, ERR_TOO_LARGE, "%s: Packages: more than %d", r->origin,
			       MAX_PACKAGES);
	for (size_t i = 0; i < recipe->packages.count; i++) {
		const char *p = recipe->packages.items[i];
		if (!strchr(LOWER_DIGITS, p[0]) ||
		    !only_has(p, LOWER_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZ+-.:=~"))
			return bad_field(r, "Packages", p, "a package, or package=version", err);
	}
	return 0;
}

static char *in_recipe_dir(const struct reading *r, const char *path)
{
	return path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", r->dir, path);
}

/* Absolute, and with no part that leads elsewhere. */
static bool is_clean_path(const char *path)
{
	_cleanup_strv_ struct strv parts = STRV_INIT;
	strv_split(&parts, path, "/");
	for (size_t i = 0; i < parts.count; i++)
		if (str_eq(parts.items[i], ".") || str_eq(parts.items[i], ".."))
			return false;
	return path[0] == '/' && parts.count > 0;
}

static int parse_mode(const struct reading *r, const char *text, mode_t *mode, struct err *err)
{
	*mode = 0;
	if (!only_has(text, "01234567") || strlen(text) > 5)
		return bad_field(r, "Files", text, "an octal mode", err);
	*mode = (mode_t)strtoul(text, NULL, 8);
	return *mode > 07777 ? bad_field(r, "Files", text, "an octal mode", err) : 0;
}

static int read_file_line(const struct reading *r, const char *line, struct recipe_file *file,
			  struct err *err)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	strv_split(&words, line, " \t");
	if (words.count < 2 || words.count > 3)
		return bad_field(r, "Files", line, "'SOURCE DESTINATION [MODE]'", err);
	if (!is_clean_path(words.items[1]))
		return bad_field(r, "Files", words.items[1], "an absolute path without . and ..",
				 err);
	file->source = in_recipe_dir(r, words.items[0]);
	file->destination = xstrdup(words.items[1]);
	return parse_mode(r, words.count == 3 ? words.items[2] : "644", &file->mode, err);
}

static int read_files(const struct reading *r, struct err *err)
{
	const char *value = deb822_get(r->stanza, "Files");
	_cleanup_strv_ struct strv lines = STRV_INIT;
	strv_split(&lines, value ? value : "", "\n");
	if (lines.count > MAX_FILES)
		return err_set(err, ERR_TOO_LARGE, "%s: Files: more than %d", r->origin, MAX_FILES);
	r->recipe->files = xcalloc(lines.count + 1, sizeof(*r->recipe->files));
	for (size_t i = 0; i < lines.count; i++)
		if (read_file_line(r, lines.items[i], &r->recipe->files[r->recipe->file_count++],
				   err) != 0)
			return -1;
	return 0;
}

static int read_tree(const struct reading *r, struct err *err)
{
	const char *tree = deb822_get(r->stanza, "Tree");
	r->recipe->tree = xstrdup("");
	if (!tree || str_eq(tree, "/"))
		return 0;
	if (!is_clean_path(tree) || strstr(tree, "//") || str_ends(tree, "/"))
		return bad_field(r, "Tree", tree, "an absolute path without . and ..", err);
	free(r->recipe->tree);
	r->recipe->tree = xstrdup(tree + 1);
	return 0;
}

static int read_disk(const struct reading *r, struct err *err)
{
	struct appliance_conf *conf = r->recipe->conf;
	const char *value = NULL;
	if (deb822_require(r->stanza, "Disk", r->origin, &value, err) != 0)
		return -1;
	if (size_parse(value, &conf->disk_bytes, "Disk", err) != 0)
		return err_prefix(err, "%s", r->origin);
	if (conf->disk_bytes < MIN_DISK_BYTES || conf->disk_bytes % BLOCK_BYTES != 0 ||
	    conf->disk_bytes > UINT64_C(1) << 44)
		return bad_field(r, "Disk", value, "a whole number of 4 KiB from 16M to 16T", err);
	return 0;
}

static int read_boot(const struct reading *r, struct err *err)
{
	const char *kernel = deb822_get(r->stanza, "Kernel");
	struct recipe *recipe = r->recipe;
	if (appliance_conf_from_stanza(r->stanza, r->origin, recipe->conf, err) != 0)
		return -1;
	if (recipe->conf->boot == BOOT_DISK)
		return err_set(err, ERR_INPUT, "%s: Boot must be kernel or host-kernel: a built "
			       "disk has no boot loader", r->origin);
	if (!kernel || str_eq(kernel, "as-is"))
		return 0;
	if (recipe->conf->boot != BOOT_KERNEL)
		return err_set(err, ERR_INPUT, "%s: Kernel: %.32s needs Boot: kernel", r->origin,
			       kernel);
	if (!str_eq(kernel, "plain") && !str_eq(kernel, "small"))
		return bad_field(r, "Kernel", kernel, "as-is, plain or small", err);
	recipe->kernel = str_eq(kernel, "plain") ? KERNEL_PLAIN : KERNEL_SMALL;
	return 0;
}

static int read_script(const struct reading *r, struct err *err)
{
	const char *script = deb822_get(r->stanza, "Script");
	if (script && strpbrk(script, "\n"))
		return bad_field(r, "Script", script, "one path", err);
	r->recipe->script = script ? in_recipe_dir(r, script) : NULL;
	return 0;
}

int recipe_parse(const char *text, size_t len, const char *dir, const char *origin,
		 struct recipe **out, struct err *err)
{
	static const char *const known[] = {
		"Name", "Version", "Architecture", "Maintainer", "Description", "Suite",
		"Mirror", "Packages", "Files", "Script", "Tree", "Kernel", "Disk", APPLIANCE_VM_FIELDS, NULL,
	};
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	_cleanup_(recipe_freep) struct recipe *recipe = xcalloc(1, sizeof(*recipe));
	*out = NULL;
	recipe->conf = appliance_conf_new();
	if (deb822_parse(text, len, 1, origin, &doc, err) != 0)
		return -1;
	if (doc->count != 1)
		return err_set(err, ERR_INPUT, "%s: holds no stanza", origin);
	const struct reading r = { &doc->stanzas[0], dir, origin, recipe };
	if (deb822_check_known(r.stanza, known, origin, err) != 0 ||
	    read_identity(&r, err) != 0 || read_sources(&r, err) != 0 ||
	    read_files(&r, err) != 0 || read_script(&r, err) != 0 || read_tree(&r, err) != 0 ||
	    read_disk(&r, err) != 0 || read_boot(&r, err) != 0)
		return -1;
	*out = steal(&recipe);
	return 0;
}

int recipe_read(const char *path, struct recipe **out, struct err *err)
{
	struct stat st;
	bool is_dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	_cleanup_free_ char *file = is_dir ? xasprintf("%s/recipe", path) : xstrdup(path);
	_cleanup_free_ char *copy = xstrdup(file);
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	*out = NULL;
	if (file_read(file, RECIPE_MAX_BYTES, &text, &len, err) != 0)
		return err_prefix(err, "recipe");
	return recipe_parse(text, len, dirname(copy), file, out, err);
}

void recipe_free(struct recipe *recipe)
{
	if (!recipe)
		return;
	free(recipe->maintainer);
	free(recipe->description);
	free(recipe->suite);
	free(recipe->mirror);
	strv_destroy(&recipe->packages);
	for (size_t i = 0; i < recipe->file_count; i++) {
		free(recipe->files[i].source);
		free(recipe->files[i].destination);
	}
	free(recipe->files);
	free(recipe->script);
	free(recipe->tree);
	appliance_conf_freep(&recipe->conf);
	free(recipe);
}
