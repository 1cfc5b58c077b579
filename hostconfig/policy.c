/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hostconfig/policy.h"

#include "common/atomic-file.h"
#include "common/pkgmgr-conf.h"
#include "common/signed-list.h"

static void copy(const struct strv *from, struct strv *to)
{
	for (size_t i = 0; i < from->count; i++)
		strv_add(to, from->items[i]);
}

void policy_destroy(struct policy *policy)
{
	strv_destroy(&policy->ssh_from);
	strv_destroy(&policy->serve_to);
}

static int read_conf(const struct root *root, struct pkgmgr_conf **conf, struct err *err)
{
	_cleanup_free_ char *path = root_path(root, PKGMGR_CONF);
	return file_exists(path) ? pkgmgr_conf_read(root, conf, err) : 0;
}

/* A site that said no in a file that cannot be read now is not opened by the list. */
static int set_serve_to(const struct root *root, const struct site_list *list,
			struct policy *policy, struct err *err)
{
	_cleanup_(pkgmgr_conf_freep) struct pkgmgr_conf *conf = NULL;
	if (read_conf(root, &conf, err) < 0)
		return -1;
	serve_to_merge(conf ? &conf->fetch : NULL, list ? &list->fetch : NULL, &policy->serve_to);
	return 0;
}

int policy_read(const struct root *root, const struct params *params, struct policy *policy,
		struct err *err)
{
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	_cleanup_err_ struct err why = ERR_INIT;
	bool failed = signed_list_load(root, &list, &why) < 0;
	policy->ssh_by_policy = !failed && list->host.has_ssh_from;
	copy(policy->ssh_by_policy ? &list->host.ssh_from : &params->ssh_from, &policy->ssh_from);
	if (set_serve_to(root, list, policy, err) < 0)
		return -1;
	if (failed && why.code != ERR_NOT_FOUND)
		return err_set(err, why.code, "Ssh-From is in force and not the policy: %s",
			       why.msg);
	return 0;
}
