/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/download.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/progress.h"
#include "pkgmgr/quit.h"

/* Slower than this for so long is a dead line; a whole fetch ends within a night. */
enum { MIN_RATE_BYTES = 256, MIN_RATE_S = 60, CONNECT_TIMEOUT_S = 30, DEADLINE_S = 8 * 3600 };
enum { HTTP_RANGE_NOT_SATISFIABLE = 416 };

struct download {
	CURL *curl;
	struct progress *progress;
	int64_t deadline_ms;
	uint64_t received;
	uint64_t done;		/* of the bar: complete files and what is there of this one */
	/* The file under way. */
	int fd;
	uint64_t at;		/* bytes in it */
	uint64_t size_bytes;
	struct err *err;	/* set by the write callback */
};

static size_t on_data(char *data, size_t one, size_t len, void *arg)
{
	struct download *d = arg;
	if (len > d->size_bytes - d->at) {
		err_set(d->err, ERR_TOO_LARGE,
			"the server sends more than the signed %" PRIu64 " bytes", d->size_bytes);
		return 0;
	}
	for (size_t written = 0; written < len;) {
		ssize_t n = write(d->fd, data + written, len - written);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_sys(d->err, "write a package");
			return 0;
		}
		written += (size_t)n;
	}
	d->at += len;
	d->received += len;
	progress_set(d->progress, d->done + d->at);
	return len;
}

static int on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total,
		       curl_off_t up_now)
{
	return quit_requested();
}

int download_new(uint64_t total_bytes, struct download **out, struct err *err)
{
	*out = NULL;
	_cleanup_(download_freep) struct download *d = xcalloc(1, sizeof(*d));
	d->fd = -1;
	d->progress = progress_new("fetching packages", total_bytes);
	d->deadline_ms = monotonic_ms() + (int64_t)DEADLINE_S * 1000;
	d->curl = curl_easy_init();
	if (!d->curl)
		return err_set(err, ERR_SYSTEM, "cannot set up libcurl");
	curl_easy_setopt(d->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(d->curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(d->curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(d->curl, CURLOPT_MAXREDIRS, 5L);
	curl_easy_setopt(d->curl, CURLOPT_PROTOCOLS_STR, "http,https,file");
	curl_easy_setopt(d->curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(d->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(d->curl, CURLOPT_LOW_SPEED_LIMIT, (long)MIN_RATE_BYTES);
	curl_easy_setopt(d->curl, CURLOPT_LOW_SPEED_TIME, (long)MIN_RATE_S);
	curl_easy_setopt(d->curl, CURLOPT_USERAGENT, "waybill-pkgmgr");
	curl_easy_setopt(d->curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(d->curl, CURLOPT_WRITEDATA, d);
	curl_easy_setopt(d->curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(d->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	*out = steal(&d);
	return 0;
}

void download_free(struct download *d)
{
	if (!d)
		return;
	curl_easy_cleanup(d->curl);
	closep(&d->fd);
	if (d->progress)
		progress_free(d->progress);
	free(d);
}

uint64_t download_received(const struct download *d)
{
	return d->received;
}

/* Open the partial file at its end; one that is too long cannot be ours. */
static int open_part(struct download *d, const char *part, struct err *err)
{
	d->fd = open(part, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;
	if (d->fd < 0 || fstat(d->fd, &st) < 0)
		return err_sys(err, "open %s", part);
	d->at = (uint64_t)st.st_size;
	if (d->at > d->size_bytes) {
		d->at = 0;
		if (ftruncate(d->fd, 0) < 0)
			return err_sys(err, "empty %s", part);
	}
	if (lseek(d->fd, (off_t)d->at, SEEK_SET) < 0)
		return err_sys(err, "seek in %s", part);
	return 0;
}

static int judge(struct download *d, CURLcode code, struct err *err)
{
	if (err->code != ERR_NONE)
		return -1;
	if (quit_check(err) < 0)
		return -1;
	long status = 0;
	curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_HTTP_RETURNED_ERROR)
		return err_set(err, ERR_NETWORK, "the server answers %ld", status);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return err_set(err, ERR_TIMEOUT, "%s", curl_easy_strerror(code));
	if (code != CURLE_OK)
		return err_set(err, ERR_NETWORK, "%s after %" PRIu64 " of %" PRIu64 " bytes",
			       curl_easy_strerror(code), d->at, d->size_bytes);
	if (d->at < d->size_bytes)
		return err_set(err, ERR_NETWORK,
			       "the server sent %" PRIu64 " bytes, %" PRIu64 " are signed", d->at,
			       d->size_bytes);
	return 0;
}

static CURLcode perform(struct download *d, const char *uri)
{
	int64_t left_ms = d->deadline_ms - monotonic_ms();
	curl_easy_setopt(d->curl, CURLOPT_URL, uri);
	curl_easy_setopt(d->curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)d->at);
	curl_easy_setopt(d->curl, CURLOPT_TIMEOUT_MS, (long)(left_ms > 1 ? left_ms : 1));
	return curl_easy_perform(d->curl);
}

static int transfer(struct download *d, const char *uri, struct err *err)
{
	if (d->at == d->size_bytes)
		return 0;
	CURLcode code = perform(d, uri);
	long status = 0;
	curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);
	/* A server without ranges, or one that says that ours lies outside. */
	if (code == CURLE_RANGE_ERROR ||
	    (code == CURLE_HTTP_RETURNED_ERROR && status == HTTP_RANGE_NOT_SATISFIABLE)) {
		d->at = 0;
		if (ftruncate(d->fd, 0) < 0 || lseek(d->fd, 0, SEEK_SET) < 0)
			return err_sys(err, "start again");
		code = perform(d, uri);
	}
	return judge(d, code, err);
}

int download_to(struct download *d, const char *uri, const char *part, uint64_t size_bytes,
		struct err *err)
{
	/* apt writes file:/path, libcurl wants file:///path. */
	_cleanup_free_ char *url = str_starts(uri, "file:/") && !str_starts(uri, "file://")
					   ? xasprintf("file://%s", uri + strlen("file:"))
					   : xstrdup(uri);
	d->size_bytes = size_bytes;
	d->err = err;
	int rc = open_part(d, part, err);
	if (rc == 0)
		rc = transfer(d, url, err);
	if (rc == 0 && fsync(d->fd) < 0)
		rc = err_sys(err, "flush %s", part);
	if (rc == 0)
		d->done += d->at;
	closep(&d->fd);
	return rc;
}
