/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest agent of our own QEMU, over the unix socket of its virtio port. */
#ifndef WAYBILL_VM_AGENT_H
#define WAYBILL_VM_AGENT_H

#include "common/agent.h"
#include "imagepkg/qmp.h"

/* The agent behind the chardev `chardev`, whose socket is at `path`. qmp tells whether one
 * runs; it must outlive it. Free with vm_agent_free().
 * Errors: ERR_NETWORK (no agent runs in the guest), ERR_SYSTEM. */
int vm_agent_open(struct qmp *qmp, const char *chardev, const char *path, struct agent **out,
		  struct err *err) _must_check_;
void vm_agent_free(struct agent *agent);

#endif
