/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/site-list.h"

#include <inttypes.h>
#include <limits.h>

#include "common/deb822.h"
#include "common/hash.h"

#define FORMAT_LINE "waybill-site-list 1"
#define ORIGIN "site.list"
/* What rsync fetches at most (docs/spec/gate.md). */
#define PARAM_MAX_BYTES (1024 * 1024)
#define MAX_REMOVALS_LIMIT 100000
#define SPLAY_MAX_SECONDS (24 * 3600)

static const char *const header_fields[] = {
	"Format", "Site", "Epoch", "Serial", "Date", "Valid-Until", "Repository-Not-Before",
	"Sync-At", "Splay", "Scope", "Max-Removals", "Host-Upgrades", "Security-Origins",
	"Keep-Kernels", "Reboot-Window", "Min-Free", "Host-Ssh", "Rate-Limit", "Fetch-Deadline",
	"Cache-Size", "Cache-Time", "Peers", "Serve-To", "Params", NULL,
};
static const char *const list_fields[] = { "List", "Entries", NULL };

struct site_list *site_list_new(void)
{
	struct site_list *list = xcalloc(1, sizeof(*list));
	list->sync_minute = 150;
	list->splay_seconds = 2700;
	list->max_removals = 3;
	host_policy_init(&list->host);
	fetch_policy_init(&list->fetch);
	return list;
}

void site_list_free(struct site_list *list)
{
	if (!list)
		return;
	free(list->site);
	host_policy_destroy(&list->host);
	fetch_policy_destroy(&list->fetch);
	for (size_t i = 0; i < list->param_count; i++)
		free(list->params[i].appliance);
	free(list->params);
	for (int kind = 0; kind < LIST_KINDS; kind++) {
		struct site_list_entries *entries = &list->lists[kind];
		for (size_t i = 0; i < entries->count; i++)
			site_list_entry_destroy(&entries->items[i]);
		free(entries->items);
	}
	free(list);
}

const char *site_list_kind_name(enum site_list_kind kind)
{
	static const char *const names[] = { "musthave", "mayhave", "maynothave" };
	return names[kind];
}

static size_t entry_count(const struct site_list *list)
{
	size_t count = 0;
	for (int kind = 0; kind < LIST_KINDS; kind++)
		count += list->lists[kind].count;
	return count;
}

/* Takes over what `entry` owns, also on failure. */
static int add_entry(struct site_list *list, enum site_list_kind kind,
		     struct site_list_entry *entry, struct err *err)
{
	if (entry_count(list) >= SITE_LIST_MAX_ENTRIES) {
		site_list_entry_destroy(entry);
		return err_set(err, ERR_TOO_LARGE, "more than %d entries in the lists",
			       SITE_LIST_MAX_ENTRIES);
	}
	struct site_list_entries *entries = &list->lists[kind];
	if ((entries->count & (entries->count - 1)) == 0) {
		size_t room = entries->count ? entries->count * 2 : 1;
		entries->items = xrealloc(entries->items, room * sizeof(*entries->items));
	}
	entries->items[entries->count++] = *entry;
	*entry = (struct site_list_entry){ 0 };
	return 0;
}

static int get_number(const struct deb822_stanza *header, const char *name, uint64_t max,
		      uint64_t *out, struct err *err)
{
	const char *text = NULL;
	if (deb822_require(header, name, ORIGIN, &text, err) < 0)
		return -1;
	if (number_parse(text, 0, max, out, name, err) < 0)
		return err_prefix(err, "%s", ORIGIN);
	return 0;
}

static int get_time(const struct deb822_stanza *header, const char *name, int64_t *out,
		    struct err *err)
{
	const char *text = NULL;
	if (deb822_require(header, name, ORIGIN, &text, err) < 0)
		return -1;
	if (time_parse(text, out, name, err) < 0)
		return err_prefix(err, "%s", ORIGIN);
	if (*out <= 0)
		return err_set(err, ERR_INPUT, "%s: %s: '%s' is before 1970", ORIGIN, name, text);
	return 0;
}

static int parse_policy(const struct deb822_stanza *header, struct site_list *list,
			struct err *err)
{
	const char *text = deb822_get(header, "Sync-At");
	if (text && day_minute_parse(text, &list->sync_minute, "Sync-At", err) < 0)
		return -1;
	text = deb822_get(header, "Splay");
	if (text && duration_parse(text, &list->splay_seconds, "Splay", err) < 0)
		return -1;
	if (list->splay_seconds > SPLAY_MAX_SECONDS)
		return err_set(err, ERR_INPUT, "Splay: %s is longer than a day", text);
	text = deb822_get(header, "Scope");
	if (text && !str_eq(text, "ours") && !str_eq(text, "all"))
		return err_set(err, ERR_INPUT, "Scope: '%s' is neither 'ours' nor 'all'", text);
	list->scope_all = text && str_eq(text, "all");
	text = deb822_get(header, "Max-Removals");
	uint64_t max_removals = list->max_removals;
	if (text && number_parse(text, 0, MAX_REMOVALS_LIMIT, &max_removals, "Max-Removals",
				 err) < 0)
		return -1;
	list->max_removals = (unsigned)max_removals;
	if (fetch_policy_parse(header, true, &list->fetch, err) < 0)
		return -1;
	return host_policy_parse(header, &list->host, err);
}

/* "<sha256> <bytes> <appliance>", single blanks. */
static int parse_param(char *line, struct site_list *list, struct err *err)
{
	char *rest = NULL;
	const char *sha256 = strtok_r(line, " ", &rest);
	const char *size = strtok_r(NULL, " ", &rest);
	const char *appliance = strtok_r(NULL, " ", &rest);
	if (!appliance || strtok_r(NULL, " ", &rest))
		return err_set(err, ERR_INPUT,
			       "Params: a line is not 'SHA256 SIZE APPLIANCE'");
	if (!sha256_is_valid(sha256))
		return err_set(err, ERR_INPUT, "Params: '%s' is no SHA-256", sha256);
	if (!name_is_valid(appliance))
		return err_set(err, ERR_INPUT, "Params: '%s' is no package name", appliance);
	uint64_t size_bytes = 0;
	if (number_parse(size, 0, PARAM_MAX_BYTES, &size_bytes, "Params", err) < 0)
		return -1;
	for (size_t i = 0; i < list->param_count; i++)
		if (str_eq(list->params[i].appliance, appliance))
			return err_set(err, ERR_INPUT, "Params: %s is there twice", appliance);
	list->params = xrealloc(list->params, (list->param_count + 1) * sizeof(*list->params));
	struct site_list_param *param = &list->params[list->param_count++];
	param->appliance = xstrdup(appliance);
	memcpy(param->sha256, sha256, sizeof(param->sha256));
	param->size_bytes = size_bytes;
	return 0;
}

static int parse_params(const char *value, struct site_list *list, struct err *err)
{
	_cleanup_free_ char *copy = xstrdup(value);
	char *next = copy;
	if (*next == '\n')
		next++;
	while (next && *next) {
		char *line = strsep(&next, "\n");
		if (list->param_count >= SITE_LIST_MAX_ENTRIES)
			return err_set(err, ERR_TOO_LARGE, "Params: more than %d lines",
				       SITE_LIST_MAX_ENTRIES);
		if (parse_param(line, list, err) < 0)
			return -1;
	}
	return 0;
}

static int parse_header(const struct deb822_stanza *header, struct site_list *list,
			struct err *err)
{
	const char *text = NULL;
	if (deb822_require(header, "Format", ORIGIN, &text, err) < 0)
		return -1;
	if (!str_eq(text, FORMAT_LINE))
		return err_set(err, ERR_INPUT,
			       "%s: format '%s' is not '" FORMAT_LINE "'; is this pkgmgr older "
			       "than the operator's imagerepo?", ORIGIN, text);
	if (deb822_check_known(header, header_fields, ORIGIN, err) < 0 ||
	    deb822_require(header, "Site", ORIGIN, &text, err) < 0)
		return -1;
	if (!site_name_is_valid(text))
		return err_set(err, ERR_INPUT, "%s: Site: '%s' is no site name", ORIGIN, text);
	list->site = xstrdup(text);
	if (get_number(header, "Epoch", INT64_MAX, &list->epoch, err) < 0 ||
	    get_number(header, "Serial", INT64_MAX, &list->serial, err) < 0 ||
	    get_time(header, "Date", &list->date, err) < 0 ||
	    get_time(header, "Valid-Until", &list->valid_until, err) < 0)
		return -1;
	if (list->valid_until < list->date)
		return err_set(err, ERR_INPUT, "%s: Valid-Until is before Date", ORIGIN);
	if (deb822_get(header, "Repository-Not-Before") &&
	    get_time(header, "Repository-Not-Before", &list->repository_not_before, err) < 0)
		return -1;
	text = deb822_get(header, "Params");
	if (parse_policy(header, list, err) < 0 || (text && parse_params(text, list, err) < 0))
		return err_prefix(err, "%s", ORIGIN);
	return 0;
}

static int parse_entries(const char *value, enum site_list_kind kind, struct site_list *list,
			 struct err *err)
{
	_cleanup_free_ char *copy = xstrdup(value);
	char *next = copy;
	if (*next == '\n')
		next++;
	while (next && *next) {
		const char *line = strsep(&next, "\n");
		struct site_list_entry entry = { 0 };
		if (site_list_entry_parse(line, kind, &entry, err) < 0)
			return err_prefix(err, "%s: %s", ORIGIN, site_list_kind_name(kind));
		if (!entry.pattern)
			return err_set(err, ERR_INPUT, "%s: %s: an empty entry or a comment", ORIGIN,
				       site_list_kind_name(kind));
		if (add_entry(list, kind, &entry, err) < 0)
			return err_prefix(err, "%s", ORIGIN);
	}
	return 0;
}

static int parse_list(const struct deb822_stanza *stanza, enum site_list_kind kind,
		      struct site_list *list, struct err *err)
{
	const char *name = NULL;
	if (deb822_check_known(stanza, list_fields, ORIGIN, err) < 0 ||
	    deb822_require(stanza, "List", ORIGIN, &name, err) < 0)
		return -1;
	if (!str_eq(name, site_list_kind_name(kind)))
		return err_set(err, ERR_INPUT, "%s: list '%s' where '%s' should be", ORIGIN, name,
			       site_list_kind_name(kind));
	const char *value = deb822_get(stanza, "Entries");
	return value ? parse_entries(value, kind, list, err) : 0;
}

int site_list_parse(const char *text, size_t len, struct site_list **out, struct err *err)
{
	*out = NULL;
	if (len > SITE_LIST_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "%s: %zu bytes, more than %d", ORIGIN, len,
			       SITE_LIST_MAX_BYTES);
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	if (deb822_parse(text, len, 1 + LIST_KINDS, ORIGIN, &doc, err) < 0)
		return -1;
	if (doc->count != 1 + LIST_KINDS)
		return err_set(err, ERR_INPUT,
			       "%s: %zu stanzas where a header and %d lists should be; is it "
			       "cut short?", ORIGIN, doc->count, LIST_KINDS);
	_cleanup_(site_list_freep) struct site_list *list = site_list_new();
	if (parse_header(&doc->stanzas[0], list, err) < 0)
		return -1;
	for (int kind = 0; kind < LIST_KINDS; kind++)
		if (parse_list(&doc->stanzas[1 + kind], (enum site_list_kind)kind, list, err) < 0)
			return -1;
	if (site_list_check(list, err) < 0)
		return err_prefix(err, "%s", ORIGIN);
	*out = steal(&list);
	return 0;
}

static void write_time(struct strbuf *out, const char *name, int64_t when)
{
	_cleanup_free_ char *text = time_format(when);
	deb822_write(out, name, text);
}

static void write_number(struct strbuf *out, const char *name, uint64_t number)
{
	_cleanup_free_ char *text = xasprintf("%" PRIu64, number);
	deb822_write(out, name, text);
}

static void write_policy(struct strbuf *out, const struct site_list *list)
{
	_cleanup_free_ char *at =
		xasprintf("%02u:%02u", list->sync_minute / 60, list->sync_minute % 60);
	deb822_write(out, "Sync-At", at);
	bool minutes = list->splay_seconds % 60 == 0 && list->splay_seconds > 0;
	_cleanup_free_ char *splay = xasprintf(
		"%" PRIu64 "%c", minutes ? list->splay_seconds / 60 : list->splay_seconds,
		minutes ? 'm' : 's');
	deb822_write(out, "Splay", splay);
	deb822_write(out, "Scope", list->scope_all ? "all" : "ours");
	write_number(out, "Max-Removals", list->max_removals);
	host_policy_write(out, &list->host);
	fetch_policy_write(out, &list->fetch);
}

static void write_params(struct strbuf *out, const struct site_list *list)
{
	if (!list->param_count)
		return;
	_cleanup_strbuf_ struct strbuf value = STRBUF_INIT;
	for (size_t i = 0; i < list->param_count; i++)
		strbuf_addf(&value, "\n%s %" PRIu64 " %s", list->params[i].sha256,
			    list->params[i].size_bytes, list->params[i].appliance);
	deb822_write(out, "Params", value.data);
}

static void write_list(struct strbuf *out, const struct site_list *list,
		       enum site_list_kind kind)
{
	strbuf_addc(out, '\n');
	deb822_write(out, "List", site_list_kind_name(kind));
	const struct site_list_entries *entries = &list->lists[kind];
	if (!entries->count)
		return;
	_cleanup_strbuf_ struct strbuf value = STRBUF_INIT;
	for (size_t i = 0; i < entries->count; i++) {
		_cleanup_free_ char *entry = site_list_entry_format(&entries->items[i]);
		strbuf_addf(&value, "\n%s", entry);
	}
	deb822_write(out, "Entries", value.data);
}

void site_list_format(const struct site_list *list, struct strbuf *out)
{
	deb822_write(out, "Format", FORMAT_LINE);
	deb822_write(out, "Site", list->site);
	write_number(out, "Epoch", list->epoch);
	write_number(out, "Serial", list->serial);
	write_time(out, "Date", list->date);
	write_time(out, "Valid-Until", list->valid_until);
	if (list->repository_not_before)
		write_time(out, "Repository-Not-Before", list->repository_not_before);
	write_policy(out, list);
	write_params(out, list);
	for (int kind = 0; kind < LIST_KINDS; kind++)
		write_list(out, list, (enum site_list_kind)kind);
}

static int read_operator_line(const char *line, const char *origin, unsigned number,
			      enum site_list_kind kind, struct site_list *list,
			      struct err *err)
{
	struct site_list_entry entry = { 0 };
	if (site_list_entry_parse(line, kind, &entry, err) < 0)
		return err_prefix(err, "%s:%u", origin, number);
	if (!entry.pattern)
		return 0;
	if (add_entry(list, kind, &entry, err) < 0)
		return err_prefix(err, "%s:%u", origin, number);
	return 0;
}

int site_list_read_operator_file(const char *text, size_t len, const char *origin,
				 enum site_list_kind kind, struct site_list *list,
				 struct err *err)
{
	if (len > SITE_LIST_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "%s: %zu bytes, more than %d", origin, len,
			       SITE_LIST_MAX_BYTES);
	if (len && memchr(text, '\0', len))
		return err_set(err, ERR_INPUT, "%s: a NUL byte in the file", origin);
	if (len && text[len - 1] != '\n')
		return err_set(err, ERR_INPUT,
			       "%s: the last line has no newline; is the file cut short?",
			       origin);
	_cleanup_free_ char *copy = xstrndup(text ? text : "", len);
	char *next = copy;
	for (unsigned number = 1; next && *next; number++) {
		const char *line = strsep(&next, "\n");
		if (read_operator_line(line, origin, number, kind, list, err) < 0)
			return -1;
	}
	return 0;
}
