/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/publish.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "common/pgp.h"
#include "repo-tools/deltas.h"
#include "repo-tools/gzip.h"
#include "repo-tools/index.h"
#include "repo-tools/release.h"

/* by-hash files outlive this many later publishes of their suite. */
enum { BY_HASH_PUBLISHES = 2 };

/* A publish under way. */
struct edition {
	struct repo *repo;
	const char *suite;
	int64_t number;
	char *dir;	/* public/dists/.<suite>.<number> */
	char *previous; /* the directory of number - 1, which may not be there */
	struct release release;
};

static void edition_destroy(struct edition *edition)
{
	free(edition->dir);
	free(edition->previous);
	release_destroy(&edition->release);
}
#define _cleanup_edition_ __attribute__((cleanup(edition_destroy)))

static char *edition_dir(const struct repo *repo, const char *suite, int64_t number)
{
	return repo_path(repo, "public/dists/.%s.%lld", suite, (long long)number);
}

/* A new file in a directory that nobody reads yet. */
static int write_new_file(struct repo *repo, const char *path, const void *data, size_t len,
			  struct err *err)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(err, "cannot create %s", path);
	if (fchmod(fd, 0644) < 0)
		return err_sys(err, "cannot set the mode of %s", path);
	if (write_all(fd, data, len, err) < 0)
		return err_prefix(err, "cannot write %s", path);
	repo_sync_later(repo, path);
	return 0;
}

/* One index file: by its name, by its hash, and in Release. */
static int add_index_file(struct edition *ed, const char *dir, const char *name,
			  const struct strbuf *data, struct err *err)
{
	char sha256[SHA256_HEX_LEN + 1];
	_cleanup_free_ char *below = xasprintf("%s/%s", dir, name);
	_cleanup_free_ char *path = xasprintf("%s/%s", ed->dir, below);
	sha256_hex(data->data ? data->data : "", data->len, sha256);
	_cleanup_free_ char *by_hash = xasprintf("%s/%s/by-hash/SHA256/%s", ed->dir, dir, sha256);
	if (write_new_file(ed->repo, path, data->data ? data->data : "", data->len, err) < 0)
		return -1;
	if (link(path, by_hash) < 0)
		return err_sys(err, "cannot link %s", by_hash);
	release_add_file(&ed->release, below, sha256, data->len);
	return index_add_file(ed->repo->index, ed->suite, ed->number, dir, sha256, err);
}

/* What clients of the publishes before may still ask for by hash. */
static int keep_by_hash(struct edition *ed, const char *dir, struct err *err)
{
	_cleanup_strv_ struct strv hashes = STRV_INIT;
	if (index_files(ed->repo->index, ed->suite, dir, &hashes, err) < 0)
		return -1;
	for (size_t i = 0; i < hashes.count; i++) {
		_cleanup_free_ char *from = xasprintf("%s/%s/by-hash/SHA256/%s", ed->previous,
						      dir, hashes.items[i]);
		_cleanup_free_ char *to = xasprintf("%s/%s/by-hash/SHA256/%s", ed->dir, dir,
						    hashes.items[i]);
		if (link(from, to) < 0 && errno != EEXIST && errno != ENOENT)
			return err_sys(err, "cannot link %s", to);
	}
	return 0;
}

static int write_architecture(struct edition *ed, const char *architecture, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf(REPO_COMPONENT "/binary-%s", architecture);
	_cleanup_free_ char *by_hash = xasprintf("%s/%s/by-hash/SHA256", ed->dir, dir);
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf packed = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf deltas = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf packed_deltas = STRBUF_INIT;
	if (make_dirs(by_hash, 0755, err) < 0 ||
	    index_packages_text(ed->repo->index, ed->suite, architecture, &text, err) < 0 ||
	    gzip_compress(text.data, text.len, &packed, err) < 0 ||
	    deltas_text(ed->repo->index, ed->suite, architecture, &deltas, err) < 0)
		return -1;
	if (deltas.len > 0 && (gzip_compress(deltas.data, deltas.len, &packed_deltas, err) < 0 ||
			       add_index_file(ed, dir, "Deltas", &deltas, err) < 0 ||
			       add_index_file(ed, dir, "Deltas.gz", &packed_deltas, err) < 0))
		return -1;
	if (add_index_file(ed, dir, "Packages", &text, err) < 0 ||
	    add_index_file(ed, dir, "Packages.gz", &packed, err) < 0 ||
	    keep_by_hash(ed, dir, err) < 0)
		return -1;
	for (char *at = by_hash; !str_eq(at, ed->dir); at = dirname(at))
		repo_sync_later(ed->repo, at);
	return 0;
}

/* Give Release and its signatures a time stamp that is later than the last ones':
 * HTTP compares whole seconds, and a client that fetched the edition of a moment ago
 * would be told that nothing has changed. */
static int stamp_files(const struct edition *ed, const char *const *paths, struct err *err)
{
	struct stat st;
	struct timespec times[2] = { { .tv_sec = time(NULL) }, { 0 } };
	_cleanup_free_ char *last = xasprintf("%s/InRelease", ed->previous);
	if (stat(last, &st) == 0 && st.st_mtime >= times[0].tv_sec)
		times[0].tv_sec = st.st_mtime + 1;
	times[1] = times[0];
	for (; *paths; paths++)
		if (utimensat(AT_FDCWD, *paths, times, 0) < 0)
			return err_sys(err, "cannot set the time of %s", *paths);
	return 0;
}

static int write_release(struct edition *ed, struct err *err)
{
	_cleanup_(pgp_signer_freep) struct pgp_signer *signer = NULL;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf clear = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf detached = STRBUF_INIT;
	_cleanup_free_ char *release = xasprintf("%s/Release", ed->dir);
	_cleanup_free_ char *in_release = xasprintf("%s/InRelease", ed->dir);
	_cleanup_free_ char *signature = xasprintf("%s/Release.gpg", ed->dir);
	const char *const paths[] = { release, in_release, signature, NULL };
	release_format(&ed->release, ed->repo->conf, ed->suite, &text);
	if (pgp_signer_open(ed->repo->conf->signing_key, &signer, err) < 0 ||
	    pgp_signer_clearsign(signer, text.data, text.len, &clear, err) < 0 ||
	    pgp_signer_detach(signer, text.data, text.len, &detached, err) < 0)
		return -1;
	if (write_new_file(ed->repo, release, text.data, text.len, err) < 0 ||
	    write_new_file(ed->repo, in_release, clear.data, clear.len, err) < 0 ||
	    write_new_file(ed->repo, signature, detached.data, detached.len, err) < 0 ||
	    stamp_files(ed, paths, err) < 0)
		return -1;
	_cleanup_free_ char *dists = repo_path(ed->repo, "public/dists");
	repo_sync_later(ed->repo, ed->dir);
	repo_sync_later(ed->repo, dists);
	return 0;
}

/* Now, but never before the last edition's Date: apt takes an older one for a replay and
 * stays with what it has, without a word (apt 2.6, acquire-item.cc). */
static int64_t edition_date(const struct edition *ed)
{
	size_t len;
	_cleanup_err_ struct err ignored = ERR_INIT;
	_cleanup_free_ char *text = NULL;
	_cleanup_release_ struct release last = { 0 };
	_cleanup_free_ char *path = xasprintf("%s/Release", ed->previous);
	int64_t now = time_now_reproducible();
	if (file_read(path, RELEASE_MAX_BYTES, &text, &len, &ignored) < 0 ||
	    release_parse(text, len, path, &last, &ignored) < 0 || last.date <= now)
		return now;
	_cleanup_free_ char *date = time_format(last.date);
	log_warn("the clock is behind the last publish of %s; its Date %s is kept", ed->suite,
		 date);
	return last.date;
}

/* Steps 1 and 2 but for the commit. */
static int write_edition(struct repo *repo, const char *suite, struct err *err)
{
	_cleanup_edition_ struct edition ed = { .repo = repo, .suite = suite };
	if (index_get_number(repo->index, suite, &ed.number, err) < 0)
		return -1;
	ed.previous = edition_dir(repo, suite, ed.number);
	ed.dir = edition_dir(repo, suite, ++ed.number);
	ed.release.date = edition_date(&ed);
	ed.release.valid_until =
		ed.release.date + (int64_t)repo->conf->release_valid_seconds;
	if (remove_tree(ed.dir, err) < 0 || make_dirs(ed.dir, 0755, err) < 0 ||
	    index_forget_files(repo->index, suite, ed.number - BY_HASH_PUBLISHES, err) < 0)
		return -1;
	for (size_t i = 0; i < repo->conf->architectures.count; i++)
		if (write_architecture(&ed, repo->conf->architectures.items[i], err) < 0)
			return -1;
	if (write_release(&ed, err) < 0)
		return -1;
	return index_set_number(repo->index, suite, ed.number, err);
}

/* Whether `name` is ".<suite>.<digits>", and which number that is. */
static bool parse_edition_name(const char *name, const char *suite, int64_t *number)
{
	size_t len = strlen(suite);
	if (name[0] != '.' || strncmp(name + 1, suite, len) != 0 || name[1 + len] != '.')
		return false;
	const char *digits = name + 2 + len;
	if (!*digits || strlen(digits) > 18 || strspn(digits, "0123456789") != strlen(digits))
		return false;
	*number = strtoll(digits, NULL, 10);
	return true;
}

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* All editions but the current one and the one before it. */
static int remove_old_editions(const struct repo *repo, const char *suite, int64_t current,
			       struct err *err)
{
	_cleanup_free_ char *dists = repo_path(repo, "public/dists");
	_cleanup_(closedirp) DIR *dir = opendir(dists);
	if (!dir)
		return err_sys(err, "cannot read %s", dists);
	for (struct dirent *e; (e = readdir(dir));) {
		int64_t number;
		if (!parse_edition_name(e->d_name, suite, &number) || number == current ||
		    number == current - 1)
			continue;
		_cleanup_free_ char *path = xasprintf("%s/%s", dists, e->d_name);
		if (remove_tree(path, err) < 0)
			return -1;
	}
	return 0;
}

/* Step 3: dists/<suite> -> .<suite>.<number>. Nothing to do if it says so already. */
static int switch_link(const struct repo *repo, const char *suite, int64_t number,
		       struct err *err)
{
	char now[PATH_MAX];
	_cleanup_free_ char *link_path = repo_path(repo, "public/dists/%s", suite);
	_cleanup_free_ char *new_link = repo_path(repo, "public/dists/.%s.new", suite);
	_cleanup_free_ char *target = xasprintf(".%s.%lld", suite, (long long)number);
	ssize_t len = readlink(link_path, now, sizeof(now) - 1);
	now[len > 0 ? len : 0] = '\0';
	if (str_eq(now, target))
		return 0;
	if (unlink(new_link) < 0 && errno != ENOENT)
		return err_sys(err, "cannot remove %s", new_link);
	if (symlink(target, new_link) < 0)
		return err_sys(err, "cannot create %s", new_link);
	return atomic_rename(new_link, link_path, err);
}

static int finish_suite(const struct repo *repo, const char *suite, struct err *err)
{
	int64_t number;
	if (index_get_number(repo->index, suite, &number, err) < 0)
		return -1;
	if (number > 0 && switch_link(repo, suite, number, err) < 0)
		return -1;
	return remove_old_editions(repo, suite, number, err);
}

static int write_and_commit(struct repo *repo, const struct strv *suites, struct err *err)
{
	for (size_t i = 0; i < suites->count; i++)
		if (write_edition(repo, suites->items[i], err) < 0)
			return err_prefix(err, "publishing suite %s", suites->items[i]);
	if (repo_sync(repo, err) < 0)
		return -1;
	return state_commit(repo->index, err);
}

/* The index is as it was; so should dists/ be. What cannot be removed now, publish_recover()
 * will remove: the error that led here matters more. */
static void discard_editions(struct repo *repo, const struct strv *suites)
{
	state_rollback(repo->index);
	for (size_t i = 0; i < suites->count; i++) {
		_cleanup_err_ struct err ignored = ERR_INIT;
		int64_t number;
		if (index_get_number(repo->index, suites->items[i], &number, &ignored) < 0 ||
		    remove_old_editions(repo, suites->items[i], number, &ignored) < 0)
			log_debug("%s", ignored.msg);
	}
}

int publish_suites(struct repo *repo, const struct strv *suites, struct err *err)
{
	if (write_and_commit(repo, suites, err) < 0) {
		discard_editions(repo, suites);
		return -1;
	}
	for (size_t i = 0; i < suites->count; i++)
		if (finish_suite(repo, suites->items[i], err) < 0)
			return err_prefix(err, "publishing suite %s", suites->items[i]);
	return 0;
}

static int empty_tmp(const struct repo *repo, struct err *err)
{
	_cleanup_free_ char *tmp = repo_path(repo, "tmp");
	_cleanup_(closedirp) DIR *dir = opendir(tmp);
	if (!dir)
		return errno == ENOENT ? make_dirs(tmp, 0700, err)
				       : err_sys(err, "cannot read %s", tmp);
	for (struct dirent *e; (e = readdir(dir));) {
		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		_cleanup_free_ char *path = xasprintf("%s/%s", tmp, e->d_name);
		if (remove_tree(path, err) < 0)
			return -1;
	}
	return 0;
}

int publish_recover(struct repo *repo, struct err *err)
{
	if (empty_tmp(repo, err) < 0)
		return -1;
	for (size_t i = 0; i < repo->conf->suites.count; i++)
		if (finish_suite(repo, repo->conf->suites.items[i], err) < 0)
			return err_prefix(err, "finishing an interrupted publish of %s",
					  repo->conf->suites.items[i]);
	return 0;
}
