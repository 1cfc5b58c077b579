/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/fetch-job.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"

#define OVERLAP_BYTES (64ull << 10)
#define EXPLORE_BYTES (512ull << 10)
#define EXPLORE_FROM_BYTES (2ull << 20)
#define WORTH_BYTES (64ull << 10)
enum { SLOW_AFTER_MS = 5000, MAX_RESTARTS = 2, BUSY_DEFAULT_S = 5 };

char *fetch_path(const struct root *root, const char *sha256, const char *suffix)
{
	return root_path(root, ARCHIVES_DIR "/%s%s", sha256, suffix);
}

char *fetch_part_path(const struct root *root, const char *sha256, enum part_slot slot)
{
	return fetch_path(root, sha256, slot == PART_FIRST ? ".part" : ".other.part");
}

/* The job's end; takes over what `why` has. */
static void fail(struct fetcher *f, struct fetch_job *job, struct err *why)
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

static int open_part(struct fetcher *f, struct fetch_job *job, enum part_slot slot, struct err *err)
{
	_cleanup_free_ char *path = fetch_part_path(f->root, job->file->sha256, slot);
	if (job->parts[slot])
		return 0;
	return partial_open(path, job->file->sha256, job->file->size_bytes, &job->parts[slot], err);
}

static int begin_anew(struct fetcher *f, struct fetch_job *job, enum part_slot slot, struct err *err)
{
	_cleanup_free_ char *path = fetch_part_path(f->root, job->file->sha256, slot);
	partial_free(steal(&job->parts[slot]));
	return partial_remove(path, err) < 0 ? -1 : open_part(f, job, slot, err);
}

static struct source *source_of(const struct fetch_job *job, const char *uri)
{
	for (size_t i = 0; i < job->sources.count; i++)
		if (str_eq(job->sources.items[i].uri, uri))
			return &job->sources.items[i];
	return NULL;
}

/* The file is right, and all of it is one source's. Of two that had made a wrong one together the
 * other is bad: a piece at the beginning would else cost the whole package each time. */
static void blame(const struct fetch_job *job)
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
static int keep_result(struct fetcher *f, struct fetch_job *job, struct err *err)
{
	_cleanup_free_ char *path = fetch_path(f->root, job->file->sha256, job->file->suffix);
	if (fsync(job->parts[job->slot]->fd) < 0)
		return err_sys(err, "flush %s", job->parts[job->slot]->path);
	if (atomic_rename(job->parts[job->slot]->path, path, err) < 0)
		return -1;
	for (int slot = PART_FIRST; slot < PART_SLOTS; slot++) {
		_cleanup_free_ char *part = fetch_part_path(f->root, job->file->sha256, (enum part_slot)slot);
		bool is_ours = slot == PART_FIRST && job->slot == PART_FIRST;
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
static int reject(struct fetcher *f, struct fetch_job *job, struct err *err)
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
static int finish(struct fetcher *f, struct fetch_job *job, struct err *err)
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
static int keep_pure(struct fetcher *f, struct fetch_job *job, struct err *err)
{
	struct partial *part = job->parts[job->slot];
	bool mixes = part->state.source_count > 1 ||
		     (part->state.source_count == 1 &&
		      !partial_state_source(&part->state, job->source->uri));
	if ((!job->pure && job->slot == PART_FIRST) || !mixes)
		return 0;
	return begin_anew(f, job, job->slot, err);
}

/* What to ask the job's source for. Without a validator of its own, what it sends is
 * compared with what is here. */
static void fill_request(const struct fetch_job *job, int64_t now, struct transfer_request *request)
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

static int start_transfer(struct fetcher *f, struct fetch_job *job, struct err *err)
{
	struct transfer_request request;
	job->slot = job->source->other ? PART_OTHER : PART_FIRST;
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
static struct source *owner_of(const struct fetch_job *job, const struct source *picked)
{
	const struct partial *part = job->parts[picked->other ? PART_OTHER : PART_FIRST];
	if (!part || !(job->pure || picked->other) || part->state.source_count != 1)
		return NULL;
	struct source *owner = source_of(job, part->state.sources[0].uri);
	bool can_be_asked = owner && !owner->spent && owner->other == picked->other &&
			    owner->mirror->wait_until <= time(NULL);
	return can_be_asked ? owner : NULL;
}

/* No source can be asked now. */
static void wait_or_fail(struct fetcher *f, struct fetch_job *job, int64_t wake_ms)
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

void fetch_job_start(struct fetcher *f, struct fetch_job *job)
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
static void ask_otherwise(struct fetch_job *job)
{
	struct source *source = job->source;
	if (source->ask == ASK_WHOLE)
		source->spent = true;
	else
		source->ask++;
}

/* The source has another file than the one that is here. */
static int take_other_file(struct fetcher *f, struct fetch_job *job, struct err *err)
{
	struct source *source = job->source;
	if (job->slot == PART_FIRST && !job->pure) {
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

static void obey(struct fetch_job *job, const struct transfer *t)
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

static int judge(struct fetcher *f, struct fetch_job *job, const struct transfer *t, struct err *err)
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

static void note_transfer(struct fetch_job *job, const struct transfer *t)
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
static int give_up_first(struct fetcher *f, struct fetch_job *job, struct err *err)
{
	log_info("%s: no room for two of it; the one begun first is given up", job->file->name);
	err_clear(err);
	return begin_anew(f, job, PART_FIRST, err);
}

void fetch_job_end_transfer(struct fetcher *f, struct transfer *t)
{
	struct fetch_job *job = t->owner;
	_cleanup_err_ struct err err = ERR_INIT;
	note_transfer(job, t);
	int rc = judge(f, job, t, &err);
	if (rc < 0 && err.code == ERR_NO_SPACE && job->slot == PART_OTHER && job->parts[PART_FIRST] &&
	    partial_received(job->parts[PART_FIRST]) > 0)
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

void fetch_job_leave_slow(struct fetcher *f, struct fetch_job *job)
{
	struct transfer *t = job->transfer;
	int64_t ms = monotonic_ms() - t->started_ms;
	bool alone = job->pure || job->slot == PART_OTHER;
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
