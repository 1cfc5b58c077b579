/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parsers of what lies inside an image: qcow2 header, tar, initrd; and hygiene. */
#include "common/test-lib.h"

#include <sys/stat.h>

#include "common/atomic-file.h"
#include "common/strbuf.h"
#include "imagepkg/boot-file.h"
#include "imagepkg/hygiene.h"
#include "imagepkg/qcow2.h"
#include "imagepkg/tar-scan.h"

static struct err err = ERR_INIT;

/* --- hygiene ------------------------------------------------------------------- */

static void test_hygiene(void **state)
{
	static const struct { const char *path; enum hygiene_action want; } cases[] = {
		{ "etc/machine-id", HYGIENE_EMPTY },
		{ "etc/ssh/ssh_host_ed25519_key", HYGIENE_DROP },
		{ "etc/ssh/ssh_host_ed25519_key.pub", HYGIENE_DROP },
		{ "etc/ssh/sshd_config", HYGIENE_KEEP },
		{ "var/cache/apt/archives/x_1_amd64.deb", HYGIENE_DROP },
		{ "var/lib/apt/lists/x_Packages", HYGIENE_DROP },
		{ "var/lib/apt/lists/partial", HYGIENE_KEEP },
		{ "var/lib/apt/lists", HYGIENE_KEEP },
		{ "var/log", HYGIENE_KEEP },
		{ "var/log/apt/term.log", HYGIENE_EMPTY },
		{ "var/log/syslog.2.gz", HYGIENE_DROP },
		{ "tmp", HYGIENE_KEEP },
		{ "tmp/.hidden/deep", HYGIENE_DROP },
		{ "usr/share/tmp/x", HYGIENE_KEEP },
		{ "home/a/.bash_history", HYGIENE_DROP },
		{ "home/a/notes", HYGIENE_KEEP },
		{ "var/lib/systemd/random-seed", HYGIENE_DROP },
		{ "", HYGIENE_KEEP },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (hygiene_of(cases[i].path) != cases[i].want)
			fail_msg("%s: %d", cases[i].path, (int)hygiene_of(cases[i].path));
}

/* --- qcow2 ---------------------------------------------------------------------- */

static void put_be(uint8_t *at, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(value >> 8 * (len - 1 - i));
}

static void good_header(uint8_t h[QCOW2_HEADER_BYTES])
{
	memset(h, 0, QCOW2_HEADER_BYTES);
	memcpy(h, "QFI\xfb", 4);
	put_be(h + 4, 3, 4);
	put_be(h + 20, 16, 4);
	put_be(h + 24, 64 << 20, 8);
}

static void test_qcow2(void **state)
{
	static const struct { size_t at, len; uint64_t value; const char *message; } bad[] = {
		{ 0, 1, 'X', "no qcow2" },	   { 4, 4, 4, "version 4" },
		{ 8, 8, 1, "backing file" },	   { 20, 4, 63, "2^63" },
		{ 24, 8, 0, "virtual size" },	   { 24, 8, UINT64_MAX, "virtual size" },
		{ 32, 4, 2, "encrypted" },	   { 60, 4, 1, "snapshots" },
		{ 72, 8, 4, "another file" },	   { 72, 8, 1, "not closed cleanly" },
	};
	uint8_t h[QCOW2_HEADER_BYTES];
	struct qcow2_info info;
	good_header(h);
	assert_ok(qcow2_parse_header(h, sizeof(h), "d", &info, &err));
	assert_int_equal(info.virtual_bytes, 64 << 20);
	assert_fails(qcow2_parse_header(h, 80, "d", &info, &err), ERR_INPUT, "truncated");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		good_header(h);
		put_be(h + bad[i].at, bad[i].value, bad[i].len);
		assert_fails(qcow2_parse_header(h, sizeof(h), "d", &info, &err), ERR_INPUT,
			     bad[i].message);
	}
}

/* --- tar ------------------------------------------------------------------------ */

struct seen {
	struct strbuf text;
};

static int seen_begin(const struct tar_scan_entry *entry, void *arg, struct err *e)
{
	strbuf_addf(&((struct seen *)arg)->text, "[%s%s ", entry->path, entry->is_dir ? "/" : "");
	return 0;
}

static int seen_data(const void *data, size_t len, void *arg, struct err *e)
{
	strbuf_add(&((struct seen *)arg)->text, data, len);
	return 0;
}

static int seen_end(void *arg, struct err *e)
{
	strbuf_adds(&((struct seen *)arg)->text, "]");
	return 0;
}

static void add_header(struct strbuf *tar, const char *name, char type, size_t size)
{
	char block[512] = { 0 };
	unsigned sum = 0;
	snprintf(block, 100, "%s", name);
	snprintf(block + 100, 8, "%07o", type == '5' ? 0755 : 0644);
	snprintf(block + 108, 8, "%07o", 0);
	snprintf(block + 116, 8, "%07o", 0);
	snprintf(block + 124, 12, "%011zo", size);
	block[156] = type;
	memcpy(block + 257, "ustar  ", 8);
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(block); i++)
		sum += (uint8_t)block[i];
	snprintf(block + 148, 7, "%06o", sum);
	strbuf_add(tar, block, sizeof(block));
}

static void add_padded(struct strbuf *tar, const char *data, size_t len)
{
	static const char zeros[512];
	strbuf_add(tar, data, len);
	strbuf_add(tar, zeros, (512 - len % 512) % 512);
}

static void end_tar(struct strbuf *tar)
{
	static const char zeros[1024];
	strbuf_add(tar, zeros, sizeof(zeros));
}

/* Feed in pieces of `step` bytes. */
static int scan(const struct strbuf *tar, size_t step, struct seen *seen)
{
	const struct tar_scan_handler handler = { seen_begin, seen_data, seen_end, seen };
	_cleanup_(tar_scan_freep) struct tar_scan *s = tar_scan_new(&handler);
	strbuf_reset(&seen->text);
	for (size_t at = 0; at < tar->len; at += step) {
		size_t n = tar->len - at < step ? tar->len - at : step;
		if (tar_scan_feed(s, tar->data + at, n, &err) != 0)
			return -1;
	}
	return tar_scan_finish(s, &err);
}

static void good_tar(struct strbuf *tar)
{
	add_header(tar, "./", '5', 0);
	add_header(tar, "./usr/", '5', 0);
	add_header(tar, "./usr/a", '0', 5);
	add_padded(tar, "hello", 5);
	add_header(tar, "./usr/empty", '0', 0);
	add_header(tar, "././@LongLink", 'L', 10);
	add_padded(tar, "./usr/long", 10);
	add_header(tar, "./usr/lo", '0', 1);
	add_padded(tar, "x", 1);
	end_tar(tar);
}

static void test_tar(void **state)
{
	static const size_t steps[] = { 1, 7, 511, 512, 513, 100000 };
	_cleanup_strbuf_ struct strbuf tar = STRBUF_INIT;
	struct seen seen = { STRBUF_INIT };
	good_tar(&tar);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		assert_ok(scan(&tar, steps[i], &seen));
		assert_string_equal(seen.text.data,
				    "[/ ][usr/ ][usr/a hello][usr/empty ][usr/long x]");
	}
	for (size_t cut = 1025; cut < tar.len; cut += 100) {
		struct strbuf part = { tar.data, tar.len - cut, tar.size };
		assert_fails(scan(&part, 4096, &seen), ERR_INPUT, "ends early");
	}
	strbuf_destroy(&seen.text);
}

static void test_tar_refused(void **state)
{
	static const struct { const char *name; char type; const char *message; } bad[] = {
		{ "/etc/passwd", '0', "absolute" }, { "./a/../../b", '0', "leaves the root" },
		{ "./link", '2', "type '2'" },	    { "./hard", '1', "type '1'" },
		{ "./dev", '3', "type '3'" },	    { "./sparse", 'S', "type 'S'" },
		{ "./pax", 'x', "type 'x'" },	    { "./global", 'g', "type 'g'" },
	};
	struct seen seen = { STRBUF_INIT };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_strbuf_ struct strbuf tar = STRBUF_INIT;
		add_header(&tar, bad[i].name, bad[i].type, 0);
		end_tar(&tar);
		assert_fails(scan(&tar, 4096, &seen), ERR_INPUT, bad[i].message);
	}
	strbuf_destroy(&seen.text);
}

static void test_tar_bit_flips(void **state)
{
	_cleanup_strbuf_ struct strbuf tar = STRBUF_INIT;
	struct seen seen = { STRBUF_INIT };
	good_tar(&tar);
	for (size_t bit = 0; bit < tar.len * 8; bit++) {
		tar.data[bit / 8] ^= (char)(1 << bit % 8);
		if (scan(&tar, 4096, &seen) != 0)
			assert_int_equal(err.code, ERR_INPUT);
		err_clear(&err);
		tar.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	strbuf_destroy(&seen.text);
}

/* --- initrd ----------------------------------------------------------------------- */

static void add_cpio(struct strbuf *out, const char *name, const char *data)
{
	size_t name_len = strlen(name) + 1;
	strbuf_addf(out, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1, 0100644,
		    0, 0, 1, 0, strlen(data), 0, 0, 0, 0, name_len, 0);
	strbuf_add(out, name, name_len);
	while (out->len % 4)
		strbuf_addc(out, '\0');
	strbuf_adds(out, data);
	while (out->len % 4)
		strbuf_addc(out, '\0');
}

static void test_plain_length(void **state)
{
	_cleanup_strbuf_ struct strbuf in = STRBUF_INIT;
	size_t plain = 0;
	assert_ok(initrd_plain_length("\x1f\x8b compressed", 13, &plain, &err));
	assert_int_equal(plain, 0);
	add_cpio(&in, "kernel/x86/microcode/GenuineIntel.bin", "code");
	add_cpio(&in, "TRAILER!!!", "");
	strbuf_add(&in, "\0\0\0\0\0\0\0\0", 8);
	size_t want = in.len;
	assert_ok(initrd_plain_length(in.data, in.len, &plain, &err));
	assert_int_equal(plain, want);
	strbuf_adds(&in, "BZh91AY&SY");
	assert_ok(initrd_plain_length(in.data, in.len, &plain, &err));
	assert_int_equal(plain, want);
}

static void test_initrd_mutants(void **state)
{
	_cleanup_strbuf_ struct strbuf in = STRBUF_INIT;
	size_t plain = 0;
	add_cpio(&in, "a", "content");
	add_cpio(&in, "b", "");
	add_cpio(&in, "TRAILER!!!", "");
	for (size_t cut = 4; cut + 110 < in.len; cut++) {
		/* A copy of exactly that length: reading beyond it shows under ASan. */
		_cleanup_free_ char *part = xmalloc(in.len - cut);
		memcpy(part, in.data, in.len - cut);
		int rc = initrd_plain_length(part, in.len - cut, &plain, &err);
		assert_true(rc == 0 || err.code == ERR_INPUT);
		err_clear(&err);
	}
	for (size_t bit = 0; bit < in.len * 8; bit++) {
		in.data[bit / 8] ^= (char)(1 << bit % 8);
		int rc = initrd_plain_length(in.data, in.len, &plain, &err);
		assert_true(rc != 0 || plain <= in.len);
		err_clear(&err);
		in.data[bit / 8] ^= (char)(1 << bit % 8);
	}
}

static void test_not_a_kernel(void **state)
{
	_cleanup_free_ char *dir = test_tmpdir();
	_cleanup_free_ char *path = xasprintf("%s/vmlinuz", dir);
	char data[8192] = "MZ";
	assert_ok(atomic_file_write(path, data, sizeof(data), 0644, &err));
	assert_fails(kernel_make_plain(path, &err), ERR_INPUT, "no x86 bzImage");
	assert_fails(kernel_drop_btf(path, &err), ERR_INPUT, "no 64-bit ELF");
	memcpy(data + 0x202, "HdrS\x0f\x02", 6);
	memset(data + 0x248, 0xff, 8);	/* a payload far outside of the file */
	assert_ok(atomic_file_write(path, data, sizeof(data), 0644, &err));
	assert_fails(kernel_make_plain(path, &err), ERR_INPUT, "no x86 bzImage");
	assert_ok(remove_tree(dir, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hygiene),	       cmocka_unit_test(test_qcow2),
		cmocka_unit_test(test_tar),	       cmocka_unit_test(test_tar_refused),
		cmocka_unit_test(test_tar_bit_flips),  cmocka_unit_test(test_plain_length),
		cmocka_unit_test(test_initrd_mutants), cmocka_unit_test(test_not_a_kernel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
