/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance list: a table, or with --json an array. */
#include "appliance/cmd.h"
#include "appliance/view.h"
#include "common/instance-words.h"
#include "common/log.h"

enum { COLUMNS = 6 };

struct table_row {
	char *cells[COLUMNS];
};

static const char *or_dash(const char *text)
{
	return text && *text ? text : "-";
}

static struct table_row make_row(const struct view *view)
{
	const struct instance *inst = view->inst;
	return (struct table_row){ {
		xstrdup(inst->name),
		xstrdup(view->state),
		xstrdup(or_dash(inst->actual_version)),
		xasprintf("%s %s", wanted_state_name(inst->wanted_state),
			  inst->wanted_version ? inst->wanted_version : ""),
		xstrdup(or_dash(view->ports)),
		uptime_format(view->uptime_seconds),
	} };
}

static void print_table(const struct table_row *rows, size_t count)
{
	int width[COLUMNS] = { 0 };
	for (size_t i = 0; i < count; i++)
		for (int c = 0; c < COLUMNS; c++)
			if ((int)strlen(rows[i].cells[c]) > width[c])
				width[c] = (int)strlen(rows[i].cells[c]);
	for (size_t i = 0; i < count; i++)
		for (int c = 0; c < COLUMNS; c++)
			printf("%-*s%s", c == COLUMNS - 1 ? 0 : width[c],
			       rows[i].cells[c], c == COLUMNS - 1 ? "\n" : "  ");
}

/* What does not fit a table. */
static void print_words(const struct view *view)
{
	struct json_object *o = view_to_json(view);
	_cleanup_free_ char *words = instance_words(o);
	if (view->inst->note)
		printf("%s: %s\n", view->inst->name, view->inst->note);
	if (words)
		printf("%s\n", words);
	json_object_put(o);
}

static void print_views(struct view **views, size_t count)
{
	if (count == 0) {
		log_info("no appliances here");
		return;
	}
	struct table_row *rows = xcalloc(count + 1, sizeof(*rows));
	rows[0] = (struct table_row){ { xstrdup("NAME"), xstrdup("STATE"),
					xstrdup("VERSION"), xstrdup("WANTED"),
					xstrdup("PORTS"), xstrdup("UP") } };
	for (size_t i = 0; i < count; i++)
		rows[i + 1] = make_row(views[i]);
	print_table(rows, count + 1);
	for (size_t i = 0; i <= count; i++)
		for (int c = 0; c < COLUMNS; c++)
			free(rows[i].cells[c]);
	free(rows);
	for (size_t i = 0; i < count; i++)
		print_words(views[i]);
}

static void print_json(struct view **views, size_t count)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < count; i++)
		json_object_array_add(array, view_to_json(views[i]));
	printf("%s\n", json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY));
	json_object_put(array);
}

static int load_views(struct host *host, const struct strv *names, struct view **views,
		      struct err *err)
{
	_cleanup_err_ struct err no_hv = ERR_INIT;
	_cleanup_(hypervisor_freep) struct hypervisor *hv = NULL;
	if (hypervisor_open(host->libvirt_uri, &hv, &no_hv) < 0)
		log_warn("%s", no_hv.msg);
	for (size_t i = 0; i < names->count; i++)
		if (view_load(host, hv, names->items[i], &views[i], err) < 0)
			return -1;
	return 0;
}

int cmd_list(struct cli *cli, int argc, char **argv, struct err *err)
{
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0)
		return -1;
	_cleanup_(host_freep) struct host *host = NULL;
	_cleanup_strv_ struct strv names = STRV_INIT;
	if (cmd_open_host(cli, &host, err) < 0 ||
	    instance_names(host->state, &names, err) < 0)
		return -1;
	struct view **views = xcalloc(names.count + 1, sizeof(struct view *));
	int result = load_views(host, &names, views, err);
	if (result == 0)
		(cli->json ? print_json : print_views)(views, names.count);
	for (size_t i = 0; i < names.count; i++)
		view_free(views[i]);
	free(views);
	return result;
}
