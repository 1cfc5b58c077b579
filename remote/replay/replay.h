/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A recording, played by a VNC server. Two processes: the feeder plays the server that was recorded,
 * each block at its time; the other is its viewer (libvncclient), and shows the same picture to
 * whoever comes (libvncserver), in whatever pixel format and encodings they ask for.
 * Source: docs/spec/recording.md */
#ifndef WAYBILL_REPLAY_H
#define WAYBILL_REPLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"

struct replay_conf {
	uint64_t speed;	  /* times as fast, > 0 */
	uint64_t from_ms; /* what comes before is shown at once */
	bool inetd;	  /* the viewer is at descriptor 0; else they come to */
	const char *address;
	uint16_t port;
};

/* Play to the end, or until the last viewer has left.
 * Errors: ERR_INPUT (no recording, or one that makes no sense), ERR_SYSTEM. */
int replay_run(const char *path, const struct replay_conf *conf, struct err *err) _must_check_;

/* The feeder: play the server that was recorded to `fd`, after whose handshake a byte more must come before
 * time begins. Does not return. */
_Noreturn void replay_feed(FILE *in, const struct replay_conf *conf, int fd);

#endif
