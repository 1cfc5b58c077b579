/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/index.h"

#include "common/atomic-file.h"
#include "common/test-lib.h"
#include "repo-tools/gzip.h"
#include "repo-tools/stanza.h"

struct fixture {
	char *dir;
	struct state *index;
};

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err err = ERR_INIT;
	f->dir = test_tmpdir();
	_cleanup_free_ char *path = xasprintf("%s/index.db", f->dir);
	assert_ok(index_open(path, &f->index, &err));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	state_free(f->index);
	assert_ok(remove_tree(f->dir, &err));
	free(f->dir);
	free(f);
	return 0;
}

static int64_t put(struct state *index, const char *name, const char *version, const char *arch)
{
	struct err err = ERR_INIT;
	_cleanup_package_ struct index_package p = { .size_bytes = 7 };
	p.name = xstrdup(name);
	p.version = xstrdup(version);
	p.architecture = xstrdup(arch);
	p.path = stanza_pool_path(name, version, arch);
	p.stanza = xasprintf("Package: %s\nVersion: %s\n", name, version);
	memset(p.sha256, 'a', SHA256_HEX_LEN);
	assert_ok(index_put(index, &p, &err));
	assert_true(p.id > 0);
	return p.id;
}

/* As a string, since the order is what matters. */
static char *text_of(struct state *index, const char *suite, const char *arch)
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	assert_ok(index_packages_text(index, suite, arch, &out, &err));
	return strbuf_steal(&out);
}

static void test_order_and_architectures(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	static const struct {
		const char *name, *version, *arch;
	} packages[] = {
		{ "b", "1", "amd64" },	     { "a", "1.9", "amd64" }, { "a", "1.10", "amd64" },
		{ "a", "1.10~rc1", "amd64" }, { "c", "1", "arm64" },   { "d", "1", "all" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(packages); i++) {
		int64_t id = put(f->index, packages[i].name, packages[i].version,
				 packages[i].arch);
		assert_int_equal(index_join(f->index, "stable", id, &err), 1);
		assert_int_equal(index_join(f->index, "stable", id, &err), 0);
	}
	_cleanup_free_ char *amd64 = text_of(f->index, "stable", "amd64");
	_cleanup_free_ char *arm64 = text_of(f->index, "stable", "arm64");
	_cleanup_free_ char *other = text_of(f->index, "testing", "amd64");
	assert_string_equal(amd64, "Package: a\nVersion: 1.10\n\nPackage: a\nVersion: 1.10~rc1\n\n"
				   "Package: a\nVersion: 1.9\n\nPackage: b\nVersion: 1\n\n"
				   "Package: d\nVersion: 1\n\n");
	assert_string_equal(arm64, "Package: c\nVersion: 1\n\nPackage: d\nVersion: 1\n\n");
	assert_string_equal(other, "");
}

static void see_place(const char *suite, unsigned percent, void *arg)
{
	strbuf_addf(arg, "%s %u,", suite, percent);
}

static void test_phase_is_of_one_suite(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf places = STRBUF_INIT;
	int64_t id = put(f->index, "a", "1", "amd64");
	assert_int_equal(index_join(f->index, "stable", id, &err), 1);
	assert_int_equal(index_join(f->index, "testing", id, &err), 1);
	assert_int_equal(index_set_phase(f->index, "stable", id, 100, &err), 0);
	assert_int_equal(index_set_phase(f->index, "stable", id, 0, &err), 1);
	assert_int_equal(index_set_phase(f->index, "stable", id, 0, &err), 0);
	assert_ok(index_each_suite(f->index, id, see_place, &places, &err));
	assert_string_equal(places.data, "stable 0,testing 100,");
	_cleanup_free_ char *stable = text_of(f->index, "stable", "amd64");
	_cleanup_free_ char *testing = text_of(f->index, "testing", "amd64");
	assert_string_equal(stable, "Package: a\nVersion: 1\nPhased-Update-Percentage: 0\n\n");
	assert_string_equal(testing, "Package: a\nVersion: 1\n\n");
	assert_int_equal(index_set_phase(f->index, "stable", id, 100, &err), 1);
	_cleanup_free_ char *all = text_of(f->index, "stable", "amd64");
	assert_string_equal(all, testing);
}

static int count_one(const struct index_package *package, void *arg, struct err *err)
{
	++*(int *)arg;
	return 0;
}

static void test_hash_outlives_the_file(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	int unused = 0, all = 0;
	int64_t id = put(f->index, "gone", "1", "amd64");
	assert_ok(index_each_unused(f->index, count_one, &unused, &err));
	assert_int_equal(unused, 1);
	assert_ok(index_drop_file(f->index, id, &err));
	assert_ok(index_each(f->index, NULL, NULL, "gone", count_one, &all, &err));
	assert_int_equal(all, 0);
	_cleanup_package_ struct index_package found = { 0 };
	assert_int_equal(index_find(f->index, "gone", "1", "amd64", &found, &err), 1);
	assert_null(found.path);
	assert_int_equal(found.sha256[0], 'a');
}

static void test_by_hash_memory(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	for (int64_t number = 1; number <= 4; number++) {
		_cleanup_free_ char *hash = xasprintf("hash%d", (int)number);
		assert_ok(index_add_file(f->index, "stable", number, "main", hash, &err));
		assert_ok(index_forget_files(f->index, "stable", number - 2, &err));
	}
	_cleanup_strv_ struct strv hashes = STRV_INIT;
	assert_ok(index_files(f->index, "stable", "main", &hashes, &err));
	_cleanup_free_ char *all = strv_join(&hashes, " ");
	assert_string_equal(all, "hash2 hash3 hash4");
}

static void test_pool_paths(void **state)
{
	static const struct {
		const char *name, *version, *path;
	} paths[] = {
		{ "askom", "1.4.0", "pool/main/a/askom/askom_1.4.0_amd64.deb" },
		{ "libx", "2:1~rc1+b1", "pool/main/libx/libx/libx_1~rc1+b1_amd64.deb" },
		{ "lib", "1", "pool/main/l/lib/lib_1_amd64.deb" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *path =
			stanza_pool_path(paths[i].name, paths[i].version, "amd64");
		assert_string_equal(path, paths[i].path);
	}
}

static void test_gzip_has_no_time_stamp(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf one = STRBUF_INIT;
	assert_ok(gzip_compress("hello", 5, &one, &err));
	/* Bytes 4 to 7 would be the time (RFC 1952). */
	assert_memory_equal(one.data, "\x1f\x8b\x08\0\0\0\0\0", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order_and_architectures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_phase_is_of_one_suite, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hash_outlives_the_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_by_hash_memory, set_up, tear_down),
		cmocka_unit_test(test_pool_paths),
		cmocka_unit_test(test_gzip_has_no_time_stamp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
