/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/trial.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { START = 1000, DEADLINE = 120, WATCH = 300 };

static struct health_check checks[] = {
	{ .kind = HEALTH_HTTP, .guest_port = 80, .deadline_seconds = DEADLINE, .interval_seconds = 5 },
	{ .kind = HEALTH_AGENT, .deadline_seconds = 30, .interval_seconds = 7 },
};
static struct health_result results[] = {
	{ .check = &checks[0], .text = (char *)"http:80/: connection refused" },
	{ .check = &checks[1], .text = (char *)"agent: no answer" },
};

/* One round at `now`, with the two checks as told. */
static enum verdict round_at(struct instance *inst, int64_t now, bool http, bool agent)
{
	results[0].ok = http;
	results[1].ok = agent;
	const struct health_round round = { results, 2 };
	const struct trial_moment moment = { .now = now, .started_at = START };
	return trial_judge(inst, &round, &moment);
}

static struct instance *instance_on_trial(enum trial trial)
{
	struct instance *inst = instance_new("askom");
	inst->trial = trial;
	inst->trial_since = START;
	return inst;
}

static void test_gate(void **state)
{
	_cleanup_(instance_freep) struct instance *inst = instance_on_trial(TRIAL_GATE);
	assert_int_equal(round_at(inst, START + 5, false, false), VERDICT_PENDING);
	assert_int_equal(inst->failures, 0);
	assert_int_equal(inst->health, HEALTH_BAD);
	assert_int_equal(round_at(inst, START + 29, false, true), VERDICT_PENDING);
	assert_int_equal(round_at(inst, START + 119, true, true), VERDICT_WELL);
	assert_int_equal(inst->health, HEALTH_GOOD);
	assert_null(inst->health_reason);
}

/* The one whose time is over is the one that is told of. */
static void test_deadlines_are_each_check_s_own(void **state)
{
	_cleanup_(instance_freep) struct instance *inst = instance_on_trial(TRIAL_GATE);
	assert_int_equal(round_at(inst, START + 30, false, false), VERDICT_SICK);
	assert_string_equal(inst->health_reason, "agent: no answer");
	assert_int_equal(round_at(inst, START + 120, false, true), VERDICT_SICK);
	assert_string_equal(inst->health_reason, "http:80/: connection refused");
}

static void test_watch_forgives_two_rounds(void **state)
{
	_cleanup_(instance_freep) struct instance *inst = instance_on_trial(TRIAL_WATCH);
	int64_t now = START + 1;
	assert_int_equal(round_at(inst, now, false, true), VERDICT_PENDING);
	assert_int_equal(round_at(inst, now + 5, false, true), VERDICT_PENDING);
	assert_int_equal(round_at(inst, now + 10, true, true), VERDICT_WELL);
	assert_int_equal(round_at(inst, now + 15, false, true), VERDICT_PENDING);
	assert_int_equal(round_at(inst, now + 20, true, false), VERDICT_PENDING);
	assert_int_equal(round_at(inst, now + 25, false, true), VERDICT_SICK);
}

/* The host booted: the guest gets its time again, and its watch goes on. */
static void test_watch_waits_for_a_boot(void **state)
{
	_cleanup_(instance_freep) struct instance *inst = instance_on_trial(TRIAL_WATCH);
	inst->trial_since = START - 50;
	for (int i = 1; i < 6; i++)
		assert_int_equal(round_at(inst, START + i, false, false), VERDICT_PENDING);
	assert_int_equal(inst->failures, 0);
}

static void test_ends_and_panics(void **state)
{
	_cleanup_(instance_freep) struct instance *inst = instance_on_trial(TRIAL_GATE);
	const struct health_round none = { NULL, 0 };
	struct trial_moment moment = { .now = START + 1, .started_at = START };
	assert_int_equal(trial_judge(inst, &none, &moment), VERDICT_WELL);
	moment.ended_by_itself = true;
	assert_int_equal(trial_judge(inst, &none, &moment), VERDICT_SICK);
	assert_string_equal(inst->health_reason, "the guest switched itself off");

	results[0].ok = false;
	const struct health_round bad = { results, 1 };
	moment.ended_by_itself = false;
	moment.panic = "the guest's kernel panicked: no init";
	assert_int_equal(trial_judge(inst, &bad, &moment), VERDICT_SICK);
	assert_string_equal(inst->health_reason, moment.panic);
}

static void test_watch_is_over(void **state)
{
	_cleanup_(instance_freep) struct instance *inst = instance_on_trial(TRIAL_WATCH);
	assert_false(trial_watch_is_over(inst, WATCH, START));
	assert_false(trial_watch_is_over(inst, WATCH, START + WATCH - 1));
	assert_true(trial_watch_is_over(inst, WATCH, START + WATCH));
	assert_true(trial_watch_is_over(inst, 0, START));
	assert_true(trial_watch_is_over(inst, WATCH, START - 3600));
}

static void test_next_round(void **state)
{
	_cleanup_(instance_freep) struct instance *inst = instance_on_trial(TRIAL_GATE);
	struct appliance_conf conf = { .health = checks, .health_count = 2, .watch_seconds = WATCH };
	inst->good_version = xstrdup("1.0");
	assert_int_equal(trial_next_round(inst, &conf, START), START + 5);
	inst->trial = TRIAL_WATCH;
	assert_int_equal(trial_next_round(inst, &conf, START + 297), START + WATCH);
	inst->trial = TRIAL_NONE;
	assert_int_equal(trial_next_round(inst, &conf, START), INT64_MAX);
	inst->health = HEALTH_BAD;
	assert_int_equal(trial_next_round(inst, &conf, START), START + 60);
	inst->wanted_state = WANTED_STOPPED;
	assert_int_equal(trial_next_round(inst, &conf, START), INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_deadlines_are_each_check_s_own),
		cmocka_unit_test(test_watch_forgives_two_rounds),
		cmocka_unit_test(test_watch_waits_for_a_boot),
		cmocka_unit_test(test_ends_and_panics),
		cmocka_unit_test(test_watch_is_over),
		cmocka_unit_test(test_next_round),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
