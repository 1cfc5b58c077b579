/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/guard.h"

#include "common/strbuf.h"

/* Why this removal may not happen, or NULL. */
static const char *why_not(const struct plan_action *a, const struct site_list *list)
{
	if (a->verb != PLAN_REMOVE)
		return NULL;
	if (a->essential)
		return "is essential to the system";
	if (a->running_kernel)
		return "is the running kernel";
	if (str_starts(a->package, "waybill-"))
		return "is Waybill itself";
	if (!a->ours && !a->host && !list->scope_all)
		return "was not installed by Waybill";
	return NULL;
}

int guard_check(const struct plan *plan, const struct site_list *list, struct err *err)
{
	_cleanup_strbuf_ struct strbuf reasons = STRBUF_INIT;
	for (size_t i = 0; i < plan->action_count; i++) {
		const char *why = why_not(&plan->actions[i], list);
		if (why)
			strbuf_addf(&reasons, "%s%s, which %s", reasons.len ? "; " : "",
				    plan->actions[i].package, why);
	}
	if (reasons.len)
		return err_set(err, ERR_REFUSED, "the plan would remove %s", reasons.data);
	size_t removals = plan_count(plan, PLAN_REMOVE);
	if (removals > list->max_removals)
		return err_set(err, ERR_REFUSED,
			       "the plan would remove %zu packages, more than Max-Removals: %u; "
			       "if that is meant, raise it in the site's policy", removals,
			       list->max_removals);
	return 0;
}
