/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ranges of files by libcurl, several at a time, each into its partial file. What a server
 * may send is bounded by the signed size, and no byte goes into the file before it is
 * known where it belongs. */
#ifndef PKGMGR_DOWNLOAD_H
#define PKGMGR_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/fetch-policy.h"
#include "common/util.h"
#include "pkgmgr/partial.h"

enum transfer_end {
	TRANSFER_DONE,		/* all that was asked for is in the partial file */
	TRANSFER_CHANGED,	/* not the file that the validator is of, or no such range */
	TRANSFER_DIFFERS,	/* other bytes than the partial file has */
	TRANSFER_WRONG_SIZE,	/* the server's file has another size than the signed one */
	TRANSFER_GONE,		/* the server has no such file */
	TRANSFER_BUSY,		/* 429 or 503: see retry_after_s */
	TRANSFER_BROKEN,	/* the line or the server failed */
	TRANSFER_FATAL,		/* no other server would help: the disk */
};

struct transfer_request {
	const char *uri;		/* http, https or file */
	struct partial *part;		/* borrowed until the transfer is freed */
	uint64_t from, to;		/* of the file: [from, to) */
	const char *if_range;		/* a validator, or NULL */
	bool direct;			/* through no proxy */
	void *owner;
};

struct transfer {
	void *owner;
	enum transfer_end end;		/* when it has ended */
	struct err err;			/* why, unless it is TRANSFER_DONE */
	uint64_t received;		/* bytes of the body */
	int64_t started_ms;		/* monotonic; of the first byte, once there is one */
	int64_t retry_after_s;		/* at most a day; 0: the server did not say */
	char *validator;		/* what the server gave for If-Range, or NULL */
};

struct download;

/* The policy is borrowed. Errors: ERR_SYSTEM. */
int download_new(const struct fetch_policy *policy, struct download **out,
		 struct err *err) _must_check_;
/* Ends what is under way; partial files are not saved. */
void download_free(struct download *d);
DEFINE_FREEP(struct download, download_free)

/* Begin; free the transfer after it has ended, or to end it. */
int download_start(struct download *d, const struct transfer_request *request,
		   struct transfer **out, struct err *err) _must_check_;
void download_end(struct download *d, struct transfer *transfer);

/* Let transfers go on for at most timeout_ms. Returns one that has ended, or NULL. Its
 * partial file is saved. */
struct transfer *download_wait(struct download *d, int timeout_ms);

size_t download_running(const struct download *d);
/* Body bytes that came over the wire so far; milliseconds to the deadline. */
uint64_t download_received(const struct download *d);
int64_t download_left_ms(const struct download *d);

#endif
