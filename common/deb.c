/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ar structure is read here, strictly, since a reader that is more generous
 * than dpkg would accept what dpkg does not; tar and compression are libarchive's. */
#include "common/deb.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/hash.h"
#include "common/strbuf.h"

#define AR_MAGIC "!<arch>\n"
#define AR_MAGIC_LEN 8
#define AR_HEADER_LEN 60
#define MAX_MEMBERS 16
#define MAX_CONTROL_BYTES (1024 * 1024)
#define MAX_CONTROL_TAR_BYTES (64 * 1024 * 1024)
#define CHUNK_BYTES (256 * 1024)

/* A range of the .deb that libarchive reads through a callback. */
struct range {
	const struct deb *deb;
	uint64_t offset;
	uint64_t left_bytes;
	char *buf;	/* CHUNK_BYTES */
};

static int pread_full(const struct deb *deb, void *buf, size_t len, uint64_t offset,
		      struct err *err)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = pread(deb->fd, (char *)buf + done, len - done,
				  (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read %s", deb->path);
		if (n == 0)
			return err_set(err, ERR_INPUT, "%s ends early: it is truncated, "
				       "fetch or build it again", deb->path);
		done += (size_t)n;
	}
	return 0;
}

/* A field of an ar header: left-aligned, padded with blanks; only digits. */
static bool ar_number(const char *field, size_t width, uint64_t *out)
{
	uint64_t value = 0;
	size_t i = 0;
	for (; i < width && field[i] >= '0' && field[i] <= '9'; i++)
		value = value * 10 + (uint64_t)(field[i] - '0');
	if (i == 0)
		return false;
	for (; i < width; i++)
		if (field[i] != ' ')
			return false;
	*out = value;
	return true;
}

static void ar_name(const char *field, char name[17])
{
	memcpy(name, field, 16);
	name[16] = '\0';
	for (int i = 15; i >= 0 && name[i] == ' '; i--)
		name[i] = '\0';
	size_t len = strlen(name);
	if (len > 0 && name[len - 1] == '/')
		name[len - 1] = '\0';
}

static int read_member(const struct deb *deb, uint64_t offset, struct deb_member *m,
		       struct err *err)
{
	char header[AR_HEADER_LEN];
	if (pread_full(deb, header, sizeof(header), offset, err) != 0)
		return -1;
	ar_name(header, m->name);
	if (memcmp(header + 58, "`\n", 2) != 0 ||
	    !ar_number(header + 48, 10, &m->size_bytes))
		return err_set(err, ERR_INPUT, "%s: broken ar header at byte %llu",
			       deb->path, (unsigned long long)offset);
	m->offset = offset + AR_HEADER_LEN;
	if (m->size_bytes > deb->size_bytes - m->offset)
		return err_set(err, ERR_INPUT, "%s: member %s reaches beyond the end: the "
			       "file is truncated, fetch or build it again",
			       deb->path, m->name);
	return 0;
}

/* The filter that a member's name stands for; dpkg decides by the name as well. */
static int filter_of(const struct deb *deb, const struct deb_member *m, int *filter,
		     struct err *err)
{
	static const struct { const char *suffix; int filter; } known[] = {
		{ "", ARCHIVE_FILTER_NONE },	{ ".zst", ARCHIVE_FILTER_ZSTD },
		{ ".xz", ARCHIVE_FILTER_XZ },	{ ".gz", ARCHIVE_FILTER_GZIP },
		{ ".bz2", ARCHIVE_FILTER_BZIP2 }, { ".lzma", ARCHIVE_FILTER_LZMA },
	};
	const char *suffix = strstr(m->name, ".tar") + strlen(".tar");
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_eq(suffix, known[i].suffix)) {
			*filter = known[i].filter;
			return 0;
		}
	return err_set(err, ERR_INPUT, "%s: member %s has a compression that is not known",
		       deb->path, m->name);
}

static int classify_member(struct deb *deb, const struct deb_member *m, size_t index,
			   struct err *err)
{
	int unused = 0;
	if (index == 0) {
		char version[4];
		if (!str_eq(m->name, "debian-binary") || m->size_bytes < sizeof(version))
			return err_set(err, ERR_INPUT, "%s is no Debian package: it does not "
				       "begin with debian-binary", deb->path);
		if (pread_full(deb, version, sizeof(version), m->offset, err) != 0)
			return -1;
		if (memcmp(version, "2.", 2) != 0)
			return err_set(err, ERR_INPUT, "%s has a format version that is not "
				       "2.x", deb->path);
		return 0;
	}
	if (m->name[0] == '_')	/* deb(5): to be ignored */
		return 0;
	bool is_control = str_starts(m->name, "control.tar");
	struct deb_member *slot = is_control ? &deb->control : &deb->data;
	if ((!is_control && !str_starts(m->name, "data.tar")) || slot->offset != 0 ||
	    (!is_control && deb->control.offset == 0))
		return err_set(err, ERR_INPUT, "%s: unexpected member '%s'", deb->path, m->name);
	*slot = *m;
	return filter_of(deb, m, &unused, err);
}

static int read_structure(struct deb *deb, struct err *err)
{
	char magic[AR_MAGIC_LEN];
	if (deb->size_bytes < AR_MAGIC_LEN + AR_HEADER_LEN)
		return err_set(err, ERR_INPUT, "%s is no Debian package: it has only %llu bytes",
			       deb->path, (unsigned long long)deb->size_bytes);
	if (pread_full(deb, magic, sizeof(magic), 0, err) != 0)
		return -1;
	if (memcmp(magic, AR_MAGIC, AR_MAGIC_LEN) != 0)
		return err_set(err, ERR_INPUT, "%s is no Debian package: it is no ar archive",
			       deb->path);
	uint64_t offset = AR_MAGIC_LEN;
	for (size_t i = 0; offset < deb->size_bytes; i++) {
		struct deb_member m = { 0 };
		if (i == MAX_MEMBERS)
			return err_set(err, ERR_INPUT, "%s has more than %d members", deb->path,
				       MAX_MEMBERS);
		if (deb->size_bytes - offset < AR_HEADER_LEN)
			return err_set(err, ERR_INPUT, "%s: rubbish after the last member",
				       deb->path);
		if (read_member(deb, offset, &m, err) != 0 ||
		    classify_member(deb, &m, i, err) != 0)
			return -1;
		offset = m.offset + m.size_bytes + (m.size_bytes & 1);
	}
	if (offset > deb->size_bytes)	/* of an odd member's padding */
		return err_set(err, ERR_INPUT, "%s: the last byte is missing: the file is "
			       "truncated, fetch or build it again", deb->path);
	if (deb->control.offset == 0 || deb->data.offset == 0)
		return err_set(err, ERR_INPUT, "%s has no %s.tar: it is truncated or no package",
			       deb->path, deb->control.offset == 0 ? "control" : "data");
	return 0;
}

static la_ssize_t range_read(struct archive *a, void *arg, const void **out)
{
	struct range *r = arg;
	size_t want = r->left_bytes < CHUNK_BYTES ? (size_t)r->left_bytes : CHUNK_BYTES;
	struct err err = ERR_INIT;
	if (pread_full(r->deb, r->buf, want, r->offset, &err) != 0) {
		archive_set_error(a, err.sys_errno ? err.sys_errno : EIO, "%s", err.msg);
		err_clear(&err);
		return ARCHIVE_FATAL;
	}
	r->offset += want;
	r->left_bytes -= want;
	*out = r->buf;
	return (la_ssize_t)want;
}

static int range_close(struct archive *a, void *arg)
{
	struct range *r = arg;
	free(r->buf);
	free(r);
	return ARCHIVE_OK;
}

static void archive_freep(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

static int archive_fail(const struct deb *deb, const struct deb_member *m, struct archive *a,
			struct err *err)
{
	const char *why = archive_error_string(a);
	return err_set(err, ERR_INPUT, "%s: %s is broken: %s", deb->path, m->name,
		       why ? why : "cannot be unpacked");
}

/* Only the filter that the member's name promises, and one format: what is not
 * that is an error, not a guess. raw: the bytes of the tar, not its entries. */
static int member_open(const struct deb *deb, const struct deb_member *m, bool raw,
		       struct archive **out, struct err *err)
{
	int filter = ARCHIVE_FILTER_NONE;
	if (filter_of(deb, m, &filter, err) != 0)
		return -1;
	_cleanup_(archive_freep) struct archive *a = archive_read_new();
	if (filter != ARCHIVE_FILTER_NONE)
		archive_read_support_filter_by_code(a, filter);
	if (raw)
		archive_read_support_format_raw(a);
	else
		archive_read_support_format_tar(a);
	struct range *r = xcalloc(1, sizeof(*r));
	*r = (struct range){ .deb = deb, .offset = m->offset, .left_bytes = m->size_bytes,
			     .buf = xmalloc(CHUNK_BYTES) };
	if (archive_read_open(a, r, NULL, range_read, range_close) != ARCHIVE_OK)
		return archive_fail(deb, m, a, err);
	if (archive_filter_code(a, 0) != filter)
		return err_set(err, ERR_INPUT, "%s: %s is not compressed as its name says",
			       deb->path, m->name);
	*out = steal(&a);
	return 0;
}

/* "./usr/x" and "usr/x" are the same file to dpkg. */
static const char *entry_path(struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);
	if (!path)
		return "";
	return str_starts(path, "./") ? path + 2 : path;
}

/* Position `a` at the regular file `path`; ERR_NOT_FOUND if there is none. */
static int find_entry(const struct deb *deb, const struct deb_member *m, struct archive *a,
		      const char *path, struct archive_entry **entry, struct err *err)
{
	int rc;
	while ((rc = archive_read_next_header(a, entry)) == ARCHIVE_OK) {
		if (archive_read_header_position(a) > MAX_CONTROL_TAR_BYTES && m == &deb->control)
			return err_set(err, ERR_TOO_LARGE, "%s: %s unpacks to more than %d bytes",
				       deb->path, m->name, MAX_CONTROL_TAR_BYTES);
		if (archive_entry_filetype(*entry) == AE_IFREG && str_eq(entry_path(*entry), path))
			return 0;
	}
	if (rc != ARCHIVE_EOF)
		return archive_fail(deb, m, a, err);
	return err_set(err, ERR_NOT_FOUND, "%s: there is no file '%s' in %s", deb->path, path,
		       m->name);
}

int deb_control_file(const struct deb *deb, const char *name, size_t max_bytes, char **text,
		     size_t *len, struct err *err)
{
	_cleanup_(archive_freep) struct archive *a = NULL;
	struct archive_entry *entry = NULL;
	*text = NULL;
	if (member_open(deb, &deb->control, false, &a, err) != 0 ||
	    find_entry(deb, &deb->control, a, name, &entry, err) != 0)
		return -1;
	int64_t size = archive_entry_size(entry);
	if (size < 0 || (uint64_t)size > max_bytes)
		return err_set(err, ERR_TOO_LARGE, "%s: control file '%s' has %lld bytes, at "
			       "most %zu are allowed", deb->path, name, (long long)size, max_bytes);
	_cleanup_free_ char *buf = xmalloc((size_t)size + 1);
	size_t done = 0;
	while (done < (size_t)size) {
		la_ssize_t n = archive_read_data(a, buf + done, (size_t)size - done);
		if (n <= 0)
			return archive_fail(deb, &deb->control, a, err);
		done += (size_t)n;
	}
	buf[size] = '\0';
	*text = steal(&buf);
	*len = (size_t)size;
	return 0;
}

/* Read blocks until the end and hand them to fn. */
static int read_blocks(const struct deb *deb, struct archive *a, deb_data_fn fn, void *arg,
		       struct err *err)
{
	int64_t expected = 0;
	for (;;) {
		const void *block = NULL;
		size_t len = 0;
		int64_t offset = 0;
		int rc = archive_read_data_block(a, &block, &len, &offset);
		if (rc == ARCHIVE_EOF)
			return 0;
		if (rc != ARCHIVE_OK)
			return archive_fail(deb, &deb->data, a, err);
		if (offset != expected)	/* a sparse entry, which dpkg refuses */
			return err_set(err, ERR_INPUT, "%s: %s holds a sparse file", deb->path,
				       deb->data.name);
		if (len > 0 && fn(block, len, arg, err) != 0)
			return -1;
		expected += (int64_t)len;
	}
}

int deb_data_read(const struct deb *deb, deb_data_fn fn, void *arg, struct err *err)
{
	_cleanup_(archive_freep) struct archive *a = NULL;
	struct archive_entry *entry = NULL;
	if (member_open(deb, &deb->data, true, &a, err) != 0)
		return -1;
	if (archive_read_next_header(a, &entry) != ARCHIVE_OK)
		return archive_fail(deb, &deb->data, a, err);
	return read_blocks(deb, a, fn, arg, err);
}

struct digest {
	struct sha256 hash;
	uint64_t size_bytes;
};

static int digest_add(const void *data, size_t len, void *arg, struct err *err)
{
	struct digest *d = arg;
	sha256_add(&d->hash, data, len);
	d->size_bytes += len;
	return 0;
}

int deb_data_digest(const struct deb *deb, char sha256[65], uint64_t *size_bytes,
		    struct err *err)
{
	struct digest d = { .size_bytes = 0 };
	sha256_start(&d.hash);
	if (deb_data_read(deb, digest_add, &d, err) != 0)
		return -1;
	sha256_finish(&d.hash, sha256);
	*size_bytes = d.size_bytes;
	return 0;
}

static int write_block(const void *data, size_t len, void *arg, struct err *err)
{
	return write_all(*(int *)arg, data, len, err);
}

int deb_data_file(const struct deb *deb, const char *path, deb_data_fn fn, void *arg,
		  struct err *err)
{
	_cleanup_(archive_freep) struct archive *a = NULL;
	struct archive_entry *entry = NULL;
	if (member_open(deb, &deb->data, false, &a, err) != 0 ||
	    find_entry(deb, &deb->data, a, path, &entry, err) != 0)
		return -1;
	return read_blocks(deb, a, fn, arg, err);
}

int deb_data_extract(const struct deb *deb, const char *path, int out_fd, struct err *err)
{
	return deb_data_file(deb, path, write_block, &out_fd, err);
}

static int hash_control(struct deb *deb, struct err *err)
{
	_cleanup_free_ char *buf = xmalloc(CHUNK_BYTES);
	struct sha256 hash;
	sha256_start(&hash);
	for (uint64_t done = 0; done < deb->control.size_bytes;) {
		uint64_t left = deb->control.size_bytes - done;
		size_t len = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
		if (pread_full(deb, buf, len, deb->control.offset + done, err) != 0)
			return -1;
		sha256_add(&hash, buf, len);
		done += len;
	}
	sha256_finish(&hash, deb->control_sha256);
	return 0;
}

static int open_regular(struct deb *deb, struct err *err)
{
	struct stat st;
	deb->fd = open(deb->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (deb->fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "there is no file %s", deb->path);
	if (deb->fd < 0 || fstat(deb->fd, &st) != 0)
		return err_sys(err, "cannot open %s", deb->path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INPUT, "%s is no regular file", deb->path);
	deb->size_bytes = (uint64_t)st.st_size;
	return 0;
}

int deb_open(const char *path, struct deb **out, struct err *err)
{
	_cleanup_(deb_freep) struct deb *deb = xcalloc(1, sizeof(*deb));
	size_t len = 0;
	*out = NULL;
	deb->fd = -1;
	deb->path = xstrdup(path);
	if (open_regular(deb, err) != 0 || read_structure(deb, err) != 0 ||
	    hash_control(deb, err) != 0)
		return -1;
	if (deb_control_file(deb, "control", MAX_CONTROL_BYTES, &deb->control_text, &len, err) != 0)
		return -1;
	if (deb822_parse(deb->control_text, len, 1, "control", &deb->control_fields, err) != 0)
		return err_prefix(err, "%s", path);
	if (deb->control_fields->count != 1)
		return err_set(err, ERR_INPUT, "%s: its control file is empty", path);
	*out = steal(&deb);
	return 0;
}

void deb_free(struct deb *deb)
{
	if (!deb)
		return;
	if (deb->fd >= 0)
		close(deb->fd);
	free(deb->path);
	free(deb->control_text);
	deb822_freep(&deb->control_fields);
	free(deb);
}

const char *deb_field(const struct deb *deb, const char *name)
{
	return deb822_get(&deb->control_fields->stanzas[0], name);
}
