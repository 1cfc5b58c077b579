/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One event loop: descriptors, timers and signals of a program without threads. */
#ifndef WAYBILL_LOOP_H
#define WAYBILL_LOOP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "common/err.h"

struct loop;

struct loop *loop_new(struct err *err);
void loop_freep(struct loop **loop);

/* Milliseconds of the monotonic clock, as of when the loop last woke. */
int64_t loop_now_ms(const struct loop *loop);

/* A descriptor to be watched: embedded in what owns it, borrowed while it is added. */
struct loop_fd {
	int fd;
	uint32_t events; /* EPOLLIN, EPOLLOUT; errors always come */
	void (*ready)(void *arg, uint32_t events);
	void *arg;
};

int loop_add(struct loop *loop, struct loop_fd *watch, struct err *err) _must_check_;
void loop_change(struct loop *loop, struct loop_fd *watch, uint32_t events);
/* Before it is closed. No event of it comes afterwards. */
void loop_remove(struct loop *loop, struct loop_fd *watch);

/* A timer: embedded likewise; zeroed but for its first two members it is not set. */
struct loop_timer {
	void (*fire)(void *arg);
	void *arg;
	int64_t at_ms;
	size_t place; /* in the heap, from 1; 0: not set */
};

/* Fire once, in so many milliseconds; a timer that is set already is moved. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t in_ms);
void loop_timer_clear(struct loop *loop, struct loop_timer *timer);

/* Free `object` once no function that may still use it is on the stack. */
void loop_bury(struct loop *loop, void *object, void (*free_object)(void *object));

/* Block these signals (0 ends the list) and have them told to `on_signal` by the loop. */
int loop_watch_signals(struct loop *loop, const int *signals,
		       void (*on_signal)(void *arg, int signo), void *arg,
		       struct err *err) _must_check_;

/* Run until loop_stop(). */
int loop_run(struct loop *loop, struct err *err) _must_check_;
void loop_stop(struct loop *loop);

#endif
