/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/cli.h"

#include <ctype.h>
#include <getopt.h>
#include <signal.h>

#include "common/log.h"
#include "common/strbuf.h"
#include "common/strv.h"
#include "common/util.h"
#include "config.h"

/* Global options have ids that no table uses. */
enum { OPT_HELP = -100, OPT_VERSION, OPT_JSON, OPT_VERBOSE, OPT_QUIET, OPT_LIST };

static const struct cli_opt global_opts[] = {
	{ OPT_HELP, "help", 'h', NULL, "show this help" },
	{ OPT_VERSION, "version", 0, NULL, "show the version" },
	{ OPT_JSON, "json", 0, NULL, "print JSON where a program may read it" },
	{ OPT_VERBOSE, "verbose", 'v', NULL, "say more" },
	{ OPT_QUIET, "quiet", 'q', NULL, "say only what went wrong" },
	{ 0 },
};

/* The option tables that are in force, in the order of search. */
struct tables {
	const struct cli_opt *of[3];
};

static struct tables tables_of(const struct cli *cli)
{
	static const struct cli_opt none[] = { { 0 } };
	const struct cli_opt *own = cli->cmd && cli->cmd->opts ? cli->cmd->opts : none;
	return (struct tables){ { own, cli->prog->opts ? cli->prog->opts : none, global_opts } };
}

/* getopt_long()'s form of the tables; free both. */
static struct option *to_getopt(const struct tables *t, char **letters)
{
	struct strbuf text = STRBUF_INIT;
	struct option *out = xcalloc(64, sizeof(*out));
	size_t n = 0;
	/* '+': options end where the first word of the command begins; ':' tells a
	 * missing argument from an unknown option. */
	strbuf_adds(&text, "+:");
	for (size_t i = 0; i < ARRAY_SIZE(t->of); i++)
		for (const struct cli_opt *o = t->of[i]; o->name && n < 62; o++) {
			int kind = o->arg ? required_argument : no_argument;
			out[n++] = (struct option){ o->name, kind, NULL, o->letter };
			if (o->letter)
				strbuf_addf(&text, "%c%s", o->letter, o->arg ? ":" : "");
		}
	*letters = strbuf_steal(&text);
	return out;
}

static const struct cli_opt *find_opt(const struct tables *t, int letter, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(t->of); i++)
		for (const struct cli_opt *o = t->of[i]; o->name; o++)
			if (name ? str_eq(o->name, name) : o->letter == letter)
				return o;
	return NULL;
}

/* A command's own option hides a shared one of the same name. */
static bool is_hidden(const struct cli_opt *opt, const struct cli_opt *by)
{
	for (; by && by->name; by++)
		if (by != opt && str_eq(by->name, opt->name))
			return true;
	return false;
}

static void print_opts(const struct cli_opt *opts, const struct cli_opt *hidden_by)
{
	for (const struct cli_opt *o = opts; o && o->name; o++) {
		if (is_hidden(o, hidden_by))
			continue;
		_cleanup_free_ char *letter = o->letter ? xasprintf("-%c, ", o->letter)
							: xstrdup("    ");
		_cleanup_free_ char *left = xasprintf("%s--%s%s%s", letter, o->name,
						      o->arg ? " " : "", o->arg ? o->arg : "");
		printf("  %-28s %s\n", left, o->help);
	}
}

static void print_help(const struct cli *cli)
{
	const struct cli_prog *prog = cli->prog;
	const struct cli_opt *own = cli->cmd ? cli->cmd->opts : NULL;
	if (cli->cmd) {
		const char *summary = cli->cmd->summary;
		printf("usage: %s%s%s [OPTION]... %s\n\n%c%s.\n", prog->name,
		       *cli->cmd->name ? " " : "", cli->cmd->name,
		       cli->cmd->args ? cli->cmd->args : "",
		       toupper((unsigned char)*summary), summary + 1);
		if (own && own->name) {
			printf("\nOptions:\n");
			print_opts(own, NULL);
		}
	} else {
		printf("usage: %s [OPTION]... COMMAND [ARGUMENT]...\n\n%s.\n\nCommands:\n",
		       prog->name, prog->summary);
		for (const struct cli_cmd *c = prog->cmds; c->name; c++)
			printf("  %-16s %s\n", c->name, c->summary);
	}
	printf("\nCommon options:\n");
	print_opts(prog->opts, own);
	print_opts(global_opts, own);
	printf("\nMore: man %s\n", prog->name);
}

static void list_opts(const struct cli_opt *opts)
{
	for (const struct cli_opt *o = opts; o && o->name; o++)
		printf("option\t--%s\t%s\t%s\n", o->name, o->arg ? o->arg : "", o->help);
}

/* For completion and the man page test: tab-separated kind, name, argument, help. */
static void print_list(const struct cli *cli)
{
	if (cli->cmd)
		list_opts(cli->cmd->opts);
	if (cli->cmd && *cli->cmd->name)
		return;
	for (const struct cli_cmd *c = cli->prog->cmds; c->name && *c->name; c++)
		printf("command\t%s\t%s\t%s\n", c->name, c->args ? c->args : "", c->summary);
	list_opts(cli->prog->opts);
	list_opts(global_opts);
}

/* 1: handled and the program is done, 0: handled, -1: error. */
static int handle_shared(struct cli *cli, int id, const char *value, struct err *err)
{
	switch (id) {
	case OPT_HELP:
		print_help(cli);
		return 1;
	case OPT_VERSION:
		printf("%s (Waybill) %s\n", cli->prog->name, PACKAGE_VERSION);
		return 1;
	case OPT_JSON:
		cli->json = true;
		return 0;
	case OPT_VERBOSE:
		log_init(cli->prog->name, LOG_LEVEL_DEBUG);
		return 0;
	case OPT_QUIET:
		log_init(cli->prog->name, LOG_LEVEL_WARN);
		return 0;
	default:
		return cli->prog->on_opt(cli, id, value, err);
	}
}

static bool is_shared(const struct cli *cli, const struct cli_opt *opt)
{
	for (const struct cli_opt *o = cli->cmd ? cli->cmd->opts : NULL; o && o->name; o++)
		if (o == opt)
			return false;
	return true;
}

int cli_next(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct tables tables = tables_of(cli);
	_cleanup_free_ char *letters = NULL;
	_cleanup_free_ struct option *options = to_getopt(&tables, &letters);
	opterr = 0;
	for (;;) {
		int index = -1;
		/* Without the '+': here options and arguments may mix. */
		int c = getopt_long(argc, argv, letters + 1, options, &index);
		if (c == -1) {
			cli->next = optind;
			return 0;
		}
		if (c == ':')
			return err_set(err, ERR_USAGE, "option '%s' needs an argument",
				       argv[optind - 1]);
		if (c == '?')
			return err_set(err, ERR_USAGE, "unknown option '%s'; see %s%s%s --help",
				       argv[optind - 1], cli->prog->name,
				       *cli->cmd->name ? " " : "", cli->cmd->name);
		const char *name = index >= 0 ? options[index].name : NULL;
		const struct cli_opt *opt = find_opt(&tables, c, name);
		if (!is_shared(cli, opt)) {
			cli->value = optarg;
			return opt->id;
		}
		int done = handle_shared(cli, opt->id, optarg, err);
		if (done < 0)
			return -1;
		if (done > 0)
			exit(EXIT_DONE);
	}
}

int cli_check_args(const struct cli *cli, int argc, int min, int max, struct err *err)
{
	int count = argc - cli->next;
	if (count >= min && (max < 0 || count <= max))
		return 0;
	return err_set(err, ERR_USAGE, "%s arguments; usage: %s %s [OPTION]... %s",
		       count < min ? "too few" : "too many", cli->prog->name, cli->cmd->name,
		       cli->cmd->args ? cli->cmd->args : "");
}

int cli_no_opts(struct cli *cli, int argc, char **argv, int min, int max, struct err *err)
{
	return cli_next(cli, argc, argv, err) < 0 ? -1 : cli_check_args(cli, argc, min, max, err);
}

/* How many words of argv this command's name takes, or 0 if it is another. */
static int match_words(const struct cli_cmd *cmd, int argc, char **argv)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	strv_split(&words, cmd->name, " ");
	if ((size_t)argc < words.count)
		return 0;
	for (size_t i = 0; i < words.count; i++)
		if (!str_eq(argv[i], words.items[i]))
			return 0;
	return (int)words.count;
}

/* Take the options in front of the command. 1: done, 0: go on, -1: error. */
static int leading_opts(struct cli *cli, int argc, char **argv, bool *list, struct err *err)
{
	struct tables tables = tables_of(cli);
	_cleanup_free_ char *letters = NULL;
	_cleanup_free_ struct option *options = to_getopt(&tables, &letters);
	opterr = 0;
	for (;;) {
		if (optind < argc && str_eq(argv[optind], "--list-options")) {
			*list = true;
			optind++;
			continue;
		}
		int index = -1;
		int c = getopt_long(argc, argv, letters, options, &index);
		if (c == -1)
			return 0;
		if (c == ':' || c == '?')
			return err_set(err, ERR_USAGE, "%s '%s'; see %s --help",
				       c == ':' ? "missing argument of" : "unknown option",
				       argv[optind - 1], cli->prog->name);
		const char *name = index >= 0 ? options[index].name : NULL;
		const struct cli_opt *opt = find_opt(&tables, c, name);
		int done = handle_shared(cli, opt->id, optarg, err);
		if (done)
			return done;
	}
}

/* "site" alone: which words may follow it? */
static int unknown_command(const struct cli *cli, const char *word, struct err *err)
{
	_cleanup_free_ char *prefix = xasprintf("%s ", word);
	_cleanup_strv_ struct strv next = STRV_INIT;
	for (const struct cli_cmd *c = cli->prog->cmds; c->name; c++)
		if (str_starts(c->name, prefix))
			strv_add(&next, c->name + strlen(prefix));
	if (!next.count)
		return err_set(err, ERR_USAGE, "unknown command '%s'; see %s --help", word,
			       cli->prog->name);
	_cleanup_free_ char *words = strv_join(&next, ", ");
	return err_set(err, ERR_USAGE, "after '%s' comes one of: %s", word, words);
}

static int find_command(struct cli *cli, int argc, char **argv, int *words, struct err *err)
{
	for (const struct cli_cmd *c = cli->prog->cmds; c->name; c++) {
		*words = match_words(c, argc, argv);
		if (*words) {
			cli->cmd = c;
			return 0;
		}
	}
	return unknown_command(cli, argv[0], err);
}

/* A program without commands: all that follows its name is the one's. */
static int dispatch_only(struct cli *cli, int argc, char **argv, struct err *err)
{
	cli->cmd = cli->prog->cmds;
	if (argc == 2 && str_eq(argv[1], "--list-options")) {
		print_list(cli);
		return 0;
	}
	return cli->cmd->run(cli, argc, argv, err);
}

static int dispatch(struct cli *cli, int argc, char **argv, struct err *err)
{
	if (!*cli->prog->cmds->name)
		return dispatch_only(cli, argc, argv, err);
	bool list = false;
	int done = leading_opts(cli, argc, argv, &list, err);
	if (done)
		return done < 0 ? -1 : 0;
	argc -= optind;
	argv += optind;
	int words = 0;
	if (argc > 0 && find_command(cli, argc, argv, &words, err) < 0)
		return -1;
	if (list) {
		print_list(cli);
		return 0;
	}
	if (!cli->cmd) {
		print_help(cli);
		return err_set(err, ERR_USAGE, "no command given");
	}
	optind = 0;	/* glibc: start afresh, on another vector */
	return cli->cmd->run(cli, argc - words + 1, argv + words - 1, err);
}

int cli_main(const struct cli_prog *prog, void *ctx, int argc, char **argv)
{
	_cleanup_err_ struct err err = ERR_INIT;
	struct cli cli = { .prog = prog, .ctx = ctx };
	log_init(prog->name, LOG_LEVEL_INFO);
	/* A reader that goes away is a failed write, not our death. */
	signal(SIGPIPE, SIG_IGN);
	int result = dispatch(&cli, argc, argv, &err);
	if (result < 0) {
		int code = (int)log_err(&err);
		return cli.exit_code ? cli.exit_code : code;
	}
	if (fflush(stdout) != 0) {
		err_sys(&err, "write standard output");
		return (int)log_err(&err);
	}
	return cli.exit_code;
}
