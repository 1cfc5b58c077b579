/* SPDX-License-Identifier: GPL-3.0-or-later */
/* http: an answer of the web server in the guest. */
#include <curl/curl.h>

#include "common/health-kinds.h"
#include "common/strbuf.h"

enum { MAX_BODY_BYTES = 1024 * 1024, MAX_HEADER_BYTES = 64 * 1024 };

struct http_answer {
	struct strbuf body; /* its start */
	size_t seen_bytes;
	size_t header_bytes;
	bool enough; /* we ended it */
};

static size_t take_body(char *data, size_t one, size_t len, void *arg)
{
	struct http_answer *answer = arg;
	size_t room = HEALTH_DETAIL_BYTES - answer->body.len;
	strbuf_add(&answer->body, data, len < room ? len : room);
	answer->seen_bytes += len;
	answer->enough = answer->seen_bytes > MAX_BODY_BYTES;
	return answer->enough ? CURL_WRITEFUNC_ERROR : len;
}

static size_t take_header(char *data, size_t one, size_t len, void *arg)
{
	struct http_answer *answer = arg;
	answer->header_bytes += len;
	return answer->header_bytes > MAX_HEADER_BYTES ? CURL_WRITEFUNC_ERROR : len;
}

static CURL *make_request(const char *url, int timeout_ms, struct http_answer *answer)
{
	CURL *curl = curl_easy_init();
	if (!curl)
		abort();
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "waybill-health");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
	return curl;
}

static void say_no_answer(CURL *curl, CURLcode code, int timeout_ms,
			  struct health_result *result)
{
	long error = 0;
	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &error);
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		health_say(result, false, "%s",
			   error ? health_network_reason((int)error)
				 : "connection refused");
		break;
	case CURLE_OPERATION_TIMEDOUT:
		health_say(result, false, "no complete answer within %d s",
			   timeout_ms / 1000);
		break;
	case CURLE_GOT_NOTHING:
		health_say(result, false, "closed without an answer");
		break;
	case CURLE_RECV_ERROR:
		health_say(result, false, "connection reset");
		break;
	case CURLE_PARTIAL_FILE:
		health_say(result, false, "the answer breaks off");
		break;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		health_say(result, false, "the answer is not HTTP");
		break;
	case CURLE_WRITE_ERROR:
		health_say(result, false, "the answer's header is longer than %d KiB",
			   MAX_HEADER_BYTES / 1024);
		break;
	default:
		health_say(result, false, "%s", curl_easy_strerror(code));
	}
}

void health_check_http(const char *address, uint16_t port, int timeout_ms,
		       struct health_result *result)
{
	struct http_answer answer = { .body = STRBUF_INIT };
	_cleanup_free_ char *url =
		xasprintf("http://%s:%u%s", address, port, result->check->argument);
	CURL *curl = make_request(url, timeout_ms, &answer);
	CURLcode code = curl_easy_perform(curl);
	long status = 0;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK || answer.enough)
		health_say(result, status >= 200 && status < 400, "HTTP %ld", status);
	else
		say_no_answer(curl, code, timeout_ms, result);
	if (answer.body.len)
		health_keep_detail(result, answer.body.data, answer.body.len);
	strbuf_destroy(&answer.body);
	curl_easy_cleanup(curl);
}
