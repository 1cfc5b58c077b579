/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A visitor: requests in, answers out, one after the other. */
#include "remote/proxy/web.h"

#include <json-c/json.h>

#include "common/log.h"

enum {
	REQUEST_MS = 10000,
	/* Between two requests; a browser calls again. */
	KEPT_MS = 5000,
	MAX_VISITORS = 2000,
};

static void free_visitor(void *object)
{
	struct visitor *visitor = object;
	strbuf_destroy(&visitor->in);
	free(visitor->user);
	free(visitor->target);
	free(visitor);
}

static void end(struct visitor *visitor)
{
	struct proxy *proxy = visitor->proxy;
	struct visitor **p = &proxy->visitors;
	while (*p != visitor)
		p = &(*p)->next;
	*p = visitor->next;
	proxy->visitor_count--;
	line_close(&visitor->line);
	source_leave(proxy->sources, visitor->source);
	if (visitor->check)
		proxy->check_count--;
	password_check_cancel(&visitor->check);
	loop_timer_clear(proxy->loop, &visitor->deadline);
	loop_timer_clear(proxy->loop, &visitor->delay);
	loop_bury(proxy->loop, visitor, free_visitor);
}

void visitors_end(struct proxy *proxy)
{
	while (proxy->visitors)
		end(proxy->visitors);
}

/* --- answers ------------------------------------------------------------------------------ */

static const char *words_of(int status)
{
	static const struct {
		int status;
		const char *words;
	} table[] = {
		{ 200, "OK" }, { 204, "No Content" }, { 303, "See Other" }, { 400, "Bad Request" },
		{ 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 407, "Proxy Authentication Required" }, { 409, "Conflict" }, { 413, "Content Too Large" },
		{ 502, "Bad Gateway" }, { 503, "Service Unavailable" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].status == status)
			return table[i].words;
	return "Error";
}

/* What the page may do: only what comes from here; nobody may frame it. */
static const char guards[] =
	"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self' "
	"'unsafe-inline'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri "
	"'none'; frame-ancestors 'none'\r\n"
	"X-Content-Type-Options: nosniff\r\n"
	"X-Frame-Options: DENY\r\n"
	"Referrer-Policy: same-origin\r\n"
	"Cross-Origin-Resource-Policy: same-origin\r\n";

void web_answer(struct visitor *visitor, const struct web_answer *answer)
{
	_cleanup_strbuf_ struct strbuf head = STRBUF_INIT;
	strbuf_addf(&head, "HTTP/1.1 %d %s\r\n%s", answer->status, words_of(answer->status), guards);
	strbuf_addf(&head, "Cache-Control: %s\r\n", answer->may_be_kept ? "max-age=3600" : "no-store");
	if (answer->type)
		strbuf_addf(&head, "Content-Type: %s\r\n", answer->type);
	if (answer->status != 204)
		strbuf_addf(&head, "Content-Length: %zu\r\n", answer->len);
	if (answer->field)
		strbuf_adds(&head, answer->field);
	strbuf_adds(&head, visitor->close ? "Connection: close\r\n\r\n" : "\r\n");
	line_send(visitor->line, head.data, head.len);
	if (!visitor->head_only)
		line_send(visitor->line, answer->body, answer->len);
	visitor->answering = false;
	loop_timer_set(visitor->proxy->loop, &visitor->deadline, KEPT_MS);
	if (visitor->close)
		line_finish(visitor->line);
}

void web_answer_json(struct visitor *visitor, int status, struct json_object *json)
{
	const char *text = json ? json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN) : "";
	web_answer(visitor, &(struct web_answer){ .status = status,
						  .type = json ? "application/json" : NULL,
						  .body = text,
						  .len = strlen(text) });
	json_object_put(json);
}

void web_answer_error(struct visitor *visitor, int status, const char *words)
{
	struct json_object *json = json_object_new_object();
	json_object_object_add(json, "error", json_object_new_string(words));
	web_answer_json(visitor, status, json);
}

/* --- requests ----------------------------------------------------------------------------- */

static void refuse(struct visitor *visitor, const struct err *why)
{
	log_info("browser, %s: %s", visitor->source_name, why->msg);
	visitor->close = true;
	web_answer_error(visitor, why->code == ERR_TOO_LARGE ? 413 : 400,
			 "This request is not understood.");
}

/* No request has been taken: there is none, or not whole. True: one has. */
static bool take_request(struct visitor *visitor)
{
	_cleanup_err_ struct err err = ERR_INIT;
	struct http_request request;
	size_t used = 0;
	if (http_request_parse(visitor->in.data, visitor->in.len, &request, &used, &err) < 0) {
		refuse(visitor, &err);
		return false;
	}
	if (used == 0)
		return false;
	if (visitor->in.len - used < request.body_bytes) {
		http_request_destroy(&request);
		return false;
	}
	source_leave(visitor->proxy->sources, steal(&visitor->source));
	visitor->answering = true;
	visitor->head_only = request.method == HTTP_HEAD;
	visitor->close = request.http_1_0 || http_request_lists(&request, "Connection", "close");
	/* A handler may give the line away, with what came after the request. */
	_cleanup_free_ char *body = xcalloc(1, request.body_bytes + 1);
	memcpy(body, visitor->in.data + used, request.body_bytes);
	strbuf_drop(&visitor->in, used + request.body_bytes);
	web_handle(visitor, &request, body);
	http_request_destroy(&request);
	return true;
}

void web_next(struct visitor *visitor)
{
	while (visitor->line && !visitor->answering && !visitor->close && visitor->in.len > 0 &&
	       take_request(visitor))
		;
}

static void on_data(void *owner, uint8_t *data, size_t len)
{
	struct visitor *visitor = owner;
	_cleanup_err_ struct err err = ERR_INIT;
	/* A request has so long from its first byte on, however slowly the others come. */
	bool begins = visitor->in.len == 0;
	strbuf_add(&visitor->in, data, len);
	if (visitor->in.len > 2 * (HTTP_HEAD_BYTES + HTTP_MAX_BODY) + LINE_PIECE_BYTES) {
		end(visitor);
		return;
	}
	if (begins && !visitor->answering)
		loop_timer_set(visitor->proxy->loop, &visitor->deadline, REQUEST_MS);
	web_next(visitor);
}

/* What was pipelined has its turn when the answer before it has gone. */
static void on_drained(void *owner)
{
	web_next(owner);
}

static void on_finished(void *owner)
{
	end(owner);
}

static void on_broken(void *owner, const struct err *why)
{
	end(owner);
}

static void on_deadline(void *arg)
{
	struct visitor *visitor = arg;
	/* An answer that is on its way, or in the making, may take its time once more. */
	if (visitor->answering || line_queued(visitor->line) > 0)
		loop_timer_set(visitor->proxy->loop, &visitor->deadline, REQUEST_MS);
	else
		end(visitor);
}

static const struct line_ops visitor_ops = {
	.data = on_data,
	.drained = on_drained,
	.finished = on_finished,
	.broken = on_broken,
};

void visitor_arrived(struct proxy *proxy, struct line *line, struct source *source,
		     const void *rest, size_t len)
{
	struct visitor *visitor = xcalloc(1, sizeof(*visitor));
	visitor->proxy = proxy;
	visitor->line = line;
	visitor->source = source;
	source_name(source, visitor->source_name);
	source_address(source, &visitor->address);
	visitor->deadline = (struct loop_timer){ .fire = on_deadline, .arg = visitor };
	visitor->next = proxy->visitors;
	proxy->visitors = visitor;
	line_give(line, &visitor_ops, visitor);
	loop_timer_set(proxy->loop, &visitor->deadline, REQUEST_MS);
	strbuf_add(&visitor->in, rest, len);
	if (++proxy->visitor_count > MAX_VISITORS)
		end(visitor);
	else
		web_next(visitor);
}

struct line *visitor_take_line(struct visitor *visitor, struct strbuf *rest)
{
	struct line *line = steal(&visitor->line);
	*rest = visitor->in;
	visitor->in = (struct strbuf)STRBUF_INIT;
	end(visitor);
	return line;
}
