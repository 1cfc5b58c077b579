/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/package.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/deb822.h"
#include "common/progress.h"
#include "common/strbuf.h"
#include "imagepkg/deb-write.h"
#include "imagepkg/maintscript.h"
#include "imagepkg/package-doc.h"
#include "imagepkg/tar-spool.h"

/* What the steps of one package share. */
struct job {
	const struct package *package;
	const char *name;
	int64_t mtime;
	uint64_t installed_bytes;
	struct strbuf md5sums;
	struct progress *progress;
	struct tar_spool *data;
	struct tar_spool *control;
};

static void job_destroy(struct job *job)
{
	strbuf_destroy(&job->md5sums);
	progress_freep(&job->progress);
	tar_spool_free(job->data);
	tar_spool_free(job->control);
}

/* A directory and those above it that are not in the archive yet. */
static int add_dirs(struct job *job, const char *path, const char *done, struct err *err)
{
	for (const char *end = path; end; ) {
		end = strchr(end + 1, '/');
		_cleanup_free_ char *dir = end ? xstrndup(path, (size_t)(end - path))
					       : xstrdup(path);
		size_t len = strlen(dir);
		if (strncmp(done, dir, len) == 0 && (done[len] == '/' || done[len] == '\0'))
			continue;
		if (tar_spool_add_dir(job->data, dir, err) != 0)
			return -1;
	}
	return 0;
}

static int add_image_file(struct job *job, const char *file, const char *source,
			  struct err *err)
{
	struct stat st;
	if (!source)
		return 0;
	if (stat(source, &st) != 0)
		return err_sys(err, "cannot open %s", source);
	job->installed_bytes += (uint64_t)st.st_size;
	_cleanup_free_ char *path = xasprintf(APPLIANCES_DIR "/%s/%s", job->name, file);
	return tar_spool_add_file(job->data, path, source, job->progress, &job->md5sums, err);
}

static int add_text(struct job *job, const char *path, const struct strbuf *text,
		    struct err *err)
{
	job->installed_bytes += text->len;
	return tar_spool_add_text(job->data, path, 0644, text->data, text->len, &job->md5sums,
				  err);
}

/* The small appliance.conf comes first: readers need not unpack the disk for it. */
static int add_appliance(struct job *job, struct err *err)
{
	const struct package *p = job->package;
	_cleanup_strbuf_ struct strbuf conf = STRBUF_INIT;
	_cleanup_free_ char *dir = xasprintf(APPLIANCES_DIR "/%s", job->name);
	_cleanup_free_ char *conf_path = xasprintf("%s/" CONF_FILE, dir);
	appliance_conf_format(p->conf, &conf);
	if (tar_spool_add_dir(job->data, "", err) != 0 || add_dirs(job, dir, "", err) != 0 ||
	    add_text(job, conf_path, &conf, err) != 0 ||
	    add_image_file(job, KERNEL_FILE, p->kernel_path, err) != 0 ||
	    add_image_file(job, INITRD_FILE, p->initrd_path, err) != 0)
		return -1;
	return add_image_file(job, BASE_FILE, p->disk_path, err);
}

static int add_docs(struct job *job, struct err *err)
{
	const struct package *p = job->package;
	_cleanup_strbuf_ struct strbuf copyright = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf changelog = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf overrides = STRBUF_INIT;
	_cleanup_free_ char *dir = xasprintf("usr/share/doc/%s", job->name);
	_cleanup_free_ char *copyright_path = xasprintf("%s/copyright", dir);
	_cleanup_free_ char *changelog_path =
		xasprintf("%s/%s", dir, package_changelog_name(p->conf->version));
	_cleanup_free_ char *overrides_path =
		xasprintf("usr/share/lintian/overrides/%s", job->name);
	package_copyright(job->name, &copyright);
	package_lintian_overrides(p, &overrides);
	if (package_changelog_gz(p, job->mtime, &changelog, err) != 0 ||
	    add_dirs(job, dir, "", err) != 0 ||
	    add_text(job, changelog_path, &changelog, err) != 0 ||
	    add_text(job, copyright_path, &copyright, err) != 0 ||
	    add_dirs(job, "usr/share/lintian/overrides", dir, err) != 0)
		return -1;
	return add_text(job, overrides_path, &overrides, err);
}

static void format_control(const struct job *job, const struct tar_spool_result *data,
			   struct strbuf *out)
{
	const struct package *p = job->package;
	_cleanup_free_ char *kib =
		xasprintf("%llu", (unsigned long long)((job->installed_bytes + 1023) / 1024));
	_cleanup_free_ char *data_bytes =
		xasprintf("%llu", (unsigned long long)data->tar_bytes);
	_cleanup_strbuf_ struct strbuf description = STRBUF_INIT;
	package_description(p, &description);
	const struct { const char *name, *value; } fields[] = {
		{ "Package", job->name },
		{ "Version", p->conf->version },
		{ "Architecture", p->conf->architecture },
		{ "Maintainer", p->maintainer },
		{ "Installed-Size", kib },
		{ "Pre-Depends", "waybill-site" },
		{ "Section", "admin" },
		{ "Priority", "optional" },
		{ "Image-Format", "1" },
		{ "Image-Base-SHA256", p->conf->base_sha256 },
		{ "Image-Data-SHA256", data->tar_sha256 },
		{ "Image-Data-Size", data_bytes },
		{ "Description", description.data },
	};
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		deb822_write(out, fields[i].name, fields[i].value);
}

static int add_maintscripts(struct job *job, struct err *err)
{
	for (size_t i = 0; i < MAINTSCRIPT_COUNT; i++) {
		_cleanup_free_ char *text = NULL;
		size_t len = 0;
		if (maintscript_read(maintscript_names[i], &text, &len, err) != 0 ||
		    tar_spool_add_text(job->control, maintscript_names[i], 0755, text, len,
				       NULL, err) != 0)
			return -1;
	}
	return 0;
}

static int add_control(struct job *job, const struct tar_spool_result *data, struct err *err)
{
	_cleanup_strbuf_ struct strbuf control = STRBUF_INIT;
	format_control(job, data, &control);
	if (tar_spool_add_dir(job->control, "", err) != 0 ||
	    tar_spool_add_text(job->control, "control", 0644, control.data, control.len, NULL,
			       err) != 0 ||
	    tar_spool_add_text(job->control, "md5sums", 0644, job->md5sums.data,
			       job->md5sums.len, NULL, err) != 0)
		return -1;
	return add_maintscripts(job, err);
}

int output_dir_check(const char *dir, struct err *err)
{
	struct stat st;
	if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(err, ERR_USAGE, "the output directory %s does not exist", dir);
	if (access(dir, W_OK) != 0)
		return err_set(err, ERR_USAGE, "the output directory %s cannot be written", dir);
	return 0;
}

/* The epoch of a version is no part of a file name (Debian's convention). */
static char *deb_path(const struct package *p)
{
	const char *colon = strchr(p->conf->version, ':');
	return xasprintf("%s/%s_%s_%s.deb", p->out_dir, p->conf->appliance,
			 colon ? colon + 1 : p->conf->version, p->conf->architecture);
}

/* Of all large files together; one that is missing is noticed when it is packed. */
static uint64_t image_bytes(const struct package *p)
{
	const char *const paths[] = { p->disk_path, p->kernel_path, p->initrd_path };
	uint64_t total = 0;
	struct stat st;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (paths[i] && stat(paths[i], &st) == 0)
			total += (uint64_t)st.st_size;
	return total;
}

int package_write(const struct package *package, char **path, struct err *err)
{
	_cleanup_(job_destroy) struct job job = { .package = package,
						  .name = package->conf->appliance,
						  .mtime = time_now_reproducible(),
						  .md5sums = STRBUF_INIT };
	struct tar_spool_result data, control;
	_cleanup_free_ char *out = deb_path(package);
	job.progress = progress_new("packing", image_bytes(package));
	if (tar_spool_new(package->tmp_dir, job.mtime, image_bytes(package), &job.data, err) != 0 ||
	    add_appliance(&job, err) != 0 || add_docs(&job, err) != 0 ||
	    tar_spool_finish(job.data, &data, err) != 0)
		return err_prefix(err, "package %s", job.name);
	if (tar_spool_new(package->tmp_dir, job.mtime, 0, &job.control, err) != 0 ||
	    add_control(&job, &data, err) != 0 ||
	    tar_spool_finish(job.control, &control, err) != 0)
		return err_prefix(err, "package %s", job.name);
	if (deb_write(out, &control, &data, job.mtime, err) != 0)
		return -1;
	*path = steal(&out);
	return 0;
}
