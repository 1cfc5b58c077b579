/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "preseed/udebs.h"

#define FILE_OF(name)                                                                            \
	"Filename: pool/" name ".udeb\nSize: 7\n"                                                \
	"SHA256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\n"
#define UDEB(name, fields) "Package: " name "\n" fields FILE_OF(name)

static const char index_text[] =
	UDEB("anna", "Priority: standard\nDepends: libc6-udeb\n")
	UDEB("partman-base", "Priority: standard\nDepends: libparted (>= 3), harddrive, nobody-has\n")
	UDEB("libparted", "Priority: optional\nDepends: libc6-udeb, libparted-data | other\n")
	UDEB("libparted-data", "Priority: optional\nDepends: libparted\n")
	UDEB("disk-detect", "Priority: optional\nProvides: harddrive, disks\n")
	UDEB("iscsi", "Priority: extra\nProvides: disks, harddrive\n")
	UDEB("os-prober-udeb", "Priority: optional\n")
	UDEB("fonts-udeb", "Priority: optional\n")
	UDEB("scsi-modules-6.1-di", "Priority: standard\nKernel-Version: 6.1\n")
	UDEB("scsi-modules-6.0-di", "Priority: standard\nKernel-Version: 6.0\n")
	UDEB("loop-modules-6.1-di", "Priority: standard\nKernel-Version: 6.1\n");

static const char initrd_text[] = "Package: anna\nStatus: install ok unpacked\n\n"
				  "Package: libc6.1-udeb\nProvides: libc6-udeb\n\n"
				  "Package: kernel-image-6.1-di\n";

static struct deb822 *parse(const char *text)
{
	struct err err = ERR_INIT;
	struct deb822 *doc = NULL;
	assert_ok(deb822_parse(text, strlen(text), 100, "text", &doc, &err));
	return doc;
}

/* The names of what is chosen, in the order of the index. */
static char *choose(const char *index, const char *initrd, const char *extra)
{
	struct err err = ERR_INIT;
	_cleanup_(deb822_freep) struct deb822 *docs = parse(index);
	_cleanup_(deb822_freep) struct deb822 *here = parse(initrd);
	_cleanup_(deb822_freep) struct deb822 *added = extra ? parse(extra) : NULL;
	_cleanup_(remote_files_destroy) struct remote_files files = { 0 };
	_cleanup_strbuf_ struct strbuf names = STRBUF_INIT;
	struct udebs_present present = { here, added };
	assert_ok(udebs_add(docs, &present, "http://m/", "debian", &files, &err));
	for (size_t i = 0; i < files.count; i++) {
		assert_true(str_starts(files.items[i].uri, "http://m/pool/"));
		assert_true(str_starts(files.items[i].name, "debian/pool/"));
		strbuf_addf(&names, "%.*s ",
			    (int)(strlen(files.items[i].name) - strlen("debian/pool/.udeb")),
			    files.items[i].name + strlen("debian/pool/"));
	}
	return strbuf_steal(&names);
}

static void test_closure(void **state)
{
	_cleanup_free_ char *all = choose(index_text, initrd_text, NULL);
	assert_string_equal(all, "partman-base libparted libparted-data disk-detect iscsi "
				 "os-prober-udeb scsi-modules-6.1-di loop-modules-6.1-di ");
}

static void test_extra(void **state)
{
	_cleanup_free_ char *all = choose(index_text, initrd_text,
					  "Package: scsi-modules-6.1-di\n\n"
					  "Package: libparted\n\n"
					  "Package: mine\nProvides: harddrive\n");
	/* What a present one needs is not present for that. */
	assert_string_equal(all, "partman-base libparted-data os-prober-udeb "
				 "loop-modules-6.1-di ");
}

static void test_refused(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(deb822_freep) struct deb822 *index = parse(index_text);
	_cleanup_(deb822_freep) struct deb822 *newer = parse("Package: kernel-image-6.2-di\n");
	_cleanup_(deb822_freep) struct deb822 *none = parse("Package: anna\n");
	_cleanup_(deb822_freep) struct deb822 *initrd = parse(initrd_text);
	_cleanup_(deb822_freep) struct deb822 *no_hash =
		parse(UDEB("scsi-modules-6.1-di", "Kernel-Version: 6.1\n")
		      "Package: x\nPriority: required\nFilename: x\nSize: 1\n");
	_cleanup_(remote_files_destroy) struct remote_files files = { 0 };
	struct udebs_present present = { newer, NULL };
	assert_fails(udebs_add(index, &present, "http://m/", "debian", &files, &err),
		     ERR_NOT_FOUND, "kernel 6.2");
	present.initrd = none;
	assert_fails(udebs_add(index, &present, "http://m/", "debian", &files, &err), ERR_INPUT,
		     "which kernel");
	present.initrd = initrd;
	assert_fails(udebs_add(no_hash, &present, "http://m/", "debian", &files, &err), ERR_INPUT,
		     "component x");
	assert_int_equal(files.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_closure),
		cmocka_unit_test(test_extra),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
