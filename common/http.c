/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/http.h"

#include <ctype.h>
#include <time.h>

#include "common/util.h"

#define TIME_FORMAT "%a, %d %b %Y %H:%M:%S GMT"

size_t http_request_length(const char *text, size_t len)
{
	const char *end = len ? memmem(text, len, "\r\n\r\n", 4) : NULL;
	return end ? (size_t)(end - text) + 4 : 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "/pool/a%7eb?x" -> "pool/a~b". */
static int decode_path(const char *from, size_t len, struct http_request *out)
{
	size_t n = 0;
	if (len == 0 || from[0] != '/')
		return 400;
	for (size_t i = 1; i < len && from[i] != '?' && from[i] != '#'; i++) {
		char c = from[i];
		if (c == '%') {
			int high = i + 2 < len ? hex_digit(from[i + 1]) : -1;
			int low = i + 2 < len ? hex_digit(from[i + 2]) : -1;
			if (high < 0 || low < 0)
				return 400;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if ((unsigned char)c < ' ' || c == 127)
			return 400;
		if (c == '/' && n == 0)
			continue; /* "//pool" is "/pool" */
		if (n + 1 >= sizeof(out->path))
			return 414;
		out->path[n++] = c;
	}
	out->path[n] = '\0';
	return 0;
}

static int parse_request_line(const char *line, size_t len, struct http_request *out)
{
	const char *space = memchr(line, ' ', len);
	const char *target = space ? space + 1 : NULL;
	const char *end = target ? memchr(target, ' ', len - (size_t)(target - line)) : NULL;
	if (!end)
		return 400;
	size_t method_len = (size_t)(space - line);
	out->head = method_len == 4 && memcmp(line, "HEAD", 4) == 0;
	if (!out->head && !(method_len == 3 && memcmp(line, "GET", 3) == 0))
		return 405;
	size_t version_len = len - (size_t)(end + 1 - line);
	if (version_len != 8 || memcmp(end + 1, "HTTP/1.", 7) != 0 ||
	    (end[8] != '0' && end[8] != '1'))
		return 505;
	out->keep_alive = end[8] == '1';
	return decode_path(target, (size_t)(end - target), out);
}

static int64_t parse_time(const char *text)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, TIME_FORMAT, &tm);
	return end && !*end ? (int64_t)timegm(&tm) : HTTP_NO_TIME;
}

/* Decimal digits at *at, which moves behind them. */
static bool take_number(const char **at, uint64_t *out)
{
	char *end;
	if (!isdigit((unsigned char)**at) || strspn(*at, "0123456789") > 18)
		return false;
	*out = strtoull(*at, &end, 10);
	*at = end;
	return true;
}

/* "bytes=0-99", "bytes=100-", "bytes=-50". Several ranges, or what is not understood,
 * count as no range (RFC 9110, 14.2). */
static void parse_range(const char *text, struct http_request *out)
{
	if (!str_starts(text, "bytes="))
		return;
	const char *at = text + strlen("bytes=");
	bool has_first = take_number(&at, &out->range_first);
	if (*at++ != '-')
		return;
	out->range_last = UINT64_MAX;
	bool has_last = take_number(&at, &out->range_last);
	if (*at || (!has_first && !has_last) || (has_first && out->range_last < out->range_first))
		return;
	out->range_is_suffix = !has_first;
	out->has_range = true;
}

static void take_header(const char *name, const char *value, struct http_request *out)
{
	if (strcasecmp(name, "If-Modified-Since") == 0) {
		out->if_modified_since = parse_time(value);
	} else if (strcasecmp(name, "If-Unmodified-Since") == 0) {
		out->if_unmodified_since = parse_time(value);
	} else if (strcasecmp(name, "If-Range") == 0) {
		out->has_if_range = true;
		out->if_range = parse_time(value);
	} else if (strcasecmp(name, "Range") == 0) {
		parse_range(value, out);
	} else if (strcasecmp(name, "Connection") == 0) {
		if (strcasecmp(value, "close") == 0)
			out->keep_alive = false;
		else if (strcasecmp(value, "keep-alive") == 0)
			out->keep_alive = true;
	}
}

static int parse_header(const char *line, size_t len, struct http_request *out)
{
	_cleanup_free_ char *copy = xstrndup(line, len);
	char *colon = strchr(copy, ':');
	if (!colon || colon == copy || isspace((unsigned char)copy[0]))
		return 400;
	*colon = '\0';
	char *value = colon + 1 + strspn(colon + 1, " \t");
	for (size_t n = strlen(value); n && strchr(" \t", value[n - 1]); n--)
		value[n - 1] = '\0';
	/* A body would be taken for the next request. */
	if (strcasecmp(copy, "Transfer-Encoding") == 0 ||
	    (strcasecmp(copy, "Content-Length") == 0 && !str_eq(value, "0")))
		return 400;
	take_header(copy, value, out);
	return 0;
}

int http_parse(const char *text, size_t len, struct http_request *out)
{
	bool first = true;
	memset(out, 0, sizeof(*out));
	out->if_modified_since = out->if_unmodified_since = out->if_range = HTTP_NO_TIME;
	if (memchr(text, 0, len))
		return 400;
	for (const char *line = text; line < text + len;) {
		const char *end = memmem(line, len - (size_t)(line - text), "\r\n", 2);
		if (!end)
			return 400;
		size_t line_len = (size_t)(end - line);
		int status = first	 ? parse_request_line(line, line_len, out)
			     : line_len ? parse_header(line, line_len, out)
					: 0;
		if (status)
			return status;
		first = false;
		line = end + 2;
	}
	return first ? 400 : 0;
}

struct http_answer http_decide(const struct http_request *request, uint64_t size_bytes,
			       int64_t modified)
{
	struct http_answer all = { 200, 0, size_bytes };
	if (request->if_unmodified_since != HTTP_NO_TIME && modified > request->if_unmodified_since)
		return (struct http_answer){ 412, 0, 0 };
	if (request->if_modified_since != HTTP_NO_TIME && modified <= request->if_modified_since)
		return (struct http_answer){ 304, 0, 0 };
	if (!request->has_range || (request->has_if_range && request->if_range != modified))
		return all;
	if (request->range_is_suffix) {
		uint64_t length = request->range_last < size_bytes ? request->range_last
								   : size_bytes;
		return length ? (struct http_answer){ 206, size_bytes - length, length }
			      : (struct http_answer){ 416, 0, 0 };
	}
	if (request->range_first >= size_bytes)
		return (struct http_answer){ 416, 0, 0 };
	uint64_t last = request->range_last < size_bytes ? request->range_last : size_bytes - 1;
	return (struct http_answer){ 206, request->range_first, last - request->range_first + 1 };
}

static const char *reason(int status)
{
	switch (status) {
	case 200: return "OK";
	case 206: return "Partial Content";
	case 304: return "Not Modified";
	case 400: return "Bad Request";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 412: return "Precondition Failed";
	case 414: return "URI Too Long";
	case 416: return "Range Not Satisfiable";
	case 505: return "HTTP Version Not Supported";
	default: return "Error";
	}
}

static void add_time(struct strbuf *out, const char *name, int64_t unix_seconds)
{
	char text[64];
	time_t t = (time_t)unix_seconds;
	struct tm tm;
	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), TIME_FORMAT, &tm);
	strbuf_addf(out, "%s: %s\r\n", name, text);
}

void http_format_head(const struct http_answer *answer, uint64_t size_bytes, int64_t modified,
		      bool keep_alive, struct strbuf *out)
{
	strbuf_addf(out, "HTTP/1.1 %d %s\r\n", answer->status, reason(answer->status));
	add_time(out, "Date", (int64_t)time(NULL));
	add_time(out, "Last-Modified", modified);
	strbuf_adds(out, "Accept-Ranges: bytes\r\n");
	if (answer->status == 206)
		strbuf_addf(out, "Content-Range: bytes %llu-%llu/%llu\r\n",
			    (unsigned long long)answer->first,
			    (unsigned long long)(answer->first + answer->length - 1),
			    (unsigned long long)size_bytes);
	else if (answer->status == 416)
		strbuf_addf(out, "Content-Range: bytes */%llu\r\n",
			    (unsigned long long)size_bytes);
	if (answer->status != 304)
		strbuf_addf(out, "Content-Type: application/octet-stream\r\n"
				 "Content-Length: %llu\r\n",
			    (unsigned long long)answer->length);
	strbuf_addf(out, "Connection: %s\r\n\r\n", keep_alive ? "keep-alive" : "close");
}

void http_format_error(int status, bool head, bool keep_alive, struct strbuf *out)
{
	_cleanup_free_ char *body = xasprintf("%d %s\n", status, reason(status));
	strbuf_addf(out, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
			 "Connection: %s\r\n\r\n%s",
		    status, reason(status), strlen(body), keep_alive ? "keep-alive" : "close",
		    head ? "" : body);
}
