/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two lines joined: what comes from one goes to the other, no faster than that takes it. */
#ifndef WAYBILL_RELAY_H
#define WAYBILL_RELAY_H

#include "remote/line.h"

struct relay;

/* On its way from one line to `to`: line_send() it there, as it is or changed. The LINE_HEADROOM bytes
 * before `data` may be overwritten. Returns -1 to end the relay. */
typedef int relay_pass(void *arg, uint8_t *data, size_t len, struct line *to, struct err *err);

struct relay_conf {
	relay_pass *from_first, *from_second; /* NULL: as it is */
	/* It is over once the first has finished: whoever is at the second has nobody to talk to. */
	bool ends_with_first;
	void (*ended)(void *arg, const struct err *why); /* why: NULL if they have finished */
	void *arg;
};

/* Takes the lines over. ended() is called once; then relay_freep() closes them. */
struct relay *relay_new(struct lines *lines, struct line *first, struct line *second,
			const struct relay_conf *conf);
void relay_freep(struct relay **relay);

/* As if it had just come, for what was read too much before. */
void relay_feed(struct relay *relay, bool from_second, const void *data, size_t len);

#endif
