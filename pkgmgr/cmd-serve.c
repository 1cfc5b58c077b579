/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <unistd.h>

#include "common/cli.h"
#include "common/log.h"
#include "common/serve.h"
#include "pkgmgr/keep.h"
#include "pkgmgr/neighbours.h"
#include "pkgmgr/pkgmgr.h"

enum { OPT_PORT = 1, OPT_ADDRESS, OPT_BY_POLICY };
/* A neighbour fetches at most 8 files at once. */
enum { OF_ADDRESS = 8 };

const struct cli_opt serve_opts[] = {
	{ OPT_PORT, "port", 'p', "PORT", "TCP port (default 8480; 0: any free one)" },
	{ OPT_ADDRESS, "address", 0, "IPV4", "address to listen on (default 0.0.0.0: all)" },
	{ OPT_BY_POLICY, "by-policy", 0, NULL, "only to those of Serve-To, and as long as there are any" },
	{ 0 },
};

struct neighbours {
	const struct root *root;
	struct strv networks;
};

/* While a file is being changed, what it said holds. */
static bool look_again(void *arg)
{
	struct neighbours *who = arg;
	struct strv now = STRV_INIT;
	_cleanup_err_ struct err err = ERR_INIT;
	if (neighbours_read(who->root, &now, &err) < 0) {
		log_debug("%s", err.msg);
		strv_destroy(&now);
		return true;
	}
	strv_destroy(&who->networks);
	who->networks = now;
	if (now.count == 0)
		log_info("Serve-To names nobody any more");
	return now.count > 0;
}

/* Root becomes nobody once the socket is there: not Fetch-User, whose is the key to the gate. */
static int serve(struct pkgmgr *m, struct serve *what, struct err *err)
{
	_cleanup_free_ char *dir = NULL;
	if (geteuid() == 0) {
		if (keep_make_dir(&m->root, err) < 0)
			return -1;
		what->user = "nobody";
	}
	dir = root_path(&m->root, KEEP_DIR);
	what->dir = dir;
	return serve_directory(what, err);
}

static int serve_by_policy(struct pkgmgr *m, const struct serve *base, struct err *err)
{
	struct neighbours who = { &m->root, STRV_INIT };
	struct serve what = { .address = base->address, .port = base->port, .of_address = base->of_address,
			      .networks = &who.networks, .look = look_again, .arg = &who };
	int result = neighbours_read(&m->root, &who.networks, err);
	if (result == 0 && who.networks.count == 0)
		log_info("nobody may take packages from this site: Serve-To names none");
	else if (result == 0)
		result = serve(m, &what, err);
	strv_destroy(&who.networks);
	return result;
}

int cmd_serve(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct serve what = { .address = "0.0.0.0", .of_address = OF_ADDRESS };
	struct pkgmgr *m = cli->ctx;
	uint64_t port = 8480;
	bool by_policy = false;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0) {
		if (id == OPT_ADDRESS) {
			what.address = cli->value;
		} else if (id == OPT_BY_POLICY) {
			by_policy = true;
		} else if (number_parse(cli->value, 0, 65535, &port, "--port", err) < 0) {
			err->code = ERR_USAGE;
			return -1;
		}
	}
	if (id < 0 || cli_check_args(cli, argc, 0, 0, err) < 0 ||
	    (!m->root.dir && root_init(&m->root, NULL, err) < 0))
		return -1;
	what.port = (unsigned)port;
	return by_policy ? serve_by_policy(m, &what, err) : serve(m, &what, err);
}
