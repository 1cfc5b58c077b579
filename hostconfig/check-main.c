/* SPDX-License-Identifier: GPL-3.0-or-later */
/* waybill-host-check: says in plain words what is wrong with a host. */
#include "common/cli.h"
#include "common/log.h"
#include "hostconfig/check.h"

enum { OPT_ROOT = 1 };

static const char prog_name[] = "waybill-host-check";

/* In the order in which they are to be mended; a later one may rest on an earlier. */
static const struct {
	const char *name;
	void (*run)(struct check_context *c);
} checks[] = {
	{ "virtualisation", check_virtualisation },
	{ "disk", check_disk },
	{ "clock", check_clock },
	{ "network", check_network },
	{ "name", check_name },
	{ "route", check_route },
	{ "key", check_key },
	{ "libvirt", check_libvirt },
	{ "bridge", check_bridge },
	{ "dhcp", check_dhcp },
	{ "firewall", check_firewall },
};

static int check_names(char **names, int count, struct err *err)
{
	_cleanup_strv_ struct strv known = STRV_INIT;
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		strv_add(&known, checks[i].name);
	for (int i = 0; i < count; i++) {
		if (strv_contains(&known, names[i]))
			continue;
		_cleanup_free_ char *all = strv_join(&known, ", ");
		return err_set(err, ERR_USAGE, "there is no check '%s'; there are: %s", names[i],
			       all);
	}
	return 0;
}

static bool is_asked(const char *name, char **names, int count)
{
	for (int i = 0; i < count; i++)
		if (str_eq(names[i], name))
			return true;
	return count == 0;
}

static int run(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct check_context *c = cli->ctx;
	if (cli_next(cli, argc, argv, err) < 0)
		return -1;
	char **names = argv + cli->next;
	int count = argc - cli->next;
	if (check_names(names, count, err) < 0)
		return -1;
	/* What it finds is said as a finding, not by the modules that it asks. */
	if (log_get_level() == LOG_LEVEL_INFO)
		log_init(prog_name, LOG_LEVEL_WARN);
	if (pkgmgr_conf_read(&c->root, &c->conf, &c->conf_error) < 0)
		log_debug("%s", c->conf_error.msg);
	if (params_read(&c->root, &c->params, &c->params_error) < 0)
		log_debug("%s", c->params_error.msg);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		if (!is_asked(checks[i].name, names, count))
			continue;
		c->findings.check = checks[i].name;
		checks[i].run(c);
	}
	if (cli->json)
		findings_print_json(&c->findings);
	else
		findings_print(&c->findings);
	cli->exit_code = findings_problem(&c->findings, NULL) ? EXIT_FAILED : EXIT_DONE;
	return 0;
}

static int on_opt(struct cli *cli, int id, const char *value, struct err *err)
{
	struct check_context *c = cli->ctx;
	root_destroy(&c->root);
	return root_init(&c->root, value, err);
}

static const struct cli_opt opts[] = {
	{ OPT_ROOT, "root", 0, "DIR", "where the host's files are (default: /)" },
	{ 0 },
};

static const struct cli_cmd cmds[] = {
	{ "", "[CHECK]...", "what is wrong with this host", NULL, run },
	{ 0 },
};

static const struct cli_prog prog = { prog_name, "Say what is wrong with this host",
				      cmds, opts, on_opt };

int main(int argc, char **argv)
{
	struct check_context c = { .conf = NULL };
	struct err err = ERR_INIT;
	if (root_init(&c.root, NULL, &err) < 0)
		return (int)log_err(&err);
	int code = cli_main(&prog, &c, argc, argv);
	pkgmgr_conf_free(c.conf);
	params_free(c.params);
	findings_destroy(&c.findings);
	err_clear(&c.conf_error);
	err_clear(&c.params_error);
	root_destroy(&c.root);
	return code;
}
