/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines to and from a unix socket of our QEMU: QMP and the guest agent speak so. */
#ifndef WAYBILL_LINE_SOCKET_H
#define WAYBILL_LINE_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strbuf.h"

struct line_socket {
	int fd;			/* -1: not connected */
	struct strbuf received;	/* read, and not yet given out */
};

#define LINE_SOCKET_INIT { -1, STRBUF_INIT }

/* Errors: ERR_SYSTEM (nobody listens), ERR_USAGE (a path too long for a socket). */
int line_socket_connect(struct line_socket *s, const char *path, struct err *err) _must_check_;
void line_socket_close(struct line_socket *s);

/* deadline_ms: of monotonic_ms(). Errors: ERR_TIMEOUT, ERR_NETWORK (the other end is gone). */
int line_socket_send(struct line_socket *s, const void *data, size_t len, int64_t deadline_ms,
		     struct err *err) _must_check_;

/* The next line without its newline, to be freed; bytes may be anything but NUL, which ends
 * the string early. Errors: as above; ERR_TOO_LARGE. */
int line_socket_read(struct line_socket *s, int64_t deadline_ms, char **line,
		     struct err *err) _must_check_;

#endif
