/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/http.h"
#include "common/log.h"
#include "common/network-list.h"
#include "common/subproc.h"
#include "common/util.h"

enum { MAX_CONNECTIONS = 64, IDLE_SECONDS = 30, LOOK_MS = 5000 };
#define MINIMUM_RATE 256	/* bytes a second, of an answer: who takes less is gone */

/* Shared by the loop and the connections; the last of them frees it. */
struct server {
	int root_fd;
	int listen_fd;
	int signal_fd;
	atomic_int users; /* the loop and each connection */
	_Atomic in_addr_t from[MAX_CONNECTIONS]; /* whose they are; 0: free */
};

static void server_unref(struct server *server)
{
	if (atomic_fetch_sub(&server->users, 1) != 1)
		return;
	closep(&server->root_fd);
	closep(&server->listen_fd);
	closep(&server->signal_fd);
	free(server);
}
DEFINE_FREEP(struct server, server_unref)

struct connection {
	struct server *server;
	int fd;
	size_t slot;	/* in server->from */
};

static bool send_all(int fd, const struct strbuf *data)
{
	for (size_t done = 0; done < data->len;) {
		ssize_t n = send(fd, data->data + done, data->len - done, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static bool send_file(int fd, int file, const struct http_answer *answer)
{
	off_t offset = (off_t)answer->first;
	int64_t began_ms = monotonic_ms();
	for (uint64_t left = answer->length; left;) {
		ssize_t n = sendfile(fd, file, &offset, left < 1 << 20 ? left : 1 << 20);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		left -= (uint64_t)n;
		int64_t seconds = (monotonic_ms() - began_ms) / 1000;
		if (seconds > IDLE_SECONDS && (answer->length - left) / (uint64_t)seconds < MINIMUM_RATE)
			return false;
	}
	return true;
}

/* A regular file below the root, or -1. Links are followed, but not out of it. */
static int open_below(int root_fd, const char *path, struct stat *st)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_close_ int fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	if (fd < 0 || fstat(fd, st) < 0 || !S_ISREG(st->st_mode))
		return -1;
	return steal_fd(&fd);
}

static bool answer_error(int fd, int status, const struct http_request *request, bool keep_alive)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	http_format_error(status, request->head, keep_alive, &text);
	return send_all(fd, &text) && keep_alive;
}

/* Whether the connection may go on. */
static bool answer(const struct connection *c, const char *text, size_t len)
{
	struct http_request request;
	struct stat st;
	int status = http_parse(text, len, &request);
	if (status)
		return answer_error(c->fd, status, &request, false);
	_cleanup_close_ int file = open_below(c->server->root_fd, request.path, &st);
	if (file < 0) {
		log_debug("404 /%s", request.path);
		return answer_error(c->fd, 404, &request, request.keep_alive);
	}
	_cleanup_strbuf_ struct strbuf head = STRBUF_INIT;
	struct http_answer what =
		http_decide(&request, (uint64_t)st.st_size, (int64_t)st.st_mtime);
	log_debug("%d /%s %llu", what.status, request.path, (unsigned long long)what.length);
	http_format_head(&what, (uint64_t)st.st_size, (int64_t)st.st_mtime, request.keep_alive,
			 &head);
	if (!send_all(c->fd, &head) || (!request.head && !send_file(c->fd, file, &what)))
		return false;
	return request.keep_alive;
}

/* Requests one after another, pipelined ones too, until the peer is done, idle, or takes too long
 * for one. */
static void talk(const struct connection *c)
{
	char buffer[HTTP_REQUEST_MAX_BYTES];
	size_t len = 0;
	int64_t since_ms = monotonic_ms();
	for (;;) {
		size_t request_len = http_request_length(buffer, len);
		if (request_len) {
			if (!answer(c, buffer, request_len))
				return;
			since_ms = monotonic_ms();
			len -= request_len;
			memmove(buffer, buffer + request_len, len);
			continue;
		}
		if (len == sizeof(buffer) || monotonic_ms() - since_ms > IDLE_SECONDS * 1000)
			return;
		ssize_t n = recv(c->fd, buffer + len, sizeof(buffer) - len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		len += (size_t)n;
	}
}

static void *run_connection(void *arg)
{
	struct connection *c = arg;
	talk(c);
	close(c->fd);
	c->server->from[c->slot] = 0;
	server_unref(c->server);
	free(c);
	return NULL;
}

static bool start_thread(struct server *server, int fd, size_t slot)
{
	struct timeval idle = { .tv_sec = IDLE_SECONDS };
	pthread_t thread;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof(idle)) < 0)
		return false;
	struct connection *c = xcalloc(1, sizeof(*c));
	*c = (struct connection){ server, fd, slot };
	if (pthread_create(&thread, NULL, run_connection, c) != 0) {
		free(c);
		return false;
	}
	pthread_detach(thread);
	return true;
}

/* False: there is none, or this address has its share. Called by the loop alone. */
static bool take_slot(struct server *server, in_addr_t from, unsigned limit, size_t *slot)
{
	size_t of_address = 0;
	*slot = MAX_CONNECTIONS;
	for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
		of_address += server->from[i] == from;
		if (server->from[i] == 0)
			*slot = i;
	}
	if (*slot == MAX_CONNECTIONS || (limit && of_address >= limit))
		return false;
	server->from[*slot] = from;
	return true;
}

static void start_connection(struct server *server, int fd, in_addr_t from, unsigned limit)
{
	size_t slot = 0;
	if (!take_slot(server, from, limit, &slot)) {
		close(fd);
		return;
	}
	atomic_fetch_add(&server->users, 1);
	if (!start_thread(server, fd, slot)) {
		server->from[slot] = 0;
		server_unref(server);
		close(fd);
	}
}

static void take_connection(struct server *server, const struct serve *serve)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	socklen_t len = sizeof(from);
	int fd = accept4(server->listen_fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (!serve->networks || network_list_has(serve->networks, from.sin_addr))
		start_connection(server, fd, from.sin_addr.s_addr, serve->of_address);
	else
		close(fd);
}

static int loop(struct server *server, const struct serve *serve, struct err *err)
{
	int64_t look_at = monotonic_ms() + LOOK_MS;
	for (;;) {
		struct pollfd fds[] = { { .fd = server->listen_fd, .events = POLLIN },
					{ .fd = server->signal_fd, .events = POLLIN } };
		if (poll(fds, ARRAY_SIZE(fds), serve->look ? LOOK_MS : -1) < 0 && errno != EINTR)
			return err_sys(err, "poll");
		if (fds[1].revents)
			return 0;
		if (serve->look && monotonic_ms() >= look_at) {
			if (!serve->look(serve->arg))
				return 0;
			look_at = monotonic_ms() + LOOK_MS;
		}
		if (fds[0].revents)
			take_connection(server, serve);
	}
}

/* The signals that end it, as a descriptor; a peer that went away is no signal. */
static int open_signals(int *fd, struct err *err)
{
	sigset_t set;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	*fd = signalfd(-1, &set, SFD_CLOEXEC);
	return *fd < 0 ? err_sys(err, "signalfd") : 0;
}

static int open_listener(const char *address, unsigned *port, int *fd, struct err *err)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)*port) };
	socklen_t len = sizeof(at);
	int on = 1;
	if (inet_pton(AF_INET, address, &at.sin_addr) != 1)
		return err_set(err, ERR_USAGE, "'%s' is no IPv4 address", address);
	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 || setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return err_sys(err, "cannot make a socket");
	if (bind(*fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(*fd, 64) < 0 ||
	    getsockname(*fd, (struct sockaddr *)&at, &len) < 0)
		return err_sys(err, "cannot listen on %s port %u (try another --port)", address,
			       *port);
	*port = ntohs(at.sin_port);
	return 0;
}

int serve_directory(const struct serve *serve, struct err *err)
{
	unsigned port = serve->port;
	_cleanup_(server_unrefp) struct server *server = xcalloc(1, sizeof(*server));
	*server = (struct server){ .root_fd = -1, .listen_fd = -1, .signal_fd = -1, .users = 1 };
	server->root_fd = open(serve->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (server->root_fd < 0)
		return err_sys(err, "cannot open %s", serve->dir);
	if (open_listener(serve->address, &port, &server->listen_fd, err) < 0 ||
	    (serve->user && drop_privileges(serve->user, err) < 0) ||
	    open_signals(&server->signal_fd, err) < 0)
		return -1;
	printf("serving %s at http://%s:%u/\n", serve->dir, serve->address, port);
	fflush(stdout);
	return loop(server, serve, err);
}
