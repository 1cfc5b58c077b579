/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What vncproxyctl asks: a line each, answered by a line of JSON. Who may open the socket may ask.
 * Format: docs/spec/proxy-control.md */
#include <errno.h>
#include <json-c/json.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"
#include "remote/mip-line.h"
#include "remote/proxy/proxy.h"

enum { REQUEST_BYTES = 1024, BACKLOG = 64 };

struct asker {
	struct control *control;
	struct asker *next;
	struct line *line;
	struct strbuf in;
};

struct control {
	struct proxy *proxy;
	struct loop_fd watch;
	struct asker *askers;
};

/* --- requests ----------------------------------------------------------------------------- */

typedef int answer_fn(struct proxy *proxy, const struct strv *words, struct json_object *out,
		      struct err *err);

static void add_code(const struct proxy *proxy, const char *code, struct json_object *out)
{
	json_object_object_add(out, "code", json_object_new_string(code));
	json_object_object_add(out, "seconds",
			       json_object_new_int64((int64_t)proxy->conf->code_life_s));
}

/* "code MACHINE [USER]" */
static int answer_code(struct proxy *proxy, const struct strv *words, struct json_object *out,
		       struct err *err)
{
	char code[CODE_LEN + 1];
	const char *user = words->count > 2 ? words->items[2] : NULL;
	if (proxy_mint_code(proxy, words->items[1], user, code, err) < 0)
		return -1;
	json_object_object_add(out, "machine", json_object_new_string(words->items[1]));
	add_code(proxy, code, out);
	return 0;
}

/* "play RECORDING" */
static int answer_play(struct proxy *proxy, const struct strv *words, struct json_object *out,
		       struct err *err)
{
	char code[CODE_LEN + 1];
	if (proxy_mint_play_code(proxy, words->items[1], NULL, code, err) < 0)
		return -1;
	json_object_object_add(out, "recording", json_object_new_string(words->items[1]));
	add_code(proxy, code, out);
	return 0;
}

static int answer_recordings(struct proxy *proxy, const struct strv *words, struct json_object *out,
			     struct err *err)
{
	struct json_object *array;
	if (proxy_recordings(proxy, NULL, &array, err) < 0)
		return -1;
	json_object_object_add(out, "recordings", array);
	return 0;
}

static struct json_object *names_to_json(const struct strv *names)
{
	struct json_object *out = json_object_new_array();
	for (size_t i = 0; i < names->count; i++)
		json_object_array_add(out, json_object_new_string(names->items[i]));
	return out;
}

static int answer_machines(struct proxy *proxy, const struct strv *words, struct json_object *out,
			   struct err *err)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < proxy->machines.count; i++) {
		const struct machine *machine = proxy->machines.items[i];
		struct json_object *one = json_object_new_object();
		json_object_object_add(one, "name", json_object_new_string(machine->name));
		json_object_object_add(one, "connected", json_object_new_boolean(machine->agent != NULL));
		json_object_object_add(one, "sessions",
				       json_object_new_int64(machine->session_count));
		json_object_object_add(one, "users", names_to_json(&machine->users));
		json_object_object_add(one, "watchers", names_to_json(&machine->watchers));
		json_object_array_add(array, one);
	}
	json_object_object_add(out, "machines", array);
	return 0;
}

static int answer_sessions(struct proxy *proxy, const struct strv *words, struct json_object *out,
			   struct err *err)
{
	json_object_object_add(out, "sessions", sessions_to_json(proxy));
	return 0;
}

/* "end SESSION" */
static int answer_end(struct proxy *proxy, const struct strv *words, struct json_object *out,
		      struct err *err)
{
	uint64_t id;
	if (number_parse(words->items[1], 1, UINT32_MAX, &id, "SESSION", err) < 0)
		return -1;
	if (sessions_end(proxy, id, NULL, "the operator ended it") == 0)
		return err_set(err, ERR_NOT_FOUND, "no session has the number %s",
			       words->items[1]);
	return 0;
}

static int answer_reload(struct proxy *proxy, const struct strv *words, struct json_object *out,
			 struct err *err)
{
	return proxy_reload(proxy, err);
}

static const struct {
	const char *word;
	size_t min, max; /* words, with the first */
	answer_fn *answer;
} requests[] = {
	{ "code", 2, 3, answer_code },
	{ "play", 2, 2, answer_play },
	{ "recordings", 1, 1, answer_recordings },
	{ "machines", 1, 1, answer_machines },
	{ "sessions", 1, 1, answer_sessions },
	{ "end", 2, 2, answer_end },
	{ "reload", 1, 1, answer_reload },
};

static int answer(struct proxy *proxy, const char *text, struct json_object *out, struct err *err)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	strv_split(&words, text, " ");
	for (size_t i = 0; words.count > 0 && i < ARRAY_SIZE(requests); i++)
		if (str_eq(words.items[0], requests[i].word) && words.count >= requests[i].min &&
		    words.count <= requests[i].max)
			return requests[i].answer(proxy, &words, out, err);
	return err_set(err, ERR_USAGE, "this is no request that vncproxyd knows");
}

/* --- askers ------------------------------------------------------------------------------- */

static void free_asker(void *object)
{
	struct asker *asker = object;
	strbuf_destroy(&asker->in);
	free(asker);
}

static void end(struct asker *asker)
{
	struct asker **p = &asker->control->askers;
	while (*p != asker)
		p = &(*p)->next;
	*p = asker->next;
	line_close(&asker->line);
	loop_bury(asker->control->proxy->loop, asker, free_asker);
}

static void on_data(void *owner, uint8_t *data, size_t len)
{
	struct asker *asker = owner;
	_cleanup_err_ struct err err = ERR_INIT;
	strbuf_add(&asker->in, data, len);
	char *newline = memchr(asker->in.data, '\n', asker->in.len);
	if (!newline) {
		if (asker->in.len > REQUEST_BYTES)
			end(asker);
		return;
	}
	*newline = '\0';
	struct json_object *out = json_object_new_object();
	if (answer(asker->control->proxy, asker->in.data, out, &err) < 0) {
		json_object_object_add(out, "error", json_object_new_string(err.msg));
		json_object_object_add(out, "exit", json_object_new_int(err_exit_code(&err)));
	}
	_cleanup_free_ char *text =
		xasprintf("%s\n", json_object_to_json_string_ext(out, JSON_C_TO_STRING_PLAIN));
	json_object_put(out);
	line_send(asker->line, text, strlen(text));
	line_finish(asker->line);
	strbuf_destroy(&asker->in);
	asker->in = (struct strbuf)STRBUF_INIT;
}

static void on_finished(void *owner)
{
	end(owner);
}

static void on_broken(void *owner, const struct err *why)
{
	end(owner);
}

static const struct line_ops asker_ops = {
	.data = on_data,
	.finished = on_finished,
	.broken = on_broken,
};

static void on_accept(void *arg, uint32_t events)
{
	struct control *control = arg;
	_cleanup_err_ struct err err = ERR_INIT;
	int fd = accept4(control->watch.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	struct asker *asker = xcalloc(1, sizeof(*asker));
	asker->control = control;
	asker->next = control->askers;
	control->askers = asker;
	asker->line = line_new(control->proxy->lines, fd, &asker_ops, asker, &err);
	if (!asker->line)
		end(asker);
}

int control_open(struct proxy *proxy, struct err *err)
{
	const char *path = proxy->conf->control;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, ERR_USAGE, "Control: %s is too long for a socket", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* One that a killed proxy left behind. A proxy that lives holds our ports, so that we do not
	 * come here. */
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(err, "remove %s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(path, 0660) < 0 || listen(fd, BACKLOG) < 0)
		return err_sys(err, "listen at %s", path);
	struct control *control = xcalloc(1, sizeof(*control));
	control->proxy = proxy;
	control->watch = (struct loop_fd){ fd, EPOLLIN, on_accept, control };
	if (loop_add(proxy->loop, &control->watch, err) < 0) {
		free(control);
		return -1;
	}
	steal_fd(&fd);
	proxy->control = control;
	return 0;
}

void control_close(struct proxy *proxy)
{
	struct control *control = steal(&proxy->control);
	if (!control)
		return;
	while (control->askers)
		end(control->askers);
	loop_remove(proxy->loop, &control->watch);
	closep(&control->watch.fd);
	unlink(proxy->conf->control);
	loop_bury(proxy->loop, control, free);
}
