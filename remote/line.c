/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/line.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "common/strbuf.h"
#include "common/util.h"
#include "remote/tls.h"

enum {
	/* A peer that is gone is noticed within 30 s: 10 s of silence, then four questions; or 25 s
	 * in which nothing that was sent was acknowledged. */
	KEEPALIVE_AFTER_S = 10,
	KEEPALIVE_EVERY_S = 4,
	KEEPALIVE_COUNT = 4,
	UNACKNOWLEDGED_MS = 25000,
};

struct lines {
	struct loop *loop;
	BIO_METHOD *bio;
	uint8_t received[LINE_HEADROOM + LINE_PIECE_BYTES];
	uint8_t plain[LINE_HEADROOM + LINE_PIECE_BYTES];
	struct strbuf sealed; /* what TLS wants sent by the call at hand */
};

struct line {
	struct lines *lines;
	struct loop_fd watch;
	struct loop_timer report; /* of a failure that sending has met */
	const struct line_ops *ops;
	void *owner;
	SSL *ssl;
	bool securing, paused, finishing, finished; /* the latter two: we */
	bool ended, broken, closed;		     /* ended: the other end has finished */
	bool parked;				     /* not watched: see on_hangup() */
	/* What TLS is to read: of the piece that has just come. */
	const uint8_t *input;
	size_t input_len;
	/* What could not be sent yet: queue.data from `queue_at` on. */
	struct strbuf queue;
	size_t queue_at;
	int send_errno;
	uint64_t received, sent;
};

/* --- TLS: bytes in, bytes out ----------------------------------------------------------- */

static int bio_read(BIO *bio, char *data, int len)
{
	struct line *line = BIO_get_data(bio);
	size_t take = line->input_len < (size_t)len ? line->input_len : (size_t)len;
	BIO_clear_retry_flags(bio);
	if (take == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(data, line->input, take);
	line->input += take;
	line->input_len -= take;
	return (int)take;
}

static int bio_write(BIO *bio, const char *data, int len)
{
	struct line *line = BIO_get_data(bio);
	strbuf_add(&line->lines->sealed, data, (size_t)len);
	return len;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	return command == BIO_CTRL_FLUSH;
}

struct lines *lines_new(struct loop *loop)
{
	struct lines *lines = xcalloc(1, sizeof(*lines));
	lines->loop = loop;
	lines->bio = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "line");
	if (!lines->bio)
		abort(); /* out of memory */
	BIO_meth_set_read(lines->bio, bio_read);
	BIO_meth_set_write(lines->bio, bio_write);
	BIO_meth_set_ctrl(lines->bio, bio_ctrl);
	return lines;
}

void lines_freep(struct lines **lines)
{
	if (!*lines)
		return;
	BIO_meth_free((*lines)->bio);
	strbuf_destroy(&(*lines)->sealed);
	free(*lines);
	*lines = NULL;
}

struct loop *lines_loop(const struct lines *lines)
{
	return lines->loop;
}

/* --- its life --------------------------------------------------------------------------- */

static void on_ready(void *arg, uint32_t events);
static void on_report(void *arg);

static void set_option(int fd, int level, int option, int value)
{
	/* Only to notice sooner: a socket that has no such option is a socket all the same. */
	(void)!setsockopt(fd, level, option, &value, sizeof(value));
}

struct line *line_new(struct lines *lines, int fd, const struct line_ops *ops, void *owner,
		      struct err *err)
{
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_AFTER_S);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S);
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS);
	struct line *line = xcalloc(1, sizeof(*line));
	line->lines = lines;
	line->watch = (struct loop_fd){ .fd = fd, .events = EPOLLIN, .ready = on_ready,
					.arg = line };
	line->report = (struct loop_timer){ .fire = on_report, .arg = line };
	line->ops = ops;
	line->owner = owner;
	if (loop_add(lines->loop, &line->watch, err) < 0) {
		closep(&line->watch.fd);
		free(line);
		return NULL;
	}
	return line;
}

void line_close(struct line **line_p)
{
	struct line *line = steal(line_p);
	if (!line)
		return;
	line->closed = true;
	loop_remove(line->lines->loop, &line->watch);
	loop_timer_clear(line->lines->loop, &line->report);
	closep(&line->watch.fd);
	SSL_free(line->ssl);
	line->ssl = NULL;
	strbuf_destroy(&line->queue);
	/* A function of ours that called the owner may be below us on the stack. */
	loop_bury(line->lines->loop, line, free);
}

void line_give(struct line *line, const struct line_ops *ops, void *owner)
{
	line->ops = ops;
	line->owner = owner;
}

SSL *line_ssl(const struct line *line)
{
	return line->ssl;
}

uint64_t line_received(const struct line *line)
{
	return line->received;
}

uint64_t line_sent(const struct line *line)
{
	return line->sent;
}

static void end(struct line *line)
{
	if (line->ended || line->broken)
		return;
	line->ended = true;
	line->ops->finished(line->owner);
}

static void fail(struct line *line, const struct err *why)
{
	if (line->broken)
		return;
	line->broken = true;
	loop_remove(line->lines->loop, &line->watch);
	line->ops->broken(line->owner, why);
}

static void fail_later(struct line *line, int why)
{
	if (line->send_errno)
		return;
	line->send_errno = why;
	loop_timer_set(line->lines->loop, &line->report, 0);
}

static void set_events(struct line *line)
{
	_cleanup_err_ struct err err = ERR_INIT;
	if (line->broken)
		return;
	uint32_t events = (!line->paused && !line->ended ? (uint32_t)EPOLLIN : 0) |
			  (line->queue.len > 0 ? (uint32_t)EPOLLOUT : 0);
	if (!line->parked) {
		loop_change(line->lines->loop, &line->watch, events);
	} else if (events) {
		line->parked = false;
		line->watch.events = events;
		if (loop_add(line->lines->loop, &line->watch, &err) < 0)
			fail_later(line, err.sys_errno);
	}
}

void line_pause(struct line *line)
{
	line->paused = true;
	set_events(line);
}

void line_resume(struct line *line)
{
	line->paused = false;
	set_events(line);
}

/* --- sending ---------------------------------------------------------------------------- */

size_t line_queued(const struct line *line)
{
	return line->queue.len - line->queue_at;
}

/* How many bytes the socket took; a failure is told to the owner, but not now: it is calling. */
static size_t send_now(struct line *line, const char *data, size_t len)
{
	ssize_t n = send(line->watch.fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n >= 0)
		return (size_t)n;
	if (errno != EAGAIN && errno != EINTR)
		fail_later(line, errno);
	return 0;
}

static void on_report(void *arg)
{
	struct line *line = arg;
	_cleanup_err_ struct err err = ERR_INIT;
	errno = line->send_errno;
	err_sys(&err, "send");
	fail(line, &err);
}

static void finish_if_sent(struct line *line)
{
	if (line->finishing && !line->finished && line->queue.len == 0) {
		line->finished = true;
		shutdown(line->watch.fd, SHUT_WR);
	}
}

static void send_raw(struct line *line, const char *data, size_t len)
{
	if (line->send_errno || line->broken)
		return;
	size_t sent = line->queue.len == 0 ? send_now(line, data, len) : 0;
	if (sent < len) {
		strbuf_add(&line->queue, data + sent, len - sent);
		set_events(line);
	}
}

static void send_sealed(struct line *line)
{
	struct strbuf *sealed = &line->lines->sealed;
	if (sealed->len > 0)
		send_raw(line, sealed->data, sealed->len);
	strbuf_reset(sealed);
}

void line_send(struct line *line, const void *data, size_t len)
{
	if (len == 0 || line->finishing || line->broken)
		return;
	line->sent += len;
	if (!line->ssl) {
		send_raw(line, data, len);
		return;
	}
	ERR_clear_error();
	size_t written = 0;
	if (SSL_write_ex(line->ssl, data, len, &written) != 1)
		fail_later(line, EPROTO);
	send_sealed(line);
}

void line_finish(struct line *line)
{
	if (line->finishing)
		return;
	if (line->ssl && !line->securing) {
		ERR_clear_error();
		SSL_shutdown(line->ssl);
		send_sealed(line);
	}
	line->finishing = true;
	finish_if_sent(line);
}

static void on_writable(struct line *line)
{
	line->queue_at += send_now(line, line->queue.data + line->queue_at, line_queued(line));
	if (line->queue_at < line->queue.len)
		return;
	strbuf_destroy(&line->queue);
	line->queue_at = 0;
	set_events(line);
	finish_if_sent(line);
	if (line->ops->drained)
		line->ops->drained(line->owner);
}

/* --- receiving -------------------------------------------------------------------------- */

int line_start_tls(struct line *line, SSL_CTX *tls, const char *server_name, struct err *err)
{
	BIO *bio = BIO_new(line->lines->bio);
	line->ssl = SSL_new(tls);
	if (!bio || !line->ssl)
		abort(); /* out of memory */
	BIO_set_data(bio, line);
	BIO_set_init(bio, 1);
	SSL_set_bio(line->ssl, bio, bio);
	line->securing = true;
	if (SSL_is_server(line->ssl)) {
		SSL_set_accept_state(line->ssl);
		return 0;
	}
	SSL_set_connect_state(line->ssl);
	if (server_name && tls_ask_for(line->ssl, server_name, err) < 0)
		return -1;
	SSL_do_handshake(line->ssl);
	send_sealed(line);
	return 0;
}

/* Go on with the handshake. False: it is not done, or the line is over. */
static bool secure(struct line *line)
{
	ERR_clear_error();
	int rc = SSL_do_handshake(line->ssl);
	int problem = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(line->ssl, rc);
	send_sealed(line);
	if (problem == SSL_ERROR_WANT_READ)
		return false;
	if (problem != SSL_ERROR_NONE) {
		_cleanup_err_ struct err err = ERR_INIT;
		tls_error(line->ssl, &err, "agree upon TLS");
		fail(line, &err);
		return false;
	}
	line->securing = false;
	line->ops->secured(line->owner);
	return !line->closed;
}

/* Open what has come and pass it on as one piece; a record or two more than fit into it make
 * another. False: nothing is left, or the line is over. */
static bool open_piece(struct line *line)
{
	uint8_t *plain = line->lines->plain + LINE_HEADROOM;
	size_t len = 0, n;
	int rc = 1;
	ERR_clear_error();
	while (len < LINE_PIECE_BYTES &&
	       (rc = SSL_read_ex(line->ssl, plain + len, LINE_PIECE_BYTES - len, &n)) == 1)
		len += n;
	int problem = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(line->ssl, rc);
	_cleanup_err_ struct err err = ERR_INIT;
	if (problem != SSL_ERROR_NONE && problem != SSL_ERROR_WANT_READ &&
	    problem != SSL_ERROR_ZERO_RETURN)
		tls_error(line->ssl, &err, "read");
	send_sealed(line);
	if (len > 0) {
		line->received += len;
		line->ops->data(line->owner, plain, len);
	}
	if (line->closed || problem == SSL_ERROR_WANT_READ)
		return false;
	if (problem == SSL_ERROR_ZERO_RETURN)
		end(line);
	else if (problem != SSL_ERROR_NONE)
		fail(line, &err);
	return problem == SSL_ERROR_NONE;
}

static void take_sealed(struct line *line, const uint8_t *data, size_t len)
{
	line->input = data;
	line->input_len = len;
	if (line->securing && !secure(line))
		return;
	while (open_piece(line))
		;
}

static void on_readable(struct line *line)
{
	uint8_t *data = line->lines->received + LINE_HEADROOM;
	ssize_t n = recv(line->watch.fd, data, LINE_PIECE_BYTES, MSG_DONTWAIT);
	if (n > 0 && line->ssl) {
		take_sealed(line, data, (size_t)n);
	} else if (n > 0) {
		line->received += (size_t)n;
		line->ops->data(line->owner, data, (size_t)n);
	} else if (n == 0 && line->ssl && !line->ended) {
		/* TLS says goodbye before it goes (RFC 8446 section 6.1). */
		_cleanup_err_ struct err err = ERR_INIT;
		err_set(&err, ERR_NETWORK, line->securing ? "the other end left before TLS was agreed upon"
							  : "the connection was cut off");
		fail(line, &err);
	} else if (n == 0) {
		end(line);
	} else if (errno != EAGAIN && errno != EINTR) {
		_cleanup_err_ struct err err = ERR_INIT;
		err_sys(&err, "receive");
		fail(line, &err);
	}
	if (!line->closed && !line->broken)
		set_events(line);
}

/* Both directions are shut, or an error: a line that is not read now has no other way to learn of it.
 * Without an error there may be bytes to read yet; epoll would tell of the hang-up until then. */
static void on_hangup(struct line *line)
{
	_cleanup_err_ struct err err = ERR_INIT;
	int problem = 0;
	socklen_t len = sizeof(problem);
	if (getsockopt(line->watch.fd, SOL_SOCKET, SO_ERROR, &problem, &len) == 0 && problem != 0) {
		errno = problem;
		err_sys(&err, "the connection is broken");
		fail(line, &err);
	} else {
		line->parked = true;
		loop_remove(line->lines->loop, &line->watch);
	}
}

static void on_ready(void *arg, uint32_t events)
{
	struct line *line = arg;
	if (events & EPOLLOUT)
		on_writable(line);
	if (line->closed || line->broken)
		return;
	if ((events & (EPOLLERR | EPOLLHUP)) && (line->paused || line->ended))
		on_hangup(line);
	else if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		on_readable(line);
}
