/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An LD_PRELOAD library: a clock that is wrong by the seconds in the file CLOCK_FILE, for all
 * processes that are given it, and that can be set, which changes the file (not with
 * CLOCK_FIXED in the environment). The machine's own clock stays. See README.md. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long read_offset(void)
{
	char text[32] = "";
	int saved = errno;
	const char *path = getenv("CLOCK_FILE");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		if (read(fd, text, sizeof text - 1) < 0)
			text[0] = '\0';
		close(fd);
	}
	errno = saved;
	return atoll(text);
}

static int real_gettime(clockid_t id, struct timespec *ts)
{
	return (int)syscall(SYS_clock_gettime, id, ts);
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = real_gettime(id, ts);
	if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += (time_t)read_offset();
	return rc;
}

time_t time(time_t *out)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (out)
		*out = ts.tv_sec;
	return ts.tv_sec;
}

int gettimeofday(struct timeval *tv, void *zone)
{
	struct timespec ts;
	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

int clock_settime(clockid_t id, const struct timespec *to)
{
	struct timespec now;
	const char *path = getenv("CLOCK_FILE");
	int fd = path ? open(path, O_WRONLY | O_CLOEXEC) : -1;
	if (id != CLOCK_REALTIME || fd < 0 || getenv("CLOCK_FIXED")) {
		if (fd >= 0)
			close(fd);
		errno = EPERM;
		return -1;
	}
	real_gettime(CLOCK_REALTIME, &now);
	if (ftruncate(fd, 0) < 0)
		return -1;
	dprintf(fd, "%lld\n", (long long)to->tv_sec - (long long)now.tv_sec);
	close(fd);
	return 0;
}
