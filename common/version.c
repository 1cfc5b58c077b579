/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Debian version comparison. Source: Debian policy 5.6.12. */
#include <ctype.h>

#include "common/util.h"

/* Sorting weight in a non-digit part: '~' before the end, the end before
 * letters, letters before the rest. */
static int weight(int c)
{
	if (c == '~')
		return -1;
	if (c == 0 || isdigit(c))
		return 0;
	return isalpha(c) ? c : c + 256;
}

/* Compare two strings of alternating non-digit and digit parts. */
static int compare_parts(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t i = 0, j = 0;
#define AT(s, n, k) ((k) < (n) ? (unsigned char)(s)[k] : 0)
	while (i < a_len || j < b_len) {
		while ((AT(a, a_len, i) && !isdigit(AT(a, a_len, i))) ||
		       (AT(b, b_len, j) && !isdigit(AT(b, b_len, j)))) {
			int difference = weight(AT(a, a_len, i)) - weight(AT(b, b_len, j));
			if (difference)
				return difference;
			i++;
			j++;
		}
		while (AT(a, a_len, i) == '0')
			i++;
		while (AT(b, b_len, j) == '0')
			j++;
		int first = 0;
		for (; isdigit(AT(a, a_len, i)) && isdigit(AT(b, b_len, j)); i++, j++)
			if (!first)
				first = AT(a, a_len, i) - AT(b, b_len, j);
		if (isdigit(AT(a, a_len, i)))
			return 1;
		if (isdigit(AT(b, b_len, j)))
			return -1;
		if (first)
			return first;
	}
#undef AT
	return 0;
}

int version_compare(const char *a, const char *b)
{
	const char *a_colon = strchr(a, ':'), *b_colon = strchr(b, ':');
	unsigned long a_epoch = a_colon ? strtoul(a, NULL, 10) : 0;
	unsigned long b_epoch = b_colon ? strtoul(b, NULL, 10) : 0;
	if (a_epoch != b_epoch)
		return a_epoch < b_epoch ? -1 : 1;
	a = a_colon ? a_colon + 1 : a;
	b = b_colon ? b_colon + 1 : b;

	/* The last hyphen begins the Debian revision; none counts as "0". */
	const char *a_dash = strrchr(a, '-'), *b_dash = strrchr(b, '-');
	size_t a_len = a_dash ? (size_t)(a_dash - a) : strlen(a);
	size_t b_len = b_dash ? (size_t)(b_dash - b) : strlen(b);
	int upstream = compare_parts(a, a_len, b, b_len);
	if (upstream)
		return upstream;
	const char *a_rev = a_dash ? a_dash + 1 : "0", *b_rev = b_dash ? b_dash + 1 : "0";
	return compare_parts(a_rev, strlen(a_rev), b_rev, strlen(b_rev));
}
