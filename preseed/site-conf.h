/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operator's file for a site that is to be installed: docs/spec/site-preseed.md */
#ifndef WAYBILL_SITE_CONF_H
#define WAYBILL_SITE_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strv.h"
#include "common/util.h"

enum site_network { NETWORK_DHCP, NETWORK_STATIC };

struct site_conf {
	struct strv disk;	/* "only", "smallest", "largest", or one or two /dev/... */
	uint64_t disk_minimum_bytes;
	bool raid1;
	char *interface;	/* "auto", or a name */
	enum site_network network;
	char *address;		/* of NETWORK_STATIC, without the prefix length */
	char *netmask;
	char *gateway;
	struct strv dns;
	unsigned vlan;		/* 0: untagged */
	char *domain;		/* or NULL */
	char *mirror;		/* NULL until site_conf_set_mirrors() */
	char *security_mirror;
	char *proxy;		/* NULL: ask this machine's apt; "": none */
	char *time_zone;
	char *locale;
	char *keyboard;
	struct strv ssh_keys;	/* lines of authorized_keys */
	char *password;		/* hash of crypt(5), or NULL: locked */
	char *hypervisor;	/* "kvm", "xen", "none" */
	char *kernel;
	char *drivers;		/* "most", "dep" */
	char *kernel_args;	/* or NULL */
	struct strv packages;
};

/* Parse text[0..len); an empty text means all defaults.
 * Returns 0 and *out (free with site_conf_free), or -1 with *out == NULL.
 * Errors: ERR_INPUT, which names `origin` and the field, and says what would be right. */
int site_conf_parse(const char *text, size_t len, const char *origin, struct site_conf **out,
		    struct err *err) _must_check_;

/* The same from a file; NULL: all defaults. */
int site_conf_read(const char *path, struct site_conf **out, struct err *err) _must_check_;

void site_conf_free(struct site_conf *conf);
DEFINE_FREEP(struct site_conf, site_conf_free)

/* The interface of the network: "auto", "eno1", or with a tag "eno1.12"; to be freed. */
char *site_conf_uplink(const struct site_conf *conf);

#endif
