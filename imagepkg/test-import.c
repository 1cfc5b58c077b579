/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a tar, made by GNU tar as mmdebstrap does it, to a disk. */
#include "common/test-lib.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/strbuf.h"
#include "common/subproc.h"
#include "imagepkg/tree-import.h"

static struct err err = ERR_INIT;
static char *dir;

static char *in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void put(const char *name, const char *text)
{
	_cleanup_free_ char *path = xasprintf("%s/tree/%s", dir, name);
	_cleanup_free_ char *parent = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	assert_ok(make_dirs(parent, 0755, &err));
	assert_ok(atomic_file_write(path, text, strlen(text), 0644, &err));
}

static char *run(const char *const *argv)
{
	struct strbuf out = STRBUF_INIT;
	struct subproc spec = { .argv = argv, .chdir = dir, .output = &out, .quiet = true };
	assert_ok(subproc_run(&spec, NULL, &err));
	return strbuf_steal(&out);
}

static int setup(void **state)
{
	dir = test_tmpdir();
	put("boot/vmlinuz-6.1.0-9-amd64", "old kernel");
	put("boot/vmlinuz-6.1.0-10-amd64", "new kernel");
	put("boot/initrd.img-6.1.0-10-amd64", "new initrd");
	put("boot/initrd.img-6.1.0-9-amd64", "old initrd");
	put("srv/app/etc/n\xc3\xa5me", "utf8");
	put("srv/app/var/log/x.log", "noise");
	put("srv/app/tmp/x", "noise");
	put("srv/app/script", "left out");
	put("etc/hosts", "127.0.0.1\n");
	_cleanup_free_ char *link_from = in_dir("tree/srv/app/etc/n\xc3\xa5me");
	_cleanup_free_ char *link_to = in_dir("tree/srv/app/second");
	_cleanup_free_ char *kernel_link = in_dir("tree/vmlinuz");
	assert_int_equal(link(link_from, link_to), 0);
	assert_int_equal(symlink("boot/vmlinuz-6.1.0-10-amd64", kernel_link), 0);
	const char *argv[] = { "tar", "--sort=name", "--format=pax", "-C", "tree", "-cf", "t.tar",
			       ".", NULL };
	free(run(argv));
	return 0;
}

static int teardown(void **state)
{
	assert_ok(remove_tree(dir, &err));
	free(dir);
	return 0;
}

static char *debugfs(const char *command)
{
	const char *argv[] = { "debugfs", "-R", command, "disk", NULL };
	return run(argv);
}

/* Import into a fresh disk. */
static int import_tree(struct tree_import *import)
{
	_cleanup_free_ char *disk = in_dir("disk");
	_cleanup_free_ char *tar = in_dir("t.tar");
	_cleanup_(ext4_writer_freep) struct ext4_writer *w = NULL;
	unlink(disk);
	import->tar_path = tar;
	assert_ok(ext4_writer_new(disk, 16 << 20, "x", 1000, &w, &err));
	if (tree_import_run(import, w, &err) != 0)
		return -1;
	return ext4_writer_finish(w, &err);
}

static void test_whole(void **state)
{
	struct tree_import import = { .tree = "" };
	assert_ok(import_tree(&import));
	_cleanup_free_ char *hosts = debugfs("cat /etc/hosts");
	_cleanup_free_ char *kernel = debugfs("cat /boot/vmlinuz-6.1.0-9-amd64");
	_cleanup_free_ char *name = debugfs("cat /srv/app/etc/n\xc3\xa5me");
	assert_string_equal(hosts, "127.0.0.1\n");
	assert_string_equal(kernel, "old kernel");	/* no one asked for it */
	assert_string_equal(name, "utf8");
	assert_null(import.kernel_release);
}

static void test_tree_and_kernel(void **state)
{
	static const char *const leave_out[] = { "script", NULL };
	_cleanup_free_ char *kernel = in_dir("kernel");
	_cleanup_free_ char *initrd = in_dir("initrd");
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	struct tree_import import = { .tree = "srv/app", .leave_out = leave_out,
				      .kernel_out = kernel, .initrd_out = initrd };
	assert_ok(import_tree(&import));
	assert_string_equal(import.kernel_release, "6.1.0-10-amd64");
	assert_string_equal(import.initrd_release, "6.1.0-10-amd64");
	free(import.kernel_release);
	free(import.initrd_release);
	assert_ok(file_read(kernel, 100, &text, &len, &err));
	assert_string_equal(text, "new kernel");
	freep(&text);
	assert_ok(file_read(initrd, 100, &text, &len, &err));
	assert_string_equal(text, "new initrd");
	_cleanup_free_ char *root = debugfs("ls -p /");
	_cleanup_free_ char *log = debugfs("stat /var/log/x.log");
	_cleanup_free_ char *linked = debugfs("cat /second");
	assert_null(strstr(root, "/boot/"));
	assert_null(strstr(root, "/script/"));
	assert_non_null(strstr(root, "/etc/"));
	assert_non_null(strstr(log, "Size: 0"));
	assert_string_equal(linked, "utf8");
}

static void test_truncated(void **state)
{
	_cleanup_free_ char *tar = in_dir("t.tar");
	struct tree_import import = { .tree = "" };
	struct stat st;
	assert_int_equal(stat(tar, &st), 0);
	assert_int_equal(truncate(tar, 3 * 512 + 100), 0);
	assert_fails(import_tree(&import), ERR_INPUT, "cannot read");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_tree_and_kernel),
		cmocka_unit_test(test_truncated),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
