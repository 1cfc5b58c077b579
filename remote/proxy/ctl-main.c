/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vncproxyctl: what an operator tells a proxy. */
#include "remote/proxy/ctl.h"

enum { OPT_CONFIG = 1 };

struct proxy_conf *ctl_conf(const struct cli *cli, struct err *err)
{
	const struct ctl *ctl = cli->ctx;
	struct proxy_conf *conf = NULL;
	return proxy_conf_read(ctl->config ? ctl->config : PROXY_CONF, &conf, err) < 0 ? NULL : conf;
}

static int on_opt(struct cli *cli, int id, const char *value, struct err *err)
{
	struct ctl *ctl = cli->ctx;
	free(ctl->config);
	ctl->config = xstrdup(value);
	return 0;
}

static const struct cli_opt opts[] = {
	{ OPT_CONFIG, "config", 'c', "FILE", "the proxy's configuration (default: " PROXY_CONF ")" },
	{ 0 },
};

static const struct cli_cmd cmds[] = {
	{ "init", NULL, "make the proxy's key and the directory of machines", NULL, cmd_init },
	{ "code", "MACHINE", "make a code that opens one session, and print it", code_opts,
	  cmd_code },
	{ "machine list", NULL, "show the machines, and whether their agents are there", NULL,
	  cmd_machine_list },
	{ "machine add", "MACHINE", "let a machine's agent in; prints the key that it needs",
	  machine_add_opts, cmd_machine_add },
	{ "machine remove", "MACHINE", "end a machine's sessions and let its agent in no more",
	  NULL, cmd_machine_remove },
	{ "user list", NULL, "show who may log in at the web page", NULL, cmd_user_list },
	{ "user set", "USER", "let a user log in; the password is read from standard input", NULL,
	  cmd_user_set },
	{ "user remove", "USER", "let a user log in no more", NULL, cmd_user_remove },
	{ "sessions", NULL, "show who uses what", NULL, cmd_sessions },
	{ "end", "SESSION", "end a session, by its number", NULL, cmd_end },
	{ "recordings", NULL, "show the recordings of sessions", NULL, cmd_recordings },
	{ "play", "RECORDING", "make a code that plays a recording, and print it", NULL, cmd_play },
	{ "pin", NULL, "print the pin of the proxy's key, for its agents", NULL, cmd_pin },
	{ "reload", NULL, "let the proxy read its machines and certificate anew", NULL, cmd_reload },
	{ 0 },
};

static const struct cli_prog prog = { "vncproxyctl", "Tell a proxy who may see which machine", cmds,
				      opts, on_opt };

int main(int argc, char **argv)
{
	struct ctl ctl = { NULL };
	int code = cli_main(&prog, &ctl, argc, argv);
	free(ctl.config);
	return code;
}
