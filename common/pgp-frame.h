/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The outside of a clearsigned message: gpg accepts text around the signed
 * block, more than one block, and blanks at line ends that no signature covers;
 * we do not. Source: RFC 4880 section 7. */
#ifndef WAYBILL_PGP_FRAME_H
#define WAYBILL_PGP_FRAME_H

#include <stddef.h>

#include "common/err.h"

/* Exactly one clearsigned block from the first byte to the last: a BEGIN line,
 * "Hash:" headers, text, one signature, an END line. Says nothing about whether the
 * signature is right. Errors: ERR_SIGNATURE. */
int pgp_frame_check(const char *text, size_t len, struct err *err) _must_check_;

/* Whether `text` can be clearsigned so that every byte of it is covered: lines that
 * end in '\n', no blank before it, no NUL or CR. Errors: ERR_INPUT. */
int pgp_frame_check_text(const char *text, size_t len, struct err *err) _must_check_;

#endif
