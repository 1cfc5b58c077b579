/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/template.h"

#include <ctype.h>

#include "common/util.h"

enum { MAX_DEPTH = 8 };

static struct value *find(const struct values *values, const char *name, size_t len)
{
	for (size_t i = 0; i < values->count; i++)
		if (strlen(values->items[i].name) == len &&
		    memcmp(values->items[i].name, name, len) == 0)
			return &values->items[i];
	return NULL;
}

void values_set(struct values *values, const char *name, const char *value)
{
	struct value *old = find(values, name, strlen(name));
	if (old) {
		free(old->value);
		old->value = xstrdup(value ? value : "");
		return;
	}
	values->items = xrealloc(values->items, (values->count + 1) * sizeof(*values->items));
	values->items[values->count++] =
		(struct value){ xstrdup(name), xstrdup(value ? value : "") };
}

const char *values_get(const struct values *values, const char *name)
{
	const struct value *value = find(values, name, strlen(name));
	return value ? value->value : NULL;
}

void values_destroy(struct values *values)
{
	for (size_t i = 0; i < values->count; i++) {
		free(values->items[i].name);
		free(values->items[i].value);
	}
	free(values->items);
	*values = (struct values){ 0 };
}

/* A name: lower-case letters and hyphens. */
static size_t name_length(const char *s)
{
	size_t len = 0;
	while (islower((unsigned char)s[len]) || isdigit((unsigned char)s[len]) || s[len] == '-')
		len++;
	return len;
}

static int add_value(const struct values *values, const char *name, size_t len,
		     struct strbuf *out, struct err *err)
{
	const struct value *value = find(values, name, len);
	if (!value)
		return err_set(err, ERR_INPUT, "there is no value named %.*s", (int)len, name);
	for (const char *p = value->value; *p; p++)
		if (iscntrl((unsigned char)*p))
			return err_set(err, ERR_INPUT, "the value of %s holds a control "
				       "character", value->name);
	strbuf_adds(out, value->value);
	return 0;
}

static int expand_line(const char *line, size_t len, const struct values *values,
		       struct strbuf *out, struct err *err)
{
	size_t start = out->len;
	for (size_t i = 0; i < len; i++) {
		size_t name = line[i] == '@' ? name_length(line + i + 1) : 0;
		if (name == 0 || line[i + 1 + name] != '@') {
			strbuf_addc(out, line[i]);
			continue;
		}
		if (add_value(values, line + i + 1, name, out, err) < 0)
			return -1;
		i += name + 1;
	}
	/* A value that is empty leaves a blank at the end, which no clearsigned text may have. */
	while (out->len > start && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	strbuf_addc(out, '\n');
	return 0;
}

/* "%if name" and so on: the state of the lines that follow. */
struct nesting {
	bool keep[MAX_DEPTH + 1];
	unsigned depth;
};

static int take_directive(const char *line, size_t len, const struct values *values,
			  struct nesting *nesting, struct err *err)
{
	if (len >= 2 && line[1] == '%')
		return 0;
	if (len == 4 && memcmp(line, "%end", 4) == 0) {
		if (nesting->depth == 0)
			return err_set(err, ERR_INPUT, "%%end without an %%if");
		nesting->depth--;
		return 0;
	}
	bool negated = str_starts(line, "%ifnot ");
	if ((!negated && !str_starts(line, "%if ")) || nesting->depth == MAX_DEPTH)
		return err_set(err, ERR_INPUT, "no line of a template: %.*s", (int)len, line);
	const char *name = line + (negated ? 7 : 4);
	const struct value *value = find(values, name, len - (size_t)(name - line));
	if (!value)
		return err_set(err, ERR_INPUT, "there is no value named %.*s",
			       (int)(len - (size_t)(name - line)), name);
	bool outer = nesting->keep[nesting->depth];
	nesting->keep[++nesting->depth] = outer && (*value->value != '\0') != negated;
	return 0;
}

int template_expand(const char *text, const struct values *values, const char *origin,
		    struct strbuf *out, struct err *err)
{
	struct nesting nesting = { .keep = { true } };
	unsigned number = 0;
	while (*text) {
		size_t len = strcspn(text, "\n");
		int result = 0;
		number++;
		if (*text == '%')
			result = take_directive(text, len, values, &nesting, err);
		else if (nesting.keep[nesting.depth])
			result = expand_line(text, len, values, out, err);
		if (result < 0)
			return err_prefix(err, "%s: line %u", origin, number);
		text += len + (text[len] == '\n');
	}
	if (nesting.depth)
		return err_set(err, ERR_INPUT, "%s: an %%if has no %%end", origin);
	return 0;
}
