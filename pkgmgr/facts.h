/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this machine is, for the operator: read from /sys, /proc and /etc below the root.
 * Source: docs/spec/enrolment.md, "At the site" */
#ifndef PKGMGR_FACTS_H
#define PKGMGR_FACTS_H

#include "common/enrol.h"
#include "common/root.h"

/* What cannot be read is left out; destroy *facts. */
void facts_read(const struct root *root, struct enrol_facts *facts);

#endif
