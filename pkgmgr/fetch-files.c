/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/fetch-files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "pkgmgr/fetch-job.h"
#include "pkgmgr/keep.h"
#include "pkgmgr/quit.h"

enum { TICK_MS = 200 };

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

uint64_t fetch_file_part_bytes(const struct root *root, const char *sha256)
{
	_cleanup_free_ char *path = fetch_part_path(root, sha256, PART_FIRST);
	struct stat st;
	return stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

/* Of a complete file that was damaged only the damaged blocks are fetched again: the state that it had
 * as a partial one is still there. One that neighbours are given as well is not to be written to. */
static int make_partial_again(const struct root *root, const struct signed_file *file, const char *path,
			      struct err *err)
{
	_cleanup_free_ char *part = fetch_part_path(root, file->sha256, PART_FIRST);
	_cleanup_free_ char *state = xasprintf("%s.state", part);
	struct stat st;
	if (file_exists(part) || !file_exists(state) || lstat(path, &st) < 0 || st.st_nlink > 1)
		return atomic_unlink(path, err);
	return atomic_rename(path, part, err);
}

int fetch_file_there(const struct root *root, struct signed_file *file, struct err *err)
{
	_cleanup_free_ char *path = fetch_path(root, file->sha256, file->suffix);
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
		struct fetch_job *job = &f->jobs[i];
		if (job->done)
			continue;
		if (job->transfer)
			fetch_job_leave_slow(f, job);
		if (!job->done && !job->transfer && job->wake_ms <= monotonic_ms() &&
		    download_running(f->download) < f->policy->parallel && !f->stop)
			fetch_job_start(f, job);
		more = more || !job->done;
	}
	return more && !f->stop;
}

static int run(struct fetcher *f, struct err *err)
{
	while (begin_jobs(f)) {
		struct transfer *ended = download_wait(f->download, TICK_MS);
		if (ended)
			fetch_job_end_transfer(f, ended);
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
		struct fetch_job *job = &f->jobs[i];
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
		struct fetch_job *job = &f->jobs[i];
		_cleanup_err_ struct err err = ERR_INIT;
		if (job->transfer) {
			partial_state_note_source(&job->parts[job->slot]->state, job->source->uri,
						  job->transfer->validator);
			download_end(f->download, job->transfer);
			job->parts[job->slot]->dirty = true;
		}
		for (int slot = PART_FIRST; slot < PART_SLOTS; slot++) {
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
