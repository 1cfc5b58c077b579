/* SPDX-License-Identifier: GPL-3.0-or-later */
/* waybill-connect: a port of a machine behind a proxy, for ssh's ProxyCommand and the like. */
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/cli.h"
#include "remote/connect/connect.h"

enum { OPT_PROXY = 1, OPT_USER, OPT_PASSWORD_FILE, OPT_PIN, OPT_CA, OPT_HTTP_PROXY };
enum { PASSWORD_BYTES = 256 };

static const struct cli_opt opts[] = {
	{ OPT_PROXY, "proxy", 'p', "HOST[:PORT]", "the vncproxyd (default: $WAYBILL_PROXY)" },
	{ OPT_USER, "user", 'u', "USER", "who you are there (default: $USER)" },
	{ OPT_PASSWORD_FILE, "password-file", 'f', "FILE",
	  "whose first line is the password (default: it is asked for at the terminal)" },
	{ OPT_PIN, "pin", 0, "PIN", "of the proxy's key; without it its certificate must be valid" },
	{ OPT_CA, "ca", 0, "FILE", "authorities whose certificates are valid (default: the system's)" },
	{ OPT_HTTP_PROXY, "http-proxy", 0, "HOST:PORT", "a way out" },
	{ 0 },
};

struct settings {
	const char *proxy, *user, *password_file, *http_proxy;
	struct connect_to to;
};

static int take_options(struct cli *cli, int argc, char **argv, struct settings *s, struct err *err)
{
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0) {
		switch (id) {
		case OPT_PROXY:
			s->proxy = cli->value;
			break;
		case OPT_USER:
			s->user = cli->value;
			break;
		case OPT_PASSWORD_FILE:
			s->password_file = cli->value;
			break;
		case OPT_PIN:
			s->to.pin = cli->value;
			break;
		case OPT_CA:
			s->to.roots = cli->value;
			break;
		case OPT_HTTP_PROXY:
			s->http_proxy = cli->value;
			break;
		}
	}
	return id < 0 || cli_check_args(cli, argc, 2, 2, err) < 0 ? -1 : 0;
}

/* At the terminal, since standard input is the connection's. */
static int ask_password(const struct settings *s, char **password, struct err *err)
{
	struct termios shown, hidden;
	char line[PASSWORD_BYTES];
	_cleanup_fclose_ FILE *terminal = fopen("/dev/tty", "r+e");
	if (!terminal || tcgetattr(fileno(terminal), &shown) < 0)
		return err_set(err, ERR_USAGE, "there is no terminal to ask for the password; use "
					       "--password-file");
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	fprintf(terminal, "Password of %s at %s: ", s->user, s->proxy);
	fflush(terminal);
	tcsetattr(fileno(terminal), TCSAFLUSH, &hidden);
	const char *got = fgets(line, sizeof(line), terminal);
	tcsetattr(fileno(terminal), TCSAFLUSH, &shown);
	fputc('\n', terminal);
	if (!got)
		return err_set(err, ERR_USAGE, "no password was typed");
	*password = xstrdup(line);
	explicit_bzero(line, sizeof(line));
	return 0;
}

static int find_password(const struct settings *s, char **password, struct err *err)
{
	size_t len;
	if (s->password_file ? file_read(s->password_file, PASSWORD_BYTES, password, &len, err) < 0
			     : ask_password(s, password, err) < 0)
		return -1;
	(*password)[strcspn(*password, "\r\n")] = '\0';
	return 0;
}

static int cmd_connect(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct settings s = { .proxy = getenv("WAYBILL_PROXY"), .user = getenv("USER") };
	_cleanup_free_ char *password = NULL, *host = NULL, *http_proxy = NULL;
	uint64_t port;
	if (take_options(cli, argc, argv, &s, err) < 0 ||
	    number_parse(argv[cli->next + 1], 1, 65535, &port, "PORT", err) < 0)
		return -1;
	if (!name_is_valid(argv[cli->next]))
		return err_set(err, ERR_USAGE, "MACHINE: '%s' is no name of a machine", argv[cli->next]);
	if (!s.proxy || !s.user || strchr(s.user, ':'))
		return err_set(err, ERR_USAGE, "say which proxy (--proxy) and who you are (--user)");
	if (host_port_parse(s.proxy, 443, &host, &s.to.proxy.port, "--proxy", err) < 0 ||
	    (s.http_proxy && host_port_parse(s.http_proxy, 3128, &http_proxy,
					     &s.to.proxy.http_proxy_port, "--http-proxy", err) < 0) ||
	    find_password(&s, &password, err) < 0)
		return -1;
	s.to.proxy.host = host;
	s.to.proxy.http_proxy_host = http_proxy;
	s.to.user = s.user;
	s.to.password = password;
	s.to.machine = argv[cli->next];
	s.to.port = (uint16_t)port;
	int result = connect_run(&s.to, err);
	explicit_bzero(password, strlen(password));
	return result;
}

static const struct cli_cmd cmds[] = {
	{ "", "MACHINE PORT", "carry standard input to a machine's port, and back", opts, cmd_connect },
	{ 0 },
};

static const struct cli_prog prog = { "waybill-connect", "Reach a port of a machine behind a proxy", cmds,
				      NULL, NULL };

int main(int argc, char **argv)
{
	return cli_main(&prog, NULL, argc, argv);
}
