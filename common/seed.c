/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/seed.h"

#include <archive.h>
#include <archive_entry.h>
#include <json-c/json.h>
#include <time.h>

#include "common/atomic-file.h"

void seed_format_params(const struct settings *settings, struct strbuf *out)
{
	for (size_t i = 0; i < settings->param_count; i++) {
		strbuf_addf(out, "%s='", settings->params[i].name);
		for (const char *p = settings->params[i].value; *p; p++) {
			if (*p == '\'')
				strbuf_adds(out, "'\\''");
			else
				strbuf_addc(out, *p);
		}
		strbuf_adds(out, "'\n");
	}
}

/* JSON is YAML, and its writer escapes what a value may hold. */
void seed_format_user_data(const struct settings *settings, struct strbuf *out)
{
	_cleanup_strbuf_ struct strbuf params = STRBUF_INIT;
	seed_format_params(settings, &params);
	struct json_object *file = json_object_new_object();
	json_object_object_add(file, "path",
			       json_object_new_string("/etc/waybill/params"));
	json_object_object_add(file, "permissions", json_object_new_string("0600"));
	json_object_object_add(file, "content",
			       json_object_new_string(params.data ? params.data : ""));
	struct json_object *files = json_object_new_array();
	json_object_array_add(files, file);
	struct json_object *doc = json_object_new_object();
	json_object_object_add(doc, "write_files", files);
	strbuf_addf(out, "#cloud-config\n%s\n",
		    json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY));
	json_object_put(doc);
}

/* cloud-init takes another instance-id for another machine: a new version, other params.
 */
static void format_meta_data(const char *name, const struct settings *settings,
			     struct strbuf *out)
{
	strbuf_addf(out, "instance-id: %s-%.12s\nlocal-hostname: %s\n", name,
		    settings->digest, name);
}

static int archive_fail(struct archive *a, const char *path, struct err *err)
{
	return err_set(err, ERR_SYSTEM, "write %s: %s", path, archive_error_string(a));
}

static int add_file(struct archive *a, const char *name, const struct strbuf *content,
		    const char *path, struct err *err)
{
	struct archive_entry *entry = archive_entry_new();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_size(entry, (la_int64_t)content->len);
	archive_entry_set_mtime(entry, time(NULL), 0);
	int code = archive_write_header(a, entry);
	archive_entry_free(entry);
	if (code != ARCHIVE_OK)
		return archive_fail(a, path, err);
	if (content->len && archive_write_data(a, content->data, content->len) !=
				    (la_ssize_t)content->len)
		return archive_fail(a, path, err);
	return 0;
}

static int add_all(struct archive *a, const char *path, const char *name,
		   const struct settings *settings, struct err *err)
{
	_cleanup_strbuf_ struct strbuf meta = STRBUF_INIT, user = STRBUF_INIT,
				       params = STRBUF_INIT;
	format_meta_data(name, settings, &meta);
	seed_format_user_data(settings, &user);
	seed_format_params(settings, &params);
	if (add_file(a, "meta-data", &meta, path, err) < 0 ||
	    add_file(a, "user-data", &user, path, err) < 0)
		return -1;
	return add_file(a, "params", &params, path, err);
}

static int write_image(struct archive *a, int fd, const char *path, const char *name,
		       const struct settings *settings, struct err *err)
{
	if (archive_write_set_format_iso9660(a) != ARCHIVE_OK ||
	    archive_write_set_options(a, "volume-id=cidata,rockridge=strict,joliet") !=
		    ARCHIVE_OK ||
	    archive_write_open_fd(a, fd) != ARCHIVE_OK)
		return archive_fail(a, path, err);
	if (add_all(a, path, name, settings, err) < 0)
		return -1;
	return archive_write_close(a) == ARCHIVE_OK ? 0 : archive_fail(a, path, err);
}

int seed_write(const char *path, const char *name, const struct settings *settings,
	       struct err *err)
{
	_cleanup_(atomic_file_freep) struct atomic_file *file = NULL;
	if (atomic_file_open(path, 0600, &file, err) < 0)
		return -1;
	struct archive *a = archive_write_new();
	int result = write_image(a, file->fd, path, name, settings, err);
	archive_write_free(a);
	return result < 0 ? -1 : atomic_file_commit(file, err);
}
