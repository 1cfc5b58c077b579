/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "preseed/device.h"
#include "preseed/write-image.h"

static void put(const char *dir, const char *name, const char *text)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	assert_ok(atomic_file_write(path, text, strlen(text), 0644, &err));
}

/* A sysfs in which 8:16 is a disk; attributes are "name=value" words. */
static char *make_sysfs(const char *const *attributes)
{
	struct err err = ERR_INIT;
	char *sysfs = test_tmpdir();
	_cleanup_free_ char *dir = xasprintf("%s/dev/block/8:16", sysfs);
	_cleanup_free_ char *sub = xasprintf("%s/device", dir);
	assert_ok(make_dirs(sub, 0755, &err));
	for (; *attributes; attributes++) {
		const char *equals = strchr(*attributes, '=');
		_cleanup_free_ char *name = xstrndup(*attributes, (size_t)(equals - *attributes));
		_cleanup_free_ char *value = xasprintf("%s\n", equals + 1);
		put(dir, name, value);
	}
	return sysfs;
}

static void probe(const char *const *attributes, struct device *device)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *sysfs = make_sysfs(attributes);
	assert_ok(device_probe(sysfs, makedev(8, 16), "/dev/sdb", device, &err));
	assert_ok(remove_tree(sysfs, &err));
}

static void test_a_stick(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(device_destroy) struct device device;
	probe((const char *[]){ "size=2048", "removable=1", "ro=0", "device/vendor=SanDisk ",
				"device/model=Ultra Fit   ", NULL }, &device);
	assert_string_equal(device.name, "SanDisk Ultra Fit");
	assert_int_equal(device.size_bytes, 1 << 20);
	assert_ok(device_check(&device, 1 << 20, false, &err));
	assert_fails(device_check(&device, (1 << 20) + 1, true, &err), ERR_REFUSED, "1.0 MiB");
}

static void refuse(const char *const *attributes, bool force, const char *message)
{
	struct err err = ERR_INIT;
	_cleanup_(device_destroy) struct device device;
	probe(attributes, &device);
	assert_fails(device_check(&device, 4096, force, &err), ERR_REFUSED, message);
}

static void test_what_is_refused(void **state)
{
	struct err err = ERR_INIT;
	struct device device;
	refuse((const char *[]){ "size=2048", "removable=0", "ro=0", NULL }, false, "no removable");
	refuse((const char *[]){ "size=2048", "removable=1", "ro=1", NULL }, true, "write-prot");
	refuse((const char *[]){ "size=0", "removable=1", "ro=0", NULL }, true, "no medium");
	refuse((const char *[]){ "size=2048", "partition=1", "ro=0", NULL }, true, "a partition");
	_cleanup_free_ char *sysfs = make_sysfs((const char *[]){ NULL });
	assert_fails(device_probe(sysfs, makedev(8, 16), "/dev/sdb", &device, &err), ERR_INPUT,
		     "/dev/sdb");
	assert_ok(remove_tree(sysfs, &err));
}

static void test_what_counts_as_removable(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_(device_destroy) struct device card, forced;
	probe((const char *[]){ "size=2048", "removable=0", "ro=0", "device/type=SD", NULL }, &card);
	assert_ok(device_check(&card, 4096, false, &err));
	probe((const char *[]){ "size=2048", "removable=0", "ro=0", "device/type=MMC", NULL },
	      &forced);
	assert_fails(device_check(&forced, 4096, false, &err), ERR_REFUSED, "--force");
	assert_ok(device_check(&forced, 4096, true, &err));
}

/* Two files of that content, open. */
static void open_two(const char *dir, const char *image, const char *device, int flags, int fd[2])
{
	put(dir, "image", image);
	put(dir, "device", device);
	_cleanup_free_ char *a = xasprintf("%s/image", dir);
	_cleanup_free_ char *b = xasprintf("%s/device", dir);
	fd[0] = open(a, O_RDONLY | O_CLOEXEC);
	fd[1] = open(b, O_RDWR | O_CLOEXEC | flags);
	assert_true(fd[0] >= 0 && fd[1] >= 0);
}

static void test_what_is_written_is_compared(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *dir = test_tmpdir();
	int fd[2];
	char got[6] = "";
	open_two(dir, "abc", "xxxxx", 0, fd);
	assert_ok(write_image(fd[0], fd[1], 3, "stick", &err));
	assert_int_equal(pread(fd[1], got, 5, 0), 5);
	assert_string_equal(got, "abcxx");
	assert_fails(write_image(fd[0], fd[1], 4, "stick", &err), ERR_INPUT, "shorter");
	close(fd[0]);
	close(fd[1]);
	/* A medium that puts the bytes elsewhere, as sticks of faked size do. */
	open_two(dir, "abc", "xxxxx", O_APPEND, fd);
	assert_fails(write_image(fd[0], fd[1], 3, "stick", &err), ERR_INCONSISTENT, "does not keep");
	close(fd[0]);
	close(fd[1]);
	assert_ok(remove_tree(dir, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_stick),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_what_counts_as_removable),
		cmocka_unit_test(test_what_is_written_is_compared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
