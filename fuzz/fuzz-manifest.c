/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A site's manifest, site.list; the first byte says what of it: 's' the signed text's frame,
 * 'm' the list inside, '0' to '2' an operator's file that becomes one of its three lists. */
#include <stdlib.h>
#include <string.h>

#include "common/pgp-frame.h"
#include "common/site-list.h"

static const char *const packages[] = { "askom", "tiny", "libaskom1", "g++", "linux-image-6.1.0-18-amd64" };

static void check_entries(const struct site_list *list)
{
	for (int kind = 0; kind < LIST_KINDS; kind++)
		for (size_t i = 0; i < list->lists[kind].count; i++)
			for (size_t j = 0; j < ARRAY_SIZE(packages); j++)
				(void)site_list_entry_matches(&list->lists[kind].items[i], packages[j]);
}

/* What was read is written; that can be signed, and read again it is the same. */
static void check_again(const struct site_list *list)
{
	struct strbuf out = STRBUF_INIT, twice = STRBUF_INIT;
	struct site_list *again = NULL;
	struct err err = ERR_INIT;
	site_list_format(list, &out);
	if (pgp_frame_check_text(out.data, out.len, &err) < 0 ||
	    site_list_parse(out.data, out.len, &again, &err) < 0)
		abort();
	site_list_format(again, &twice);
	if (twice.len != out.len || memcmp(twice.data, out.data, out.len) != 0 ||
	    again->fetch.rate_limit != list->fetch.rate_limit ||
	    again->host.min_free_bytes != list->host.min_free_bytes)
		abort();
	site_list_free(again);
	strbuf_destroy(&out);
	strbuf_destroy(&twice);
}

static void check_policy(const struct site_list *list)
{
	struct fetch_policy own, all;
	fetch_policy_init(&own);
	fetch_policy_merge(&own, &list->fetch, &all);
	if (!all.parallel || !all.deadline_s || all.peers.count > list->fetch.peers.count)
		abort();
	fetch_policy_destroy(&own);
	fetch_policy_destroy(&all);
}

static void check_list(const char *text, size_t size)
{
	struct site_list *list = NULL;
	struct err err = ERR_INIT;
	if (site_list_parse(text, size, &list, &err) == 0) {
		check_policy(list);
		check_entries(list);
		check_again(list);
	}
	site_list_free(list);
	err_clear(&err);
}

static void check_operator_file(const char *text, size_t size, enum site_list_kind kind)
{
	struct site_list *list = site_list_new();
	struct err err = ERR_INIT;
	list->site = xstrdup("kbh1");
	list->date = list->valid_until = 1795217051;
	if (site_list_read_operator_file(text, size, "file", kind, list, &err) == 0 &&
	    site_list_check(list, &err) == 0) {
		check_entries(list);
		check_again(list);
	}
	site_list_free(list);
	err_clear(&err);
}

/* Nothing stands around what is signed. */
static void check_frame(const char *text, size_t size)
{
	static const char begin[] = "-----BEGIN PGP SIGNED MESSAGE-----\n",
			  again[] = "\n-----BEGIN PGP SIGNED MESSAGE-----\n",
			  end[] = "\n-----END PGP SIGNATURE-----\n";
	struct err err = ERR_INIT;
	if (pgp_frame_check(text, size, &err) == 0 &&
	    (size < strlen(begin) + strlen(end) || memcmp(text, begin, strlen(begin)) != 0 ||
	     memcmp(text + size - strlen(end), end, strlen(end)) != 0 ||
	     memmem(text, size, again, strlen(again))))
		abort();
	err_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	if (size == 0)
		return 0;
	if (data[0] == 's')
		check_frame(text, size - 1);
	else if (data[0] == 'm')
		check_list(text, size - 1);
	else if (data[0] >= '0' && data[0] < '0' + LIST_KINDS)
		check_operator_file(text, size - 1, (enum site_list_kind)(data[0] - '0'));
	return 0;
}
