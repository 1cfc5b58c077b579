/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/line-socket.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/util.h"

enum { MAX_LINE_BYTES = 4 * 1024 * 1024 };

int line_socket_connect(struct line_socket *s, const char *path, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, ERR_USAGE,
			       "%s is too long for a socket's name; set a shorter TMPDIR", path);
	strcpy(address.sun_path, path);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, "make a socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(err, "connect to %s", path);
	s->fd = steal_fd(&fd);
	return 0;
}

void line_socket_close(struct line_socket *s)
{
	closep(&s->fd);
	s->fd = -1;
	strbuf_destroy(&s->received);
	s->received = (struct strbuf)STRBUF_INIT;
}

static int await(const struct line_socket *s, short events, int64_t deadline_ms, struct err *err)
{
	for (;;) {
		int64_t left = deadline_ms - monotonic_ms();
		struct pollfd p = { .fd = s->fd, .events = events };
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;
		if (n > 0)
			return 0;
		if (n == 0)
			return err_set(err, ERR_TIMEOUT, "no answer in time");
		if (errno != EINTR)
			return err_sys(err, "wait for a socket");
	}
}

int line_socket_send(struct line_socket *s, const void *data, size_t len, int64_t deadline_ms,
		     struct err *err)
{
	for (size_t done = 0; done < len;) {
		if (await(s, POLLOUT, deadline_ms, err) < 0)
			return -1;
		ssize_t n = send(s->fd, (const char *)data + done, len - done,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return err_set(err, ERR_NETWORK, "the other end is gone: %s",
				       strerror(errno));
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* NULL if there is no whole line yet. */
static char *take_line(struct line_socket *s)
{
	char *end = s->received.len ? memchr(s->received.data, '\n', s->received.len) : NULL;
	if (!end)
		return NULL;
	size_t len = (size_t)(end - s->received.data);
	char *line = xcalloc(1, len + 1);
	memcpy(line, s->received.data, len);
	struct strbuf rest = STRBUF_INIT;
	strbuf_add(&rest, end + 1, s->received.len - len - 1);
	strbuf_destroy(&s->received);
	s->received = rest;
	return line;
}

int line_socket_read(struct line_socket *s, int64_t deadline_ms, char **line, struct err *err)
{
	char chunk[16384];
	while (!(*line = take_line(s))) {
		if (await(s, POLLIN, deadline_ms, err) < 0)
			return -1;
		ssize_t n = recv(s->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return err_set(err, ERR_NETWORK, "the other end is gone");
		strbuf_add(&s->received, chunk, (size_t)n);
		if (s->received.len > MAX_LINE_BYTES)
			return err_set(err, ERR_TOO_LARGE, "an answer of more than %d bytes",
				       MAX_LINE_BYTES);
	}
	return 0;
}
