/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The little of HTTP/1.1 (RFC 9110, 9112) that reading static files takes. */
#ifndef WAYBILL_HTTP_H
#define WAYBILL_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/strbuf.h"

#define HTTP_REQUEST_MAX_BYTES 8192
#define HTTP_PATH_MAX_BYTES 2048
#define HTTP_NO_TIME INT64_MIN

struct http_request {
	bool head;			/* HEAD, else GET */
	bool keep_alive;
	char path[HTTP_PATH_MAX_BYTES];	/* decoded, without the leading slash */
	int64_t if_modified_since;	/* Unix seconds, or HTTP_NO_TIME */
	int64_t if_unmodified_since;	/* likewise */
	int64_t if_range;		/* likewise; anything but a date never matches */
	bool has_if_range;
	bool has_range;			/* one range of bytes; others are not honoured */
	bool range_is_suffix;		/* the last `range_last` bytes */
	uint64_t range_first;
	uint64_t range_last;		/* inclusive; UINT64_MAX: to the end */
};

/* Bytes up to and including the empty line, or 0 if it has not come yet. */
size_t http_request_length(const char *text, size_t len);

/* Parse a request of that length. 0, or the status to answer with: 400, 405, 414, 505. */
int http_parse(const char *text, size_t len, struct http_request *out);

/* What to send of a file: 200 and all of it, 206 and a part, 304, 412 or 416 and nothing. */
struct http_answer {
	int status;
	uint64_t first;
	uint64_t length;
};
struct http_answer http_decide(const struct http_request *request, uint64_t size_bytes,
			       int64_t modified);

/* The status line and headers. */
void http_format_head(const struct http_answer *answer, uint64_t size_bytes, int64_t modified,
		      bool keep_alive, struct strbuf *out);
/* A whole response without a file: an error. */
void http_format_error(int status, bool head, bool keep_alive, struct strbuf *out);

#endif
