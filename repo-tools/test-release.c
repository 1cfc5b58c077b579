/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/release.h"

#include "common/test-mutate.h"

#define SHA "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define TEXT                                                                             \
	"Origin: Waybill\nLabel: Waybill\nSuite: stable\nCodename: stable\n"              \
	"Date: Fri, 20 Nov 2026 23:24:11 UTC\nValid-Until: Mon, 30 Nov 2026 23:24:11 UTC\n" \
	"Acquire-By-Hash: yes\nArchitectures: amd64\nComponents: main\nSHA256:\n"         \
	" " SHA " 1234 main/binary-amd64/Packages\n"

static void test_round_trip(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_release_ struct release release = { 0 };
	_cleanup_release_ struct release again = { 0 };
	_cleanup_(repo_conf_freep) struct repo_conf *conf = repo_conf_new();
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	release.date = 1795217051;
	release.valid_until = release.date + 10 * 86400;
	release_add_file(&release, "main/binary-amd64/Packages", SHA, 1234);
	strv_destroy(&conf->architectures);
	strv_add(&conf->architectures, "amd64");
	release_format(&release, conf, "stable", &text);
	assert_string_equal(text.data, TEXT);
	assert_ok(release_parse(text.data, text.len, "Release", &again, &err));
	assert_int_equal(again.date, release.date);
	assert_int_equal(again.valid_until, release.valid_until);
	assert_int_equal(again.file_count, 1);
	assert_int_equal(again.files[0].size_bytes, 1234);
	assert_string_equal(again.files[0].path, "main/binary-amd64/Packages");
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "", "empty" },
		{ "Date: now\n", "no time" },
		{ "Date: Fri, 20 Nov 2026 23:24:11 UTC\n", "Valid-Until" },
		{ "Date: Fri, 20 Nov 2026 23:24:11 UTC\nValid-Until: Fri, 20 Nov 2026 23:24:11 UTC\n",
		  "SHA256" },
		{ TEXT " " SHA " 5 ../../etc/passwd\n", "odd line" },
		{ TEXT " " SHA " 5 /etc/passwd\n", "odd line" },
		{ TEXT " " SHA " -5 x\n", "size" },
		{ TEXT " abc 5 x\n", "odd line" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		struct release release;
		assert_fails(release_parse(bad[i].text, strlen(bad[i].text), "Release", &release,
					   &err),
			     ERR_INPUT, bad[i].message);
	}
}

static void check_any(const char *text, size_t len)
{
	struct err err = ERR_INIT;
	_cleanup_release_ struct release release = { 0 };
	if (release_parse(text, len, "Release", &release, &err) < 0)
		assert_non_null(err.msg);
	for (size_t i = 0; i < release.file_count; i++)
		assert_true(release.files[i].path[0] != '/');
	err_clear(&err);
}

static void test_mutations(void **state)
{
	mutate(TEXT, check_any);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
