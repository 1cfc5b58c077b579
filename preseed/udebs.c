/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/udebs.h"

#include "common/strv.h"

/* anna takes those of these priorities, and what they depend on. */
static const char *const taken_always[] = { "required", "important", "standard" };

/* What the others ask for by themselves; found by reading them for anna-install. */
static const char *const asked_for[] = {
	"apt-mirror-setup", "bterm-unifont",	   "lowmem",	     "mmc-modules",
	"multipath-udeb",   "os-prober-udeb",	   "partman-auto-crypto", "partman-auto-lvm",
	"partman-crypto",   "partman-lvm",	   "partman-multipath",	 "rtc-modules",
	"virtio-modules",
};

struct search {
	const struct deb822 *index;
	const struct udebs_present *present;
	const char *kernel;
	bool *seen;		/* one for each stanza of index */
};

static const char *name_of(const struct deb822_stanza *stanza)
{
	const char *name = deb822_get(stanza, "Package");
	return name ? name : "";
}

static bool provides(const struct deb822_stanza *stanza, const char *name)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	const char *text = deb822_get(stanza, "Provides");
	strv_split(&names, text ? text : "", ", \n");
	return strv_contains(&names, name);
}

static bool lists(const struct deb822 *status, const char *name)
{
	for (size_t i = 0; status && i < status->count; i++)
		if (str_eq(name_of(&status->stanzas[i]), name) ||
		    provides(&status->stanzas[i], name))
			return true;
	return false;
}

static bool is_present(const struct udebs_present *present, const char *name)
{
	return lists(present->initrd, name) || lists(present->extra, name);
}

/* "kernel-image-6.12.1-amd64-di" -> "6.12.1-amd64", to be freed, or NULL. */
static char *kernel_of(const struct deb822 *status)
{
	static const char prefix[] = "kernel-image-", suffix[] = "-di";
	for (size_t i = 0; i < status->count; i++) {
		const char *name = name_of(&status->stanzas[i]);
		size_t len = strlen(name), around = strlen(prefix) + strlen(suffix);
		if (len > around && str_starts(name, prefix) && str_ends(name, suffix))
			return xstrndup(name + strlen(prefix), len - around);
	}
	return NULL;
}

static bool fits_kernel(const struct search *search, const struct deb822_stanza *stanza)
{
	const char *kernel = deb822_get(stanza, "Kernel-Version");
	return !kernel || str_eq(kernel, search->kernel);
}

static void want(struct search *search, const char *name);

/* One that is present is not fetched, but what it needs is: anna looks no further than at that. */
static void want_stanza(struct search *search, size_t number)
{
	_cleanup_strv_ struct strv groups = STRV_INIT;
	const struct deb822_stanza *stanza = &search->index->stanzas[number];
	const char *depends = deb822_get(stanza, "Depends");
	if (search->seen[number] || !fits_kernel(search, stanza))
		return;
	search->seen[number] = true;
	strv_split(&groups, depends ? depends : "", ",\n");
	for (size_t i = 0; i < groups.count; i++) {
		const char *name = groups.items[i] + strspn(groups.items[i], " ");
		_cleanup_free_ char *first = xstrndup(name, strcspn(name, " (|"));
		want(search, first);
	}
}

/* A name that several provide means all of them: the installer chooses when it has seen the
 * machine. One that nobody has is not missed by the installer either. */
static void want(struct search *search, const char *name)
{
	bool real = false;
	for (size_t i = 0; i < search->index->count; i++)
		if (str_eq(name_of(&search->index->stanzas[i]), name)) {
			want_stanza(search, i);
			real = true;
		}
	if (real || is_present(search->present, name))
		return;
	for (size_t i = 0; i < search->index->count; i++)
		if (provides(&search->index->stanzas[i], name))
			want_stanza(search, i);
}

static void want_by_priority(struct search *search)
{
	for (size_t i = 0; i < search->index->count; i++) {
		const struct deb822_stanza *stanza = &search->index->stanzas[i];
		const char *priority = deb822_get(stanza, "Priority");
		for (size_t j = 0; j < ARRAY_SIZE(taken_always); j++)
			if (str_same(priority, taken_always[j]))
				want(search, name_of(stanza));
	}
}

static bool has_kernel(const struct search *search)
{
	for (size_t i = 0; i < search->index->count; i++)
		if (str_same(deb822_get(&search->index->stanzas[i], "Kernel-Version"),
			     search->kernel))
			return true;
	return false;
}

static int add(const struct deb822_stanza *stanza, const char *uri, const char *place,
	       struct remote_files *files, struct err *err)
{
	const char *path, *size_text, *sha256;
	uint64_t size = 0;
	if (deb822_require(stanza, "Filename", name_of(stanza), &path, err) < 0 ||
	    deb822_require(stanza, "Size", name_of(stanza), &size_text, err) < 0 ||
	    deb822_require(stanza, "SHA256", name_of(stanza), &sha256, err) < 0 ||
	    number_parse(size_text, 0, INT64_MAX, &size, "Size", err) < 0)
		return -1;
	_cleanup_free_ char *from = xasprintf("%s%s", uri, path);
	_cleanup_free_ char *name = xasprintf("%s/%s", place, path);
	return remote_files_add(files, from, name, size, sha256, err);
}

int udebs_add(const struct deb822 *index, const struct udebs_present *present, const char *uri,
	      const char *place, struct remote_files *files, struct err *err)
{
	_cleanup_free_ char *kernel = kernel_of(present->initrd);
	_cleanup_free_ bool *seen = xcalloc(index->count + 1, sizeof(*seen));
	struct search search = { index, present, kernel, seen };
	if (!kernel)
		return err_set(err, ERR_INPUT, "the installer's initrd does not say which kernel "
			       "it is for");
	if (!has_kernel(&search))
		return err_set(err, ERR_NOT_FOUND, "the mirror has no components for the installer's "
			       "kernel %s; one of the two is older than the other: try again when "
			       "the mirror is up to date", kernel);
	want_by_priority(&search);
	for (size_t i = 0; i < ARRAY_SIZE(asked_for); i++)
		want(&search, asked_for[i]);
	for (size_t i = 0; i < index->count; i++) {
		const char *name = name_of(&index->stanzas[i]);
		if (seen[i] && !is_present(present, name) &&
		    add(&index->stanzas[i], uri, place, files, err) < 0)
			return err_prefix(err, "the installer's component %s", name);
	}
	return 0;
}
