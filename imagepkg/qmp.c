/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/qmp.h"

#include "common/appliance-conf.h"
#include "common/strv.h"
#include "common/util.h"

enum { ANSWER_TIMEOUT_MS = 30000 };

static int read_json(struct qmp *qmp, int64_t deadline_ms, struct json_object **out,
		     struct err *err)
{
	_cleanup_free_ char *line = NULL;
	*out = NULL;
	if (line_socket_read(&qmp->socket, deadline_ms, &line, err) < 0)
		return err_prefix(err, "QEMU");
	*out = json_tokener_parse(line);
	return *out ? 0 : err_set(err, ERR_INPUT, "QEMU said something that is no JSON");
}

/* Skips events. */
static int read_answer(struct qmp *qmp, const char *command, struct json_object **out,
		       struct err *err)
{
	int64_t deadline_ms = monotonic_ms() + ANSWER_TIMEOUT_MS;
	for (;;) {
		struct json_object *line = NULL, *value = NULL, *text = NULL;
		if (read_json(qmp, deadline_ms, &line, err) < 0)
			return -1;
		if (json_object_object_get_ex(line, "return", &value)) {
			if (out)
				*out = json_object_get(value);
			json_object_put(line);
			return 0;
		}
		if (json_object_object_get_ex(line, "error", &value)) {
			json_object_object_get_ex(value, "desc", &text);
			err_set(err, ERR_PROGRAM, "QEMU refuses %s: %s", command,
				text ? json_object_get_string(text) : "it does not say why");
			json_object_put(line);
			return -1;
		}
		json_object_put(line);
	}
}

int qmp_run(struct qmp *qmp, const char *command, struct json_object *arguments,
	    struct json_object **out, struct err *err)
{
	struct json_object *call = json_object_new_object();
	json_object_object_add(call, "execute", json_object_new_string(command));
	if (arguments)
		json_object_object_add(call, "arguments", arguments);
	_cleanup_free_ char *line = xasprintf(
		"%s\n", json_object_to_json_string_ext(call, JSON_C_TO_STRING_PLAIN));
	json_object_put(call);
	if (line_socket_send(&qmp->socket, line, strlen(line),
			     monotonic_ms() + ANSWER_TIMEOUT_MS, err) < 0)
		return err_prefix(err, "QEMU");
	return read_answer(qmp, command, out, err);
}

static int64_t version_part(struct json_object *greeting, const char *part)
{
	struct json_object *o = greeting;
	const char *const path[] = { "QMP", "version", "qemu", part };
	for (size_t i = 0; i < ARRAY_SIZE(path); i++)
		if (!json_object_object_get_ex(o, path[i], &o))
			return 0;
	return json_object_get_int64(o);
}

int qmp_open(struct qmp *qmp, const char *path, struct err *err)
{
	struct json_object *greeting = NULL;
	*qmp = (struct qmp){ .socket = LINE_SOCKET_INIT };
	if (line_socket_connect(&qmp->socket, path, err) < 0)
		return -1;
	if (read_json(qmp, monotonic_ms() + ANSWER_TIMEOUT_MS, &greeting, err) < 0) {
		qmp_close(qmp);
		return -1;
	}
	qmp->version = xasprintf("%lld.%lld.%lld", (long long)version_part(greeting, "major"),
				 (long long)version_part(greeting, "minor"),
				 (long long)version_part(greeting, "micro"));
	json_object_put(greeting);
	if (qmp_run(qmp, "qmp_capabilities", NULL, NULL, err) < 0) {
		qmp_close(qmp);
		return -1;
	}
	return 0;
}

void qmp_close(struct qmp *qmp)
{
	line_socket_close(&qmp->socket);
	free(qmp->version);
	qmp->version = NULL;
}

static bool member_is(struct json_object *o, const char *key, const char *text)
{
	struct json_object *value = NULL;
	return json_object_object_get_ex(o, key, &value) &&
	       str_eq(json_object_get_string(value), text);
}

int qmp_port_is_open(struct qmp *qmp, const char *chardev, bool *open, struct err *err)
{
	struct json_object *list = NULL, *value = NULL;
	*open = false;
	if (qmp_run(qmp, "query-chardev", NULL, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		if (member_is(one, "label", chardev) &&
		    json_object_object_get_ex(one, "frontend-open", &value))
			*open = json_object_get_boolean(value);
	}
	json_object_put(list);
	return 0;
}

/* "TCP[HOST_FORWARD]  9  127.0.0.1 42869  10.0.2.15  80  0  0" */
static void take_forward(const char *line, struct port_forward *ports, size_t count)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	uint64_t host_port = 0, guest_port = 0;
	_cleanup_err_ struct err err = ERR_INIT;
	strv_split(&words, line, " \t\r");
	if (words.count < 6 || !str_ends(words.items[0], "[HOST_FORWARD]") ||
	    number_parse(words.items[3], 1, 65535, &host_port, "port", &err) < 0 ||
	    number_parse(words.items[5], 1, 65535, &guest_port, "port", &err) < 0)
		return;
	bool udp = str_starts(words.items[0], "UDP");
	for (size_t i = 0; i < count; i++)
		if (ports[i].guest_port == guest_port && ports[i].udp == udp)
			ports[i].host_port = (uint16_t)host_port;
}

void qmp_parse_forwards(const char *text, struct port_forward *ports, size_t count)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++)
		take_forward(lines.items[i], ports, count);
}

int qmp_read_forwards(struct qmp *qmp, struct port_forward *ports, size_t count, struct err *err)
{
	struct json_object *arguments = json_object_new_object(), *text = NULL;
	json_object_object_add(arguments, "command-line",
			       json_object_new_string("info usernet"));
	if (qmp_run(qmp, "human-monitor-command", arguments, &text, err) < 0)
		return -1;
	qmp_parse_forwards(json_object_get_string(text), ports, count);
	json_object_put(text);
	for (size_t i = 0; i < count; i++)
		if (ports[i].host_port == 0)
			return err_set(err, ERR_PROGRAM,
				       "QEMU does not say which port it forwards to port %u of "
				       "the guest", ports[i].guest_port);
	return 0;
}
