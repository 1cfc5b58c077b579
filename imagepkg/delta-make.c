/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/delta-make.h"

#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include "common/atomic-file.h"
#include "imagepkg/delta-pack.h"
#include "imagepkg/delta-plan.h"

enum { META_LEVEL = 19 };

struct maker {
	struct image_deb *old, *new;
	struct delta_tar old_tar, new_tar;
	struct delta_basis basis;
	int extra_fd;		/* what the pairs make */
	struct delta_plan *plan;
	struct delta_meta *meta;
	struct delta_payload payload;
};

static void maker_destroy(struct maker *m)
{
	image_deb_freep(&m->old);
	image_deb_freep(&m->new);
	delta_tar_close(&m->old_tar);
	delta_tar_close(&m->new_tar);
	closep(&m->extra_fd);
	delta_plan_freep(&m->plan);
	delta_meta_freep(&m->meta);
	delta_payload_close(&m->payload);
}

/* --- the two packages ------------------------------------------------------------------------ */

static int open_both(const char *old_deb, const char *new_deb, struct image_deb **old,
		     struct image_deb **new, struct err *err)
{
	if (image_deb_open(old_deb, old, err) != 0 || image_deb_open(new_deb, new, err) != 0)
		return -1;
	const struct deb *a = (*old)->deb, *b = (*new)->deb;
	if (!str_same(deb_field(a, "Package"), deb_field(b, "Package")) ||
	    !str_same(deb_field(a, "Architecture"), deb_field(b, "Architecture")))
		return err_set(err, ERR_USAGE, "%s and %s are not versions of one package", old_deb,
			       new_deb);
	if (!deb_field(a, "Version") || !deb_field(b, "Version") ||
	    str_same(deb_field(a, "Version"), deb_field(b, "Version")))
		return err_set(err, ERR_USAGE, "%s and %s are of the same version", old_deb, new_deb);
	return 0;
}

static const char *without_epoch(const char *version)
{
	const char *colon = strchr(version, ':');
	return colon ? colon + 1 : version;
}

int delta_file_name(const char *old_deb, const char *new_deb, char **name, struct err *err)
{
	_cleanup_(image_deb_freep) struct image_deb *old = NULL;
	_cleanup_(image_deb_freep) struct image_deb *new = NULL;
	if (open_both(old_deb, new_deb, &old, &new, err) != 0)
		return -1;
	*name = xasprintf("%s_%s_%s_%s.delta", deb_field(new->deb, "Package"),
			  without_epoch(deb_field(old->deb, "Version")),
			  without_epoch(deb_field(new->deb, "Version")),
			  deb_field(new->deb, "Architecture"));
	return 0;
}

static int unpack(struct maker *m, const char *tmp_dir, struct err *err)
{
	uint64_t bytes = 0, total = 0;
	struct image_deb *const images[] = { m->old, m->new };
	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		const char *size = deb_field(images[i]->deb, "Image-Data-Size");
		if (size && number_parse(size, 0, UINT64_C(1) << 50, &bytes, "Image-Data-Size",
					 err) != 0)
			return -1;
		total += bytes;
	}
	_cleanup_(progress_freep) struct progress *progress = progress_new("unpacking", total);
	if (delta_tar_open(m->old, tmp_dir, progress, &m->old_tar, err) != 0)
		return -1;
	return delta_tar_open(m->new, tmp_dir, progress, &m->new_tar, err);
}

/* --- the basis ----------------------------------------------------------------------------------- */

static int hash_part(const struct delta_part *part, char sha256[SHA256_HEX_LEN + 1], struct err *err)
{
	enum { CHUNK = 1 << 18 };
	_cleanup_free_ char *buf = xmalloc(CHUNK);
	struct sha256 hash;
	sha256_start(&hash);
	for (uint64_t at = 0; at < part->bytes;) {
		size_t n = part->bytes - at < CHUNK ? (size_t)(part->bytes - at) : CHUNK;
		if (delta_pread(part->fd, buf, n, part->fd_offset + at, err) != 0)
			return -1;
		sha256_add(&hash, buf, n);
		at += n;
	}
	sha256_finish(&hash, sha256);
	return 0;
}

static int make_basis(struct maker *m, struct err *err)
{
	for (size_t i = 0; i < DELTA_TAR_FILES; i++) {
		struct delta_basis_file *file = &m->meta->basis[m->meta->basis_count];
		if (m->old_tar.files[i].bytes == 0)
			continue;
		delta_basis_add(&m->basis, m->old_tar.fd, m->old_tar.files[i].offset,
				m->old_tar.files[i].bytes);
		if (hash_part(&m->basis.parts[m->basis.count - 1], file->sha256, err) != 0)
			return -1;
		file->name = xstrdup(delta_tar_names[i]);
		file->bytes = m->old_tar.files[i].bytes;
		m->meta->basis_count++;
	}
	return 0;
}

static void fill_meta(struct maker *m)
{
	const struct deb *deb = m->new->deb;
	struct delta_meta *meta = xcalloc(1, sizeof(*meta));
	meta->package = xstrdup(deb_field(deb, "Package"));
	meta->architecture = xstrdup(deb_field(deb, "Architecture"));
	meta->old_version = xstrdup(deb_field(m->old->deb, "Version"));
	meta->new_version = xstrdup(deb_field(deb, "Version"));
	meta->control_name = xstrdup(deb->control.name);
	meta->control_bytes = deb->control.size_bytes;
	memcpy(meta->control_sha256, deb->control_sha256, sizeof(meta->control_sha256));
	memcpy(meta->data_sha256, m->new_tar.sha256, sizeof(meta->data_sha256));
	meta->data_bytes = m->new_tar.bytes;
	m->meta = meta;
}

/* --- the container ------------------------------------------------------------------------------------ */

struct ar {
	int fd;
	uint64_t bytes;
};

static int write_bytes(struct ar *ar, const void *data, size_t len, struct err *err)
{
	ar->bytes += len;
	return write_all(ar->fd, data, len, err);
}

static int begin_member(struct ar *ar, const char *name, uint64_t bytes, struct err *err)
{
	char header[DELTA_AR_HEADER_BYTES + 1];
	if (bytes > DELTA_AR_MEMBER_MAX)
		return err_set(err, ERR_TOO_LARGE, "a member of the delta is too large");
	delta_ar_header(header, name, bytes);
	return write_bytes(ar, header, DELTA_AR_HEADER_BYTES, err);
}

static int copy_member(struct ar *ar, const char *name, int fd, uint64_t at, uint64_t bytes,
		       struct err *err)
{
	if (begin_member(ar, name, bytes, err) != 0 || delta_copy(fd, at, bytes, ar->fd, err) != 0)
		return -1;
	ar->bytes += bytes;
	return bytes & 1 ? write_bytes(ar, "\n", 1, err) : 0;
}

static int write_meta(struct ar *ar, const struct delta_meta *meta, struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	delta_meta_format(meta, &text);
	size_t bound = ZSTD_compressBound(text.len);
	_cleanup_free_ char *packed = xmalloc(bound);
	size_t len = ZSTD_compress(packed, bound, text.data, text.len, META_LEVEL);
	if (ZSTD_isError(len) || text.len > DELTA_MAX_META_BYTES || len > DELTA_MAX_META_PACKED)
		return err_set(err, ERR_TOO_LARGE, "the delta's table of contents is too large");
	if (begin_member(ar, DELTA_META_MEMBER, len, err) != 0 ||
	    write_bytes(ar, packed, len, err) != 0)
		return -1;
	return len & 1 ? write_bytes(ar, "\n", 1, err) : 0;
}

static int write_delta(const struct maker *m, const char *path, struct delta_made *made,
		       struct err *err)
{
	const struct delta_meta *meta = m->meta;
	const struct deb *deb = m->new->deb;
	_cleanup_(atomic_file_freep) struct atomic_file *file = NULL;
	if (atomic_file_open(path, 0644, &file, err) != 0)
		return -1;
	struct ar ar = { file->fd, 0 };
	if (write_bytes(&ar, DELTA_AR_MAGIC, strlen(DELTA_AR_MAGIC), err) != 0 ||
	    write_meta(&ar, meta, err) != 0 ||
	    copy_member(&ar, meta->control_name, deb->fd, deb->control.offset,
			meta->control_bytes, err) != 0)
		return -1;
	for (size_t i = 0; i < meta->member_count; i++) {
		const struct delta_member *member = &meta->members[i];
		bool pair = member->method == DELTA_PAIR;
		made->pairs += pair;
		*(pair ? &made->pair_bytes : &made->rdiff_bytes) += member->packed_bytes;
		if (copy_member(&ar, member->name, m->payload.fd, m->payload.offsets[i],
				member->packed_bytes, err) != 0)
			return -1;
	}
	made->bytes = ar.bytes;
	made->full_bytes = deb->size_bytes;
	if (made->bytes >= made->full_bytes)
		return err_set(err, ERR_TOO_LARGE, "the delta has %llu bytes and the package %llu: "
			       "there is no use for it", (unsigned long long)made->bytes,
			       (unsigned long long)made->full_bytes);
	return atomic_file_commit(file, err);
}

int delta_make(const char *old_deb, const char *new_deb, const char *path, const char *tmp_dir,
	       struct delta_made *made, struct err *err)
{
	_cleanup_(maker_destroy) struct maker m = { .old_tar = DELTA_TAR_INIT,
						    .new_tar = DELTA_TAR_INIT, .extra_fd = -1,
						    .payload = DELTA_PAYLOAD_INIT };
	*made = (struct delta_made){ .bytes = 0 };
	if (open_both(old_deb, new_deb, &m.old, &m.new, err) != 0 || unpack(&m, tmp_dir, err) != 0)
		return -1;
	fill_meta(&m);
	if (make_basis(&m, err) != 0 ||
	    delta_plan_make(&m.old_tar, &m.new_tar, &m.basis, &m.plan, err) != 0)
		return -1;
	m.extra_fd = open(tmp_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (m.extra_fd < 0)
		return err_sys(err, "cannot make a temporary file in %s", tmp_dir);
	delta_basis_add(&m.basis, m.extra_fd, 0, 0);
	if (delta_payload_open(&m.payload, tmp_dir, err) != 0 ||
	    delta_pack_pairs(m.plan, &m.new_tar, &m.basis, m.meta, &m.payload, err) != 0 ||
	    delta_pack_rdiff(&m.new_tar, &m.basis, m.meta, &m.payload, err) != 0)
		return -1;
	return write_delta(&m, path, made, err);
}
