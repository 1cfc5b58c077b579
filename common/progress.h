/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A progress bar on a terminal; nothing elsewhere. */
#ifndef WAYBILL_PROGRESS_H
#define WAYBILL_PROGRESS_H

#include <stdint.h>

struct progress;

/* label is copied. total_bytes 0: unknown, a byte counter is shown. Draws only
 * if standard error is a terminal and the log level is not quieter than info;
 * at most ten times a second. Never returns NULL. */
struct progress *progress_new(const char *label, uint64_t total_bytes);
void progress_set(struct progress *p, uint64_t done_bytes);
void progress_add(struct progress *p, uint64_t more_bytes);
/* So many bytes of the total were there before: they are done, and say nothing of the speed. */
void progress_skip(struct progress *p, uint64_t there_bytes);
/* Ends the line and frees. */
void progress_free(struct progress *p);
static inline void progress_freep(struct progress **p) { if (*p) progress_free(*p); }

#endif
