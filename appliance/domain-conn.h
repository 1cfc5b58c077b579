/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the domain-*.c share: the connection, and libvirt's errors as ours. */
#ifndef WAYBILL_DOMAIN_CONN_H
#define WAYBILL_DOMAIN_CONN_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "appliance/domain.h"

struct hypervisor {
	virConnectPtr conn;
	bool is_test; /* libvirt's test driver: nothing runs */
	bool is_xen;  /* its differences are domain-xen.c's */
};

/* ": <libvirt's last message>" appended; returns -1. */
int virt_error(struct err *err, const char *fmt, ...) _printf_(2, 3);

static inline void virt_domain_freep(virDomainPtr *d)
{
	if (*d)
		virDomainFree(*d);
}

static inline void virt_network_freep(virNetworkPtr *n)
{
	if (*n)
		virNetworkFree(*n);
}

/* Where Xen logged the console of a domain that goes. */
int xen_forget_console(struct hypervisor *hv, const char *name, struct err *err) _must_check_;

/* *out is NULL if there is no such domain. */
int virt_find_domain(struct hypervisor *hv, const char *name, virDomainPtr *out,
		     struct err *err) _must_check_;
/* Here that is ERR_NOT_FOUND. */
int virt_need_domain(struct hypervisor *hv, const char *name, virDomainPtr *out,
		     struct err *err) _must_check_;

#endif
