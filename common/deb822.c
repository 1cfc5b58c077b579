/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/deb822.h"

#include <strings.h>

#include "common/atomic-file.h"

/* A name is compared with all before it in its stanza. */
enum { MAX_FIELDS = 1000 };

/* One pass over the text, line by line; the state is where the last field went. */
struct parser {
	const char *origin;
	size_t max_stanzas;
	unsigned line;
	struct deb822 *doc;
	bool in_stanza;
	size_t value_len, value_room;	/* of the last field's value */
};

static void stanza_destroy(struct deb822_stanza *stanza)
{
	for (size_t i = 0; i < stanza->count; i++) {
		free(stanza->fields[i].name);
		free(stanza->fields[i].value);
	}
	free(stanza->fields);
}

void deb822_free(struct deb822 *doc)
{
	if (!doc)
		return;
	for (size_t i = 0; i < doc->count; i++)
		stanza_destroy(&doc->stanzas[i]);
	free(doc->stanzas);
	free(doc);
}

static int malformed(const struct parser *p, const char *why, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s: line %u: %s", p->origin, p->line, why);
}

/* Trailing blanks mean nothing in deb822 and are dropped. */
static size_t trimmed_len(const char *s, size_t len)
{
	while (len && strchr(" \t\r", s[len - 1]))
		len--;
	return len;
}

static int continue_field(struct parser *p, const char *s, size_t len, struct err *err)
{
	struct deb822_stanza *stanza =
		p->in_stanza ? &p->doc->stanzas[p->doc->count - 1] : NULL;
	if (!stanza || !stanza->count)
		return malformed(p, "a continuation line without a field before it", err);
	struct deb822_field *field = &stanza->fields[stanza->count - 1];
	s++;
	len = trimmed_len(s, len - 1);
	bool empty = len == 1 && s[0] == '.';
	size_t old = p->value_len;
	size_t add = empty ? 0 : len;
	if (old + add + 2 > p->value_room) {
		p->value_room = 2 * (old + add + 2);
		field->value = xrealloc(field->value, p->value_room);
	}
	field->value[old] = '\n';
	memcpy(field->value + old + 1, s, add);
	p->value_len = old + 1 + add;
	field->value[p->value_len] = '\0';
	return 0;
}

static bool name_char(unsigned char c)
{
	return c > 0x20 && c < 0x7f && c != ':';
}

static int open_stanza(struct parser *p, struct err *err)
{
	if (p->in_stanza)
		return 0;
	if (p->doc->count >= p->max_stanzas)
		return err_set(err, ERR_TOO_LARGE, "%s: line %u: more than %zu stanzas", p->origin,
			       p->line, p->max_stanzas);
	struct deb822 *doc = p->doc;
	if ((doc->count & (doc->count - 1)) == 0)
		doc->stanzas = xrealloc(doc->stanzas, (doc->count ? doc->count * 2 : 1) *
							      sizeof(*doc->stanzas));
	doc->stanzas[doc->count++] = (struct deb822_stanza){ NULL, 0 };
	p->in_stanza = true;
	return 0;
}

static int add_field(struct parser *p, const char *s, size_t len, struct err *err)
{
	size_t name_len = 0;
	while (name_len < len && name_char((unsigned char)s[name_len]))
		name_len++;
	if (name_len == 0 || name_len == len || s[name_len] != ':' || s[0] == '-')
		return malformed(p, "neither 'Field: value' nor a continuation", err);
	if (open_stanza(p, err) < 0)
		return -1;
	struct deb822_stanza *stanza = &p->doc->stanzas[p->doc->count - 1];
	_cleanup_free_ char *name = xstrndup(s, name_len);
	if (deb822_get(stanza, name))
		return err_set(err, ERR_INPUT, "%s: line %u: field '%s' stands twice", p->origin,
			       p->line, name);
	if (stanza->count >= MAX_FIELDS)
		return err_set(err, ERR_TOO_LARGE, "%s: line %u: more than %d fields in a stanza",
			       p->origin, p->line, MAX_FIELDS);

	const char *value = s + name_len + 1;
	size_t value_len = trimmed_len(value, len - name_len - 1);
	while (value_len && (*value == ' ' || *value == '\t')) {
		value++;
		value_len--;
	}
	if ((stanza->count & (stanza->count - 1)) == 0)
		stanza->fields =
			xrealloc(stanza->fields, (stanza->count ? stanza->count * 2 : 1) *
							 sizeof(*stanza->fields));
	stanza->fields[stanza->count++] = (struct deb822_field){
		.name = steal(&name),
		.value = xstrndup(value, value_len),
		.line = p->line,
	};
	p->value_len = value_len;
	p->value_room = value_len + 1;
	return 0;
}

static int parse_line(struct parser *p, const char *s, size_t len, struct err *err)
{
	if (memchr(s, '\0', len))
		return malformed(p, "a NUL byte", err);
	if (len && s[0] == '#')
		return 0;
	if (trimmed_len(s, len) == 0) {
		p->in_stanza = false;
		return 0;
	}
	if (s[0] == ' ' || s[0] == '\t')
		return continue_field(p, s, len, err);
	return add_field(p, s, len, err);
}

int deb822_parse(const char *text, size_t len, size_t max_stanzas, const char *origin,
		 struct deb822 **out, struct err *err)
{
	*out = NULL;
	_cleanup_(deb822_freep) struct deb822 *doc = xcalloc(1, sizeof(*doc));
	struct parser p = { .origin = origin, .max_stanzas = max_stanzas, .doc = doc };
	size_t at = 0;
	while (at < len) {
		const char *end = memchr(text + at, '\n', len - at);
		p.line++;
		if (!end)
			return malformed(&p, "the file ends in the middle of a line", err);
		size_t line_len = (size_t)(end - (text + at));
		if (parse_line(&p, text + at, line_len, err) < 0)
			return -1;
		at += line_len + 1;
	}
	*out = steal(&doc);
	return 0;
}

int deb822_read_file(const char *path, size_t max_bytes, size_t max_stanzas,
		     struct deb822 **out, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	*out = NULL;
	if (file_read(path, max_bytes, &text, &len, err) < 0)
		return -1;
	return deb822_parse(text, len, max_stanzas, path, out, err);
}

const char *deb822_get(const struct deb822_stanza *stanza, const char *name)
{
	for (size_t i = 0; i < stanza->count; i++)
		if (strcasecmp(stanza->fields[i].name, name) == 0)
			return stanza->fields[i].value;
	return NULL;
}

const char *deb822_get_or(const struct deb822_stanza *stanza, const char *name,
			  const char *fallback)
{
	const char *value = stanza ? deb822_get(stanza, name) : NULL;
	return value && *value ? value : fallback;
}

int deb822_require(const struct deb822_stanza *stanza, const char *name, const char *origin,
		   const char **value, struct err *err)
{
	*value = deb822_get(stanza, name);
	if (!*value || !**value)
		return err_set(err, ERR_INPUT, "%s: field '%s' is missing", origin, name);
	return 0;
}

int deb822_check_known(const struct deb822_stanza *stanza, const char *const *known,
		       const char *origin, struct err *err)
{
	for (size_t i = 0; i < stanza->count; i++) {
		const char *name = stanza->fields[i].name;
		bool found = strncasecmp(name, "X-", 2) == 0;
		for (const char *const *k = known; *k && !found; k++)
			found = strcasecmp(name, *k) == 0;
		if (!found)
			return err_set(err, ERR_INPUT, "%s: line %u: unknown field '%s'", origin,
				       stanza->fields[i].line, name);
	}
	return 0;
}

void deb822_write(struct strbuf *out, const char *name, const char *value)
{
	strbuf_addf(out, "%s:", name);
	if (*value && *value != '\n')
		strbuf_addc(out, ' ');
	for (;;) {
		size_t len = strcspn(value, "\n");
		strbuf_add(out, value, len);
		strbuf_addc(out, '\n');
		if (!value[len])
			return;
		value += len + 1;
		strbuf_adds(out, *value && *value != '\n' ? " " : " .");
	}
}
