/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One job for each file. A job has one transfer at a time: it picks a source, asks it for
 * what is missing, and judges what came of it, until the hash is right or no source is left.
 * Formats and reasons: docs/spec/partial-state.md, docs/spec/mirrors.md */
#include "pkgmgr/fetch-files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "common/progress.h"
#include "pkgmgr/download.h"
#include "pkgmgr/keep.h"
#include "pkgmgr/quit.h"
#include "pkgmgr/sources.h"

#define OVERLAP_BYTES (64ull << 10)
#define EXPLORE_BYTES (512ull << 10)
#define EXPLORE_FROM_BYTES (2ull << 20)
#define WORTH_BYTES (64ull << 10)
enum { TICK_MS = 200, SLOW_AFTER_MS = 5000, MAX_RESTARTS = 2, BUSY_DEFAULT_S = 5 };

/* The file whose bytes fit together, and the one of a source that has another. */
enum slot { FIRST, OTHER, SLOTS };

struct job {
	struct signed_file *file;
	struct sources sources;
	struct partial *parts[SLOTS];
	struct source *source;		/* of the transfer that runs */
	struct transfer *transfer;	/* or NULL */
	enum slot slot;			/* that it fills */
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
	struct job *jobs;
	size_t count;
	uint64_t total, there;		/* bytes of all; of those, what was there before */
	int64_t told_ms;
	bool stop;			/* the disk, or a signal: nothing more is begun */
};

int fetch_file_is_good(const char *path, const char *sha256, uint64_t size_bytes,
		       struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char hex[SHA256_HEX_LEN + 1];
	uint64_t size = 0;
	if (fd < 0)
		return err_sys(err, "open %s", path);
	if (sha256_fd(fd, hex, &size, err) < 0) {
		if (err->sys_errno != EIO)
			return err_prefix(err, "hash %s", path);
		log_warn("%s: %s", path, err->msg);
		err_clear(err);
		return 0;
	}
	return size == size_bytes && str_eq(hex, sha256);
}

static char *path_of(const struct root *root, const char *sha256, const char *suffix)
{
	return root_path(root, ARCHIVES_DIR "/%s%s", sha256, suffix);
}

static char *part_path(const struct root *root, const char *sha256, enum slot slot)
{
	return path_of(root, sha256, slot == FIRST ? ".part" : ".other.part");
}

uint64_t fetch_file_part_bytes(const struct root *root, const char *sha256)
{
	_cleanup_free_ char *path = part_path(root, sha256, FIRST);
	struct stat st;
	return stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

/* Of a complete file that was damaged only the damaged blocks are fetched again: the state that it had
 * as a partial one is still there. One that neighbours are given as well is not to be written to. */
static int make_partial_again(const struct root *root, const struct signed_file *file, const char *path,
			      struct err *err)
{
	_cleanup_free_ char *part = part_path(root, file->sha256, FIRST);
	_cleanup_free_ char *state = xasprintf("%s.state", part);
	struct stat st;
	if (file_exists(part) || !file_exists(state) || lstat(path, &st) < 0 || st.st_nlink > 1)
		return atomic_unlink(path, err);
	return atomic_rename(path, part, err);
}

int fetch_file_there(const struct root *root, struct signed_file *file, struct err *err)
{
	_cleanup_free_ char *path = path_of(root, file->sha256, file->suffix);
	_cleanup_err_ struct err untaken = ERR_INIT;
	if (!file_exists(path) && keep_take(root, file->sha256, path, &untaken) < 0)
		log_debug("%s", untaken.msg);
	if (!file_exists(path))
		return 0;
	int good = fetch_file_is_good(path, file->sha256, file->size_bytes, err);
	if (good < 0)
		return -1;
	if (!good)
		return keep_remove(root, file->sha256, err) < 0 ? -1
								: make_partial_again(root, file, path, err);
	file->path = steal(&path);
	return 0;
}

/* The job's end; takes over what `why` has. */
static void fail(struct fetcher *f, struct job *job, struct err *why)
{
	job->done = true;
	job->file->err = *why;
	*why = (struct err)ERR_INIT;
	enum err_code code = job->file->err.code;
	if (code == ERR_CANCELLED || code == ERR_NO_SPACE || code == ERR_SYSTEM)
		f->stop = true;
	err_prefix(&job->file->err, "fetch %s from %s", job->file->name,
		   job->source ? job->source->uri : "any server");
	log_event("fetch-failed", "%s", job->file->err.msg);
}

static int open_part(struct fetcher *f, struct job *job, enum slot slot, struct err *err)
{
	_cleanup_free_ char *path = part_path(f->root, job->file->sha256, slot);
	if (job->parts[slot])
		return 0;
	return partial_open(path, job->file->sha256, job->file->size_bytes, &job->parts[slot], err);
}

static int begin_anew(struct fetcher *f, struct job *job, enum slot slot, struct err *err)
{
	_cleanup_free_ char *path = part_path(f->root, job->file->sha256, slot);
	partial_free(steal(&job->parts[slot]));
	return partial_remove(path, err) < 0 ? -1 : open_part(f, job, slot, err);
}

static struct source *source_of(const struct job *job, const char *uri)
{
	for (size_t i = 0; i < job->sources.count; i++)
		if (str_eq(job->sources.items[i].uri, uri))
			return &job->sources.items[i];
	return NULL;
}

/* The file is right, and all of it is one source's. Of two that had made a wrong one together the
 * other is bad: a piece at the beginning would else cost the whole package each time. */
static void blame(const struct job *job)
{
	const struct partial_state *state = &job->parts[job->slot]->state;
	if (state->source_count != 1 || job->mix.count != 2)
		return;
	const struct source *good = source_of(job, state->sources[0].uri);
	const struct source *bad = source_of(job, job->mix.items[0]);
	if (bad == good)
		bad = source_of(job, job->mix.items[1]);
	if (!good || !bad || bad->mirror == good->mirror || !strv_contains(&job->mix, good->uri))
		return;
	log_warn("%s: its part of the file was wrong", bad->uri);
	mirror_proved_bad(bad->mirror, time(NULL));
}

/* The file is complete, and this slot has it. Until the rename the partial file is what it
 * was; the state stays, see make_partial_again(). */
static int keep_result(struct fetcher *f, struct job *job, struct err *err)
{
	_cleanup_free_ char *path = path_of(f->root, job->file->sha256, job->file->suffix);
	if (fsync(job->parts[job->slot]->fd) < 0)
		return err_sys(err, "flush %s", job->parts[job->slot]->path);
	if (atomic_rename(job->parts[job->slot]->path, path, err) < 0)
		return -1;
	for (int slot = FIRST; slot < SLOTS; slot++) {
		_cleanup_free_ char *part = part_path(f->root, job->file->sha256, (enum slot)slot);
		bool is_ours = slot == FIRST && job->slot == FIRST;
		if (!is_ours && partial_remove(part, err) < 0)
			return -1;
	}
	blame(job);
	int64_t ms = monotonic_ms() - job->begun_ms;
	log_event("fetch-done", "%s, %" PRIu64 " bytes, %" PRIu64 " of them received in %.2f s",
		  job->file->name, job->file->size_bytes, job->received, (double)ms / 1000);
	job->file->path = steal(&path);
	job->done = true;
	return 0;
}

/* All bytes are here and the hash is wrong. Bytes of one source that came in one go prove that
 * it is bad; else nobody knows whose they are, and it begins again, each source by itself. */
static int reject(struct fetcher *f, struct job *job, struct err *err)
{
	struct partial *part = job->parts[job->slot];
	bool proof = job->source && !part->resumed && part->state.source_count <= 1;
	err_clear(&job->last);
	err_set(&job->last, ERR_SIGNATURE,
		"the bytes are not those that the repository signed");
	if (proof) {
		log_warn("%s: %s", job->source->uri, job->last.msg);
		mirror_proved_bad(job->source->mirror, time(NULL));
		job->source->spent = true;
	} else {
		log_info("%s: what was put together is wrong, fetching all of it", job->file->name);
		job->pure = true;
		strv_destroy(&job->mix);
		for (size_t i = 0; i < part->state.source_count; i++)
			strv_add(&job->mix, part->state.sources[i].uri);
	}
	return begin_anew(f, job, job->slot, err);
}

/* 1: this slot has all bytes, and was accepted or dropped. */
static int finish(struct fetcher *f, struct job *job, struct err *err)
{
	uint64_t from, to;
	const struct partial *part = job->parts[job->slot];
	if (partial_state_gap(&part->state, &from, &to))
		return 0;
	int good = partial_is_good(part, err);
	if (good < 0)
		return -1;
	return (good ? keep_result(f, job, err) : reject(f, job, err)) < 0 ? -1 : 1;
}

/* In a file that only one source may fill, another one begins anew. */
static int keep_pure(struct fetcher *f, struct job *job, struct err *err)
{
	struct partial *part = job->parts[job->slot];
	bool mixes = part->state.source_count > 1 ||
		     (part->state.source_count == 1 &&
		      !partial_state_source(&part->state, job->source->uri));
	if ((!job->pure && job->slot == FIRST) || !mixes)
		return 0;
	return begin_anew(f, job, job->slot, err);
}

/* What to ask the job's source for. Without a validator of its own, what it sends is
 * compared with what is here. */
static void fill_request(const struct job *job, int64_t now, struct transfer_request *request)
{
	struct partial *part = job->parts[job->slot];
	struct source *source = job->source;
	struct partial_source *known = partial_state_source(&part->state, source->uri);
	*request = (struct transfer_request){ .uri = source->uri, .part = part,
					      .direct = source->peer };
	partial_state_gap(&part->state, &request->from, &request->to);
	if (sources_explores(&job->sources, source, now) &&
	    request->to - request->from > EXPLORE_FROM_BYTES)
		request->to = request->from + EXPLORE_BYTES;
	if (source->ask == ASK_WHOLE) {
		request->from = 0;
		request->to = part->state.size_bytes;
	} else if (source->ask == ASK_IF_UNCHANGED && known && known->validator) {
		request->if_range = known->validator;
	} else if (request->from > 0) {
		/* Only what is here without a gap can be compared. */
		size_t i = (size_t)(request->from / part->state.block_bytes);
		uint64_t start = (uint64_t)i * part->state.block_bytes;
		if (start == request->from && i > 0 && part->state.blocks[i - 1].length ==
						partial_state_block_length(&part->state, i - 1))
			start -= part->state.block_bytes;
		uint64_t overlap = request->from - start;
		request->from -= overlap < OVERLAP_BYTES ? overlap : OVERLAP_BYTES;
	}
}

static int start_transfer(struct fetcher *f, struct job *job, struct err *err)
{
	struct transfer_request request;
	job->slot = job->source->other ? OTHER : FIRST;
	if (open_part(f, job, job->slot, err) < 0 || keep_pure(f, job, err) < 0)
		return -1;
	int ended = finish(f, job, err);
	if (ended)
		return ended < 0 ? -1 : 0;
	fill_request(job, time(NULL), &request);
	request.owner = job;
	job->had = partial_received(job->parts[job->slot]);
	if (request.from || request.to < job->file->size_bytes)
		log_debug("%s: bytes %" PRIu64 " to %" PRIu64, request.uri, request.from, request.to);
	return download_start(f->download, &request, &job->transfer, err);
}

/* A file that one source alone may fill stays that one's while it can be asked: two servers on a
 * line that is cut often would else begin it anew for ever. NULL: nobody's. */
static struct source *owner_of(const struct job *job, const struct source *picked)
{
	const struct partial *part = job->parts[picked->other ? OTHER : FIRST];
	if (!part || !(job->pure || picked->other) || part->state.source_count != 1)
		return NULL;
	struct source *owner = source_of(job, part->state.sources[0].uri);
	bool can_be_asked = owner && !owner->spent && owner->other == picked->other &&
			    owner->mirror->wait_until <= time(NULL);
	return can_be_asked ? owner : NULL;
}

/* No source can be asked now. */
static void wait_or_fail(struct fetcher *f, struct job *job, int64_t wake_ms)
{
	int64_t wait_ms = wake_ms - monotonic_ms();
	if (wake_ms && wait_ms < download_left_ms(f->download)) {
		job->wake_ms = wake_ms;
		return;
	}
	if (job->last.code == ERR_NONE)
		err_set(&job->last, ERR_NETWORK, "no server has it");
	if (wake_ms)
		err_prefix(&job->last, "no server is to be asked before the deadline");
	fail(f, job, &job->last);
}

static void start_job(struct fetcher *f, struct job *job)
{
	_cleanup_err_ struct err err = ERR_INIT;
	int64_t wake_ms = 0;
	struct source *source = sources_pick(&job->sources, time(NULL), &wake_ms);
	struct source *owner = source ? owner_of(job, source) : NULL;
	job->wake_ms = 0;
	if (download_left_ms(f->download) <= 0) {
		err_clear(&job->last);
		err_set(&job->last, ERR_TIMEOUT, "Fetch-Deadline is over");
		fail(f, job, &job->last);
		return;
	}
	if (!source || (owner && owner->retry_at_ms > monotonic_ms())) {
		wait_or_fail(f, job, source ? owner->retry_at_ms : wake_ms);
		return;
	}
	job->source = owner ? owner : source;
	if (start_transfer(f, job, &err) < 0)
		fail(f, job, &err);
}

/* Two ways of asking have failed before it is given up: see enum source_ask. */
static void ask_otherwise(struct job *job)
{
	struct source *source = job->source;
	if (source->ask == ASK_WHOLE)
		source->spent = true;
	else
		source->ask++;
}

/* The source has another file than the one that is here. */
static int take_other_file(struct fetcher *f, struct job *job, struct err *err)
{
	struct source *source = job->source;
	if (job->slot == FIRST && !job->pure) {
		log_info("%s is another file than the one begun; fetching it beside that",
			 source->uri);
		source->other = true;
		source->ask = ASK_IF_UNCHANGED;
		return 0;
	}
	if (++source->restarts > MAX_RESTARTS)
		source->spent = true;
	return begin_anew(f, job, job->slot, err);
}

static void obey(struct job *job, const struct transfer *t)
{
	struct source *source = job->source;
	int64_t seconds = t->retry_after_s ? t->retry_after_s : BUSY_DEFAULT_S;
	int64_t more_ms = seconds * 250 + 250;
	int64_t wait_s = seconds + (monotonic_ms() ^ (int64_t)getpid()) % more_ms / 1000;
	log_event("fetch-wait", "%s: %s; asked again in %" PRId64 " s", source->uri, t->err.msg,
		  wait_s);
	mirror_asks_to_wait(source->mirror, wait_s, time(NULL));
	if (!t->retry_after_s)
		source_failed(source, false, time(NULL));
}

static int judge(struct fetcher *f, struct job *job, const struct transfer *t, struct err *err)
{
	struct source *source = job->source;
	int64_t now = time(NULL);
	switch (t->end) {
	case TRANSFER_DONE:
		source->failures = 0;
		source->ask = ASK_IF_UNCHANGED;
		mirror_answered(source->mirror);
		return 0;
	case TRANSFER_CHANGED:
		ask_otherwise(job);
		return 0;
	case TRANSFER_DIFFERS:
		return take_other_file(f, job, err);
	case TRANSFER_WRONG_SIZE:
		mirror_proved_bad(source->mirror, now);
		source->spent = true;
		return 0;
	case TRANSFER_GONE:
		source->spent = true;
		return 0;
	case TRANSFER_BUSY:
		obey(job, t);
		return 0;
	case TRANSFER_BROKEN:
		/* Bytes that were here already are no progress, and our deadline is nobody's failure. */
		if (download_left_ms(f->download) > 0)
			source_failed(source, partial_received(job->parts[job->slot]) >=
						      job->had + WORTH_BYTES, now);
		return 0;
	case TRANSFER_FATAL:
		break;
	}
	return err_set(err, t->err.code, "%s", t->err.msg);
}

static void note_transfer(struct job *job, const struct transfer *t)
{
	struct partial *part = job->parts[job->slot];
	int64_t ms = monotonic_ms() - t->started_ms;
	job->received += t->received;
	if (t->received && t->end != TRANSFER_DIFFERS) {
		partial_state_note_source(&part->state, job->source->uri, t->validator);
		part->dirty = true;
	}
	mirror_measured(job->source->mirror, t->received, ms, time(NULL));
	if (t->end == TRANSFER_DONE)
		return;
	log_warn("%s: %s", job->source->uri, t->err.msg);
	err_clear(&job->last);
	err_set(&job->last, t->err.code, "%s", t->err.msg);
}

/* There is no room for two files, and what another source sends is as good as what was here. */
static int give_up_first(struct fetcher *f, struct job *job, struct err *err)
{
	log_info("%s: no room for two of it; the one begun first is given up", job->file->name);
	err_clear(err);
	return begin_anew(f, job, FIRST, err);
}

/* A transfer has ended. */
static void end_transfer(struct fetcher *f, struct transfer *t)
{
	struct job *job = t->owner;
	_cleanup_err_ struct err err = ERR_INIT;
	note_transfer(job, t);
	int rc = judge(f, job, t, &err);
	if (rc < 0 && err.code == ERR_NO_SPACE && job->slot == OTHER && job->parts[FIRST] &&
	    partial_received(job->parts[FIRST]) > 0)
		rc = give_up_first(f, job, &err);
	/* What judge() began anew has no source yet. */
	if (rc == 0 && t->received && job->parts[job->slot])
		rc = partial_save_end(job->parts[job->slot], &err);
	download_end(f->download, t);
	job->transfer = NULL;
	if (rc == 0 && !job->done && finish(f, job, &err) < 0)
		rc = -1;
	if (rc < 0)
		fail(f, job, &err);
}

/* One that crawls while another server is known to be faster goes on there. */
static void leave_slow(struct fetcher *f, struct job *job)
{
	struct transfer *t = job->transfer;
	int64_t ms = monotonic_ms() - t->started_ms;
	bool alone = job->pure || job->slot == OTHER;
	if (ms < SLOW_AFTER_MS || (alone && !job->source->peer))
		return;
	uint64_t rate = t->received * 1000 / (uint64_t)ms;
	if (!sources_has_faster(&job->sources, job->source, rate, time(NULL)))
		return;
	log_info("%s: %" PRIu64 " bytes a second; another server was faster", job->source->uri, rate);
	_cleanup_err_ struct err err = ERR_INIT;
	job->received += t->received;
	job->source->mirror->rate = rate ? rate : 1;
	job->source->mirror->measured_at = time(NULL);
	/* By its rate alone a neighbour would be asked first again, and keep what is its alone. */
	if (job->source->peer)
		mirror_failed(job->source->mirror, time(NULL));
	job->source->spent = job->source->spent || alone;
	partial_state_note_source(&job->parts[job->slot]->state, job->source->uri, t->validator);
	download_end(f->download, t);
	job->transfer = NULL;
	job->parts[job->slot]->dirty = true;
	if (partial_save(job->parts[job->slot], true, &err) < 0)
		fail(f, job, &err);
}

static void tell(struct fetcher *f)
{
	int64_t now_ms = monotonic_ms();
	uint64_t received = download_received(f->download);
	progress_set(f->progress, f->there + received);
	if (now_ms - f->told_ms < 1000)
		return;
	f->told_ms = now_ms;
	log_progress("fetch-progress", f->there + received, f->total);
}

/* Begin what can be begun. True: something is still to be done. */
static bool begin_jobs(struct fetcher *f)
{
	bool more = false;
	for (size_t i = 0; i < f->count; i++) {
		struct job *job = &f->jobs[i];
		if (job->done)
			continue;
		if (job->transfer)
			leave_slow(f, job);
		if (!job->done && !job->transfer && job->wake_ms <= monotonic_ms() &&
		    download_running(f->download) < f->policy->parallel && !f->stop)
			start_job(f, job);
		more = more || !job->done;
	}
	return more && !f->stop;
}

static int run(struct fetcher *f, struct err *err)
{
	while (begin_jobs(f)) {
		struct transfer *ended = download_wait(f->download, TICK_MS);
		if (ended)
			end_transfer(f, ended);
		tell(f);
		if (quit_check(err) < 0)
			return -1;
	}
	return 0;
}

static void init_jobs(struct fetcher *f, struct signed_file *files, size_t count)
{
	f->jobs = xcalloc(count ? count : 1, sizeof(*f->jobs));
	f->count = count;
	for (size_t i = 0; i < count; i++) {
		struct job *job = &f->jobs[i];
		job->file = &files[i];
		job->done = files[i].path != NULL;
		job->begun_ms = monotonic_ms();
		sources_init(&job->sources, files[i].sha256, files[i].uris, f->policy, &f->mirrors);
		if (job->done)
			continue;
		uint64_t there = fetch_file_part_bytes(f->root, files[i].sha256);
		f->total += files[i].size_bytes;
		f->there += there < files[i].size_bytes ? there : files[i].size_bytes;
		log_event("fetch-start", "%s, %" PRIu64 " bytes, %s", files[i].name,
			  files[i].size_bytes, there ? "some of them are here" : "none is here");
	}
}

/* What came is kept, whatever ended it. */
static void end_jobs(struct fetcher *f)
{
	for (size_t i = 0; i < f->count; i++) {
		struct job *job = &f->jobs[i];
		_cleanup_err_ struct err err = ERR_INIT;
		if (job->transfer) {
			partial_state_note_source(&job->parts[job->slot]->state, job->source->uri,
						  job->transfer->validator);
			download_end(f->download, job->transfer);
			job->parts[job->slot]->dirty = true;
		}
		for (int slot = FIRST; slot < SLOTS; slot++) {
			if (!job->done && job->parts[slot] &&
			    partial_save(job->parts[slot], true, &err) < 0)
				log_warn("%s", err.msg);
			partial_free(job->parts[slot]);
		}
		sources_destroy(&job->sources);
		strv_destroy(&job->mix);
		err_clear(&job->last);
	}
	free(f->jobs);
}

static int first_error(const struct signed_file *files, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (files[i].err.code != ERR_NONE)
			return err_set(err, files[i].err.code, "%s", files[i].err.msg);
	return 0;
}

int fetch_files(const struct root *root, const struct fetch_policy *policy,
		struct signed_file *files, size_t count, uint64_t *received_bytes,
		struct err *err)
{
	_cleanup_free_ char *dir = root_path(root, ARCHIVES_DIR);
	_cleanup_err_ struct err unsaved = ERR_INIT;
	struct fetcher f = { .root = root, .policy = policy };
	if (make_dirs(dir, 0700, err) < 0 || download_new(policy, &f.download, err) < 0)
		return -1;
	mirrors_load(root, time(NULL), &f.mirrors);
	init_jobs(&f, files, count);
	f.progress = progress_new("fetching", f.total);
	progress_skip(f.progress, f.there);
	int rc = run(&f, err);
	*received_bytes += download_received(f.download);
	progress_free(f.progress);
	end_jobs(&f);
	if (mirrors_save(root, &f.mirrors, &unsaved) < 0)
		log_warn("%s", unsaved.msg);
	mirrors_destroy(&f.mirrors);
	download_free(f.download);
	return rc < 0 ? -1 : first_error(files, count, err);
}
