/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files through a guest agent that lies, stops or refuses at each step. */
#include "common/test-lib.h"

#include <fcntl.h>
#include <unistd.h>

#include "appliance/agent-file.h"
#include "common/agent-answer.h"
#include "common/strbuf.h"

/* The answer to each command of a kind; the last read is repeated. */
struct fake {
	struct agent agent;
	const char *open, *read, *write, *flush, *close, *status;
	struct strbuf asked; /* names of the commands, blank separated */
};

static int answer(void *ctx, const char *command, int timeout_seconds, char **out,
		  struct err *err)
{
	struct fake *fake = ctx;
	const struct {
		const char *name, *answer;
	} answers[] = {
		{ "guest-file-open", fake->open },     { "guest-file-read", fake->read },
		{ "guest-file-write", fake->write },   { "guest-file-flush", fake->flush },
		{ "guest-file-close", fake->close },   { "guest-exec-status", fake->status },
		{ "guest-exec", "{\"return\":{\"pid\":7}}" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		_cleanup_free_ char *quoted = xasprintf("\"%s\"", answers[i].name);
		if (!strstr(command, quoted))
			continue;
		strbuf_addf(&fake->asked, "%s ", answers[i].name + strlen("guest-"));
		if (!answers[i].answer)
			return err_set(err, ERR_TIMEOUT, "the guest agent does not answer");
		if (str_starts(answers[i].answer, "refused "))
			return err_set(err, ERR_PROGRAM, "%s", answers[i].answer);
		*out = xstrdup(answers[i].answer);
		return 0;
	}
	return err_set(err, ERR_PROGRAM, "what is %s?", command);
}

#define EXITED "{\"return\":{\"exited\":true,\"exitcode\":0}}"

static struct fake good_fake(void)
{
	return (struct fake){ .open = "{\"return\":3}",
			      .read = "{\"return\":{\"count\":2,\"buf-b64\":\"aGk=\",\"eof\":true}}",
			      .write = "{\"return\":{\"count\":2}}",
			      .flush = "{\"return\":{}}",
			      .close = "{\"return\":{}}",
			      .status = EXITED };
}

static struct agent_transfer transfer_of(struct fake *fake)
{
	fake->agent = (struct agent){ .ctx = fake, .call = answer };
	return (struct agent_transfer){ .agent = &fake->agent,
					.guest_path = "/dir/file",
					.max_bytes = 10 };
}

static int file_with(const char *text)
{
	FILE *f = tmpfile();
	assert_non_null(f);
	int fd = dup(fileno(f));
	fclose(f);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static int get(struct fake *fake, struct strbuf *got, struct err *err)
{
	const struct agent_transfer t = transfer_of(fake);
	_cleanup_close_ int fd = file_with("");
	int result = agent_file_get(&t, fd, err);
	char bytes[64];
	ssize_t n = pread(fd, bytes, sizeof(bytes), 0);
	assert_true(n >= 0);
	strbuf_add(got, bytes, (size_t)n);
	return result;
}

static int put(struct fake *fake, const char *text, struct err *err)
{
	const struct agent_transfer t = transfer_of(fake);
	_cleanup_close_ int fd = file_with(text);
	return agent_file_put(&t, fd, 0640, err);
}

static void test_get(void **state)
{
	struct err err = ERR_INIT;
	struct fake fake = good_fake();
	_cleanup_strbuf_ struct strbuf got = STRBUF_INIT;
	assert_ok(get(&fake, &got, &err));
	assert_string_equal(got.data, "hi");
	assert_string_equal(fake.asked.data, "file-open file-read file-close ");
	strbuf_destroy(&fake.asked);
}

/* After each failure the handle is closed, or the agent would keep it for ever. */
static void test_get_from_a_liar(void **state)
{
	static const struct {
		const char *read;
		enum err_code code;
		const char *said;
	} cases[] = {
		/* never an end */
		{ "{\"return\":{\"count\":2,\"buf-b64\":\"aGk=\",\"eof\":false}}",
		  ERR_TOO_LARGE, "/dir/file is larger" },
		{ "{\"return\":{\"buf-b64\":\"aGk\"}}", ERR_INPUT, "not base64" },
		{ "{\"return\":{\"buf-b64\":7}}", ERR_INPUT, "no string" },
		{ "{\"return\":{\"buf-b64\":\"\",\"eof\":7}}", ERR_INPUT, "eof" },
		{ "{\"return\":[]}", ERR_INPUT, "no object" },
		{ "refused Is a directory", ERR_REFUSED, "/dir/file: is a directory" },
		{ NULL, ERR_TIMEOUT, "does not answer" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		struct fake fake = good_fake();
		_cleanup_strbuf_ struct strbuf got = STRBUF_INIT;
		fake.read = cases[i].read;
		assert_fails(get(&fake, &got, &err), cases[i].code, cases[i].said);
		assert_true(str_ends(fake.asked.data, "file-close "));
		strbuf_destroy(&fake.asked);
	}
}

static void test_get_cannot_open(void **state)
{
	static const struct {
		const char *open;
		enum err_code code;
		const char *said;
	} cases[] = {
		{ "refused failed to open file: No such file or directory", ERR_NOT_FOUND,
		  "/dir/file: no such file" },
		{ "refused The command guest-file-open has been disabled", ERR_REFUSED,
		  "file access off" },
		{ "refused for no reason", ERR_PROGRAM, "for no reason" },
		{ "{\"return\":\"3\"}", ERR_INPUT, "no int" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		struct fake fake = good_fake();
		_cleanup_strbuf_ struct strbuf got = STRBUF_INIT;
		fake.open = cases[i].open;
		assert_fails(get(&fake, &got, &err), cases[i].code, cases[i].said);
		assert_string_equal(fake.asked.data, "file-open ");
		strbuf_destroy(&fake.asked);
	}
}

static void test_put(void **state)
{
	struct err err = ERR_INIT;
	struct fake fake = good_fake();
	assert_ok(put(&fake, "hi", &err));
	assert_string_equal(fake.asked.data,
			    "exec exec-status file-open file-write file-flush file-close "
			    "exec exec-status ");
	strbuf_destroy(&fake.asked);
}

/* Whatever fails, the temporary file is removed by the last command. */
static void test_put_fails(void **state)
{
	static const struct {
		size_t member;
		const char *answer;
		enum err_code code;
		const char *said;
	} cases[] = {
#define CASE(member, ...) { offsetof(struct fake, member), __VA_ARGS__ }
		CASE(open, "refused Read-only file system", ERR_REFUSED, "read-only"),
		CASE(write, "{\"return\":{\"count\":0}}", ERR_INPUT, "count"),
		CASE(write, "{\"return\":{\"count\":3}}", ERR_INPUT, "count"),
		CASE(write, "refused No space left on device", ERR_NO_SPACE, "no space"),
		CASE(flush, "refused No space left on device", ERR_NO_SPACE, "no space"),
		CASE(close, "refused No space left on device", ERR_NO_SPACE, "no space"),
		CASE(write, NULL, ERR_TIMEOUT, "does not answer"),
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		struct fake fake = good_fake();
		*(const char **)((char *)&fake + cases[i].member) = cases[i].answer;
		assert_fails(put(&fake, "hi", &err), cases[i].code, cases[i].said);
		assert_true(str_ends(fake.asked.data, "exec exec-status "));
		strbuf_destroy(&fake.asked);
	}
}

static void test_put_too_large(void **state)
{
	struct err err = ERR_INIT;
	struct fake fake = good_fake();
	assert_fails(put(&fake, "more than ten bytes", &err), ERR_TOO_LARGE, "is larger");
	strbuf_destroy(&fake.asked);
}

static void test_look(void **state)
{
	static const struct {
		const char *out;
		int code;
	} cases[] = {
		{ "MTIzIDY0NAo=", 0 },	       /* "123 644\n" */
		{ "aGVsbG8K", ERR_INPUT },     /* "hello\n" */
		{ "", ERR_INPUT },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		struct fake fake = good_fake();
		struct agent_file_facts facts;
		_cleanup_free_ char *status = xasprintf(
			"{\"return\":{\"exited\":true,\"exitcode\":0,\"out-data\":\"%s\"}}",
			cases[i].out);
		fake.status = status;
		transfer_of(&fake);
		if (cases[i].code)
			assert_fails(agent_file_look(&fake.agent, "/f", &facts, &err),
				     ERR_INPUT, "/f: the guest's stat");
		else
			assert_ok(agent_file_look(&fake.agent, "/f", &facts, &err));
		if (i == 0) {
			assert_int_equal(facts.size_bytes, 123);
			assert_int_equal(facts.mode, 0644);
		}
		strbuf_destroy(&fake.asked);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_get_from_a_liar),
		cmocka_unit_test(test_get_cannot_open),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_put_fails),
		cmocka_unit_test(test_put_too_large),
		cmocka_unit_test(test_look),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
