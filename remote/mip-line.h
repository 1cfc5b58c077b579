/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A control line between proxy and agent, at either end: messages, heartbeats, goodbye.
 * Source: docs/spec/mip.md */
#ifndef WAYBILL_MIP_LINE_H
#define WAYBILL_MIP_LINE_H

#include "remote/line.h"
#include "remote/mip.h"

struct mip_line;

struct mip_line_ops {
	void (*message)(void *owner, const struct mip_message *message);
	/* It is over (a goodbye is ERR_REFUSED): mip_line_freep() it. Called once. */
	void (*over)(void *owner, const struct err *why);
};

/* Takes the line over. */
struct mip_line *mip_line_new(struct lines *lines, struct line *line, enum mip_version version,
			      const struct mip_line_ops *ops, void *owner);
void mip_line_freep(struct mip_line **mip);

enum mip_version mip_line_version(const struct mip_line *mip);
void mip_line_send(struct mip_line *mip, const struct mip_message *message);
/* Say goodbye (version 2 knows how to), and free it. */
void mip_line_part(struct mip_line **mip, enum mip_goodbye reason);

/* As if it had just come, for what was read too much before. */
void mip_line_feed(struct mip_line *mip, const void *data, size_t len);

#endif
