/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>
#include <stdio.h>

#include "common/cli.h"
#include "common/log.h"
#include "pkgmgr/report.h"
#include "pkgmgr/sync.h"

static struct json_object *notes_to_json(const struct strv *notes)
{
	struct json_object *out = json_object_new_array();
	for (size_t i = 0; i < notes->count; i++)
		json_object_array_add(out, json_object_new_string(notes->items[i]));
	return out;
}

static void print_json(const struct sync *sync, const struct err *cause)
{
	struct json_object *out = json_object_new_object();
	json_object_object_add(out, "result", json_object_new_string(report_result(cause)));
	json_object_object_add(out, "exit_code", json_object_new_int((int)err_exit_code(cause)));
	json_object_object_add(out, "error", cause->msg ? json_object_new_string(cause->msg) : NULL);
	json_object_object_add(out, "serial",
			       sync->list ? json_object_new_int64((int64_t)sync->list->serial)
					  : NULL);
	json_object_object_add(out, "received_bytes",
			       json_object_new_int64((int64_t)sync->received_bytes));
	json_object_object_add(out, "committed", json_object_new_boolean(sync->committed));
	json_object_object_add(out, "notes", notes_to_json(&sync->notes));
	json_object_object_add(out, "plan", sync->plan ? plan_to_json(sync->plan) : NULL);
	puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PLAIN));
	json_object_put(out);
}

static void print_text(const struct sync *sync)
{
	if (!sync->committed)
		return;
	for (size_t i = 0; i < sync->plan->action_count; i++) {
		_cleanup_free_ char *line = plan_action_describe(&sync->plan->actions[i]);
		puts(line);
	}
	_cleanup_free_ char *summary = plan_summary(sync->plan);
	_cleanup_free_ char *received = size_format(sync->received_bytes);
	printf("list %llu: %s; %s received\n", (unsigned long long)sync->list->serial, summary,
	       received);
}

int cmd_sync(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct pkgmgr *m = cli->ctx;
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0 || pkgmgr_open(m, err) < 0)
		return -1;
	struct sync sync = { 0 };
	if (cli->json)
		log_events_as_json();
	int rc = sync_run(m, &sync, err);
	if (cli->json)
		print_json(&sync, err);
	else
		print_text(&sync);
	sync_destroy(&sync);
	return rc;
}
