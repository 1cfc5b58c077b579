/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A QEMU's own control socket. Source: QEMU docs/interop/qmp-spec.rst. */
#ifndef WAYBILL_QMP_H
#define WAYBILL_QMP_H

#include <json-c/json.h>
#include <stdbool.h>

#include "common/err.h"
#include "imagepkg/line-socket.h"

struct port_forward;

struct qmp {
	struct line_socket socket;
	char *version;		/* of QEMU: "7.2.22" */
};

/* Connect to a QEMU that listens at `path`. Errors: ERR_SYSTEM (not yet), ERR_INPUT. */
int qmp_open(struct qmp *qmp, const char *path, struct err *err) _must_check_;
void qmp_close(struct qmp *qmp);

/* Run a command. arguments is taken over, may be NULL. *out is what "return" holds
 * (json_object_put() it), or out NULL. Errors: ERR_PROGRAM (QEMU says no), ERR_TIMEOUT,
 * ERR_NETWORK (QEMU has ended). */
int qmp_run(struct qmp *qmp, const char *command, struct json_object *arguments,
	    struct json_object **out, struct err *err) _must_check_;

/* Whether a program in the guest has opened the virtio port of this chardev. */
int qmp_port_is_open(struct qmp *qmp, const char *chardev, bool *open, struct err *err) _must_check_;

/* The host port on 127.0.0.1 that QEMU chose for each forward; ports[].host_port is set
 * where it finds one. */
int qmp_read_forwards(struct qmp *qmp, struct port_forward *ports, size_t count,
		      struct err *err) _must_check_;

/* The same from the text of "info usernet". */
void qmp_parse_forwards(const char *text, struct port_forward *ports, size_t count);

#endif
