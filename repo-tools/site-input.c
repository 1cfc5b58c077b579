/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/site-input.h"

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "repo-tools/site.h"

void site_input_destroy(struct site_input *input)
{
	for (int kind = 0; kind < LIST_KINDS; kind++)
		strbuf_destroy(&input->text[kind]);
}

int site_input_load(const struct repo *repo, const char *site, struct site_input *input,
		    struct err *err)
{
	memset(input, 0, sizeof(*input));
	for (int kind = 0; kind < LIST_KINDS; kind++) {
		size_t len;
		_cleanup_free_ char *text = NULL;
		_cleanup_free_ char *path = site_path(repo, site, "%s", site_list_kind_name(kind));
		if (file_read(path, SITE_LIST_MAX_BYTES, &text, &len, err) < 0)
			return -1;
		strbuf_add(&input->text[kind], text, len);
	}
	return 0;
}

static int load_policy(const struct repo *repo, const char *site, struct deb822 **doc,
		       struct err *err)
{
	_cleanup_free_ char *path = site_path(repo, site, "policy");
	if (!file_exists(path))
		return deb822_parse("", 0, 1, path, doc, err);
	return deb822_read_file(path, SITE_LIST_MAX_BYTES, 1, doc, err);
}

/* The policy's fields are the list's header's, so the list's parser reads them. */
static int parse_policy(const struct repo *repo, const char *site, struct site_list **out,
			struct err *err)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	if (load_policy(repo, site, &doc, err) < 0)
		return -1;
	const struct deb822_stanza *policy = doc->count ? &doc->stanzas[0] : NULL;
	strbuf_addf(&text, "Format: waybill-site-list 1\nSite: %s\nSerial: 0\n", site);
	strbuf_adds(&text, "Date: 2000-01-01T00:00:00Z\nValid-Until: 2000-01-01T00:00:00Z\n");
	for (size_t i = 0; policy && i < policy->count; i++)
		deb822_write(&text, policy->fields[i].name, policy->fields[i].value);
	if (!policy || !deb822_get(policy, "Epoch"))
		strbuf_adds(&text, "Epoch: 1\n");
	strbuf_adds(&text, "\nList: musthave\n\nList: mayhave\n\nList: maynothave\n");
	if (site_list_parse(text.data, text.len, out, err) < 0)
		return err_prefix(err, "the policy of site %s", site);
	(*out)->date = (*out)->valid_until = 0;
	return 0;
}

int site_input_parse(const struct repo *repo, const char *site, const struct site_input *input,
		     struct site_list **out, struct err *err)
{
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	*out = NULL;
	if (parse_policy(repo, site, &list, err) < 0)
		return -1;
	for (int kind = 0; kind < LIST_KINDS; kind++) {
		_cleanup_free_ char *path = site_path(repo, site, "%s", site_list_kind_name(kind));
		if (site_list_read_operator_file(input->text[kind].data, input->text[kind].len,
						 path, kind, list, err) < 0)
			return -1;
	}
	if (site_list_check(list, err) < 0)
		return err_prefix(err, "site %s", site);
	*out = steal(&list);
	return 0;
}

enum about { ABOUT_ANOTHER, ABOUT_THE_SAME_NAME, SAYS_THE_SAME };

/* What a line of a file has to do with `wanted`; a line that does not parse is about
 * something else and stays for site_input_parse() to report. */
static enum about line_about(const char *line, enum site_list_kind kind,
			     const struct site_list_entry *wanted)
{
	_cleanup_err_ struct err ignored = ERR_INIT;
	struct site_list_entry entry;
	enum about about = ABOUT_ANOTHER;
	if (site_list_entry_parse(line, kind, &entry, &ignored) < 0)
		return about;
	if (entry.pattern && entry.match == wanted->match &&
	    str_eq(entry.pattern, wanted->pattern))
		about = str_eq(entry.version ? entry.version : "",
			       wanted->version ? wanted->version : "") ? SAYS_THE_SAME
								       : ABOUT_THE_SAME_NAME;
	site_list_entry_destroy(&entry);
	return about;
}

/* Put `replacement` (or NULL: nothing) in the place of the lines about `wanted`. The first
 * that says the same anyway stays as the operator wrote it. Returns whether there was one. */
static bool replace_in(struct site_input *input, enum site_list_kind kind,
		       const struct site_list_entry *wanted, const char *replacement)
{
	_cleanup_strbuf_ struct strbuf kept = STRBUF_INIT;
	_cleanup_free_ char *copy = strbuf_steal(&input->text[kind]);
	bool found = false;
	for (char *next = copy; *next;) {
		char *line = next;
		size_t len = strcspn(line, "\n");
		bool has_newline = line[len] == '\n';
		next = line + len + (has_newline ? 1 : 0);
		line[len] = '\0';
		enum about about = line_about(line, kind, wanted);
		bool first = about != ABOUT_ANOTHER && !found;
		found |= first;
		if (about == ABOUT_ANOTHER || (first && replacement && about == SAYS_THE_SAME)) {
			strbuf_add(&kept, line, len);
		} else {
			input->changed[kind] = true;
			if (!first || !replacement)
				continue;
			strbuf_adds(&kept, replacement);
		}
		if (has_newline)
			strbuf_addc(&kept, '\n');
	}
	strbuf_add(&input->text[kind], kept.data ? kept.data : "", kept.len);
	return found;
}

static int parse_line(const char *line, enum site_list_kind kind, struct site_list_entry *entry,
		      struct err *err)
{
	if (strpbrk(line, "\n\r"))
		return err_set(err, ERR_INPUT, "an entry is one line");
	if (site_list_entry_parse(line, kind, entry, err) < 0)
		return -1;
	return entry->pattern ? 0 : err_set(err, ERR_INPUT, "'%s' names no package", line);
}

static void append(struct site_input *input, enum site_list_kind kind, const char *line)
{
	struct strbuf *file = &input->text[kind];
	if (file->len && file->data[file->len - 1] != '\n')
		strbuf_addc(file, '\n');
	strbuf_addf(file, "%s\n", line);
	input->changed[kind] = true;
}

int site_input_put(struct site_input *input, enum site_list_kind kind, const char *line,
		   struct err *err)
{
	struct site_list_entry entry;
	if (parse_line(line, kind, &entry, err) < 0)
		return -1;
	_cleanup_free_ char *text = site_list_entry_format(&entry);
	bool found = false;
	for (int k = 0; k < LIST_KINDS; k++)
		found |= replace_in(input, k, &entry, k == (int)kind ? text : NULL) && k == (int)kind;
	if (!found)
		append(input, kind, text);
	site_list_entry_destroy(&entry);
	return 0;
}

int site_input_drop(struct site_input *input, const char *pattern, struct err *err)
{
	struct site_list_entry entry;
	if (parse_line(pattern, LIST_MAYHAVE, &entry, err) < 0)
		return -1;
	bool found = false;
	for (int kind = 0; kind < LIST_KINDS; kind++)
		found |= replace_in(input, kind, &entry, NULL);
	site_list_entry_destroy(&entry);
	return found ? 0 : err_set(err, ERR_NOT_FOUND, "%s is in none of its lists", pattern);
}

static int save_one(const struct repo *repo, const char *site, const struct site_input *input,
		    int kind, struct err *err)
{
	_cleanup_free_ char *path = site_path(repo, site, "%s", site_list_kind_name(kind));
	if (!input->changed[kind])
		return 0;
	return atomic_file_write(path, input->text[kind].data, input->text[kind].len, 0644, err);
}

int site_input_save(const struct repo *repo, const char *site, const struct site_input *input,
		    enum site_list_kind first, struct err *err)
{
	if (save_one(repo, site, input, first, err) < 0)
		return -1;
	for (int kind = 0; kind < LIST_KINDS; kind++)
		if (kind != (int)first && save_one(repo, site, input, kind, err) < 0)
			return -1;
	return 0;
}
