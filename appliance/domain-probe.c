/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/domain-conn.h"

#include "common/atomic-file.h"
#include "common/kvm-probe.h"

#define META_KEY "accelerator"

/* "<boot id> kvm": a verdict holds until the next boot. */
static int read_verdict(struct state *state, const char *boot_id, enum domain_type *out,
			bool *known, struct err *err)
{
	_cleanup_free_ char *value = NULL;
	*known = false;
	if (state_get_meta(state, META_KEY, &value, err) < 0)
		return -1;
	if (!value || !str_starts(value, boot_id))
		return 0;
	*known = true;
	*out = str_ends(value, " kvm") ? DOMAIN_TYPE_KVM : DOMAIN_TYPE_TCG;
	return 0;
}

int hypervisor_domain_type(struct hypervisor *hv, struct state *state,
			   enum domain_type *out, struct err *err)
{
	*out = hv->is_xen ? DOMAIN_TYPE_XEN : DOMAIN_TYPE_TEST;
	if (hv->is_test || hv->is_xen)
		return 0;
	_cleanup_free_ char *boot_id = NULL;
	size_t len;
	bool known;
	if (file_read("/proc/sys/kernel/random/boot_id", 64, &boot_id, &len, err) < 0)
		return -1;
	boot_id[strcspn(boot_id, "\n")] = '\0';
	if (read_verdict(state, boot_id, out, &known, err) < 0 || known)
		return known ? 0 : -1;
	bool kvm = false;
	if (kvm_probe(&kvm, err) < 0)
		return -1;
	*out = kvm ? DOMAIN_TYPE_KVM : DOMAIN_TYPE_TCG;
	_cleanup_free_ char *value =
		xasprintf("%s %s", boot_id, *out == DOMAIN_TYPE_KVM ? "kvm" : "tcg");
	return state_set_meta(state, META_KEY, value, err);
}
