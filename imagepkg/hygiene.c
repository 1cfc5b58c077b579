/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/hygiene.h"

#include <fnmatch.h>
#include <stddef.h>

/* The first match counts. A star matches slashes too, so the rule of /tmp takes all that
 * is below it, but not /tmp itself. */
static const struct {
	const char *pattern;
	enum hygiene_action action;
} rules[] = {
	/* Caches and lists that package tools make again */
	{ "var/cache/apt/archives/*.deb", HYGIENE_DROP },
	{ "var/cache/apt/archives/partial/*", HYGIENE_DROP },
	{ "var/cache/apt/*.bin", HYGIENE_DROP },
	{ "var/lib/apt/lists/partial", HYGIENE_KEEP },
	{ "var/lib/apt/lists/auxfiles", HYGIENE_KEEP },
	{ "var/lib/apt/lists/*", HYGIENE_DROP },
	{ "var/cache/debconf/*-old", HYGIENE_DROP },
	{ "var/lib/dpkg/*-old", HYGIENE_DROP },
	{ "var/cache/ldconfig/aux-cache", HYGIENE_DROP },
	{ "var/cache/man/*", HYGIENE_DROP },
	{ "var/backups/*", HYGIENE_DROP },
	{ "etc/passwd-", HYGIENE_DROP },
	{ "etc/group-", HYGIENE_DROP },
	{ "etc/shadow-", HYGIENE_DROP },
	{ "etc/gshadow-", HYGIENE_DROP },
	{ "etc/subuid-", HYGIENE_DROP },
	{ "etc/subgid-", HYGIENE_DROP },
	/* Who this machine is: another at each site */
	{ "etc/machine-id", HYGIENE_EMPTY },
	{ "var/lib/dbus/machine-id", HYGIENE_DROP },
	{ "etc/ssh/ssh_host_*_key", HYGIENE_DROP },
	{ "etc/ssh/ssh_host_*_key.pub", HYGIENE_DROP },
	{ "var/lib/systemd/random-seed", HYGIENE_DROP },
	{ "var/lib/systemd/credential.secret", HYGIENE_DROP },
	{ "var/lib/urandom/random-seed", HYGIENE_DROP },
	{ "var/lib/dhcp/*", HYGIENE_DROP },
	{ "var/lib/NetworkManager/*", HYGIENE_DROP },
	{ "var/lib/cloud/*", HYGIENE_DROP },
	{ "etc/udev/rules.d/70-persistent-net.rules", HYGIENE_DROP },
	/* What happened while it was built */
	{ "var/log/journal/*", HYGIENE_DROP },
	{ "var/log/*.gz", HYGIENE_DROP },
	{ "var/log/*.xz", HYGIENE_DROP },
	{ "var/log/*.[0-9]", HYGIENE_DROP },
	{ "var/log/*.old", HYGIENE_DROP },
	{ "var/log/*", HYGIENE_EMPTY },
	{ "var/lib/systemd/timesync/*", HYGIENE_DROP },
	{ "var/lib/systemd/timers/*", HYGIENE_DROP },
	{ "root/.bash_history", HYGIENE_DROP },
	{ "home/*/.bash_history", HYGIENE_DROP },
	{ "tmp/*", HYGIENE_DROP },
	{ "var/tmp/*", HYGIENE_DROP },
	{ "run/*", HYGIENE_DROP },
};

enum hygiene_action hygiene_of(const char *path)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (fnmatch(rules[i].pattern, path, 0) == 0)
			return rules[i].action;
	return HYGIENE_KEEP;
}
