/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/enrol-decide.h"

#include "common/test-mutate.h"

#define TOKEN "wb1-abcdefghijklmnopqrstuvwxyz234567"
#define OTHER "wb1-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
enum { MADE = 1000, NOW = 2000, EXPIRES = 3000 };

/* Two sites: kbh1 without a machine, whose hardware is known, and kbh2 with one. */
struct world {
	struct hardware sites[2];
	struct hardware_list list;
	struct enrolment e;
};

static void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->list = (struct hardware_list){ w->sites, 2 };
	w->sites[0].site = xstrdup("kbh1");
	w->sites[0].serial = xstrdup("SN-0001");
	strv_add(&w->sites[0].macs, "52:54:00:00:00:01");
	w->sites[1].site = xstrdup("kbh2");
	w->sites[1].serial = xstrdup("SN-0002");
	w->sites[1].has_machine = true;
	w->e.lock_fd = -1;
}

static void world_destroy(struct world *w)
{
	struct enrolment *e = xmalloc(sizeof(*e));
	*e = w->e;
	enrolment_free(e);
	hardware_destroy(&w->sites[0]);
	hardware_destroy(&w->sites[1]);
}

static void add_token(struct world *w, const char *token, const char *site, uint64_t uses,
		      bool approved, int64_t made)
{
	struct enrolment_token *t = enrolment_add_token(&w->e);
	sha256_hex(token, strlen(token), t->sha256);
	t->site = site ? xstrdup(site) : NULL;
	t->uses = uses;
	t->approved = approved;
	t->made = made;
	t->expires = EXPIRES;
}

/* What becomes of a machine called `key` with this token and serial at `now`. */
static enum enrol_status ask_at(struct world *w, const char *key, const char *token,
				const char *serial, int64_t now)
{
	struct enrol_request request = { .token = xstrdup(token), .public_key = xstrdup(key) };
	request.facts.serial = serial ? xstrdup(serial) : NULL;
	strv_add(&request.facts.macs, "52:54:00:00:00:01");
	_cleanup_enrol_answer_ struct enrol_answer answer = { 0 };
	enrol_decide(&w->e, &w->list, &request, key, now, &answer);
	if (answer.status == ENROL_ENROLLED)
		assert_non_null(answer.site);
	else
		assert_non_null(answer.reason);
	enrol_request_destroy(&request);
	return answer.status;
}

static enum enrol_status ask(struct world *w, const char *key, const char *token)
{
	return ask_at(w, key, token, NULL, NOW);
}

static void test_one_use(void **state)
{
	struct world w;
	world_init(&w);
	add_token(&w, TOKEN, "kbh1", 1, true, MADE);
	assert_int_equal(ask(&w, "thief", OTHER), ENROL_REFUSED);
	assert_int_equal(w.e.machine_count, 0);
	assert_int_equal(ask(&w, "a", TOKEN), ENROL_ENROLLED);
	assert_int_equal(ask(&w, "a", TOKEN), ENROL_ENROLLED);
	assert_int_equal(ask(&w, "b", TOKEN), ENROL_REFUSED);
	assert_int_equal(ask(&w, "b", TOKEN), ENROL_REFUSED);
	assert_int_equal(enrolment_token_used(&w.e, w.e.tokens[0].sha256), 1);
	assert_int_equal(enrolment_token_refused(&w.e, w.e.tokens[0].sha256), 1);
	assert_string_equal(enrolment_of_site(&w.e, "kbh1")->fingerprint, "a");
	world_destroy(&w);
}

static void test_expiry_ends_the_first_use(void **state)
{
	struct world w;
	world_init(&w);
	add_token(&w, TOKEN, "kbh1", 1, false, MADE);
	assert_int_equal(ask_at(&w, "late", TOKEN, NULL, EXPIRES), ENROL_REFUSED);
	assert_int_equal(w.e.machine_count, 0);
	assert_int_equal(ask_at(&w, "a", TOKEN, NULL, EXPIRES - 1), ENROL_PENDING);
	assert_int_equal(ask_at(&w, "a", TOKEN, NULL, EXPIRES + 100), ENROL_PENDING);
	world_destroy(&w);
}

static void test_a_token_given_up_is_not_free(void **state)
{
	struct world w;
	world_init(&w);
	add_token(&w, TOKEN, "kbh1", 1, false, MADE);
	add_token(&w, OTHER, "kbh1", 1, true, MADE);
	assert_int_equal(ask(&w, "a", TOKEN), ENROL_PENDING);
	assert_int_equal(ask(&w, "a", OTHER), ENROL_ENROLLED);
	assert_int_equal(ask(&w, "b", TOKEN), ENROL_REFUSED);
	world_destroy(&w);
}

static void test_replacing(void **state)
{
	struct world w;
	world_init(&w);
	add_token(&w, TOKEN, "kbh1", 1, true, MADE);
	assert_int_equal(ask(&w, "a", TOKEN), ENROL_ENROLLED);
	add_token(&w, OTHER, "kbh1", 1, true, NOW - 1);
	assert_int_equal(ask(&w, "b", OTHER), ENROL_REFUSED);
	w.e.tokens[1].made = NOW + 1;
	assert_int_equal(ask_at(&w, "c", OTHER, NULL, NOW + 2), ENROL_ENROLLED);
	assert_string_equal(enrolment_of_site(&w.e, "kbh1")->fingerprint, "c");
	assert_int_equal(ask(&w, "a", TOKEN), ENROL_REFUSED);
	world_destroy(&w);
}

static void test_revoked(void **state)
{
	struct world w;
	world_init(&w);
	add_token(&w, TOKEN, "kbh1", 1, true, MADE);
	assert_int_equal(ask(&w, "a", TOKEN), ENROL_ENROLLED);
	machine_set(enrolment_machine(&w.e, "a"), MACHINE_REVOKED, NOW, "revoked");
	add_token(&w, OTHER, "kbh1", 1, true, NOW + 1);
	assert_int_equal(ask(&w, "a", OTHER), ENROL_REFUSED);
	assert_int_equal(enrolment_token_used(&w.e, w.e.tokens[1].sha256), 0);
	world_destroy(&w);
}

static void test_batch(void **state)
{
	struct world w;
	world_init(&w);
	add_token(&w, TOKEN, NULL, 3, false, MADE);
	assert_int_equal(ask_at(&w, "a", TOKEN, "sn-0001", NOW), ENROL_ENROLLED);
	w.sites[0].has_machine = true;
	assert_int_equal(ask_at(&w, "b", TOKEN, "SN-0001", NOW), ENROL_PENDING);
	assert_int_equal(ask_at(&w, "c", TOKEN, "SN-0002", NOW), ENROL_PENDING);
	assert_int_equal(ask_at(&w, "d", TOKEN, "SN-0009", NOW), ENROL_REFUSED);
	/* The operator writes it down while it waits. */
	w.sites[1].has_machine = false;
	assert_int_equal(ask_at(&w, "c", TOKEN, "SN-0002", NOW), ENROL_ENROLLED);
	world_destroy(&w);
}

static void test_hardware_match(void **state)
{
	struct world w;
	struct enrol_facts facts = { 0 };
	_cleanup_free_ char *why = NULL;
	world_init(&w);
	/* All that is written down must fit, and junk is no serial. */
	facts.serial = xstrdup("SN-0001");
	assert_null(hardware_match(&w.list, &facts, &why));
	strv_add(&facts.macs, "52:54:00:00:00:01");
	free(why);
	assert_string_equal(hardware_match(&w.list, &facts, &why), "kbh1");
	free(w.sites[1].serial);
	w.sites[1].serial = xstrdup("SN-0001");
	assert_null(hardware_match(&w.list, &facts, &why));
	assert_non_null(strstr(why, "kbh1 and of kbh2"));
	enrol_facts_destroy(&facts);
	world_destroy(&w);
	static const char *const junk[] = { "", "0", "0000000", "xxxxxxx", "None",
					    "To Be Filled By O.E.M.", "Default string",
					    "123456789", "abc" };
	for (size_t i = 0; i < ARRAY_SIZE(junk); i++)
		assert_true(hardware_serial_is_junk(junk[i]));
	assert_false(hardware_serial_is_junk("5CG2191XYZ"));
}

static void test_record_round_trip(void **state)
{
	struct world w;
	struct err err = ERR_INIT;
	_cleanup_(enrolment_freep) struct enrolment *read = NULL;
	_cleanup_strbuf_ struct strbuf first = STRBUF_INIT, second = STRBUF_INIT;
	world_init(&w);
	add_token(&w, TOKEN, "kbh1", 1, false, MADE);
	add_token(&w, OTHER, NULL, 7, false, MADE);
	assert_int_equal(ask_at(&w, "a", TOKEN, "SN 1", NOW), ENROL_PENDING);
	assert_int_equal(ask_at(&w, "b", TOKEN, NULL, NOW), ENROL_REFUSED);
	enrolment_format(&w.e, &first);
	assert_ok(enrolment_parse(first.data, first.len, "record", &read, &err));
	enrolment_format(read, &second);
	assert_string_equal(first.data, second.data);
	world_destroy(&w);
}

static void parse_any(const char *text, size_t len)
{
	struct err err = ERR_INIT;
	_cleanup_(enrolment_freep) struct enrolment *read = NULL;
	if (enrolment_parse(text, len, "record", &read, &err) < 0)
		assert_null(read);
	err_clear(&err);
}

/* Whatever is let through has a good token and lines that are lines. */
static void request_any(const char *text, size_t len)
{
	struct err err = ERR_INIT;
	_cleanup_enrol_request_ struct enrol_request r = { 0 };
	if (enrol_request_parse(text, len, ENROL_ENROLL, &r, &err) == 0) {
		assert_true(enrol_token_is_valid(r.token));
		assert_true(!r.site || site_name_is_valid(r.site));
		assert_null(r.facts.serial ? strpbrk(r.facts.serial, "\n\033") : NULL);
	}
	err_clear(&err);
}

static void test_mutations(void **state)
{
	mutate("Format: waybill-enrol 1\nToken: " TOKEN "\nPublic-Key: k\nSite: kbh1\n"
	       "Machine-Serial: SN 1\nMac:\n 52:54:00:00:00:01\nDisks: sda 1\n",
	       request_any);
	mutate("Token: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\nSite: k\n"
	       "Uses: 1\nApproved: yes\nMade: 2026-11-21T07:30:00Z\nExpires: 2026-12-21T07:30:00Z\n"
	       "\nMachine: SHA256:x\nPublic-Key: k\nStatus: pending\nMac: 52:54:00:00:00:01\n"
	       "First-Seen: 2026-11-21T07:30:00Z\nLast-Seen: 2026-11-21T07:30:00Z\n"
	       "Since: 2026-11-21T07:30:00Z\n",
	       parse_any);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_use),
		cmocka_unit_test(test_expiry_ends_the_first_use),
		cmocka_unit_test(test_a_token_given_up_is_not_free),
		cmocka_unit_test(test_replacing),
		cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_hardware_match),
		cmocka_unit_test(test_record_round_trip),
		cmocka_unit_test(test_mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
