/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A recording's VNC server: a process for each session that plays one. Source: docs/spec/recording.md */
#ifndef WAYBILL_PLAYER_H
#define WAYBILL_PLAYER_H

#include <sys/types.h>

#include "common/err.h"

/* Returns a socket, non-blocking, at whose other end the VNC server is, and its process; or -1. */
int player_start(const char *path, pid_t *pid, struct err *err) _must_check_;

/* End it, if there is one (> 0). */
void player_end(pid_t *pid);

#endif
