/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/atomic-file.h"
#include "preseed/cmds.h"
#include "preseed/preseed.h"

#include <unistd.h>

enum { OPT_SITE = 1, OPT_CONFIG, OPT_OUTPUT };

const struct cli_opt cmd_part_opts[] = {
	{ OPT_SITE, "site", 's', "NAME", "the site" },
	{ OPT_CONFIG, "config", 'c', "FILE", "the site's file" },
	{ OPT_OUTPUT, "output", 'o', "FILE", "write to FILE (default standard output)" },
	{ 0 },
};

int cmd_part(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(site_conf_freep) struct site_conf *conf = NULL;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	const char *site = NULL, *config = NULL, *output = NULL;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		*(id == OPT_SITE ? &site : id == OPT_CONFIG ? &config : &output) = cli->value;
	if (id < 0 || cli_check_args(cli, argc, 0, 0, err) < 0)
		return -1;
	if (!site || !site_name_is_valid(site))
		return err_set(err, ERR_USAGE, "say --site NAME: lower-case letters, digits and "
			       "hyphens");
	if (site_conf_read(config, &conf, err) < 0 ||
	    preseed_make(PRESEED_PART, conf, NULL, site, STICK_HOLDS_NOTHING, &text, err) < 0 ||
	    preseed_check(text.data, text.len, err) < 0)
		return -1;
	return output ? atomic_file_write(output, text.data, text.len, 0600, err)
		      : write_all(STDOUT_FILENO, text.data, text.len, err);
}
