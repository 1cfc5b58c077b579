/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "common/cli.h"
#include "common/strv.h"

/* What the last run saw. */
struct seen {
	const char *cmd;
	bool json;
	bool force;
	struct strv args;
	char *root;
	char *size;
};

enum { OPT_ROOT = 1, OPT_FORCE, OPT_SIZE };

static int run_any(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct seen *seen = cli->ctx;
	seen->cmd = cli->cmd->name;
	int opt;
	while ((opt = cli_next(cli, argc, argv, err)) > 0) {
		if (opt == OPT_FORCE)
			seen->force = true;
		if (opt == OPT_SIZE) {
			free(seen->size);
			seen->size = xstrdup(cli->value);
		}
	}
	if (opt < 0 || cli_check_args(cli, argc, 0, 2, err) < 0)
		return -1;
	seen->json = cli->json;
	for (int i = cli->next; i < argc; i++)
		strv_add(&seen->args, argv[i]);
	return 0;
}

static int on_opt(struct cli *cli, int id, const char *value, struct err *err)
{
	struct seen *seen = cli->ctx;
	free(seen->root);
	seen->root = xstrdup(value);
	return 0;
}

static const struct cli_opt add_opts[] = {
	{ OPT_FORCE, "force", 'f', NULL, "do it anyway" },
	{ OPT_SIZE, "size", 's', "BYTES", "how large" },
	{ 0 },
};
static const struct cli_opt prog_opts[] = {
	{ OPT_ROOT, "root", 0, "DIR", "where state is" },
	{ 0 },
};
static const struct cli_cmd cmds[] = {
	{ "list", NULL, "list", NULL, run_any },
	{ "site add", "SITE", "add a site", add_opts, run_any },
	{ "site list", NULL, "list sites", NULL, run_any },
	{ 0 },
};
static const struct cli_prog prog = { "prog", "A program", cmds, prog_opts, on_opt };

static int run(struct seen *seen, const char *line)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	strv_split(&argv, line, " ");
	extern int optind;
	optind = 0;
	return cli_main(&prog, seen, (int)argv.count, argv.items);
}

static void seen_destroy(struct seen *seen)
{
	strv_destroy(&seen->args);
	free(seen->root);
	free(seen->size);
}

static void test_commands(void **state)
{
	_cleanup_(seen_destroy) struct seen seen = { 0 };
	assert_int_equal(run(&seen, "prog --root /x site add -f kbh1 --size=5 --json more"), 0);
	assert_string_equal(seen.cmd, "site add");
	assert_string_equal(seen.root, "/x");
	assert_string_equal(seen.size, "5");
	assert_true(seen.force && seen.json);
	assert_int_equal(seen.args.count, 2);
	assert_string_equal(seen.args.items[0], "kbh1");
	assert_string_equal(seen.args.items[1], "more");
}

static void test_global_after(void **state)
{
	_cleanup_(seen_destroy) struct seen seen = { 0 };
	assert_int_equal(run(&seen, "prog list --root /y -- --not-an-option"), 0);
	assert_string_equal(seen.root, "/y");
	assert_string_equal(seen.args.items[0], "--not-an-option");
}

static void test_usage_errors(void **state)
{
	static const char *const bad[] = {
		"prog", "prog nothing", "prog site", "prog site remove x", "prog --nonsense list",
		"prog list --nonsense", "prog site add --size", "prog --root", "prog list a b c",
		"prog list -f", "prog list -Z",
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(seen_destroy) struct seen seen = { 0 };
		int code = run(&seen, bad[i]);
		if (code != EXIT_USAGE)
			fail_msg("'%s' exits %d", bad[i], code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_global_after),
		cmocka_unit_test(test_usage_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
