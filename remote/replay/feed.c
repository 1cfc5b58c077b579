/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "common/util.h"
#include "remote/fbs.h"
#include "remote/replay/replay.h"

/* What the viewer says until it waits for pictures: its version, ClientInit; and that we may begin. */
enum { SAID_BYTES = 12 + 1 + 1 };

static void sleep_until(int64_t when_ms)
{
	const struct timespec when = { .tv_sec = when_ms / 1000, .tv_nsec = when_ms % 1000 * 1000000 };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) != 0)
		;
}

static int await_start(int fd, struct err *err)
{
	char said[SAID_BYTES];
	for (size_t at = 0; at < sizeof(said);) {
		ssize_t n = read(fd, said + at, sizeof(said) - at);
		if (n <= 0)
			return err_set(err, ERR_CANCELLED, "nobody looks");
		at += (size_t)n;
	}
	return 0;
}

static int feed(FILE *in, const struct replay_conf *conf, int fd, struct err *err)
{
	_cleanup_strbuf_ struct strbuf block = STRBUF_INIT;
	uint32_t at_ms = 0;
	int got = fbs_read_block(in, &block, &at_ms, err);
	if (got < 1)
		return got < 0 ? -1 : err_set(err, ERR_INPUT, "the recording is empty");
	if (write_all(fd, block.data, block.len, err) < 0 || await_start(fd, err) < 0)
		return -1;
	int64_t start_ms = monotonic_ms();
	while ((got = fbs_read_block(in, &block, &at_ms, err)) > 0) {
		if (at_ms > conf->from_ms)
			sleep_until(start_ms + (int64_t)((at_ms - conf->from_ms) / conf->speed));
		if (write_all(fd, block.data, block.len, err) < 0)
			return -1;
	}
	return got;
}

_Noreturn void replay_feed(FILE *in, const struct replay_conf *conf, int fd)
{
	_cleanup_err_ struct err err = ERR_INIT;
	int result = feed(in, conf, fd, &err);
	if (result < 0 && err.code == ERR_INPUT)
		log_error("%s", err.msg);
	_exit(result < 0);
}
