/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vncproxyd: brings viewers and machines together that cannot reach each other. */
#include <unistd.h>

#include "common/cli.h"
#include "remote/proxy/proxy.h"

enum { OPT_CONFIG = 1 };

struct context { char *config; };

static int on_opt(struct cli *cli, int id, const char *value, struct err *err)
{
	struct context *context = cli->ctx;
	free(context->config);
	context->config = xstrdup(value);
	return 0;
}

static int cmd_run(struct cli *cli, int argc, char **argv, struct err *err)
{
	const struct context *context = cli->ctx;
	_cleanup_(proxy_conf_freep) struct proxy_conf *conf = NULL;
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0 ||
	    proxy_conf_read(context->config ? context->config : PROXY_CONF, &conf, err) < 0)
		return -1;
	return proxy_run(conf, err);
}

/* A program of its own, so that what decodes a recording never has the proxy's keys in its memory. */
static int cmd_replay(struct cli *cli, int argc, char **argv, struct err *err)
{
	char name[] = "vnc-replay";
	argv[0] = name;
	execvp(name, argv);
	return err_sys(err, "run vnc-replay");
}

static const struct cli_cmd cmds[] = {
	{ "run", NULL, "serve viewers and agents, in the foreground, until TERM", NULL, cmd_run },
	{ "replay", "FILE", "show a recording to a VNC viewer: see vnc-replay(1)", NULL, cmd_replay },
	{ 0 },
};

static const struct cli_opt opts[] = {
	{ OPT_CONFIG, "config", 'c', "FILE", "configuration (default: " PROXY_CONF ")" },
	{ 0 },
};

static const struct cli_prog prog = { "vncproxyd", "Bring viewers to machines that only dial out",
				      cmds, opts, on_opt };

int main(int argc, char **argv)
{
	struct context context = { NULL };
	char replay[] = "replay";
	/* As other programs that play recordings have it. */
	if (argc > 1 && str_eq(argv[1], "--replay"))
		argv[1] = replay;
	int code = cli_main(&prog, &context, argc, argv);
	free(context.config);
	return code;
}
