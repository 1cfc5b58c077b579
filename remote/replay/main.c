/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vnc-replay: a VNC server that shows a recording. Format: docs/spec/recording.md */
#include "common/cli.h"
#include "common/util.h"
#include "remote/call.h"
#include "remote/replay/replay.h"

enum { OPT_SPEED = 1, OPT_FROM, OPT_LISTEN, OPT_INETD };

static const struct cli_opt opts[] = {
	{ OPT_SPEED, "speed", 's', "TIMES", "as fast, 1 to 1000 (default: 1)" },
	{ OPT_FROM, "from", 'f', "TIME", "begin there: 90, 15m, 1h" },
	{ OPT_LISTEN, "listen", 'l', "ADDRESS:PORT", "where a viewer finds it (default: 127.0.0.1:5901)" },
	{ OPT_INETD, "inetd", 0, NULL, "the viewer is at standard input" },
	{ 0 },
};

static int take_options(struct cli *cli, int argc, char **argv, struct replay_conf *conf,
			char **address, struct err *err)
{
	int id;
	uint64_t seconds = 0;
	while ((id = cli_next(cli, argc, argv, err)) > 0) {
		switch (id) {
		case OPT_SPEED:
			if (number_parse(cli->value, 1, 1000, &conf->speed, "--speed", err) < 0)
				return -1;
			break;
		case OPT_FROM:
			if (duration_parse(cli->value, &seconds, "--from", err) < 0)
				return -1;
			conf->from_ms = seconds * 1000;
			break;
		case OPT_LISTEN:
			free(*address);
			if (host_port_parse(cli->value, 0, address, &conf->port, "--listen", err) < 0)
				return -1;
			break;
		case OPT_INETD:
			conf->inetd = true;
			break;
		}
	}
	return id < 0 || cli_check_args(cli, argc, 1, 1, err) < 0 ? -1 : 0;
}

static int cmd_replay(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_free_ char *address = xstrdup("127.0.0.1");
	struct replay_conf conf = { .speed = 1, .port = 5901 };
	if (take_options(cli, argc, argv, &conf, &address, err) < 0)
		return -1;
	conf.address = address;
	return replay_run(argv[cli->next], &conf, err);
}

static const struct cli_cmd cmds[] = {
	{ "", "FILE", "show a recording to a VNC viewer", opts, cmd_replay },
	{ 0 },
};

static const struct cli_prog prog = { "vnc-replay", "Show the recording of a session to a VNC viewer", cmds,
				      NULL, NULL };

int main(int argc, char **argv)
{
	return cli_main(&prog, NULL, argc, argv);
}
