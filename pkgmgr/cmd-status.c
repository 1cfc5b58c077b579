/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>
#include <stdio.h>
#include <time.h>

#include "common/cli.h"
#include "common/instance-words.h"
#include "pkgmgr/apt/apt.h"
#include "pkgmgr/care.h"
#include "pkgmgr/enrol.h"
#include "pkgmgr/instances.h"
#include "pkgmgr/list.h"
#include "pkgmgr/record.h"
#include "pkgmgr/schedule.h"
#include "pkgmgr/sync.h"

/* Gathered as JSON; the text is printed from it. */

static struct json_object *text_or_null(const char *text)
{
	return text ? json_object_new_string(text) : NULL;
}

static void add_time(struct json_object *out, const char *name, int64_t when)
{
	_cleanup_free_ char *text = time_format(when);
	json_object_object_add(out, name, when ? json_object_new_string(text) : NULL);
}

static struct json_object *list_to_json(const struct site_list *list)
{
	struct json_object *out = json_object_new_object();
	json_object_object_add(out, "epoch", json_object_new_int64((int64_t)list->epoch));
	json_object_object_add(out, "serial", json_object_new_int64((int64_t)list->serial));
	add_time(out, "date", list->date);
	add_time(out, "valid_until", list->valid_until);
	return out;
}

static struct json_object *find_instance(struct json_object *instances, const char *name)
{
	for (size_t i = 0; i < json_object_array_length(instances); i++) {
		struct json_object *one = json_object_array_get_idx(instances, i);
		const char *other = instance_text(one, "name");
		if (other && str_eq(other, name))
			return one;
	}
	return NULL;
}

static struct json_object *package_to_json(const struct plan_want *want,
					   struct json_object *instances)
{
	struct json_object *out = json_object_new_object();
	struct json_object *instance = find_instance(instances, want->package);
	json_object_object_add(out, "name", json_object_new_string(want->package));
	json_object_object_add(out, "wanted", text_or_null(want->wanted_version));
	json_object_object_add(out, "installed", text_or_null(want->installed_version));
	json_object_object_add(out, "running",
			       text_or_null(instance ? instance_text(instance, "running_version")
						     : NULL));
	json_object_object_add(out, "state",
			       text_or_null(instance ? instance_text(instance, "state") : NULL));
	json_object_object_add(out, "note",
			       text_or_null(instance ? instance_text(instance, "note") : NULL));
	_cleanup_free_ char *words = instance ? instance_words(instance) : NULL;
	json_object_object_add(out, "words", text_or_null(words));
	return out;
}

/* Not installed, or its list was refused: what keeps the site from its list. */
static void add_packages(const struct pkgmgr *m, const struct site_list *list,
			 struct json_object *out)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct json_object *packages = json_object_new_array();
	struct json_object *instances = instances_list(&m->root);
	if (apt_init(&m->root, &err) == 0 && sync_make_plan(m, list, &plan, &err) == 0)
		err_clear(&err);
	instances_add_installed(instances, plan, false);
	for (size_t i = 0; plan && i < plan->want_count; i++)
		json_object_array_add(packages, package_to_json(&plan->wants[i], instances));
	json_object_object_add(out, "packages", packages);
	json_object_object_add(out, "instances", instances);
	json_object_object_add(out, "pending_changes",
			       plan ? json_object_new_int64((int64_t)plan->action_count) : NULL);
	json_object_object_add(out, "problem", text_or_null(err.msg));
}

static void add_attention(const struct pkgmgr *m, const struct site_list *list,
			  struct json_object *out)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	struct json_object *array = json_object_new_array();
	care_words(m, list, &words);
	for (size_t i = 0; i < words.count; i++)
		json_object_array_add(array, json_object_new_string(words.items[i]));
	json_object_object_add(out, "attention", array);
}

static int add_last_sync(const struct sync_record *record, void *arg, struct err *err)
{
	struct json_object *out = json_object_new_object();
	add_time(out, "started_at", record->started_at);
	add_time(out, "ended_at", record->ended_at);
	json_object_object_add(out, "exit_code", json_object_new_int(record->exit_code));
	json_object_object_add(out, "summary", text_or_null(record->summary));
	json_object_object_add(arg, "last_sync", out);
	return 0;
}

/* NULL: there is no token, so nothing to wait for. */
static struct json_object *enrolment_to_json(const struct pkgmgr *m)
{
	_cleanup_enrol_answer_ struct enrol_answer answer = { 0 };
	if (!enrol_is_due(&m->root))
		return NULL;
	bool answered = enrol_last_answer(&m->root, &answer);
	struct json_object *out = json_object_new_object();
	json_object_object_add(out, "status",
			       json_object_new_string(answered ? enrol_status_name(answer.status)
							       : "not asked yet"));
	json_object_object_add(out, "reason", text_or_null(answer.reason));
	return out;
}

static int gather(const struct pkgmgr *m, struct json_object *out, struct err *err)
{
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	struct schedule schedule;
	schedule_init(&schedule);
	json_object_object_add(out, "site", text_or_null(m->conf->site));
	json_object_object_add(out, "enrolment", enrolment_to_json(m));
	json_object_object_add(out, "last_sync", NULL);
	if (record_each_sync(m->state, 1, add_last_sync, out, err) < 0)
		return -1;
	int rc = schedule_read(&m->root, &schedule, err);
	if (rc == 0)
		add_time(out, "next_sync", schedule_next(&schedule, time(NULL)));
	schedule_destroy(&schedule);
	if (rc < 0 || !m->conf->site)
		return rc;
	if (list_load(m, &list, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		json_object_object_add(out, "problem", json_object_new_string(err->msg));
		err_clear(err);
		return 0;
	}
	json_object_object_add(out, "list", list_to_json(list));
	add_attention(m, list, out);
	add_packages(m, list, out);
	return 0;
}

static const char *text_of(struct json_object *json, const char *member)
{
	const char *text = instance_text(json, member);
	return text ? text : "-";
}

static void print_packages(struct json_object *packages)
{
	if (!json_object_array_length(packages))
		return;
	printf("%-24s %-16s %-16s %-16s %s\n", "PACKAGE", "WANTED", "INSTALLED", "RUNNING", "STATE");
	for (size_t i = 0; i < json_object_array_length(packages); i++) {
		struct json_object *p = json_object_array_get_idx(packages, i);
		printf("%-24s %-16s %-16s %-16s %s\n", text_of(p, "name"), text_of(p, "wanted"),
		       text_of(p, "installed"), text_of(p, "running"), text_of(p, "state"));
		const char *note = instance_text(p, "note");
		const char *words = instance_text(p, "words");
		if (note)
			printf("    %s\n", note);
		if (words)
			printf("    %s\n", words);
	}
}

static void print_text(struct json_object *out)
{
	struct json_object *list = NULL, *last = NULL, *packages = NULL, *serial = NULL;
	struct json_object *attention = NULL;
	struct json_object *enrolment = NULL;
	printf("site        %s\n", text_of(out, "site"));
	if (json_object_object_get_ex(out, "enrolment", &enrolment) && enrolment)
		printf("enrolment   %s: %s\n", text_of(enrolment, "status"),
		       text_of(enrolment, "reason"));
	if (json_object_object_get_ex(out, "list", &list) &&
	    json_object_object_get_ex(list, "serial", &serial))
		printf("list        %lld, valid until %s\n", (long long)json_object_get_int64(serial),
		       text_of(list, "valid_until"));
	if (json_object_object_get_ex(out, "last_sync", &last) && last)
		printf("last sync   %s  %s\n", text_of(last, "started_at"), text_of(last, "summary"));
	printf("next sync   %s\n", text_of(out, "next_sync"));
	const char *problem = instance_text(out, "problem");
	if (problem)
		printf("problem     %s\n", problem);
	if (json_object_object_get_ex(out, "attention", &attention))
		for (size_t i = 0; i < json_object_array_length(attention); i++)
			printf("attention   %s\n", json_object_get_string(
						      json_object_array_get_idx(attention, i)));
	if (json_object_object_get_ex(out, "packages", &packages))
		print_packages(packages);
}

int cmd_status(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct pkgmgr *m = cli->ctx;
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0 || pkgmgr_open_unenrolled(m, err) < 0)
		return -1;
	struct json_object *out = json_object_new_object();
	int rc = gather(m, out, err);
	if (rc == 0 && cli->json)
		puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PLAIN));
	else if (rc == 0)
		print_text(out);
	json_object_put(out);
	return rc;
}
