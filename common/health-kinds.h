/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the health-*.c share: one function for each kind of check. */
#ifndef WAYBILL_HEALTH_KINDS_H
#define WAYBILL_HEALTH_KINDS_H

#include "common/agent.h"
#include "common/health.h"

/* Say what was seen: "<check>: <what>". */
void health_say(struct health_result *result, bool ok, const char *fmt, ...) _printf_(3, 4);

/* Keep the start of some output from the guest, made printable. */
void health_keep_detail(struct health_result *result, const char *data, size_t len);

/* address and port: as the host reaches them. timeout_ms: of the whole check.
 * forwarded: through a QEMU that accepts the connection before it asks the guest. */
void health_check_tcp(const char *address, uint16_t port, bool forwarded, int timeout_ms,
		      struct health_result *result);
void health_check_http(const char *address, uint16_t port, int timeout_ms,
		       struct health_result *result);

/* An errno of connect() and the like, in plain words. */
const char *health_network_reason(int error);

/* Through the guest agent. Each returns -1, with the result said, if the agent itself
 * did not answer, so that there is no point in asking it more. */
int health_check_agent(const struct agent *agent, struct health_result *result);
int health_check_systemd(const struct agent *agent, struct health_result *result);
int health_check_exec(const struct agent *agent, struct health_result *result);

#endif
