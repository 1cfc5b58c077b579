/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hostconfig/policy.h"

#include "common/signed-list.h"

static void copy(const struct strv *from, struct strv *to)
{
	for (size_t i = 0; i < from->count; i++)
		strv_add(to, from->items[i]);
}

int policy_ssh_from(const struct root *root, const struct params *params, struct strv *out,
		    bool *by_policy, struct err *err)
{
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	_cleanup_err_ struct err why = ERR_INIT;
	bool failed = signed_list_load(root, &list, &why) < 0;
	*by_policy = !failed && list->host.has_ssh_from;
	copy(*by_policy ? &list->host.ssh_from : &params->ssh_from, out);
	if (failed && why.code != ERR_NOT_FOUND)
		return err_set(err, why.code, "Ssh-From is in force and not the policy: %s",
			       why.msg);
	return 0;
}
