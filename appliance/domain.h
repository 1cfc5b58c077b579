/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Domains, through libvirt; only domain-*.c know it. Names are those of
 * root_domain_name(). */
#ifndef WAYBILL_DOMAIN_H
#define WAYBILL_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "appliance/domain-xml.h"
#include "common/err.h"
#include "common/hash.h"
#include "common/state.h"
#include "common/strv.h"
#include "common/util.h"

struct hypervisor;

/* Errors: ERR_NETWORK if nothing answers at `uri`. */
int hypervisor_open(const char *uri, struct hypervisor **out, struct err *err) _must_check_;
void hypervisor_free(struct hypervisor *hv);
DEFINE_FREEP(struct hypervisor, hypervisor_free)

/* Which type a domain gets that starts now: KVM where it works, as found by running a
 * few instructions in it. The verdict is kept in `state` until the next boot. */
int hypervisor_domain_type(struct hypervisor *hv, struct state *state, enum domain_type *out,
			   struct err *err) _must_check_;

/* Whether this hypervisor can run what `conf` asks for. Errors: ERR_REFUSED. */
int hypervisor_check(const struct hypervisor *hv, const struct appliance_conf *conf,
		     struct err *err) _must_check_;

enum domain_state { DOMAIN_ABSENT, DOMAIN_OFF, DOMAIN_RUNNING, DOMAIN_PAUSED };
const char *domain_state_name(enum domain_state state);

struct domain_facts {
	enum domain_state state;
	/* From our metadata; empty and 0 if the domain is absent or not ours. */
	char digest[SHA256_HEX_LEN + 1];
	int64_t started_at;
	bool ended_by_itself; /* off, by the guest's own doing: shut down or crashed */
};

int domain_look(struct hypervisor *hv, const char *name, struct domain_facts *facts,
		struct err *err) _must_check_;

/* Define, or define anew, a domain that is off. */
int domain_define(struct hypervisor *hv, const char *xml, struct err *err) _must_check_;
int domain_start(struct hypervisor *hv, const char *name, struct err *err) _must_check_;

/* For a domain that is about to start: what the guest says is to be appended to `path`
 * (absolute), where the domain's XML does not see to that. domain_undefine() ends it. */
int domain_log_console(struct hypervisor *hv, const char *name, const char *path,
		       struct err *err) _must_check_;

/* Ask the guest (its agent, then ACPI), wait up to timeout_ms, then pull the plug.
 * *forced tells whether that was needed. A domain that is off or absent is success. */
int domain_stop(struct hypervisor *hv, const char *name, int timeout_ms, bool *forced,
		struct err *err) _must_check_;
int domain_pause(struct hypervisor *hv, const char *name, struct err *err) _must_check_;
int domain_resume(struct hypervisor *hv, const char *name, struct err *err) _must_check_;

/* An absent domain is success. */
int domain_undefine(struct hypervisor *hv, const char *name, struct err *err) _must_check_;

/* Merge a running domain's data disk, an overlay on `below`, into that, and let the domain
 * write to it alone. On success the guest stands still if *paused, until the caller has given
 * the file its name and calls domain_resume(): a death in between loses nothing.
 * May be repeated. Errors: ERR_REFUSED where the hypervisor cannot. */
int domain_merge_data(struct hypervisor *hv, const char *name, const char *below,
		      bool *paused, struct err *err) _must_check_;

/* A running domain's screen, as PNG, to `path`. */
int domain_screenshot(struct hypervisor *hv, const char *name, const char *path,
		      struct err *err) _must_check_;

/* Whom QEMU runs as, so that a directory can be given to it; root's where libvirt does not tell. */
int hypervisor_qemu_user(struct hypervisor *hv, uid_t *uid, struct err *err) _must_check_;

/* The terminal device of its console, and its VNC display ("127.0.0.1:5900", or the path of
 * its socket); NULL if it has none. Free the results. */
int domain_console_device(struct hypervisor *hv, const char *name, char **path,
			  struct err *err) _must_check_;
int domain_vnc_address(struct hypervisor *hv, const char *name, char **address,
		       struct err *err) _must_check_;

/* Addresses that the guest agent or DHCP knows, added to `out`; none is no error. */
void domain_addresses(struct hypervisor *hv, const char *name, struct strv *out);

/* The network of `Network: nat` where the host has no bridge: libvirt's, with DHCP and without
 * firewall rules, which are port-forwards' business. It is there while an instance has a lease
 * in it. */
#define NAT_NETWORK "waybill"
#define NAT_BRIDGE "waybill0"
#define NAT_ADDRESS_SIZE 16

/* Make and start the network if need be, and keep an address in <prefix>.0/24 for the guest
 * with this MAC: the same one as before if it had one. Errors: ERR_PROGRAM (among them: no
 * dnsmasq), ERR_NO_SPACE (no address is free). */
int nat_network_join(struct hypervisor *hv, const char *prefix, const char *mac,
		     struct err *err) _must_check_;

/* Give the address back; the network goes with the last one. */
int nat_network_leave(struct hypervisor *hv, const char *mac, struct err *err) _must_check_;

/* The address kept for `mac`; empty if there is none. */
int nat_network_address(struct hypervisor *hv, const char *mac, char address[NAT_ADDRESS_SIZE],
			struct err *err) _must_check_;

#endif
