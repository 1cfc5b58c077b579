/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many sites that fetch one file, each a process with a root of its own and the real fetch
 * code, each at its place in the splay:
 *
 *     fleet-sites DIR SITES SPAN_MS SHA256 SIZE URI
 *
 * A line for each on standard output: name, begin and end (milliseconds from the start), exit
 * status, bytes received. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "pkgmgr/fetch-files.h"
#include "pkgmgr/schedule.h"

struct site {
	char name[32];
	int64_t offset_ms;
};

struct fleet {
	const char *dir;
	struct site *sites;
	size_t count;
	struct signed_file file;
	struct strv uris;
	int64_t started_ms;
};

static int compare_offsets(const void *a, const void *b)
{
	const struct site *x = a, *y = b;
	return x->offset_ms < y->offset_ms ? -1 : x->offset_ms > y->offset_ms;
}

static int fetch_at(const struct fleet *fleet, const struct site *site, uint64_t *received,
		    struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/%s", fleet->dir, site->name);
	_cleanup_free_ char *state = xasprintf("%s/var/lib/waybill", dir);
	_cleanup_free_ char *log = xasprintf("%s/%s.log", fleet->dir, site->name);
	struct fetch_policy unset, policy;
	struct root root = { NULL, NULL };
	struct signed_file file = fleet->file;
	if (!freopen(log, "w", stderr))
		return err_sys(err, "open %s", log);
	if (make_dirs(state, 0755, err) < 0 || root_init(&root, dir, err) < 0)
		return -1;
	fetch_policy_init(&unset);
	fetch_policy_merge(&unset, NULL, &policy);
	int rc = fetch_files(&root, &policy, &file, 1, received, err);
	free(file.path);
	err_clear(&file.err);
	fetch_policy_destroy(&policy);
	root_destroy(&root);
	/* The next ones need the room. */
	_cleanup_err_ struct err ignored = ERR_INIT;
	if (rc == 0)
		rc = remove_tree(dir, &ignored);
	return rc;
}

static void run_site(const struct fleet *fleet, const struct site *site)
{
	_cleanup_err_ struct err err = ERR_INIT;
	uint64_t received = 0;
	int64_t begin_ms = monotonic_ms() - fleet->started_ms;
	int rc = fetch_at(fleet, site, &received, &err);
	_cleanup_free_ char *line = xasprintf("%s %lld %lld %d %llu\n", site->name,
					      (long long)begin_ms,
					      (long long)(monotonic_ms() - fleet->started_ms),
					      rc < 0 ? 1 : 0, (unsigned long long)received);
	_cleanup_err_ struct err unsaid = ERR_INIT;
	if (write_all(STDOUT_FILENO, line, strlen(line), &unsaid) < 0)
		_exit(1);
	_exit(rc < 0 ? 1 : 0);
}

static int start_all(const struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++) {
		int64_t wait_ms = fleet->started_ms + fleet->sites[i].offset_ms - monotonic_ms();
		if (wait_ms > 0)
			usleep((useconds_t)wait_ms * 1000);
		pid_t pid = fork();
		if (pid < 0)
			return -1;
		if (pid == 0)
			run_site(fleet, &fleet->sites[i]);
	}
	int failed = 0, status = 0;
	while (wait(&status) > 0)
		failed |= status;
	return failed ? -1 : 0;
}

int main(int argc, char **argv)
{
	if (argc != 7)
		return 2;
	struct fleet fleet = { .dir = argv[1], .count = strtoul(argv[2], NULL, 10) };
	uint64_t span_ms = strtoull(argv[3], NULL, 10);
	strv_add(&fleet.uris, argv[6]);
	fleet.file = (struct signed_file){ .name = "the update", .sha256 = argv[4],
					   .uris = &fleet.uris, .suffix = ".deb",
					   .size_bytes = strtoull(argv[5], NULL, 10) };
	fleet.sites = xcalloc(fleet.count + 1, sizeof(*fleet.sites));
	for (size_t i = 0; i < fleet.count; i++) {
		struct site *site = &fleet.sites[i];
		snprintf(site->name, sizeof(site->name), "site-%04zu", i);
		site->offset_ms = (int64_t)schedule_offset(site->name, span_ms);
	}
	qsort(fleet.sites, fleet.count, sizeof(*fleet.sites), compare_offsets);
	log_init("fleet", LOG_LEVEL_INFO);
	fleet.started_ms = monotonic_ms();
	int rc = start_all(&fleet);
	free(fleet.sites);
	strv_destroy(&fleet.uris);
	return rc < 0 ? 1 : 0;
}
