/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fields of appliance.conf that an operator writes: in a recipe, or in the file
 * that `imagepkg wrap --config` takes. */
#ifndef WAYBILL_VM_FIELDS_H
#define WAYBILL_VM_FIELDS_H

#define VM_FIELDS                                                                     \
	"Memory", "Vcpus", "Data", "Swap", "Boot", "Kernel-Args", "Network", "Ports", \
		"Graphics", "Health", "Upgrade", "Params"

#define DEFAULT_ARCHITECTURE "amd64"

#endif
