/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/gate.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/enrol.h"
#include "common/strv.h"
#include "repo-tools/gate-input.h"
#include "repo-tools/report.h"

#define RSYNC "/usr/bin/rsync"
#define INPUT_TIMEOUT_MS 60000
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* What a reader may ask of the sender: verbose, times, recursive, links as links,
 * permissions, owner, group, devices, checksum, compress, dry run, update, itemize,
 * human, quiet. Not L, k, K (follow links), s (arguments by the back door), R, f. */
#define RSYNC_FLAGS "vtrlpogDcznuihq"

void gate_request_destroy(struct gate_request *request)
{
	free(request->flags);
	free(request->timeout);
	free(request->path);
	memset(request, 0, sizeof(*request));
}

static int refuse(struct err *err, const char *why)
{
	return err_set(err, ERR_REFUSED, "refused: %s", why);
}

/* "-tre.iLsfxCIvu": flags, then e with what the client is capable of, which is no
 * remote shell here (rsync(1), --server). */
static bool flags_are_allowed(const char *flags)
{
	if (*flags++ != '-' || !*flags)
		return false;
	flags += strspn(flags, RSYNC_FLAGS);
	if (!*flags)
		return true;
	if (*flags++ != 'e')
		return false;
	flags += strspn(flags, DIGITS);
	if (*flags++ != '.')
		return false;
	return flags[strspn(flags, LETTERS)] == '\0';
}

static bool timeout_is_allowed(const char *word)
{
	if (!str_starts(word, "--timeout="))
		return false;
	const char *digits = word + strlen("--timeout=");
	size_t len = strlen(digits);
	return len && len <= 5 && strspn(digits, DIGITS) == len;
}

/* Plain names and slashes: nothing that a shell or rsync's globbing would expand, no
 * way up, no option. */
static bool path_is_allowed(const char *path)
{
	if (!*path || *path == '/' || *path == '-' ||
	    path[strspn(path, LETTERS DIGITS "./+_-")] != '\0')
		return false;
	for (const char *at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))
			return false;
	}
	return true;
}

/* rsync --server --sender FLAGS [--timeout=N] . PATH */
static int parse_rsync(const struct strv *words, struct gate_request *out, struct err *err)
{
	char *const *w = words->items;
	bool timeout = words->count == 7;
	if (words->count < 6 || words->count > 7 || !str_eq(w[1], "--server") ||
	    !str_eq(w[2], "--sender"))
		return refuse(err, "rsync may only send to the site (--server --sender)");
	if (!flags_are_allowed(w[3]) || (timeout && !timeout_is_allowed(w[4])))
		return refuse(err, "rsync with an option that is not allowed");
	if (!str_eq(w[words->count - 2], "."))
		return refuse(err, "rsync arguments in an unknown form");
	if (!path_is_allowed(w[words->count - 1]))
		return refuse(err, "a path that is not plainly below the site's directory");
	out->verb = GATE_RSYNC;
	out->flags = xstrdup(w[3]);
	out->timeout = timeout ? xstrdup(w[4]) : NULL;
	out->path = xstrdup(w[words->count - 1]);
	return 0;
}

static bool parse_verb(const char *word, struct gate_request *out)
{
	static const struct {
		const char *word;
		enum gate_verb verb;
	} verbs[] = { { "report", GATE_REPORT }, { "time", GATE_TIME }, { "enroll", GATE_ENROLL } };
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (str_eq(word, verbs[i].word)) {
			out->verb = verbs[i].verb;
			return true;
		}
	}
	return false;
}

int gate_parse(const char *command, struct gate_request *out, struct err *err)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	memset(out, 0, sizeof(*out));
	if (!command || !*command)
		return refuse(err, "there is no shell here; ask for 'report' or rsync");
	if (strnlen(command, GATE_COMMAND_MAX_BYTES + 1) > GATE_COMMAND_MAX_BYTES)
		return refuse(err, "a command of more than 1024 bytes");
	for (const char *c = command; *c; c++)
		if (!isprint((unsigned char)*c))
			return refuse(err, "a command with control or non-ASCII characters");
	strv_split(&words, command, " ");
	if (words.count == 1 && parse_verb(words.items[0], out))
		return 0;
	if (words.count && str_eq(words.items[0], "rsync"))
		return parse_rsync(&words, out, err);
	return refuse(err, "a command other than 'report', 'time', 'enroll' and rsync");
}

/* Links would lead out: the kernel refuses to walk through any. */
static int check_exists(const char *path, struct err *err)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	_cleanup_close_ int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	if (fd >= 0)
		return 0;
	if (errno == ENOENT || errno == ENOTDIR)
		return err_set(err, ERR_NOT_FOUND, "there is no %s for this site", path);
	if (errno == ELOOP || errno == EXDEV)
		return refuse(err, "a path through a symbolic link");
	return err_sys(err, "cannot look at %s", path);
}

/* In the directory that `out` links to now: a new list that is signed while rsync runs
 * is another directory. This process is done, so rsync takes its place. */
static int exec_rsync(const struct gate_request *request, const char *site_dir, struct err *err)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL };
	const char *argv[] = { RSYNC, "--server", "--sender", request->flags, ".",
			       request->path, NULL, NULL };
	if (request->timeout) {
		argv[4] = request->timeout;
		argv[5] = ".";
		argv[6] = request->path;
	}
	_cleanup_free_ char *out = xasprintf("%s/out", site_dir);
	if (chdir(out) < 0)
		return err_sys(err, "cannot enter %s (is the site's list signed?)", out);
	if (check_exists(request->path, err) < 0)
		return -1;
	execve(RSYNC, (char *const *)argv, (char *const *)env);
	return err_sys(err, "cannot run " RSYNC);
}

static int take_report(const char *site_dir, const char *site, int fd, struct err *err)
{
	size_t len;
	_cleanup_free_ char *text = NULL;
	_cleanup_(report_freep) struct report *report = NULL;
	_cleanup_free_ char *path = xasprintf("%s/report.json", site_dir);
	if (gate_input_read(fd, "the report", REPORT_MAX_BYTES, INPUT_TIMEOUT_MS, &text, &len,
			    err) < 0)
		return -1;
	if (report_parse(text, len, site, &report, err) < 0) {
		err->code = ERR_REFUSED;
		return err_prefix(err, "refused");
	}
	return atomic_file_write(path, text, len, 0600, err);
}

static int put(const char *text, size_t len, struct err *err)
{
	return write_all(STDOUT_FILENO, text, len, err);
}

static int tell_time(struct err *err)
{
	_cleanup_free_ char *now = time_format(time(NULL));
	_cleanup_free_ char *line = xasprintf("%s\n", now);
	return put(line, strlen(line), err);
}

/* A machine that did not hear that it is enrolled asks again, and this is its key. */
static int confirm_enrolled(const char *site, int fd, struct err *err)
{
	size_t len;
	_cleanup_free_ char *request = NULL;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_free_ char *name = xstrdup(site);
	const struct enrol_answer answer = { .status = ENROL_ENROLLED, .site = name };
	if (gate_input_read(fd, "the request", ENROL_MAX_BYTES, INPUT_TIMEOUT_MS, &request, &len,
			    err) < 0)
		return -1;
	enrol_answer_format(&answer, &text);
	return put(text.data, text.len, err);
}

int gate_serve(const struct gate_request *request, const char *site_dir, const char *site,
	       int input_fd, struct err *err)
{
	_cleanup_free_ char *key = xasprintf("%s/key.pub", site_dir);
	if (!file_exists(key))
		return refuse(err, "this site has no key; it was revoked");
	switch (request->verb) {
	case GATE_RSYNC:
		return exec_rsync(request, site_dir, err);
	case GATE_REPORT:
		return take_report(site_dir, site, input_fd, err);
	case GATE_TIME:
		return tell_time(err);
	case GATE_ENROLL:
		return confirm_enrolled(site, input_fd, err);
	}
	return refuse(err, "an unknown request");
}
