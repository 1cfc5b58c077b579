/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One user and one port of a machine: CONNECT, as HTTP proxies have it, so that whatever can use a proxy in
 * TLS can reach a machine (curl, ncat, git), and waybill-connect for ssh. */
#include <ctype.h>
#include <json-c/json.h>
#include <nettle/base64.h>

#include "common/log.h"
#include "remote/call.h"
#include "remote/proxy/web.h"
#include "remote/relay.h"

enum { CALLING_MS = 15000 };

struct tunnel {
	struct proxy *proxy;
	struct tunnel *next;
	struct machine *machine;
	uint16_t port;
	char *user;
	char source_name[INET6_ADDRSTRLEN];
	struct pairing pairing;
	struct loop_timer deadline;
	struct line *line; /* until there is a relay */
	struct strbuf rest; /* what came after the request */
	struct relay *relay;
};

static void free_tunnel(void *object)
{
	struct tunnel *tunnel = object;
	strbuf_destroy(&tunnel->rest);
	free(tunnel->user);
	free(tunnel);
}

static void end(struct tunnel *tunnel, const char *why)
{
	struct proxy *proxy = tunnel->proxy;
	struct tunnel **p = &proxy->tunnels;
	while (*p != tunnel)
		p = &(*p)->next;
	*p = tunnel->next;
	log_event("tunnel-ended", "%s port %u, %s from %s: %s", tunnel->machine->name, tunnel->port,
		  tunnel->user, tunnel->source_name, why);
	tunnel->machine->session_count--;
	proxy->session_count--;
	pairing_end(&tunnel->pairing);
	loop_timer_clear(proxy->loop, &tunnel->deadline);
	line_close(&tunnel->line);
	relay_freep(&tunnel->relay);
	loop_bury(proxy->loop, tunnel, free_tunnel);
}

void tunnels_recheck(struct proxy *proxy)
{
	for (struct tunnel *t = proxy->tunnels, *next; t; t = next) {
		next = t->next;
		if (!machine_allows_port(t->machine, t->user, t->port))
			end(t, "the user may do this no longer");
	}
}

void tunnels_end(struct proxy *proxy, const struct machine *machine, const char *why)
{
	for (struct tunnel *t = proxy->tunnels, *next; t; t = next) {
		next = t->next;
		if (!machine || t->machine == machine)
			end(t, why);
	}
}

/* --- it runs ------------------------------------------------------------------------------ */

static void on_relay_ended(void *arg, const struct err *why)
{
	end(arg, why ? why->msg : "both ends have finished");
}

static void on_connected(void *owner, struct line *line, const void *rest, size_t len)
{
	static const char answer[] = "HTTP/1.1 200 Connection established\r\n\r\n";
	struct tunnel *tunnel = owner;
	const struct relay_conf conf = { .ended = on_relay_ended, .arg = tunnel };
	_cleanup_strbuf_ struct strbuf early = tunnel->rest;
	tunnel->rest = (struct strbuf)STRBUF_INIT;
	loop_timer_clear(tunnel->proxy->loop, &tunnel->deadline);
	line_send(tunnel->line, answer, strlen(answer));
	tunnel->relay = relay_new(tunnel->proxy->lines, steal(&tunnel->line), line, &conf);
	relay_feed(tunnel->relay, true, rest, len);
	if (tunnel->relay)
		relay_feed(tunnel->relay, false, early.data, early.len);
}

static void refuse(struct tunnel *tunnel, const char *why)
{
	static const char answer[] = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n"
				     "Connection: close\r\n\r\n";
	line_send(tunnel->line, answer, strlen(answer));
	line_finish(tunnel->line);
	end(tunnel, why);
}

static void on_refused(void *owner, uint8_t status)
{
	_cleanup_free_ char *why = xasprintf("the agent says: status %u", status);
	refuse(owner, why);
}

static void on_deadline(void *arg)
{
	refuse(arg, "the machine did not answer");
}

static const struct pairing_ops pairing_ops = { .connected = on_connected,
						.refused = on_refused };

static void on_early_data(void *owner, uint8_t *data, size_t len)
{
	struct tunnel *tunnel = owner;
	strbuf_add(&tunnel->rest, data, len);
	line_pause(tunnel->line);
}

static void on_early_end(void *owner)
{
	end(owner, "the user left");
}

static void on_early_broken(void *owner, const struct err *why)
{
	end(owner, why->msg);
}

static const struct line_ops early_ops = { .data = on_early_data,
					   .finished = on_early_end,
					   .broken = on_early_broken };

/* --- how it begins ------------------------------------------------------------------------ */

static void start(struct visitor *visitor, struct machine *machine, uint16_t port)
{
	struct proxy *proxy = visitor->proxy;
	struct tunnel *tunnel = xcalloc(1, sizeof(*tunnel));
	tunnel->proxy = proxy;
	tunnel->machine = machine;
	tunnel->port = port;
	tunnel->user = steal(&visitor->user);
	memcpy(tunnel->source_name, visitor->source_name, sizeof(tunnel->source_name));
	tunnel->next = proxy->tunnels;
	proxy->tunnels = tunnel;
	machine->session_count++;
	proxy->session_count++;
	tunnel->deadline = (struct loop_timer){ .fire = on_deadline, .arg = tunnel };
	loop_timer_set(proxy->loop, &tunnel->deadline, CALLING_MS);
	tunnel->line = visitor_take_line(visitor, &tunnel->rest);
	line_give(tunnel->line, &early_ops, tunnel);
	/* The agent's own name for itself: what it may reach is in its configuration. */
	if (pairing_begin(&tunnel->pairing, proxy, machine, "127.0.0.1", port, &pairing_ops, tunnel) < 0)
		refuse(tunnel, "no ticket is free");
}

static void on_delayed(void *arg)
{
	struct visitor *visitor = arg;
	visitor->close = true;
	web_answer(visitor, &(struct web_answer){
				    .status = 407,
				    .field = "Proxy-Authenticate: Basic realm=\"Waybill\"\r\n" });
}

static void on_checked(void *arg, bool right)
{
	struct visitor *visitor = arg;
	struct proxy *proxy = visitor->proxy;
	_cleanup_free_ char *name = NULL;
	_cleanup_err_ struct err err = ERR_INIT;
	uint16_t port = 0;
	visitor->check = NULL;
	proxy->check_count--;
	if (!right) {
		log_event("web-login-failed", "%s, from %s", visitor->user, visitor->source_name);
		visitor->delay = (struct loop_timer){ .fire = on_delayed, .arg = visitor };
		loop_timer_set(proxy->loop, &visitor->delay, web_failure_ms(visitor));
		return;
	}
	struct machine *machine = NULL;
	if (host_port_parse(visitor->target, 0, &name, &port, "CONNECT", &err) == 0)
		machine = machines_find(&proxy->machines, name);
	visitor->close = true;
	if (!machine || !machine_allows_port(machine, visitor->user, port))
		web_answer_error(visitor, 403, "You may not use this port of this machine.");
	else if (!machine->agent)
		web_answer_error(visitor, 502, "The machine is not connected at the moment.");
	else if (machine->session_count >= proxy->conf->max_sessions_per_machine ||
		 proxy->session_count >= proxy->conf->max_sessions)
		web_answer_error(visitor, 503, "There are too many sessions.");
	else
		start(visitor, machine, port);
}

/* "Basic BASE64" -> "user:password", or NULL. */
static char *take_credentials(const char *value)
{
	static const char scheme[] = "Basic ";
	struct base64_decode_ctx ctx;
	if (!value || strncasecmp(value, scheme, strlen(scheme)) != 0)
		return NULL;
	value += strlen(scheme);
	size_t len = strlen(value), out_len = BASE64_DECODE_LENGTH(len);
	_cleanup_free_ char *out = xcalloc(1, out_len + 1);
	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &out_len, (uint8_t *)out, len, value) ||
	    !base64_decode_final(&ctx) || !strchr(out, ':'))
		return NULL;
	return steal(&out);
}

void web_connect(struct visitor *visitor, const struct http_request *request)
{
	_cleanup_free_ char *credentials =
		take_credentials(http_request_field(request, "Proxy-Authorization"));
	if (!credentials) {
		on_delayed(visitor);
		return;
	}
	char *password = strchr(credentials, ':');
	*password++ = '\0';
	free(visitor->target);
	visitor->target = xstrdup(request->path);
	web_check_password(visitor, credentials, password, on_checked);
	explicit_bzero(password, strlen(password));
}
