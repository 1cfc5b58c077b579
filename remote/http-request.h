/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The head of an HTTP request, read strictly.
 * Source: RFC 9112, RFC 3986; docs/spec/proxy-http.md */
#ifndef WAYBILL_HTTP_REQUEST_H
#define WAYBILL_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/util.h"

enum {
	HTTP_HEAD_BYTES = 8192,
	HTTP_MAX_FIELDS = 64,
	HTTP_MAX_BODY = 4096,
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_CONNECT };

struct http_field { const char *name, *value; };

struct http_request {
	enum http_method method;
	bool http_1_0;
	char *path;	   /* decoded, without the query; of CONNECT: its target, as it came */
	const char *query; /* as it came, or NULL */
	struct http_field fields[HTTP_MAX_FIELDS];
	size_t field_count;
	size_t body_bytes; /* that follow the head */
	char *text;	   /* what the others point into */
};

/* Read the head at the start of `data`. *used: its bytes, the empty line included, or 0 if it has not come
 * whole; *out is set only then (http_request_destroy() it).
 * Errors: ERR_INPUT, ERR_TOO_LARGE: nothing of it is to be believed. */
int http_request_parse(const char *data, size_t len, struct http_request *out, size_t *used,
		       struct err *err) _must_check_;
void http_request_destroy(struct http_request *request);

/* A field's value, or NULL; its name is compared without case. */
const char *http_request_field(const struct http_request *request, const char *name);

/* Is `token` one of the words of a field that lists some, as Connection does? Without case. */
bool http_request_lists(const struct http_request *request, const char *name, const char *token);

#endif
