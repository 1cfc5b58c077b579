/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imagerepo site token, approve, revoke, pending: which machine becomes a site. */
#include <json-c/json.h>
#include <time.h>

#include "repo-tools/cmds.h"
#include "repo-tools/enrol-admin.h"
#include "repo-tools/enrol-words.h"
#include "repo-tools/site.h"
#include "repo-tools/token-opt.h"

const struct cli_opt cmd_site_token_opts[] = { TOKEN_OPTS, { 0 } };

static void print_token(const struct cli *cli, const char *token,
			const struct enrol_token_spec *spec)
{
	_cleanup_free_ char *until = time_format(spec->expires);
	if (!cli->json) {
		printf("%s\n", token);
		return;
	}
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "token", json_object_new_string(token));
	json_object_object_add(o, "site", spec->site ? json_object_new_string(spec->site) : NULL);
	json_object_object_add(o, "uses", json_object_new_int64((int64_t)spec->uses));
	json_object_object_add(o, "approved", json_object_new_boolean(spec->approved));
	json_object_object_add(o, "expires", json_object_new_string(until));
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
	json_object_put(o);
}

int cmd_site_token(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	struct token_opt opt = TOKEN_OPT_INIT;
	struct enrol_token_spec spec;
	char token[ENROL_TOKEN_LEN + 1];
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		if (token_opt_take(&opt, id, cli->value, err) < 0)
			return -1;
	if (id < 0 || cli_check_args(cli, argc, opt.batch ? 0 : 1, opt.batch ? 0 : 1, err) < 0)
		return -1;
	const char *site = opt.batch ? NULL : argv[cli->next];
	if (token_opt_spec(&opt, site, &spec, err) < 0 ||
	    cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0 ||
	    (site && site_check(repo, site, err) < 0) || enrol_token_make(token, err) < 0 ||
	    enrol_admin_add_token(repo, token, &spec, err) < 0)
		return -1;
	print_token(cli, token, &spec);
	return 0;
}

int cmd_site_approve(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_free_ char *fingerprint = NULL;
	bool replaced = false;
	if (cli_no_opts(cli, argc, argv, 1, 2, err) < 0)
		return -1;
	const char *site = argv[cli->next];
	const char *which = cli->next + 1 < argc ? argv[cli->next + 1] : NULL;
	if (cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0 || site_check(repo, site, err) < 0 ||
	    enrol_admin_approve(repo, site, which, &fingerprint, &replaced, err) < 0)
		return -1;
	printf("site %s: is the machine with key %s now%s\n", site, fingerprint,
	       replaced ? ", in the place of another" : "");
	return 0;
}

int cmd_site_revoke(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_free_ char *fingerprint = NULL;
	if (cli_no_opts(cli, argc, argv, 1, 1, err) < 0 ||
	    cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0)
		return -1;
	const char *which = argv[cli->next];
	if (str_starts(which, "SHA256:")) {
		if (enrol_admin_revoke_machine(repo, which, &fingerprint, err) < 0)
			return -1;
		printf("key %s: revoked; no token lets it in\n", fingerprint);
		return 0;
	}
	if (site_check(repo, which, err) < 0 || enrol_admin_revoke_site(repo, which, err) < 0)
		return -1;
	printf("site %s: its key is revoked, and its unused tokens are void; if authorized_keys has "
	       "a line for it, take that out\n", which);
	return 0;
}

static bool waits(const struct enrolment_machine *machine)
{
	return machine->status == MACHINE_PENDING || machine->status == MACHINE_REFUSED;
}

static void print_waiting(const struct enrolment_machine *machine)
{
	_cleanup_free_ char *who = enrol_describe_machine(machine);
	_cleanup_free_ char *at = time_format(machine->last_seen);
	printf("%-9s %-20s %s %s\n", machine_status_name(machine->status),
	       machine->site ? machine->site : "-", at, who);
	if (machine->reason)
		printf("    %s\n", machine->reason);
}

int cmd_site_pending(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_(enrolment_freep) struct enrolment *e = NULL;
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0 ||
	    cmd_open_repo(cli, REPO_READ, &repo, err) < 0 ||
	    enrolment_open(repo, REPO_READ, &e, err) < 0)
		return -1;
	struct json_object *array = cli->json ? json_object_new_array() : NULL;
	size_t shown = 0;
	for (size_t i = 0; i < e->machine_count; i++) {
		if (!waits(&e->machines[i]))
			continue;
		shown++;
		if (array)
			json_object_array_add(array, enrol_machine_to_json(&e->machines[i]));
		else
			print_waiting(&e->machines[i]);
	}
	if (array)
		puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY));
	else if (shown)
		puts("'imagerepo site approve SITE KEY' lets one in, 'imagerepo site revoke KEY' "
		     "sends it away");
	json_object_put(array);
	return 0;
}
