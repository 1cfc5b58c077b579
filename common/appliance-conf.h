/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance.conf: what an image package says about the VM it brings. The one
 * reader and writer. Format: docs/spec/appliance-conf.md */
#ifndef WAYBILL_APPLIANCE_CONF_H
#define WAYBILL_APPLIANCE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strbuf.h"
#include "common/strv.h"
#include "common/util.h"

#define APPLIANCE_CONF_MAX_BYTES (64 * 1024)
/* Where a package's files lie, below the root: "<dir>/<appliance>/<file>". */
#define APPLIANCES_DIR "var/lib/waybill/appliances"
#define BASE_FILE "disk.qcow2"
#define KERNEL_FILE "vmlinuz"
#define INITRD_FILE "initrd.img"
#define CONF_FILE "appliance.conf"
#define APPLIANCE_DEFAULT_KERNEL_ARGS "root=/dev/vda rw console=ttyS0"
#define APPLIANCE_DEFAULT_ARCHITECTURE "amd64"

/* The fields that recipes and appliance.conf share, for lists of known fields. */
#define APPLIANCE_VM_FIELDS                                                               \
	"Memory", "Vcpus", "Cpu-Limit", "Data", "Swap", "Boot", "Firmware", "Kernel-Args", \
		"Network", "Ports", "Graphics", "Start-After", "Autostart", "Time-Limit",  \
		"Health", "Watch", "Upgrade", "Params"

enum boot_mode { BOOT_DISK, BOOT_KERNEL, BOOT_HOST_KERNEL };
enum firmware_mode { FIRMWARE_BIOS, FIRMWARE_UEFI };
enum network_mode { NETWORK_NONE, NETWORK_USER, NETWORK_NAT };
enum graphics_mode { GRAPHICS_NONE, GRAPHICS_VNC };
enum upgrade_mode { UPGRADE_REPLACE, UPGRADE_PARALLEL };
enum health_kind { HEALTH_AGENT, HEALTH_SYSTEMD, HEALTH_TCP, HEALTH_HTTP, HEALTH_EXEC };

struct port_forward {
	uint16_t host_port;
	uint16_t guest_port;
	bool udp;
};

struct health_check {
	enum health_kind kind;
	uint16_t guest_port;	/* tcp and http */
	char *argument;		/* http: path with its slash; exec: command; else NULL */
	uint32_t deadline_seconds; /* from the start: it must have passed once */
	uint32_t interval_seconds; /* from one round to the next */
};

/* A parameter that a site may set; handed to the guest in the NoCloud seed. */
struct appliance_param {
	char *name;		/* [A-Z][A-Z0-9_]* */
	char *default_value;	/* or NULL: none */
	bool secret;
};

struct appliance_conf {
	char *appliance;	/* the package's name */
	char *version;
	char *architecture;
	char base_sha256[65];	/* of disk.qcow2 */
	uint64_t disk_bytes;	/* virtual size of the base */
	uint64_t memory_bytes;
	unsigned vcpus;
	unsigned cpu_percent;	/* at most so much of a host CPU, 100 for a whole one; 0: no limit */
	uint64_t data_bytes;	/* 0: no data disk */
	uint64_t swap_bytes;	/* 0: no swap disk */
	enum boot_mode boot;
	enum firmware_mode firmware; /* BOOT_DISK */
	char *kernel_args;	/* BOOT_KERNEL and BOOT_HOST_KERNEL, or NULL */
	enum network_mode network;
	struct port_forward *ports;
	size_t port_count;
	enum graphics_mode graphics;
	struct strv start_after; /* appliances that must be up and healthy before this one starts */
	bool autostart;		/* comes up again after the host booted */
	uint32_t time_limit_seconds; /* of one run; 0: none */
	struct health_check *health;
	size_t health_count;
	uint32_t watch_seconds;	/* must stay healthy so long after it took over */
	bool watch_is_set;	/* by the file, not by default */
	enum upgrade_mode upgrade;
	struct appliance_param *params;
	size_t param_count;
};

/* A conf with the defaults of the spec. */
struct appliance_conf *appliance_conf_new(void);
void appliance_conf_free(struct appliance_conf *conf);
DEFINE_FREEP(struct appliance_conf, appliance_conf_free)

/* Parse the text of an appliance.conf. `origin` is for messages.
 * Errors: ERR_INPUT, ERR_TOO_LARGE. */
int appliance_conf_parse(const char *text, size_t len, const char *origin,
			 struct appliance_conf **out, struct err *err) _must_check_;
int appliance_conf_read_file(const char *path, struct appliance_conf **out,
			     struct err *err) _must_check_;
void appliance_conf_format(const struct appliance_conf *conf, struct strbuf *out);

/* Replace its Ports; `text` as in the file, may be empty. Checks that no port leads to any more
 * are dropped. Errors: ERR_INPUT. */
int appliance_conf_set_ports(struct appliance_conf *conf, const char *text,
			     struct err *err) _must_check_;

/* Its ports as they stand in the file: "8080:80 5353:53/udp". Free it. */
char *appliance_conf_ports(const struct appliance_conf *conf);

struct deb822_stanza;
/* The fields that recipes and appliance.conf share (Memory ... Params), read
 * from a stanza that may hold others. Fields that are absent keep what `conf` has. */
int appliance_conf_from_stanza(const struct deb822_stanza *stanza, const char *origin,
			       struct appliance_conf *conf, struct err *err) _must_check_;

const char *boot_mode_name(enum boot_mode mode);
const char *network_mode_name(enum network_mode mode);
const char *health_kind_name(enum health_kind kind);

#endif
