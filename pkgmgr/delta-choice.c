/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/delta-choice.h"

#include "common/deb822.h"
#include "common/hash.h"

enum { MAX_OFFERS = 100000 };
#define MAX_DELTA_BYTES (UINT64_C(1) << 40)

static void offer_destroy(struct delta_offer *offer)
{
	free(offer->package);
	free(offer->old_version);
	free(offer->new_version);
	plan_delta_destroy(&offer->delta);
}

void delta_offers_destroy(struct delta_offers *offers)
{
	for (size_t i = 0; i < offers->count; i++)
		offer_destroy(&offers->items[i]);
	free(offers->items);
	*offers = (struct delta_offers){ NULL, 0 };
}

/* A path below the repository: nothing that a URI or a server reads otherwise. */
static bool path_is_plain(const char *path)
{
	return path[0] != '/' && !strstr(path, "..") &&
	       strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "/._+~-") == strlen(path);
}

static int parse_one(const struct deb822_stanza *s, const char *base_uri, struct delta_offer *out,
		     struct err *err)
{
	static const char *const names[] = { "Package", "Old-Version", "New-Version", "Filename",
					     "Size", "SHA256" };
	const char *v[ARRAY_SIZE(names)];
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (deb822_require(s, names[i], "Deltas", &v[i], err) < 0)
			return -1;
	if (!name_is_valid(v[0]) || !version_is_valid(v[1]) || !version_is_valid(v[2]) ||
	    !path_is_plain(v[3]) || !sha256_is_valid(v[5]))
		return err_set(err, ERR_INPUT, "Deltas: the stanza of %.80s is broken", v[0]);
	if (number_parse(v[4], 1, MAX_DELTA_BYTES, &out->delta.size_bytes, "Deltas: Size", err) < 0)
		return -1;
	const char *slash = str_ends(base_uri, "/") ? "" : "/";
	out->package = xstrdup(v[0]);
	out->old_version = xstrdup(v[1]);
	out->new_version = xstrdup(v[2]);
	out->delta.sha256 = xstrdup(v[5]);
	strv_addf(&out->delta.uris, "%s%s%s", base_uri, slash, v[3]);
	return 0;
}

/* With one of another server's index: those are the first `count`. */
static bool merge(struct delta_offers *offers, size_t count, const struct delta_offer *offer)
{
	for (size_t i = 0; i < count; i++) {
		struct plan_delta *known = &offers->items[i].delta;
		if (!str_eq(known->sha256, offer->delta.sha256))
			continue;
		if (!strv_contains(&known->uris, offer->delta.uris.items[0]))
			strv_add(&known->uris, offer->delta.uris.items[0]);
		return true;
	}
	return false;
}

int delta_offers_parse(const char *text, size_t len, const char *base_uri,
		       struct delta_offers *offers, struct err *err)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	size_t before = offers->count;
	if (deb822_parse(text, len, MAX_OFFERS, "Deltas", &doc, err) < 0)
		return -1;
	for (size_t i = 0; i < doc->count; i++) {
		struct delta_offer offer = { 0 };
		if (parse_one(&doc->stanzas[i], base_uri, &offer, err) < 0) {
			offer_destroy(&offer);
			return -1;
		}
		if (merge(offers, before, &offer)) {
			offer_destroy(&offer);
			continue;
		}
		if ((offers->count & (offers->count - 1)) == 0)
			offers->items = xrealloc(offers->items,
						 (offers->count ? 2 * offers->count : 1) *
							 sizeof(*offers->items));
		offers->items[offers->count++] = offer;
	}
	return 0;
}

/* The smallest from `old` (NULL: any) to `new`. */
static const struct delta_offer *find(const struct delta_offers *offers, const char *package,
				      const char *old, const char *new)
{
	const struct delta_offer *best = NULL;
	for (size_t i = 0; i < offers->count; i++) {
		const struct delta_offer *o = &offers->items[i];
		if (str_eq(o->package, package) && str_eq(o->old_version, old) &&
		    str_eq(o->new_version, new) &&
		    (!best || o->delta.size_bytes < best->delta.size_bytes))
			best = o;
	}
	return best;
}

static void take(struct plan_archive *archive, const struct delta_offer *offer)
{
	struct plan_delta *delta = &archive->deltas[archive->delta_count++];
	*delta = (struct plan_delta){ .sha256 = xstrdup(offer->delta.sha256),
				      .size_bytes = offer->delta.size_bytes };
	for (size_t i = 0; i < offer->delta.uris.count; i++)
		strv_add(&delta->uris, offer->delta.uris.items[i]);
}

void delta_choose(const struct delta_offers *offers, struct plan_action *a)
{
	struct plan_archive *archive = &a->archive;
	if (!a->from_version || !a->to_version || archive->path || !archive->data_sha256 ||
	    !archive->control_sha256)
		return;
	const struct delta_offer *first = find(offers, a->package, a->from_version, a->to_version);
	const struct delta_offer *second = NULL;
	uint64_t least = first ? first->delta.size_bytes : archive->size_bytes;
	for (size_t i = 0; i < offers->count; i++) {
		const struct delta_offer *one = &offers->items[i];
		if (!str_eq(one->package, a->package) || !str_eq(one->old_version, a->from_version))
			continue;
		const struct delta_offer *two = find(offers, a->package, one->new_version, a->to_version);
		if (!two || one->delta.size_bytes + two->delta.size_bytes >= least)
			continue;
		first = one;
		second = two;
		least = one->delta.size_bytes + two->delta.size_bytes;
	}
	if (!first || least >= archive->size_bytes)
		return;
	take(archive, first);
	if (second)
		take(archive, second);
}
