/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The few parameters of a host's network. Format: docs/spec/host-config.md */
#ifndef HOSTCONFIG_PARAMS_H
#define HOSTCONFIG_PARAMS_H

#include <stddef.h>

#include "common/err.h"
#include "common/host-network.h"
#include "common/root.h"
#include "common/strv.h"
#include "common/util.h"

#define HOSTCONFIG_CONF "etc/waybill/hostconfig.conf"

struct params {
	char address[IPV4_SIZE];	/* of the host, on the bridge */
	char prefix[IPV4_SIZE];		/* its first three bytes: "192.168.147" */
	char dhcp_first[IPV4_SIZE];
	char dhcp_last[IPV4_SIZE];
	struct strv lan_interfaces;
	struct strv dns;		/* empty: those of /etc/resolv.conf */
	char *boot_server;		/* an address or an instance's name, or NULL */
	char *boot_file;
	char *boot_file_efi;
	struct strv ssh_from;		/* networks; empty: nobody */
	char *help_interface;		/* or NULL */
};

/* Parse the text of a hostconfig.conf; an empty one gives the defaults. `origin` is for
 * messages. Errors: ERR_USAGE: the configuration is wrong. */
int params_parse(const char *text, size_t len, const char *origin, struct params **out,
		 struct err *err) _must_check_;
/* Read <root>/etc/waybill/hostconfig.conf, which may be missing. */
int params_read(const struct root *root, struct params **out, struct err *err) _must_check_;
void params_free(struct params *params);
DEFINE_FREEP(struct params, params_free)

#endif
