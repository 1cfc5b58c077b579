/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/util.h"

enum { BATCH = 256 };

struct grave {
	void *object;
	void (*free_object)(void *object);
};

struct loop {
	int epoll;
	bool stopped;
	int64_t now_ms;
	struct epoll_event batch[BATCH];
	int batch_count, batch_at;
	/* A heap, the earliest first; heap[0] is not used. */
	struct loop_timer **heap;
	size_t timer_count, heap_size;
	struct grave *graves;
	size_t grave_count, grave_size;
	struct loop_fd signals;
	void (*on_signal)(void *arg, int signo);
	void *on_signal_arg;
};

struct loop *loop_new(struct err *err)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));
	loop->signals.fd = -1;
	loop->now_ms = monotonic_ms();
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		err_sys(err, "make an event loop");
		loop_freep(&loop);
	}
	return loop;
}

static void free_buried(struct loop *loop)
{
	/* Freeing one may bury another. */
	while (loop->grave_count > 0) {
		struct grave grave = loop->graves[--loop->grave_count];
		grave.free_object(grave.object);
	}
}

void loop_freep(struct loop **loop)
{
	if (!*loop)
		return;
	free_buried(*loop);
	closep(&(*loop)->signals.fd);
	closep(&(*loop)->epoll);
	free((*loop)->heap);
	free((*loop)->graves);
	free(*loop);
	*loop = NULL;
}

int64_t loop_now_ms(const struct loop *loop)
{
	return loop->now_ms;
}

/* --- descriptors ------------------------------------------------------------------------ */

int loop_add(struct loop *loop, struct loop_fd *watch, struct err *err)
{
	struct epoll_event event = { .events = watch->events, .data.ptr = watch };
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, watch->fd, &event) < 0)
		return err_sys(err, "watch a descriptor");
	return 0;
}

void loop_change(struct loop *loop, struct loop_fd *watch, uint32_t events)
{
	if (watch->events == events)
		return;
	struct epoll_event event = { .events = events, .data.ptr = watch };
	watch->events = events;
	epoll_ctl(loop->epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

void loop_remove(struct loop *loop, struct loop_fd *watch)
{
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	for (int i = loop->batch_at; i < loop->batch_count; i++)
		if (loop->batch[i].data.ptr == watch)
			loop->batch[i].data.ptr = NULL;
}

/* --- timers ----------------------------------------------------------------------------- */

static void place(struct loop *loop, struct loop_timer *timer, size_t i)
{
	loop->heap[i] = timer;
	timer->place = i;
}

static void sift_up(struct loop *loop, struct loop_timer *timer, size_t i)
{
	while (i > 1 && loop->heap[i / 2]->at_ms > timer->at_ms) {
		place(loop, loop->heap[i / 2], i);
		i /= 2;
	}
	place(loop, timer, i);
}

static void sift_down(struct loop *loop, struct loop_timer *timer, size_t i)
{
	for (size_t child; (child = 2 * i) <= loop->timer_count; i = child) {
		if (child < loop->timer_count &&
		    loop->heap[child + 1]->at_ms < loop->heap[child]->at_ms)
			child++;
		if (loop->heap[child]->at_ms >= timer->at_ms)
			break;
		place(loop, loop->heap[child], i);
	}
	place(loop, timer, i);
}

void loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
	if (!timer->place)
		return;
	size_t i = timer->place;
	struct loop_timer *last = loop->heap[loop->timer_count--];
	timer->place = 0;
	if (last == timer)
		return;
	if (i > 1 && loop->heap[i / 2]->at_ms > last->at_ms)
		sift_up(loop, last, i);
	else
		sift_down(loop, last, i);
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t in_ms)
{
	loop_timer_clear(loop, timer);
	if (loop->timer_count + 2 > loop->heap_size) {
		loop->heap_size = loop->heap_size ? 2 * loop->heap_size : 64;
		loop->heap = xrealloc(loop->heap,
				      loop->heap_size * sizeof(struct loop_timer *));
	}
	/* Not at once: one that sets itself anew would keep the loop for ever. */
	timer->at_ms = loop->now_ms + (in_ms > 0 ? in_ms : 1);
	sift_up(loop, timer, ++loop->timer_count);
}

static void fire_due(struct loop *loop)
{
	while (loop->timer_count > 0 && loop->heap[1]->at_ms <= loop->now_ms) {
		struct loop_timer *timer = loop->heap[1];
		loop_timer_clear(loop, timer);
		timer->fire(timer->arg);
	}
}

/* For epoll_wait(): until the next timer. */
static int wait_ms(const struct loop *loop)
{
	if (loop->timer_count == 0)
		return -1;
	int64_t left = loop->heap[1]->at_ms - loop->now_ms;
	return left <= 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

/* --- the rest --------------------------------------------------------------------------- */

void loop_bury(struct loop *loop, void *object, void (*free_object)(void *object))
{
	if (loop->grave_count == loop->grave_size) {
		loop->grave_size = loop->grave_size ? 2 * loop->grave_size : 16;
		loop->graves = xrealloc(loop->graves,
					loop->grave_size * sizeof(*loop->graves));
	}
	loop->graves[loop->grave_count++] = (struct grave){ object, free_object };
}

static void take_signal(void *arg, uint32_t events)
{
	struct loop *loop = arg;
	struct signalfd_siginfo info;
	while (read(loop->signals.fd, &info, sizeof(info)) == sizeof(info))
		loop->on_signal(loop->on_signal_arg, (int)info.ssi_signo);
}

int loop_watch_signals(struct loop *loop, const int *signals,
		       void (*on_signal)(void *arg, int signo), void *arg,
		       struct err *err)
{
	sigset_t set;
	sigemptyset(&set);
	for (; *signals; signals++)
		sigaddset(&set, *signals);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(err, "block signals");
	loop->on_signal = on_signal;
	loop->on_signal_arg = arg;
	loop->signals = (struct loop_fd){
		.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
		.events = EPOLLIN,
		.ready = take_signal,
		.arg = loop,
	};
	if (loop->signals.fd < 0)
		return err_sys(err, "watch signals");
	return loop_add(loop, &loop->signals, err);
}

int loop_run(struct loop *loop, struct err *err)
{
	while (!loop->stopped) {
		free_buried(loop);
		int count = epoll_wait(loop->epoll, loop->batch, BATCH, wait_ms(loop));
		if (count < 0 && errno != EINTR)
			return err_sys(err, "wait for events");
		loop->now_ms = monotonic_ms();
		loop->batch_count = count > 0 ? count : 0;
		for (loop->batch_at = 0; loop->batch_at < loop->batch_count;) {
			struct epoll_event *event = &loop->batch[loop->batch_at++];
			struct loop_fd *watch = event->data.ptr;
			if (watch)
				watch->ready(watch->arg, event->events);
		}
		fire_due(loop);
	}
	free_buried(loop);
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
