/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance halt: the host goes down, and its guests before it. */
#include "appliance/cmd.h"
#include "appliance/domain.h"
#include "appliance/instance.h"
#include "appliance/order.h"
#include "appliance/screen-agent.h"
#include "common/log.h"

/* What is still to be stopped, and what each of these waits for at its start. */
struct halt {
	struct host *host;
	struct hypervisor *hv;
	struct strv names;
};

static int stop_domain(const struct halt *h, const char *unit, bool *stopped, struct err *err)
{
	_cleanup_free_ char *domain = root_domain_name(&h->host->root, unit);
	struct domain_facts facts;
	bool forced = false;
	if (domain_look(h->hv, domain, &facts, err) < 0)
		return -1;
	if (facts.state == DOMAIN_OFF || facts.state == DOMAIN_ABSENT)
		return screen_agent_stop(h->host, unit, err);
	*stopped = true;
	if (domain_stop(h->hv, domain, h->host->stop_timeout_ms, &forced, err) < 0)
		return -1;
	if (forced)
		log_warn("%s did not stop within %d s and was switched off", unit,
			 h->host->stop_timeout_ms / 1000);
	return screen_agent_stop(h->host, unit, err);
}

/* Recorded as stopped by us, since a guest on trial that switches itself off is sick. */
static int halt_one(const struct halt *h, const char *name, struct err *err)
{
	_cleanup_(instance_freep) struct instance *inst = NULL;
	bool stopped = false;
	if (instance_load(h->host->state, name, &inst, err) < 0)
		return -1;
	if (inst->started_at) {
		inst->started_at = 0;
		inst->health = HEALTH_UNKNOWN;
		instance_set(&inst->health_reason, NULL);
		if (instance_save(h->host->state, inst, err) < 0)
			return -1;
	}
	if (stop_domain(h, inst->unit, &stopped, err) < 0 ||
	    (inst->good_unit && stop_domain(h, inst->good_unit, &stopped, err) < 0))
		return -1;
	if (stopped)
		log_event("instance-stop", "%s", name);
	return 0;
}

static bool is_waited_for(const struct halt *h, const char *name)
{
	for (size_t i = 0; i < h->names.count; i++) {
		_cleanup_strv_ struct strv after = STRV_INIT;
		order_start_after(h->host, h->names.items[i], &after);
		if (!str_eq(h->names.items[i], name) && strv_contains(&after, name))
			return true;
	}
	return false;
}

/* The next to stop: nobody that is left started after it, or all wait in a circle. */
static char *take_next(struct halt *h)
{
	size_t next = 0;
	while (next < h->names.count && is_waited_for(h, h->names.items[next]))
		next++;
	if (next == h->names.count)
		next = 0;
	char *name = h->names.items[next];
	h->names.count--;
	memmove(h->names.items + next, h->names.items + next + 1,
		(h->names.count - next + 1) * sizeof(*h->names.items));
	return name;
}

/* One that cannot be stopped is said, and does not keep the others from it. */
static int halt_all(struct halt *h, struct err *err)
{
	while (h->names.count) {
		_cleanup_err_ struct err this = ERR_INIT;
		_cleanup_free_ char *name = take_next(h);
		if (halt_one(h, name, &this) == 0)
			continue;
		log_error("%s: %s", name, this.msg);
		if (err->code == ERR_NONE)
			err_set(err, this.code, "not everything could be stopped");
	}
	return err->code == ERR_NONE ? 0 : -1;
}

int cmd_halt(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(host_freep) struct host *host = NULL;
	_cleanup_(hypervisor_freep) struct hypervisor *hv = NULL;
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0 || cmd_open_host(cli, &host, err) < 0)
		return -1;
	_cleanup_close_ int lock = host_lock(host, err);
	struct halt halt = { .host = host };
	if (lock < 0 || instance_names(host->state, &halt.names, err) < 0)
		return -1;
	int rc = 0;
	if (halt.names.count && hypervisor_open(host->libvirt_uri, &hv, err) < 0)
		rc = -1;
	halt.hv = hv;
	if (rc == 0)
		rc = halt_all(&halt, err);
	strv_destroy(&halt.names);
	return rc;
}
