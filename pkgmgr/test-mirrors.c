/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/sources.h"

#include "common/test-lib.h"

#define NOW 1795217051
#define HASH "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

static struct err err = ERR_INIT;

static const char *const uris[] = { "http://a/x.deb", "http://b:81/x.deb", "file:/mnt/x.deb" };

struct fixture {
	struct mirrors mirrors;
	struct sources sources;
};

static void set_up(struct fixture *f)
{
	struct strv list = STRV_INIT;
	struct fetch_policy policy;
	fetch_policy_init(&policy);
	strv_add(&policy.peers, "http://peer:8480");
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++)
		strv_add(&list, uris[i]);
	f->mirrors = (struct mirrors){ NULL, 0 };
	sources_init(&f->sources, HASH, &list, &policy, &f->mirrors);
	strv_destroy(&list);
	fetch_policy_destroy(&policy);
}

static void tear_down(struct fixture *f)
{
	sources_destroy(&f->sources);
	mirrors_destroy(&f->mirrors);
}

static const char *pick(const struct fixture *f)
{
	int64_t wake_ms;
	const struct source *source = sources_pick(&f->sources, NOW, &wake_ms);
	return source ? source->uri : NULL;
}

static struct mirror *mirror(struct fixture *f, const char *uri)
{
	return mirrors_get(&f->mirrors, uri);
}

static void test_servers(void **state)
{
	struct fixture f;
	set_up(&f);
	assert_int_equal(f.sources.count, 4);
	assert_string_equal(f.sources.items[0].uri, "http://peer:8480/by-sha256/" HASH);
	assert_string_equal(mirror(&f, uris[1])->server, "http://b:81");
	assert_string_equal(mirror(&f, uris[2])->server, "file:");
	assert_ptr_equal(mirror(&f, "http://a/other"), mirror(&f, uris[0]));
	tear_down(&f);
}

static void test_order(void **state)
{
	struct fixture f;
	set_up(&f);
	assert_string_equal(pick(&f), f.sources.items[0].uri);
	f.sources.items[0].spent = true;
	assert_string_equal(pick(&f), uris[0]);
	mirror_measured(mirror(&f, uris[0]), 1 << 20, 1000, NOW);
	assert_string_equal(pick(&f), uris[1]);
	assert_true(sources_explores(&f.sources, &f.sources.items[2], NOW));
	mirror_measured(mirror(&f, uris[1]), 1 << 20, 500, NOW);
	mirror_measured(mirror(&f, uris[2]), 1 << 20, 2000, NOW);
	assert_string_equal(pick(&f), uris[1]);
	mirror_failed(mirror(&f, uris[1]), NOW);
	assert_string_equal(pick(&f), uris[0]);
	mirror_proved_bad(mirror(&f, uris[0]), NOW);
	assert_string_equal(pick(&f), uris[2]);
	f.sources.items[3].spent = true;
	assert_string_equal(pick(&f), uris[1]);
	mirror_asks_to_wait(mirror(&f, uris[1]), 30, NOW);
	assert_string_equal(pick(&f), uris[0]);
	f.sources.items[1].spent = true;
	assert_null(pick(&f));
	tear_down(&f);
}

static void test_gives_up_after_three(void **state)
{
	struct fixture f;
	set_up(&f);
	struct source *source = &f.sources.items[1];
	source_failed(source, false, NOW);
	source_failed(source, false, NOW);
	assert_false(source->spent);
	source_failed(source, true, NOW);
	assert_false(source->spent);
	source_failed(source, false, NOW);
	source_failed(source, false, NOW);
	assert_true(source->spent);
	tear_down(&f);
}

static void test_memory(void **state)
{
	struct fixture f;
	struct strbuf text = STRBUF_INIT;
	struct mirrors again = { NULL, 0 };
	set_up(&f);
	mirror_measured(mirror(&f, uris[0]), 1 << 20, 1000, NOW);
	mirror_measured(mirror(&f, uris[0]), 100, 1, NOW); /* too little to say anything */
	mirror_proved_bad(mirror(&f, uris[1]), NOW);
	mirror_asks_to_wait(mirror(&f, uris[2]), 1ll << 40, NOW);
	mirrors_format(&f.mirrors, &text);
	assert_ok(mirrors_parse(text.data, text.len, NOW + 1, &again, &err));
	assert_int_equal(mirrors_get(&again, uris[0])->rate, 1 << 20);
	assert_int_equal(mirror_class(mirrors_get(&again, uris[1]), NOW + 1), MIRROR_BAD);
	assert_int_equal(mirrors_get(&again, uris[2])->wait_until, NOW + 86400);
	mirrors_destroy(&again);
	/* A clock that went back makes no server wait for years; an old rate is none. */
	assert_ok(mirrors_parse(text.data, text.len, NOW - 1000000, &again, &err));
	assert_int_equal(mirrors_get(&again, uris[2])->wait_until, 0);
	mirrors_destroy(&again);
	assert_ok(mirrors_parse(text.data, text.len, NOW + 8 * 86400, &again, &err));
	assert_int_equal(mirrors_get(&again, uris[0])->rate, 0);
	mirrors_destroy(&again);
	assert_fails(mirrors_parse("Rate: 1\n", 8, NOW, &again, &err), ERR_INPUT, "Server");
	assert_int_equal(again.count, 0);
	strbuf_destroy(&text);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_gives_up_after_three),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
