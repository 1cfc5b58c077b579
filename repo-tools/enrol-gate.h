/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a key that is no site's may ask of the gate: to become one with a token, and, in
 * the installer, for its site's preseed. Format: docs/spec/enrolment.md
 *
 * Whoever reaches sshd can call this with any key. Input is bounded in size and time, and
 * nothing is written for who has no good token. */
#ifndef WAYBILL_ENROL_GATE_H
#define WAYBILL_ENROL_GATE_H

#include "common/err.h"
#include "repo-tools/repo.h"

/* Serve `command` (SSH_ORIGINAL_COMMAND) for the key with `fingerprint`, which sshd has
 * verified; the request comes from `input_fd`, the answer goes to standard output.
 * Errors: ERR_REFUSED (of which the peer has been told), ERR_TIMEOUT, ERR_SYSTEM. */
int enrol_gate_serve(const struct repo *repo, const char *fingerprint, const char *command,
		     int input_fd, struct err *err) _must_check_;

#endif
