/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imagerepo-gate: the forced command of a site's ssh key. */
#include <getopt.h>
#include <syslog.h>
#include <unistd.h>

#include "common/log.h"
#include "config.h"
#include "repo-tools/enrol-gate.h"
#include "repo-tools/gate-keys.h"
#include "repo-tools/gate.h"
#include "repo-tools/repo.h"
#include "repo-tools/site.h"

static const char usage[] =
	"usage: imagerepo-gate [--repo DIR] SITE\n"
	"       imagerepo-gate [--repo DIR] --enroll FINGERPRINT\n"
	"       imagerepo-gate [--repo DIR] --keys FINGERPRINT TYPE KEY\n\n"
	"The forced command of a site's ssh key: serves that site's directory to rsync, takes\n"
	"its report and tells the time, as SSH_ORIGINAL_COMMAND asks; refuses anything else.\n"
	"'imagerepo site keys' prints the lines for authorized_keys.\n\n"
	"  --enroll     serve a key that is no site's: take its token, make it a site's\n"
	"  --keys       for sshd's AuthorizedKeysCommand (%f %t %k): print the key's line\n"
	"  --repo DIR   the repository (default $WAYBILL_REPO or /srv/waybill)\n"
	"  --help       show this help\n"
	"  --version    show the version\n\n"
	"More: man imagerepo-gate\n";

enum mode { MODE_SITE, MODE_ENROLL, MODE_KEYS };

struct args {
	enum mode mode;
	const char *repo_dir;
	char **words;	/* SITE, FINGERPRINT, or FINGERPRINT TYPE KEY */
};

static int check_words(int count, enum mode mode, struct err *err)
{
	if (count == (mode == MODE_KEYS ? 3 : 1))
		return 0;
	return err_set(err, ERR_USAGE, "usage: imagerepo-gate [--repo DIR] %s",
		       mode == MODE_KEYS     ? "--keys FINGERPRINT TYPE KEY"
		       : mode == MODE_ENROLL ? "--enroll FINGERPRINT"
					     : "SITE");
}

/* 1: done already (help), 0: go on, -1: usage error. */
static int parse_args(int argc, char **argv, struct args *args, struct err *err)
{
	static const struct option options[] = {
		{ "repo", required_argument, NULL, 'r' },
		{ "enroll", no_argument, NULL, 'e' },
		{ "keys", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		if (c == 'r') {
			args->repo_dir = optarg;
		} else if (c == 'e' || c == 'k') {
			args->mode = c == 'e' ? MODE_ENROLL : MODE_KEYS;
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
	args->words = argv + optind;
	return check_words(argc - optind, args->mode, err);
}

/* For the operator's log: who was refused, what was asked, cut and made harmless. */
static void log_refusal(const struct args *args, const char *command, const struct err *err)
{
	char shown[201];
	size_t len = 0;
	for (; command && command[len] && len < sizeof(shown) - 1; len++)
		shown[len] = command[len] >= ' ' && command[len] < 127 ? command[len] : '?';
	shown[len] = '\0';
	openlog("imagerepo-gate", LOG_PID, LOG_AUTH);
	syslog(LOG_WARNING, "%s %s: %s: '%s'", args->mode == MODE_SITE ? "site" : "key",
	       args->words[0], err->msg, shown);
	closelog();
}

static int serve_site(const struct repo *repo, const char *site, const char *command,
		      struct err *err)
{
	_cleanup_gate_request_ struct gate_request request = { 0 };
	if (site_check(repo, site, err) < 0 || gate_parse(command, &request, err) < 0)
		return -1;
	_cleanup_free_ char *site_dir = site_path(repo, site, ".");
	return gate_serve(&request, site_dir, site, STDIN_FILENO, err);
}

static int print_line(const struct repo *repo, char **words, struct err *err)
{
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
	if (gate_keys_answer(repo, words[0], words[1], words[2], &line, err) < 0)
		return -1;
	fputs(line.data ? line.data : "", stdout);
	return 0;
}

static int run(const struct args *args, const char *command, struct err *err)
{
	_cleanup_free_ char *dir = repo_resolve_dir(args->repo_dir);
	const struct repo repo = { .dir = dir, .lock_fd = -1 };
	if (args->mode == MODE_KEYS)
		return print_line(&repo, args->words, err);
	if (args->mode == MODE_ENROLL)
		return enrol_gate_serve(&repo, args->words[0], command, STDIN_FILENO, err);
	return serve_site(&repo, args->words[0], command, err);
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
		log_refusal(&args, command, &err);
	int status = log_err(&err);
	err_clear(&err);
	return status;
}
