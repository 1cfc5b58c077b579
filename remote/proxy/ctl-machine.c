/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machines: a file each, which the proxy reads anew when one has changed. */
#include <json-c/json.h>
#include <stdio.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "remote/proxy/ctl-ask.h"
#include "remote/proxy/ctl.h"
#include "remote/proxy/machines.h"

enum { OPT_USER = 1, OPT_WATCHER, OPT_PORT, OPT_JOB, OPT_KEY, OPT_AUDITOR, OPT_RECORD };

const struct cli_opt machine_add_opts[] = {
	{ OPT_USER, "user", 'u', "USER", "who may use it; may be given again" },
	{ OPT_WATCHER, "watcher", 'w', "USER", "who may only look; may be given again" },
	{ OPT_PORT, "port", 'p', "PORT", "that its users may reach (waybill-connect); may be given again" },
	{ OPT_RECORD, "record", 'r', NULL, "record each session" },
	{ OPT_AUDITOR, "auditor", 'a', "USER", "who may see the recordings; may be given again" },
	{ OPT_KEY, "key", 'k', "PIN", "of a key that the agent has ('vncagent identity')" },
	{ OPT_JOB, "job", 'j', "JOB", "its identifier of 2009 leads there as well" },
	{ 0 },
};

/* A proxy that does not run will read the files when it does. */
static int tell_proxy(const struct proxy_conf *conf, struct err *err)
{
	struct json_object *answer = ctl_ask(conf->control, "reload", err);
	if (answer) {
		json_object_put(answer);
		return 0;
	}
	if (err->code != ERR_NETWORK)
		return -1;
	log_info("no proxy runs here; it will read this when it starts");
	err_clear(err);
	return 0;
}

static int take_options(struct cli *cli, int argc, char **argv, struct machine *machine,
			struct err *err)
{
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0) {
		switch (id) {
		case OPT_USER:
			strv_add(&machine->users, cli->value);
			break;
		case OPT_WATCHER:
			strv_add(&machine->watchers, cli->value);
			break;
		case OPT_PORT:
			strv_add(&machine->ports, cli->value);
			break;
		case OPT_AUDITOR:
			strv_add(&machine->auditors, cli->value);
			break;
		case OPT_RECORD:
			machine->record = true;
			break;
		case OPT_KEY:
			if (strlen(cli->value) != TLS_PIN_LEN)
				return err_set(err, ERR_USAGE, "--key: must be %d hexadecimal "
							       "digits", TLS_PIN_LEN);
			memcpy(machine->pin, cli->value, TLS_PIN_LEN + 1);
			break;
		case OPT_JOB:
			free(machine->job);
			machine->job = xstrdup(cli->value);
			break;
		}
	}
	return id < 0 || cli_check_args(cli, argc, 1, 1, err) < 0 ? -1 : 0;
}

/* Written, then read as the proxy will: what is wrong with it is said now. */
static int write_machine(const struct proxy_conf *conf, const struct machine *machine,
			 struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_(machine_freep) struct machine *check = NULL;
	_cleanup_free_ char *path = xasprintf("%s/%s", conf->machines, machine->name);
	machine_write(machine, &text);
	if (machine_parse(text.data, text.len, machine->name, &check, err) < 0)
		return -1;
	if (file_exists(path))
		return err_set(err, ERR_EXISTS, "%s is there already; edit %s, then 'vncproxyctl "
						"reload'", machine->name, path);
	return atomic_file_write(path, text.data, text.len, 0640, err);
}

int cmd_machine_add(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(machine_freep) struct machine *machine = xcalloc(1, sizeof(*machine));
	_cleanup_strbuf_ struct strbuf identity = STRBUF_INIT;
	if (take_options(cli, argc, argv, machine, err) < 0)
		return -1;
	machine->name = xstrdup(argv[cli->next]);
	if (!name_is_valid(machine->name))
		return err_set(err, ERR_USAGE, "'%s' is no name of a machine: two or more of a-z, 0-9 "
					       "and .+-", machine->name);
	_cleanup_(proxy_conf_freep) struct proxy_conf *conf = ctl_conf(cli, err);
	if (!conf)
		return -1;
	if (!*machine->pin && tls_make_identity(machine->name, &identity, machine->pin, err) < 0)
		return -1;
	if (write_machine(conf, machine, err) < 0 || tell_proxy(conf, err) < 0)
		return -1;
	if (identity.len > 0)
		fputs(identity.data, stdout);
	return 0;
}

int cmd_machine_remove(struct cli *cli, int argc, char **argv, struct err *err)
{
	if (cli_no_opts(cli, argc, argv, 1, 1, err) < 0)
		return -1;
	const char *name = argv[cli->next];
	_cleanup_(proxy_conf_freep) struct proxy_conf *conf = ctl_conf(cli, err);
	if (!conf)
		return -1;
	_cleanup_free_ char *path = xasprintf("%s/%s", conf->machines, name);
	if (!name_is_valid(name) || !file_exists(path))
		return err_set(err, ERR_NOT_FOUND, "no machine is called '%s'", name);
	return atomic_unlink(path, err) < 0 ? -1 : tell_proxy(conf, err);
}

static void print_machine(struct json_object *one)
{
	struct json_object *users = json_object_object_get(one, "users");
	_cleanup_strv_ struct strv names = STRV_INIT;
	for (size_t i = 0; i < json_object_array_length(users); i++)
		strv_add(&names, json_object_get_string(json_object_array_get_idx(users, i)));
	_cleanup_free_ char *joined = strv_join(&names, " ");
	printf("%-32s %-10s %8s  %s\n", json_object_get_string(json_object_object_get(one, "name")),
	       json_object_get_boolean(json_object_object_get(one, "connected")) ? "yes" : "no",
	       json_object_get_string(json_object_object_get(one, "sessions")), joined);
}

int cmd_machine_list(struct cli *cli, int argc, char **argv, struct err *err)
{
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0)
		return -1;
	_cleanup_(proxy_conf_freep) struct proxy_conf *conf = ctl_conf(cli, err);
	struct json_object *answer = conf ? ctl_ask(conf->control, "machines", err) : NULL;
	if (!answer)
		return -1;
	struct json_object *array = json_object_object_get(answer, "machines");
	if (cli->json) {
		puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
	} else {
		printf("%-32s %-10s %8s  %s\n", "MACHINE", "CONNECTED", "SESSIONS", "USERS");
		for (size_t i = 0; i < json_object_array_length(array); i++)
			print_machine(json_object_array_get_idx(array, i));
	}
	json_object_put(answer);
	return 0;
}
