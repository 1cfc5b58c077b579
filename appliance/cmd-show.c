/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance show NAME: all of one instance, as text or JSON from one list of facts. */
#include <sys/stat.h>

#include "appliance/base-store.h"
#include "appliance/cmd.h"
#include "appliance/disks.h"
#include "appliance/nat.h"
#include "appliance/screen-agent.h"
#include "appliance/view.h"
#include "common/log.h"

/* What the list does not tell, as JSON members that both outputs read. */
static void add_text(struct json_object *o, const char *key, const char *value)
{
	if (value && *value)
		json_object_object_add(o, key, json_object_new_string(value));
}

static void add_file(struct json_object *files, const char *what, const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return;
	struct json_object *file = json_object_new_object();
	json_object_object_add(file, "path", json_object_new_string(path));
	json_object_object_add(file, "allocated_bytes",
			       json_object_new_int64((int64_t)st.st_blocks * 512));
	json_object_object_add(files, what, file);
}

static void add_files(struct host *host, const struct view *view, struct json_object *o)
{
	static const char *const names[] = { OVERLAY_FILE, DATA_FILE, SWAP_FILE,
					     SEED_FILE, NVRAM_FILE, CONSOLE_FILE };
	static const char *const whats[] = { "overlay", "data", "swap",  "seed",
					     "nvram",   "console" };
	struct json_object *files = json_object_new_object();
	if (view->inst->actual_base) {
		_cleanup_free_ char *base =
			base_path(&host->root, view->inst->actual_base);
		add_file(files, "base", base);
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path =
			instance_path(&host->root, view->inst->unit, names[i]);
		add_file(files, whats[i], path);
	}
	json_object_object_add(o, "files", files);
}

static void add_conf(const struct view *view, struct json_object *o)
{
	if (!view->settings)
		return;
	const struct appliance_conf *conf = view->settings->conf;
	json_object_object_add(o, "memory_bytes",
			       json_object_new_int64((int64_t)conf->memory_bytes));
	json_object_object_add(o, "vcpus", json_object_new_int((int)conf->vcpus));
	add_text(o, "network", network_mode_name(conf->network));
	struct json_object *params = json_object_new_object();
	for (size_t i = 0; i < view->settings->param_count; i++) {
		const struct setting *p = &view->settings->params[i];
		add_text(params, p->name, p->secret ? "(secret)" : p->value);
	}
	json_object_object_add(o, "params", params);
}

static void add_domain(struct host *host, struct hypervisor *hv, const struct view *view,
		       struct json_object *o)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_strv_ struct strv addresses = STRV_INIT;
	_cleanup_free_ char *domain = root_domain_name(&host->root, view->inst->unit);
	_cleanup_free_ char *vnc = NULL;
	add_text(o, "domain", domain);
	if (!hv || !str_eq(view->state, "running"))
		return;
	domain_addresses(hv, domain, &addresses);
	char kept[NAT_ADDRESS_SIZE];
	if (addresses.count == 0 && nat_address(host, hv, view->inst->unit, kept, &err) == 0 &&
	    *kept)
		strv_add(&addresses, kept);
	err_clear(&err);
	_cleanup_free_ char *joined = strv_join(&addresses, " ");
	add_text(o, "addresses", joined);
	if (domain_vnc_address(hv, domain, &vnc, &err) == 0)
		add_text(o, "vnc", vnc);
}

static void add_screen(struct host *host, const struct view *view, struct json_object *o)
{
	if (!view->settings || view->settings->conf->graphics != GRAPHICS_VNC)
		return;
	_cleanup_free_ char *agent = screen_agent_describe(host, view->inst, view->settings);
	add_text(o, "screen_agent", agent);
}

/* "wanted_state" -> "wanted state"; the sizes and times of show are for people. */
static void print_member(const char *key, struct json_object *value, const char *indent)
{
	_cleanup_free_ char *label = xstrdup(key);
	for (char *p = label; *p; p++)
		if (*p == '_')
			*p = ' ';
	_cleanup_free_ char *text = NULL;
	if (str_ends(key, "_bytes")) {
		label[strlen(label) - strlen(" bytes")] = '\0';
		text = size_format((uint64_t)json_object_get_int64(value));
	} else if (str_ends(key, "_seconds")) {
		label[strlen(label) - strlen(" seconds")] = '\0';
		text = uptime_format(json_object_get_int64(value));
	} else {
		text = xstrdup(json_object_get_string(value));
	}
	printf("%s%-*s %s\n", indent, 17 - (int)strlen(indent), label, text);
}

static void print_object(struct json_object *o, const char *indent)
{
	json_object_object_foreach(o, key, value)
	{
		if (!value || (json_object_is_type(value, json_type_string) &&
			       !*json_object_get_string(value)))
			continue;
		if (!json_object_is_type(value, json_type_object)) {
			print_member(key, value, indent);
		} else if (json_object_object_length(value)) {
			printf("%s%s\n", indent, key);
			print_object(value, "  ");
		}
	}
}

/* A file of the list of files: one line instead of an object. */
static void flatten_files(struct json_object *o)
{
	struct json_object *files = json_object_object_get(o, "files");
	struct json_object *flat = json_object_new_object();
	json_object_object_foreach(files, what, file)
	{
		_cleanup_free_ char *size = size_format((uint64_t)json_object_get_int64(
			json_object_object_get(file, "allocated_bytes")));
		_cleanup_free_ char *line = xasprintf(
			"%s  %s", size,
			json_object_get_string(json_object_object_get(file, "path")));
		json_object_object_add(flat, what, json_object_new_string(line));
	}
	json_object_object_add(o, "files", flat);
}

/* Version -> why it was rolled back; the evidence is in the JSON. */
static void flatten_bad_versions(struct json_object *o)
{
	struct json_object *array = json_object_object_get(o, "bad_versions");
	struct json_object *flat = json_object_new_object();
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *bad = json_object_array_get_idx(array, i);
		_cleanup_free_ char *line = xasprintf(
			"%s  %s", json_object_get_string(json_object_object_get(bad, "marked_at")),
			json_object_get_string(json_object_object_get(bad, "reason")));
		json_object_object_add(
			flat, json_object_get_string(json_object_object_get(bad, "version")),
			json_object_new_string(line));
	}
	json_object_object_del(o, "bad_versions");
	json_object_object_add(o, "rolled back", flat);
}

int cmd_show(struct cli *cli, int argc, char **argv, struct err *err)
{
	const char *name;
	if (cli_no_opts(cli, argc, argv, 1, 1, err) < 0 ||
	    cmd_name(argv[cli->next], &name, err) < 0)
		return -1;
	_cleanup_(host_freep) struct host *host = NULL;
	_cleanup_(hypervisor_freep) struct hypervisor *hv = NULL;
	_cleanup_(view_freep) struct view *view = NULL;
	_cleanup_err_ struct err no_hv = ERR_INIT;
	if (cmd_open_host(cli, &host, err) < 0)
		return -1;
	bool answers = hypervisor_open(host->libvirt_uri, &hv, &no_hv) == 0;
	if (view_load(host, hv, name, &view, err) < 0)
		return -1;
	if (!answers)
		log_warn("%s", no_hv.msg);
	struct json_object *o = view_to_json(view);
	add_domain(host, hv, view, o);
	add_screen(host, view, o);
	add_conf(view, o);
	add_files(host, view, o);
	if (cli->json) {
		printf("%s\n",
		       json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
	} else {
		flatten_files(o);
		flatten_bad_versions(o);
		print_object(o, "");
	}
	json_object_put(o);
	return 0;
}
