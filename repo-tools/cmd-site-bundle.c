/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <unistd.h>

#include "repo-tools/bundle.h"
#include "repo-tools/cmds.h"
#include "common/atomic-file.h"
#include "repo-tools/site.h"
#include "repo-tools/token-opt.h"

enum { OPT_OUTPUT = 1, OPT_ENROLL, OPT_GENERIC };

const struct cli_opt cmd_site_bundle_opts[] = {
	{ OPT_OUTPUT, "output", 'o', "FILE", "write to FILE (default standard output)" },
	{ OPT_ENROLL, "enroll", 0, NULL, "with a new token, so that a machine can become SITE" },
	{ OPT_GENERIC, "generic", 0, NULL, "for any site, with a batch token: no SITE, but --batch" },
	TOKEN_OPTS,
	{ 0 },
};

struct bundle_args {
	const char *file;	/* or NULL: standard output */
	const char *site;	/* or NULL: generic */
	bool enroll;
	bool generic;
	struct token_opt token;
};

static int parse(struct cli *cli, int argc, char **argv, struct bundle_args *args, struct err *err)
{
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0) {
		if (id == OPT_OUTPUT)
			args->file = cli->value;
		else if (id == OPT_ENROLL)
			args->enroll = true;
		else if (id == OPT_GENERIC)
			args->generic = true;
		else if (token_opt_take(&args->token, id, cli->value, err) < 0)
			return -1;
	}
	int words = args->generic ? 0 : 1;
	if (id < 0 || cli_check_args(cli, argc, words, words, err) < 0)
		return -1;
	args->site = args->generic ? NULL : argv[cli->next];
	if (args->token.given && !args->enroll && !args->generic)
		return err_set(err, ERR_USAGE,
			       "--expires and --pending are about a token: add --enroll");
	if (!args->file && isatty(STDOUT_FILENO))
		return err_set(err, ERR_USAGE, "standard output is a terminal; use -o FILE");
	return 0;
}

/* The token is good before the tar is there: who has the tar can use it. */
static int write_enrolling(const struct repo *repo, const struct bundle_args *args,
			   struct strbuf *tar, struct err *err)
{
	char token[ENROL_TOKEN_LEN + 1];
	struct enrol_token_spec spec;
	if (token_opt_spec(&args->token, args->site, &spec, err) < 0 ||
	    enrol_token_make(token, err) < 0)
		return -1;
	const struct enrol_ticket ticket = { .token = token, .not_before = spec.made };
	if (bundle_write(repo, args->site, &ticket, tar, err) < 0)
		return -1;
	return enrol_admin_add_token(repo, token, &spec, err);
}

int cmd_site_bundle(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_strbuf_ struct strbuf tar = STRBUF_INIT;
	struct bundle_args args = { .token = TOKEN_OPT_INIT };
	if (parse(cli, argc, argv, &args, err) < 0)
		return -1;
	bool token = args.enroll || args.generic;
	if (cmd_open_repo(cli, token ? REPO_WRITE : REPO_READ, &repo, err) < 0 ||
	    (args.site && site_check(repo, args.site, err) < 0) ||
	    (token ? write_enrolling(repo, &args, &tar, err)
		   : bundle_write(repo, args.site, NULL, &tar, err)) < 0)
		return -1;
	return args.file ? atomic_file_write(args.file, tar.data, tar.len, token ? 0600 : 0644, err)
			 : write_all(STDOUT_FILENO, tar.data, tar.len, err);
}
