/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/audit.h"

#include "common/strv.h"
#include "common/util.h"

/* Answers that must not be given at all, or only with a value that begins so. */
static const struct rule {
	const char *name;
	const char *allowed; /* NULL: none */
	const char *why;
} rules[] = {
	{ "passwd/root-password", NULL, "a password in plain text" },
	{ "passwd/root-password-again", NULL, "a password in plain text" },
	{ "passwd/user-password", NULL, "a password in plain text" },
	{ "passwd/user-password-again", NULL, "a password in plain text" },
	{ "grub-installer/password", NULL, "a password in plain text" },
	{ "grub-installer/password-again", NULL, "a password in plain text" },
	{ "netcfg/wireless_wpa", NULL, "a password in plain text" },
	{ "network-console/password", NULL, "a password in plain text" },
	{ "debian-installer/allow_unauthenticated", "false", "packages that nobody has signed" },
	{ "debian-installer/allow_unauthenticated_ssl", "false", "a mirror that nobody knows" },
	{ "apt-setup/local0/key", "base64://", "a key that is fetched" },
	{ "apt-setup/local1/key", "base64://", "a key that is fetched" },
	{ "preseed/url", NULL, "answers that are fetched" },
	{ "preseed/include", NULL, "answers that are fetched" },
};

static int check_line(const struct strv *word, unsigned number, struct err *err)
{
	const char *value = word->count > 3 ? word->items[3] : "";
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (!str_eq(word->items[1], rules[i].name) || !*value ||
		    (rules[i].allowed && str_starts(value, rules[i].allowed)))
			continue;
		return err_set(err, ERR_REFUSED, "line %u of the preseed file: %s: %s", number,
			       rules[i].name, rules[i].why);
	}
	return 0;
}

int audit_preseed(const char *text, struct err *err)
{
	for (unsigned number = 1; *text; number++) {
		size_t len = strcspn(text, "\n");
		_cleanup_free_ char *line = xstrndup(text, len);
		_cleanup_strv_ struct strv word = STRV_INIT;
		strv_split(&word, line, " \t");
		if (word.count > 1 && word.items[0][0] != '#' &&
		    check_line(&word, number, err) < 0)
			return -1;
		text += len + (text[len] == '\n');
	}
	return 0;
}
