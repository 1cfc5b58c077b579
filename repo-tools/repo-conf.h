/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conf/repo.conf: what an operator has decided about the repository.
 * Format: docs/spec/repository.md */
#ifndef WAYBILL_REPO_CONF_H
#define WAYBILL_REPO_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strbuf.h"
#include "common/strv.h"
#include "common/util.h"

#define REPO_CONF_MAX_BYTES (64 * 1024)
/* The one component of our suites. */
#define REPO_COMPONENT "main"

struct repo_conf {
	char *origin;			/* Origin of Release: the packages that are ours */
	char *label;
	struct strv suites;		/* at least one; the first is the default */
	struct strv architectures;	/* at least one */
	char *signing_key;		/* fingerprint, signs Release */
	char *list_key;			/* fingerprint, signs site lists */
	uint64_t release_valid_seconds;
	uint64_t list_valid_seconds;
	char *url;			/* where sites find public/, or NULL */
	char *server;			/* USER@HOST of the gate, or NULL */
	unsigned port;			/* of the gate's sshd */
	uint64_t deltas;		/* from how many versions before add makes deltas */
	bool require_tested;		/* add asks for the boot test's verdict, always */
};

/* A conf with defaults: origin Waybill, suite stable, this machine's architecture,
 * Release-Valid 10d, List-Valid 30d, port 22; no keys, url or server. */
struct repo_conf *repo_conf_new(void);
void repo_conf_free(struct repo_conf *conf);
DEFINE_FREEP(struct repo_conf, repo_conf_free)

/* Errors: ERR_INPUT, ERR_TOO_LARGE. `origin` is for messages. */
int repo_conf_parse(const char *text, size_t len, const char *origin, struct repo_conf **out,
		    struct err *err) _must_check_;
void repo_conf_format(const struct repo_conf *conf, struct strbuf *out);

/* "USER@HOST[:PORT]" into server and port. Errors: ERR_USAGE. */
int repo_conf_set_server(struct repo_conf *conf, const char *text, struct err *err) _must_check_;

/* A suite's name: lower case, digits, "-" and "."; safe in paths and Release. */
bool suite_name_is_valid(const char *name);

/* ERR_NOT_FOUND, with the suites that there are, unless `suite` is one of them. */
int repo_conf_check_suite(const struct repo_conf *conf, const char *suite,
			  struct err *err) _must_check_;

#endif
