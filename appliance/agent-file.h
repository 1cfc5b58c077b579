/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files into a guest and out of it, in chunks through its agent. */
#ifndef WAYBILL_AGENT_FILE_H
#define WAYBILL_AGENT_FILE_H

#include <sys/types.h>

#include "common/agent.h"

#define AGENT_MAX_FILE_BYTES (UINT64_C(1) << 30)

/* Called after each chunk. */
typedef void (*agent_progress_fn)(void *arg, uint64_t done_bytes);

struct agent_transfer {
	const struct agent *agent;
	const char *guest_path; /* absolute */
	uint64_t max_bytes;
	agent_progress_fn progress; /* or NULL */
	void *progress_arg;
};

/* What stands at the path in the guest.
 * Errors: ERR_NOT_FOUND; ERR_REFUSED (no regular file; opening a FIFO would hang the
 * agent); those of agent_exec(). */
struct agent_file_facts {
	uint64_t size_bytes;
	mode_t mode; /* permissions only */
};
int agent_file_look(const struct agent *agent, const char *guest_path,
		    struct agent_file_facts *facts, struct err *err) _must_check_;

/* Copy the guest's file to `fd`, up to its end.
 * Errors: ERR_NOT_FOUND, ERR_TOO_LARGE (above max_bytes), ERR_INPUT, ERR_SYSTEM, those of
 * agent->call. */
int agent_file_get(const struct agent_transfer *t, int fd, struct err *err) _must_check_;

/* Copy `fd`, from where it stands to its end, to the guest's file, which gets `mode`. It
 * is written beside and renamed: the guest sees the old content or the new.
 * Errors: as above; ERR_REFUSED (a directory stands there). */
int agent_file_put(const struct agent_transfer *t, int fd, mode_t mode,
		   struct err *err) _must_check_;

#endif
