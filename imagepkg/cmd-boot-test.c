/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>
#include <stdio.h>

#include "imagepkg/boot-test.h"
#include "imagepkg/cmds.h"

enum { OPT_PARAM = 1, OPT_WATCH, OPT_LOG_DIR, DEFAULT_WATCH_SECONDS = 10 };
enum { MAX_WATCH_SECONDS = 7 * 86400 };

const struct cli_opt cmd_boot_test_opts[] = {
	{ OPT_PARAM, "param", 'p', "NAME=VALUE",
	  "set a parameter, as a site would; may be repeated" },
	{ OPT_WATCH, "watch", 0, "TIME", "how long all checks must go on passing (default 10s)" },
	{ OPT_LOG_DIR, "log-dir", 0, "DIR", "leave console.log and screen.png there" },
	{ 0 },
};

static int parse_options(struct cli *cli, int argc, char **argv,
			 struct boot_test_request *request, struct err *err)
{
	int id;
	uint64_t seconds = DEFAULT_WATCH_SECONDS;
	while ((id = cli_next(cli, argc, argv, err)) > 0) {
		if (id == OPT_PARAM)
			strv_add(&request->params, cli->value);
		else if (id == OPT_LOG_DIR)
			request->log_dir = cli->value;
		else if (duration_parse(cli->value, &seconds, "--watch", err) < 0) {
			err->code = ERR_USAGE;
			return -1;
		}
	}
	if (id < 0 || cli_check_args(cli, argc, 1, 1, err) < 0)
		return -1;
	if (seconds > MAX_WATCH_SECONDS)
		return err_set(err, ERR_USAGE, "--watch: at most 7d");
	request->watch_seconds = (uint32_t)seconds;
	request->deb_path = argv[cli->next];
	return 0;
}

static struct json_object *text_or_null(const char *text)
{
	return text ? json_object_new_string(text) : NULL;
}

static struct json_object *check_to_json(const struct boot_check *check)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "name", json_object_new_string(check->name));
	json_object_object_add(o, "passed_after_ms",
			       check->passed_ms < 0 ? NULL
						    : json_object_new_int64(check->passed_ms));
	json_object_object_add(o, "saw", text_or_null(check->saw));
	json_object_object_add(o, "output", text_or_null(check->detail));
	return o;
}

static void print_json(const struct boot_test_request *request, const struct boot_test *test)
{
	const struct boot_verdict *v = test->verdict;
	_cleanup_free_ char *date = time_format(v->tested_at);
	_cleanup_free_ char *verdict = boot_verdict_path(request->deb_path);
	struct json_object *o = json_object_new_object(), *checks = json_object_new_array();
	json_object_object_add(o, "path", json_object_new_string(request->deb_path));
	json_object_object_add(o, "package", json_object_new_string(v->package));
	json_object_object_add(o, "version", json_object_new_string(v->version));
	json_object_object_add(o, "sha256", json_object_new_string(v->sha256));
	json_object_object_add(o, "date", json_object_new_string(date));
	json_object_object_add(o, "result", json_object_new_string(v->passed ? "passed" : "failed"));
	json_object_object_add(o, "reason", text_or_null(v->reason));
	json_object_object_add(o, "qemu", json_object_new_string(v->qemu));
	json_object_object_add(o, "accelerator", json_object_new_string(v->accelerator));
	json_object_object_add(o, "boot", json_object_new_string(v->boot));
	json_object_object_add(o, "watch_seconds", json_object_new_int64(v->watch_seconds));
	for (size_t i = 0; i < test->check_count; i++)
		json_object_array_add(checks, check_to_json(&test->checks[i]));
	json_object_object_add(o, "checks", checks);
	json_object_object_add(o, "console_tail", text_or_null(test->console_tail));
	json_object_object_add(o, "verdict", json_object_new_string(verdict));
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static void print_failure(const struct boot_test *test)
{
	for (size_t i = 0; i < test->check_count; i++)
		if (test->checks[i].passed_ms < 0 && test->checks[i].detail)
			printf("--- %s: %s\n%s\n", test->checks[i].name, test->checks[i].saw,
			       test->checks[i].detail);
	if (test->console_tail)
		printf("--- the end of its console\n%s\n", test->console_tail);
}

static void print_text(const struct boot_test_request *request, const struct boot_test *test)
{
	_cleanup_free_ char *verdict = boot_verdict_path(request->deb_path);
	if (!test->verdict->passed)
		print_failure(test);
	for (size_t i = 0; i < test->verdict->checks.count; i++)
		printf("%s\n", test->verdict->checks.items[i]);
	printf("%s: %s; the verdict is in %s\n", request->deb_path,
	       test->verdict->passed ? "passed" : "FAILED", verdict);
}

static int run(struct cli *cli, const struct boot_test_request *request, struct err *err)
{
	_cleanup_(boot_test_freep) struct boot_test *test = NULL;
	if (boot_test_run(request, &test, err) < 0 ||
	    boot_verdict_write(test->verdict, request->deb_path, err) < 0)
		return -1;
	if (cli->json)
		print_json(request, test);
	else
		print_text(request, test);
	if (test->verdict->passed)
		return 0;
	return err_set(err, ERR_PROGRAM, "%s failed its boot test: %s", request->deb_path,
		       test->verdict->reason);
}

int cmd_boot_test(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct boot_test_request request = { .params = STRV_INIT };
	int result = parse_options(cli, argc, argv, &request, err);
	if (result == 0)
		result = run(cli, &request, err);
	strv_destroy(&request.params);
	return result;
}
