/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/dpkg.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "common/strbuf.h"
#include "common/subproc.h"
#include "common/util.h"

enum { MAX_STATUS_BYTES = 256 << 20, VERIFY_TIMEOUT_MS = 30 * 60 * 1000 };

void dpkg_status_destroy(struct dpkg_status *status)
{
	strv_destroy(&status->installed);
}

/* "install ok installed": the third word. */
static void judge(struct dpkg_status *status, const char *package, const char *state)
{
	if (str_eq(state, "installed"))
		strv_add(&status->installed, package);
	else if (!str_eq(state, "config-files") && !str_eq(state, "not-installed")) {
		strv_add(&status->installed, package);
		status->needs_repair = true;
	}
}

void dpkg_status_parse(const char *text, struct dpkg_status *status)
{
	*status = (struct dpkg_status){ 0 };
	_cleanup_free_ char *package = NULL;
	for (const char *line = text; line && *line;) {
		const char *end = strchrnul(line, '\n');
		if (str_starts(line, "Package: ")) {
			free(package);
			package = xstrndup(line + 9, (size_t)(end - line - 9));
		} else if (package && str_starts(line, "Status: ")) {
			const char *word = end;
			while (word[-1] != ' ')
				word--;
			_cleanup_free_ char *state = xstrndup(word, (size_t)(end - word));
			judge(status, package, state);
		}
		line = *end ? end + 1 : end;
	}
	if (status->installed.count)
		strv_sort(&status->installed);
}

/* dpkg's journal: numbered files in updates/, merged into status at its next start. */
static bool has_journal(const struct root *root)
{
	_cleanup_free_ char *dir = root_path(root, "var/lib/dpkg/updates");
	DIR *listing = opendir(dir);
	bool found = false;
	for (const struct dirent *e; listing && (e = readdir(listing));)
		found |= isdigit((unsigned char)e->d_name[0]) != 0;
	if (listing)
		closedir(listing);
	return found;
}

int dpkg_status_read(const struct root *root, struct dpkg_status *status, struct err *err)
{
	*status = (struct dpkg_status){ 0 };
	_cleanup_free_ char *path = root_path(root, "var/lib/dpkg/status");
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	if (file_read(path, MAX_STATUS_BYTES, &text, &len, err) < 0)
		return err_prefix(err, "dpkg's database");
	dpkg_status_parse(text, status);
	status->needs_repair |= has_journal(root);
	return 0;
}

/* 0: nobody holds it, else the process that does. */
static pid_t lock_holder(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid;
}

static int wait_for_lock(const char *path, int64_t deadline_ms, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return err_sys(err, "open %s", path);
	pid_t told = 0;
	for (pid_t holder = lock_holder(fd); holder; holder = lock_holder(fd)) {
		if (holder != told)
			log_info("waiting for process %ld, which holds %s", (long)holder, path);
		told = holder;
		if (monotonic_ms() >= deadline_ms)
			return err_set(err, ERR_BUSY, "process %ld still holds %s", (long)holder,
				       path);
		usleep(100 * 1000);
	}
	return 0;
}

int dpkg_wait(const struct root *root, unsigned timeout_s, struct err *err)
{
	int64_t deadline_ms = monotonic_ms() + (int64_t)timeout_s * 1000;
	_cleanup_free_ char *frontend = root_path(root, "var/lib/dpkg/lock-frontend");
	_cleanup_free_ char *lock = root_path(root, "var/lib/dpkg/lock");
	if (wait_for_lock(frontend, deadline_ms, err) < 0)
		return -1;
	return wait_for_lock(lock, deadline_ms, err);
}

static void add_dpkg(const struct root *root, struct strv *argv)
{
	strv_add(argv, "dpkg");
	if (root_is_host(root))
		return;
	strv_addf(argv, "--root=%s", root->dir);
	strv_add(argv, "--force-script-chrootless");
}

int dpkg_configure_all(const struct root *root, struct err *err)
{
	static const char *const env[] = { "DEBIAN_FRONTEND=noninteractive", NULL };
	_cleanup_strv_ struct strv argv = STRV_INIT;
	add_dpkg(root, &argv);
	strv_addv(&argv, "--force-confdef", "--force-confold", "--configure", "-a", NULL);
	struct subproc spec = { .argv = (const char *const *)argv.items, .env_add = env };
	return subproc_run(&spec, NULL, err);
}

int dpkg_verify(const struct root *root, const struct strv *packages, struct strv *findings,
		struct err *err)
{
	if (!packages->count)
		return 0;
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	add_dpkg(root, &argv);
	strv_add(&argv, "--verify");
	for (size_t i = 0; i < packages->count; i++)
		strv_add(&argv, packages->items[i]);
	int status = 0;
	struct subproc spec = { .argv = (const char *const *)argv.items,
				.output = &output,
				.quiet = true,
				.timeout_ms = VERIFY_TIMEOUT_MS };
	/* dpkg exits 0 or 1 when files differ, and prints a line for each. */
	if (subproc_run(&spec, &status, err) < 0 && !output.len)
		return -1;
	err_clear(err);
	strv_split(findings, output.data ? output.data : "", "\n");
	return 0;
}
