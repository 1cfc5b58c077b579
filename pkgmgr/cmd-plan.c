/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>
#include <stdio.h>

#include "common/cli.h"
#include "pkgmgr/apt/apt.h"
#include "pkgmgr/list.h"
#include "pkgmgr/report.h"

static void print_json(const struct plan *plan, const struct err *cause)
{
	struct json_object *out = plan ? plan_to_json(plan) : json_object_new_object();
	json_object_object_add(out, "result", json_object_new_string(report_result(cause)));
	json_object_object_add(out, "error", cause->msg ? json_object_new_string(cause->msg) : NULL);
	puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PLAIN));
	json_object_put(out);
}

static void print_text(const struct plan *plan)
{
	for (size_t i = 0; i < plan->action_count; i++) {
		_cleanup_free_ char *line = plan_action_describe(&plan->actions[i]);
		puts(line);
	}
	for (size_t i = 0; i < plan->notes.count; i++)
		printf("note: %s\n", plan->notes.items[i]);
	_cleanup_free_ char *bytes = size_format(plan_fetch_bytes(plan));
	if (plan->action_count)
		printf("%zu changes, %s to fetch\n", plan->action_count, bytes);
	else
		puts("nothing to do");
}

int cmd_plan(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct pkgmgr *m = cli->ctx;
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0 || pkgmgr_open(m, err) < 0 ||
	    list_load(m, &list, err) < 0 || apt_init(&m->root, err) < 0)
		return -1;
	int rc = sync_make_plan(m, list, &plan, err);
	if (cli->json)
		print_json(plan, err);
	else if (plan)
		print_text(plan);
	return rc;
}
