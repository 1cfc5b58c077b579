/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A delta's table of contents, its container and its basis. */
#include "common/test-lib.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "common/atomic-file.h"
#include "common/delta-apply.h"
#include "common/strbuf.h"

static struct err err = ERR_INIT;

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEADER(basis) "Format: waybill-delta 1\nPackage: askom\nArchitecture: amd64\n"       \
		      "Old-Version: 1.3.0\nNew-Version: 1:1.4~rc1\n"                          \
		      "Control-Member: control.tar.zst\nControl-Size: 10\nControl-SHA256: " SHA "\n" \
		      "Data-Size: 5000\nData-SHA256: " SHA "\nBasis:\n" basis
#define BASIS " disk.qcow2 10000 " SHA "\n vmlinuz 1 " SHA "\n"	/* 12288 + 4096 bytes */
#define PAIR(ranges) "\nMember: p0\nMethod: pair\nPacked-Size: 9\nSize: 4097\nRanges: " ranges "\n"
#define RDIFF(ranges) "\nMember: d0\nMethod: rdiff\nPacked-Size: 8\nSize: 5000\nRanges: " ranges "\n"
#define GOOD HEADER(BASIS) PAIR("0+4096 8192+1") RDIFF("0+24576")

static int parse(const char *text, struct delta_meta **meta)
{
	return delta_meta_parse(text, strlen(text), meta, &err);
}

static void test_good(void **state)
{
	_cleanup_(delta_meta_freep) struct delta_meta *meta = NULL;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	assert_ok(parse(GOOD, &meta));
	assert_string_equal(meta->new_version, "1:1.4~rc1");
	assert_int_equal(meta->basis_count, 2);
	assert_int_equal(delta_meta_basis_bytes(meta), 16384);
	assert_int_equal(meta->member_count, 2);
	assert_int_equal(meta->members[0].method, DELTA_PAIR);
	assert_int_equal(meta->members[0].ranges.count, 2);
	assert_int_equal(meta->members[0].ranges.bytes, 4097);
	/* What the pair makes is there for the next member: two blocks. */
	assert_int_equal(meta->members[1].ranges.bytes, 16384 + 8192);
	delta_meta_format(meta, &text);
	assert_string_equal(text.data, GOOD);
}

static void test_refused(void **state)
{
	static const struct { const char *text, *message; } bad[] = {
		{ "Format: waybill-delta 2\n\nMember: d0\n", "reads 'waybill-delta 1'" },
		{ HEADER(BASIS), "no members" },
		{ HEADER(BASIS) PAIR("0+4096"), "do not make Data-Size" },
		{ HEADER(BASIS) RDIFF("0+16385"), "beyond the basis" },
		{ HEADER(BASIS) RDIFF("16384+1"), "beyond the basis" },
		{ HEADER(BASIS) RDIFF("18446744073709551615+2"), "must" },
		{ HEADER(BASIS) RDIFF("0+0"), "must" },
		{ HEADER(BASIS) RDIFF("0-1"), "no range" },
		{ HEADER(BASIS) RDIFF("0+1") RDIFF("0+1"), "do not make Data-Size" },
		{ HEADER(BASIS) RDIFF("0+1") PAIR("0+1"), "comes after data" },
		{ HEADER(" ../x 1 " SHA "\n") RDIFF("0+1"), "cannot be the name" },
		{ HEADER(" disk.qcow2 1\n") RDIFF("0+1"), "not a name, a size" },
		{ HEADER(" disk.qcow2 1 x\n") RDIFF("0+1"), "no SHA-256" },
		{ HEADER(BASIS) "\nMember: a/b\nMethod: pair\nPacked-Size: 1\nSize: 1\n", "cannot be" },
		{ HEADER(BASIS) "\nMember: p\nMethod: xor\nPacked-Size: 1\nSize: 1\n", "not known" },
		{ HEADER(BASIS) "\nMember: p\nMethod: pair\nPacked-Size: 1\nSize: 16777217\n", "memory" },
		{ HEADER(BASIS) "\nMember: p\nMethod: pair\nPacked-Size: 9000\nSize: 4000\n", "memory" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct delta_meta *meta = NULL;
		int rc = parse(bad[i].text, &meta);
		if (rc == 0 || (!str_eq(bad[i].message, "must") && !strstr(err.msg, bad[i].message)))
			fail_msg("case %zu: %s", i, rc == 0 ? "taken" : err.msg);
		assert_null(meta);
		err_clear(&err);
	}
}

static void test_mutants(void **state)
{
	size_t len = strlen(GOOD);
	_cleanup_free_ char *text = xstrdup(GOOD);
	for (size_t bit = 0; bit < len * 8; bit++) {
		_cleanup_(delta_meta_freep) struct delta_meta *meta = NULL;
		text[bit / 8] ^= (char)(1 << bit % 8);
		if (delta_meta_parse(text, len, &meta, &err) == 0)
			assert_true(meta->members[meta->member_count - 1].bytes == meta->data_bytes);
		err_clear(&err);
		text[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t cut = 0; cut < len; cut++) {
		_cleanup_(delta_meta_freep) struct delta_meta *meta = NULL;
		_cleanup_free_ char *part = xmalloc(cut);
		memcpy(part, text, cut);
		(void)!delta_meta_parse(part, cut, &meta, &err);
		err_clear(&err);
	}
}

/* --- the container -------------------------------------------------------------------- */

static void add_member(struct strbuf *ar, const char *name, const void *data, size_t len)
{
	char header[DELTA_AR_HEADER_BYTES + 1];
	delta_ar_header(header, name, len);
	strbuf_add(ar, header, DELTA_AR_HEADER_BYTES);
	strbuf_add(ar, data, len);
	if (len & 1)
		strbuf_addc(ar, '\n');
}

static void good_container(struct strbuf *ar)
{
	char packed[2048];
	size_t len = ZSTD_compress(packed, sizeof(packed), GOOD, strlen(GOOD), 3);
	assert_false(ZSTD_isError(len));
	strbuf_adds(ar, DELTA_AR_MAGIC);
	add_member(ar, DELTA_META_MEMBER, packed, len);
	add_member(ar, "control.tar.zst", "0123456789", 10);
	add_member(ar, "p0", "123456789", 9);
	add_member(ar, "d0", "12345678", 8);
}

static int open_bytes(const void *data, size_t len, struct delta **delta)
{
	_cleanup_close_ int fd = memfd_create("delta", MFD_CLOEXEC);
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", fd);
	assert_ok(write_all(fd, data, len, &err));
	return delta_open(path, delta, &err);
}

static void test_container(void **state)
{
	_cleanup_(delta_freep) struct delta *delta = NULL;
	_cleanup_strbuf_ struct strbuf ar = STRBUF_INIT;
	good_container(&ar);
	assert_ok(open_bytes(ar.data, ar.len, &delta));
	assert_memory_equal(ar.data + delta->control_offset, "0123456789", 10);
	assert_memory_equal(ar.data + delta->offsets[0], "123456789\n", 10);
	assert_memory_equal(ar.data + delta->offsets[1], "12345678", 8);
	for (size_t cut = 0; cut < ar.len; cut++) {
		struct delta *cut_delta = NULL;
		assert_fails(open_bytes(ar.data, cut, &cut_delta), ERR_INPUT, "delta");
	}
	strbuf_addc(&ar, '\n');
	struct delta *longer = NULL;
	assert_fails(open_bytes(ar.data, ar.len, &longer), ERR_INPUT, "rubbish");
}

static void test_container_bit_flips(void **state)
{
	_cleanup_strbuf_ struct strbuf ar = STRBUF_INIT;
	good_container(&ar);
	for (size_t bit = 0; bit < ar.len * 8; bit++) {
		_cleanup_(delta_freep) struct delta *delta = NULL;
		ar.data[bit / 8] ^= (char)(1 << bit % 8);
		(void)!open_bytes(ar.data, ar.len, &delta);
		err_clear(&err);
		ar.data[bit / 8] ^= (char)(1 << bit % 8);
	}
}

/* What fuzzing has found, and good ones: none may crash. */
static void test_corpus(void **state)
{
	const char *top = getenv("top_srcdir");
	_cleanup_free_ char *dir_path = xasprintf("%s/fuzz/corpus/delta", top ? top : "..");
	DIR *dir = opendir(dir_path);
	size_t count = 0;
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir_path, entry->d_name);
		_cleanup_free_ char *data = NULL;
		_cleanup_(delta_freep) struct delta *delta = NULL;
		_cleanup_(delta_meta_freep) struct delta_meta *meta = NULL;
		size_t len = 0;
		if (entry->d_name[0] == '.')
			continue;
		assert_ok(file_read(path, 1 << 20, &data, &len, &err));
		bool good = len > 0 && (data[0] == 'm' ? delta_meta_parse(data + 1, len - 1, &meta, &err)
						       : open_bytes(data, len, &delta)) == 0;
		assert_true(good || !str_starts(entry->d_name, "good"));
		err_clear(&err);
		count++;
	}
	closedir(dir);
	assert_true(count >= 2);
}

/* --- the basis -------------------------------------------------------------------------- */

static void test_basis(void **state)
{
	_cleanup_close_ int fd = memfd_create("basis", MFD_CLOEXEC);
	struct delta_basis basis = { .count = 0 };
	struct delta_ranges ranges = { NULL, 0, 0 };
	char buf[5000];
	assert_ok(write_all(fd, "xxhello worldyy", 15, &err));
	delta_basis_add(&basis, fd, 2, 5);
	delta_basis_add(&basis, fd, 8, 5);
	assert_int_equal(basis.bytes, 8192);
	assert_ok(delta_basis_read(&basis, 0, buf, 5000, &err));
	assert_memory_equal(buf, "hello\0\0", 7);
	assert_memory_equal(buf + 4094, "\0\0world\0", 8);
	assert_fails(delta_basis_read(&basis, 8000, buf, 193, &err), ERR_INPUT, "beyond");
	delta_ranges_add(&ranges, 4096, 2);
	delta_ranges_add(&ranges, 4098, 1);	/* one range with that before it */
	delta_ranges_add(&ranges, 1, 4);
	assert_int_equal(ranges.count, 2);
	assert_ok(delta_basis_read_ranges(&basis, &ranges, 0, buf, 7, &err));
	assert_memory_equal(buf, "worello", 7);
	assert_ok(delta_basis_read_ranges(&basis, &ranges, 2, buf, 3, &err));
	assert_memory_equal(buf, "rel", 3);
	assert_fails(delta_basis_read_ranges(&basis, &ranges, 5, buf, 3, &err), ERR_INPUT, "beyond");
	delta_ranges_destroy(&ranges);
	/* A file that is shorter than what it was thought to be. */
	delta_basis_add(&basis, fd, 10, 100);
	assert_fails(delta_basis_read(&basis, 8192, buf, 100, &err), ERR_INPUT, "shorter");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_mutants),	  cmocka_unit_test(test_container),
		cmocka_unit_test(test_container_bit_flips), cmocka_unit_test(test_corpus),
		cmocka_unit_test(test_basis),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
