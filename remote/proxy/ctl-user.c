/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The users of the web page. The proxy reads their file for each login. */
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "remote/proxy/ctl.h"
#include "remote/proxy/users.h"

static void print_name(void *arg, const char *name)
{
	const struct cli *cli = arg;
	printf(cli->json ? "{\"user\":\"%s\"}\n" : "%s\n", name);
}

int cmd_user_list(struct cli *cli, int argc, char **argv, struct err *err)
{
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0)
		return -1;
	_cleanup_(proxy_conf_freep) struct proxy_conf *conf = ctl_conf(cli, err);
	return conf ? users_each(conf->users, print_name, cli, err) : -1;
}

/* A line of standard input; on a terminal it is asked for, and not shown. */
static int read_password(char password[PASSWORD_MAX + 3], struct err *err)
{
	struct termios shown, hidden;
	bool terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
	if (terminal) {
		hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		fputs("Password: ", stderr);
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	const char *line = fgets(password, PASSWORD_MAX + 3, stdin);
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
		fputc('\n', stderr);
	}
	if (!line)
		return err_set(err, ERR_USAGE, "no password has come on standard input");
	password[strcspn(password, "\r\n")] = '\0';
	return 0;
}

static int check_name(const char *name, struct err *err)
{
	if (!user_name_is_valid(name))
		return err_set(err, ERR_USAGE, "'%s' is no name of a user: letters, digits and ._@-, "
					       "at most %d", name, USER_NAME_MAX);
	return 0;
}

int cmd_user_set(struct cli *cli, int argc, char **argv, struct err *err)
{
	char password[PASSWORD_MAX + 3];
	_cleanup_free_ char *hash = NULL;
	if (cli_no_opts(cli, argc, argv, 1, 1, err) < 0 || check_name(argv[cli->next], err) < 0)
		return -1;
	_cleanup_(proxy_conf_freep) struct proxy_conf *conf = ctl_conf(cli, err);
	if (!conf || read_password(password, err) < 0)
		return -1;
	int result = users_hash(password, &hash, err);
	explicit_bzero(password, sizeof(password));
	return result < 0 ? -1 : users_set(conf->users, argv[cli->next], hash, err);
}

int cmd_user_remove(struct cli *cli, int argc, char **argv, struct err *err)
{
	if (cli_no_opts(cli, argc, argv, 1, 1, err) < 0 || check_name(argv[cli->next], err) < 0)
		return -1;
	_cleanup_(proxy_conf_freep) struct proxy_conf *conf = ctl_conf(cli, err);
	return conf ? users_set(conf->users, argv[cli->next], NULL, err) : -1;
}
