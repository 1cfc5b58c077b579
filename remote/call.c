/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/call.h"

#include <ctype.h>
#include <nettle/base64.h>
#include <unistd.h>

#include "common/strbuf.h"
#include "common/util.h"
#include "remote/dial.h"

enum { ANSWER_BYTES = 8192 };

struct call {
	struct lines *lines;
	const struct call_conf *conf;
	void (*done)(void *arg, struct line *line, const struct err *why);
	void *arg;
	struct loop_timer deadline;
	struct dial *dial;
	struct line *line;
	struct strbuf answer; /* of the HTTP proxy, until its head has come whole */
	bool tunnelled;
};

static void free_call(void *object)
{
	struct call *call = object;
	strbuf_destroy(&call->answer);
	free(call);
}

void call_cancel(struct call **call_p)
{
	struct call *call = steal(call_p);
	if (!call)
		return;
	dial_cancel(&call->dial);
	line_close(&call->line);
	loop_timer_clear(lines_loop(call->lines), &call->deadline);
	loop_bury(lines_loop(call->lines), call, free_call);
}

static void finish(struct call *call, struct line *line, const struct err *why)
{
	void (*done)(void *, struct line *, const struct err *) = call->done;
	void *arg = call->arg;
	call_cancel(&call);
	done(arg, line, why);
}

static void fail(struct call *call, enum err_code code, const char *why)
{
	_cleanup_err_ struct err err = ERR_INIT;
	err_set(&err, code, "%s", why);
	finish(call, NULL, &err);
}

static void on_deadline(void *arg)
{
	fail(arg, ERR_TIMEOUT, "the proxy did not answer in time");
}

static void on_secured(void *owner)
{
	struct call *call = owner;
	finish(call, steal(&call->line), NULL);
}

static void on_finished(void *owner)
{
	fail(owner, ERR_NETWORK, "the proxy hung up");
}

static void on_broken(void *owner, const struct err *why)
{
	finish(owner, NULL, why);
}

/* --- through an HTTP proxy: RFC 9110 section 9.3.6 ---------------------------------------- */

static void ask_for_tunnel(struct call *call)
{
	const struct call_conf *conf = call->conf;
	const char *open = strchr(conf->host, ':') ? "[" : "", *close = *open ? "]" : "";
	_cleanup_strbuf_ struct strbuf request = STRBUF_INIT;
	strbuf_addf(&request, "CONNECT %s%s%s:%u HTTP/1.1\r\nHost: %s%s%s:%u\r\n", open, conf->host,
		    close, conf->port, open, conf->host, close, conf->port);
	if (conf->http_proxy_login) {
		size_t len = strlen(conf->http_proxy_login);
		_cleanup_free_ char *encoded = xcalloc(1, BASE64_ENCODE_RAW_LENGTH(len) + 1);
		base64_encode_raw(encoded, len, (const uint8_t *)conf->http_proxy_login);
		strbuf_addf(&request, "Proxy-Authorization: Basic %s\r\n", encoded);
	}
	strbuf_adds(&request, "\r\n");
	line_send(call->line, request.data, request.len);
}

static void start_tls(struct call *call)
{
	_cleanup_err_ struct err err = ERR_INIT;
	call->tunnelled = true;
	if (line_start_tls(call->line, call->conf->tls, call->conf->host, &err) < 0)
		finish(call, NULL, &err);
}

/* "HTTP/1.1 200 whatever"; a server of TLS says nothing before it is asked. */
static void on_data(void *owner, uint8_t *data, size_t len)
{
	struct call *call = owner;
	if (call->tunnelled) {
		fail(call, ERR_INPUT, "the proxy sent data before it could");
		return;
	}
	strbuf_add(&call->answer, data, len);
	const char *end = strstr(call->answer.data, "\r\n\r\n");
	if (!end && call->answer.len < ANSWER_BYTES)
		return;
	const char *text = call->answer.data;
	if (end && end + 4 == text + call->answer.len && str_starts(text, "HTTP/1.") &&
	    text[8] == ' ' && text[9] == '2') {
		start_tls(call);
		return;
	}
	_cleanup_err_ struct err err = ERR_INIT;
	err_set(&err, ERR_NETWORK, "the HTTP proxy refuses: %.*s", (int)strcspn(text, "\r\n"),
		text);
	finish(call, NULL, &err);
}

static const struct line_ops line_ops = {
	.secured = on_secured,
	.data = on_data,
	.finished = on_finished,
	.broken = on_broken,
};

/* --- the beginning ---------------------------------------------------------------------- */

static void on_dialled(void *arg, int fd, const struct err *why)
{
	struct call *call = arg;
	_cleanup_err_ struct err err = ERR_INIT;
	call->dial = NULL;
	if (fd < 0) {
		finish(call, NULL, why);
		return;
	}
	call->line = line_new(call->lines, fd, &line_ops, call, &err);
	if (!call->line)
		finish(call, NULL, &err);
	else if (call->conf->http_proxy_host)
		ask_for_tunnel(call);
	else
		start_tls(call);
}

struct call *call_start(struct lines *lines, const struct call_conf *conf, int timeout_ms,
			void (*done)(void *arg, struct line *line, const struct err *why),
			void *arg)
{
	struct call *call = xcalloc(1, sizeof(*call));
	call->lines = lines;
	call->conf = conf;
	call->done = done;
	call->arg = arg;
	call->deadline = (struct loop_timer){ .fire = on_deadline, .arg = call };
	loop_timer_set(lines_loop(lines), &call->deadline, timeout_ms);
	bool direct = !conf->http_proxy_host;
	call->dial = dial_start(lines_loop(lines), direct ? conf->host : conf->http_proxy_host,
				direct ? conf->port : conf->http_proxy_port, timeout_ms, on_dialled,
				call);
	return call;
}

int host_port_parse(const char *text, uint16_t default_port, char **host, uint16_t *port,
		    const char *what, struct err *err)
{
	*host = NULL;
	bool bracket = *text == '[';
	const char *start = text + bracket;
	size_t len = strcspn(start, bracket ? "]" : ":");
	const char *rest = start + len + (bracket && start[len]);
	uint64_t number = default_port;
	if (len == 0 || len > 255 || (bracket && !start[len]) || (*rest && *rest != ':') ||
	    (!*rest && !default_port))
		return err_set(err, ERR_USAGE, "%s: '%s' is not of the form HOST:PORT", what, text);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)start[i]) && !strchr("-._", start[i]) &&
		    !(bracket && start[i] == ':'))
			return err_set(err, ERR_USAGE, "%s: '%s' has an odd character", what, text);
	if (*rest && number_parse(rest + 1, 1, 65535, &number, what, err) < 0)
		return -1;
	*host = xstrndup(start, len);
	*port = (uint16_t)number;
	return 0;
}
