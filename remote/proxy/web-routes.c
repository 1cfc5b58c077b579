/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each request does. Format: docs/spec/proxy-http.md, "The page" */
#include <json-c/json.h>

#include "common/log.h"
#include "remote/call.h"
#include "remote/proxy/web.h"
#include "remote/websocket.h"

/* Anything that changes something must come from a page of ours: its Origin is our own name, or
 * one that the operator has named (where a reverse proxy stands before us). */
static bool has_own_origin(const struct visitor *visitor, const struct http_request *request)
{
	const char *origin = http_request_field(request, "Origin");
	const char *host = http_request_field(request, "Host");
	if (!origin || !host)
		return false;
	if (str_starts(origin, "https://") && str_eq(origin + strlen("https://"), host))
		return true;
	return strv_contains(&visitor->proxy->conf->origins, origin);
}

/* --- /api ---------------------------------------------------------------------------------- */

static void list_machines(struct visitor *visitor, const char *user)
{
	const struct machines *machines = &visitor->proxy->machines;
	struct json_object *out = json_object_new_object(), *array = json_object_new_array();
	for (size_t i = 0; i < machines->count; i++) {
		const struct machine *machine = machines->items[i];
		bool view_only;
		if (!machine_allows(machine, user, &view_only))
			continue;
		struct json_object *one = json_object_new_object();
		json_object_object_add(one, "name", json_object_new_string(machine->name));
		json_object_object_add(one, "connected",
				       json_object_new_boolean(machine->agent != NULL));
		json_object_object_add(one, "view_only", json_object_new_boolean(view_only));
		json_object_object_add(one, "recorded", json_object_new_boolean(machine->record));
		json_object_array_add(array, one);
	}
	json_object_object_add(out, "user", json_object_new_string(user));
	json_object_object_add(out, "machines", array);
	web_answer_json(visitor, 200, out);
}

static void list_recordings(struct visitor *visitor, const char *user)
{
	_cleanup_err_ struct err err = ERR_INIT;
	struct json_object *out, *array;
	if (proxy_recordings(visitor->proxy, user, &array, &err) < 0) {
		log_error("%s", err.msg);
		web_answer_error(visitor, 500, "The recordings cannot be read.");
		return;
	}
	out = json_object_new_object();
	json_object_object_add(out, "recordings", array);
	web_answer_json(visitor, 200, out);
}

/* A code for the form's machine or recording, or an answer that says why not (false). */
static bool mint(struct visitor *visitor, const char *user, const char *body, size_t len,
		 char code[CODE_LEN + 1])
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *recording = web_form_field(body, len, "recording");
	_cleanup_free_ char *machine = web_form_field(body, len, "machine");
	if (recording && proxy_mint_play_code(visitor->proxy, recording, user, code, &err) == 0)
		return true;
	if (!recording && machine && proxy_mint_code(visitor->proxy, machine, user, code, &err) == 0)
		return true;
	/* Whether there is such a one is nobody's business who may not use it. */
	web_answer_error(visitor, 403, recording ? "You may not see this recording."
						 : "You may not use this machine.");
	return false;
}

static void send_code(struct visitor *visitor, const char *user, const char *body, size_t len)
{
	char code[CODE_LEN + 1];
	if (!mint(visitor, user, body, len, code))
		return;
	struct json_object *out = json_object_new_object();
	json_object_object_add(out, "code", json_object_new_string(code));
	json_object_object_add(
		out, "seconds",
		json_object_new_int64((int64_t)visitor->proxy->conf->code_life_s));
	web_answer_json(visitor, 200, out);
}

/* It takes no password from a file: the user types the code. */
static char *ssvnc_profile(const struct proxy *proxy, const char *host)
{
	unsigned port = proxy->conf->viewers.port;
	bool secure = proxy->viewers_tls != RFB_TLS_NO;
	return xasprintf("[connection]\nhost=%s\nport=%u\ndisp=%s:%u\n\n[options]\n%s", host, port, host,
			 port, secure ? "use_ssl=1\nserver_vencrypt=1\n" : "use_ssl=0\ndisable_all_encryption=1\n");
}

/* What a viewer opens: host and code, in the words of each kind. */
static char *profile(const struct proxy *proxy, const char *kind, const char *host, const char *code,
		     const char **type)
{
	unsigned port = proxy->conf->viewers.port;
	if (str_eq(kind, "vv")) {
		*type = "application/x-virt-viewer";
		return xasprintf("[virt-viewer]\ntype=vnc\nhost=%s\nport=%u\npassword=%s\n"
				 "delete-this-file=1\n",
				 host, port, code);
	}
	*type = "application/x-vnc";
	if (str_eq(kind, "ssvnc"))
		return ssvnc_profile(proxy, host);
	char hidden[2 * CODE_LEN + 1];
	vnc_password_hide(code, hidden);
	return xasprintf("[Connection]\nHost=%s\nPort=%u\nPassword=%s\n", host, port, hidden);
}

static void send_profile(struct visitor *visitor, const struct http_request *request,
			 const char *user, const char *body, size_t len)
{
	char code[CODE_LEN + 1];
	const char *type = NULL;
	_cleanup_free_ char *kind = web_form_field(body, len, "kind");
	_cleanup_free_ char *name = NULL;
	uint16_t port;
	_cleanup_err_ struct err err = ERR_INIT;
	if (!kind || (!str_eq(kind, "vv") && !str_eq(kind, "vnc") && !str_eq(kind, "ssvnc")) ||
	    host_port_parse(http_request_field(request, "Host"), 443, &name, &port, "Host", &err) < 0) {
		web_answer_error(visitor, 400, "There is no such kind of viewer.");
		return;
	}
	if (!mint(visitor, user, body, len, code))
		return;
	_cleanup_free_ char *text =
		profile(visitor->proxy, kind, name, code, &type);
	_cleanup_free_ char *field =
		xasprintf("Content-Disposition: attachment; filename=\"desktop.%s\"\r\n",
			  str_eq(kind, "vv") ? "vv" : "vnc");
	web_answer(visitor, &(struct web_answer){ .status = 200,
						  .type = type,
						  .field = field,
						  .body = text,
						  .len = strlen(text) });
}

static void handle_api(struct visitor *visitor, const struct http_request *request,
		       const char *what, const char *body)
{
	bool changes = request->method == HTTP_POST;
	const char *user = web_user(visitor, request);
	if (changes && !has_own_origin(visitor, request))
		web_answer_error(visitor, 403, "This request comes from another page.");
	else if (changes && str_eq(what, "login"))
		web_login(visitor, body, request->body_bytes);
	else if (changes && str_eq(what, "logout"))
		web_logout(visitor, request);
	else if (!user)
		web_answer_error(visitor, 401, "Log in first.");
	else if (!changes && str_eq(what, "machines"))
		list_machines(visitor, user);
	else if (!changes && str_eq(what, "recordings"))
		list_recordings(visitor, user);
	else if (changes && str_eq(what, "code"))
		send_code(visitor, user, body, request->body_bytes);
	else if (changes && str_eq(what, "profile"))
		send_profile(visitor, request, user, body, request->body_bytes);
	else
		web_answer_error(visitor, 404, "There is no such thing to ask for.");
}

/* --- /websocket ---------------------------------------------------------------------------- */

/* Who may see which machine is told by the code, as for any viewer. */
static void upgrade(struct visitor *visitor, const struct http_request *request)
{
	struct proxy *proxy = visitor->proxy;
	_cleanup_err_ struct err err = ERR_INIT;
	const char *key = http_request_field(request, "Sec-WebSocket-Key");
	const char *version = http_request_field(request, "Sec-WebSocket-Version");
	char accept[WEBSOCKET_ACCEPT_LEN + 1];
	if (!has_own_origin(visitor, request)) {
		web_answer_error(visitor, 403, "This request comes from another page.");
		return;
	}
	if (request->method != HTTP_GET || !key || !str_same(version, "13") ||
	    !http_request_lists(request, "Connection", "upgrade") ||
	    !http_request_lists(request, "Upgrade", "websocket") ||
	    websocket_accept(key, accept, &err) < 0) {
		web_answer_error(visitor, 400, "This is no WebSocket of version 13.");
		return;
	}
	struct source *source =
		sources_enter(proxy->sources, &visitor->address, loop_now_ms(proxy->loop));
	if (!source) {
		web_answer_error(visitor, 503, "Too many viewers of this address.");
		return;
	}
	bool binary = http_request_lists(request, "Sec-WebSocket-Protocol", "binary");
	_cleanup_free_ char *head =
		xasprintf("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
			  "Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
			  accept, binary ? "Sec-WebSocket-Protocol: binary\r\n" : "");
	line_send(visitor->line, head, strlen(head));
	_cleanup_strbuf_ struct strbuf rest = STRBUF_INIT;
	struct line *line = visitor_take_line(visitor, &rest);
	browser_arrived(proxy, line, source, rest.data, rest.len);
}

void web_handle(struct visitor *visitor, const struct http_request *request, const char *body)
{
	static const char api[] = "/api/";
	if (request->method == HTTP_CONNECT)
		web_connect(visitor, request);
	else if (str_starts(request->path, api))
		handle_api(visitor, request, request->path + strlen(api), body);
	else if (str_eq(request->path, "/websocket"))
		upgrade(visitor, request);
	else if (request->method == HTTP_POST)
		web_answer_error(visitor, 405, "This page takes no data.");
	else
		web_send_file(visitor, request->path);
}
