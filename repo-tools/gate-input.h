/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a peer sends on standard input, with a limit and a deadline. */
#ifndef WAYBILL_GATE_INPUT_H
#define WAYBILL_GATE_INPUT_H

#include <stddef.h>

#include "common/err.h"

/* Read up to the end of file into *text (free it; NUL-terminated). `what` ("the report")
 * names it in messages. Errors: ERR_REFUSED (more than max_bytes), ERR_TIMEOUT. */
int gate_input_read(int fd, const char *what, size_t max_bytes, int timeout_ms, char **text,
		    size_t *len, struct err *err) _must_check_;

#endif
