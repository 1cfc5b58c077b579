/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>

#include "repo-tools/check.h"
#include "repo-tools/cmds.h"
#include "common/log.h"

static void print_json(const struct check_result *r)
{
	struct json_object *o = json_object_new_object();
	struct json_object *problems = json_object_new_array();
	for (size_t i = 0; i < r->problems.count; i++)
		json_object_array_add(problems, json_object_new_string(r->problems.items[i]));
	json_object_object_add(o, "suites", json_object_new_int64((int64_t)r->suites));
	json_object_object_add(o, "packages", json_object_new_int64((int64_t)r->packages));
	json_object_object_add(o, "sites", json_object_new_int64((int64_t)r->sites));
	json_object_object_add(o, "bytes", json_object_new_int64((int64_t)r->bytes));
	json_object_object_add(o, "problems", problems);
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
	json_object_put(o);
}

static int report(const struct cli *cli, const struct check_result *r, struct err *err)
{
	_cleanup_free_ char *size = size_format(r->bytes);
	if (cli->json)
		print_json(r);
	for (size_t i = 0; !cli->json && i < r->problems.count; i++)
		log_error("%s", r->problems.items[i]);
	if (r->problems.count)
		return err_set(err, ERR_INPUT, "verify found %zu problem%s", r->problems.count,
			       r->problems.count == 1 ? "" : "s");
	if (!cli->json)
		printf("all is well: %zu suites, %zu packages (%s), %zu sites\n", r->suites,
		       r->packages, size, r->sites);
	return 0;
}

int cmd_verify(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0 ||
	    cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0)
		return -1;
	struct check_result result = { 0 };
	int code = check_repository(repo, &result, err);
	if (code == 0)
		code = report(cli, &result, err);
	check_result_destroy(&result);
	return code;
}
