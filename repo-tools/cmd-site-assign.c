/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imagerepo site assign, unassign, param: what a site must have, and how. */
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "repo-tools/cmds.h"
#include "repo-tools/index.h"
#include "repo-tools/site-input.h"
#include "repo-tools/site-param.h"
#include "repo-tools/site.h"

enum { OPT_MUST = 1, OPT_MAY, OPT_MAYNOT };
enum { OPT_FILE = 1, MAX_VALUE_BYTES = 16 * 1024 };

const struct cli_opt cmd_site_assign_opts[] = {
	{ OPT_MUST, "must", 0, NULL, "the site must have these (the default)" },
	{ OPT_MAY, "may", 0, NULL, "the site keeps these if it has them" },
	{ OPT_MAYNOT, "maynot", 0, NULL, "the site must not have these" },
	{ 0 },
};

const struct cli_opt cmd_site_param_opts[] = {
	{ OPT_FILE, "file", 'f', "NAME=FILE", "a value from a file of one line; -: standard input" },
	{ 0 },
};

struct versions {
	const char *wanted;
	struct strv seen;
	bool found;
};

static int see_version(const struct index_package *package, void *arg, struct err *err)
{
	struct versions *v = arg;
	strv_add(&v->seen, package->version);
	v->found |= v->wanted && str_eq(v->wanted, package->version);
	return 0;
}

/* A pinned version must be published, else every site would fail to plan. A name that
 * we do not publish may be one of Debian's, so it is only worth a warning. */
static int check_published(struct repo *repo, const char *name, const char *version,
			   struct err *err)
{
	struct versions v = { .wanted = version };
	int result = index_each(repo->index, repo->conf->suites.items[0], NULL, name, see_version,
				&v, err);
	_cleanup_free_ char *all = strv_join(&v.seen, ", ");
	if (result == 0 && v.seen.count == 0)
		log_warn("%s is not published here; it must come from another repository of "
			 "the site",
			 name);
	else if (result == 0 && version && !v.found)
		result = err_set(err, ERR_NOT_FOUND, "%s %s is not published; there is: %s", name,
				 version, all);
	strv_destroy(&v.seen);
	return result;
}

/* NAME, NAME=VERSION, a glob or /re/ -> a line of an operator's file; free it. */
static int to_line(struct repo *repo, const char *word, enum site_list_kind kind, char **line,
		   struct err *err)
{
	const char *equals = word[0] == '/' ? NULL : strchr(word, '=');
	_cleanup_free_ char *name = equals ? xstrndup(word, (size_t)(equals - word))
					   : xstrdup(word);
	*line = NULL;
	if (kind == LIST_MUSTHAVE && name_is_valid(name) &&
	    check_published(repo, name, equals ? equals + 1 : NULL, err) < 0)
		return -1;
	*line = equals ? xasprintf("%s (= %s)", name, equals + 1) : xstrdup(name);
	return 0;
}

static int put_words(struct repo *repo, struct site_input *input, enum site_list_kind kind,
		     char **words, struct err *err)
{
	for (int i = 0; words[i]; i++) {
		_cleanup_free_ char *line = NULL;
		if (to_line(repo, words[i], kind, &line, err) < 0 ||
		    site_input_put(input, kind, line, err) < 0)
			return -1;
	}
	return 0;
}

/* Sign what has changed, and say so. */
static int sign(struct repo *repo, const char *site, struct err *err)
{
	uint64_t serial;
	bool signed_anew;
	if (site_sign_if_changed(repo, site, &serial, &signed_anew, err) < 0)
		return -1;
	printf(signed_anew ? "site %s: list %llu signed\n"
			   : "site %s: nothing has changed, list %llu stays\n",
	       site, (unsigned long long)serial);
	return 0;
}

/* Only what makes a sound list is written, and what is written is signed. */
static int save_and_sign(struct repo *repo, const char *site, const struct site_input *input,
			 enum site_list_kind first, struct err *err)
{
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	if (site_input_parse(repo, site, input, &list, err) < 0 ||
	    site_input_save(repo, site, input, first, err) < 0)
		return -1;
	return sign(repo, site, err);
}

int cmd_site_assign(struct cli *cli, int argc, char **argv, struct err *err)
{
	static const enum site_list_kind kinds[] = {
		[OPT_MUST] = LIST_MUSTHAVE, [OPT_MAY] = LIST_MAYHAVE, [OPT_MAYNOT] = LIST_MAYNOTHAVE,
	};
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_site_input_ struct site_input input = { 0 };
	enum site_list_kind kind = LIST_MUSTHAVE;
	int id, count = 0;
	for (; (id = cli_next(cli, argc, argv, err)) > 0; count++)
		kind = kinds[id];
	if (id < 0 || cli_check_args(cli, argc, 2, -1, err) < 0)
		return -1;
	if (count > 1)
		return err_set(err, ERR_USAGE, "only one of --must, --may and --maynot");
	const char *site = argv[cli->next];
	if (cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0 || site_check(repo, site, err) < 0 ||
	    site_input_load(repo, site, &input, err) < 0 ||
	    put_words(repo, &input, kind, argv + cli->next + 1, err) < 0)
		return -1;
	return save_and_sign(repo, site, &input, kind, err);
}

int cmd_site_unassign(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_site_input_ struct site_input input = { 0 };
	if (cli_no_opts(cli, argc, argv, 2, -1, err) < 0)
		return -1;
	const char *site = argv[cli->next];
	if (cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0 || site_check(repo, site, err) < 0 ||
	    site_input_load(repo, site, &input, err) < 0)
		return -1;
	for (int i = cli->next + 1; i < argc; i++)
		if (site_input_drop(&input, argv[i], err) < 0)
			return err_prefix(err, "site %s", site);
	return save_and_sign(repo, site, &input, LIST_MUSTHAVE, err);
}

static int read_stdin(char **text, size_t *len, struct err *err)
{
	*len = 0;
	*text = xcalloc(1, MAX_VALUE_BYTES + 1);
	ssize_t n;
	while (*len < MAX_VALUE_BYTES &&
	       (n = read(STDIN_FILENO, *text + *len, MAX_VALUE_BYTES - *len)) != 0) {
		if (n < 0)
			return err_sys(err, "read standard input");
		*len += (size_t)n;
	}
	return 0;
}

/* "NAME=FILE" becomes "NAME=<the line in FILE>", which no process list shows. */
static int assignment_from_file(const char *option, struct strv *assignments, struct err *err)
{
	const char *equals = strchr(option, '=');
	_cleanup_free_ char *text = NULL;
	size_t len;
	if (!equals || !equals[1])
		return err_set(err, ERR_USAGE, "--file %s: not of the form NAME=FILE", option);
	const char *path = equals + 1;
	int result = str_eq(path, "-") ? read_stdin(&text, &len, err)
				       : file_read(path, MAX_VALUE_BYTES, &text, &len, err);
	if (result < 0)
		return -1;
	if (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	if (strlen(text) != len || len == 0)
		return err_set(err, ERR_INPUT, "--file %s: %s", option,
			       len ? "it holds a zero byte" : "it is empty");
	strv_addf(assignments, "%.*s=%s", (int)(equals - option), option, text);
	return 0;
}

int cmd_site_param(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_strv_ struct strv assignments = STRV_INIT;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		if (assignment_from_file(cli->value, &assignments, err) < 0)
			return -1;
	if (id < 0 || cli_check_args(cli, argc, 2, -1, err) < 0)
		return -1;
	const char *site = argv[cli->next], *appliance = argv[cli->next + 1];
	if (cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0 || site_check(repo, site, err) < 0)
		return -1;
	for (int i = cli->next + 2; i < argc; i++)
		strv_add(&assignments, argv[i]);
	if (assignments.count > 0) {
		if (site_param_set(repo, site, appliance,
				   (const char *const *)assignments.items, err) < 0)
			return -1;
		return sign(repo, site, err);
	}
	if (site_param_read(repo, site, appliance, &text, err) < 0)
		return -1;
	fputs(text.data, stdout);
	return 0;
}
