/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/host-sources.h"

#include "common/subproc.h"
#include "common/util.h"

/* "bookworm-security" -> "-security"; backports and the like are no default. */
static const char *known_suffix(const char *release)
{
	static const char *const known[] = { "", "-updates", "-security" };
	const char *dash = strchr(release, '-');
	const char *suffix = dash ? dash : "";
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_eq(suffix, known[i]))
			return known[i];
	return NULL;
}

/* Suites that are always moving have neither updates nor security updates. */
static bool has_suffix(const char *suite, const char *suffix)
{
	return !*suffix || (!str_eq(suite, "sid") && !str_eq(suite, "unstable"));
}

static void add_line(const char *entry, const char *suite, struct strv *lines)
{
	_cleanup_strv_ struct strv field = STRV_INIT;
	strv_split(&field, entry, "\t");
	if (field.count != 4 || !str_eq(field.items[2], "main") ||
	    !str_eq(field.items[3], "Debian"))
		return;
	const char *suffix = known_suffix(field.items[0]);
	if (!suffix || !has_suffix(suite, suffix))
		return;
	_cleanup_free_ char *line = xasprintf("deb %s %s%s main", field.items[1], suite, suffix);
	if (!strv_contains(lines, line))
		strv_add(lines, line);
}

int sources_from_listing(const char *listing, const char *suite, struct strv *lines,
			 struct err *err)
{
	_cleanup_strv_ struct strv entries = STRV_INIT;
	strv_split(&entries, listing, "\n");
	for (size_t i = 0; i < entries.count; i++)
		add_line(entries.items[i], suite, lines);
	if (lines->count == 0)
		return err_set(err, ERR_NOT_FOUND, "this host's apt knows no Debian archive to "
			       "build from; run apt-get update, or name a Mirror:");
	return 0;
}

int sources_list(const char *suite, const char *mirror, struct strv *lines, struct err *err)
{
	const char *argv[] = { "apt-get", "indextargets", "--format",
			       "$(RELEASE)\t$(REPO_URI)\t$(COMPONENT)\t$(ORIGIN)",
			       "Created-By: Packages", NULL };
	_cleanup_strbuf_ struct strbuf listing = STRBUF_INIT;
	struct subproc spec = { .argv = argv, .output = &listing, .quiet = true };
	if (mirror) {
		strv_addf(lines, "deb %s %s main", mirror, suite);
		return 0;
	}
	if (subproc_run(&spec, NULL, err) != 0)
		return err_prefix(err, "cannot ask apt for this host's sources; naming a "
				  "Mirror: avoids it");
	return sources_from_listing(listing.data ? listing.data : "", suite, lines, err);
}
