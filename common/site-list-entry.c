/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One entry of a list: its syntax, what it matches, and which entries contradict
 * each other. Source: docs/spec/site-list.md, "Entries". */
#include "common/site-list.h"

#include <ctype.h>
#include <fnmatch.h>
#include <regex.h>

#define PATTERN_MAX_BYTES 256
enum { MAX_NESTED_PLUSES = 2 };

void site_list_entry_destroy(struct site_list_entry *entry)
{
	free(entry->pattern);
	free(entry->version);
	*entry = (struct site_list_entry){ 0 };
}

static char *regex_anchored(const char *pattern)
{
	return xasprintf("^(%s)$", pattern);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Copy [from, to) without its blanks. */
static char *without_blanks(const char *from, const char *to)
{
	char *out = xmalloc((size_t)(to - from) + 1);
	size_t len = 0;
	for (const char *p = from; p < to; p++)
		if (!is_blank(*p))
			out[len++] = *p;
	out[len] = '\0';
	return out;
}

static char *trimmed(const char *from, const char *to)
{
	while (from < to && is_blank(*from))
		from++;
	while (to > from && is_blank(to[-1]))
		to--;
	return xstrndup(from, (size_t)(to - from));
}

/* From a '[' to its ']', or to the end if there is none. */
static const char *skip_class(const char *p)
{
	p += p[1] == '^' ? 2 : 1;
	p += *p == ']';
	while (*p && *p != ']') {
		const char end[] = { p[1], ']', '\0' };
		const char *close = *p == '[' && p[1] && strchr(".:=", p[1]) ? strstr(p + 2, end) : NULL;
		p = close ? close + 2 : p + 1;
	}
	return p;
}

/* What is known of a part of an expression. */
struct regex_part {
	bool empty;	/* it may match nothing */
	unsigned pluses; /* how deep its + are nested */
};

/* Where a scan is: for each parenthesis that is open what its alternatives so far and the one
 * that is being read are, without the last character, class or parenthesis, which is apart. */
struct regex_scan {
	unsigned depth;
	struct { struct regex_part all, one; } open[PATTERN_MAX_BYTES + 1];
	struct regex_part last;
};

static unsigned larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

static void begin_part(struct regex_scan *scan, struct regex_part next)
{
	struct regex_part *one = &scan->open[scan->depth].one;
	one->empty = one->empty && scan->last.empty;
	one->pluses = larger(one->pluses, scan->last.pluses);
	scan->last = next;
}

static void end_alternative(struct regex_scan *scan)
{
	static const struct regex_part nothing = { .empty = true };
	begin_part(scan, nothing);
	struct regex_part *all = &scan->open[scan->depth].all, *one = &scan->open[scan->depth].one;
	all->empty = all->empty || one->empty;
	all->pluses = larger(all->pluses, one->pluses);
	*one = nothing;
}

static void open_parenthesis(struct regex_scan *scan)
{
	begin_part(scan, (struct regex_part){ .empty = true });
	scan->depth++;
	scan->open[scan->depth].all = (struct regex_part){ 0 };
	scan->open[scan->depth].one = (struct regex_part){ .empty = true };
}

static const char *close_parenthesis(struct regex_scan *scan)
{
	if (scan->depth == 0)
		return "a ')' without '('";
	end_alternative(scan);
	scan->last = scan->open[scan->depth--].all;
	return NULL;
}

static const char *repeat(struct regex_scan *scan, char c)
{
	if (c != '?' && scan->last.empty)
		return "a repetition of what may be empty is not supported";
	if (c != '+')
		scan->last.empty = true;
	else if (++scan->last.pluses > MAX_NESTED_PLUSES)
		return "a + in a + in a + is not supported";
	return NULL;
}

/* A character that is neither the beginning of a class nor of an escape; NULL, or why not. */
static const char *scan_char(struct regex_scan *scan, char c)
{
	switch (c) {
	case '{':
		return "counts {} are not supported";
	case '(':
		open_parenthesis(scan);
		return NULL;
	case ')':
		return close_parenthesis(scan);
	case '|':
		end_alternative(scan);
		return NULL;
	case '*':
	case '?':
	case '+':
		return repeat(scan, c);
	default:
		begin_part(scan, (struct regex_part){ .empty = c == '^' || c == '$' });
		return NULL;
	}
}

static const char *scan_escape(struct regex_scan *scan, char c)
{
	begin_part(scan, (struct regex_part){ .empty = c && strchr("<>bB`'", c) });
	return isdigit((unsigned char)c) ? "back-references are not supported" : NULL;
}

/* In glibc back-references make matching exponential; counts, each + over another one and a
 * repetition of what may be empty do so to regcomp(). No package name needs them. */
static int scan_regex(const char *pattern, struct err *err)
{
	struct regex_scan scan = { .open[0].one.empty = true, .last.empty = true };
	const char *why = NULL;
	for (const char *p = pattern; *p && !why; p += *p != '\0') {
		if (*p == '[') {
			begin_part(&scan, (struct regex_part){ .empty = false });
			p = skip_class(p);
		} else if (*p == '\\') {
			why = scan_escape(&scan, *++p);
		} else {
			why = scan_char(&scan, *p);
		}
	}
	return why ? err_set(err, ERR_INPUT, "/%s/: %s", pattern, why) : 0;
}

static int check_regex(const char *pattern, struct err *err)
{
	if (scan_regex(pattern, err) < 0)
		return -1;
	_cleanup_free_ char *anchored = regex_anchored(pattern);
	regex_t compiled;
	int rc = regcomp(&compiled, anchored, REG_EXTENDED | REG_NOSUB);
	if (rc != 0) {
		char why[128];
		regerror(rc, &compiled, why, sizeof(why));
		return err_set(err, ERR_INPUT, "/%s/ is no regular expression: %s", pattern, why);
	}
	regfree(&compiled);
	return 0;
}

static int check_glob(const char *pattern, struct err *err)
{
	bool in_class = false;
	for (const char *p = pattern; *p; p++) {
		if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) &&
		    !strchr("+-.*?[]!", *p))
			return err_set(err, ERR_INPUT,
				       "'%s': the character '%c' is not allowed in a pattern",
				       pattern, *p);
		if (*p == '[' && in_class)
			return err_set(err, ERR_INPUT, "'%s': a '[' within [...]", pattern);
		if (*p == '[') {
			in_class = true;
			if (p[1] == '!')
				p++;
			if (p[1] == ']' || !p[1])
				return err_set(err, ERR_INPUT, "'%s': an empty []", pattern);
		} else if (*p == ']') {
			if (!in_class)
				return err_set(err, ERR_INPUT, "'%s': a ']' without '['",
					       pattern);
			in_class = false;
		}
	}
	if (in_class)
		return err_set(err, ERR_INPUT, "'%s': a '[' without ']'", pattern);
	return 0;
}

/* What pkgsync passed to aptitude search, and what to write instead. */
static int refuse_pkgsync_search(const char *word, struct err *err)
{
	if (str_starts(word, "debtags:"))
		return err_set(err, ERR_INPUT,
			       "'%s': debtags are not supported; name the packages", word);
	if (str_starts(word, "meta:"))
		return err_set(err, ERR_INPUT,
			       "'%s': meta: is not supported; name the package itself, such as "
			       "linux-image-amd64", word);
	if (strpbrk(word, "()|"))
		return err_set(err, ERR_INPUT,
			       "'%s': write a regular expression as /re/, and a version as "
			       "'name (= version)'", word);
	if (strchr(word, '~'))
		return err_set(err, ERR_INPUT,
			       "'%s': aptitude's ~ searches are not supported; name the packages "
			       "or write a glob", word);
	return 0;
}

/* A word without blanks and without a version. */
static int parse_word(const char *word, struct site_list_entry *entry, struct err *err)
{
	size_t len = strlen(word);
	if (len > PATTERN_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "an entry of %zu bytes, more than %d", len,
			       PATTERN_MAX_BYTES);
	if (len > 2 && word[0] == '/' && word[len - 1] == '/') {
		_cleanup_free_ char *pattern = xstrndup(word + 1, len - 2);
		if (check_regex(pattern, err) < 0)
			return -1;
		entry->match = MATCH_REGEX;
		entry->pattern = steal(&pattern);
		return 0;
	}
	if (refuse_pkgsync_search(word, err) < 0)
		return -1;
	entry->match = strpbrk(word, "*?[") ? MATCH_GLOB : MATCH_NAME;
	if (entry->match == MATCH_GLOB ? check_glob(word, err) < 0 : !name_is_valid(word))
		return err_set(err, ERR_INPUT, "'%s' is no package name", word);
	entry->pattern = xstrdup(word);
	return 0;
}

/* "name (= version)": `open` points at the parenthesis. */
static int parse_pinned(const char *line, const char *open, enum site_list_kind kind,
			struct site_list_entry *entry, struct err *err)
{
	_cleanup_free_ char *name = without_blanks(line, open);
	const char *close = strchr(open, ')');
	_cleanup_free_ char *after = close ? without_blanks(close + 1, strchr(close, '\0')) : NULL;
	if (!close || *after || !*name)
		return err_set(err, ERR_INPUT, "'%s' is not of the form 'name (= version)'", line);
	_cleanup_free_ char *inside = trimmed(open + 1, close);
	if (inside[0] != '=')
		return err_set(err, ERR_INPUT,
			       "'%s': only 'name (= version)' is supported, no other relation",
			       line);
	_cleanup_free_ char *version = trimmed(inside + 1, strchr(inside, '\0'));
	if (!version_is_valid(version))
		return err_set(err, ERR_INPUT, "'%s': '%s' is no version", line, version);
	if (kind != LIST_MUSTHAVE)
		return err_set(err, ERR_INPUT, "'%s': a version is allowed in musthave only", line);
	if (!name_is_valid(name))
		return err_set(err, ERR_INPUT,
			       "'%s': a version is allowed with a package name only", line);
	entry->match = MATCH_NAME;
	entry->pattern = steal(&name);
	entry->version = steal(&version);
	return 0;
}

int site_list_entry_parse(const char *line, enum site_list_kind kind,
			  struct site_list_entry *entry, struct err *err)
{
	*entry = (struct site_list_entry){ 0 };
	if (line[0] == '#')
		return 0;
	_cleanup_free_ char *word = without_blanks(line, strchr(line, '\0'));
	if (!*word)
		return 0;
	const char *open = word[0] == '/' ? NULL : strchr(line, '(');
	if (open && strchr(open, '='))
		return parse_pinned(line, open, kind, entry, err);
	return parse_word(word, entry, err);
}

char *site_list_entry_format(const struct site_list_entry *entry)
{
	if (entry->match == MATCH_REGEX)
		return xasprintf("/%s/", entry->pattern);
	if (entry->version)
		return xasprintf("%s (= %s)", entry->pattern, entry->version);
	return xstrdup(entry->pattern);
}

/* Compiled once for many names: a list may be checked against thousands. */
struct matcher {
	const struct site_list_entry *entry;
	regex_t regex;	/* MATCH_REGEX only */
};

static void matcher_init(struct matcher *m, const struct site_list_entry *entry)
{
	m->entry = entry;
	if (entry->match != MATCH_REGEX)
		return;
	_cleanup_free_ char *anchored = regex_anchored(entry->pattern);
	if (regcomp(&m->regex, anchored, REG_EXTENDED | REG_NOSUB) != 0)
		abort(); /* it compiled in check_regex(): only memory can be missing */
}

static void matcher_destroy(struct matcher *m)
{
	if (m->entry->match == MATCH_REGEX)
		regfree(&m->regex);
}

static bool matcher_matches(const struct matcher *m, const char *package)
{
	switch (m->entry->match) {
	case MATCH_GLOB:
		return fnmatch(m->entry->pattern, package, 0) == 0;
	case MATCH_REGEX:
		return regexec(&m->regex, package, 0, NULL, 0) == 0;
	default:
		return str_eq(m->entry->pattern, package);
	}
}

bool site_list_entry_matches(const struct site_list_entry *entry, const char *package)
{
	struct matcher m;
	matcher_init(&m, entry);
	bool matches = matcher_matches(&m, package);
	matcher_destroy(&m);
	return matches;
}

struct named {
	const struct site_list_entry *entry;
	enum site_list_kind kind;
};

static int compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	return strcmp(x->entry->pattern, y->entry->pattern);
}

static int check_pair(const struct named *a, const struct named *b, struct err *err)
{
	const char *name = a->entry->pattern;
	if (a->kind != b->kind)
		return err_set(err, ERR_INPUT,
			       "%s is in two lists, %s and %s; take it out of one", name,
			       site_list_kind_name(a->kind), site_list_kind_name(b->kind));
	const char *v = a->entry->version, *w = b->entry->version;
	if ((v || w) && !(v && w && str_eq(v, w)))
		return err_set(err, ERR_INPUT,
			       "%s is in %s twice, with version %s and %s; keep one", name,
			       site_list_kind_name(a->kind), v ? v : "(any)", w ? w : "(any)");
	return 0;
}

/* Names of all lists, sorted: neighbours of the same name must agree. */
static int check_names(const struct site_list *list, struct err *err)
{
	size_t room = 0;
	for (int kind = 0; kind < LIST_KINDS; kind++)
		room += list->lists[kind].count;
	_cleanup_free_ struct named *names = xcalloc(room + 1, sizeof(*names));
	size_t count = 0;
	for (int kind = 0; kind < LIST_KINDS; kind++)
		for (size_t i = 0; i < list->lists[kind].count; i++)
			if (list->lists[kind].items[i].match == MATCH_NAME)
				names[count++] = (struct named){ &list->lists[kind].items[i],
								 (enum site_list_kind)kind };
	qsort(names, count, sizeof(*names), compare_named);
	for (size_t i = 1; i < count; i++)
		if (compare_named(&names[i - 1], &names[i]) == 0 &&
		    check_pair(&names[i - 1], &names[i], err) < 0)
			return -1;
	return 0;
}

static int check_overlap(const struct matcher *banned, const struct site_list_entries *wanted,
			 struct err *err)
{
	for (size_t i = 0; i < wanted->count; i++) {
		const struct site_list_entry *entry = &wanted->items[i];
		if (entry->match != MATCH_NAME || !matcher_matches(banned, entry->pattern))
			continue;
		_cleanup_free_ char *pattern = site_list_entry_format(banned->entry);
		return err_set(err, ERR_INPUT,
			       "%s is in musthave, and %s of maynothave forbids it; make one of "
			       "them narrower", entry->pattern, pattern);
	}
	return 0;
}

int site_list_check(const struct site_list *list, struct err *err)
{
	if (check_names(list, err) < 0)
		return -1;
	const struct site_list_entries *banned = &list->lists[LIST_MAYNOTHAVE];
	for (size_t i = 0; i < banned->count; i++) {
		if (banned->items[i].match == MATCH_NAME)
			continue;
		struct matcher m;
		matcher_init(&m, &banned->items[i]);
		int rc = check_overlap(&m, &list->lists[LIST_MUSTHAVE], err);
		matcher_destroy(&m);
		if (rc < 0)
			return -1;
	}
	return 0;
}
