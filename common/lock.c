/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/util.h"

/* The holder writes its PID into the file, for the one who waits. */
static long holder_of(int fd)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	return n > 0 ? strtol(text, NULL, 10) : 0;
}

static void write_holder(int fd)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	/* Only information: a failure changes nothing. */
	if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) != len)
		log_debug("lock: could not note the holder");
}

/* Once for each holder, whichever lock: one that takes a lock again and again would fill the journal. */
static void say_who_holds(const char *path, long holder)
{
	static long said;
	if (holder != said)
		log_info("waiting for process %ld, which holds %s", holder, path);
	said = holder;
}

int lock_take(const char *path, int timeout_ms, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(err, "open lock %s", path);
	int64_t start = monotonic_ms();
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(err, "lock %s", path);
		int64_t waited = monotonic_ms() - start;
		if (timeout_ms >= 0 && waited >= timeout_ms)
			return err_set(err, ERR_BUSY, "%s is locked by process %ld; try again later",
				       path, holder_of(fd));
		if (waited >= 1000)
			say_who_holds(path, holder_of(fd));
		nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000 * 1000 }, NULL);
	}
	write_holder(fd);
	return steal_fd(&fd);
}
