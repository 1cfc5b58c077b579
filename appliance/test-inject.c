/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Modules into disks of every kind, without a guest; e2fsck judges what was written. */
#include "common/test-lib.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "appliance/guest-root.h"
#include "appliance/inject.h"
#include "common/atomic-file.h"
#include "common/subproc.h"

enum { DISK_BYTES = 64 << 20, PART_AT = 1 << 20 };

static struct err err;
static char *dir;

static int run(const char *const *argv)
{
	_cleanup_err_ struct err why = ERR_INIT;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	int rc = subproc_run(&(struct subproc){ .argv = argv, .quiet = true, .output = &out },
			     NULL, &why);
	if (rc < 0)
		print_message("%s\n%s\n", why.msg, out.data ? out.data : "");
	return rc;
}

#define RUN(...) run((const char *const[]){ __VA_ARGS__, NULL })

static char *in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void put_file(const char *name, const char *text)
{
	_cleanup_free_ char *path = in_dir(name);
	assert_ok(atomic_file_write(path, text, strlen(text), 0640, &err));
}

/* A tree of modules, and the roots that the disks are made from. */
static int set_up(void **state)
{
	static const char *const dirs[] = { "mods/kernel/fs", "root/etc", "root/lib/modules/1.0/old",
					    "merged/usr/lib", "data/stuff" };
	err = (struct err)ERR_INIT;
	dir = test_tmpdir();
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = in_dir(dirs[i]);
		assert_ok(make_dirs(path, 0755, &err));
	}
	put_file("mods/modules.dep", "kernel/fs/a.ko:\n");
	put_file("mods/kernel/fs/a.ko", "module a\n");
	put_file("root/lib/modules/1.0/old/gone", "from another time\n");
	put_file("root/etc/os-release", "ID=test\n");
	_cleanup_free_ char *link = in_dir("mods/kernel/b.ko");
	_cleanup_free_ char *lib = in_dir("merged/lib");
	assert_int_equal(symlink("fs/a.ko", link), 0);
	assert_int_equal(symlink("usr/lib", lib), 0);
	return 0;
}

static int tear_down(void **state)
{
	int rc = remove_tree(dir, &err);
	free(dir);
	return rc;
}

static void make_fs(const char *path, const char *type, const char *root, const char *options)
{
	_cleanup_free_ char *tree = in_dir(root);
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, DISK_BYTES), 0);
	assert_int_equal(RUN("mke2fs", "-q", "-F", "-t", type, "-E", options, "-d", tree, path), 0);
}

static void inject_into(const char *raw, int expected, const char *text)
{
	_cleanup_free_ char *disk = in_dir("disk.qcow2");
	_cleanup_free_ char *mods = in_dir("mods");
	assert_int_equal(RUN("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, disk), 0);
	if (expected == 0)
		assert_ok(inject_modules(disk, mods, "1.0", &err));
	else
		assert_fails(inject_modules(disk, mods, "1.0", &err), expected, text);
	assert_int_equal(RUN("qemu-img", "check", "-f", "qcow2", disk), 0);
	assert_int_equal(RUN("qemu-img", "convert", "-f", "qcow2", "-O", "raw", disk, raw), 0);
}

/* What debugfs says to `request`. */
static char *ask(const char *fs, const char *request)
{
	const char *argv[] = { "debugfs", "-R", request, fs, NULL };
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	assert_ok(subproc_run(&(struct subproc){ .argv = argv, .output = &out, .quiet = true },
			      NULL, &err));
	return xstrdup(out.data ? out.data : "");
}

static void expect_modules(const char *fs, const char *lib)
{
	_cleanup_free_ char *cat = xasprintf("cat %s/modules/1.0/kernel/fs/a.ko", lib);
	_cleanup_free_ char *stat = xasprintf("stat %s/modules/1.0/modules.dep", lib);
	_cleanup_free_ char *link = xasprintf("stat %s/modules/1.0/kernel/b.ko", lib);
	_cleanup_free_ char *old = xasprintf("stat %s/modules/1.0/old", lib);
	_cleanup_free_ char *content = ask(fs, cat), *facts = ask(fs, stat);
	_cleanup_free_ char *target = ask(fs, link), *gone = ask(fs, old);
	assert_int_equal(RUN("e2fsck", "-fn", fs), 0);
	assert_string_equal(content, "module a\n");
	assert_non_null(strstr(facts, "Mode:  0640"));
	assert_non_null(strstr(facts, "User:     0   Group:     0"));
	assert_non_null(strstr(target, "\"fs/a.ko\""));
	assert_null(strstr(gone, "Inode:"));
}

static void test_every_ext(void **state)
{
	static const char *const types[] = { "ext2", "ext3", "ext4" };
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		_cleanup_free_ char *raw = in_dir("disk.raw");
		make_fs(raw, types[i], "root", "lazy_itable_init=0");
		inject_into(raw, 0, NULL);
		expect_modules(raw, "/lib");
	}
}

static void test_merged_usr(void **state)
{
	_cleanup_free_ char *raw = in_dir("disk.raw");
	make_fs(raw, "ext4", "merged", "lazy_itable_init=0");
	inject_into(raw, 0, NULL);
	expect_modules(raw, "/usr/lib");
}

static void write_at(const char *path, off_t at, const void *data, size_t len)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, data, len, at), len);
}

/* One MBR partition at 1 MiB. */
static void test_partition(void **state)
{
	_cleanup_free_ char *fs = in_dir("part.raw"), *raw = in_dir("disk.raw");
	_cleanup_free_ char *in = xasprintf("if=%s", fs), *out = xasprintf("of=%s", raw);
	_cleanup_free_ char *back = xasprintf("if=%s", raw), *again = xasprintf("of=%s", fs);
	static const uint8_t entry[16] = { 0x80, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 0, 2, 0 };
	make_fs(fs, "ext4", "root", "lazy_itable_init=0");
	(void)unlink(raw);	/* dd leaves what it skips */
	assert_int_equal(RUN("dd", "status=none", in, out, "bs=1M", "seek=1", "conv=sparse"), 0);
	assert_int_equal(truncate(raw, DISK_BYTES + 2 * PART_AT), 0);
	write_at(raw, 446, entry, sizeof(entry));
	write_at(raw, 510, "\x55\xaa", 2);
	inject_into(raw, 0, NULL);
	assert_int_equal(RUN("dd", "status=none", back, again, "bs=1M", "skip=1", "count=64"), 0);
	expect_modules(fs, "/lib");
}

static void test_refusals(void **state)
{
	_cleanup_free_ char *raw = in_dir("disk.raw");
	make_fs(raw, "ext4", "root", "lazy_itable_init=0");
	assert_int_equal(RUN("debugfs", "-w", "-R", "feature needs_recovery", raw), 0);
	inject_into(raw, ERR_REFUSED, "journal needs recovery");
	make_fs(raw, "ext4", "root", "lazy_itable_init=0");
	assert_int_equal(RUN("debugfs", "-w", "-R", "ssv state 0", raw), 0);
	inject_into(raw, ERR_REFUSED, "not unmounted");
	make_fs(raw, "ext4", "data", "lazy_itable_init=0");
	inject_into(raw, ERR_REFUSED, "without etc, lib or sbin");
	assert_int_equal(truncate(raw, 0), 0);
	assert_int_equal(truncate(raw, DISK_BYTES), 0);
	inject_into(raw, ERR_REFUSED, "none that is known");
	write_at(raw, 65536 + 64, "_BHRfS_M", 8);
	inject_into(raw, ERR_REFUSED, "btrfs");
	write_at(raw, 1024 + 56, "\x53\xef", 2);
	inject_into(raw, ERR_INPUT, "cannot open the file system");
}

static void test_no_room(void **state)
{
	_cleanup_free_ char *raw = in_dir("disk.raw"), *big = in_dir("mods/big");
	_cleanup_close_ int fd = open(big, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	_cleanup_free_ char *chunk = xmalloc(1 << 20);
	memset(chunk, 'x', 1 << 20);
	for (int i = 0; i < 70; i++)
		assert_ok(write_all(fd, chunk, 1 << 20, &err));
	make_fs(raw, "ext4", "root", "lazy_itable_init=0");
	inject_into(raw, ERR_NO_SPACE, "the disk is full");
	assert_int_equal(unlink(big), 0);
}

/* --- partition tables that lie ---------------------------------------------------- */

struct memory { uint8_t *data; size_t len; };

static int read_memory(void *arg, uint64_t offset, void *data, size_t len, struct err *e)
{
	struct memory *m = arg;
	if (offset > m->len || len > m->len - offset)
		return err_set(e, ERR_INPUT, "beyond the end");
	memcpy(data, m->data + offset, len);
	return 0;
}

/* Whatever a table says, what comes out lies in the disk, or nothing does. */
static void test_tables_at_random(void **state)
{
	uint8_t disk[8192];
	struct memory m = { disk, sizeof(disk) };
	for (unsigned seed = 0; seed < 20000; seed++) {
		struct guest_parts parts;
		srand(seed);
		for (size_t i = 0; i < sizeof(disk); i++)
			disk[i] = (uint8_t)rand();
		disk[510] = 0x55;
		disk[511] = 0xaa;
		for (int i = 0; i < 4; i++)
			disk[446 + 16 * i] = seed % 2 ? 0x80 : 0;
		if (seed % 3 == 0)
			memcpy(disk + 512, "EFI PART", 8);
		if (seed % 6 == 0) {
			memset(disk + 512 + 72, 0, 8);
			disk[512 + 72] = 2;
			memcpy(disk + 512 + 84, "\x80\0\0\0", 4);
		}
		if (guest_parts_read(read_memory, &m, sizeof(disk), &parts, &err) < 0) {
			err_clear(&err);
			continue;
		}
		for (size_t i = 0; i < parts.count; i++)
			assert_true(parts.items[i].bytes <= sizeof(disk) &&
				    parts.items[i].start <= sizeof(disk) - parts.items[i].bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_ext),
		cmocka_unit_test(test_merged_usr),
		cmocka_unit_test(test_partition),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_tables_at_random),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
