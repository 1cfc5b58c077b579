/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A tar archive as dpkg takes it (GNU tar, no sparse, no pax entries), compressed
 * with zstd on all cores into an unnamed temporary file, hashed on the way. */
#ifndef WAYBILL_TAR_SPOOL_H
#define WAYBILL_TAR_SPOOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/hash.h"
#include "common/progress.h"
#include "common/strbuf.h"
#include "common/util.h"

/* The size field of an ar header has ten decimal digits. */
#define AR_MEMBER_MAX_BYTES UINT64_C(9999999999)

struct tar_spool;

struct tar_spool_result {
	int fd;		/* the compressed tar, owned by the spool, at offset 0 */
	uint64_t compressed_bytes;
	uint64_t tar_bytes;	/* before compression */
	char tar_sha256[SHA256_HEX_LEN + 1];
};

/* Start an archive whose spool file lies in `tmp_dir`; all entries get `mtime`.
 * expected_bytes decides how hard zstd tries: a small package costs little anyway. */
int tar_spool_new(const char *tmp_dir, int64_t mtime, uint64_t expected_bytes,
		  struct tar_spool **out, struct err *err) _must_check_;
void tar_spool_free(struct tar_spool *spool);
DEFINE_FREEP(struct tar_spool, tar_spool_free)

/* Add an entry. path as dpkg shows it, without "./" ("usr/share/doc"); parents must
 * have been added before. The line of md5sums is appended to `md5sums` if not NULL. */
int tar_spool_add_dir(struct tar_spool *spool, const char *path, struct err *err) _must_check_;
int tar_spool_add_text(struct tar_spool *spool, const char *path, mode_t mode,
		       const void *data, size_t len, struct strbuf *md5sums,
		       struct err *err) _must_check_;
int tar_spool_add_file(struct tar_spool *spool, const char *path, const char *source,
		       struct progress *progress, struct strbuf *md5sums,
		       struct err *err) _must_check_;

/* End the archive. Nothing can be added afterwards. ERR_TOO_LARGE if the result is
 * larger than an ar member can be. */
int tar_spool_finish(struct tar_spool *spool, struct tar_spool_result *result,
		     struct err *err) _must_check_;

#endif
