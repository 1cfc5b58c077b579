/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The suites that a Debian release is installed from, as a private apt has verified them: the
 * release, its updates, its security updates. */
#ifndef WAYBILL_SUITES_H
#define WAYBILL_SUITES_H

#include "common/err.h"
#include "common/strbuf.h"
#include "preseed/apt-root.h"
#include "preseed/remote-files.h"

enum { SUITE_RELEASE, SUITE_UPDATES, SUITE_SECURITY, SUITES };

struct suites {
	struct suite {
		char *name;		/* "trixie-security" */
		char *uri;		/* of its archive, with a slash at the end */
		const char *place;	/* of that archive on the stick: "debian-security" */
		char *inrelease;	/* as it was signed */
		size_t inrelease_len;
		struct strbuf release;	/* what is inside the signature: the file Release */
	} suite[SUITES];
	char *udebs_path;		/* apt's index of the release's udebs */
};

/* Read what apt has after an update. lines: where it got them, "deb URI SUITE main".
 * Errors: ERR_NOT_FOUND (it has not all three). */
int suites_read(const struct apt_root *apt, const struct strv *lines, struct suites *out,
		struct err *err) _must_check_;
void suites_destroy(struct suites *suites);

/* Fill suite->release with what is between the headers and the signature of its inrelease; apt
 * has verified that, so only the frame is taken off. Errors: ERR_INPUT. */
int suite_take_release(struct suite *suite, struct err *err) _must_check_;

/* Add the indexes that debootstrap, the installer and apt read, at the hashes that are signed.
 * Errors: ERR_INPUT (a suite without an index of main). */
int suites_add_indexes(const struct suites *suites, struct remote_files *files,
		       struct err *err) _must_check_;

/* Add those of `found` (of apt-get --print-uris) that come from one of the suites, under the
 * names that they have there: "debian/pool/main/...". */
int suites_add_packages(const struct suites *suites, const struct remote_files *found,
			struct remote_files *files, struct err *err) _must_check_;

/* Write InRelease of each below `tree`; of the release, which the installer itself reads, also
 * Release, under the name of its suite too ("stable"), and Release.gpg. That one is fetched, into
 * the directory `cache`, and is right for this Release. Errors: ERR_SIGNATURE, ERR_PROGRAM. */
int suites_write_releases(const struct suites *suites, const struct apt_root *apt,
			  const char *cache, const char *tree, struct err *err) _must_check_;

/* "Fri, 27 Nov 2026 00:12:42 UTC": when apt will call the security updates too old; to be
 * freed, or NULL. */
char *suites_fresh_until(const struct suites *suites);

#endif
