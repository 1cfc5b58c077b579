/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/network-list.h"

#include <arpa/inet.h>

#include "common/util.h"

enum { MAX_NETWORKS = 64 };

bool network_is_ipv6(const char *network)
{
	return strchr(network, ':') != NULL;
}

/* 10.1.2.3/8 is more likely a typing error than a network. */
static bool has_host_bits(const unsigned char *bytes, unsigned size, unsigned bits)
{
	for (unsigned i = bits; i < size * 8; i++)
		if (bytes[i / 8] & (0x80u >> (i % 8)))
			return true;
	return false;
}

static int add_network(const char *word, const char *field, struct strv *out,
		       struct err *err)
{
	_cleanup_free_ char *address = xstrdup(word);
	unsigned char bytes[16];
	char *slash = strchr(address, '/');
	bool ipv6 = network_is_ipv6(word);
	unsigned size = ipv6 ? 16 : 4;
	uint64_t bits = size * 8;
	if (slash)
		*slash++ = '\0';
	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, address, bytes) != 1)
		return err_set(err, ERR_INPUT,
			       "%s: '%.64s' is neither none nor any nor a network such as "
			       "10.0.0.0/8", field, word);
	if (slash && number_parse(slash, 0, size * 8, &bits, field, err) < 0)
		return -1;
	if (has_host_bits(bytes, size, (unsigned)bits))
		return err_set(err, ERR_INPUT,
			       "%s: '%.64s' is no network: some of its last %u bits are set",
			       field, word, size * 8 - (unsigned)bits);
	strv_addf(out, "%s/%u", address, (unsigned)bits);
	return 0;
}

int network_list_parse(const char *text, const char *field, struct strv *out,
		       struct err *err)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	if (str_eq(text, "none"))
		return 0;
	if (str_eq(text, "any")) {
		strv_addv(out, "0.0.0.0/0", "::/0", NULL);
		return 0;
	}
	strv_split(&words, text, " \t\n");
	if (words.count == 0 || words.count > MAX_NETWORKS)
		return err_set(err, ERR_INPUT, "%s: %zu networks, not 1 to %d", field,
			       words.count, MAX_NETWORKS);
	for (size_t i = 0; i < words.count; i++)
		if (add_network(words.items[i], field, out, err) < 0)
			return -1;
	return 0;
}

bool network_list_has(const struct strv *networks, struct in_addr address)
{
	for (size_t i = 0; i < networks->count; i++) {
		_cleanup_free_ char *network = xstrdup(networks->items[i]);
		char *slash = strchr(network, '/');
		struct in_addr base;
		*slash++ = '\0';
		unsigned bits = (unsigned)atoi(slash);
		if (inet_pton(AF_INET, network, &base) != 1)
			continue;
		uint32_t differ = ntohl(base.s_addr ^ address.s_addr);
		if (bits == 0 || differ >> (32 - bits) == 0)
			return true;
	}
	return false;
}
