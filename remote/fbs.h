/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A FrameBufferStream: what a VNC server sent, with times. Format: docs/spec/recording.md */
#ifndef WAYBILL_FBS_H
#define WAYBILL_FBS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"
#include "common/strbuf.h"

enum { FBS_MAX_BLOCK = 1024 * 1024, FBS_MAGIC_BYTES = 12 };

/* The file's first bytes. Errors: ERR_SYSTEM, ERR_NO_SPACE. */
int fbs_write_magic(int fd, struct err *err) _must_check_;

/* A block of at most FBS_MAX_BLOCK bytes, in one call of the kernel. at_ms: since the beginning.
 * Errors: ERR_SYSTEM, ERR_NO_SPACE; the file then ends within a block. */
int fbs_write_block(int fd, const void *data, size_t len, uint32_t at_ms,
		    struct err *err) _must_check_;

/* Errors: ERR_INPUT (another kind of file), ERR_SYSTEM. */
int fbs_read_magic(FILE *in, struct err *err) _must_check_;

/* The next block, whose bytes replace what `data` holds. Returns 1, or 0 at the end, which may be within
 * a block, or -1. Errors: ERR_INPUT (longer than FBS_MAX_BLOCK), ERR_SYSTEM. */
int fbs_read_block(FILE *in, struct strbuf *data, uint32_t *at_ms, struct err *err) _must_check_;

#endif
