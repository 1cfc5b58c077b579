/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/report.h"

#include "common/atomic-file.h"
#include "common/instance-words.h"
#include "common/strbuf.h"
#include "repo-tools/site.h"

#define REPORT_FORMAT "waybill-report 1"
/* An honest report is three levels deep. */
enum { MAX_DEPTH = 8 };

void report_free(struct report *report)
{
	if (!report)
		return;
	json_object_put(report->json);
	free(report);
}

static const char *get_string(struct json_object *json, const char *key, const char *otherwise)
{
	struct json_object *value = json_object_object_get(json, key);
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value)
							    : otherwise;
}

static struct json_object *parse_json(const char *text, size_t len, struct err *err)
{
	struct json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *json = json_tokener_parse_ex(tokener, text, (int)len);
	enum json_tokener_error why = json_tokener_get_error(tokener);
	json_tokener_free(tokener);
	if (!json) /* strict: what follows the object is an error as well */
		err_set(err, ERR_INPUT, "the report is no JSON: %s",
			why == json_tokener_continue ? "it is cut short"
						     : json_tokener_error_desc(why));
	return json;
}

int report_parse(const char *text, size_t len, const char *site, struct report **out,
		 struct err *err)
{
	*out = NULL;
	if (len > REPORT_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "the report is larger than %d bytes",
			       REPORT_MAX_BYTES);
	if (memchr(text, 0, len))
		return err_set(err, ERR_INPUT, "the report has a NUL byte in it");
	_cleanup_free_ char *copy = xstrndup(text, len);
	_cleanup_(report_freep) struct report *report = xcalloc(1, sizeof(*report));
	report->json = parse_json(copy, len, err);
	if (!report->json)
		return -1;
	if (!json_object_is_type(report->json, json_type_object) ||
	    !str_eq(get_string(report->json, "format", ""), REPORT_FORMAT))
		return err_set(err, ERR_INPUT, "the report's format is not '" REPORT_FORMAT "'");
	if (!str_eq(get_string(report->json, "site", ""), site))
		return err_set(err, ERR_INPUT, "the report is not of site %s", site);
	report->time = get_string(report->json, "time", "?");
	report->result = get_string(report->json, "result", "?");
	report->reason = get_string(report->json, "reason", NULL);
	report->serial = json_object_get_int64(json_object_object_get(report->json, "serial"));
	report->exit_code =
		json_object_get_int64(json_object_object_get(report->json, "exit_code"));
	*out = steal(&report);
	return 0;
}

int report_read(const struct repo *repo, const char *site, struct report **out, struct err *err)
{
	size_t len;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *path = site_path(repo, site, "report.json");
	*out = NULL;
	if (!file_exists(path))
		return 0;
	if (file_read(path, REPORT_MAX_BYTES, &text, &len, err) < 0)
		return -1;
	return report_parse(text, len, site, out, err) < 0 ? err_prefix(err, "%s", path) : 0;
}

char *report_printable(const char *text)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	strbuf_adds(&out, "");
	for (; *text; text++)
		strbuf_addc(&out, (unsigned char)*text < ' ' || *text == 127 ? '?' : *text);
	return strbuf_steal(&out);
}

void report_host_words(const struct report *report, struct strv *words)
{
	struct json_object *array = json_object_object_get(report->json, "attention");
	if (!json_object_is_type(array, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *item = json_object_array_get_idx(array, i);
		if (!json_object_is_type(item, json_type_string))
			continue;
		_cleanup_free_ char *clean = report_printable(json_object_get_string(item));
		strv_add(words, clean);
	}
}

void report_words(const struct report *report, struct strv *words)
{
	report_host_words(report, words);
	struct json_object *array = json_object_object_get(report->json, "instances");
	if (!json_object_is_type(array, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		_cleanup_free_ char *text = instance_words(json_object_array_get_idx(array, i));
		_cleanup_free_ char *clean = text ? report_printable(text) : NULL;
		if (clean)
			strv_add(words, clean);
	}
}
