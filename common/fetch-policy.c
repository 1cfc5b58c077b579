/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/fetch-policy.h"

#include <ctype.h>
#include <inttypes.h>

#include "common/network-list.h"
#include "common/util.h"

enum kind { BYTES, SECONDS, COUNT };
enum { MAX_PEERS = 16, MAX_URL = 512 };
#define SERVING_CACHE_BYTES (1ull << 30)

static const struct field {
	const char *name;
	size_t offset;
	enum kind kind;
	bool in_list;
	uint64_t min, max, fallback;
} numbers[] = {
	{ "Rate-Limit", offsetof(struct fetch_policy, rate_limit), BYTES, true, 0, 1ull << 40, 0 },
	{ "Minimum-Rate", offsetof(struct fetch_policy, minimum_rate), BYTES, false, 0, 1ull << 40,
	  256 },
	{ "Stall-Time", offsetof(struct fetch_policy, stall_s), SECONDS, false, 1, 3600, 60 },
	{ "Fetch-Deadline", offsetof(struct fetch_policy, deadline_s), SECONDS, true, 1,
	  30 * 86400, 8 * 3600 },
	{ "Parallel", offsetof(struct fetch_policy, parallel), COUNT, false, 1, 8, 2 },
	{ "Cache-Size", offsetof(struct fetch_policy, cache_bytes), BYTES, true, 0, 1ull << 50, 0 },
	{ "Cache-Time", offsetof(struct fetch_policy, cache_s), SECONDS, true, 0, 3650ull * 86400,
	  7 * 86400 },
};

static uint64_t *number_of(struct fetch_policy *policy, const struct field *field)
{
	return (uint64_t *)(void *)((char *)policy + field->offset);
}

static uint64_t value_of(const struct fetch_policy *policy, const struct field *field)
{
	return *(const uint64_t *)(const void *)((const char *)policy + field->offset);
}

void fetch_policy_init(struct fetch_policy *policy)
{
	*policy = (struct fetch_policy){ .proxy = NULL };
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		*number_of(policy, &numbers[i]) = FETCH_UNSET;
}

void fetch_policy_destroy(struct fetch_policy *policy)
{
	free(policy->proxy);
	strv_destroy(&policy->peers);
	strv_destroy(&policy->serve_to);
	*policy = (struct fetch_policy){ .proxy = NULL };
}

static int parse_number(const char *text, const struct field *field, uint64_t *out,
			struct err *err)
{
	uint64_t number = 0;
	int rc = field->kind == SECONDS ? duration_parse(text, &number, field->name, err)
		 : field->kind == BYTES ? size_parse(text, &number, field->name, err)
					: number_parse(text, field->min, field->max, &number,
						       field->name, err);
	if (rc < 0)
		return -1;
	if (number < field->min || number > field->max)
		return err_set(err, ERR_INPUT, "%s: '%s' is not from %" PRIu64 " to %" PRIu64,
			       field->name, text, field->min, field->max);
	*out = number;
	return 0;
}

/* Of what libcurl gets nothing may be an option, a blank or a control character. */
static bool is_url(const char *text, bool with_socks)
{
	static const char *const schemes[] = { "http://", "https://", "socks5://", "socks5h://" };
	const char *host = NULL;
	for (size_t i = 0; i < (with_socks ? ARRAY_SIZE(schemes) : 2); i++)
		if (str_starts(text, schemes[i]))
			host = text + strlen(schemes[i]);
	if (!host || !*host || strlen(text) > MAX_URL || strpbrk(text, "\"<>\\^`{}|?#"))
		return false;
	for (const char *p = text; *p; p++)
		if (!isgraph((unsigned char)*p))
			return false;
	return isalnum((unsigned char)*host) || *host == '[';
}

static int parse_peers(const char *text, struct strv *peers, struct err *err)
{
	strv_destroy(peers);
	strv_split(peers, text, " \t\n,");
	for (size_t i = 0; i < peers->count; i++) {
		char *peer = peers->items[i];
		if (!is_url(peer, false))
			return err_set(err, ERR_INPUT, "Peers: '%s' is no http:// or https:// address",
				       peer);
		while (str_ends(peer, "/"))
			peer[strlen(peer) - 1] = '\0';
	}
	if (peers->count > MAX_PEERS)
		return err_set(err, ERR_INPUT, "Peers: more than %d", MAX_PEERS);
	return 0;
}

int serve_to_parse(const char *text, struct strv *out, struct err *err)
{
	_cleanup_strv_ struct strv networks = STRV_INIT;
	bool any = str_eq(text, "any");
	if (str_eq(text, "private")) { /* RFC 1918 */
		strv_addv(out, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", NULL);
		return 0;
	}
	if (network_list_parse(text, "Serve-To", &networks, err) < 0)
		return -1;
	for (size_t i = 0; i < networks.count; i++) {
		if (!network_is_ipv6(networks.items[i]))
			strv_add(out, networks.items[i]);
		else if (!any)
			return err_set(err, ERR_INPUT,
				       "Serve-To: %s is of IPv6; neighbours are served by IPv4",
				       networks.items[i]);
	}
	return 0;
}

static int parse_proxy(const char *text, struct fetch_policy *policy, struct err *err)
{
	if (!str_eq(text, "none") && !is_url(text, true))
		return err_set(err, ERR_INPUT,
			       "Proxy: '%s' is neither 'none' nor an address such as "
			       "http://proxy.example.org:3128", text);
	free(policy->proxy);
	policy->proxy = xstrdup(text);
	return 0;
}

int fetch_policy_parse(const struct deb822_stanza *stanza, bool in_list,
		       struct fetch_policy *policy, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const char *text = deb822_get(stanza, numbers[i].name);
		if (text && (numbers[i].in_list || !in_list) &&
		    parse_number(text, &numbers[i], number_of(policy, &numbers[i]), err) < 0)
			return -1;
	}
	const char *peers = deb822_get(stanza, "Peers");
	if (peers && parse_peers(peers, &policy->peers, err) < 0)
		return -1;
	const char *serve_to = deb822_get(stanza, "Serve-To");
	if (serve_to && serve_to_parse(serve_to, &policy->serve_to, err) < 0)
		return -1;
	policy->has_serve_to = serve_to != NULL;
	const char *proxy = in_list ? NULL : deb822_get(stanza, "Proxy");
	return proxy ? parse_proxy(proxy, policy, err) : 0;
}

void fetch_policy_write(struct strbuf *out, const struct fetch_policy *policy)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uint64_t value = value_of(policy, &numbers[i]);
		if (!numbers[i].in_list || value == FETCH_UNSET)
			continue;
		_cleanup_free_ char *text = xasprintf("%" PRIu64 "%s", value,
						      numbers[i].kind == SECONDS ? "s" : "");
		deb822_write(out, numbers[i].name, text);
	}
	_cleanup_free_ char *peers = strv_join(&policy->peers, " ");
	if (policy->peers.count)
		deb822_write(out, "Peers", peers);
	_cleanup_free_ char *serve_to = strv_join(&policy->serve_to, " ");
	if (policy->has_serve_to)
		deb822_write(out, "Serve-To", policy->serve_to.count ? serve_to : "none");
}

void serve_to_merge(const struct fetch_policy *own, const struct fetch_policy *list,
		    struct strv *out)
{
	const struct fetch_policy *says = own && own->has_serve_to ? own : list;
	for (size_t i = 0; says && i < says->serve_to.count; i++)
		strv_add(out, says->serve_to.items[i]);
}

void fetch_policy_merge(const struct fetch_policy *own, const struct fetch_policy *list,
			struct fetch_policy *out)
{
	fetch_policy_init(out);
	serve_to_merge(own, list, &out->serve_to);
	out->has_serve_to = true;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uint64_t value = value_of(own, &numbers[i]);
		if (value == FETCH_UNSET && list)
			value = value_of(list, &numbers[i]);
		*number_of(out, &numbers[i]) = value == FETCH_UNSET ? numbers[i].fallback : value;
	}
	out->until_ms = monotonic_ms() + (int64_t)out->deadline_s * 1000;
	if (out->serve_to.count && own->cache_bytes == FETCH_UNSET &&
	    (!list || list->cache_bytes == FETCH_UNSET))
		out->cache_bytes = SERVING_CACHE_BYTES;
	out->proxy = own->proxy ? xstrdup(own->proxy) : NULL;
	for (size_t i = 0; i < own->peers.count; i++)
		strv_add(&out->peers, own->peers.items[i]);
	for (size_t i = 0; list && i < list->peers.count; i++)
		if (!strv_contains(&out->peers, list->peers.items[i]))
			strv_add(&out->peers, list->peers.items[i]);
}
