/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <archive.h>
#include <archive_entry.h>
#include <json-c/json.h>
#include <sys/stat.h>

#include "common/seed.h"
#include "common/atomic-file.h"
#include "common/subproc.h"

/* What a shell, YAML and deb822 each would like to trip over. */
#define NASTY "it's \"$(id)\" `id` \\ & \n: - {x} #y"

static struct setting params[] = {
	{ (char *)"A", (char *)"plain", false },
	{ (char *)"B", (char *)NASTY, true },
};
static struct appliance_conf conf = { .appliance = (char *)"askom" };
static struct settings settings = {
	.conf = &conf, .params = params, .param_count = 2, .digest = "0123456789abcdef"
};

static void test_params_are_quoted(void **state)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	seed_format_params(&settings, &out);
	assert_string_equal(out.data, "A='plain'\nB='it'\\''s \"$(id)\" `id` \\ & \n"
				      ": - {x} #y'\n");
}

/* The shell of a guest reads back what the site has set, and runs none of it. */
static void test_a_shell_reads_them_back(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf script = STRBUF_INIT, output = STRBUF_INIT;
	seed_format_params(&settings, &script);
	strbuf_adds(&script, "printf '%s' \"$B\"\n");
	const char *const argv[] = { "/bin/sh", NULL };
	assert_ok(subproc_run(&(struct subproc){ .argv = argv,
						 .input = script.data,
						 .input_len = script.len,
						 .output = &output },
			      NULL, &err));
	assert_string_equal(output.data, NASTY);
}

static void test_user_data_holds_the_same(void **state)
{
	_cleanup_strbuf_ struct strbuf want = STRBUF_INIT, out = STRBUF_INIT;
	seed_format_params(&settings, &want);
	seed_format_user_data(&settings, &out);
	assert_int_equal(strncmp(out.data, "#cloud-config\n", 14), 0);
	struct json_object *doc = json_tokener_parse(out.data + 14), *files, *content;
	assert_true(json_object_object_get_ex(doc, "write_files", &files));
	struct json_object *file = json_object_array_get_idx(files, 0);
	assert_true(json_object_object_get_ex(file, "content", &content));
	assert_string_equal(json_object_get_string(content), want.data);
	json_object_put(doc);
}

/* The content of `name` in the image, and its mode. */
static char *read_back(const char *path, const char *name, unsigned *mode)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	char *content = NULL;
	archive_read_support_format_iso9660(a);
	assert_int_equal(archive_read_open_filename(a, path, 10240), ARCHIVE_OK);
	while (archive_read_next_header(a, &entry) == ARCHIVE_OK) {
		if (!str_eq(archive_entry_pathname(entry), name))
			continue;
		size_t len = (size_t)archive_entry_size(entry);
		content = xcalloc(1, len + 1);
		assert_int_equal(archive_read_data(a, content, len), len);
		*mode = archive_entry_perm(entry);
	}
	archive_read_free(a);
	return content;
}

static void test_image(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *dir = test_tmpdir();
	_cleanup_free_ char *path = xasprintf("%s/seed.iso", dir);
	_cleanup_strbuf_ struct strbuf want = STRBUF_INIT;
	unsigned mode = 0;
	struct stat st;
	assert_ok(seed_write(path, "askom", &settings, &err));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	_cleanup_free_ char *params_file = read_back(path, "params", &mode);
	seed_format_params(&settings, &want);
	assert_string_equal(params_file, want.data);
	assert_int_equal(mode & 077, 0);
	_cleanup_free_ char *meta = read_back(path, "meta-data", &mode);
	assert_string_equal(meta,
			    "instance-id: askom-0123456789ab\nlocal-hostname: askom\n");
	/* The volume's name is at 32808 (ECMA-119, 8.4.7), which knows capitals only;
	 * Joliet's, which Linux shows, is in small letters. cloud-init takes both. */
	_cleanup_free_ char *bytes = NULL;
	size_t len;
	assert_ok(file_read(path, 1 << 22, &bytes, &len, &err));
	assert_int_equal(strncmp(bytes + 32808, "CIDATA", 6), 0);
	assert_ok(remove_tree(dir, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_params_are_quoted),
		cmocka_unit_test(test_a_shell_reads_them_back),
		cmocka_unit_test(test_user_data_holds_the_same),
		cmocka_unit_test(test_image),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
