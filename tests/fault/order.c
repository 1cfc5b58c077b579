/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An LD_PRELOAD library that writes down, in the order in which it happens and for all
 * processes, which files below WAYBILL_ORDER_DIR a program opens, and which SHA-256 its
 * first thread has computed:
 *
 *     pkgmgr write /.../archives/<sha256>.part
 *     pkgmgr digest <sha256>
 *     dpkg-deb read /.../archives/<sha256>.deb
 *
 * The lines go to the file WAYBILL_ORDER_LOG.
 *
 * With WAYBILL_STOP_FILE, a pattern of fnmatch(3), a program stops itself once, as by SIGSTOP, when
 * it is about to write to such a file beyond its first WAYBILL_STOP_BYTES bytes, or has given a file
 * such a name. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* By a system call of its own: open() is ours. One write, so that lines do not mix. */
static void say(const char *what, const char *object)
{
	const char *log = getenv("WAYBILL_ORDER_LOG");
	char line[4400];
	int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
	int fd = log ? real(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return;
	int len = snprintf(line, sizeof(line), "%s %s %s\n", program_invocation_short_name, what,
			   object);
	ssize_t ignored = write(fd, line, (size_t)len);
	(void)ignored;
	close(fd);
}

static void say_open(const char *path, int writes)
{
	const char *dir = getenv("WAYBILL_ORDER_DIR");
	int error = errno;
	if (dir && path && strncmp(path, dir, strlen(dir)) == 0)
		say(writes ? "write" : "read", path);
	errno = error;
}

static int takes_mode(int flags)
{
	return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

#define MODE(flags, mode)                                \
	do {                                             \
		va_list ap;                              \
		va_start(ap, flags);                     \
		if (takes_mode(flags))                   \
			(mode) = (mode_t)va_arg(ap, int); \
		va_end(ap);                              \
	} while (0)

#define OPEN(name)                                                                      \
	int name(const char *path, int flags, ...)                                      \
	{                                                                               \
		mode_t mode = 0;                                                        \
		MODE(flags, mode);                                                      \
		say_open(path, (flags & O_ACCMODE) != O_RDONLY);                        \
		int (*real)(const char *, int, ...) =                                   \
			(int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name);       \
		return real(path, flags, mode);                                         \
	}
#define OPENAT(name)                                                                    \
	int name(int dir, const char *path, int flags, ...)                             \
	{                                                                               \
		mode_t mode = 0;                                                        \
		MODE(flags, mode);                                                      \
		say_open(path, (flags & O_ACCMODE) != O_RDONLY);                        \
		int (*real)(int, const char *, int, ...) =                              \
			(int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, #name);  \
		return real(dir, path, flags, mode);                                    \
	}
#define FOPEN(name)                                                                     \
	FILE *name(const char *path, const char *mode)                                  \
	{                                                                               \
		say_open(path, strpbrk(mode, "wa+") != NULL);                           \
		FILE *(*real)(const char *, const char *) =                             \
			(FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, #name); \
		return real(path, mode);                                                \
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
FOPEN(fopen)
FOPEN(fopen64)

static void stop_at(const char *path)
{
	static int stopped;
	const char *pattern = getenv("WAYBILL_STOP_FILE");
	if (stopped || !pattern || fnmatch(pattern, path, 0) != 0)
		return;
	stopped = 1;
	raise(SIGSTOP);
}

ssize_t write(int fd, const void *data, size_t len)
{
	ssize_t (*real)(int, const void *, size_t) =
		(ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
	const char *bytes = getenv("WAYBILL_STOP_BYTES");
	char link[64], path[4096] = "";
	off_t at = bytes ? lseek(fd, 0, SEEK_CUR) : -1;
	if (at >= 0 && at + (off_t)len > atoll(bytes)) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		if (readlink(link, path, sizeof(path) - 1) > 0)
			stop_at(path);
	}
	return real(fd, data, len);
}

int rename(const char *from, const char *to)
{
	int (*real)(const char *, const char *) =
		(int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
	int rc = real(from, to);
	int error = errno;
	stop_at(to);
	errno = error;
	return rc;
}

struct sha256_ctx;
void nettle_sha256_digest(struct sha256_ctx *ctx, size_t length, uint8_t *digest);
void nettle_sha256_digest(struct sha256_ctx *ctx, size_t length, uint8_t *digest)
{
	void (*real)(struct sha256_ctx *, size_t, uint8_t *) =
		(void (*)(struct sha256_ctx *, size_t, uint8_t *))dlsym(RTLD_NEXT,
									"nettle_sha256_digest");
	char hex[65];
	real(ctx, length, digest);
	for (size_t i = 0; i < 32 && i < length; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	/* Another thread hashes what no parser will see: the lines are the order of the first one's deeds. */
	if (gettid() == getpid())
		say("digest", hex);
}
