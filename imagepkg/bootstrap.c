/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/bootstrap.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "common/subproc.h"
#include "common/archive-util.h"
#include "common/host-sources.h"

enum {
	MAX_FILE_BYTES = 1 << 30,
	MAX_LOG_BYTES = 64 << 20,
	TIMEOUT_MS = 2 * 3600 * 1000,
};

static int tar_fail(struct archive *a, const char *name, struct err *err)
{
	return err_set(err, ERR_SYSTEM, "cannot write %s: %s", name, archive_error_string(a));
}

static int add_entry(struct archive *a, const char *path, unsigned type, mode_t mode,
		     const char *data, size_t len, struct err *err)
{
	_cleanup_(archive_entry_freep) struct archive_entry *entry = archive_entry_new();
	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, type);
	archive_entry_set_perm(entry, mode);
	archive_entry_set_size(entry, (int64_t)len);
	archive_entry_set_mtime(entry, time_now_reproducible(), 0);
	if (archive_write_header(a, entry) != ARCHIVE_OK ||
	    (len && archive_write_data(a, data, len) != (la_ssize_t)len))
		return tar_fail(a, path, err);
	return 0;
}

/* No entries for directories: tar makes those that are missing, and an entry would
 * change the mode of one that a package has made. */
static int add_file(struct archive *a, const char *source, const char *path, mode_t mode,
		    struct err *err)
{
	_cleanup_free_ char *data = NULL;
	size_t len = 0;
	if (file_read(source, MAX_FILE_BYTES, &data, &len, err) != 0)
		return err_prefix(err, "Files");
	return add_entry(a, path, AE_IFREG, mode, data, len, err);
}

/* mmdebstrap gives the new system the name of the build host. */
static int add_hostname(struct archive *a, const struct recipe *recipe, struct err *err)
{
	_cleanup_free_ char *text = xasprintf("%s\n", recipe->conf->appliance);
	return add_entry(a, "etc/hostname", AE_IFREG, 0644, text, strlen(text), err);
}

/* The recipe's Files and its Script as a tar that is unpacked over the new system. */
static int write_overlay(const struct recipe *recipe, const char *path, struct err *err)
{
	_cleanup_(archive_write_freep) struct archive *a = archive_write_new();
	archive_write_set_format_gnutar(a);
	if (archive_write_open_filename(a, path) != ARCHIVE_OK)
		return tar_fail(a, path, err);
	if (add_hostname(a, recipe, err) != 0)
		return -1;
	for (size_t i = 0; i < recipe->file_count; i++) {
		const struct recipe_file *f = &recipe->files[i];
		if (add_file(a, f->source, f->destination + 1, f->mode, err) != 0)
			return -1;
	}
	if (recipe->script &&
	    add_file(a, recipe->script, BOOTSTRAP_SCRIPT, 0755, err) != 0)
		return -1;
	return archive_write_close(a) == ARCHIVE_OK ? 0 : tar_fail(a, path, err);
}

static void on_line(const char *line, void *arg)
{
	log_debug("%s", line);
}

static int run_mmdebstrap(const struct recipe *recipe, const struct strv *args,
			  struct err *err)
{
	_cleanup_strv_ struct strv env = STRV_INIT;
	strv_addf(&env, "SOURCE_DATE_EPOCH=%lld", (long long)time_now_reproducible());
	strv_addf(&env, "WAYBILL_NAME=%s", recipe->conf->appliance);
	strv_addf(&env, "WAYBILL_VERSION=%s", recipe->conf->version);
	struct subproc spec = { .argv = (const char *const *)args->items,
				.env_add = (const char *const *)env.items,
				.max_output = MAX_LOG_BYTES, .timeout_ms = TIMEOUT_MS };
	spec.quiet = log_get_level() != LOG_LEVEL_DEBUG;
	spec.on_line = spec.quiet ? NULL : on_line;
	return subproc_run(&spec, NULL, err);
}

int bootstrap_run(const struct recipe *recipe, const struct workdir *work, char **tar,
		  struct err *err)
{
	_cleanup_free_ char *out = workdir_file(work, "system.tar");
	_cleanup_free_ char *overlay = workdir_file(work, "files.tar");
	_cleanup_free_ char *packages = strv_join(&recipe->packages, ",");
	_cleanup_strv_ struct strv sources = STRV_INIT;
	_cleanup_strv_ struct strv args = STRV_INIT;
	if (sources_list(recipe->suite, recipe->mirror, &sources, err) != 0 ||
	    write_overlay(recipe, overlay, err) != 0)
		return -1;
	strv_addv(&args, "mmdebstrap", "--variant=apt", "--format=tar", NULL);
	strv_addf(&args, "--architectures=%s", recipe->conf->architecture);
	if (*packages)
		strv_addf(&args, "--include=%s", packages);
	strv_addf(&args, "--customize-hook=tar-in %s /", overlay);
	if (recipe->script)
		strv_add(&args, "--chrooted-customize-hook=/" BOOTSTRAP_SCRIPT);
	strv_addv(&args, recipe->suite, out, NULL);
	for (size_t i = 0; i < sources.count; i++)
		strv_add(&args, sources.items[i]);
	if (run_mmdebstrap(recipe, &args, err) != 0)
		return err_prefix(err, "install %s", recipe->suite);
	*tar = steal(&out);
	return 0;
}
