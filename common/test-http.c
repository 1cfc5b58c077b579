/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/http.h"

#include "common/test-mutate.h"

#define MODIFIED 1795217051 /* Fri, 20 Nov 2026 23:24:11 GMT */

static int parse(const char *text, struct http_request *out)
{
	assert_int_equal(http_request_length(text, strlen(text)), strlen(text));
	return http_parse(text, strlen(text), out);
}

static void test_simplest(void **state)
{
	struct http_request r;
	assert_int_equal(parse("GET /dists/stable/InRelease HTTP/1.1\r\n\r\n", &r), 0);
	assert_string_equal(r.path, "dists/stable/InRelease");
	assert_false(r.head);
	assert_true(r.keep_alive);
	assert_false(r.has_range);
	assert_true(r.if_modified_since == HTTP_NO_TIME);
}

static void test_path_is_decoded(void **state)
{
	struct http_request r;
	assert_int_equal(parse("HEAD //pool/a_1%7erc1%2bb1.deb?x#y HTTP/1.0\r\n\r\n", &r), 0);
	assert_string_equal(r.path, "pool/a_1~rc1+b1.deb");
	assert_true(r.head);
	assert_false(r.keep_alive);
}

static void test_bad_requests(void **state)
{
	static const struct {
		const char *text;
		int status;
	} bad[] = {
		{ "GET\r\n\r\n", 400 },
		{ "GET /\r\n\r\n", 400 },
		{ "\r\n\r\n", 400 },
		{ "GET http://x/ HTTP/1.1\r\n\r\n", 400 },
		{ "GET /%zz HTTP/1.1\r\n\r\n", 400 },
		{ "GET /%00 HTTP/1.1\r\n\r\n", 400 },
		{ "GET /%0a HTTP/1.1\r\n\r\n", 400 },
		{ "GET /% HTTP/1.1\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n\r\n", 405 },
		{ "GET / HTTP/2.0\r\n\r\n", 505 },
		{ "GET / HTTP/1.1x\r\n\r\n", 505 },
		{ "GET / HTTP/1.1\r\nno colon\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n: x\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n folded: x\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct http_request r;
		assert_int_equal(parse(bad[i].text, &r), bad[i].status);
	}
}

static void test_path_too_long(void **state)
{
	struct http_request r;
	_cleanup_free_ char *text = xasprintf("GET /%0*d HTTP/1.1\r\n\r\n", HTTP_PATH_MAX_BYTES, 0);
	assert_int_equal(parse(text, &r), 414);
}

static struct http_answer decide(const char *headers, uint64_t size_bytes)
{
	struct http_request r;
	_cleanup_free_ char *text = xasprintf("GET / HTTP/1.1\r\n%s\r\n", headers);
	assert_int_equal(parse(text, &r), 0);
	return http_decide(&r, size_bytes, MODIFIED);
}

static void assert_answer(const char *headers, uint64_t size_bytes, int status, uint64_t first,
			  uint64_t length)
{
	struct http_answer a = decide(headers, size_bytes);
	assert_int_equal(a.status, status);
	assert_int_equal(a.first, first);
	assert_int_equal(a.length, length);
}

static void test_ranges(void **state)
{
	assert_answer("", 100, 200, 0, 100);
	assert_answer("Range: bytes=0-9\r\n", 100, 206, 0, 10);
	assert_answer("range: bytes=90-\r\n", 100, 206, 90, 10);
	assert_answer("Range: bytes=90-999\r\n", 100, 206, 90, 10);
	assert_answer("Range: bytes=-10\r\n", 100, 206, 90, 10);
	assert_answer("Range: bytes=-999\r\n", 100, 206, 0, 100);
	assert_answer("Range: bytes=100-\r\n", 100, 416, 0, 0);
	assert_answer("Range: bytes=-0\r\n", 100, 416, 0, 0);
	assert_answer("Range: bytes=0-\r\n", 0, 416, 0, 0);
	/* Not understood: all of it. */
	assert_answer("Range: bytes=9-1\r\n", 100, 200, 0, 100);
	assert_answer("Range: bytes=0-1,5-6\r\n", 100, 200, 0, 100);
	assert_answer("Range: bytes=-\r\n", 100, 200, 0, 100);
	assert_answer("Range: bytes=99999999999999999999-\r\n", 100, 200, 0, 100);
	assert_answer("Range: lines=1-2\r\n", 100, 200, 0, 100);
}

static void test_if_range(void **state)
{
	assert_answer("Range: bytes=9-\r\nIf-Range: Fri, 20 Nov 2026 23:24:11 GMT\r\n", 100, 206, 9,
		      91);
	assert_answer("Range: bytes=9-\r\nIf-Range: Fri, 20 Nov 2026 23:24:10 GMT\r\n", 100, 200, 0,
		      100);
	assert_answer("Range: bytes=9-\r\nIf-Range: \"etag\"\r\n", 100, 200, 0, 100);
}

static void test_if_modified_since(void **state)
{
	assert_answer("If-Modified-Since: Fri, 20 Nov 2026 23:24:11 GMT\r\n", 100, 304, 0, 0);
	assert_answer("If-Modified-Since: Fri, 20 Nov 2026 23:24:10 GMT\r\n", 100, 200, 0, 100);
	assert_answer("If-Modified-Since: yesterday\r\n", 100, 200, 0, 100);
}

static void test_head_is_written(void **state)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	struct http_answer part = { 206, 90, 10 };
	http_format_head(&part, 100, MODIFIED, true, &out);
	assert_non_null(strstr(out.data, "HTTP/1.1 206 Partial Content\r\n"));
	assert_non_null(strstr(out.data, "Content-Range: bytes 90-99/100\r\n"));
	assert_non_null(strstr(out.data, "Content-Length: 10\r\n"));
	assert_non_null(strstr(out.data, "Last-Modified: Fri, 20 Nov 2026 23:24:11 GMT\r\n"));
	assert_string_equal(out.data + out.len - 4, "\r\n\r\n");
}

static void test_incomplete_request(void **state)
{
	assert_int_equal(http_request_length("GET / HTTP/1.1\r\n", 16), 0);
	assert_int_equal(http_request_length("", 0), 0);
	/* Pipelined: the first one only. */
	assert_int_equal(http_request_length("GET / HTTP/1.1\r\n\r\nGET", 21), 18);
}

static void check_any(const char *text, size_t len)
{
	struct http_request r;
	size_t length = http_request_length(text, len);
	assert_true(length <= len);
	if (length == 0 || http_parse(text, length, &r) != 0)
		return;
	struct http_answer a = http_decide(&r, 1000, MODIFIED);
	assert_true(a.first + a.length <= 1000);
}

static void test_mutations(void **state)
{
	mutate("GET /pool/main/a%7e.deb HTTP/1.1\r\nHost: x\r\nRange: bytes=10-500\r\n"
	       "If-Range: Fri, 20 Nov 2026 23:24:11 GMT\r\nConnection: close\r\n\r\n",
	       check_any);
	mutate("HEAD / HTTP/1.0\r\nRange: bytes=-20\r\n\r\n", check_any);
}

static void test_unmodified_since(void **state)
{
	struct http_request r;
	assert_int_equal(parse("GET /x HTTP/1.1\r\nIf-Unmodified-Since: Fri, 20 Nov 2026 23:24:11 "
			       "GMT\r\nRange: bytes=5-\r\n\r\n", &r), 0);
	assert_int_equal(http_decide(&r, 100, MODIFIED).status, 206);
	assert_int_equal(http_decide(&r, 100, MODIFIED + 1).status, 412);
	assert_int_equal(http_decide(&r, 100, MODIFIED + 1).length, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simplest),     cmocka_unit_test(test_path_is_decoded),
		cmocka_unit_test(test_bad_requests), cmocka_unit_test(test_path_too_long),
		cmocka_unit_test(test_ranges),	     cmocka_unit_test(test_if_range),
		cmocka_unit_test(test_if_modified_since), cmocka_unit_test(test_head_is_written),
		cmocka_unit_test(test_incomplete_request), cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_unmodified_since),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
