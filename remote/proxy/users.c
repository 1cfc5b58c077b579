/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/proxy/users.h"

#include <crypt.h>
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nettle/memops.h>

#include "common/atomic-file.h"
#include "common/strbuf.h"
#include "common/util.h"

enum { MAX_BYTES = 4 * 1024 * 1024, BCRYPT_COST = 11 };

bool user_name_is_valid(const char *name)
{
	size_t len = strlen(name);
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._@-", *p))
			return false;
	return len > 0 && len <= USER_NAME_MAX;
}

int users_hash(const char *password, char **hash, struct err *err)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	struct crypt_data data = { 0 };
	*hash = NULL;
	if (!*password || strlen(password) > PASSWORD_MAX)
		return err_set(err, ERR_USAGE, "a password has from 1 to %d bytes", PASSWORD_MAX);
	if (!crypt_gensalt_rn("$2b$", BCRYPT_COST, NULL, 0, setting, sizeof(setting)))
		return err_sys(err, "make a salt");
	const char *result = crypt_r(password, setting, &data);
	if (!result || *result == '*')
		return err_sys(err, "hash the password");
	*hash = xstrdup(result);
	explicit_bzero(&data, sizeof(data));
	return 0;
}

/* A missing file is an empty one. */
static int read_file(const char *path, char **text, struct err *err)
{
	size_t len = 0;
	if (file_read(path, MAX_BYTES, text, &len, err) == 0)
		return 0;
	if (err->code != ERR_NOT_FOUND)
		return -1;
	err_clear(err);
	*text = xstrdup("");
	return 0;
}

/* "name:hash" of a line that begins at `line`. Returns whether it is one. */
static bool take_line(char *line, char **name, char **hash)
{
	char *colon = strchr(line, ':');
	if (!colon || *line == '#')
		return false;
	*colon = '\0';
	*name = line;
	*hash = colon + 1;
	return user_name_is_valid(*name) && **hash == '$';
}

int users_each(const char *path, void (*on_name)(void *arg, const char *name), void *arg,
	       struct err *err)
{
	_cleanup_free_ char *text = NULL;
	char *name, *hash, *rest, *line;
	if (read_file(path, &text, err) < 0)
		return -1;
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (take_line(line, &name, &hash))
			on_name(arg, name);
	return 0;
}

int users_set(const char *path, const char *name, const char *hash, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	bool found = false;
	if (read_file(path, &text, err) < 0)
		return -1;
	size_t len = strlen(name);
	char *rest = text, *line;
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			found = true;
		else if (*line)
			strbuf_addf(&out, "%s\n", line);
	}
	if (!hash && !found)
		return err_set(err, ERR_NOT_FOUND, "no user is called '%s'", name);
	if (hash)
		strbuf_addf(&out, "%s:%s\n", name, hash);
	return atomic_file_write(path, out.data ? out.data : "", out.len, 0640, err);
}

/* --- checking ----------------------------------------------------------------------------- */

struct password_check {
	struct loop *loop;
	struct loop_fd child; /* a pidfd */
	pid_t pid;
	void (*done)(void *arg, bool right);
	void *arg;
};

/* Of nobody: so that an unknown name takes as long. */
static const char nobodys_hash[] = "$2b$11$abcdefghijklmnopqrstuuWz9vZ6JmYxOQpxGm1MrbcF3bkqRsmiG";

static bool is_right(const char *path, const char *wanted, const char *password)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *text = NULL;
	const char *hash = nobodys_hash;
	char *name, *found, *line;
	if (read_file(path, &text, &err) < 0)
		return false;
	char *rest = text;
	while ((line = strsep(&rest, "\n")))
		if (take_line(line, &name, &found) && str_eq(name, wanted))
			hash = found;
	struct crypt_data data = { 0 };
	const char *result = crypt_r(password, hash, &data);
	return result && hash != nobodys_hash && strlen(result) == strlen(hash) &&
	       memeql_sec(result, hash, strlen(hash));
}

static void free_check(void *object)
{
	free(object);
}

static void on_child(void *arg, uint32_t events)
{
	struct password_check *check = arg;
	void (*done)(void *, bool) = check->done;
	void *done_arg = check->arg;
	int status = 0;
	bool right = waitpid(check->pid, &status, 0) == check->pid && WIFEXITED(status) &&
		     WEXITSTATUS(status) == 0;
	check->pid = 0;
	password_check_cancel(&check);
	done(done_arg, right);
}

void password_check_cancel(struct password_check **check_p)
{
	struct password_check *check = steal(check_p);
	if (!check)
		return;
	if (check->pid > 0) {
		kill(check->pid, SIGKILL);
		waitpid(check->pid, NULL, 0);
	}
	loop_remove(check->loop, &check->child);
	closep(&check->child.fd);
	loop_bury(check->loop, check, free_check);
}

struct password_check *password_check_start(struct loop *loop, const char *path, const char *name,
					    const char *password,
					    void (*done)(void *arg, bool right), void *arg,
					    struct err *err)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(is_right(path, name, password) ? 0 : 1);
	if (pid < 0) {
		err_sys(err, "fork");
		return NULL;
	}
	struct password_check *check = xcalloc(1, sizeof(*check));
	*check = (struct password_check){ .loop = loop, .pid = pid, .done = done, .arg = arg };
	check->child = (struct loop_fd){ (int)syscall(SYS_pidfd_open, pid, 0), EPOLLIN, on_child,
					 check };
	if (check->child.fd >= 0 && loop_add(loop, &check->child, err) == 0)
		return check;
	if (check->child.fd < 0)
		err_sys(err, "watch a process");
	password_check_cancel(&check);
	return NULL;
}
