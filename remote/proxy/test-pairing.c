/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/test-lib.h"

#include "remote/mip-line.h"
#include "remote/proxy/proxy.h"

enum { TICKETS = 65536 };

/* In the place of an agent: which version it speaks, and how often it was asked. */
static enum mip_version version = MIP_1;
static int asked;

enum mip_version mip_line_version(const struct mip_line *mip)
{
	return version;
}

void mip_line_send(struct mip_line *mip, const struct mip_message *message)
{
	asked++;
}

static void test_no_ticket_is_free(void **state)
{
	struct proxy proxy = { .pairings = NULL };
	struct machine machine = { .name = NULL };
	struct pairing *taken = xcalloc(TICKETS, sizeof(*taken)), one;
	for (size_t i = 0; i < TICKETS; i++) {
		taken[i].next = i + 1 < TICKETS ? &taken[i + 1] : NULL;
		taken[i].ticket[MIP_TICKET_BYTES - 2] = (uint8_t)(i >> 8);
		taken[i].ticket[MIP_TICKET_BYTES - 1] = (uint8_t)i;
	}
	proxy.pairings = taken;
	assert_int_equal(pairing_begin(&one, &proxy, &machine, "", 0, NULL, NULL), -1);
	assert_int_equal(asked, 0);
	assert_ptr_equal(proxy.pairings, taken);
	pairing_end(&one);
	assert_ptr_equal(proxy.pairings, taken);

	/* Half of them left: one is soon found. */
	taken[TICKETS / 2 - 1].next = NULL;
	assert_int_equal(pairing_begin(&one, &proxy, &machine, "", 0, NULL, NULL), 0);
	assert_int_equal(asked, 1);
	assert_ptr_equal(pairing_find(&proxy, &machine, one.ticket), &one);
	assert_true(one.ticket[MIP_TICKET_BYTES - 2] >= 0x80);
	pairing_end(&one);

	/* 128 bits are never short. */
	taken[TICKETS / 2 - 1].next = &taken[TICKETS / 2];
	version = MIP_2;
	assert_int_equal(pairing_begin(&one, &proxy, &machine, "", 0, NULL, NULL), 0);
	pairing_end(&one);
	free(taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_ticket_is_free),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
