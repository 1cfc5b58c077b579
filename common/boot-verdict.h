/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a boot test of an image package found, as `imagepkg boot-test` writes it beside
 * the .deb and `imagerepo add` reads it. Format: docs/spec/boot-test.md */
#ifndef WAYBILL_BOOT_VERDICT_H
#define WAYBILL_BOOT_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/hash.h"
#include "common/strv.h"
#include "common/util.h"

#define BOOT_VERDICT_MAX_BYTES (64 * 1024)

struct boot_verdict {
	char *package;
	char *version;
	char *architecture;
	char sha256[SHA256_HEX_LEN + 1]; /* of the .deb */
	int64_t tested_at;	/* Unix seconds */
	bool passed;
	char *reason;		/* one line, if it did not pass */
	char *qemu;		/* its version */
	char *accelerator;	/* "kvm", "tcg" */
	char *boot;		/* "kernel", "disk uefi" */
	uint32_t watch_seconds;
	struct strv checks;	/* a line for each */
};

void boot_verdict_free(struct boot_verdict *verdict);
DEFINE_FREEP(struct boot_verdict, boot_verdict_free)

/* "dir/askom_1.4.0_amd64.tested" of "dir/askom_1.4.0_amd64.deb"; free it. */
char *boot_verdict_path(const char *deb_path);

/* `origin` is for messages. Errors: ERR_INPUT, ERR_TOO_LARGE. */
int boot_verdict_parse(const char *text, size_t len, const char *origin,
		       struct boot_verdict **out, struct err *err) _must_check_;

/* Write it beside the .deb, in the place of an older one. */
int boot_verdict_write(const struct boot_verdict *verdict, const char *deb_path,
		       struct err *err) _must_check_;

/* ERR_REFUSED, with what to do, unless the verdict beside `deb_path` says that the bytes
 * with this SHA-256 passed. */
int boot_verdict_require(const char *deb_path, const char *sha256, struct err *err) _must_check_;

#endif
