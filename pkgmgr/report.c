/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/report.h"

#include <json-c/json.h>
#include <sys/statvfs.h>
#include <time.h>

#include "common/log.h"
#include "pkgmgr/gate.h"
#include "pkgmgr/instances.h"
#include "pkgmgr/list.h"

/* The gate refuses more than 64 KiB. */
enum { REPORT_MAX_BYTES = 60 * 1024 };

const char *report_result(const struct err *cause)
{
	if (cause->code == ERR_NONE)
		return "done";
	return err_exit_code(cause) == EXIT_REFUSED ? "refused" : "failed";
}

static struct json_object *text_or_null(const char *text)
{
	return text ? json_object_new_string(text) : NULL;
}

static int64_t free_bytes(const struct pkgmgr *m)
{
	_cleanup_free_ char *dir = root_path(&m->root, "var/lib/waybill");
	struct statvfs fs;
	return statvfs(dir, &fs) == 0 ? (int64_t)(fs.f_bavail * fs.f_frsize) : 0;
}

/* What went wrong, else what the operator should know. */
static struct json_object *reason(const struct sync *sync, const struct err *cause)
{
	_cleanup_strv_ struct strv parts = STRV_INIT;
	if (cause->code != ERR_NONE)
		strv_add(&parts, cause->msg);
	for (size_t i = 0; i < sync->notes.count; i++)
		strv_add(&parts, sync->notes.items[i]);
	for (size_t i = 0; sync->plan && i < sync->plan->notes.count; i++)
		strv_add(&parts, sync->plan->notes.items[i]);
	_cleanup_free_ char *text = parts.count ? strv_join(&parts, "; ") : NULL;
	return text_or_null(text);
}

static struct json_object *packages(const struct sync *sync)
{
	struct json_object *out = json_object_new_array();
	for (size_t i = 0; sync->plan && i < sync->plan->want_count; i++) {
		const struct plan_want *w = &sync->plan->wants[i];
		const char *installed = sync->committed ? w->wanted_version : w->installed_version;
		struct json_object *one = json_object_new_object();
		json_object_object_add(one, "name", json_object_new_string(w->package));
		json_object_object_add(one, "wanted", text_or_null(w->wanted_version));
		json_object_object_add(one, "installed", text_or_null(installed));
		json_object_array_add(out, one);
	}
	return out;
}

static void add_number(struct json_object *out, const char *name, uint64_t number)
{
	json_object_object_add(out, name, json_object_new_int64((int64_t)number));
}

/* Of the list in force, which is not the one that was just refused. */
static void add_serial(const struct sync *sync, struct json_object *out)
{
	_cleanup_err_ struct err err = ERR_INIT;
	uint64_t epoch = 0, serial = 0;
	if (list_last_serial(sync->m, &epoch, &serial, &err) < 0)
		log_warn("%s", err.msg);
	add_number(out, "serial", serial);
	add_number(out, "epoch", epoch);
}

static struct json_object *attention(const struct sync *sync)
{
	struct json_object *out = json_object_new_array();
	for (size_t i = 0; i < sync->attention.count; i++)
		json_object_array_add(out, json_object_new_string(sync->attention.items[i]));
	return out;
}

static struct json_object *instances(const struct sync *sync)
{
	struct json_object *out = instances_list(&sync->m->root);
	instances_add_installed(out, sync->plan, sync->committed);
	return out;
}

/* Its start, where the check's output is, and its end, where the console's is. */
static struct json_object *shortened(const char *text, size_t bytes)
{
	size_t len = strlen(text), head = bytes / 2, tail = len - bytes / 2;
	while (head > 0 && ((unsigned char)text[head] & 0xc0) == 0x80)
		head--;
	while (tail < len && ((unsigned char)text[tail] & 0xc0) == 0x80)
		tail++;
	_cleanup_free_ char *cut = xasprintf("%.*s\n[...]\n%s", (int)head, text, text + tail);
	return json_object_new_string(cut);
}

static void shorten_details(struct json_object *instance, size_t bytes)
{
	struct json_object *array = NULL;
	if (!json_object_object_get_ex(instance, "bad_versions", &array) ||
	    !json_object_is_type(array, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *bad = json_object_array_get_idx(array, i);
		const char *detail = instance_text(bad, "detail");
		if (detail && strlen(detail) > bytes)
			json_object_object_add(bad, "detail", shortened(detail, bytes));
	}
}

void report_fit(struct json_object *report, size_t max_bytes)
{
	static const size_t steps[] = { 4096, 1024, 256, 0 };
	struct json_object *list = json_object_object_get(report, "instances");
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (strlen(json_object_to_json_string_ext(report, JSON_C_TO_STRING_PLAIN)) <=
		    max_bytes)
			return;
		for (size_t k = 0; k < json_object_array_length(list); k++)
			shorten_details(json_object_array_get_idx(list, k), steps[i]);
	}
}

static struct json_object *make(const struct sync *sync, const struct err *cause)
{
	struct json_object *out = json_object_new_object();
	_cleanup_free_ char *now = time_format(time(NULL));
	json_object_object_add(out, "format", json_object_new_string("waybill-report 1"));
	json_object_object_add(out, "site", json_object_new_string(sync->m->conf->site));
	add_serial(sync, out);
	json_object_object_add(out, "time", json_object_new_string(now));
	json_object_object_add(out, "result", json_object_new_string(report_result(cause)));
	add_number(out, "exit_code", err_exit_code(cause));
	json_object_object_add(out, "reason", reason(sync, cause));
	add_number(out, "free_bytes", (uint64_t)free_bytes(sync->m));
	json_object_object_add(out, "attention", attention(sync));
	json_object_object_add(out, "packages", packages(sync));
	json_object_object_add(out, "instances", instances(sync));
	report_fit(out, REPORT_MAX_BYTES);
	return out;
}

void report_send(const struct sync *sync, const struct err *cause)
{
	_cleanup_err_ struct err err = ERR_INIT;
	struct json_object *json = make(sync, cause);
	if (gate_report(sync->m, json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN),
			&err) < 0)
		log_warn("the report did not get through: %s", err.msg);
	json_object_put(json);
}
