/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>

#include "hostconfig/cmds.h"
#include "hostconfig/params.h"
#include "hostconfig/policy.h"

static struct json_object *text_or_null(const char *text)
{
	return text ? json_object_new_string(text) : NULL;
}

static struct json_object *words(const struct strv *v)
{
	struct json_object *out = json_object_new_array();
	for (size_t i = 0; i < v->count; i++)
		json_object_array_add(out, json_object_new_string(v->items[i]));
	return out;
}

static void print_json(const struct params *p, const struct policy *policy)
{
	struct json_object *out = json_object_new_object();
	json_object_object_add(out, "bridge", json_object_new_string(HOST_BRIDGE));
	json_object_object_add(out, "address", json_object_new_string(p->address));
	json_object_object_add(out, "dhcp_first", json_object_new_string(p->dhcp_first));
	json_object_object_add(out, "dhcp_last", json_object_new_string(p->dhcp_last));
	json_object_object_add(out, "lan_interfaces", words(&p->lan_interfaces));
	json_object_object_add(out, "dns", words(&p->dns));
	json_object_object_add(out, "boot_server", text_or_null(p->boot_server));
	json_object_object_add(out, "boot_file", json_object_new_string(p->boot_file));
	json_object_object_add(out, "boot_file_efi", json_object_new_string(p->boot_file_efi));
	json_object_object_add(out, "ssh_from", words(&policy->ssh_from));
	json_object_object_add(out, "ssh_from_by_policy", json_object_new_boolean(policy->ssh_by_policy));
	json_object_object_add(out, "serve_to", words(&policy->serve_to));
	json_object_object_add(out, "help_interface", text_or_null(p->help_interface));
	puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PRETTY |
							 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(out);
}

static void print_words(const char *name, const struct strv *v, const char *none)
{
	_cleanup_free_ char *text = strv_join(v, " ");
	printf("%-16s %s\n", name, v->count ? text : none);
}

static void print_text(const struct params *p, const struct policy *policy)
{
	printf("%-16s %s\n", "bridge", HOST_BRIDGE);
	printf("%-16s %s/24\n", "address", p->address);
	printf("%-16s %s to %s\n", "dhcp", p->dhcp_first, p->dhcp_last);
	print_words("lan cards", &p->lan_interfaces, "none");
	print_words("dns", &p->dns, "as in /etc/resolv.conf");
	printf("%-16s %s\n", "boot server", p->boot_server ? p->boot_server : "none");
	if (p->boot_server)
		printf("%-16s %s, %s with UEFI\n", "boot file", p->boot_file, p->boot_file_efi);
	print_words(policy->ssh_by_policy ? "ssh by policy" : "ssh from", &policy->ssh_from,
		    "nobody outside");
	print_words("serve to", &policy->serve_to, "nobody outside");
	printf("%-16s %s\n", "help", p->help_interface ? p->help_interface : "none");
}

int cmd_show(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(params_freep) struct params *params = NULL;
	_cleanup_policy_ struct policy policy = { 0 };
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0 ||
	    params_read(cli->ctx, &params, err) < 0 ||
	    policy_read(cli->ctx, params, &policy, err) < 0)
		return -1;
	if (cli->json)
		print_json(params, &policy);
	else
		print_text(params, &policy);
	return 0;
}
