/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imagerepo-gate: the forced command of a site's ssh key. */
#include <getopt.h>
#include <syslog.h>
#include <unistd.h>

#include "common/log.h"
#include "config.h"
#include "repo-tools/gate.h"
#include "repo-tools/repo.h"
#include "repo-tools/site.h"

static const char usage[] =
	"usage: imagerepo-gate [--repo DIR] SITE\n\n"
	"The forced command of a site's ssh key: serves that site's directory to rsync and\n"
	"takes its report, as SSH_ORIGINAL_COMMAND asks; refuses anything else.\n"
	"'imagerepo site keys' prints the lines for authorized_keys.\n\n"
	"  --repo DIR   the repository (default $WAYBILL_REPO or /srv/waybill)\n"
	"  --help       show this help\n"
	"  --version    show the version\n\n"
	"More: man imagerepo-gate\n";

struct args {
	const char *repo_dir;
	const char *site;
};

/* 1: done already (help), 0: go on, -1: usage error. */
static int parse_args(int argc, char **argv, struct args *args, struct err *err)
{
	static const struct option options[] = {
		{ "repo", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		if (c == 'r') {
			args->repo_dir = optarg;
		} else if (c == 'h') {
			fputs(usage, stdout);
			return 1;
		} else if (c == 'V') {
			printf("imagerepo-gate (Waybill) %s\n", PACKAGE_VERSION);
			return 1;
		} else {
			return err_set(err, ERR_USAGE, "unknown option '%s'; see --help",
				       argv[optind - 1]);
		}
	}
	if (argc - optind != 1)
		return err_set(err, ERR_USAGE, "usage: imagerepo-gate [--repo DIR] SITE");
	args->site = argv[optind];
	return 0;
}

/* For the operator's log: who was refused, what was asked, cut and made harmless. */
static void log_refusal(const char *site, const char *command, const struct err *err)
{
	char shown[201];
	size_t len = 0;
	for (; command && command[len] && len < sizeof(shown) - 1; len++)
		shown[len] = command[len] >= ' ' && command[len] < 127 ? command[len] : '?';
	shown[len] = '\0';
	openlog("imagerepo-gate", LOG_PID, LOG_AUTH);
	syslog(LOG_WARNING, "site %s: %s: '%s'", site, err->msg, shown);
	closelog();
}

static int run(const struct args *args, const char *command, struct err *err)
{
	_cleanup_gate_request_ struct gate_request request = { 0 };
	_cleanup_free_ char *dir = repo_resolve_dir(args->repo_dir);
	const struct repo repo = { .dir = dir, .lock_fd = -1 };
	if (site_check(&repo, args->site, err) < 0 || gate_parse(command, &request, err) < 0)
		return -1;
	_cleanup_free_ char *site_dir = site_path(&repo, args->site, ".");
	return gate_serve(&request, site_dir, args->site, STDIN_FILENO, err);
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct args args = { 0 };
	const char *command = getenv("SSH_ORIGINAL_COMMAND");
	log_init("imagerepo-gate", LOG_LEVEL_INFO);
	int result = parse_args(argc, argv, &args, &err);
	if (result == 0)
		result = run(&args, command, &err);
	if (result >= 0)
		return EXIT_DONE;
	if (err.code == ERR_REFUSED)
		log_refusal(args.site, command, &err);
	int status = log_err(&err);
	err_clear(&err);
	return status;
}
