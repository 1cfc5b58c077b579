/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/http-request.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/util.h"

static int refuse(struct err *err, const char *why)
{
	return err_set(err, ERR_INPUT, "HTTP request: %s", why);
}

/* Cut the next line off; its CR LF is there, or `text` would not have come so far. NULL:
 * a line that ends in another way. */
static char *next_line(char **text)
{
	char *line = *text, *end = strpbrk(line, "\r\n");
	if (!end || end[0] != '\r' || end[1] != '\n')
		return NULL;
	*end = '\0';
	*text = end + 2;
	return line;
}

static int take_method(const char *word, enum http_method *out, struct err *err)
{
	static const char *const names[] = { "GET", "HEAD", "POST", "CONNECT" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (str_eq(word, names[i])) {
			*out = (enum http_method)i;
			return 0;
		}
	}
	return refuse(err, "a method other than GET, HEAD, POST and CONNECT");
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

/* In place. An encoded slash would be a part of a name for some and a separator for
 * others. */
static int decode_path(char *path, struct err *err)
{
	char *to = path;
	for (const char *from = path; *from; from++) {
		unsigned char c = (unsigned char)*from;
		if (c == '%') {
			int high = hex_digit(from[1]),
			    low = high < 0 ? -1 : hex_digit(from[2]);
			if (low < 0)
				return refuse(err, "a % in the path without two digits");
			c = (unsigned char)(16 * high + low);
			from += 2;
			if (c == '/')
				return refuse(err, "an encoded slash in the path");
		}
		if (c < 0x20 || c > 0x7e || c == '\\')
			return refuse(err,
				      "an octet in the path that has no place there");
		*to++ = (char)c;
	}
	*to = '\0';
	return 0;
}

static int check_segments(const char *path, struct err *err)
{
	for (const char *at = path; *at == '/';) {
		size_t len = strcspn(++at, "/");
		if ((len == 0 && *at) || (len == 1 && at[0] == '.') ||
		    (len == 2 && at[0] == '.' && at[1] == '.'))
			return refuse(err,
				      "a segment of the path that is empty, . or ..");
		at += len;
	}
	return 0;
}

static int take_target(struct http_request *request, char *target, struct err *err)
{
	char *query = strchr(target, '?');
	if (query) {
		*query++ = '\0';
		for (const char *p = query; *p; p++)
			if (*p < 0x21 || *p > 0x7e)
				return refuse(
					err,
					"an octet in the query that has no place there");
	}
	if (target[0] != '/')
		return refuse(err, "a target that does not begin with /");
	if (decode_path(target, err) < 0)
		return -1;
	request->path = target;
	request->query = query;
	return check_segments(target, err);
}

/* HOST:PORT (RFC 9112 section 3.2.3); what the two are is for who uses them to say. */
static int take_authority(struct http_request *request, char *target, struct err *err)
{
	for (const char *p = target; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-._:[]", *p))
			return refuse(err, "a target of CONNECT that is no HOST:PORT");
	request->path = target;
	return *target ? 0 : refuse(err, "CONNECT to nothing");
}

static int take_request_line(struct http_request *request, char *line, struct err *err)
{
	char *target = strchr(line, ' '),
	     *version = target ? strchr(target + 1, ' ') : NULL;
	if (!version)
		return refuse(err, "a first line without three words");
	*target++ = '\0';
	*version++ = '\0';
	if (!str_eq(version, "HTTP/1.1") && !str_eq(version, "HTTP/1.0"))
		return refuse(err, "a version other than HTTP/1.1 and HTTP/1.0");
	request->http_1_0 = str_eq(version, "HTTP/1.0");
	if (take_method(line, &request->method, err) < 0)
		return -1;
	return request->method == HTTP_CONNECT ? take_authority(request, target, err)
					       : take_target(request, target, err);
}

/* RFC 9110 section 5.6.2. */
static bool is_token(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("!#$%&'*+-.^_`|~", *p))
			return false;
	return *name;
}

static int take_field(struct http_request *request, char *line, struct err *err)
{
	char *value = strchr(line, ':');
	if (!value)
		return refuse(err, "a field without a colon");
	*value++ = '\0';
	if (!is_token(line))
		return refuse(err, "a field whose name is no token");
	value += strspn(value, " \t");
	for (const char *p = value; *p; p++)
		if ((*p < 0x20 && *p != '\t') || *p > 0x7e)
			return refuse(err, "an octet in a field that has no place there");
	size_t len = strlen(value);
	while (len > 0 && strchr(" \t", value[len - 1]))
		value[--len] = '\0';
	if (http_request_field(request, line))
		return err_set(err, ERR_INPUT, "HTTP request: field %s comes twice",
			       line);
	if (request->field_count == HTTP_MAX_FIELDS)
		return err_set(err, ERR_TOO_LARGE, "HTTP request: more than %d fields",
			       HTTP_MAX_FIELDS);
	request->fields[request->field_count++] = (struct http_field){ line, value };
	return 0;
}

static int find_body(struct http_request *request, struct err *err)
{
	const char *text = http_request_field(request, "Content-Length");
	uint64_t length = 0;
	if (http_request_field(request, "Transfer-Encoding"))
		return refuse(err, "Transfer-Encoding");
	if (!text && request->method == HTTP_POST)
		return refuse(err, "a POST without Content-Length");
	if (text && number_parse(text, 0, HTTP_MAX_BODY, &length,
				 "HTTP request: Content-Length", err) < 0)
		return -1;
	if (length > 0 && request->method != HTTP_POST)
		return refuse(err, "a body that no POST brings");
	request->body_bytes = (size_t)length;
	return 0;
}

static int parse_head(struct http_request *request, struct err *err)
{
	char *rest = request->text, *line = next_line(&rest);
	if (!line)
		return refuse(err, "a line that does not end in CR LF");
	if (take_request_line(request, line, err) < 0)
		return -1;
	for (;;) {
		line = next_line(&rest);
		if (!line)
			return refuse(err, "a line that does not end in CR LF");
		if (!*line)
			return find_body(request, err);
		if (take_field(request, line, err) < 0)
			return -1;
	}
}

int http_request_parse(const char *data, size_t len, struct http_request *out,
		       size_t *used, struct err *err)
{
	static const char end[] = "\r\n\r\n";
	size_t looked_at = len < HTTP_HEAD_BYTES ? len : HTTP_HEAD_BYTES;
	*used = 0;
	if (memchr(data, '\0', looked_at))
		return refuse(err, "a NUL");
	const char *found = memmem(data, looked_at, end, sizeof(end) - 1);
	if (!found)
		return len < HTTP_HEAD_BYTES
			       ? 0
			       : err_set(err, ERR_TOO_LARGE,
					 "HTTP request: a head of more than %d bytes",
					 HTTP_HEAD_BYTES);
	size_t head_bytes = (size_t)(found - data) + sizeof(end) - 1;
	struct http_request request = { .text = xstrndup(data, head_bytes) };
	if (parse_head(&request, err) < 0) {
		http_request_destroy(&request);
		return -1;
	}
	*out = request;
	*used = head_bytes;
	return 0;
}

void http_request_destroy(struct http_request *request)
{
	free(request->text);
	*request = (struct http_request){ 0 };
}

const char *http_request_field(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->field_count; i++)
		if (strcasecmp(request->fields[i].name, name) == 0)
			return request->fields[i].value;
	return NULL;
}

bool http_request_lists(const struct http_request *request, const char *name,
			const char *token)
{
	const char *at = http_request_field(request, name);
	while (at && *at) {
		at += strspn(at, ", \t");
		size_t len = strcspn(at, ", \t");
		if (len == strlen(token) && strncasecmp(at, token, len) == 0)
			return true;
		at += len;
	}
	return false;
}
