/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line: a TCP connection as a stream of bytes, in clear or in TLS, that never blocks.
 *
 * What comes is pushed to its owner in pieces, out of one buffer that all lines of a program
 * share; what cannot be sent at once is queued. A line at rest holds no buffer at all. */
#ifndef WAYBILL_LINE_H
#define WAYBILL_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <openssl/types.h>

#include "common/err.h"
#include "remote/loop.h"

struct line;
struct lines; /* what the lines of a program share */

enum {
	LINE_PIECE_BYTES = 65536, /* at most so many bytes come at once, */
	LINE_HEADROOM = 16,	  /* and so many before them may be overwritten */
};

struct line_ops {
	/* TLS has been agreed upon. */
	void (*secured)(void *owner);
	/* All of it must be taken. */
	void (*data)(void *owner, uint8_t *data, size_t len);
	/* What was queued has been sent. May be NULL. */
	void (*drained)(void *owner);
	/* The other end will send nothing more; it may still listen. */
	void (*finished)(void *owner);
	/* The line is good for nothing but line_close(). Nothing comes after this. */
	void (*broken)(void *owner, const struct err *why);
};

struct lines *lines_new(struct loop *loop);
void lines_freep(struct lines **lines);
struct loop *lines_loop(const struct lines *lines);

/* Make a line of a connected socket, which it owns from now on, also if it fails. */
struct line *line_new(struct lines *lines, int fd, const struct line_ops *ops, void *owner,
		      struct err *err);
/* End it at once; what is queued is lost. Sets *line to NULL; NULL is well. */
void line_close(struct line **line);

/* Speak TLS from now on. server_name: whom a client asks for, or NULL; borrowed for the call. */
int line_start_tls(struct line *line, SSL_CTX *tls, const char *server_name,
		   struct err *err) _must_check_;
SSL *line_ssl(const struct line *line);

/* Events go to another owner from now on. */
void line_give(struct line *line, const struct line_ops *ops, void *owner);

/* Send, or queue. Failures are told by broken(), later. */
void line_send(struct line *line, const void *data, size_t len);
/* Say after what is queued that nothing more will come. */
void line_finish(struct line *line);
size_t line_queued(const struct line *line);

/* Take nothing for a while; at most one more piece comes. */
void line_pause(struct line *line);
void line_resume(struct line *line);

/* Bytes that have come and gone, TLS's own not counted. */
uint64_t line_received(const struct line *line);
uint64_t line_sent(const struct line *line);

#endif
