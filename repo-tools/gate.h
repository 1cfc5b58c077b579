/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a site may ask for over ssh: to read its own directory by rsync, to leave a report,
 * the time, and whether it is enrolled. Whatever is not on the list is refused.
 * Format: docs/spec/gate.md
 *
 * Runs as the owner of the repository, with a command line that the site wrote. It
 * starts one program, rsync, with arguments that are made here. */
#ifndef WAYBILL_GATE_H
#define WAYBILL_GATE_H

#include "common/err.h"
#include "common/util.h"

#define GATE_COMMAND_MAX_BYTES 1024

enum gate_verb { GATE_RSYNC, GATE_REPORT, GATE_TIME, GATE_ENROLL };

struct gate_request {
	enum gate_verb verb;
	char *flags;	/* rsync: "-tre.iLsfxCIvu", checked */
	char *timeout;	/* rsync: "--timeout=60", checked, or NULL */
	char *path;	/* rsync: relative, without ".." and links to follow */
};

void gate_request_destroy(struct gate_request *request);
#define _cleanup_gate_request_ __attribute__((cleanup(gate_request_destroy)))

/* Understand SSH_ORIGINAL_COMMAND. Errors: ERR_REFUSED. */
int gate_parse(const char *command, struct gate_request *out, struct err *err) _must_check_;

/* Serve a request in `site_dir`, the site's directory. An rsync request replaces this
 * process and so returns only on error; a report is read from `input_fd`. A site without a
 * key is refused: whoever comes has one that was revoked. */
int gate_serve(const struct gate_request *request, const char *site_dir, const char *site,
	       int input_fd, struct err *err) _must_check_;

#endif
