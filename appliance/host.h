/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every command works with: where this host keeps its state and how it is set up. */
#ifndef WAYBILL_HOST_H
#define WAYBILL_HOST_H

#include <stdint.h>

#include "common/err.h"
#include "common/host-network.h"
#include "common/root.h"
#include "common/state.h"
#include "common/util.h"

#define HOST_CONF "etc/waybill/appliance.conf"
#define INSTANCES_DIR "var/lib/waybill/instances"
#define BASES_DIR "var/lib/waybill/bases"
#define VERSIONS_DIR "var/lib/waybill/versions"
#define PARAMS_DIR "var/lib/waybill/params"

struct host {
	struct root root;
	struct state *state;
	char *libvirt_uri;
	char *host_kernel;	/* directory in the place of / for Boot: host-kernel, or NULL */
	unsigned keep_bases;	/* unused ones of each appliance, after an upgrade */
	int stop_timeout_ms;	/* from a polite stop to the hard one */
	char nat_prefix[16];	/* "192.168.148": the first three bytes of the /24 of nat */
	struct host_network *lan; /* the host's bridge, which nat uses then, or NULL */
};

/* Open state.db below `root_dir` (NULL: "/") and read <root>/etc/waybill/appliance.conf,
 * which may be missing. Errors: those of root_init() and state_open(), ERR_INPUT. */
int host_open(const char *root_dir, struct host **out, struct err *err) _must_check_;
void host_free(struct host *host);
DEFINE_FREEP(struct host, host_free)

/* Queue behind every other program that changes this root's instances. Returns a
 * descriptor to close. */
int host_lock(const struct host *host, struct err *err) _must_check_;

/* "<root>/var/lib/waybill/instances/<name>/<file>"; file "" names the directory, without
 * a slash at its end. Free the result. */
char *instance_path(const struct root *root, const char *name, const char *file);

#endif
