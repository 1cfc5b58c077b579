/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/download.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <sys/socket.h>

#include "pkgmgr/quit.h"

enum { CONNECT_TIMEOUT_S = 30, MAX_TRANSFERS = 8, WAIT_MS = 20, RETRY_AFTER_MAX_S = 86400 };
enum { RECEIVE_MIN = 16 << 10, RECEIVE_MAX = 1 << 20 };
enum {
	HTTP_OK = 200,
	HTTP_PARTIAL = 206,
	HTTP_CHANGED = 412,
	HTTP_BAD_RANGE = 416,
	HTTP_TOO_MANY = 429,
	HTTP_BUSY = 503
};

struct running {
	struct transfer public;		/* first: what callers have is a pointer to it */
	struct download *download;
	struct partial *part;
	CURL *easy;
	struct curl_slist *headers;
	char *uri;
	char *if_range;
	bool is_file;
	bool waits;			/* for the rate limit */
	bool begun;			/* the head is judged */
	uint64_t from, to;
	uint64_t at;			/* of the next byte */
	/* Of the last response's head. */
	char *etag, *modified;
	bool has_range;
	uint64_t range_first, range_total; /* total: UINT64_MAX if not said */
};

struct download {
	CURLM *multi;
	const struct fetch_policy *policy;
	struct running *running[MAX_TRANSFERS];
	uint64_t received;
	/* Of the rate limit: how many bytes may be taken, and when that was last counted. */
	double allowance;
	int64_t filled_ms;
};

static uint64_t size_of(const struct running *r)
{
	return r->part->state.size_bytes;
}

static int end_as(struct running *r, enum transfer_end end)
{
	r->public.end = end;
	return -1;
}

static int wrong_size(struct running *r, uint64_t size)
{
	if (size > size_of(r))
		err_set(&r->public.err, ERR_TOO_LARGE,
			"the server sends more than the signed %" PRIu64 " bytes", size_of(r));
	else
		err_set(&r->public.err, ERR_NETWORK,
			"the server sends a file of %" PRIu64 " bytes, %" PRIu64 " are signed", size,
			size_of(r));
	return end_as(r, TRANSFER_WRONG_SIZE);
}

static void forget_head(struct running *r)
{
	free(steal(&r->etag));
	free(steal(&r->modified));
	r->has_range = false;
}

/* The value of a header line of this name, to free; NULL: it is another one. */
static char *header_value(const char *line, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	if (len <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
		return NULL;
	const char *from = line + name_len + 1, *to = line + len;
	while (from < to && strchr(" \t", *from))
		from++;
	while (to > from && strchr(" \t\r\n", to[-1]))
		to--;
	return xstrndup(from, (size_t)(to - from));
}

/* "bytes 100-199/1000", "bytes 100-199" and a star (RFC 9110, 14.4). */
static void take_range(struct running *r, const char *value)
{
	char *end = NULL;
	if (!str_starts(value, "bytes "))
		return;
	r->range_first = strtoull(value + strlen("bytes "), &end, 10);
	const char *slash = strchr(end, '/');
	if (*end != '-' || !slash)
		return;
	r->range_total = str_eq(slash + 1, "*") ? UINT64_MAX : strtoull(slash + 1, NULL, 10);
	r->has_range = true;
}

static size_t on_header(char *line, size_t one, size_t len, void *arg)
{
	struct running *r = arg;
	if (len > 5 && strncmp(line, "HTTP/", 5) == 0)
		forget_head(r); /* of a redirection */
	_cleanup_free_ char *range = header_value(line, len, "Content-Range");
	char *etag = header_value(line, len, "ETag");
	char *modified = header_value(line, len, "Last-Modified");
	if (range)
		take_range(r, range);
	if (etag) {
		free(r->etag);
		r->etag = etag;
	}
	if (modified) {
		free(r->modified);
		r->modified = modified;
	}
	return len;
}

/* A weak ETag does not say that the bytes are the same (RFC 9110, 13.1.5). */
static const char *validator_of(const struct running *r)
{
	return r->etag && !str_starts(r->etag, "W/") ? r->etag : r->modified;
}

static int replaced(struct running *r)
{
	err_set(&r->public.err, ERR_NETWORK, "the file on the server was replaced");
	return end_as(r, TRANSFER_CHANGED);
}

static int begin_range(struct running *r)
{
	const char *validator = validator_of(r);
	if (!r->has_range || r->range_first != r->from) {
		err_set(&r->public.err, ERR_NETWORK, "the server sends another range than asked for");
		return end_as(r, TRANSFER_BROKEN);
	}
	if (r->range_total != UINT64_MAX && r->range_total != size_of(r))
		return wrong_size(r, r->range_total);
	return r->if_range && validator && !str_eq(validator, r->if_range) ? replaced(r) : 0;
}

/* All of the file, though perhaps a part was asked for. */
static int begin_whole(struct running *r)
{
	curl_off_t length = -1;
	curl_easy_getinfo(r->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	if (length >= 0 && (uint64_t)length != size_of(r))
		return wrong_size(r, (uint64_t)length);
	if (r->if_range && !str_same(validator_of(r), r->if_range))
		return replaced(r);
	r->at = 0;
	r->to = size_of(r);
	return 0;
}

/* Judge the head before the first byte is taken. */
static int begin(struct running *r)
{
	long status = 0;
	r->begun = true;
	r->public.started_ms = monotonic_ms();
	if (r->is_file)
		return 0;
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != HTTP_OK && status != HTTP_PARTIAL) {
		err_set(&r->public.err, ERR_NETWORK, "the server answers %ld", status);
		return end_as(r, TRANSFER_GONE);
	}
	if ((status == HTTP_PARTIAL ? begin_range(r) : begin_whole(r)) < 0)
		return -1;
	const char *validator = validator_of(r);
	r->public.validator = validator ? xstrdup(validator) : NULL;
	/* With nothing to compare it is right by itself, and a death must not forget it. */
	if (partial_received(r->part) == 0)
		partial_state_note_source(&r->part->state, r->uri, validator);
	return 0;
}

static int take(struct running *r, const char *data, size_t len)
{
	struct err *err = &r->public.err;
	/* libcurl reads a file in one go. */
	if (quit_check(err) < 0)
		return end_as(r, TRANSFER_FATAL);
	if (!r->begun && begin(r) < 0)
		return -1;
	if (len > r->to - r->at)
		return wrong_size(r, UINT64_MAX);
	if (partial_put(r->part, r->at, data, len, err) < 0)
		return end_as(r, err->code == ERR_INCONSISTENT ? TRANSFER_DIFFERS : TRANSFER_FATAL);
	r->at += len;
	if (partial_save(r->part, false, err) < 0)
		return end_as(r, TRANSFER_FATAL);
	return 0;
}

/* Bytes that may be taken now; what was not used is lost after a quarter of a second, so
 * that a rest is not made up for. */
static bool may_take(struct download *d)
{
	uint64_t limit = d->policy->rate_limit;
	int64_t now_ms = monotonic_ms();
	if (!limit)
		return true;
	d->allowance += (double)limit * (double)(now_ms - d->filled_ms) / 1000;
	d->filled_ms = now_ms;
	if (d->allowance > (double)limit / 4)
		d->allowance = (double)limit / 4;
	return d->allowance > 0;
}

static size_t on_data(char *data, size_t one, size_t len, void *arg)
{
	struct running *r = arg;
	struct download *d = r->download;
	/* A file is on no line, and libcurl would read all of it into memory. */
	r->waits = !r->is_file && !may_take(d);
	if (r->waits)
		return CURL_WRITEFUNC_PAUSE;
	if (take(r, data, len) < 0)
		return 0;
	d->allowance -= (double)len;
	r->public.received += len;
	d->received += len;
	return len;
}

int download_new(const struct fetch_policy *policy, struct download **out, struct err *err)
{
	*out = NULL;
	_cleanup_(download_freep) struct download *d = xcalloc(1, sizeof(*d));
	d->policy = policy;
	d->filled_ms = monotonic_ms();
	d->multi = curl_multi_init();
	if (!d->multi)
		return err_set(err, ERR_SYSTEM, "cannot set up libcurl");
	*out = steal(&d);
	return 0;
}

static void running_free(struct running *r)
{
	if (r->easy)
		curl_multi_remove_handle(r->download->multi, r->easy);
	curl_easy_cleanup(r->easy);
	curl_slist_free_all(r->headers);
	forget_head(r);
	err_clear(&r->public.err);
	free(r->public.validator);
	free(r->if_range);
	free(r->uri);
	free(r);
}
DEFINE_FREEP(struct running, running_free)

void download_free(struct download *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < MAX_TRANSFERS; i++)
		if (d->running[i])
			running_free(d->running[i]);
	if (d->multi)
		curl_multi_cleanup(d->multi);
	free(d);
}

uint64_t download_received(const struct download *d)
{
	return d->received;
}

int64_t download_left_ms(const struct download *d)
{
	return d->policy->until_ms - monotonic_ms();
}

size_t download_running(const struct download *d)
{
	size_t count = 0;
	for (size_t i = 0; i < MAX_TRANSFERS; i++)
		count += d->running[i] != NULL;
	return count;
}

/* True: one still waits. */
static bool go_on(struct download *d)
{
	bool waits = false;
	for (size_t i = 0; i < MAX_TRANSFERS; i++) {
		struct running *r = d->running[i];
		if (!r || !r->waits)
			continue;
		r->waits = !may_take(d);
		if (!r->waits)
			curl_easy_pause(r->easy, CURLPAUSE_CONT);
		waits = waits || r->waits;
	}
	return waits;
}

/* What the kernel takes ahead of us is on the line all the same. */
static int on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	const struct running *r = arg;
	uint64_t half = r->download->policy->rate_limit / 2;
	int bytes = half < RECEIVE_MIN ? RECEIVE_MIN : half > RECEIVE_MAX ? RECEIVE_MAX : (int)half;
	if (r->download->policy->rate_limit)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return CURL_SOCKOPT_OK;
}

static void set_proxy(const struct running *r, bool direct)
{
	const char *proxy = r->download->policy->proxy;
	/* A peer is asked for one thing and sends it, or not. */
	if (direct)
		curl_easy_setopt(r->easy, CURLOPT_FOLLOWLOCATION, 0L);
	if (direct || (proxy && str_eq(proxy, "none")))
		curl_easy_setopt(r->easy, CURLOPT_PROXY, "");
	else if (proxy)
		curl_easy_setopt(r->easy, CURLOPT_PROXY, proxy);
}

static void set_range(struct running *r)
{
	if (r->from == 0 && r->to == size_of(r))
		return;
	_cleanup_free_ char *range = xasprintf("%" PRIu64 "-%" PRIu64, r->from, r->to - 1);
	curl_easy_setopt(r->easy, CURLOPT_RANGE, range);
	if (!r->if_range)
		return;
	/* By If-Range alone a server whose file was replaced would begin to send all of it. */
	_cleanup_free_ char *if_range = xasprintf("If-Range: %s", r->if_range);
	_cleanup_free_ char *condition =
		xasprintf("%s: %s", r->if_range[0] == '"' ? "If-Match" : "If-Unmodified-Since",
			  r->if_range);
	r->headers = curl_slist_append(curl_slist_append(NULL, if_range), condition);
	curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers);
}

static void set_options(struct running *r, const char *url)
{
	const struct fetch_policy *policy = r->download->policy;
	int64_t left_ms = download_left_ms(r->download);
	curl_easy_setopt(r->easy, CURLOPT_URL, url);
	curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
	curl_easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(r->easy, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(r->easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(r->easy, CURLOPT_MAXREDIRS, 5L);
	curl_easy_setopt(r->easy, CURLOPT_PROTOCOLS_STR, "http,https,file");
	curl_easy_setopt(r->easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(r->easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(r->easy, CURLOPT_LOW_SPEED_LIMIT, (long)policy->minimum_rate);
	curl_easy_setopt(r->easy, CURLOPT_LOW_SPEED_TIME,
			 policy->minimum_rate ? (long)policy->stall_s : 0L);
	curl_easy_setopt(r->easy, CURLOPT_TIMEOUT_MS, (long)(left_ms > 1 ? left_ms : 1));
	curl_easy_setopt(r->easy, CURLOPT_USERAGENT, "waybill-pkgmgr");
	curl_easy_setopt(r->easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(r->easy, CURLOPT_SOCKOPTDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
}

/* apt writes file:/path, libcurl wants file:///path. */
static char *url_of(const char *uri)
{
	return str_starts(uri, "file:/") && !str_starts(uri, "file://")
		       ? xasprintf("file://%s", uri + strlen("file:"))
		       : xstrdup(uri);
}

int download_start(struct download *d, const struct transfer_request *request,
		   struct transfer **out, struct err *err)
{
	size_t slot = 0;
	_cleanup_free_ char *url = url_of(request->uri);
	*out = NULL;
	while (slot < MAX_TRANSFERS && d->running[slot])
		slot++;
	if (slot == MAX_TRANSFERS)
		return err_set(err, ERR_SYSTEM, "more than %d transfers", MAX_TRANSFERS);
	_cleanup_(running_freep) struct running *r = xcalloc(1, sizeof(*r));
	r->download = d;
	r->public.owner = request->owner;
	r->public.started_ms = monotonic_ms();
	r->part = request->part;
	r->from = r->at = request->from;
	r->to = request->to;
	r->uri = xstrdup(request->uri);
	r->is_file = str_starts(url, "file:");
	r->if_range = request->if_range ? xstrdup(request->if_range) : NULL;
	r->easy = curl_easy_init();
	if (!r->easy)
		return err_set(err, ERR_SYSTEM, "cannot set up libcurl");
	set_options(r, url);
	set_proxy(r, request->direct);
	set_range(r);
	if (curl_multi_add_handle(d->multi, r->easy) != CURLM_OK)
		return err_set(err, ERR_SYSTEM, "libcurl takes no transfer");
	*out = &r->public;
	d->running[slot] = steal(&r);
	return 0;
}

void download_end(struct download *d, struct transfer *transfer)
{
	for (size_t i = 0; i < MAX_TRANSFERS; i++)
		if (d->running[i] && &d->running[i]->public == transfer) {
			running_free(d->running[i]);
			d->running[i] = NULL;
		}
}

static enum transfer_end judge_status(struct running *r, long status)
{
	curl_off_t retry_after = 0;
	curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &retry_after);
	/* Of a date libcurl gives the difference, which a wrong clock makes negative. */
	r->public.retry_after_s = retry_after < 0 ? 0 : retry_after > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S
											 : retry_after;
	err_set(&r->public.err, ERR_NETWORK, "the server answers %ld", status);
	if (status == HTTP_BAD_RANGE || status == HTTP_CHANGED)
		return TRANSFER_CHANGED;
	if (status == HTTP_TOO_MANY || status == HTTP_BUSY)
		return TRANSFER_BUSY;
	return status >= 400 && status < 500 ? TRANSFER_GONE : TRANSFER_BROKEN;
}

static enum transfer_end judge(struct running *r, CURLcode code)
{
	struct err *err = &r->public.err;
	long status = 0;
	if (err->code != ERR_NONE)
		return r->public.end;
	if (code == CURLE_OK && !r->begun && begin(r) < 0)
		return r->public.end;
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_HTTP_RETURNED_ERROR)
		return judge_status(r, status);
	if (code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME) {
		err_set(err, ERR_NETWORK, "the server takes up no file");
		return TRANSFER_CHANGED;
	}
	if (code == CURLE_FILE_COULDNT_READ_FILE) {
		err_set(err, ERR_NETWORK, "%s", curl_easy_strerror(code));
		return TRANSFER_GONE;
	}
	if (code == CURLE_OK && r->at == r->to)
		return TRANSFER_DONE;
	if (code == CURLE_OK)
		err_set(err, ERR_NETWORK, "the server sent %" PRIu64 " bytes, %" PRIu64 " are signed",
			r->at, size_of(r));
	else
		err_set(err, code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_NETWORK,
			"%s after %" PRIu64 " of %" PRIu64 " bytes", curl_easy_strerror(code), r->at,
			size_of(r));
	return TRANSFER_BROKEN;
}

struct transfer *download_wait(struct download *d, int timeout_ms)
{
	int running = 0, left = 0;
	curl_multi_perform(d->multi, &running);
	CURLMsg *message = curl_multi_info_read(d->multi, &left);
	if (!message) {
		bool waits = go_on(d);
		curl_multi_poll(d->multi, NULL, 0, waits ? WAIT_MS : timeout_ms, NULL);
		curl_multi_perform(d->multi, &running);
		message = curl_multi_info_read(d->multi, &left);
	}
	if (!message || message->msg != CURLMSG_DONE)
		return NULL;
	void *private = NULL;
	CURLcode code = message->data.result;
	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&private);
	struct running *r = private;
	r->public.end = judge(r, code);
	_cleanup_err_ struct err unsaved = ERR_INIT;
	if (partial_save_end(r->part, &unsaved) < 0 && r->public.end != TRANSFER_FATAL) {
		r->public.end = TRANSFER_FATAL;
		err_clear(&r->public.err);
		err_set(&r->public.err, unsaved.code, "%s", unsaved.msg);
	}
	return &r->public;
}
