/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance health NAME: one round of its checks, now. What converge has made of earlier
 * rounds is in list and show. */
#include "appliance/cmd.h"
#include "appliance/domain.h"
#include "appliance/health.h"
#include "appliance/instance.h"
#include "appliance/nat.h"
#include "appliance/settings.h"
#include "common/log.h"

#include <json-c/json.h>

struct patient {
	struct host *host;
	struct hypervisor *hv;
	struct instance *inst;
	struct settings *settings;
	char *domain;
	char address[NAT_ADDRESS_SIZE]; /* "" unless Network: nat gave it one */
};

static void patient_release(struct patient *p)
{
	free(p->domain);
	settings_free(p->settings);
	instance_free(p->inst);
	hypervisor_free(p->hv);
	host_free(p->host);
}

static int find_address(struct patient *p, struct err *err)
{
	if (p->settings->conf->network != NETWORK_NAT)
		return 0;
	return nat_address(p->host, p->hv, p->inst->unit, p->address, err);
}

static int load_patient(struct cli *cli, const char *name, struct patient *p,
			struct err *err)
{
	if (cmd_open_host(cli, &p->host, err) < 0 ||
	    instance_load(p->host->state, name, &p->inst, err) < 0)
		return -1;
	if (!p->inst->actual_version)
		return err_set(
			err, ERR_REFUSED,
			"%s has no system disk yet, so no version whose checks could "
			"be run; 'appliance converge %s' makes it",
			name, name);
	if (settings_load(p->host, p->inst, p->inst->actual_version,
			  &p->settings, err) < 0 ||
	    hypervisor_open(p->host->libvirt_uri, &p->hv, err) < 0)
		return -1;
	p->domain = root_domain_name(&p->host->root, p->inst->unit);
	return find_address(p, err);
}

static void print_json(const struct patient *p, const struct health_round *round,
		       const char *state, bool healthy)
{
	struct json_object *o = json_object_new_object(),
			   *checks = json_object_new_array();
	json_object_object_add(o, "name", json_object_new_string(p->inst->name));
	json_object_object_add(o, "running_version",
			       json_object_new_string(p->inst->actual_version));
	json_object_object_add(o, "state", json_object_new_string(state));
	json_object_object_add(o, "healthy", json_object_new_boolean(healthy));
	for (size_t i = 0; i < round->count; i++) {
		const struct health_result *r = &round->results[i];
		struct json_object *check = json_object_new_object();
		json_object_object_add(check, "check", json_object_new_string(r->name));
		json_object_object_add(check, "ok", json_object_new_boolean(r->ok));
		json_object_object_add(check, "text",
				       json_object_new_string(health_result_seen(r)));
		json_object_object_add(check, "detail",
				       r->detail ? json_object_new_string(r->detail)
						 : NULL);
		json_object_array_add(checks, check);
	}
	json_object_object_add(o, "checks", checks);
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
	json_object_put(o);
}

enum { MAX_WIDTH = 40 };

/* The details of what failed below the table, since they have lines. */
static void print_table(const struct health_round *round)
{
	int width = (int)strlen("CHECK");
	for (size_t i = 0; i < round->count; i++)
		if ((int)strlen(round->results[i].name) > width)
			width = (int)strlen(round->results[i].name);
	if (width > MAX_WIDTH)
		width = MAX_WIDTH;
	printf("%-*s  %-6s  %s\n", width, "CHECK", "STATE", "SEEN");
	for (size_t i = 0; i < round->count; i++) {
		const struct health_result *r = &round->results[i];
		printf("%-*.*s  %-6s  %s\n", width, width, r->name, r->ok ? "ok" : "failed",
		       health_result_seen(r));
	}
	for (size_t i = 0; i < round->count; i++) {
		const struct health_result *r = &round->results[i];
		if (!r->ok && r->detail)
			printf("\n%s:\n%s\n", r->name, r->detail);
	}
}

int cmd_health(struct cli *cli, int argc, char **argv, struct err *err)
{
	const char *name;
	_cleanup_(patient_release) struct patient p = { 0 };
	_cleanup_(health_round_destroy) struct health_round round = { 0 };
	struct domain_facts facts;
	if (cli_no_opts(cli, argc, argv, 1, 1, err) < 0 ||
	    cmd_name(argv[cli->next], &name, err) < 0 ||
	    load_patient(cli, name, &p, err) < 0 ||
	    domain_look(p.hv, p.domain, &facts, err) < 0 ||
	    health_run(p.hv, p.domain, p.settings->conf, *p.address ? p.address : NULL,
		       &round, err) < 0)
		return -1;
	bool healthy = facts.state == DOMAIN_RUNNING && health_round_is_good(&round);
	if (cli->json)
		print_json(&p, &round, domain_state_name(facts.state), healthy);
	else if (round.count)
		print_table(&round);
	else
		printf("%s is %s; its appliance.conf names no health checks\n", name,
		       domain_state_name(facts.state));
	cli->exit_code = healthy ? EXIT_DONE : EXIT_FAILED;
	return 0;
}
