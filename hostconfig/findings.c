/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hostconfig/findings.h"

#include <json-c/json.h>

#include "common/util.h"

static const char *const result_names[] = { "ok", "warning", "problem", "skipped" };

void findings_destroy(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		free(findings->items[i].text);
		free(findings->items[i].advice);
	}
	free(findings->items);
}

void findings_add(struct findings *findings, enum result result, const char *fmt, ...)
{
	va_list ap;
	findings->items = xrealloc(findings->items,
				   (findings->count + 1) * sizeof(*findings->items));
	va_start(ap, fmt);
	findings->items[findings->count++] =
		(struct finding){ findings->check, result, xvasprintf(fmt, ap), NULL };
	va_end(ap);
}

void findings_advise(struct findings *findings, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	findings->items[findings->count - 1].advice = xvasprintf(fmt, ap);
	va_end(ap);
}

bool findings_problem(const struct findings *findings, const char *check)
{
	for (size_t i = 0; i < findings->count; i++)
		if (findings->items[i].result == RESULT_PROBLEM &&
		    (!check || str_eq(findings->items[i].check, check)))
			return true;
	return false;
}

void findings_print(const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->items[i];
		printf("%-8s  %-14s  %s\n", result_names[f->result], f->check, f->text);
		if (f->advice)
			printf("%26s%s\n", "", f->advice);
	}
}

void findings_print_json(const struct findings *findings)
{
	struct json_object *out = json_object_new_object();
	struct json_object *all = json_object_new_array();
	json_object_object_add(out, "format", json_object_new_string("waybill-host-check 1"));
	json_object_object_add(out, "findings", all);
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->items[i];
		struct json_object *o = json_object_new_object();
		json_object_object_add(o, "check", json_object_new_string(f->check));
		json_object_object_add(o, "result",
				       json_object_new_string(result_names[f->result]));
		json_object_object_add(o, "text", json_object_new_string(f->text));
		json_object_object_add(o, "advice",
				       f->advice ? json_object_new_string(f->advice) : NULL);
		json_object_array_add(all, o);
	}
	puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PRETTY |
							 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(out);
}
