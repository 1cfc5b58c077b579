/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ask the running vncproxyd. Format: docs/spec/proxy-control.md */
#ifndef WAYBILL_CTL_ASK_H
#define WAYBILL_CTL_ASK_H

#include "common/err.h"

struct json_object;

/* One request, without its newline. Returns the answer (json_object_put() it), or NULL: ERR_NETWORK if no
 * proxy listens there, else what it says went wrong. */
struct json_object *ctl_ask(const char *socket_path, const char *request, struct err *err);

#endif
