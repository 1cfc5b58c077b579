/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one sees of a running domain: its screen, its terminal, its addresses. */
#include "appliance/domain-conn.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "common/atomic-file.h"

enum { CHUNK = 64 * 1024, MAX_SCREEN_BYTES = 256 * 1024 * 1024 };

static int receive(virStreamPtr stream, int fd, struct err *err)
{
	_cleanup_free_ char *chunk = xmalloc(CHUNK);
	size_t total = 0;
	for (;;) {
		int n = virStreamRecv(stream, chunk, CHUNK);
		if (n == 0)
			return virStreamFinish(stream) == 0
				       ? 0
				       : virt_error(err, "end of the screenshot");
		if (n < 0)
			return virt_error(err, "read the screenshot");
		total += (size_t)n;
		if (total > MAX_SCREEN_BYTES)
			return err_set(err, ERR_TOO_LARGE, "the screenshot does not end");
		if (write_all(fd, chunk, (size_t)n, err) < 0)
			return -1;
	}
}

static int take_screenshot(struct hypervisor *hv, virDomainPtr dom, const char *name,
			   int fd, struct err *err)
{
	virStreamPtr stream = virStreamNew(hv->conn, 0);
	if (!stream)
		return virt_error(err, "open a stream");
	_cleanup_free_ char *mime = virDomainScreenshot(dom, stream, 0, 0);
	int result = -1;
	if (!mime)
		virt_error(err, "screenshot of %s", name);
	else if (!str_eq(mime, "image/png"))
		err_set(err, ERR_PROGRAM,
			"screenshot of %s: libvirt gives %s; QEMU >= 7.1 "
			"gives PNG",
			name, mime);
	else
		result = receive(stream, fd, err);
	if (result < 0)
		virStreamAbort(stream);
	virStreamFree(stream);
	return result;
}

int domain_screenshot(struct hypervisor *hv, const char *name, const char *path,
		      struct err *err)
{
	_cleanup_(virt_domain_freep) virDomainPtr dom = NULL;
	_cleanup_(atomic_file_freep) struct atomic_file *file = NULL;
	if (virt_need_domain(hv, name, &dom, err) < 0)
		return -1;
	if (hv->is_xen)
		return err_set(err, ERR_REFUSED,
			       "%s has no screen: it is a paravirtual Xen guest; see "
			       "`appliance console`", name);
	if (virDomainIsActive(dom) != 1)
		return err_set(err, ERR_REFUSED, "%s is not running, so it has no screen",
			       name);
	if (atomic_file_open(path, 0644, &file, err) < 0 ||
	    take_screenshot(hv, dom, name, file->fd, err) < 0)
		return -1;
	return atomic_file_commit(file, err);
}

/* The value of `attribute` in the first `element` after `section` in libvirt's XML, which
 * is normal: single quotes, one blank between attributes. NULL if it is not there. */
static char *find_attribute(const char *xml, const char *section, const char *element,
			    const char *attribute)
{
	const char *at = strstr(xml, section);
	const char *tag = at ? strstr(at, element) : NULL;
	const char *end = tag ? strchr(tag, '>') : NULL;
	_cleanup_free_ char *key = xasprintf(" %s='", attribute);
	const char *value = tag ? strstr(tag, key) : NULL;
	if (!value || value > end)
		return NULL;
	value += strlen(key);
	return xstrndup(value, strcspn(value, "'"));
}

static int live_xml(struct hypervisor *hv, const char *name, char **xml, struct err *err)
{
	_cleanup_(virt_domain_freep) virDomainPtr dom = NULL;
	if (virt_need_domain(hv, name, &dom, err) < 0)
		return -1;
	*xml = virDomainGetXMLDesc(dom, 0);
	return *xml ? 0 : virt_error(err, "read the definition of %s", name);
}

int domain_console_device(struct hypervisor *hv, const char *name, char **path,
			  struct err *err)
{
	_cleanup_free_ char *xml = NULL;
	*path = NULL;
	if (live_xml(hv, name, &xml, err) < 0)
		return -1;
	*path = find_attribute(xml, hv->is_xen ? "<console type='pty'" : "<serial type='pty'",
			       "<source ", "path");
	return 0;
}

/* "+64055:+64055", of the driver that keeps processes apart by user. */
int hypervisor_qemu_user(struct hypervisor *hv, uid_t *uid, struct err *err)
{
	static const char mark[] = "<baselabel type='qemu'>+";
	_cleanup_free_ char *xml = virConnectGetCapabilities(hv->conn);
	if (!xml)
		return virt_error(err, "ask libvirt whom QEMU runs as");
	const char *dac = strstr(xml, "<model>dac</model>");
	const char *label = dac ? strstr(dac, mark) : NULL;
	*uid = label ? (uid_t)strtoul(label + strlen(mark), NULL, 10) : 0;
	return 0;
}

int domain_vnc_address(struct hypervisor *hv, const char *name, char **address,
		       struct err *err)
{
	_cleanup_free_ char *xml = NULL;
	*address = NULL;
	if (live_xml(hv, name, &xml, err) < 0)
		return -1;
	*address = find_attribute(xml, "<graphics type='vnc'", "<graphics ", "socket");
	if (*address)
		return 0;
	_cleanup_free_ char *port =
		find_attribute(xml, "<graphics type='vnc'", "<graphics ", "port");
	if (port && !str_eq(port, "-1"))
		*address = xasprintf("127.0.0.1:%s", port);
	return 0;
}

static bool is_outside(const virDomainIPAddress *a)
{
	return !str_starts(a->addr, "127.") && !str_starts(a->addr, "fe80:") &&
	       !str_eq(a->addr, "::1");
}

static bool add_from(virDomainPtr dom, unsigned source, struct strv *out)
{
	virDomainInterfacePtr *ifaces = NULL;
	int count = virDomainInterfaceAddresses(dom, &ifaces, source, 0);
	size_t before = out->count;
	for (int i = 0; i < count; i++) {
		for (unsigned j = 0; j < ifaces[i]->naddrs; j++)
			if (is_outside(&ifaces[i]->addrs[j]))
				strv_add(out, ifaces[i]->addrs[j].addr);
		virDomainInterfaceFree(ifaces[i]);
	}
	free(ifaces);
	return out->count > before;
}

void domain_addresses(struct hypervisor *hv, const char *name, struct strv *out)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_(virt_domain_freep) virDomainPtr dom = NULL;
	if (virt_need_domain(hv, name, &dom, &err) < 0)
		return;
	if (!add_from(dom, VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT, out))
		(void)add_from(dom, VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE, out);
}
