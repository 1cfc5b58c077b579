/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/phase.h"

#include "common/hash.h"
#include "common/util.h"

unsigned phase_place(const char *site, const char *source, const char *version)
{
	_cleanup_free_ char *seed = xasprintf("waybill-phase %s %s %s", site, source, version);
	char hex[SHA256_HEX_LEN + 1];
	sha256_hex(seed, strlen(seed), hex);
	hex[16] = '\0';
	return (unsigned)(strtoull(hex, NULL, 16) % 100);
}
