/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The quit flag: SIGTERM and SIGINT ask a sync to stop at its next safe point. */
#ifndef PKGMGR_QUIT_H
#define PKGMGR_QUIT_H

#include <stdbool.h>

#include "common/err.h"

void quit_watch_signals(void);
bool quit_requested(void);
/* ERR_CANCELLED if a signal asked us to stop. */
int quit_check(struct err *err) _must_check_;

#endif
