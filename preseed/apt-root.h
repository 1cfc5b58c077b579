/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A private apt: packages of another Debian release, from this machine's mirror, verified
 * with Debian's own keys, without touching this machine's apt. */
#ifndef WAYBILL_APT_ROOT_H
#define WAYBILL_APT_ROOT_H

#include "common/err.h"
#include "common/strbuf.h"
#include "common/strv.h"
#include "common/util.h"

#define APT_HELPER "/usr/lib/apt/apt-helper"
#define DEBIAN_KEYRING "/usr/share/keyrings/debian-archive-keyring.gpg"

struct apt_root {
	char *dir;	/* its lists, and the packages that it has fetched */
	char *config;	/* apt.conf */
	int lock;
};

/* Open the one below `cache` (made if missing; one user at a time, the next one waits) for
 * `sources`, lines of sources.list. Nothing is fetched yet. */
int apt_root_open(const char *cache, const struct strv *sources, struct apt_root **out,
		  struct err *err) _must_check_;
void apt_root_free(struct apt_root *root);
DEFINE_FREEP(struct apt_root, apt_root_free)

/* apt-get update. Errors: ERR_PROGRAM with apt's last words. */
int apt_root_update(const struct apt_root *root, struct err *err) _must_check_;

/* Run one of apt's programs, args[0], with this configuration; output: what it prints, or NULL.
 * Errors: ERR_PROGRAM with its last words. */
int apt_root_run(const struct apt_root *root, const struct strv *args, struct strbuf *output,
		 struct err *err) _must_check_;

/* Write another list of sources beside sources.list, for "-o Dir::Etc::sourcelist=*path" (to be
 * freed). apt sees those only of which apt_root_update() has fetched the indexes. */
int apt_root_write_list(const struct apt_root *root, const char *name,
			const struct strv *sources, char **path, struct err *err) _must_check_;

/* The path (to be freed) of the newest .deb of `package`, which is fetched if it is not there
 * yet, and has the hash that Debian signed. Errors: ERR_PROGRAM, ERR_SIGNATURE. */
int apt_root_get(const struct apt_root *root, const char *package, char **path,
		 struct err *err) _must_check_;

#endif
