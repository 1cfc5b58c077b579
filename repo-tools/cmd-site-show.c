/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>

#include "common/instance-words.h"
#include "repo-tools/cmds.h"
#include "repo-tools/enrol-words.h"
#include "repo-tools/report.h"
#include "repo-tools/site-param.h"
#include "repo-tools/site.h"

struct site_view {
	const char *site;
	struct site_list *list;
	struct report *report;	/* or NULL */
	char *key;		/* or NULL */
	struct enrolment *enrolment;
};

static const char *text_of(struct json_object *object, const char *key)
{
	struct json_object *value = json_object_object_get(object, key);
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static void print_entries(const struct site_list *list)
{
	for (int kind = 0; kind < LIST_KINDS; kind++) {
		const struct site_list_entries *entries = &list->lists[kind];
		printf("%-12s", site_list_kind_name(kind));
		for (size_t i = 0; i < entries->count; i++) {
			_cleanup_free_ char *text = site_list_entry_format(&entries->items[i]);
			printf("%s%s", i ? ", " : " ", text);
		}
		puts(entries->count ? "" : " (nothing)");
	}
	for (size_t i = 0; i < list->param_count; i++)
		printf("params       %s\n", list->params[i].appliance);
}

/* "askom: wanted 1.4.0, installed 1.3.0" */
static void print_report_items(struct json_object *array, const char *const keys[3],
			       const char *const words[3])
{
	if (!json_object_is_type(array, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *item = json_object_array_get_idx(array, i);
		const char *name = text_of(item, "name");
		_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
		strbuf_addf(&line, "%s:", name ? name : "?");
		for (int k = 0; k < 3; k++) {
			const char *value = text_of(item, keys[k]);
			if (value)
				strbuf_addf(&line, " %s %s", words[k], value);
		}
		_cleanup_free_ char *clean = report_printable(line.data);
		printf("             %s\n", clean);
	}
}

/* What the check that failed had put out, and the guest's last words. */
static void print_evidence(struct json_object *instance)
{
	const char *installed = text_of(instance, "installed");
	struct json_object *bad = installed ? instance_bad_version(instance, installed) : NULL;
	const char *detail = bad ? text_of(bad, "detail") : NULL;
	_cleanup_strv_ struct strv lines = STRV_INIT;
	strv_split(&lines, detail ? detail : "", "\n");
	for (size_t i = 0; i < lines.count; i++) {
		_cleanup_free_ char *clean = report_printable(lines.items[i]);
		printf("             | %s\n", clean);
	}
}

static void print_words(struct json_object *array)
{
	if (!json_object_is_type(array, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *instance = json_object_array_get_idx(array, i);
		_cleanup_free_ char *words = instance_words(instance);
		_cleanup_free_ char *clean = words ? report_printable(words) : NULL;
		if (!clean)
			continue;
		printf("attention    %s\n", clean);
		print_evidence(instance);
	}
}

static void print_host_words(const struct report *report)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	report_host_words(report, &words);
	for (size_t i = 0; i < words.count; i++)
		printf("attention    %s\n", words.items[i]);
}

static void print_report(const struct site_view *view)
{
	static const char *const package_keys[] = { "wanted", "installed", "note" };
	static const char *const package_words[] = { "wanted", "installed", "-" };
	static const char *const instance_keys[] = { "state", "running_version", "note" };
	static const char *const instance_labels[] = { "is", "version", "-" };
	const struct report *report = view->report;
	if (!report) {
		puts("last report  never heard of it");
		return;
	}
	_cleanup_free_ char *time = report_printable(report->time);
	_cleanup_free_ char *result = report_printable(report->result);
	_cleanup_free_ char *reason = report_printable(report->reason ? report->reason : "");
	printf("last report  %s: %s%s%s (exit %lld)\n", time, result, *reason ? ", " : "", reason,
	       (long long)report->exit_code);
	if ((uint64_t)report->serial == view->list->serial)
		puts("             it has seen this list");
	else
		printf("             it has seen list %lld, not this one\n",
		       (long long)report->serial);
	print_report_items(json_object_object_get(report->json, "packages"), package_keys,
			   package_words);
	print_report_items(json_object_object_get(report->json, "instances"), instance_keys,
			   instance_labels);
	print_host_words(report);
	print_words(json_object_object_get(report->json, "instances"));
}

static void print_enrolment(const struct site_view *view)
{
	const struct enrolment_machine *machine = enrolment_of_site(view->enrolment, view->site);
	_cleanup_strv_ struct strv words = STRV_INIT, tokens = STRV_INIT;
	enrol_words(view->enrolment, view->site, &words);
	enrol_token_words(view->enrolment, view->site, &tokens);
	if (machine) {
		_cleanup_free_ char *who = enrol_describe_machine(machine);
		_cleanup_free_ char *since = time_format(machine->since);
		printf("machine      %s\n             enrolled %s\n", who, since);
	}
	for (size_t i = 0; i < tokens.count; i++)
		printf("token        %s\n", tokens.items[i]);
	for (size_t i = 0; i < words.count; i++)
		printf("attention    %s\n", words.items[i]);
}

static void print_text(const struct site_view *view)
{
	_cleanup_free_ char *date = time_format(view->list->date);
	_cleanup_free_ char *until = time_format(view->list->valid_until);
	bool expired = view->list->valid_until < time_now_reproducible();
	printf("site         %s\n", view->site);
	printf("ssh key      %s\n", view->key ? view->key : "none; see imagerepo site token");
	print_enrolment(view);
	printf("list         serial %llu, epoch %llu, signed %s\n",
	       (unsigned long long)view->list->serial, (unsigned long long)view->list->epoch,
	       date);
	printf("%s  %s%s\n", expired ? "EXPIRED    " : "valid until", until,
	       expired ? "; run imagerepo resign" : "");
	print_entries(view->list);
	print_report(view);
}

static void print_json(const struct site_view *view)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "site", json_object_new_string(view->site));
	json_object_object_add(o, "key", view->key ? json_object_new_string(view->key) : NULL);
	json_object_object_add(o, "epoch", json_object_new_int64((int64_t)view->list->epoch));
	json_object_object_add(o, "serial", json_object_new_int64((int64_t)view->list->serial));
	json_object_object_add(o, "date", json_object_new_int64(view->list->date));
	json_object_object_add(o, "valid_until", json_object_new_int64(view->list->valid_until));
	for (int kind = 0; kind < LIST_KINDS; kind++) {
		struct json_object *array = json_object_new_array();
		for (size_t i = 0; i < view->list->lists[kind].count; i++) {
			_cleanup_free_ char *text =
				site_list_entry_format(&view->list->lists[kind].items[i]);
			json_object_array_add(array, json_object_new_string(text));
		}
		json_object_object_add(o, site_list_kind_name(kind), array);
	}
	json_object_object_add(o, "enrolment", enrol_site_to_json(view->enrolment, view->site));
	json_object_object_add(o, "report",
			       view->report ? json_object_get(view->report->json) : NULL);
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
	json_object_put(o);
}

int cmd_site_show(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	_cleanup_(report_freep) struct report *report = NULL;
	_cleanup_(enrolment_freep) struct enrolment *e = NULL;
	_cleanup_free_ char *key = NULL;
	if (cli_no_opts(cli, argc, argv, 1, 1, err) < 0)
		return -1;
	const char *site = argv[cli->next];
	if (cmd_open_repo(cli, REPO_READ, &repo, err) < 0 || site_check(repo, site, err) < 0 ||
	    site_read_signed(repo, site, &list, NULL, err) < 0 ||
	    site_get_key(repo, site, &key, err) < 0 || report_read(repo, site, &report, err) < 0 ||
	    enrolment_open(repo, REPO_READ, &e, err) < 0)
		return -1;
	struct site_view view = { site, list, report, key, e };
	if (cli->json)
		print_json(&view);
	else
		print_text(&view);
	return 0;
}
