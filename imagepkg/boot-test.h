/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Boot an image package in a private QEMU and see whether its own health checks pass.
 * Source: docs/spec/boot-test.md */
#ifndef WAYBILL_BOOT_TEST_H
#define WAYBILL_BOOT_TEST_H

#include "common/boot-verdict.h"
#include "common/strv.h"

struct boot_test_request {
	const char *deb_path;
	struct strv params;	/* "NAME=VALUE" each */
	uint32_t watch_seconds;
	const char *log_dir;	/* for console.log and screen.png, or NULL */
};

/* One of the package's checks. */
struct boot_check {
	char *name;		/* "http:80/" */
	int64_t passed_ms;	/* after the start of QEMU; -1: never */
	char *saw;		/* at its last round, or NULL */
	char *detail;		/* the start of its output, or NULL */
};

struct boot_test {
	struct boot_verdict *verdict;
	struct boot_check *checks;
	size_t check_count;
	char *console_tail;	/* the guest's last words, or NULL */
};

/* Returns 0 also when the image is bad: that is what the verdict says. -1 only when it
 * could not be tested. Errors: those of boot_files_make(); ERR_PROGRAM, ERR_NOT_FOUND (QEMU);
 * ERR_CANCELLED (INT or TERM came). */
int boot_test_run(const struct boot_test_request *request, struct boot_test **out,
		  struct err *err) _must_check_;
void boot_test_free(struct boot_test *test);
DEFINE_FREEP(struct boot_test, boot_test_free)

#endif
