/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Integers as RFB and MiP have them: big-endian. */
#ifndef WAYBILL_BYTES_H
#define WAYBILL_BYTES_H

#include <stdint.h>

#include "common/strbuf.h"

static inline uint32_t bytes_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void bytes_add_u32(struct strbuf *out, uint32_t value)
{
	const uint8_t b[] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16),
			      (uint8_t)(value >> 8), (uint8_t)value };
	strbuf_add(out, b, sizeof(b));
}

#endif
