/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An agent's configuration. Format: docs/spec/vncagent-conf.md */
#ifndef WAYBILL_AGENT_CONF_H
#define WAYBILL_AGENT_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/util.h"
#include "remote/call.h"

#define AGENT_CONF "/etc/waybill/vncagent.conf"

struct endpoint {
	char *host; /* or the path of a Unix socket, with port 0 */
	uint16_t port;
};

enum { AGENT_MAX_ENDPOINTS = 32 };

struct agent_conf {
	char *machine;
	char *identity;	     /* a PEM file: key and certificate */
	char *password_file; /* of the VNC server, or NULL */
	char *proxy_pin;     /* or NULL: */
	char *proxy_roots;   /* authorities, or NULL: the system's */
	struct call_conf proxy; /* its tls is not set */
	/* What the proxy may ask for; the first is the VNC server. */
	struct endpoint endpoints[AGENT_MAX_ENDPOINTS];
	size_t endpoint_count;
	unsigned max_sessions;
};

/* Errors: ERR_USAGE, which names the file and what to mend. */
int agent_conf_parse(const char *text, size_t len, const char *origin, struct agent_conf **out,
		     struct err *err) _must_check_;
int agent_conf_read(const char *path, struct agent_conf **out, struct err *err) _must_check_;
void agent_conf_free(struct agent_conf *conf);
DEFINE_FREEP(struct agent_conf, agent_conf_free)

/* The endpoint that the proxy means: port 0 with no host is the VNC server. NULL: it may not. */
const struct endpoint *agent_conf_endpoint(const struct agent_conf *conf, const char *host,
					   uint16_t port);

#endif
