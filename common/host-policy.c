/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/host-policy.h"

#include <ctype.h>
#include <inttypes.h>

#include "common/network-list.h"
#include "common/util.h"

#define DEFAULT_ORIGIN "Debian/Debian-Security"
#define DEFAULT_MIN_FREE (1ull << 30)
enum { DEFAULT_KERNELS = 2, MAX_KERNELS = 20, MAX_ORIGINS = 16 };

static const char *const upgrade_names[] = { "none", "security", "all" };

void host_policy_init(struct host_policy *policy)
{
	*policy = (struct host_policy){ .upgrades = HOST_UPGRADES_SECURITY,
					.keep_kernels = DEFAULT_KERNELS,
					.min_free_bytes = DEFAULT_MIN_FREE };
	strv_add(&policy->security_origins, DEFAULT_ORIGIN);
}

void host_policy_destroy(struct host_policy *policy)
{
	strv_destroy(&policy->security_origins);
	strv_destroy(&policy->ssh_from);
}

static int parse_upgrades(const char *text, enum host_upgrades *upgrades, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(upgrade_names); i++)
		if (str_eq(text, upgrade_names[i])) {
			*upgrades = (enum host_upgrades)i;
			return 0;
		}
	return err_set(err, ERR_INPUT, "Host-Upgrades: '%s' is neither 'none' nor 'security' nor "
		       "'all'", text);
}

/* In place: no blank at either end. */
static char *trimmed(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	size_t len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text;
}

static int parse_origins(const char *value, struct strv *origins, struct err *err)
{
	_cleanup_strv_ struct strv parts = STRV_INIT;
	strv_split(&parts, value, ",\n");
	strv_destroy(origins);
	for (size_t i = 0; i < parts.count; i++) {
		const char *origin = trimmed(parts.items[i]);
		const char *slash = strchr(origin, '/');
		if (!slash || slash == origin || !slash[1])
			return err_set(err, ERR_INPUT,
				       "Security-Origins: '%s' is not ORIGIN/LABEL such as "
				       DEFAULT_ORIGIN, origin);
		strv_add(origins, origin);
	}
	if (origins->count == 0 || origins->count > MAX_ORIGINS)
		return err_set(err, ERR_INPUT, "Security-Origins: %zu of them, not 1 to %d",
			       origins->count, MAX_ORIGINS);
	return 0;
}

static int parse_kernels(const char *text, unsigned *count, struct err *err)
{
	uint64_t number = 0;
	if (!str_eq(text, "all") && number_parse(text, 1, MAX_KERNELS, &number, "Keep-Kernels",
						 err) < 0)
		return -1;
	*count = (unsigned)number;
	return 0;
}

int host_policy_parse(const struct deb822_stanza *stanza, struct host_policy *policy,
		      struct err *err)
{
	const char *text = deb822_get(stanza, "Host-Upgrades");
	if (text && parse_upgrades(text, &policy->upgrades, err) < 0)
		return -1;
	text = deb822_get(stanza, "Security-Origins");
	if (text && parse_origins(text, &policy->security_origins, err) < 0)
		return -1;
	text = deb822_get(stanza, "Keep-Kernels");
	if (text && parse_kernels(text, &policy->keep_kernels, err) < 0)
		return -1;
	text = deb822_get(stanza, "Reboot-Window");
	if (text && day_window_parse(text, &policy->reboot, "Reboot-Window", err) < 0)
		return -1;
	text = deb822_get(stanza, "Min-Free");
	if (text && size_parse(text, &policy->min_free_bytes, "Min-Free", err) < 0)
		return -1;
	text = deb822_get(stanza, "Host-Ssh");
	policy->has_ssh_from = text != NULL;
	return text ? network_list_parse(text, "Host-Ssh", &policy->ssh_from, err) : 0;
}

static void write_size(struct strbuf *out, const char *name, uint64_t bytes)
{
	static const char units[] = { 'K', 'M', 'G', 'T' };
	size_t unit = 0;
	char suffix[2] = "";
	for (; unit < sizeof(units) && bytes && bytes % 1024 == 0; unit++) {
		bytes /= 1024;
		suffix[0] = units[unit];
	}
	_cleanup_free_ char *text = xasprintf("%" PRIu64 "%s", bytes, suffix);
	deb822_write(out, name, text);
}

void host_policy_write(struct strbuf *out, const struct host_policy *policy)
{
	if (policy->upgrades != HOST_UPGRADES_SECURITY)
		deb822_write(out, "Host-Upgrades", upgrade_names[policy->upgrades]);
	_cleanup_free_ char *origins = strv_join(&policy->security_origins, ", ");
	if (!str_eq(origins, DEFAULT_ORIGIN))
		deb822_write(out, "Security-Origins", origins);
	_cleanup_free_ char *kernels = policy->keep_kernels ? xasprintf("%u", policy->keep_kernels)
							     : xstrdup("all");
	if (policy->keep_kernels != DEFAULT_KERNELS)
		deb822_write(out, "Keep-Kernels", kernels);
	_cleanup_free_ char *window = day_window_format(&policy->reboot);
	if (policy->reboot.is_set)
		deb822_write(out, "Reboot-Window", window);
	if (policy->min_free_bytes != DEFAULT_MIN_FREE)
		write_size(out, "Min-Free", policy->min_free_bytes);
	_cleanup_free_ char *ssh_from = strv_join(&policy->ssh_from, " ");
	if (policy->has_ssh_from)
		deb822_write(out, "Host-Ssh", policy->ssh_from.count ? ssh_from : "none");
}
