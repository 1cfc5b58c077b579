/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>
#include <stdio.h>

#include "common/cli.h"
#include "pkgmgr/pkgmgr.h"
#include "pkgmgr/record.h"

enum { OPT_LIMIT = 1, DEFAULT_LIMIT = 20, MAX_LIMIT = 1000000 };

const struct cli_opt history_opts[] = {
	{ OPT_LIMIT, "limit", 'n', "N", "show the last N syncs (default: 20)" },
	{ 0 },
};

struct printer {
	struct state *state;
	struct json_object *json;	/* or NULL: print text */
};

static const char *result_of(const struct sync_record *r)
{
	static const char *const words[] = { "done", "failed", "usage", "refused" };
	if (!r->ended_at)
		return "unfinished";
	return (size_t)r->exit_code < ARRAY_SIZE(words) ? words[r->exit_code] : "failed";
}

static struct json_object *time_or_null(int64_t when)
{
	_cleanup_free_ char *text = time_format(when);
	return when ? json_object_new_string(text) : NULL;
}

static struct json_object *to_json(const struct sync_record *r, const struct strv *actions)
{
	struct json_object *out = json_object_new_object();
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < actions->count; i++)
		json_object_array_add(list, json_object_new_string(actions->items[i]));
	json_object_object_add(out, "id", json_object_new_int64(r->id));
	json_object_object_add(out, "started_at", time_or_null(r->started_at));
	json_object_object_add(out, "ended_at", time_or_null(r->ended_at));
	json_object_object_add(out, "result", json_object_new_string(result_of(r)));
	json_object_object_add(out, "serial", json_object_new_int64(r->serial));
	json_object_object_add(out, "received_bytes", json_object_new_int64(r->received_bytes));
	json_object_object_add(out, "summary", r->summary ? json_object_new_string(r->summary) : NULL);
	json_object_object_add(out, "actions", list);
	return out;
}

static void print_text(const struct sync_record *r, const struct strv *actions)
{
	_cleanup_free_ char *when = time_format(r->started_at);
	printf("%s  %-10s  list %lld  %s\n", when, result_of(r), (long long)r->serial,
	       r->summary ? r->summary : "");
	for (size_t i = 0; i < actions->count; i++)
		printf("    %s\n", actions->items[i]);
}

static int show(const struct sync_record *record, void *arg, struct err *err)
{
	const struct printer *p = arg;
	_cleanup_strv_ struct strv actions = STRV_INIT;
	if (record_read_actions(p->state, record->id, &actions, err) < 0)
		return -1;
	if (p->json)
		json_object_array_add(p->json, to_json(record, &actions));
	else
		print_text(record, &actions);
	return 0;
}

int cmd_history(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct pkgmgr *m = cli->ctx;
	uint64_t limit = DEFAULT_LIMIT;
	int id = 0;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		if (number_parse(cli->value, 1, MAX_LIMIT, &limit, "--limit", err) < 0) {
			err->code = ERR_USAGE;
			return -1;
		}
	if (id < 0 || cli_check_args(cli, argc, 0, 0, err) < 0 || pkgmgr_open(m, err) < 0)
		return -1;
	struct printer printer = { m->state, cli->json ? json_object_new_array() : NULL };
	int rc = record_each_sync(m->state, (int64_t)limit, show, &printer, err);
	if (rc == 0 && printer.json)
		puts(json_object_to_json_string_ext(printer.json, JSON_C_TO_STRING_PLAIN));
	json_object_put(printer.json);
	return rc;
}
