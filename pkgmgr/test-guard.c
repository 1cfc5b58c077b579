/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "pkgmgr/guard.h"

struct fixture {
	struct plan *plan;
	struct site_list *list;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	f->plan = plan_new();
	f->list = site_list_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	plan_free(f->plan);
	site_list_free(f->list);
	free(f);
	return 0;
}

static struct plan_action *add_removal(struct fixture *f, const char *package)
{
	struct plan_action *a = plan_add_action(f->plan);
	a->verb = PLAN_REMOVE;
	a->package = xstrdup(package);
	a->ours = true;
	return a;
}

static void test_ours_may_go(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	add_removal(f, "askom");
	assert_ok(guard_check(f->plan, f->list, &err));
}

static void test_an_old_kernel_may_go(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	struct plan_action *a = add_removal(f, "linux-image-6.1");
	a->ours = false;
	assert_fails(guard_check(f->plan, f->list, &err), ERR_REFUSED, "not installed by Waybill");
	a->host = true;
	assert_ok(guard_check(f->plan, f->list, &err));
	a->running_kernel = true;
	assert_fails(guard_check(f->plan, f->list, &err), ERR_REFUSED, "the running kernel");
}

static void test_never(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	f->list->scope_all = true;
	add_removal(f, "dpkg")->essential = true;
	add_removal(f, "linux-image-6.1")->running_kernel = true;
	add_removal(f, "waybill-site");
	assert_int_equal(guard_check(f->plan, f->list, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_non_null(strstr(err.msg, "dpkg, which is essential"));
	assert_non_null(strstr(err.msg, "linux-image-6.1, which is the running kernel"));
	assert_non_null(strstr(err.msg, "waybill-site, which is Waybill itself"));
	err_clear(&err);
}

static void test_scope(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	add_removal(f, "vim")->ours = false;
	assert_fails(guard_check(f->plan, f->list, &err), ERR_REFUSED, "not installed by Waybill");
	f->list->scope_all = true;
	assert_ok(guard_check(f->plan, f->list, &err));
}

static void test_max_removals(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	for (int i = 0; i < 3; i++)
		add_removal(f, "x1");
	assert_ok(guard_check(f->plan, f->list, &err));
	add_removal(f, "x1");
	assert_fails(guard_check(f->plan, f->list, &err), ERR_REFUSED, "more than Max-Removals: 3");
	f->list->max_removals = 4;
	assert_ok(guard_check(f->plan, f->list, &err));
}

static void test_only_removals_count(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	f->list->max_removals = 0;
	struct plan_action *a = add_removal(f, "waybill-site");
	a->verb = PLAN_UPGRADE;
	a->essential = true;
	assert_ok(guard_check(f->plan, f->list, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ours_may_go, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_old_kernel_may_go, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scope, setup, teardown),
		cmocka_unit_test_setup_teardown(test_max_removals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_removals_count, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
