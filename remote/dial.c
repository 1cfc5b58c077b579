/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/util.h"

enum { MAX_ADDRESSES = 8 };

struct dial {
	struct loop *loop;
	char *host;
	uint16_t port;
	void (*done)(void *arg, int fd, const struct err *why);
	void *arg;
	struct loop_timer deadline;
	struct loop_timer soon; /* for what is known at once */
	struct loop_fd resolving;
	pid_t resolver;
	struct loop_fd connecting;
	struct sockaddr_storage addresses[MAX_ADDRESSES];
	size_t bytes, next; /* of what has been read of them; which one is tried next */
	int last_errno;
};

static void stop_watching(struct dial *dial, struct loop_fd *watch)
{
	if (watch->fd < 0)
		return;
	loop_remove(dial->loop, watch);
	closep(&watch->fd);
}

static void free_dial(void *object)
{
	struct dial *dial = object;
	free(dial->host);
	free(dial);
}

void dial_cancel(struct dial **dial_p)
{
	struct dial *dial = steal(dial_p);
	if (!dial)
		return;
	stop_watching(dial, &dial->resolving);
	stop_watching(dial, &dial->connecting);
	loop_timer_clear(dial->loop, &dial->deadline);
	loop_timer_clear(dial->loop, &dial->soon);
	if (dial->resolver > 0) {
		kill(dial->resolver, SIGKILL);
		waitpid(dial->resolver, NULL, 0);
	}
	loop_bury(dial->loop, dial, free_dial);
}

static void finish(struct dial *dial, int fd, struct err *why)
{
	void (*done)(void *, int, const struct err *) = dial->done;
	void *arg = dial->arg;
	if (fd < 0 && *dial->host == '/')
		err_prefix(why, "connect to %s", dial->host);
	else if (fd < 0)
		err_prefix(why, "connect to %s port %u", dial->host, dial->port);
	dial_cancel(&dial);
	done(arg, fd, fd < 0 ? why : NULL);
}

static void on_deadline(void *arg)
{
	_cleanup_err_ struct err err = ERR_INIT;
	err_set(&err, ERR_TIMEOUT, "no answer in time");
	finish(arg, -1, &err);
}

/* --- addresses -------------------------------------------------------------------------- */

static void try_next(void *arg);

/* It may take as long as its name servers like, so that another process does it. */
static void resolve(const char *host, int out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	if (getaddrinfo(host, NULL, &hints, &found) != 0)
		return;
	for (struct addrinfo *one = found; one; one = one->ai_next) {
		struct sockaddr_storage address = { 0 };
		memcpy(&address, one->ai_addr, one->ai_addrlen);
		if (write(out, &address, sizeof(address)) != (ssize_t)sizeof(address))
			return;
	}
}

static void on_resolved(void *arg, uint32_t events)
{
	struct dial *dial = arg;
	char *into = (char *)dial->addresses + dial->bytes;
	ssize_t n = read(dial->resolving.fd, into, sizeof(dial->addresses) - dial->bytes);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		dial->bytes += (size_t)n;
	if (n > 0 && dial->bytes < sizeof(dial->addresses))
		return;
	stop_watching(dial, &dial->resolving);
	waitpid(dial->resolver, NULL, 0);
	dial->resolver = 0;
	if (dial->bytes >= sizeof(dial->addresses[0])) {
		try_next(dial);
		return;
	}
	_cleanup_err_ struct err err = ERR_INIT;
	err_set(&err, ERR_NOT_FOUND, "no address is known for it");
	finish(dial, -1, &err);
}

static int start_resolver(struct dial *dial, struct err *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(err, "make a pipe");
	dial->resolver = fork();
	if (dial->resolver == 0) {
		resolve(dial->host, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	dial->resolving.fd = ends[0];
	if (dial->resolver < 0)
		return err_sys(err, "fork");
	return loop_add(dial->loop, &dial->resolving, err);
}

static bool is_path(struct dial *dial)
{
	struct sockaddr_un *local = (struct sockaddr_un *)&dial->addresses[0];
	if (*dial->host != '/' || strlen(dial->host) >= sizeof(local->sun_path))
		return false;
	local->sun_family = AF_UNIX;
	strcpy(local->sun_path, dial->host);
	dial->bytes = sizeof(dial->addresses[0]);
	return true;
}

static bool is_address(struct dial *dial)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&dial->addresses[0];
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&dial->addresses[0];
	if (inet_pton(AF_INET, dial->host, &v4->sin_addr) == 1)
		v4->sin_family = AF_INET;
	else if (inet_pton(AF_INET6, dial->host, &v6->sin6_addr) == 1)
		v6->sin6_family = AF_INET6;
	else
		return false;
	dial->bytes = sizeof(dial->addresses[0]);
	return true;
}

/* --- connecting ------------------------------------------------------------------------- */

static socklen_t set_port(struct sockaddr_storage *address, uint16_t port)
{
	if (address->ss_family == AF_UNIX)
		return sizeof(struct sockaddr_un);
	if (address->ss_family == AF_INET6) {
		((struct sockaddr_in6 *)address)->sin6_port = htons(port);
		return sizeof(struct sockaddr_in6);
	}
	((struct sockaddr_in *)address)->sin_port = htons(port);
	return sizeof(struct sockaddr_in);
}

static void on_connected(void *arg, uint32_t events)
{
	struct dial *dial = arg;
	int problem = 0;
	socklen_t len = sizeof(problem);
	if (getsockopt(dial->connecting.fd, SOL_SOCKET, SO_ERROR, &problem, &len) < 0)
		problem = errno;
	loop_remove(dial->loop, &dial->connecting);
	int fd = steal_fd(&dial->connecting.fd);
	if (problem == 0) {
		finish(dial, fd, NULL);
		return;
	}
	close(fd);
	dial->last_errno = problem;
	try_next(dial);
}

/* True: it is under way, or through. */
static bool try_address(struct dial *dial, struct sockaddr_storage *address)
{
	_cleanup_err_ struct err err = ERR_INIT;
	socklen_t len = set_port(address, dial->port);
	_cleanup_close_ int fd =
		socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || (connect(fd, (struct sockaddr *)address, len) < 0 && errno != EINPROGRESS)) {
		dial->last_errno = errno;
		return false;
	}
	dial->connecting.fd = steal_fd(&fd);
	if (loop_add(dial->loop, &dial->connecting, &err) == 0)
		return true;
	dial->last_errno = err.sys_errno;
	closep(&dial->connecting.fd);
	return false;
}

static void try_next(void *arg)
{
	struct dial *dial = arg;
	size_t count = dial->bytes / sizeof(dial->addresses[0]);
	while (dial->next < count)
		if (try_address(dial, &dial->addresses[dial->next++]))
			return;
	_cleanup_err_ struct err err = ERR_INIT;
	err.sys_errno = dial->last_errno;
	err_set(&err, ERR_NETWORK, "%s", strerror(dial->last_errno));
	finish(dial, -1, &err);
}

static void fail_soon(void *arg)
{
	_cleanup_err_ struct err err = ERR_INIT;
	err_set(&err, ERR_SYSTEM, "its name cannot be looked up");
	finish(arg, -1, &err);
}

struct dial *dial_start(struct loop *loop, const char *host, uint16_t port, int timeout_ms,
			void (*done)(void *arg, int fd, const struct err *why), void *arg)
{
	struct dial *dial = xcalloc(1, sizeof(*dial));
	_cleanup_err_ struct err err = ERR_INIT;
	dial->loop = loop;
	dial->host = xstrdup(host);
	dial->port = port;
	dial->done = done;
	dial->arg = arg;
	dial->deadline = (struct loop_timer){ .fire = on_deadline, .arg = dial };
	dial->soon = (struct loop_timer){ .fire = try_next, .arg = dial };
	dial->resolving = (struct loop_fd){ -1, EPOLLIN, on_resolved, dial };
	dial->connecting = (struct loop_fd){ -1, EPOLLOUT, on_connected, dial };
	loop_timer_set(loop, &dial->deadline, timeout_ms);
	if (is_path(dial) || is_address(dial)) {
		loop_timer_set(loop, &dial->soon, 0);
	} else if (start_resolver(dial, &err) < 0) {
		dial->soon.fire = fail_soon;
		loop_timer_set(loop, &dial->soon, 0);
	}
	return dial;
}
