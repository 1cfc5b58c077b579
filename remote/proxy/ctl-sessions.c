/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What concerns the proxy itself: its key, codes, sessions, reload. */
#include <json-c/json.h>
#include <stdio.h>

#include "common/atomic-file.h"
#include "remote/proxy/ctl-ask.h"
#include "remote/proxy/ctl.h"
#include "remote/tls.h"

/* Asked with the conf's socket; freed by json_object_put(). */
static struct json_object *ask(const struct cli *cli, const char *request, struct err *err)
{
	_cleanup_(proxy_conf_freep) struct proxy_conf *conf = ctl_conf(cli, err);
	return conf ? ctl_ask(conf->control, request, err) : NULL;
}

static const char *text_of(struct json_object *json, const char *member)
{
	struct json_object *value = json_object_object_get(json, member);
	return value ? json_object_get_string(value) : "-";
}

enum { OPT_USER = 1 };

const struct cli_opt code_opts[] = {
	{ OPT_USER, "user", 'u', "USER", "for this user, if the machine's file allows it" },
	{ 0 },
};

/* It becomes a word of a request. */
static int check_word(const char *word, const char *what, struct err *err)
{
	for (const char *p = word; *p; p++)
		if (*p <= 0x20 || *p > 0x7e)
			return err_set(err, ERR_USAGE, "%s: '%s' has an odd character", what, word);
	return *word ? 0 : err_set(err, ERR_USAGE, "%s is empty", what);
}

static int print_code(const struct cli *cli, const char *request, struct err *err)
{
	struct json_object *answer = ask(cli, request, err);
	if (!answer)
		return -1;
	if (cli->json)
		puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
	else
		puts(text_of(answer, "code"));
	json_object_put(answer);
	return 0;
}

int cmd_code(struct cli *cli, int argc, char **argv, struct err *err)
{
	const char *user = NULL;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		user = cli->value;
	if (id < 0 || cli_check_args(cli, argc, 1, 1, err) < 0)
		return -1;
	const char *machine = argv[cli->next];
	if (check_word(machine, "MACHINE", err) < 0 ||
	    (user && check_word(user, "--user", err) < 0))
		return -1;
	_cleanup_free_ char *request = xasprintf("code %s%s%s", machine, user ? " " : "",
						 user ? user : "");
	return print_code(cli, request, err);
}

int cmd_play(struct cli *cli, int argc, char **argv, struct err *err)
{
	if (cli_no_opts(cli, argc, argv, 1, 1, err) < 0 ||
	    check_word(argv[cli->next], "RECORDING", err) < 0)
		return -1;
	_cleanup_free_ char *request = xasprintf("play %s", argv[cli->next]);
	return print_code(cli, request, err);
}

int cmd_recordings(struct cli *cli, int argc, char **argv, struct err *err)
{
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0)
		return -1;
	struct json_object *answer = ask(cli, "recordings", err), *array;
	if (!answer)
		return -1;
	array = json_object_object_get(answer, "recordings");
	if (cli->json)
		puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
	else
		printf("%-60s %8s\n", "RECORDING", "SECONDS");
	for (size_t i = 0; !cli->json && i < json_object_array_length(array); i++) {
		struct json_object *one = json_object_array_get_idx(array, i);
		printf("%-60s %8s\n", text_of(one, "recording"), text_of(one, "seconds"));
	}
	json_object_put(answer);
	return 0;
}

int cmd_sessions(struct cli *cli, int argc, char **argv, struct err *err)
{
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0)
		return -1;
	struct json_object *answer = ask(cli, "sessions", err), *array;
	if (!answer)
		return -1;
	array = json_object_object_get(answer, "sessions");
	if (cli->json) {
		puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
	} else {
		printf("%-8s %-24s %-12s %-24s %-20s %12s\n", "SESSION", "MACHINE", "USER", "FROM",
		       "SINCE", "BYTES");
		for (size_t i = 0; i < json_object_array_length(array); i++) {
			struct json_object *one = json_object_array_get_idx(array, i);
			printf("%-8s %-24s %-12s %-24s %-20s %12s\n", text_of(one, "session"),
			       text_of(one, "machine"), text_of(one, "user"),
			       text_of(one, "source"), text_of(one, "began"),
			       text_of(one, "bytes_to_viewer"));
		}
	}
	json_object_put(answer);
	return 0;
}

static int tell(const struct cli *cli, const char *request, struct err *err)
{
	struct json_object *answer = ask(cli, request, err);
	if (!answer)
		return -1;
	json_object_put(answer);
	return 0;
}

int cmd_end(struct cli *cli, int argc, char **argv, struct err *err)
{
	uint64_t id;
	if (cli_no_opts(cli, argc, argv, 1, 1, err) < 0 ||
	    number_parse(argv[cli->next], 1, UINT32_MAX, &id, "SESSION", err) < 0)
		return -1;
	_cleanup_free_ char *request = xasprintf("end %llu", (unsigned long long)id);
	return tell(cli, request, err);
}

int cmd_reload(struct cli *cli, int argc, char **argv, struct err *err)
{
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0)
		return -1;
	return tell(cli, "reload", err);
}

/* The name in it is of no use: agents go by the key. */
int cmd_init(struct cli *cli, int argc, char **argv, struct err *err)
{
	char pin[TLS_PIN_LEN + 1];
	_cleanup_strbuf_ struct strbuf pem = STRBUF_INIT;
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0)
		return -1;
	_cleanup_(proxy_conf_freep) struct proxy_conf *conf = ctl_conf(cli, err);
	if (!conf || make_dirs(conf->machines, 0750, err) < 0)
		return -1;
	if (file_exists(conf->certificate) && file_exists(conf->key))
		return 0;
	if (!str_eq(conf->certificate, conf->key))
		return err_set(err, ERR_USAGE, "%s and %s are two files, and not both there: make "
					       "them, or name one file for both", conf->certificate,
			       conf->key);
	if (tls_make_identity("vncproxyd", &pem, pin, err) < 0)
		return -1;
	return atomic_file_write(conf->key, pem.data, pem.len, 0640, err);
}

int cmd_pin(struct cli *cli, int argc, char **argv, struct err *err)
{
	char pin[TLS_PIN_LEN + 1];
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0)
		return -1;
	_cleanup_(proxy_conf_freep) struct proxy_conf *conf = ctl_conf(cli, err);
	if (!conf || tls_file_pin(conf->certificate, pin, err) < 0)
		return -1;
	printf(cli->json ? "{\"pin\":\"%s\"}\n" : "%s\n", pin);
	return 0;
}
