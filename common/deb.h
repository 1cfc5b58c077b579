/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading a .deb: its control file, its members, the bytes of its data.tar. */
#ifndef WAYBILL_DEB_H
#define WAYBILL_DEB_H

#include <stdint.h>
#include <sys/types.h>

#include "common/deb822.h"
#include "common/err.h"
#include "common/util.h"

struct deb_member {
	char name[17];		/* "data.tar.zst" */
	uint64_t offset;	/* of its content in the file */
	uint64_t size_bytes;
};

struct deb {
	int fd;
	char *path;
	uint64_t size_bytes;
	struct deb_member control;	/* control.tar* */
	struct deb_member data;		/* data.tar* */
	char *control_text;		/* the control file, as in the package */
	struct deb822 *control_fields;	/* one stanza */
	char control_sha256[65];	/* of the control member as it is in the ar */
};

/* Open and read the structure; data.tar is not read.
 * Errors: ERR_NOT_FOUND, ERR_INPUT (no .deb, or a broken one), ERR_TOO_LARGE. */
int deb_open(const char *path, struct deb **out, struct err *err) _must_check_;
void deb_free(struct deb *deb);
DEFINE_FREEP(struct deb, deb_free)

/* A field of the control file, borrowed, or NULL. */
const char *deb_field(const struct deb *deb, const char *name);

/* A file of control.tar ("postinst") of at most max_bytes; ERR_NOT_FOUND. */
int deb_control_file(const struct deb *deb, const char *name, size_t max_bytes,
		     char **text, size_t *len, struct err *err) _must_check_;

/* Called with the pieces of the uncompressed data.tar in order; -1 stops. */
typedef int (*deb_data_fn)(const void *data, size_t len, void *arg, struct err *err);
int deb_data_read(const struct deb *deb, deb_data_fn fn, void *arg, struct err *err) _must_check_;

/* SHA-256 and size of the uncompressed data.tar. */
int deb_data_digest(const struct deb *deb, char sha256[65], uint64_t *size_bytes,
		    struct err *err) _must_check_;

/* Called with the pieces of one file of data.tar; ERR_NOT_FOUND. path as in the
 * archive without its leading "./". */
int deb_data_file(const struct deb *deb, const char *path, deb_data_fn fn, void *arg,
		  struct err *err) _must_check_;

/* Copy one file of data.tar to an open descriptor; as deb_data_file(). */
int deb_data_extract(const struct deb *deb, const char *path, int out_fd,
		     struct err *err) _must_check_;

#endif
