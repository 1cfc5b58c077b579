/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The proxy's configuration. Format: docs/spec/vncproxyd-conf.md */
#ifndef WAYBILL_PROXY_CONF_H
#define WAYBILL_PROXY_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strv.h"
#include "common/util.h"
#include "remote/rfb.h"

#define PROXY_CONF "/etc/waybill/vncproxyd.conf"

struct listen_at {
	char *host; /* an address */
	uint16_t port;
};

enum shared_policy { SHARED_AS_VIEWER, SHARED_ALWAYS, SHARED_NEVER };

struct proxy_conf {
	struct listen_at viewers, tls;
	char *certificate, *key; /* PEM files */
	char *machines;		 /* a directory, a file a machine */
	char *control;		 /* a Unix socket */
	char *audit;		 /* a file, or NULL: none */
	char *recordings;	 /* a directory */
	char *title;		 /* what a desktop is called, whoever's it is */
	uint64_t code_life_s;
	/* The page. */
	char *web, *novnc; /* directories */
	char *users;	   /* a file as htpasswd -B writes it */
	uint64_t login_life_s;
	struct strv origins; /* of requests, beside our own name */
	/* Who comes from this address is whom this field of its requests names; or NULL. */
	char *trusted_header, *trusted_source;
	bool viewers_tls_given; /* else the certificate decides */
	enum rfb_tls viewers_tls;
	enum shared_policy shared;
	uint64_t max_sessions, max_sessions_per_machine;
	uint64_t max_strangers;		   /* who have not yet said who they are */
	uint64_t max_strangers_per_source; /* the same, of one address */
	uint64_t rate_per_source;	   /* connections a second */
};

/* Errors: ERR_USAGE, which names the file and what to mend. */
int proxy_conf_parse(const char *text, size_t len, const char *origin, struct proxy_conf **out,
		     struct err *err) _must_check_;
int proxy_conf_read(const char *path, struct proxy_conf **out, struct err *err) _must_check_;
void proxy_conf_free(struct proxy_conf *conf);
DEFINE_FREEP(struct proxy_conf, proxy_conf_free)

#endif
