/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <string.h>

#include "remote/fbs.h"

static FILE *file_of(const char *bytes, size_t len)
{
	FILE *file = tmpfile();
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	rewind(file);
	return file;
}

static void test_written_is_read(void **state)
{
	static const char *const blocks[] = { "", "a", "two", "four", "the fifth" };
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf data = STRBUF_INIT;
	_cleanup_fclose_ FILE *file = tmpfile();
	uint32_t at_ms;
	assert_ok(fbs_write_magic(fileno(file), &err));
	for (uint32_t i = 0; i < ARRAY_SIZE(blocks); i++)
		assert_ok(fbs_write_block(fileno(file), blocks[i], strlen(blocks[i]), 1000 * i, &err));
	rewind(file);
	assert_ok(fbs_read_magic(file, &err));
	for (uint32_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		assert_int_equal(fbs_read_block(file, &data, &at_ms, &err), 1);
		assert_int_equal(at_ms, 1000 * i);
		assert_int_equal(data.len, strlen(blocks[i]));
		assert_memory_equal(data.len ? data.data : "", blocks[i], data.len);
	}
	assert_int_equal(fbs_read_block(file, &data, &at_ms, &err), 0);
}

/* As docs/spec/recording.md has it; each shorter one ends without the block. */
static void test_bytes(void **state)
{
	static const char bytes[] = "FBS 001.000\n\0\0\0\5hello\0\0\0\0\0\3\350";
	for (size_t len = 0; len < sizeof(bytes); len++) {
		struct err err = ERR_INIT;
		_cleanup_strbuf_ struct strbuf data = STRBUF_INIT;
		_cleanup_fclose_ FILE *file = file_of(bytes, len);
		uint32_t at_ms = 0;
		if (len < FBS_MAGIC_BYTES) {
			assert_fails(fbs_read_magic(file, &err), ERR_INPUT, "no recording");
			continue;
		}
		assert_ok(fbs_read_magic(file, &err));
		int got = fbs_read_block(file, &data, &at_ms, &err);
		assert_int_equal(got, len == sizeof(bytes) - 1);
		assert_int_equal(at_ms, got ? 1000 : 0);
	}
}

static void test_too_long(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf data = STRBUF_INIT;
	_cleanup_fclose_ FILE *file = file_of("\377\377\377\377", 4);
	uint32_t at_ms;
	assert_fails(fbs_read_block(file, &data, &at_ms, &err), ERR_INPUT, "4294967295 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_is_read),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
