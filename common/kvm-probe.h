/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Does KVM work here? */
#ifndef WAYBILL_KVM_PROBE_H
#define WAYBILL_KVM_PROBE_H

#include <stdbool.h>

#include "common/err.h"

/* A node in /dev, or even a boot loader that runs, does not prove it, so QEMU boots a
 * sector that answers by its exit status, once under TCG to know how long that takes here
 * and now, once under KVM. Takes some seconds. Measured on a host where /dev/kvm opens and
 * no guest kernel gets to its first message: TCG 0.13 s, KVM 4 to 5 s; where KVM works it
 * is no slower than TCG. */
int kvm_probe(bool *works, struct err *err) _must_check_;

#endif
