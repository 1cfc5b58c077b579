/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest agent's protocol, with an agent that answers whatever a test wants. */
#include "common/test-lib.h"

#include "common/agent-answer.h"
#include "common/agent.h"
#include "common/strbuf.h"
#include "common/utf8.h"

/* Answers, taken in order; the last one is repeated. */
struct fake {
	struct agent agent;
	const char *const *answers;
	size_t next;
	struct strbuf asked; /* a line for each command */
	int last_timeout;
};

static int answer(void *ctx, const char *command, int timeout_seconds, char **out,
		  struct err *err)
{
	struct fake *fake = ctx;
	strbuf_addf(&fake->asked, "%s\n", command);
	fake->last_timeout = timeout_seconds;
	const char *text = fake->answers[fake->next];
	if (fake->answers[fake->next + 1])
		fake->next++;
	if (str_eq(text, "silent"))
		return err_set(err, ERR_TIMEOUT, "the guest agent does not answer");
	if (str_starts(text, "refused "))
		return err_set(err, ERR_PROGRAM, "the guest agent: %s", text + 8);
	*out = xstrdup(text);
	return 0;
}

static struct fake *fake_new(const char *const *answers)
{
	struct fake *fake = xcalloc(1, sizeof(*fake));
	fake->answers = answers;
	fake->agent = (struct agent){ .ctx = fake, .call = answer };
	return fake;
}

static void fake_free(struct fake *fake)
{
	strbuf_destroy(&fake->asked);
	free(fake);
}
DEFINE_FREEP(struct fake, fake_free)
#define FAKE(...) fake_new((const char *const[]){ __VA_ARGS__, NULL })

static const char *const true_argv[] = { "true", NULL };

static int run(struct fake *fake, struct agent_output *output, struct err *err)
{
	return agent_exec(&fake->agent,
			  &(struct agent_exec){ .argv = true_argv, .timeout_ms = 5000 },
			  output, err);
}

static void test_ping(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(fake_freep) struct fake *fake = FAKE("{\"return\":{}}");
	assert_ok(agent_ping(&fake->agent, 3, &err));
	assert_string_equal(fake->asked.data, "{\"execute\":\"guest-ping\"}\n");
	assert_int_equal(fake->last_timeout, 3);
}

static void test_answers_that_are_none(void **state)
{
	static const struct {
		const char *answer, *said;
	} cases[] = {
		{ "", "no JSON object" },
		{ "x", "no JSON object" },
		{ "[]", "no JSON object" },
		{ "null", "no JSON object" },
		{ "{", "no JSON object" },
		{ "{\"return\":{}} {}", "no JSON object" },
		{ "{\"return\":{\"a\":\"\xff\"}}", "no JSON object" },
		{ "{\"return\":[[[[[[[[[[]]]]]]]]]]}", "no JSON object" },
		{ "{}", "holds no object" },
		{ "{\"return\":1}", "holds no object" },
		{ "{\"return\":null}", "holds no object" },
		{ "{\"error\":{\"class\":\"GenericError\",\"desc\":\"no way\"}}",
		  "it refuses: no way" },
		{ "{\"error\":7,\"return\":{}}", "it does not say why" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		_cleanup_(fake_freep) struct fake *fake = FAKE(cases[i].answer);
		if (agent_ping(&fake->agent, 1, &err) == 0)
			fail_msg("taken: %s", cases[i].answer);
		if (!strstr(err.msg, cases[i].said) || !strstr(err.msg, "guest-ping"))
			fail_msg("%s: '%s'", cases[i].answer, err.msg);
		err_clear(&err);
	}
}

static void test_answer_too_long(void **state)
{
	struct err err = ERR_INIT;
	struct json_object *out = NULL;
	size_t len = AGENT_MAX_ANSWER + 1;
	_cleanup_free_ char *text = xmalloc(len + 1);
	memset(text, ' ', len);
	text[len] = '\0';
	assert_fails(agent_answer_parse(text, len, json_type_object, &out, &err),
		     ERR_TOO_LARGE, "too long");
	assert_null(out);
}

/* Every prefix and every flipped bit of a good answer: refused or taken, never worse. */
static void test_answers_that_are_altered(void **state)
{
	static const char good[] =
		"{\"return\":{\"exited\":true,\"exitcode\":0,\"out-data\":\"aGk=\","
		"\"err-data\":\"\",\"out-truncated\":false}}";
	for (size_t i = 0; i < (sizeof(good) - 1) * 9; i++) {
		_cleanup_free_ char *text = xstrdup(good);
		if (i % 9 == 8)
			text[i / 9] = '\0';
		else
			text[i / 9] ^= (char)(1 << (i % 9));
		struct err err = ERR_INIT;
		_cleanup_(agent_output_destroy) struct agent_output output = { 0 };
		_cleanup_(fake_freep) struct fake *fake = FAKE(
			"{\"return\":{\"pid\":7}}", text,
			"{\"return\":{\"exited\":true,\"exitcode\":0}}");
		if (run(fake, &output, &err) < 0)
			assert_non_null(err.msg);
		else
			assert_non_null(output.out);
		err_clear(&err);
	}
}

static void test_exec(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(agent_output_destroy) struct agent_output output = { 0 };
	_cleanup_(fake_freep) struct fake *fake =
		FAKE("{\"return\":{\"pid\":7}}", "{\"return\":{\"exited\":false}}",
		     "{\"return\":{\"exited\":true,\"exitcode\":3,\"out-data\":\"aGkK\","
		     "\"err-data\":\"b2gK\"}}");
	assert_ok(run(fake, &output, &err));
	assert_int_equal(output.exit_code, 3);
	assert_string_equal(output.out, "hi\n");
	assert_string_equal(output.err, "oh\n");
	assert_false(output.truncated);
	assert_non_null(strstr(fake->asked.data, "\"capture-output\":true"));
	assert_non_null(strstr(fake->asked.data, "\"1048577\",\"true\"]"));
	assert_non_null(strstr(fake->asked.data, "{\"pid\":7}"));
}

static void test_exec_gives_input(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(agent_output_destroy) struct agent_output output = { 0 };
	_cleanup_(fake_freep) struct fake *fake =
		FAKE("{\"return\":{\"pid\":7}}",
		     "{\"return\":{\"exited\":true,\"exitcode\":0}}");
	struct agent_exec exec = { .argv = true_argv,
				   .input = "hi\n",
				   .input_bytes = 3,
				   .timeout_ms = 1000 };
	assert_ok(agent_exec(&fake->agent, &exec, &output, &err));
	assert_non_null(strstr(fake->asked.data, "\"input-data\":\"aGkK\""));
	assert_string_equal(output.out, "");
	agent_output_destroy(&output);
	exec.input_bytes = AGENT_MAX_INPUT + 1;
	assert_fails(agent_exec(&fake->agent, &exec, &output, &err), ERR_TOO_LARGE,
		     "appliance put");
}

static void test_exec_signal_and_truncation(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(agent_output_destroy) struct agent_output output = { 0 };
	_cleanup_(fake_freep) struct fake *fake =
		FAKE("{\"return\":{\"pid\":7}}",
		     "{\"return\":{\"exited\":true,\"signal\":9,\"out-data\":\"aGVsbG8=\"}}");
	struct agent_exec exec = { .argv = true_argv,
				   .max_output_bytes = 4,
				   .timeout_ms = 1000 };
	assert_ok(agent_exec(&fake->agent, &exec, &output, &err));
	assert_int_equal(output.exit_code, 137);
	assert_string_equal(output.out, "hell");
	assert_int_equal(output.out_bytes, 4);
	assert_true(output.truncated);
}

static void test_exec_lies(void **state)
{
	static const char *const starts[] = {
		"{\"return\":{}}", "{\"return\":{\"pid\":0}}", "{\"return\":{\"pid\":-5}}",
		"{\"return\":{\"pid\":\"7\"}}", "{\"return\":{\"pid\":99999999999}}",
	};
	static const char *const ends[] = {
		"{\"return\":{\"exited\":1}}",
		"{\"return\":{\"exited\":true}}",
		"{\"return\":{\"exited\":true,\"exitcode\":256}}",
		"{\"return\":{\"exited\":true,\"exitcode\":-1}}",
		"{\"return\":{\"exited\":true,\"signal\":0}}",
		"{\"return\":{\"exited\":true,\"exitcode\":0,\"out-data\":7}}",
		"{\"return\":{\"exited\":true,\"exitcode\":0,\"out-data\":\"a\"}}",
		"{\"return\":{\"exited\":true,\"exitcode\":0,\"err-data\":\"****\"}}",
	};
	struct err err = ERR_INIT;
	struct agent_output output;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		_cleanup_(fake_freep) struct fake *fake = FAKE(starts[i]);
		assert_fails(run(fake, &output, &err), ERR_INPUT, "pid");
	}
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		_cleanup_(fake_freep) struct fake *fake =
			FAKE("{\"return\":{\"pid\":7}}", ends[i]);
		assert_fails(run(fake, &output, &err), ERR_INPUT, "the guest agent");
	}
}

static void test_exec_says_more_than_it_may(void **state)
{
	struct err err = ERR_INIT;
	struct agent_output output;
	_cleanup_free_ char *zeros = xcalloc(1, AGENT_MAX_OUTPUT + 1000);
	_cleanup_free_ char *data = agent_encode(zeros, AGENT_MAX_OUTPUT + 1000);
	_cleanup_free_ char *end =
		xasprintf("{\"return\":{\"exited\":true,\"exitcode\":0,\"out-data\":\"%s\"}}",
			  data);
	_cleanup_(fake_freep) struct fake *fake = FAKE("{\"return\":{\"pid\":7}}", end);
	assert_fails(run(fake, &output, &err), ERR_TOO_LARGE, "out-data");
}

static void test_exec_cannot_start(void **state)
{
	static const struct {
		const char *answer;
		enum err_code code;
		const char *said;
	} cases[] = {
		{ "refused Failed to execute child process (No such file or directory)",
		  ERR_REFUSED, "no /bin/sh" },
		{ "refused The command guest-exec has been disabled for this instance",
		  ERR_REFUSED, "switched its agent's guest-exec off" },
		{ "refused out of biscuits", ERR_PROGRAM, "out of biscuits" },
		{ "silent", ERR_TIMEOUT, "does not answer" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		struct agent_output output;
		_cleanup_(fake_freep) struct fake *fake = FAKE(cases[i].answer);
		assert_fails(run(fake, &output, &err), cases[i].code, cases[i].said);
	}
}

/* It is killed, and the agent asked once more for each of the two, so that it forgets them. */
static void test_exec_runs_out_of_time(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(agent_output_destroy) struct agent_output output = { 0 };
	_cleanup_(fake_freep) struct fake *fake =
		FAKE("{\"return\":{\"pid\":7}}", "{\"return\":{\"exited\":false}}",
		     "{\"return\":{\"pid\":8}}", "{\"return\":{\"exited\":false}}");
	struct agent_exec exec = { .argv = true_argv, .timeout_ms = 0 };
	assert_ok(agent_exec(&fake->agent, &exec, &output, &err));
	assert_true(output.timed_out);
	assert_string_equal(output.out, "");
	assert_non_null(strstr(fake->asked.data, "kill -KILL"));
	assert_non_null(strstr(fake->asked.data, "\"sh\",\"7\"]"));
	assert_true(str_ends(fake->asked.data,
			     "{\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":8}}\n"));
}

static void test_agent_goes_silent_under_way(void **state)
{
	struct err err = ERR_INIT;
	struct agent_output output;
	_cleanup_(fake_freep) struct fake *fake =
		FAKE("{\"return\":{\"pid\":7}}", "silent");
	assert_fails(run(fake, &output, &err), ERR_TIMEOUT, "does not answer");
}

static void test_argument_must_be_utf8(void **state)
{
	static const char *const argv[] = { "echo", "caf\xe9", NULL };
	struct err err = ERR_INIT;
	struct agent_output output;
	_cleanup_(fake_freep) struct fake *fake = FAKE("{\"return\":{\"pid\":7}}");
	assert_fails(agent_exec(&fake->agent,
				&(struct agent_exec){ .argv = argv, .timeout_ms = 1 },
				&output, &err),
		     ERR_USAGE, "not UTF-8");
	assert_null(fake->asked.data);
}

static void test_utf8(void **state)
{
	static const char *const bad[] = { "\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
					   "\xf4\x90\x80\x80", "a\xe2\x82", "\xff" };
	assert_true(utf8_is_valid(""));
	assert_true(utf8_is_valid("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(utf8_is_valid(bad[i]));
	static const char evil[] = "a\x1b[31m\xc2\x9b\xff\n\0\xc3\xa9z";
	_cleanup_free_ char *text =
		utf8_make_printable(evil, sizeof(evil) - 1, "\n", 100);
	assert_string_equal(text, "a?[31m??\n?\xc3\xa9z");
	/* Not in the middle of a character. */
	_cleanup_free_ char *cut = utf8_make_printable("ab\xc3\xa9", 4, "", 3);
	assert_string_equal(cut, "ab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_answers_that_are_none),
		cmocka_unit_test(test_answer_too_long),
		cmocka_unit_test(test_answers_that_are_altered),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_exec_gives_input),
		cmocka_unit_test(test_exec_signal_and_truncation),
		cmocka_unit_test(test_exec_lies),
		cmocka_unit_test(test_exec_says_more_than_it_may),
		cmocka_unit_test(test_exec_cannot_start),
		cmocka_unit_test(test_exec_runs_out_of_time),
		cmocka_unit_test(test_agent_goes_silent_under_way),
		cmocka_unit_test(test_argument_must_be_utf8),
		cmocka_unit_test(test_utf8),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
