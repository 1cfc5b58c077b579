/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One effect each: look, define, start, stop, pause, resume, undefine. */
#include "appliance/domain-conn.h"

#include <time.h>

#include "common/log.h"

enum { POLL_MS = 100 };

const char *domain_state_name(enum domain_state state)
{
	static const char *const names[] = { "absent", "stopped", "running", "paused" };
	return names[state];
}

/* The value of ` name="..."` in libvirt's own serialisation of our element. */
static void read_attribute(const char *xml, const char *name, char *out, size_t size)
{
	_cleanup_free_ char *key = xasprintf(" %s=", name);
	const char *at = strstr(xml, key);
	if (!at)
		return;
	at += strlen(key);
	char quote = *at++;
	size_t len = 0;
	while (at[len] && at[len] != quote)
		len++;
	if (len < size) {
		memcpy(out, at, len);
		out[len] = '\0';
	}
}

static void read_metadata(virDomainPtr dom, struct domain_facts *facts)
{
	_cleanup_free_ char *xml = virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT,
							DOMAIN_METADATA_URI, 0);
	char started[32] = "";
	if (!xml)
		return;
	read_attribute(xml, "digest", facts->digest, sizeof(facts->digest));
	read_attribute(xml, "started", started, sizeof(started));
	facts->started_at = strtoll(started, NULL, 10);
}

static enum domain_state translate_state(int state)
{
	switch (state) {
	case VIR_DOMAIN_SHUTOFF:
	case VIR_DOMAIN_CRASHED:
	case VIR_DOMAIN_NOSTATE:
		return DOMAIN_OFF;
	case VIR_DOMAIN_PAUSED:
	case VIR_DOMAIN_PMSUSPENDED:
		return DOMAIN_PAUSED;
	default:
		return DOMAIN_RUNNING;
	}
}

int domain_look(struct hypervisor *hv, const char *name, struct domain_facts *facts,
		struct err *err)
{
	*facts = (struct domain_facts){ .state = DOMAIN_ABSENT };
	_cleanup_(virt_domain_freep) virDomainPtr dom = NULL;
	if (virt_find_domain(hv, name, &dom, err) < 0)
		return -1;
	if (!dom)
		return 0;
	int state, reason;
	if (virDomainGetState(dom, &state, &reason, 0) < 0)
		return virt_error(err, "ask for the state of %s", name);
	facts->state = translate_state(state);
	facts->ended_by_itself =
		state == VIR_DOMAIN_CRASHED ||
		(state == VIR_DOMAIN_SHUTOFF && (reason == VIR_DOMAIN_SHUTOFF_SHUTDOWN ||
						 reason == VIR_DOMAIN_SHUTOFF_CRASHED));
	read_metadata(dom, facts);
	return 0;
}

int domain_define(struct hypervisor *hv, const char *xml, struct err *err)
{
	_cleanup_(virt_domain_freep) virDomainPtr dom =
		virDomainDefineXMLFlags(hv->conn, xml, VIR_DOMAIN_DEFINE_VALIDATE);
	return dom ? 0 : virt_error(err, "define the domain");
}

int domain_start(struct hypervisor *hv, const char *name, struct err *err)
{
	_cleanup_(virt_domain_freep) virDomainPtr dom = NULL;
	if (virt_need_domain(hv, name, &dom, err) < 0)
		return -1;
	if (virDomainIsActive(dom) == 1 || virDomainCreate(dom) == 0)
		return 0;
	return virt_error(err, "start domain %s", name);
}

/* Either may fail (no agent, no ACPI in the guest); the deadline decides. */
static void ask_to_stop(virDomainPtr dom, const char *name)
{
	if (virDomainShutdownFlags(dom, VIR_DOMAIN_SHUTDOWN_GUEST_AGENT) == 0)
		return;
	log_debug("%s: agent: %s", name, virGetLastErrorMessage());
	if (virDomainShutdown(dom) < 0)
		log_debug("%s: acpi: %s", name, virGetLastErrorMessage());
}

static bool wait_until_off(virDomainPtr dom, int timeout_ms)
{
	int64_t deadline = monotonic_ms() + timeout_ms;
	while (virDomainIsActive(dom) == 1) {
		if (monotonic_ms() >= deadline)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = POLL_MS * 1000000L }, NULL);
	}
	return true;
}

int domain_stop(struct hypervisor *hv, const char *name, int timeout_ms, bool *forced,
		struct err *err)
{
	*forced = false;
	_cleanup_(virt_domain_freep) virDomainPtr dom = NULL;
	struct domain_facts facts;
	if (domain_look(hv, name, &facts, err) < 0 ||
	    virt_find_domain(hv, name, &dom, err) < 0)
		return -1;
	if (!dom || facts.state == DOMAIN_OFF)
		return 0;
	/* A paused guest cannot hear us. */
	if (facts.state == DOMAIN_PAUSED)
		(void)virDomainResume(dom);
	ask_to_stop(dom, name);
	if (wait_until_off(dom, timeout_ms))
		return 0;
	*forced = true;
	if (virDomainDestroy(dom) < 0 && virDomainIsActive(dom) == 1)
		return virt_error(err, "switch off domain %s", name);
	return 0;
}

int domain_pause(struct hypervisor *hv, const char *name, struct err *err)
{
	_cleanup_(virt_domain_freep) virDomainPtr dom = NULL;
	if (virt_need_domain(hv, name, &dom, err) < 0)
		return -1;
	return virDomainSuspend(dom) == 0 ? 0 : virt_error(err, "pause domain %s", name);
}

int domain_resume(struct hypervisor *hv, const char *name, struct err *err)
{
	_cleanup_(virt_domain_freep) virDomainPtr dom = NULL;
	if (virt_need_domain(hv, name, &dom, err) < 0)
		return -1;
	return virDomainResume(dom) == 0 ? 0 : virt_error(err, "resume domain %s", name);
}

int domain_undefine(struct hypervisor *hv, const char *name, struct err *err)
{
	_cleanup_(virt_domain_freep) virDomainPtr dom = NULL;
	if (virt_find_domain(hv, name, &dom, err) < 0)
		return -1;
	/* Each driver refuses the flags that it does not know. */
	unsigned flags = hv->is_test ? 0 : VIR_DOMAIN_UNDEFINE_MANAGED_SAVE;
	if (!hv->is_test && !hv->is_xen)
		flags |= VIR_DOMAIN_UNDEFINE_NVRAM;
	if (dom && virDomainUndefineFlags(dom, flags) < 0)
		return virt_error(err, "undefine domain %s", name);
	return xen_forget_console(hv, name, err);
}
