/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <unistd.h>

#include "common/cli.h"
#include "common/serve.h"
#include "pkgmgr/keep.h"
#include "pkgmgr/pkgmgr.h"

enum { OPT_PORT = 1, OPT_ADDRESS };

const struct cli_opt serve_opts[] = {
	{ OPT_PORT, "port", 'p', "PORT", "TCP port (default 8480; 0: any free one)" },
	{ OPT_ADDRESS, "address", 0, "IPV4", "address to listen on (default 0.0.0.0: all)" },
	{ 0 },
};

/* Root becomes Fetch-User once the socket is there; another user needs no configuration. */
static int serve(struct pkgmgr *m, struct serve *what, struct err *err)
{
	_cleanup_free_ char *dir = NULL;
	if (!m->root.dir && root_init(&m->root, NULL, err) < 0)
		return -1;
	if (geteuid() == 0) {
		if (pkgmgr_conf_read(&m->root, &m->conf, err) < 0 || keep_make_dir(&m->root, err) < 0)
			return -1;
		what->user = m->conf->fetch_user;
	}
	dir = root_path(&m->root, KEEP_DIR);
	what->dir = dir;
	return serve_directory(what, err);
}

int cmd_serve(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct serve what = { .address = "0.0.0.0" };
	uint64_t port = 8480;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0) {
		if (id == OPT_ADDRESS) {
			what.address = cli->value;
		} else if (number_parse(cli->value, 0, 65535, &port, "--port", err) < 0) {
			err->code = ERR_USAGE;
			return -1;
		}
	}
	if (id < 0 || cli_check_args(cli, argc, 0, 0, err) < 0)
		return -1;
	what.port = (unsigned)port;
	return serve(cli->ctx, &what, err);
}
