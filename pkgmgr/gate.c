/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/gate-ssh.h"
#include "common/strv.h"
#include "common/subproc.h"

/* Past holes in rsync attacked the client, so it runs as a user that owns nothing
 * but the staging directory. A pkgmgr that is not root already (in tests) stays. */
static const char *fetch_user(const struct pkgmgr *m)
{
	return geteuid() == 0 ? m->conf->fetch_user : NULL;
}

static int run(const struct pkgmgr *m, struct subproc *spec, const char *what, struct err *err)
{
	spec->user = fetch_user(m);
	spec->quiet = true;
	spec->timeout_ms = (int)m->conf->timeout_s * 1000;
	if (subproc_run(spec, NULL, err) == 0)
		return 0;
	if (err->code == ERR_PROGRAM || err->code == ERR_TIMEOUT)
		err->code = ERR_NETWORK;
	return err_prefix(err, "cannot %s %s", what, m->conf->server);
}

static int make_staging(const struct pkgmgr *m, const char *dir, struct err *err)
{
	if (make_dirs(dir, 0755, err) < 0)
		return -1;
	const char *user = fetch_user(m);
	const struct passwd *pw = user ? getpwnam(user) : NULL;
	if (!user)
		return 0;
	if (!pw)
		return err_set(err, ERR_USAGE,
			       "there is no user '%s' on this machine (Fetch-User in %s)", user,
			       PKGMGR_CONF);
	if (chown(dir, pw->pw_uid, pw->pw_gid) < 0)
		return err_sys(err, "give %s to %s", dir, user);
	return 0;
}

/* rsync leaves out what is above --max-size and only mentions it. */
static int check_skipped(const char *output, struct err *err)
{
	if (!output || !strstr(output, "is over max-size"))
		return 0;
	_cleanup_strv_ struct strv lines = STRV_INIT;
	strv_split(&lines, output, "\n");
	return err_set(err, ERR_REFUSED, "the server offers more than 1 MiB: %s", lines.items[0]);
}

/* --modify-window: two lists of one size may be made in one second, so nanoseconds
 * count. The flags that the gate sees are a contract: docs/spec/gate.md */
int gate_fetch(const struct pkgmgr *m, struct err *err)
{
	_cleanup_free_ char *dir = root_path(&m->root, STAGING_DIR);
	if (make_staging(m, dir, err) < 0)
		return -1;
	_cleanup_strv_ struct strv ssh = STRV_INIT;
	gate_ssh_argv(m->conf, &ssh);
	_cleanup_free_ char *remote_shell = strv_join(&ssh, " ");
	_cleanup_strv_ struct strv argv = STRV_INIT;
	strv_addv(&argv, "rsync", "--recursive", "--times", "--delete", "--max-size=1m",
		  "--modify-window=-1", "--info=skip1", "-e", remote_shell, NULL);
	strv_addf(&argv, "%s:./", m->conf->server);
	strv_addf(&argv, "%s/", dir);
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	struct subproc spec = { .argv = (const char *const *)argv.items, .output = &output };
	if (run(m, &spec, "fetch the site's list from", err) < 0)
		return -1;
	return check_skipped(output.data, err);
}

/* The staging directory belongs to a user that we do not trust: no links, and no
 * pipe that would make us wait. */
int gate_read_staged(const struct pkgmgr *m, const char *name, size_t max_bytes, char **text,
		     size_t *len, struct err *err)
{
	*text = NULL;
	_cleanup_free_ char *path = root_path(&m->root, STAGING_DIR "/%s", name);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "the server has no %s for site %s", name,
			       m->conf->site);
	if (fd < 0)
		return err_sys(err, "open %s", path);
	return file_read_fd(fd, path, max_bytes, text, len, err);
}

int gate_report(const struct pkgmgr *m, const char *json, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	gate_ssh_argv(m->conf, &argv);
	strv_addv(&argv, m->conf->server, "report", NULL);
	struct subproc spec = { .argv = (const char *const *)argv.items,
				.input = json,
				.input_len = strlen(json) };
	return run(m, &spec, "report to", err);
}

int gate_time(const struct pkgmgr *m, int64_t *now, struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	gate_ssh_argv(m->conf, &argv);
	strv_addv(&argv, m->conf->server, "time", NULL);
	struct subproc spec = { .argv = (const char *const *)argv.items,
				.output = &output,
				.max_output = 4096 };
	if (run(m, &spec, "ask the time of", err) < 0)
		return -1;
	char *text = output.data ? output.data : (char *)"";
	if (output.len && text[output.len - 1] == '\n')
		text[output.len - 1] = '\0';
	return time_parse(text, now, "the gate's time", err);
}

/* Its exit status is 255 when ssh itself fails. */
int gate_enroll(const struct pkgmgr *m, const char *request, struct strbuf *answer,
		struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	int status = -1;
	gate_ssh_argv(m->conf, &argv);
	strv_addv(&argv, m->conf->server, "enroll", NULL);
	struct subproc spec = { .argv = (const char *const *)argv.items,
				.input = request,
				.input_len = strlen(request),
				.output = answer,
				.max_output = 64 * 1024,
				.user = fetch_user(m),
				.quiet = true,
				.timeout_ms = (int)m->conf->timeout_s * 1000 };
	if (subproc_run(&spec, &status, err) == 0)
		return 0;
	if (status == EXIT_REFUSED && answer->len) {
		err_clear(err);
		return 0;
	}
	if (err->code == ERR_PROGRAM || err->code == ERR_TIMEOUT)
		err->code = status == EXIT_REFUSED ? ERR_REFUSED : ERR_NETWORK;
	return err_prefix(err, "cannot enrol at %s", m->conf->server);
}
