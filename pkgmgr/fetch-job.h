/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One file that is being fetched. A job has one transfer at a time: it picks a source, asks it for
 * what is missing, and judges what came of it, until the hash is right or no source is left.
 * Formats and reasons: docs/spec/partial-state.md, docs/spec/mirrors.md */
#ifndef PKGMGR_FETCH_JOB_H
#define PKGMGR_FETCH_JOB_H

#include "common/progress.h"
#include "pkgmgr/download.h"
#include "pkgmgr/fetch-files.h"
#include "pkgmgr/sources.h"

/* The file whose bytes fit together, and the one of a source that has another. */
enum part_slot { PART_FIRST, PART_OTHER, PART_SLOTS };

struct fetch_job {
	struct signed_file *file;
	struct sources sources;
	struct partial *parts[PART_SLOTS];
	struct source *source;		/* of the transfer that runs */
	struct transfer *transfer;	/* or NULL */
	enum part_slot slot;			/* that it fills */
	bool pure;			/* bytes of two sources do not go into one file any more */
	bool done;			/* or failed: file->err says so */
	struct strv mix;		/* whose bytes went into a file that was wrong */
	uint64_t had;			/* bytes in the file when the transfer began */
	int64_t wake_ms;		/* monotonic; nothing can be asked before */
	int64_t begun_ms;
	uint64_t received;
	struct err last;		/* what the last source said */
};

struct fetcher {
	const struct root *root;
	const struct fetch_policy *policy;
	struct download *download;
	struct mirrors mirrors;
	struct progress *progress;
	struct fetch_job *jobs;
	size_t count;
	uint64_t total, there;		/* bytes of all; of those, what was there before */
	int64_t told_ms;
	bool stop;			/* the disk, or a signal: nothing more is begun */
};


/* Where a file of this hash lies; free it. */
char *fetch_path(const struct root *root, const char *sha256, const char *suffix);
char *fetch_part_path(const struct root *root, const char *sha256, enum part_slot slot);

/* Ask the next source, or wait, or fail: job->done and job->file->err say so. */
void fetch_job_start(struct fetcher *f, struct fetch_job *job);

/* Judge a transfer that has ended, and free it. */
void fetch_job_end_transfer(struct fetcher *f, struct transfer *t);

/* One that crawls while another server is known to be faster goes on there. */
void fetch_job_leave_slow(struct fetcher *f, struct fetch_job *job);

#endif
