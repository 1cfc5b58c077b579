/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "common/atomic-file.h"
#include "pkgmgr/record.h"

struct fixture {
	char *dir;
	struct root root;
	struct state *state;
	struct plan *plan;
};

static int setup(void **state)
{
	struct err err = ERR_INIT;
	struct fixture *f = xcalloc(1, sizeof(*f));
	f->dir = test_tmpdir();
	assert_ok(root_init(&f->root, f->dir, &err));
	assert_ok(state_open(&f->root, &f->state, &err));
	f->plan = plan_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct err err = ERR_INIT;
	struct fixture *f = *state;
	plan_free(f->plan);
	state_free(f->state);
	assert_ok(remove_tree(f->dir, &err));
	root_destroy(&f->root);
	free(f->dir);
	free(f);
	return 0;
}

static void add(struct fixture *f, enum plan_verb verb, const char *package, const char *from,
		const char *to, bool ours)
{
	struct plan_action *a = plan_add_action(f->plan);
	a->verb = verb;
	a->package = xstrdup(package);
	a->from_version = from ? xstrdup(from) : NULL;
	a->to_version = to ? xstrdup(to) : NULL;
	a->ours = ours;
}

static void test_origins(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	add(f, PLAN_INSTALL, "askom", NULL, "1", true);
	add(f, PLAN_INSTALL, "never", NULL, "1", true);
	add(f, PLAN_UPGRADE, "vim", "8", "9", false);
	add(f, PLAN_REMOVE, "old", "1", NULL, true);
	assert_ok(record_intend(f->state, f->plan, 100, &err));
	_cleanup_strv_ struct strv intended = STRV_INIT;
	assert_ok(record_read_origins(f->state, &intended, &err));
	assert_int_equal(intended.count, 2);

	_cleanup_strv_ struct strv installed = STRV_INIT;
	strv_addv(&installed, "askom", "vim", NULL);
	assert_ok(record_settle(f->state, &installed, &err));
	_cleanup_strv_ struct strv ours = STRV_INIT;
	assert_ok(record_read_origins(f->state, &ours, &err));
	assert_int_equal(ours.count, 1);
	assert_string_equal(ours.items[0], "askom");
}

static int check_newest(const struct sync_record *r, void *arg, struct err *err)
{
	int *count = arg;
	if ((*count)++ == 0) {
		assert_int_equal(r->ended_at, 0);
		assert_null(r->summary);
		return 0;
	}
	assert_int_equal(r->started_at, 100);
	assert_int_equal(r->exit_code, 3);
	assert_int_equal(r->serial, 42);
	assert_string_equal(r->summary, "no");
	return 0;
}

static void test_syncs(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	struct sync_record r = { .ended_at = 110, .exit_code = 3, .serial = 42,
				 .received_bytes = 7, .summary = (char *)"no" };
	int64_t second = 0;
	int count = 0;
	assert_ok(record_start(f->state, 100, &r.id, &err));
	assert_ok(record_end(f->state, &r, &err));
	assert_ok(record_start(f->state, 200, &second, &err));
	assert_true(second > r.id);
	assert_ok(record_each_sync(f->state, 10, check_newest, &count, &err));
	assert_int_equal(count, 2);
	count = 0;
	assert_ok(record_each_sync(f->state, 1, check_newest, &count, &err));
	assert_int_equal(count, 1);
}

static void test_actions(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	int64_t id = 0;
	add(f, PLAN_UPGRADE, "askom", "1", "2", true);
	add(f, PLAN_REMOVE, "old", "1", NULL, true);
	add(f, PLAN_INSTALL, "tiny", NULL, "3", true);
	assert_ok(record_start(f->state, 100, &id, &err));
	assert_ok(record_actions(f->state, id, f->plan, &err));
	_cleanup_strv_ struct strv lines = STRV_INIT;
	assert_ok(record_read_actions(f->state, id, &lines, &err));
	assert_int_equal(lines.count, 3);
	assert_string_equal(lines.items[0], "upgrade askom 1 -> 2");
	assert_string_equal(lines.items[1], "remove old 1");
	assert_string_equal(lines.items[2], "install tiny 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_origins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_syncs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_actions, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
