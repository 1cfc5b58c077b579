/* SPDX-License-Identifier: GPL-3.0-or-later */
/* atomic-file, hash, lock, root and state: what touches the disk. */
#include "common/test-lib.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/hash-thread.h"
#include "common/lock.h"
#include "common/root.h"
#include "common/state.h"
#include "common/watch-due.h"

static char *dir;

static int set_up(void **state)
{
	dir = test_tmpdir();
	return 0;
}

static int tear_down(void **state)
{
	struct err err = ERR_INIT;
	assert_ok(remove_tree(dir, &err));
	free(dir);
	return 0;
}

static size_t count_entries(void)
{
	size_t n = 0;
	DIR *d = opendir(dir);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
	closedir(d);
	return n;
}

static void test_write_and_read(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *path = xasprintf("%s/file", dir);
	assert_ok(atomic_file_write(path, "one", 3, 0600, &err));
	assert_ok(atomic_file_write(path, "second", 6, 0644, &err));
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	assert_ok(file_read(path, 6, &text, &len, &err));
	assert_string_equal(text, "second");
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	_cleanup_free_ char *more = NULL;
	assert_fails(file_read(path, 5, &more, &len, &err), ERR_TOO_LARGE, "larger than 5");
	assert_fails(file_read(dir, 5, &more, &len, &err), ERR_INPUT, "regular");
	assert_fails(file_read("/nowhere", 5, &more, &len, &err), ERR_NOT_FOUND, "/nowhere");
	/* It says that its size is 0. */
	assert_ok(file_read("/proc/sys/kernel/random/boot_id", 64, &more, &len, &err));
	assert_int_equal(len, 37);
	free(steal(&more));
	assert_fails(file_read("/proc/sys/kernel/random/boot_id", 36, &more, &len, &err),
		     ERR_TOO_LARGE, "larger than 36");
	assert_int_equal(count_entries(), 1);
}

static void test_abandoned(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *path = xasprintf("%s/file", dir);
	struct atomic_file *file = NULL;
	assert_ok(atomic_file_open(path, 0644, &file, &err));
	assert_ok(write_all(file->fd, "half", 4, &err));
	assert_int_equal(count_entries(), 1);
	atomic_file_free(file);
	assert_int_equal(count_entries(), 0);
	_cleanup_free_ char *missing = xasprintf("%s/no/file", dir);
	assert_fails(atomic_file_write(missing, "x", 1, 0644, &err), ERR_SYSTEM, "create");
}

static void test_link_and_trees(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *deep = xasprintf("%s/a/b/c", dir);
	assert_ok(make_dirs(deep, 0755, &err));
	assert_ok(make_dirs(deep, 0755, &err));
	_cleanup_free_ char *from = xasprintf("%s/from", deep);
	_cleanup_free_ char *to = xasprintf("%s/to", dir);
	assert_ok(atomic_file_write(from, "x", 1, 0444, &err));
	assert_ok(atomic_link(from, to, &err));
	assert_ok(atomic_link(from, to, &err));
	struct stat st;
	assert_int_equal(stat(to, &st), 0);
	assert_int_equal(st.st_nlink, 2);
	_cleanup_free_ char *under_file = xasprintf("%s/x", to);
	assert_fails(make_dirs(under_file, 0755, &err), ERR_SYSTEM, "make directory");
	assert_ok(atomic_unlink(to, &err));
	assert_ok(atomic_unlink(to, &err));
	_cleanup_free_ char *top = xasprintf("%s/a", dir);
	assert_ok(remove_tree(top, &err));
	assert_ok(remove_tree(top, &err));
	assert_int_equal(count_entries(), 0);
}

static void test_hash(void **state)
{
	struct err err = ERR_INIT;
	char hex[SHA256_HEX_LEN + 1];
	sha256_hex("abc", 3, hex); /* FIPS 180-2, B.1 */
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(sha256_is_valid(hex));
	assert_false(sha256_is_valid("ba78"));
	char md5[MD5_HEX_LEN + 1];
	md5_hex("abc", 3, md5); /* RFC 1321, A.5 */
	assert_string_equal(md5, "900150983cd24fb0d6963f7d28e17f72");
	_cleanup_free_ char *path = xasprintf("%s/file", dir);
	assert_ok(atomic_file_write(path, "abc", 3, 0600, &err));
	char again[SHA256_HEX_LEN + 1];
	uint64_t size = 0;
	assert_ok(sha256_file(path, again, &size, &err));
	assert_string_equal(again, hex);
	assert_int_equal(size, 3);
}

static void test_hash_thread(void **state)
{
	enum { LEN = 1000003 };
	static const size_t pieces[] = { 7, 4096, 262144, 262145, LEN };
	_cleanup_free_ char *data = xmalloc(LEN);
	char want[SHA256_HEX_LEN + 1], hex[SHA256_HEX_LEN + 1];
	for (size_t i = 0; i < LEN; i++)
		data[i] = (char)(i * i >> 3);
	sha256_hex(data, LEN, want);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		_cleanup_(hash_thread_freep) struct hash_thread *t = hash_thread_new();
		for (size_t done = 0; done < LEN; done += pieces[i])
			hash_thread_add(t, data + done, LEN - done < pieces[i] ? LEN - done : pieces[i]);
		hash_thread_finish(t, hex);
		assert_string_equal(hex, want);
	}
	_cleanup_(hash_thread_freep) struct hash_thread *none = hash_thread_new();
	hash_thread_finish(none, hex);
	sha256_hex("", 0, want);
	assert_string_equal(hex, want);
	_cleanup_(hash_thread_freep) struct hash_thread *unfinished = hash_thread_new();
	hash_thread_add(unfinished, data, LEN);
}

static void test_lock(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *path = xasprintf("%s/lock", dir);
	int fd = lock_take(path, 0, &err);
	assert_true(fd >= 0);
	assert_fails(lock_take(path, 100, &err), ERR_BUSY, "locked by process");
	pid_t pid = fork();
	if (pid == 0) {
		/* The child waits in the queue until the holder lets go. */
		struct err child_err = ERR_INIT;
		close(fd);
		_exit(lock_take(path, 10000, &child_err) >= 0 ? 0 : 1);
	}
	close(fd);
	int status = 0;
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_root(void **state)
{
	struct err err = ERR_INIT;
	struct root host, site;
	assert_ok(root_init(&host, NULL, &err));
	assert_ok(root_init(&site, dir, &err));
	_cleanup_free_ char *a = root_path(&host, "/var/lib/%s", "x");
	assert_string_equal(a, "/var/lib/x");
	_cleanup_free_ char *b = root_path(&site, "var/lib/%s", "x");
	assert_true(str_starts(b, dir) && str_ends(b, "/var/lib/x"));
	_cleanup_free_ char *name = root_domain_name(&host, "askom");
	assert_string_equal(name, "waybill-askom");
	_cleanup_free_ char *private_name = root_domain_name(&site, "askom");
	assert_int_equal(strlen(private_name), strlen("waybill-01234567-askom"));
	struct root none;
	assert_fails(root_init(&none, "/nowhere", &err), ERR_SYSTEM, "/nowhere");
	root_destroy(&host);
	root_destroy(&site);
}

static void test_state(void **state)
{
	struct err err = ERR_INIT;
	struct root root;
	assert_ok(root_init(&root, dir, &err));
	struct state *db = NULL;
	assert_ok(state_open(&root, &db, &err));
	assert_ok(state_set_meta(db, "site-serial", "41", &err));
	assert_ok(state_begin(db, &err));
	assert_ok(state_set_meta(db, "site-serial", "42", &err));
	state_rollback(db);
	state_free(db);
	assert_ok(state_open(&root, &db, &err));
	_cleanup_free_ char *value = NULL;
	assert_ok(state_get_meta(db, "site-serial", &value, &err));
	assert_string_equal(value, "41");
	_cleanup_free_ char *missing = NULL;
	assert_ok(state_get_meta(db, "no-such-key", &missing, &err));
	assert_null(missing);
	assert_fails(state_exec(db, &err, "", "INSERT INTO nowhere VALUES (1)"), ERR_INCONSISTENT,
		     "nowhere");
	assert_ok(state_exec(db, &err, "", "PRAGMA user_version = 99"));
	state_free(db);
	assert_fails(state_open(&root, &db, &err), ERR_INCONSISTENT, "schema 99");
	root_destroy(&root);
}

static void test_state_garbage(void **state)
{
	struct err err = ERR_INIT;
	struct root root;
	assert_ok(root_init(&root, dir, &err));
	_cleanup_free_ char *lib = xasprintf("%s/var/lib/waybill", dir);
	assert_ok(make_dirs(lib, 0755, &err));
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, STATE_DB);
	_cleanup_free_ char *garbage = xcalloc(1, 4096);
	memset(garbage, 'x', 4096);
	assert_ok(atomic_file_write(path, garbage, 4096, 0600, &err));
	struct state *db = NULL;
	assert_fails(state_open(&root, &db, &err), ERR_INCONSISTENT, "state.db");
	assert_null(db);
	root_destroy(&root);
}

static void test_watch_due(void **state)
{
	static const char *const garbage[] = { "", "\n", "soon\n", "-5\n", "0\n", "12 13\n",
					       "99999999999999999999\n" };
	struct err err = ERR_INIT;
	struct root root;
	int64_t due = 7;
	assert_ok(root_init(&root, dir, &err));
	assert_ok(watch_due_read(&root, &due, &err));
	assert_int_equal(due, 0);
	_cleanup_free_ char *lib = xasprintf("%s/var/lib/waybill", dir);
	assert_ok(make_dirs(lib, 0755, &err));
	assert_ok(watch_due_set(&root, 1795222800, &err));
	assert_ok(watch_due_read(&root, &due, &err));
	assert_int_equal(due, 1795222800);
	_cleanup_free_ char *path = root_path(&root, WATCH_DUE_FILE);
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		assert_ok(atomic_file_write(path, garbage[i], strlen(garbage[i]), 0644, &err));
		assert_fails(watch_due_read(&root, &due, &err), ERR_INPUT, "watch-due");
		assert_int_equal(due, 0);
	}
	assert_ok(watch_due_set(&root, 0, &err));
	assert_ok(watch_due_set(&root, 0, &err));
	assert_false(file_exists(path));
	root_destroy(&root);
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		IN_DIR(test_write_and_read), IN_DIR(test_abandoned), IN_DIR(test_link_and_trees),
		IN_DIR(test_hash), IN_DIR(test_hash_thread),	     IN_DIR(test_lock),	     IN_DIR(test_root),
		IN_DIR(test_state),	     IN_DIR(test_state_garbage), IN_DIR(test_watch_due),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
