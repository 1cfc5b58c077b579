/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/health.h"

#include "common/agent.h"
#include "common/health-kinds.h"
#include "common/utf8.h"

enum { NAME_MAX_BYTES = 100, SAY_MAX_BYTES = 400 };

void health_round_destroy(struct health_round *round)
{
	for (size_t i = 0; i < round->count; i++) {
		free(round->results[i].name);
		free(round->results[i].text);
		free(round->results[i].detail);
	}
	free(round->results);
	*round = (struct health_round){ 0 };
}

bool health_round_is_good(const struct health_round *round)
{
	for (size_t i = 0; i < round->count; i++)
		if (!round->results[i].ok)
			return false;
	return true;
}

const char *health_result_seen(const struct health_result *result)
{
	return result->text + strlen(result->name) + strlen(": ");
}

/* "http:80/", "exec:test -e /ready" */
static char *full_name(const struct health_check *check)
{
	const char *kind = health_kind_name(check->kind);
	switch (check->kind) {
	case HEALTH_TCP:
		return xasprintf("%s:%u", kind, check->guest_port);
	case HEALTH_HTTP:
		return xasprintf("%s:%u%s", kind, check->guest_port, check->argument);
	case HEALTH_EXEC:
		return xasprintf("%s:%s", kind, check->argument);
	default:
		return xstrdup(kind);
	}
}

char *health_check_name(const struct health_check *check)
{
	_cleanup_free_ char *name = full_name(check);
	return utf8_make_printable(name, strlen(name), "", NAME_MAX_BYTES);
}

void health_say(struct health_result *result, bool ok, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *what = xvasprintf(fmt, ap);
	va_end(ap);
	for (char *p = what; *p; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	_cleanup_free_ char *clean =
		utf8_make_printable(what, strlen(what), "", SAY_MAX_BYTES);
	result->ok = ok;
	free(result->text);
	result->text = xasprintf("%s: %s", result->name, clean);
}

void health_keep_detail(struct health_result *result, const char *data, size_t len)
{
	while (len > 0 && strchr("\r\n", data[len - 1]))
		len--;
	free(result->detail);
	result->detail =
		len ? utf8_make_printable(data, len, "\n\t", HEALTH_DETAIL_BYTES) : NULL;
}

struct round_context {
	const struct health_guest *guest;
	struct agent *agent; /* opened by the first check that needs it */
	char *agent_failed;  /* why it is not asked again in this round */
};

static void say_agent_failed(struct round_context *c, struct health_result *result)
{
	health_say(result, false, "%s", c->agent_failed);
}

static void check_through_agent(struct round_context *c, struct health_result *result)
{
	_cleanup_err_ struct err err = ERR_INIT;
	if (c->agent_failed) {
		say_agent_failed(c, result);
		return;
	}
	if (!c->agent && c->guest->open_agent(c->guest->ctx, &c->agent, &err) < 0) {
		c->agent_failed = xstrdup(err.msg);
		say_agent_failed(c, result);
		return;
	}
	int asked = result->check->kind == HEALTH_AGENT
			    ? health_check_agent(c->agent, result)
		    : result->check->kind == HEALTH_SYSTEMD
			    ? health_check_systemd(c->agent, result)
			    : health_check_exec(c->agent, result);
	if (asked < 0)
		c->agent_failed = xstrdup(health_result_seen(result));
}

/* Where the host reaches a port of the guest; 0: nowhere. */
static uint16_t forwarded_port(const struct appliance_conf *conf, uint16_t guest_port)
{
	for (size_t i = 0; i < conf->port_count; i++)
		if (!conf->ports[i].udp && conf->ports[i].guest_port == guest_port)
			return conf->ports[i].host_port;
	return 0;
}

static void check_through_network(struct round_context *c, struct health_result *result)
{
	const struct health_check *check = result->check;
	const struct appliance_conf *conf = c->guest->conf;
	bool forwarded = conf->network == NETWORK_USER;
	uint16_t port = forwarded ? forwarded_port(conf, check->guest_port)
				  : check->guest_port;
	const char *address = forwarded ? "127.0.0.1" : c->guest->address;
	if (!port) {
		health_say(result, false,
			   "no host port is forwarded to port %u of the guest; see Ports",
			   check->guest_port);
	} else if (!address) {
		health_say(result, false, "the guest has no address (yet)");
	} else if (check->kind == HEALTH_HTTP) {
		health_check_http(address, port, HEALTH_CHECK_SECONDS * 1000, result);
	} else {
		health_check_tcp(address, port, forwarded, HEALTH_CHECK_SECONDS * 1000,
				 result);
	}
}

static void run_check(struct round_context *c, struct health_result *result)
{
	switch (result->check->kind) {
	case HEALTH_AGENT:
	case HEALTH_SYSTEMD:
	case HEALTH_EXEC:
		check_through_agent(c, result);
		break;
	case HEALTH_TCP:
	case HEALTH_HTTP:
		check_through_network(c, result);
		break;
	}
}

static void make_round(const struct appliance_conf *conf, struct health_round *out)
{
	out->count = conf->health_count;
	out->results = xcalloc(out->count + 1, sizeof(*out->results));
	for (size_t i = 0; i < out->count; i++) {
		out->results[i].check = &conf->health[i];
		out->results[i].name = health_check_name(&conf->health[i]);
	}
}

void health_look(const struct health_guest *guest, struct health_round *out)
{
	struct round_context c = { guest, NULL, NULL };
	make_round(guest->conf, out);
	for (size_t i = 0; i < out->count; i++)
		run_check(&c, &out->results[i]);
	if (c.agent)
		guest->close_agent(c.agent);
	free(c.agent_failed);
}

void health_round_fail(const struct appliance_conf *conf, const char *why,
		       struct health_round *out)
{
	make_round(conf, out);
	for (size_t i = 0; i < out->count; i++)
		health_say(&out->results[i], false, "%s", why);
}
