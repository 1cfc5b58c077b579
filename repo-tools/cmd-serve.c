/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/serve.h"
#include "repo-tools/cmds.h"

enum { OPT_PORT = 1, OPT_ADDRESS };

const struct cli_opt cmd_serve_opts[] = {
	{ OPT_PORT, "port", 'p', "PORT", "TCP port (default 8080; 0: any free one)" },
	{ OPT_ADDRESS, "address", 0, "IPV4", "address to listen on (default 127.0.0.1)" },
	{ 0 },
};

int cmd_serve(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	const char *address = "127.0.0.1";
	uint64_t port = 8080;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0) {
		if (id == OPT_ADDRESS) {
			address = cli->value;
		} else if (number_parse(cli->value, 0, 65535, &port, "--port", err) < 0) {
			err->code = ERR_USAGE;
			return -1;
		}
	}
	if (id < 0 || cli_check_args(cli, argc, 0, 0, err) < 0 ||
	    cmd_open_repo(cli, REPO_READ, &repo, err) < 0)
		return -1;
	_cleanup_free_ char *public = repo_path(repo, "public");
	struct serve serve = { .dir = public, .address = address, .port = (unsigned)port };
	return serve_directory(&serve, err);
}
