/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machines that the proxy knows: a file each. Format: docs/spec/vnc-machine.md */
#ifndef WAYBILL_MACHINES_H
#define WAYBILL_MACHINES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/strv.h"
#include "common/util.h"
#include "remote/tls.h"

struct mip_line;
struct proxy;

struct machine {
	char *name;
	char pin[TLS_PIN_LEN + 1]; /* of its agent */
	struct strv users;	   /* who may use it, */
	struct strv watchers;	   /* and who may only look */
	struct strv ports;	   /* that its users may reach, as numbers */
	struct strv auditors;	   /* who may see its recordings */
	bool record;		   /* each of its sessions */
	char *job;		   /* whose identifier of 2009 leads here, or NULL */
	/* While the proxy runs. */
	struct proxy *proxy;
	struct mip_line *agent; /* NULL: it is not there */
	unsigned session_count;
};

/* Read one machine's file. Errors: ERR_USAGE. */
int machine_parse(const char *text, size_t len, const char *name, struct machine **out,
		  struct err *err) _must_check_;
/* As text, the file of one. */
void machine_write(const struct machine *machine, struct strbuf *out);
void machine_free(struct machine *machine);
DEFINE_FREEP(struct machine, machine_free)

/* May `user` see this machine? *view_only: nothing more than that. */
bool machine_allows(const struct machine *machine, const char *user, bool *view_only);

/* May `user` see its recordings? */
bool machine_allows_audit(const struct machine *machine, const char *user);

/* Does a code's grant still hold? An operator's (no user) does. */
struct code_grant;
bool machine_grants(const struct machine *machine, const struct code_grant *grant);

/* May `user` reach this port of the machine? Who may only look may not. */
bool machine_allows_port(const struct machine *machine, const char *user, uint16_t port);

struct machines {
	struct machine **items; /* by name */
	size_t count;
};

/* All of a directory's. A file that is wrong is an error that names it. */
int machines_read(const char *directory, struct machines *out, struct err *err) _must_check_;
void machines_destroy(struct machines *machines);
/* Where the machine stands in items, or NULL. */
struct machine **machines_slot(const struct machines *machines, const char *name);
struct machine *machines_find(const struct machines *machines, const char *name);

#endif
