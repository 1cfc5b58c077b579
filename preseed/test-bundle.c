/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "common/archive-util.h"
#include "preseed/bundle.h"

#define SOURCES "Types: deb\nURIs: http://pkg.example.org/\nSuites: stable\nComponents: main\n"
#define ENROLMENT "Format: waybill-enrolment 1\nToken: wb1-abcdefghijklmnopqrstuvwxyz234567\n" \
	"Not-Before: 2026-11-21T07:30:00Z\n"

struct part {
	const char *path, *text;
};

static const struct part good[] = {
	{ "etc/waybill/pkgmgr.conf", "Site: kbh1\nServer: gate@hq.example.org\n" },
	{ "etc/apt/sources.list.d/waybill.sources", SOURCES },
	{ "etc/waybill/trust.d/repository.gpg", "key" },
	{ "etc/waybill/trust.d/site-list.gpg", "list key" },
	{ "etc/waybill/ssh/known_hosts", "hq.example.org ssh-ed25519 AAAA\n" },
	{ "etc/waybill/enrolment", ENROLMENT },
};

static void add(struct archive *a, const struct part *part, unsigned type)
{
	_cleanup_(archive_entry_freep) struct archive_entry *entry = archive_entry_new();
	archive_entry_set_pathname(entry, part->path);
	archive_entry_set_filetype(entry, type);
	archive_entry_set_perm(entry, 0644);
	if (type == AE_IFLNK)
		archive_entry_set_symlink(entry, part->text);
	archive_entry_set_size(entry, type == AE_IFREG ? (la_int64_t)strlen(part->text) : 0);
	assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
	if (type == AE_IFREG)
		archive_write_data(a, part->text, strlen(part->text));
}

/* The good parts without the one of that number, and one more. */
static void make(struct strbuf *out, size_t without, const struct part *more, unsigned type)
{
	_cleanup_(archive_write_freep) struct archive *a = archive_write_new();
	archive_write_set_format_ustar(a);
	archive_write_open_strbuf(a, out);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (i != without)
			add(a, &good[i], AE_IFREG);
	if (more)
		add(a, more, type);
	archive_write_close(a);
}

static void test_good(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf tar = STRBUF_INIT;
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	make(&tar, SIZE_MAX, NULL, 0);
	assert_ok(bundle_parse(tar.data, tar.len, "kbh1.tar", &bundle, &err));
	assert_string_equal(bundle->site, "kbh1");
	assert_string_equal(bundle->uri, "http://pkg.example.org/");
	assert_int_equal(bundle->repository_key_len, 3);
	assert_string_equal(bundle->token, "wb1-abcdefghijklmnopqrstuvwxyz234567");
	assert_int_equal(bundle->not_before, 1795246200);
	assert_int_equal(bundle->tar_len, tar.len);
}

static void test_a_missing_part(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good) - 1; i++) {
		struct err err = ERR_INIT;
		_cleanup_strbuf_ struct strbuf tar = STRBUF_INIT;
		struct bundle *bundle;
		make(&tar, i, NULL, 0);
		assert_fails(bundle_parse(tar.data, tar.len, "kbh1.tar", &bundle, &err), ERR_INPUT,
			     good[i].path);
	}
}

static void test_without_a_token(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf tar = STRBUF_INIT;
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	make(&tar, ARRAY_SIZE(good) - 1, NULL, 0);
	assert_ok(bundle_parse(tar.data, tar.len, "kbh1.tar", &bundle, &err));
	assert_null(bundle->token);
}

static void refuse(size_t without, const char *path, const char *text, unsigned type,
		   const char *message)
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf tar = STRBUF_INIT;
	struct part more = { path, text };
	struct bundle *bundle;
	make(&tar, without, &more, type);
	assert_fails(bundle_parse(tar.data, tar.len, "kbh1.tar", &bundle, &err), ERR_INPUT,
		     message);
	assert_null(bundle);
}

static void test_what_no_stick_may_carry(void **state)
{
	refuse(SIZE_MAX, "etc/waybill/ssh/id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\n",
	       AE_IFREG, "private key");
	refuse(SIZE_MAX, "etc/../root/.profile", "x", AE_IFREG, "no plain file below etc/");
	refuse(SIZE_MAX, "/etc/passwd", "x", AE_IFREG, "no plain file below etc/");
	refuse(SIZE_MAX, "etc/shadow", "/etc/passwd", AE_IFLNK, "no plain file below etc/");
	refuse(0, good[0].path, "Site: Kbh 1\n", AE_IFREG, "no site's name");
	refuse(1, good[1].path, "Types: deb\n", AE_IFREG, "lacks URIs");
	refuse(1, good[1].path, "URIs: http://a/ http://b/\nSuites: s\nComponents: main\n", AE_IFREG,
	       "one address");
	refuse(5, good[5].path, "Format: waybill-enrolment 2\n", AE_IFREG, "Format");
	refuse(5, good[5].path, "Format: waybill-enrolment 1\nToken: x\n", AE_IFREG, "token");
}

/* Cut short or with a bit turned: never accepted with a part less than it has, never a crash. */
static void test_damage(void **state)
{
	_cleanup_strbuf_ struct strbuf tar = STRBUF_INIT;
	make(&tar, SIZE_MAX, NULL, 0);
	for (size_t i = 0; i < tar.len; i += 97) {
		struct err err = ERR_INIT;
		struct bundle *bundle;
		if (bundle_parse(tar.data, i, "cut", &bundle, &err) == 0)
			bundle_free(bundle);
		err_clear(&err);
		tar.data[i] ^= 1 << (i % 8);
		if (bundle_parse(tar.data, tar.len, "turned", &bundle, &err) == 0)
			bundle_free(bundle);
		err_clear(&err);
		tar.data[i] ^= 1 << (i % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_a_missing_part),
		cmocka_unit_test(test_without_a_token),
		cmocka_unit_test(test_what_no_stick_may_carry),
		cmocka_unit_test(test_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
