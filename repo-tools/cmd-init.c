/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "repo-tools/cmds.h"
#include "common/atomic-file.h"
#include "common/pgp.h"
#include "repo-tools/publish.h"
#include "repo-tools/ssh-key.h"

enum { OPT_KEY = 1, OPT_LIST_KEY, OPT_SUITE, OPT_ARCH, OPT_URL, OPT_SERVER, OPT_HOST_KEY };

const struct cli_opt cmd_init_opts[] = {
	{ OPT_KEY, "key", 0, "KEY", "sign packages with this key of your GnuPG keyring" },
	{ OPT_LIST_KEY, "list-key", 0, "KEY", "sign site lists with this key" },
	{ OPT_SUITE, "suite", 0, "NAME", "a suite, the first is the default (default stable)" },
	{ OPT_ARCH, "arch", 0, "ARCH", "an architecture (default this machine's)" },
	{ OPT_URL, "url", 0, "URL", "where sites find public/" },
	{ OPT_SERVER, "server", 0, "USER@HOST[:PORT]", "where sites reach imagerepo-gate" },
	{ OPT_HOST_KEY, "host-key", 0, "FILE", "sshd's public key (default /etc/ssh's)" },
	{ 0 },
};

struct init_args {
	const char *key;
	const char *list_key;
	const char *host_key_file;
	struct strv suites;
	struct strv architectures;
};

static void set(char **out, const char *value)
{
	free(*out);
	*out = xstrdup(value);
}

static int take_option(int id, const char *value, struct init_args *args, struct repo_conf *conf,
		       struct err *err)
{
	switch (id) {
	case OPT_KEY:
		args->key = value;
		return 0;
	case OPT_LIST_KEY:
		args->list_key = value;
		return 0;
	case OPT_HOST_KEY:
		args->host_key_file = value;
		return 0;
	case OPT_SUITE:
		strv_split(&args->suites, value, ", ");
		return 0;
	case OPT_ARCH:
		strv_split(&args->architectures, value, ", ");
		return 0;
	case OPT_URL:
		if (!str_starts(value, "http://") && !str_starts(value, "https://"))
			return err_set(err, ERR_USAGE, "'%s' is no http or https URL", value);
		set(&conf->url, value);
		return 0;
	default:
		return repo_conf_set_server(conf, value, err);
	}
}

static void replace(struct strv *out, struct strv *with)
{
	if (!with->count)
		return;
	strv_destroy(out);
	*out = *with;
	*with = (struct strv)STRV_INIT;
}

static int read_args(struct cli *cli, int argc, char **argv, struct init_args *args,
		     struct repo_conf *conf, struct err *err)
{
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		if (take_option(id, cli->value, args, conf, err) < 0)
			return -1;
	if (id < 0 || cli_check_args(cli, argc, 0, 0, err) < 0)
		return -1;
	replace(&conf->suites, &args->suites);
	replace(&conf->architectures, &args->architectures);
	return 0;
}

/* What was asked for must be what will be read back, before anything is made. */
static int check_conf(const struct repo_conf *conf, struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_(repo_conf_freep) struct repo_conf *again = NULL;
	strbuf_adds(&text, "");
	if (conf->suites.count > 16 || conf->architectures.count > 16)
		return err_set(err, ERR_USAGE, "more than 16 suites or architectures");
	repo_conf_format(conf, &text);
	if (repo_conf_parse(text.data, text.len, "the command line", &again, err) == 0)
		return 0;
	err->code = ERR_USAGE;
	return -1;
}

/* The key that is named, or one of ours, made if it is not there from an earlier,
 * interrupted init of the same directory. */
static int choose_key(const char *named, const char *purpose, const char *dir, char **fpr_out,
		      struct err *err)
{
	char fpr[PGP_FPR_SIZE];
	_cleanup_free_ char *user_id = xasprintf("Waybill %s of %s", purpose, dir);
	_cleanup_err_ struct err none = ERR_INIT;
	if (named ? pgp_find_key(named, fpr, err) < 0
		  : pgp_find_key(user_id, fpr, &none) < 0 &&
			    pgp_generate_key(user_id, fpr, err) < 0)
		return -1;
	set(fpr_out, fpr);
	return 0;
}

static int export_key(const struct repo *repo, const char *key, const char *file, struct err *err)
{
	_cleanup_strbuf_ struct strbuf bytes = STRBUF_INIT;
	_cleanup_free_ char *path = repo_path(repo, "conf/trust/%s", file);
	if (pgp_export_key(key, &bytes, err) < 0)
		return -1;
	return atomic_file_write(path, bytes.data, bytes.len, 0644, err);
}

static int save_host_key(const struct repo *repo, const char *file, struct err *err)
{
	size_t len;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *key = NULL;
	_cleanup_free_ char *path = repo_path(repo, "conf/host-keys");
	if (!file)
		return 0;
	if (file_read(file, SSH_KEY_MAX_BYTES, &text, &len, err) < 0)
		return -1;
	if (ssh_key_parse(text, &key, err) < 0)
		return err_prefix(err, "%s", file);
	_cleanup_free_ char *line = xasprintf("%s\n", key);
	return atomic_file_write(path, line, strlen(line), 0644, err);
}

static int build(struct repo *repo, const struct init_args *args, struct err *err)
{
	struct repo_conf *conf = repo->conf;
	const char *list_key = args->list_key ? args->list_key : args->key;
	if (choose_key(args->key, "repository", repo->dir, &conf->signing_key, err) < 0 ||
	    choose_key(list_key, "site lists", repo->dir, &conf->list_key, err) < 0 ||
	    export_key(repo, conf->signing_key, "repository.gpg", err) < 0 ||
	    export_key(repo, conf->list_key, "site-list.gpg", err) < 0 ||
	    save_host_key(repo, args->host_key_file, err) < 0 ||
	    state_begin(repo->index, err) < 0 ||
	    publish_suites(repo, &conf->suites, err) < 0)
		return -1;
	return repo_save_conf(repo, err);
}

static void print_summary(const struct repo *repo)
{
	_cleanup_free_ char *suites = strv_join(&repo->conf->suites, ", ");
	printf("repository   %s\n", repo->dir);
	printf("suites       %s\n", suites);
	printf("packages by  key %s\n", repo->conf->signing_key);
	printf("lists by     key %s\n", repo->conf->list_key);
	printf("url          %s\n", repo->conf->url ? repo->conf->url : "not set");
	if (repo->conf->server)
		printf("server       %s, port %u\n", repo->conf->server, repo->conf->port);
	else
		printf("server       not set\n");
	if (!repo->conf->url || !repo->conf->server)
		printf("Sites need Url and Server: set them in %s/conf/repo.conf\n", repo->dir);
	printf("Next: imagerepo add FILE.deb; imagerepo site add SITE\n");
}

static int run(struct cli *cli, int argc, char **argv, struct init_args *args, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_(repo_conf_freep) struct repo_conf *conf = repo_conf_new();
	set(&conf->signing_key, "to be chosen");
	set(&conf->list_key, "to be chosen");
	if (read_args(cli, argc, argv, args, conf, err) < 0 || check_conf(conf, err) < 0)
		return -1;
	const struct imagerepo *imagerepo = cli->ctx;
	if (repo_create(imagerepo->dir, steal(&conf), &repo, err) < 0 ||
	    build(repo, args, err) < 0)
		return -1;
	print_summary(repo);
	return 0;
}

int cmd_init(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct init_args args = { 0 };
	int result = run(cli, argc, argv, &args, err);
	strv_destroy(&args.suites);
	strv_destroy(&args.architectures);
	return result;
}
