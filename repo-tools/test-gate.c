/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/gate.h"

#include "common/test-mutate.h"

static void test_real_commands(void **state)
{
	/* As rsync 3.2 to 3.5 send them for: -rt, -az, -rtc --timeout=60. */
	static const struct {
		const char *command, *flags, *path;
	} good[] = {
		{ "rsync --server --sender -tre.iLsfxCIvu . ./", "-tre.iLsfxCIvu", "./" },
		{ "rsync --server --sender -logDtprze.iLsfxCIvu . .", "-logDtprze.iLsfxCIvu", "." },
		{ "rsync --server --sender -tre.iLsfxCIvu . site.list", "-tre.iLsfxCIvu",
		  "site.list" },
		{ "rsync --server --sender -vtrce31.iLs . ./params/askom", "-vtrce31.iLs",
		  "./params/askom" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct err err = ERR_INIT;
		_cleanup_gate_request_ struct gate_request request;
		assert_ok(gate_parse(good[i].command, &request, &err));
		assert_int_equal(request.verb, GATE_RSYNC);
		assert_string_equal(request.flags, good[i].flags);
		assert_string_equal(request.path, good[i].path);
		assert_null(request.timeout);
	}
}

static void test_timeout(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_gate_request_ struct gate_request request;
	assert_ok(gate_parse("rsync --server --sender -vtre.iLsfxCIvu --timeout=60 . ./", &request,
			     &err));
	assert_string_equal(request.timeout, "--timeout=60");
}

static void test_report(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_gate_request_ struct gate_request request;
	assert_ok(gate_parse("report", &request, &err));
	assert_int_equal(request.verb, GATE_REPORT);
	assert_ok(gate_parse("time", &request, &err));
	assert_int_equal(request.verb, GATE_TIME);
	assert_ok(gate_parse("enroll", &request, &err));
	assert_int_equal(request.verb, GATE_ENROLL);
}

#define R "rsync --server --sender "

static void test_hostile_commands(void **state)
{
	static const char *const bad[] = {
		/* no request of ours */
		"", " ", "sh", "/bin/sh", "report x", "report;id",
		"time 2026", "enroll kbh1", "preseed", "Report", "scp -f .",
		"internal-sftp", "cat site.list", "imagerepo-gate other", "rsync",
		/* a shell would do something */
		"rsync --server --sender -tre.iLsfxCIvu . ./;id", "report && id", "report | sh",
		R "-tre.iLsfxCIvu . $(id)", R "-tre.iLsfxCIvu . `id`", R "-tre.iLsfxCIvu . ./ > x",
		R "-tre.iLsfxCIvu . ./\nid", R "-tre.iLsfxCIvu . '.'", R "-tre.iLsfxCIvu . \\.",
		/* out of the directory */
		R "-tre.iLsfxCIvu . ..", R "-tre.iLsfxCIvu . ../", R "-tre.iLsfxCIvu . ./..",
		R "-tre.iLsfxCIvu . params/../../serial", R "-tre.iLsfxCIvu . /etc/passwd",
		R "-tre.iLsfxCIvu . ~/x", R "-tre.iLsfxCIvu . //", R "-tre.iLsfxCIvu . *",
		R "-tre.iLsfxCIvu . ./params/..", R "-tre.iLsfxCIvu . .//../x",
		R "-tre.iLsfxCIvu ../ ./", R "-tre.iLsfxCIvu / .", R "-tre.iLsfxCIvu . . ../x",
		/* writing, other modes, programs */
		"rsync --server -tre.iLsfxCIvu . ./", "rsync --sender --server -tre.iLs . ./",
		"rsync --server --daemon .", R "--daemon . ./", R "-tr --rsh=sh . ./",
		R "-e sh . ./", R "-tre sh . ./", R "-tresh . ./", R "-tre.i;id . ./",
		R "--files-from=/etc/passwd . ./", R "-tr --files-from=x . ./",
		R "-tr --log-file=/tmp/x . ./", R "-tr --remove-source-files . ./",
		R "-tr --copy-links . ./", R "-trL . ./", R "-trk . ./", R "-trK . ./",
		R "-trs . ./", R "-s", R "-trR . ./", R "-trf . ./", R "-tr --timeout= . ./",
		R "-tr --timeout=1x . ./", R "-tr --timeout=999999 . ./", R "- . ./", R ". ./",
		R "-tr .", R "-tr . -x", R "-tre . ./", R "-tre. . --x",
		/* not plain text */
		R "-tre.iLsfxCIvu . caf\xc3\xa9", "report\n", "\treport", "report\r", "\x1b[31m",
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		struct gate_request request;
		if (gate_parse(bad[i], &request, &err) == 0)
			fail_msg("allowed: %s", bad[i]);
		assert_int_equal(err.code, ERR_REFUSED);
		assert_int_equal(err_exit_code(&err), EXIT_REFUSED);
		err_clear(&err);
	}
}

static void test_huge_command(void **state)
{
	struct err err = ERR_INIT;
	struct gate_request request;
	char *huge = xmalloc(1 << 20);
	memset(huge, 'a', 1 << 20);
	huge[(1 << 20) - 1] = '\0';
	memcpy(huge, R, strlen(R));
	assert_fails(gate_parse(huge, &request, &err), ERR_REFUSED, "1024 bytes");
	free(huge);
	assert_fails(gate_parse(NULL, &request, &err), ERR_REFUSED, "no shell");
}

/* Whatever is let through has a path that stays below, and flags that read only. */
static void check_any(const char *text, size_t len)
{
	struct err err = ERR_INIT;
	_cleanup_gate_request_ struct gate_request request;
	if (gate_parse(text, &request, &err) < 0) {
		assert_int_equal(err.code, ERR_REFUSED);
		err_clear(&err);
	} else if (request.verb == GATE_RSYNC) {
		assert_true(request.path[0] != '/' && request.path[0] != '-');
		_cleanup_free_ char *fenced = xasprintf("/%s/", request.path);
		assert_null(strstr(fenced, "/../"));
		assert_null(strpbrk(request.path, " ;|&$`*?[]{}()<>~'\"\\"));
		size_t plain = strcspn(request.flags, "e");
		assert_null(memchr(request.flags, 'L', plain));
		assert_null(memchr(request.flags, 's', plain));
	}
}

static void test_mutations(void **state)
{
	mutate(R "-tre.iLsfxCIvu . ./params/a.b", check_any);
	mutate("report", check_any);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_report),	       cmocka_unit_test(test_real_commands),
		cmocka_unit_test(test_timeout),	       cmocka_unit_test(test_hostile_commands),
		cmocka_unit_test(test_huge_command),   cmocka_unit_test(test_mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
