/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/hardware.h"

#include <ctype.h>
#include <strings.h>

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/utf8.h"
#include "repo-tools/site.h"

enum { MAX_BYTES = 16 * 1024, MIN_SERIAL_CHARS = 4, MAX_SERIAL_BYTES = 200 };

void hardware_destroy(struct hardware *hardware)
{
	free(hardware->site);
	free(hardware->serial);
	strv_destroy(&hardware->macs);
	*hardware = (struct hardware){ 0 };
}

void hardware_list_destroy(struct hardware_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		hardware_destroy(&list->sites[i]);
	free(list->sites);
	*list = (struct hardware_list){ 0 };
}

bool hardware_serial_is_junk(const char *serial)
{
	static const char *const junk[] = {
		"default string", "system serial number", "not specified", "not available",
		"none", "n/a", "unknown", "invalid", "oem", "o.e.m.", "chassis serial number",
	};
	bool one_character = true;
	for (const char *c = serial; *c; c++)
		one_character &= *c == *serial;
	if (one_character || strlen(serial) < MIN_SERIAL_CHARS || str_starts(serial, "123456") ||
	    strcasestr(serial, "to be filled"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(junk); i++)
		if (strcasecmp(serial, junk[i]) == 0)
			return true;
	return false;
}

int hardware_read(const struct repo *repo, const char *site, struct hardware *out,
		  struct err *err)
{
	_cleanup_free_ char *path = site_path(repo, site, "hardware");
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	struct enrol_facts facts = { 0 };
	*out = (struct hardware){ .site = xstrdup(site) };
	if (!file_exists(path))
		return 0;
	if (deb822_read_file(path, MAX_BYTES, 1, &doc, err) < 0 ||
	    (doc->count && enrol_facts_parse(&doc->stanzas[0], path, &facts, err) < 0)) {
		hardware_destroy(out);
		return -1;
	}
	out->serial = steal(&facts.serial);
	out->macs = facts.macs;
	facts.macs = (struct strv)STRV_INIT;
	enrol_facts_destroy(&facts);
	return 0;
}

int hardware_list_load(const struct repo *repo, struct hardware_list *list, struct err *err)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	*list = (struct hardware_list){ 0 };
	if (site_names(repo, &names, err) < 0)
		return -1;
	list->sites = xcalloc(names.count + 1, sizeof(*list->sites));
	for (size_t i = 0; i < names.count; i++) {
		_cleanup_free_ char *key = site_path(repo, names.items[i], "key.pub");
		struct hardware *one = &list->sites[list->count];
		if (hardware_read(repo, names.items[i], one, err) < 0)
			return -1;
		one->has_machine = file_exists(key);
		list->count++;
	}
	return 0;
}

const struct hardware *hardware_of_site(const struct hardware_list *list, const char *site)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(list->sites[i].site, site))
			return &list->sites[i];
	return NULL;
}

static bool shares_mac(const struct strv *a, const struct strv *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (strv_contains(b, a->items[i]))
			return true;
	return false;
}

/* All that is written down fits. */
static bool fits(const struct hardware *h, const char *serial, const struct strv *macs)
{
	if (!h->serial && !h->macs.count)
		return false;
	if (h->serial && (!serial || strcasecmp(h->serial, serial) != 0))
		return false;
	return !h->macs.count || shares_mac(&h->macs, macs);
}

const char *hardware_match(const struct hardware_list *list, const struct enrol_facts *facts,
			   char **why)
{
	const char *serial = facts->serial && !hardware_serial_is_junk(facts->serial)
				     ? facts->serial
				     : NULL;
	const struct hardware *found = NULL;
	*why = NULL;
	for (size_t i = 0; i < list->count; i++) {
		const struct hardware *h = &list->sites[i];
		if (!fits(h, serial, &facts->macs))
			continue;
		if (found) {
			*why = xasprintf("its hardware is that of %s and of %s", found->site,
					 h->site);
			return NULL;
		}
		found = h;
	}
	if (!found)
		*why = xstrdup("no site's hardware is written down as this");
	else if (found->has_machine)
		*why = xasprintf("its hardware is that of %s, which has a machine", found->site);
	else
		return found->site;
	return NULL;
}

static int check(const struct hardware *h, struct err *err)
{
	_cleanup_free_ char *clean =
		utf8_make_printable(h->serial ? h->serial : "",
				    h->serial ? strlen(h->serial) : 0, "", MAX_SERIAL_BYTES);
	if (h->serial && !str_eq(clean, h->serial))
		return err_set(err, ERR_USAGE, "a serial is one line of at most %d bytes",
			       MAX_SERIAL_BYTES);
	if (h->serial && hardware_serial_is_junk(h->serial))
		return err_set(err, ERR_USAGE,
			       "many boards have the serial '%s'; give a MAC instead", h->serial);
	for (size_t i = 0; i < h->macs.count; i++) {
		char *normal = enrol_mac_normal(h->macs.items[i]);
		if (!normal)
			return err_set(err, ERR_USAGE, "'%s' is no MAC (52:54:00:12:34:56)",
				       h->macs.items[i]);
		free(h->macs.items[i]);
		h->macs.items[i] = normal;
	}
	return 0;
}

static int check_others(const struct repo *repo, const struct hardware *h, struct err *err)
{
	_cleanup_hardware_list_ struct hardware_list list = { 0 };
	if (hardware_list_load(repo, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		const struct hardware *other = &list.sites[i];
		if (!str_eq(other->site, h->site) &&
		    (fits(other, h->serial, &h->macs) || fits(h, other->serial, &other->macs)))
			return err_set(err, ERR_EXISTS,
				       "this hardware is written down for site %s already",
				       other->site);
	}
	return 0;
}

int hardware_write(const struct repo *repo, const struct hardware *h, struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_free_ char *path = site_path(repo, h->site, "hardware");
	if (!h->serial && !h->macs.count)
		return atomic_unlink(path, err);
	struct enrol_facts facts = { .serial = h->serial, .macs = h->macs };
	if (check(h, err) < 0 || check_others(repo, h, err) < 0)
		return -1;
	enrol_facts_format(&facts, &text);
	return atomic_file_write(path, text.data, text.len, 0644, err);
}
