/* SPDX-License-Identifier: GPL-3.0-or-later */
/* delta-limits SEGMENT-BYTES PLAIN-BYTES OLD.deb NEW.deb DELTA OLD-DIRECTORY REBUILT.deb
 * A delta is made and applied with other limits: those that there are take disks of 10 GB to reach. */
#include <stdio.h>
#include <stdlib.h>

#include "common/delta-apply.h"
#include "imagepkg/delta-make.h"
#include "imagepkg/delta-pack.h"

static int make_and_apply(char **argv, struct err *err)
{
	_cleanup_(delta_freep) struct delta *delta = NULL;
	_cleanup_(delta_old_close) struct delta_old old = DELTA_OLD_INIT;
	struct delta_made made;
	char as_written[SHA256_HEX_LEN + 1], on_disk[SHA256_HEX_LEN + 1];
	uint64_t bytes = 0;
	if (delta_make(argv[3], argv[4], argv[5], "/tmp", &made, err) != 0 ||
	    delta_open(argv[5], &delta, err) != 0 ||
	    delta_old_from_dir(&old, delta, argv[6], err) != 0)
		return -1;
	if (delta_apply(delta, &old, argv[7], NULL, as_written, err) != 0 ||
	    sha256_file(argv[7], on_disk, &bytes, err) != 0)
		return -1;
	return str_eq(as_written, on_disk) ? 0 : err_set(err, ERR_INPUT, "its hash is another one");
}

int main(int argc, char **argv)
{
	_cleanup_err_ struct err err = ERR_INIT;
	if (argc != 8)
		return 2;
	delta_segment_bytes = strtoull(argv[1], NULL, 10);
	delta_plain_max = strtoull(argv[2], NULL, 10);
	if (make_and_apply(argv, &err) == 0)
		return 0;
	fprintf(stderr, "delta-limits: %s\n", err.msg);
	return 1;
}
