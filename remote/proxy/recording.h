/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session's recording while it is made. Format: docs/spec/recording.md */
#ifndef WAYBILL_RECORDING_H
#define WAYBILL_RECORDING_H

#include "remote/rfb-filter.h"
#include "remote/rfb.h"

struct recording;

/* A new file in `directory`, which is made if need be. began_at: Unix seconds; now_ms: of the loop.
 * Returns NULL: ERR_SYSTEM, ERR_NO_SPACE. */
struct recording *recording_new(const char *directory, const char *machine, uint64_t session_id,
				int64_t began_at, int64_t now_ms, struct err *err) _must_check_;
void recording_freep(struct recording **recording);
/* Of its file, in the directory; borrowed. */
const char *recording_file(const struct recording *recording);

/* What the server has sent. It is kept in memory until recording_begin().
 * Errors: ERR_SYSTEM, ERR_NO_SPACE, ERR_TOO_LARGE (too much before the viewer asked for anything). */
int recording_add(struct recording *recording, const void *data, size_t len, int64_t now_ms,
		  struct err *err) _must_check_;

/* The pixel format of what follows is settled, now, once: the stream's beginning can be written. */
int recording_begin(struct recording *recording, const uint8_t init[RFB_SERVER_INIT_BYTES],
		    const uint8_t format[RFB_FORMAT_BYTES], const char *title,
		    struct err *err) _must_check_;
bool recording_has_begun(const struct recording *recording);

/* --- those that there are ----------------------------------------------------------------- */

/* The machine whose recording is called so, to be freed; NULL: no recording's name has this form. */
char *recording_machine(const char *file);

struct strv;

/* The files in `directory` that are called as recordings are, the oldest of each machine first; none if
 * there is no such directory. */
int recordings_list(const char *directory, struct strv *out, struct err *err) _must_check_;

/* Of a recording, from the end of its last block, if that is whole; else 0. */
uint32_t recording_length_ms(const char *path);

#endif
