/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checks that knock at a port of the guest: tcp and http. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/health-kinds.h"
#include "common/strbuf.h"

enum {
	/* A forward whose guest refuses closes within a few ms, under emulation too. */
	SETTLE_MS = 1000,
	MAX_BODY_BYTES = 1024 * 1024,
	MAX_HEADER_BYTES = 64 * 1024,
};

static const char *plain_reason(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "connection refused";
	case ECONNRESET:
		return "connection reset";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "the guest cannot be reached";
	case ETIMEDOUT:
		return "no answer";
	default:
		return strerror(error);
	}
}

/* A connected, non-blocking socket; -1 with the result said. */
static int connect_to(const char *address, uint16_t port, int timeout_ms,
		      struct health_result *result)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
		health_say(result, false, "'%s' is not an address", address);
		return -1;
	}
	_cleanup_close_ int fd =
		socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0;
	socklen_t size = sizeof(error);
	if (fd < 0 ||
	    (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)) {
		health_say(result, false, "%s", plain_reason(errno));
		return -1;
	}
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	if (poll(&wait, 1, timeout_ms) <= 0) {
		health_say(result, false, "no connection within %d s", timeout_ms / 1000);
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error) {
		health_say(result, false, "%s", plain_reason(error));
		return -1;
	}
	return steal_fd(&fd);
}

void health_check_tcp(const char *address, uint16_t port, bool forwarded, int timeout_ms,
		      struct health_result *result)
{
	_cleanup_close_ int fd = connect_to(address, port, timeout_ms, result);
	if (fd < 0)
		return;
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char byte;
	if (poll(&wait, 1, SETTLE_MS) > 0) {
		ssize_t n = recv(fd, &byte, 1, 0);
		if (n == 0) {
			health_say(result, false, "%s",
				   forwarded ? "nothing listens in the guest (closed at once)"
					     : "closed at once");
			return;
		}
		if (n < 0) {
			health_say(result, false, "%s", plain_reason(errno));
			return;
		}
	}
	health_say(result, true, "open");
}

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
			   error ? plain_reason((int)error) : "connection refused");
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
