/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The domain XML of an instance. Knows no libvirt; escapes all that it writes. */
#ifndef WAYBILL_DOMAIN_XML_H
#define WAYBILL_DOMAIN_XML_H

#include <stdint.h>

#include "common/appliance-conf.h"
#include "common/strbuf.h"

/* Where we keep what the domain was made from. Source: libvirt's <metadata>. */
#define DOMAIN_METADATA_URI "urn:waybill:instance:1"
#define DOMAIN_UUID_SIZE 37
#define DOMAIN_MAC_SIZE 18

/* XEN is paravirtual: a Linux kernel, no firmware, no graphics, no agent channel. */
enum domain_type { DOMAIN_TYPE_KVM, DOMAIN_TYPE_TCG, DOMAIN_TYPE_TEST, DOMAIN_TYPE_XEN };

/* All strings are borrowed. Paths are absolute; a NULL path is a device that is not there. */
struct domain_spec {
	enum domain_type type;
	const char *domain_name;
	const char *instance;
	const char *version;
	const char *digest;	/* of the settings that it is made from */
	int64_t started_at;	/* Unix seconds; 0: not started with this XML */
	const char *uuid;
	const char *mac;
	uint64_t memory_bytes;
	unsigned vcpus;
	unsigned cpu_percent;	/* of a host CPU; 0: no limit */
	const char *kernel;	/* NULL: the disk's own boot loader */
	const char *initrd;
	const char *kernel_args;
	const char *loader;	/* UEFI's code; NULL: BIOS */
	const char *nvram;	/* UEFI's variables, with loader */
	const char *overlay;
	const char *base;
	const char *data;
	const char *swap;
	const char *seed;
	const char *console_log;
	enum network_mode network;
	const char *nat_network;	/* with NETWORK_NAT: libvirt's name for it, or NULL */
	const char *nat_bridge;		/* the host's bridge in its place */
	const struct port_forward *ports;
	size_t port_count;
	bool vnc;
	const char *vnc_socket;		/* with vnc: a path in the place of a port of 127.0.0.1, or NULL */
};

void domain_xml_format(const struct domain_spec *spec, struct strbuf *out);

/* The same for the same root and instance for ever, so that a domain that is defined
 * twice is one domain and a guest keeps its address. root_dir: absolute. */
void domain_uuid(const char *root_dir, const char *instance, char uuid[DOMAIN_UUID_SIZE]);
void domain_mac(const char *root_dir, const char *instance, char mac[DOMAIN_MAC_SIZE]);

#endif
