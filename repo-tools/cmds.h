/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of imagerepo, each in its cmd-*.c. */
#ifndef WAYBILL_CMDS_H
#define WAYBILL_CMDS_H

#include "common/cli.h"
#include "repo-tools/repo.h"

/* cli->ctx of imagerepo. */
struct imagerepo {
	const char *dir; /* of --repo, or NULL */
};

/* The repository that the command line names. */
static inline int cmd_open_repo(const struct cli *cli, enum repo_access access,
				struct repo **out, struct err *err)
{
	return repo_open(((const struct imagerepo *)cli->ctx)->dir, access, out, err);
}

#define DECLARE_CMD(name) \
	int cmd_##name(struct cli *cli, int argc, char **argv, struct err *err)

DECLARE_CMD(init);
DECLARE_CMD(add);
DECLARE_CMD(remove);
DECLARE_CMD(phase);
DECLARE_CMD(list);
DECLARE_CMD(verify);
DECLARE_CMD(resign);
DECLARE_CMD(gc);
DECLARE_CMD(serve);
DECLARE_CMD(site_add);
DECLARE_CMD(site_list);
DECLARE_CMD(site_show);
DECLARE_CMD(site_assign);
DECLARE_CMD(site_unassign);
DECLARE_CMD(site_param);
DECLARE_CMD(site_key);
DECLARE_CMD(site_keys);
DECLARE_CMD(site_bundle);
DECLARE_CMD(site_token);
DECLARE_CMD(site_hardware);
DECLARE_CMD(site_preseed);
DECLARE_CMD(site_pending);
DECLARE_CMD(site_approve);
DECLARE_CMD(site_revoke);
DECLARE_CMD(site_remove);

extern const struct cli_opt cmd_init_opts[];
extern const struct cli_opt cmd_suite_opts[]; /* --suite */
extern const struct cli_opt cmd_add_opts[];
extern const struct cli_opt cmd_gc_opts[];
extern const struct cli_opt cmd_serve_opts[];
extern const struct cli_opt cmd_site_add_opts[];
extern const struct cli_opt cmd_site_assign_opts[];
extern const struct cli_opt cmd_site_param_opts[];
extern const struct cli_opt cmd_site_bundle_opts[];
extern const struct cli_opt cmd_site_token_opts[];
extern const struct cli_opt cmd_site_hardware_opts[];

#endif
