/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/partial.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/test-lib.h"

/* Five blocks of 256 KiB and a bit. */
#define SIZE (5 * 262144 + 1000)
#define HASH "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
#define OTHER_HASH "084fed08b978af4d7d196a7446a86b58009e636b611db16211b65a9aadff29c5"

static struct err err = ERR_INIT;
static char *dir, *path;
static char data[SIZE];

static int set_up(void **state)
{
	dir = test_tmpdir();
	path = xasprintf("%s/x.part", dir);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (char)(i * 2654435761u >> 13);
	return 0;
}

static int tear_down(void **state)
{
	assert_ok(remove_tree(dir, &err));
	free(dir);
	free(path);
	return 0;
}

static struct partial *open_it(void)
{
	struct partial *part = NULL;
	assert_ok(partial_open(path, HASH, SIZE, &part, &err));
	return part;
}

/* Receive up to `to`, save, and close. */
static void receive(uint64_t from, uint64_t to)
{
	struct partial *part = open_it();
	for (uint64_t at = from; at < to; at += 10000)
		assert_ok(partial_put(part, at, data + at, to - at < 10000 ? to - at : 10000, &err));
	assert_ok(partial_save(part, true, &err));
	partial_free(part);
}

static void expect_gap(const struct partial *part, uint64_t from, uint64_t to)
{
	uint64_t gap_from = 0, gap_to = 0;
	assert_true(partial_state_gap(&part->state, &gap_from, &gap_to));
	assert_int_equal(gap_from, from);
	assert_int_equal(gap_to, to);
}

static void flip(const char *file, off_t at)
{
	char byte;
	int fd = open(file, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 16;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void test_goes_on_where_it_was(void **state)
{
	receive(0, 600000);
	struct partial *part = open_it();
	assert_true(part->resumed);
	assert_int_equal(partial_received(part), 600000);
	expect_gap(part, 600000, SIZE);
	partial_free(part);
	receive(600000, SIZE);
	part = open_it();
	uint64_t from, to;
	assert_false(partial_state_gap(&part->state, &from, &to));
	char *there = NULL;
	size_t len = 0;
	assert_ok(file_read(path, SIZE, &there, &len, &err));
	assert_int_equal(len, SIZE);
	assert_memory_equal(there, data, SIZE);
	assert_int_equal(partial_is_good(part, &err), 0); /* HASH is none of these bytes */
	free(there);
	partial_free(part);
}

static void test_flipped_byte_costs_its_block(void **state)
{
	receive(0, 600000);
	flip(path, 300000);
	struct partial *part = open_it();
	assert_int_equal(partial_received(part), 600000 - 262144);
	expect_gap(part, 262144, 2 * 262144);
	partial_free(part);
}

static void test_truncated_file_costs_what_is_gone(void **state)
{
	receive(0, 600000);
	assert_int_equal(truncate(path, 300000), 0);
	struct partial *part = open_it();
	assert_int_equal(partial_received(part), 262144);
	expect_gap(part, 262144, SIZE);
	partial_free(part);
}

static void test_what_nobody_vouches_for(void **state)
{
	char *state_path = xasprintf("%s.state", path);
	struct partial *part = NULL;
	receive(0, 600000);
	assert_int_equal(unlink(state_path), 0);
	part = open_it();
	assert_int_equal(partial_received(part), 0);
	partial_free(part);
	receive(0, 600000);
	assert_ok(partial_open(path, OTHER_HASH, SIZE, &part, &err));
	assert_int_equal(partial_received(part), 0);
	partial_free(part);
	receive(0, 600000);
	assert_ok(atomic_file_write(state_path, "Format: x\n", 10, 0600, &err));
	part = open_it();
	assert_int_equal(partial_received(part), 0);
	partial_free(part);
	free(state_path);
}

static void test_not_saved_is_not_there(void **state)
{
	struct partial *part = open_it();
	assert_ok(partial_put(part, 0, data, 100000, &err));
	assert_int_equal(partial_received(part), 100000);
	partial_free(part); /* as a death would */
	part = open_it();
	assert_int_equal(partial_received(part), 0);
	partial_free(part);
}

static void test_compares_what_comes_again(void **state)
{
	receive(0, 600000);
	struct partial *part = open_it();
	assert_ok(partial_put(part, 590000, data + 590000, 20000, &err));
	assert_int_equal(partial_received(part), 610000);
	data[605000] ^= 1;
	assert_fails(partial_put(part, 600000, data + 600000, 20000, &err), ERR_INCONSISTENT,
		     "other bytes");
	assert_int_equal(partial_received(part), 610000);
	assert_fails(partial_put(part, 700000, data, 1, &err), ERR_INCONSISTENT, "out of order");
	assert_fails(partial_put(part, SIZE - 1, data, 2, &err), ERR_TOO_LARGE, "signed");
	partial_free(part);
}

static void test_holes_are_filled(void **state)
{
	receive(0, 3 * 262144);
	flip(path, 5);
	flip(path, 2 * 262144 + 5);
	struct partial *part = open_it();
	expect_gap(part, 0, 262144);
	assert_ok(partial_put(part, 0, data, 262144, &err));
	expect_gap(part, 2 * 262144, SIZE);
	assert_ok(partial_put(part, 2 * 262144, data + 2 * 262144, 262144, &err));
	expect_gap(part, 3 * 262144, SIZE);
	partial_free(part);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_goes_on_where_it_was),
		TEST(test_flipped_byte_costs_its_block),
		TEST(test_truncated_file_costs_what_is_gone),
		TEST(test_what_nobody_vouches_for),
		TEST(test_not_saved_is_not_there),
		TEST(test_compares_what_comes_again),
		TEST(test_holes_are_filled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
