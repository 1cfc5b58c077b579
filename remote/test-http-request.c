/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <string.h>

#include "common/strbuf.h"
#include "remote/http-request.h"

static const char upgrade[] = "GET /vm/askom%20old?token=a&b=%2F HTTP/1.1\r\n"
			      "Host: proxy.example\r\n"
			      "connection:  keep-alive, Upgrade \t\r\n"
			      "Upgrade: websocket\r\n"
			      "Empty:\r\n"
			      "\r\n";

static void test_whole(void **state)
{
	struct err err = ERR_INIT;
	struct http_request request;
	_cleanup_free_ char *more = xasprintf("%snext", upgrade);
	size_t used;
	for (size_t len = 0; len < strlen(upgrade); len++) {
		assert_ok(http_request_parse(upgrade, len, &request, &used, &err));
		assert_int_equal(used, 0);
	}
	assert_ok(http_request_parse(more, strlen(more), &request, &used, &err));
	assert_int_equal(used, strlen(upgrade));
	assert_int_equal(request.method, HTTP_GET);
	assert_string_equal(request.path, "/vm/askom old");
	assert_string_equal(request.query, "token=a&b=%2F");
	assert_int_equal(request.field_count, 4);
	assert_string_equal(http_request_field(&request, "HOST"), "proxy.example");
	assert_string_equal(http_request_field(&request, "Connection"),
			    "keep-alive, Upgrade");
	assert_string_equal(http_request_field(&request, "empty"), "");
	assert_null(http_request_field(&request, "Origin"));
	assert_true(http_request_lists(&request, "Connection", "upgrade"));
	assert_false(http_request_lists(&request, "Connection", "keep"));
	assert_false(http_request_lists(&request, "Origin", "upgrade"));
	assert_int_equal(request.body_bytes, 0);
	http_request_destroy(&request);
}

static void test_post(void **state)
{
	struct err err = ERR_INIT;
	struct http_request request;
	static const char text[] = "POST / HTTP/1.0\r\nContent-Length: 4096\r\n\r\n";
	size_t used;
	assert_ok(http_request_parse(text, sizeof(text) - 1, &request, &used, &err));
	assert_int_equal(request.method, HTTP_POST);
	assert_int_equal(request.body_bytes, 4096);
	assert_true(request.http_1_0);
	assert_null(request.query);
	http_request_destroy(&request);
}

static const struct {
	const char *text, *why;
} bad[] = {
	{ "PUT / HTTP/1.1\r\n\r\n", "method" },
	{ "get / HTTP/1.1\r\n\r\n", "method" },
	{ "\r\n\r\n", "three words" },
	{ "GET /\r\n\r\n", "three words" },
	{ "GET  / HTTP/1.1\r\n\r\n", "version" },
	{ "GET / HTTP/2.0\r\n\r\n", "version" },
	{ "GET / HTTP/1.1 \r\n\r\n", "version" },
	{ "GET http://other/ HTTP/1.1\r\n\r\n", "does not begin with /" },
	{ "GET * HTTP/1.1\r\n\r\n", "does not begin with /" },
	{ "GET //host/%2F.. HTTP/1.1\r\n\r\n", "encoded slash" },
	{ "GET //host/ HTTP/1.1\r\n\r\n", "segment" },
	{ "GET /a//b HTTP/1.1\r\n\r\n", "segment" },
	{ "GET /a/../b HTTP/1.1\r\n\r\n", "segment" },
	{ "GET /%2e%2E HTTP/1.1\r\n\r\n", "segment" },
	{ "GET /./ HTTP/1.1\r\n\r\n", "segment" },
	{ "GET /a%5cb HTTP/1.1\r\n\r\n", "no place" },
	{ "GET /a%00 HTTP/1.1\r\n\r\n", "no place" },
	{ "GET /a%0d%0ab HTTP/1.1\r\n\r\n", "no place" },
	{ "GET /a% HTTP/1.1\r\n\r\n", "two digits" },
	{ "GET /a%4 HTTP/1.1\r\n\r\n", "two digits" },
	{ "GET /\xc3\xa6 HTTP/1.1\r\n\r\n", "no place" },
	{ "GET /?\xff HTTP/1.1\r\n\r\n", "query" },
	{ "GET / HTTP/1.1\nHost: a\r\n\r\n", "CR LF" },
	{ "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", "CR LF" },
	{ "GET / HTTP/1.1\r\nHost\r\n\r\n", "colon" },
	{ "GET / HTTP/1.1\r\n: a\r\n\r\n", "no token" },
	{ "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "no token" },
	{ "GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", "no token" },
	{ "GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n", "field that has no place" },
	{ "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", "comes twice" },
	{ "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding" },
	{ "GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\n", "no POST" },
	{ "POST / HTTP/1.1\r\n\r\n", "without Content-Length" },
	{ "POST / HTTP/1.1\r\nContent-Length: 4097\r\n\r\n", "Content-Length" },
	{ "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "Content-Length" },
	{ "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", "Content-Length" },
};

static void test_bad(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		struct http_request request;
		size_t used;
		if (http_request_parse(bad[i].text, strlen(bad[i].text), &request, &used,
				       &err) == 0)
			fail_msg("taken: %s", bad[i].text);
		if (!strstr(err.msg, bad[i].why))
			fail_msg("'%s' lacks '%s'", err.msg, bad[i].why);
		err_clear(&err);
	}
}

static void test_endless(void **state)
{
	struct err err = ERR_INIT;
	struct http_request request;
	size_t used;
	_cleanup_strbuf_ struct strbuf fields = STRBUF_INIT, line = STRBUF_INIT;
	strbuf_adds(&line, "GET /");
	while (line.len < HTTP_HEAD_BYTES - 1)
		strbuf_addc(&line, 'a');
	assert_ok(http_request_parse(line.data, line.len, &request, &used, &err));
	assert_int_equal(used, 0);
	strbuf_addc(&line, 'a');
	assert_fails(http_request_parse(line.data, line.len, &request, &used, &err),
		     ERR_TOO_LARGE, "8192 bytes");
	strbuf_adds(&fields, "GET / HTTP/1.1\r\n");
	for (int i = 0; i <= HTTP_MAX_FIELDS; i++)
		strbuf_addf(&fields, "f%d: v\r\n", i);
	strbuf_adds(&fields, "\r\n");
	assert_fails(http_request_parse(fields.data, fields.len, &request, &used, &err),
		     ERR_TOO_LARGE, "64 fields");
	assert_fails(
		http_request_parse("GET /\0 HTTP/1.1\r\n\r\n", 19, &request, &used, &err),
		ERR_INPUT, "NUL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_endless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
