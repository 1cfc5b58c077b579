/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imagerepo site add, list, remove, key, keys: which sites there are. */
#include <json-c/json.h>
#include <unistd.h>

#include "repo-tools/cmds.h"
#include "common/atomic-file.h"
#include "repo-tools/enrol-admin.h"
#include "repo-tools/enrol-words.h"
#include "repo-tools/gate-keys.h"
#include "repo-tools/report.h"
#include "repo-tools/site.h"
#include "repo-tools/ssh-key.h"

enum { OPT_KEY = 1 };

const struct cli_opt cmd_site_add_opts[] = {
	{ OPT_KEY, "key", 0, "FILE", "the site's ssh public key" },
	{ 0 },
};

static int read_key(const char *file, char **key, struct err *err)
{
	size_t len;
	_cleanup_free_ char *text = NULL;
	if (file_read(file, SSH_KEY_MAX_BYTES, &text, &len, err) < 0)
		return -1;
	return ssh_key_parse(text, key, err) < 0 ? err_prefix(err, "%s", file) : 0;
}

int cmd_site_add(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_free_ char *key = NULL;
	const char *key_file = NULL;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		key_file = cli->value;
	if (id < 0 || cli_check_args(cli, argc, 1, 1, err) < 0 ||
	    (key_file && read_key(key_file, &key, err) < 0) ||
	    cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0)
		return -1;
	const char *site = argv[cli->next];
	if (site_create(repo, site, err) < 0 ||
	    (key && enrol_admin_set_key(repo, site, key, err) < 0) ||
	    site_sign(repo, site, NULL, err) < 0)
		return -1;
	printf("site %s: made, with empty lists%s\n", site,
	       key ? "" : "; it has no ssh key yet (imagerepo site bundle --enroll)");
	return 0;
}

int cmd_site_key(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_free_ char *key = NULL;
	if (cli_no_opts(cli, argc, argv, 2, 2, err) < 0 ||
	    read_key(argv[cli->next + 1], &key, err) < 0 ||
	    cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0 ||
	    site_check(repo, argv[cli->next], err) < 0 ||
	    enrol_admin_set_key(repo, argv[cli->next], key, err) < 0)
		return -1;
	printf("site %s: key set; put the line of 'imagerepo site keys' into authorized_keys\n",
	       argv[cli->next]);
	return 0;
}

int cmd_site_keys(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_strv_ struct strv sites = STRV_INIT;
	_cleanup_strbuf_ struct strbuf lines = STRBUF_INIT;
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0 ||
	    cmd_open_repo(cli, REPO_READ, &repo, err) < 0 || site_names(repo, &sites, err) < 0)
		return -1;
	if (gate_keys_check_dir(repo, err) < 0)
		return -1;
	for (size_t i = 0; i < sites.count; i++) {
		_cleanup_free_ char *key = NULL;
		if (site_get_key(repo, sites.items[i], &key, err) < 0)
			return -1;
		if (key)
			gate_keys_add_line(repo, sites.items[i], key, &lines);
	}
	fputs(lines.data ? lines.data : "", stdout);
	return 0;
}

int cmd_site_remove(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	if (cli_no_opts(cli, argc, argv, 1, 1, err) < 0 ||
	    cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0 ||
	    site_check(repo, argv[cli->next], err) < 0 ||
	    enrol_admin_forget_site(repo, argv[cli->next], err) < 0 ||
	    site_remove(repo, argv[cli->next], err) < 0)
		return -1;
	printf("site %s: forgotten; take its line out of authorized_keys\n", argv[cli->next]);
	return 0;
}

static struct json_object *words_to_json(const struct strv *words)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < words->count; i++)
		json_object_array_add(array, json_object_new_string(words->items[i]));
	return array;
}

/* One line of the table, or one object. */
static void show_site(const struct repo *repo, const struct enrolment *e, const char *site,
		      struct json_object *array)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_err_ struct err report_err = ERR_INIT;
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	_cleanup_(report_freep) struct report *report = NULL;
	bool good = site_read_signed(repo, site, &list, NULL, &err) == 0;
	_cleanup_strv_ struct strv words = STRV_INIT;
	bool heard = report_read(repo, site, &report, &report_err) == 0 && report;
	enrol_words(e, site, &words);
	if (heard)
		report_words(report, &words);
	if (array) {
		struct json_object *o = json_object_new_object();
		json_object_object_add(o, "site", json_object_new_string(site));
		json_object_object_add(o, "serial",
				       good ? json_object_new_int64((int64_t)list->serial) : NULL);
		json_object_object_add(o, "valid_until",
				       good ? json_object_new_int64(list->valid_until) : NULL);
		json_object_object_add(o, "last_report",
				       heard ? json_object_new_string(report->time) : NULL);
		json_object_object_add(o, "last_result",
				       heard ? json_object_new_string(report->result) : NULL);
		json_object_object_add(o, "attention", words_to_json(&words));
		json_object_object_add(o, "enrolment", enrol_site_to_json(e, site));
		json_object_array_add(array, o);
		return;
	}
	_cleanup_free_ char *serial = good ? xasprintf("%llu", (unsigned long long)list->serial)
					   : xstrdup("unreadable");
	_cleanup_free_ char *until = good ? time_format(list->valid_until) : xstrdup("-");
	printf("%-20s %-10s %-22s %s %s\n", site, serial, until, heard ? report->time : "never",
	       heard ? report->result : "");
	for (size_t i = 0; i < words.count; i++)
		printf("    %s\n", words.items[i]);
}

/* They are in no site's lines. */
static void print_homeless(const struct enrolment *e)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	enrol_words(e, NULL, &words);
	if (words.count)
		printf("%zu machines are no site's yet: imagerepo site pending\n", words.count);
}

int cmd_site_list(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_(enrolment_freep) struct enrolment *e = NULL;
	_cleanup_strv_ struct strv sites = STRV_INIT;
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0 ||
	    cmd_open_repo(cli, REPO_READ, &repo, err) < 0 ||
	    enrolment_open(repo, REPO_READ, &e, err) < 0 || site_names(repo, &sites, err) < 0)
		return -1;
	struct json_object *array = cli->json ? json_object_new_array() : NULL;
	if (!array && sites.count)
		printf("%-20s %-10s %-22s %s\n", "SITE", "SERIAL", "LIST VALID UNTIL",
		       "LAST REPORT");
	for (size_t i = 0; i < sites.count; i++)
		show_site(repo, e, sites.items[i], array);
	if (!array)
		print_homeless(e);
	if (array)
		puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY));
	json_object_put(array);
	return 0;
}
