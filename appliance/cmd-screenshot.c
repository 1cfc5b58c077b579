/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance screenshot NAME -o FILE.png */
#include "appliance/cmd-guest.h"
#include "appliance/domain.h"

enum { OPT_OUTPUT = 1 };

const struct cli_opt cmd_screenshot_opts[] = {
	{ OPT_OUTPUT, "output", 'o', "FILE", "where to (default NAME.png)" },
	{ 0 },
};

int cmd_screenshot(struct cli *cli, int argc, char **argv, struct err *err)
{
	const char *output = NULL, *name;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		output = cli->value;
	if (id < 0 || cli_check_args(cli, argc, 1, 1, err) < 0 ||
	    cmd_name(argv[cli->next], &name, err) < 0)
		return -1;
	_cleanup_(hypervisor_freep) struct hypervisor *hv = NULL;
	_cleanup_free_ char *domain = NULL;
	if (cmd_open_domain(cli, name, &hv, &domain, err) < 0)
		return -1;
	_cleanup_free_ char *path = output ? xstrdup(output) : xasprintf("%s.png", name);
	return domain_screenshot(hv, domain, path, err);
}
