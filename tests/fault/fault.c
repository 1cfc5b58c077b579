/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An LD_PRELOAD library that lets the Nth lasting step of a program fail, or kills the
 * program there. See README.md beside this file. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum how { HOW_COUNT, HOW_KILL_BEFORE, HOW_KILL_AFTER, HOW_ERROR };
enum verdict { GO_ON, FAIL, DIE_AFTER };

/* Set once by set_up(), before main. The counter lies in a file that all processes of
 * the selected program share, so that what a forked child does counts too. */
static struct {
	bool active;
	enum how how;
	int error;
	unsigned at;
	char calls[256]; /* ",rename,fsync,", or "" for all */
	unsigned *counter;
	char dir[PATH_MAX - 16];
} fault;

static const struct {
	const char *name;
	int value;
} errors[] = { { "EIO", EIO },       { "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT },
	       { "EROFS", EROFS },   { "EACCES", EACCES }, { "EAGAIN", EAGAIN },
	       { "ENOMEM", ENOMEM }, { "EINTR", EINTR },   { "EMFILE", EMFILE } };

__attribute__((noreturn)) static void give_up(const char *why)
{
	dprintf(2, "fault.so: %s\n", why);
	_exit(99);
}

static void parse_how(const char *how)
{
	if (!how || !strcmp(how, "count"))
		fault.how = HOW_COUNT;
	else if (!strcmp(how, "kill-before"))
		fault.how = HOW_KILL_BEFORE;
	else if (!strcmp(how, "kill-after"))
		fault.how = HOW_KILL_AFTER;
	else
		fault.how = HOW_ERROR;
	if (fault.how != HOW_ERROR)
		return;
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (!strcmp(how, errors[i].name))
			fault.error = errors[i].value;
	if (!fault.error)
		give_up("FAULT_HOW is none of count, kill-before, kill-after, EIO, "
			"ENOSPC...");
}

/* Open a file of FAULT_DIR for all users: the program may drop privileges. */
static int open_shared(const char *dir, const char *name, int flags)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, flags | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = open(path, flags | O_CREAT | O_CLOEXEC, 0666);
	if (fd >= 0)
		fchmod(fd, 0666);
	return fd;
}

static void open_state(const char *dir)
{
	int fd = open_shared(dir, "counter", O_RDWR);
	if (fd < 0 || syscall(SYS_ftruncate, fd, (long)sizeof *fault.counter))
		give_up("cannot make the counter in FAULT_DIR");
	fault.counter = mmap(NULL, sizeof *fault.counter, PROT_READ | PROT_WRITE,
			     MAP_SHARED, fd, 0);
	if (fault.counter == MAP_FAILED)
		give_up("cannot map the counter in FAULT_DIR");
	close(fd);
	snprintf(fault.dir, sizeof fault.dir, "%s", dir);
}

__attribute__((constructor)) static void set_up(void)
{
	const char *program = getenv("FAULT_PROGRAM"), *dir = getenv("FAULT_DIR");
	if (!program || !dir || strcmp(program, program_invocation_short_name))
		return;
	const char *at = getenv("FAULT_AT"), *calls = getenv("FAULT_CALLS");
	fault.at = at ? strtoul(at, NULL, 10) : 0;
	if (calls && *calls)
		snprintf(fault.calls, sizeof fault.calls, ",%s,", calls);
	parse_how(getenv("FAULT_HOW"));
	open_state(dir);
	fault.active = true;
}

static bool is_selected(const char *call)
{
	char word[64];
	snprintf(word, sizeof word, ",%s,", call);
	return !*fault.calls || strstr(fault.calls, word);
}

/* One line of the trail, in one raw write. Opened each time, since a child that is about
 * to run a program closes all descriptors that it does not know. */
static void leave_trail(unsigned n, const char *mark, const char *call,
			const char *detail)
{
	char line[2 * PATH_MAX + 100];
	int len = snprintf(line, sizeof line, "%u %s %s%s\n", n, call, detail, mark);
	if (len >= (int)sizeof line)
		len = sizeof line - 1;
	int fd = open_shared(fault.dir, "trail", O_WRONLY | O_APPEND);
	if (fd < 0)
		give_up("cannot write to the trail in FAULT_DIR");
	syscall(SYS_write, fd, line, (long)len);
	close(fd);
}

__attribute__((noreturn)) static void die(void)
{
	syscall(SYS_kill, getpid(), SIGKILL);
	for (;;)
		pause();
}

/* Count this call and decide. The format describes its object for the trail. */
__attribute__((format(printf, 2, 3))) static enum verdict before(const char *call,
								 const char *fmt, ...)
{
	if (!fault.active || !is_selected(call))
		return GO_ON;
	int saved = errno;
	char detail[2 * PATH_MAX + 20];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(detail, sizeof detail, fmt, ap);
	va_end(ap);
	unsigned n = __atomic_add_fetch(fault.counter, 1, __ATOMIC_SEQ_CST);
	bool hit = n == fault.at && fault.how != HOW_COUNT;
	leave_trail(n, hit ? "  <-- here" : "", call, detail);
	if (hit && fault.how == HOW_KILL_BEFORE)
		die();
	errno = hit && fault.how == HOW_ERROR ? fault.error : saved;
	if (!hit)
		return GO_ON;
	return fault.how == HOW_ERROR ? FAIL : DIE_AFTER;
}

static void *real(const char *name)
{
	void *symbol = dlsym(RTLD_NEXT, name);
	if (!symbol)
		give_up("a function that should be in libc is not");
	return symbol;
}

static const char *fd_path(int fd, char *buf)
{
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, buf, PATH_MAX - 1);
	buf[len < 0 ? 0 : len] = '\0';
	return buf;
}

/* Define libc's `name`: count, then fail, or call the real one and perhaps die. `counted`
 * says whether this call is of interest; the rest is a printf format and arguments that
 * describe it. */
#define WRAP_IF(type, name, params, args, failure, counted, ...)                         \
	type name params                                                                 \
	{                                                                                \
		static type(*real_##name) params;                                        \
		if (!real_##name)                                                        \
			real_##name = real(#name);                                       \
		enum verdict verdict = counted ? before(#name, __VA_ARGS__) : GO_ON;     \
		if (verdict == FAIL)                                                     \
			return failure;                                                  \
		type result = real_##name args;                                          \
		if (verdict == DIE_AFTER)                                                \
			die();                                                           \
		return result;                                                           \
	}

#define WRAP(type, name, params, args, ...)                                              \
	WRAP_IF(type, name, params, args, -1, fault.active, __VA_ARGS__)

/* What goes to standard output or error is for people, and what goes into a pipe or
 * socket is another process's: neither lasts. (A pipe that answers ENOSPC makes
 * libapt-pkg wait for its method for ever, and no real pipe does.) */
static bool lasts(int fd)
{
	struct stat st;
	return fd != 1 && fd != 2 &&
	       !(fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)));
}

/* Calls on a descriptor. */
#define WRAP_FD(type, name, params, args)                                                \
	WRAP_IF(type, name, params, args, -1, (fault.active && lasts(fd)),      \
		"%s", fd_path(fd, (char[PATH_MAX]){ 0 }))

/* posix_spawn and posix_spawnp return an error number instead of -1. */
#define WRAP_SPAWN(name)                                                                 \
	WRAP_IF(int, name,                                                               \
		(pid_t * pid, const char *path,                                          \
		 const posix_spawn_file_actions_t *actions,                              \
		 const posix_spawnattr_t *attributes, char *const argv[],                \
		 char *const env[]),                                                     \
		(pid, path, actions, attributes, argv, env), fault.error, fault.active,  \
		"%s", path)

WRAP_FD(ssize_t, write, (int fd, const void *buf, size_t len), (fd, buf, len))
WRAP_FD(ssize_t, writev, (int fd, const struct iovec *iov, int count), (fd, iov, count))
WRAP_FD(ssize_t, pwrite, (int fd, const void *buf, size_t len, off_t at),
	(fd, buf, len, at))
WRAP_FD(ssize_t, pwrite64, (int fd, const void *buf, size_t len, off64_t at),
	(fd, buf, len, at))
WRAP_FD(int, ftruncate, (int fd, off_t len), (fd, len))
WRAP_FD(int, ftruncate64, (int fd, off64_t len), (fd, len))
WRAP_FD(int, fsync, (int fd), (fd))
WRAP_FD(int, fdatasync, (int fd), (fd))

WRAP(int, rename, (const char *from, const char *to), (from, to), "%s %s", from, to)
WRAP(int, renameat, (int from_fd, const char *from, int to_fd, const char *to),
     (from_fd, from, to_fd, to), "%s %s", from, to)
WRAP(int, renameat2,
     (int from_fd, const char *from, int to_fd, const char *to, unsigned flags),
     (from_fd, from, to_fd, to, flags), "%s %s", from, to)
WRAP(int, link, (const char *from, const char *to), (from, to), "%s %s", from, to)
WRAP(int, linkat, (int from_fd, const char *from, int to_fd, const char *to, int flags),
     (from_fd, from, to_fd, to, flags), "%s %s", from, to)
WRAP(int, symlink, (const char *target, const char *path), (target, path), "%s %s",
     target, path)
WRAP(int, symlinkat, (const char *target, int fd, const char *path), (target, fd, path),
     "%s %s", target, path)
WRAP(int, unlink, (const char *path), (path), "%s", path)
WRAP(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags), "%s", path)
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), "%s", path)
WRAP(int, mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode), "%s", path)
WRAP(int, rmdir, (const char *path), (path), "%s", path)

WRAP(pid_t, fork, (void), (), "%s", "")
WRAP(int, execve, (const char *path, char *const argv[], char *const env[]),
     (path, argv, env), "%s", path)
WRAP(int, execv, (const char *path, char *const argv[]), (path, argv), "%s", path)
WRAP(int, execvp, (const char *path, char *const argv[]), (path, argv), "%s", path)
WRAP(int, execvpe, (const char *path, char *const argv[], char *const env[]),
     (path, argv, env), "%s", path)

/* A wrapper's frame cannot be returned from twice, as vfork would: fork instead, which
 * counts and fails under its own name. */
pid_t vfork(void)
{
	return fork();
}

WRAP_SPAWN(posix_spawn)
WRAP_SPAWN(posix_spawnp)
