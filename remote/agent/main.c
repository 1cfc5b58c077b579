/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vncagent: makes a machine that only dials out reachable through the proxy. */
#include <stdio.h>

#include "common/atomic-file.h"
#include "common/cli.h"
#include "common/log.h"
#include "remote/agent/agent.h"
#include "remote/tls.h"

enum { OPT_CONFIG = 1 };

struct context { char *config; };

static const char *config_path(const struct cli *cli)
{
	const struct context *context = cli->ctx;
	return context->config ? context->config : AGENT_CONF;
}

static int on_opt(struct cli *cli, int id, const char *value, struct err *err)
{
	struct context *context = cli->ctx;
	free(context->config);
	context->config = xstrdup(value);
	return 0;
}

static int cmd_run(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(agent_conf_freep) struct agent_conf *conf = NULL;
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0 ||
	    agent_conf_read(config_path(cli), &conf, err) < 0)
		return -1;
	return agent_run(conf, err);
}

/* A key is made once and stays; its pin is what the proxy knows this agent by. */
static int cmd_identity(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(agent_conf_freep) struct agent_conf *conf = NULL;
	_cleanup_strbuf_ struct strbuf pem = STRBUF_INIT;
	char pin[TLS_PIN_LEN + 1];
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0 ||
	    agent_conf_read(config_path(cli), &conf, err) < 0)
		return -1;
	if (file_exists(conf->identity)) {
		if (tls_file_pin(conf->identity, pin, err) < 0)
			return -1;
	} else if (tls_make_identity(conf->machine, &pem, pin, err) < 0 ||
		   atomic_file_write(conf->identity, pem.data, pem.len, 0600, err) < 0) {
		return -1;
	}
	printf(cli->json ? "{\"machine\":\"%s\",\"pin\":\"%s\"}\n" : "%s %s\n", conf->machine, pin);
	return 0;
}

static const struct cli_cmd cmds[] = {
	{ "run", NULL, "dial the proxy and serve its sessions, until TERM", NULL, cmd_run },
	{ "identity", NULL, "make this machine's key if there is none, and print its pin", NULL,
	  cmd_identity },
	{ 0 },
};

static const struct cli_opt opts[] = {
	{ OPT_CONFIG, "config", 'c', "FILE", "configuration (default: " AGENT_CONF ")" },
	{ 0 },
};

static const struct cli_prog prog = { "vncagent", "Make a machine reachable through a proxy", cmds,
				      opts, on_opt };

int main(int argc, char **argv)
{
	struct context context = { NULL };
	int code = cli_main(&prog, &context, argc, argv);
	free(context.config);
	return code;
}
