/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/domain-conn.h"

#include <stdlib.h>

#include "common/atomic-file.h"
#include "common/log.h"

int virt_error(struct err *err, const char *fmt, ...)
{
	char *what = NULL;
	va_list ap;
	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		abort();
	va_end(ap);
	const char *why = virGetLastErrorMessage();
	err_set(err, ERR_PROGRAM, "%s: %s", what, why ? why : "libvirt does not say why");
	free(what);
	return -1;
}

/* libvirt prints each error to standard error by default; ours are printed by main. */
static void ignore_message(void *arg, virErrorPtr error) {}

/* Nobody sits here to be asked; libvirt comes with what its auth file did not answer. */
static int refuse_to_ask(virConnectCredentialPtr credentials, unsigned count, void *arg)
{
	for (unsigned i = 0; i < count; i++)
		log_debug("libvirt wants to know: %s", credentials[i].prompt);
	bool *asked = arg;
	*asked = true;
	return -1;
}

/* systemd hands a service its secrets in a directory of its own (LoadCredential=). */
static void use_credential(void)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	_cleanup_free_ char *path = dir ? xasprintf("%s/libvirt-auth", dir) : NULL;
	if (path && file_exists(path))
		setenv("LIBVIRT_AUTH_FILE", path, 0);
}

static virConnectPtr connect_without_asking(const char *uri, bool *asked)
{
	int types[] = { VIR_CRED_AUTHNAME, VIR_CRED_USERNAME, VIR_CRED_PASSPHRASE,
			VIR_CRED_NOECHOPROMPT, VIR_CRED_ECHOPROMPT, VIR_CRED_REALM };
	virConnectAuth auth = { types, ARRAY_SIZE(types), refuse_to_ask, asked };
	use_credential();
	return virConnectOpenAuth(uri, &auth, 0);
}

int hypervisor_open(const char *uri, struct hypervisor **out, struct err *err)
{
	*out = NULL;
	virSetErrorFunc(NULL, ignore_message);
	bool asked = false;
	virConnectPtr conn = connect_without_asking(uri, &asked);
	if (!conn) {
		const char *why = virGetLastErrorMessage();
		if (asked)
			return err_set(err, ERR_REFUSED,
				       "%s asks for a name and password, and libvirt's auth file "
				       "has none for it (/etc/libvirt/auth.conf, or the systemd "
				       "credential libvirt-auth): %s",
				       uri, why ? why : "libvirt does not say why");
		return err_set(err, ERR_NETWORK, "no hypervisor answers at %s: %s", uri,
			       why ? why : "libvirt does not say why");
	}
	struct hypervisor *hv = xcalloc(1, sizeof(*hv));
	const char *type = virConnectGetType(conn);
	hv->conn = conn;
	hv->is_test = str_same(type, "TEST");
	hv->is_xen = str_same(type, "Xen");
	*out = hv;
	return 0;
}

void hypervisor_free(struct hypervisor *hv)
{
	if (!hv)
		return;
	virConnectClose(hv->conn);
	free(hv);
}

int virt_find_domain(struct hypervisor *hv, const char *name, virDomainPtr *out,
		     struct err *err)
{
	*out = virDomainLookupByName(hv->conn, name);
	if (*out)
		return 0;
	virErrorPtr last = virGetLastError();
	if (last && last->code == VIR_ERR_NO_DOMAIN)
		return 0;
	return virt_error(err, "look for domain %s", name);
}

int virt_need_domain(struct hypervisor *hv, const char *name, virDomainPtr *out,
		     struct err *err)
{
	if (virt_find_domain(hv, name, out, err) < 0)
		return -1;
	if (!*out)
		return err_set(err, ERR_NOT_FOUND, "there is no domain %s", name);
	return 0;
}
