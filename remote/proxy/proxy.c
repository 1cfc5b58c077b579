/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/proxy/proxy.h"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/resource.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "remote/proxy/logins.h"
#include "remote/proxy/recording.h"

enum {
	HOUSEKEEPING_MS = 5000,
	CODES_AT_ONCE = 16, /* for one machine and user */
};

static int mint(struct proxy *proxy, const struct code_grant *grant, char code[CODE_LEN + 1],
		struct err *err)
{
	int64_t end_ms = loop_now_ms(proxy->loop) + (int64_t)proxy->conf->code_life_s * 1000;
	code_mint(code);
	code_book_trim(proxy->codes, grant, CODES_AT_ONCE);
	return code_book_add(proxy->codes, code, grant, end_ms, err);
}

int proxy_mint_code(struct proxy *proxy, const char *machine_name, const char *user,
		    char code[CODE_LEN + 1], struct err *err)
{
	struct code_grant grant = { .machine = machine_name, .user = user };
	const struct machine *machine = machines_find(&proxy->machines, machine_name);
	if (!machine)
		return err_set(err, ERR_NOT_FOUND, "no machine is called '%s'", machine_name);
	if (user && !machine_allows(machine, user, &grant.view_only))
		return err_set(err, ERR_REFUSED, "%s may not use %s", user, machine_name);
	return mint(proxy, &grant, code, err);
}

int proxy_mint_play_code(struct proxy *proxy, const char *file, const char *user,
			 char code[CODE_LEN + 1], struct err *err)
{
	_cleanup_free_ char *name = recording_machine(file);
	_cleanup_free_ char *path = xasprintf("%s/%s", proxy->conf->recordings, file);
	struct code_grant grant = { .machine = name, .user = user, .view_only = true, .recording = file };
	const struct machine *machine = name ? machines_find(&proxy->machines, name) : NULL;
	if (!machine || !file_exists(path))
		return err_set(err, ERR_NOT_FOUND, "no recording of a machine is called '%s'", file);
	if (!machine_grants(machine, &grant))
		return err_set(err, ERR_REFUSED, "%s may not see recordings of %s", user, name);
	return mint(proxy, &grant, code, err);
}

/* --- machines ----------------------------------------------------------------------------- */

/* The identifiers of 2009 lead to their machines for as long as these are known. */
static void register_job(struct proxy *proxy, const struct machine *machine)
{
	_cleanup_err_ struct err err = ERR_INIT;
	const struct code_grant grant = { .machine = machine->name };
	char code[CODE_LEN + 1];
	if (!machine->job)
		return;
	code_of_job(machine->job, code);
	code_book_remove(proxy->codes, code);
	if (code_book_add(proxy->codes, code, &grant, CODE_FOR_EVER, &err) < 0)
		log_warn("%s: its job's identifier: %s", machine->name, err.msg);
}

/* What a machine's file says now; its agent and its sessions stay with the old one. */
static void update(struct machine *old, struct machine *new)
{
	struct strv users = old->users, watchers = old->watchers, ports = old->ports,
		    auditors = old->auditors;
	char *job = old->job;
	if (!str_eq(old->pin, new->pin))
		agent_leave(old, MIP_NOT_WELCOME);
	memcpy(old->pin, new->pin, sizeof(old->pin));
	old->users = new->users;
	old->watchers = new->watchers;
	old->ports = new->ports;
	old->job = new->job;
	old->auditors = new->auditors;
	old->record = new->record;
	new->users = users;
	new->watchers = watchers;
	new->ports = ports;
	new->auditors = auditors;
	new->job = job;
}

static void forget(struct proxy *proxy, struct machine *machine)
{
	sessions_end(proxy, 0, machine, "the machine was removed");
	tunnels_end(proxy, machine, "the machine was removed");
	agent_leave(machine, MIP_NOT_WELCOME);
	code_book_remove_machine(proxy->codes, machine->name);
}

static int read_machines(struct proxy *proxy, struct err *err)
{
	struct machines now;
	if (machines_read(proxy->conf->machines, &now, err) < 0)
		return -1;
	for (size_t i = 0; i < proxy->machines.count; i++)
		if (!machines_find(&now, proxy->machines.items[i]->name))
			forget(proxy, proxy->machines.items[i]);
	for (size_t i = 0; i < now.count; i++) {
		struct machine *new = now.items[i];
		struct machine **slot = machines_slot(&proxy->machines, new->name);
		new->proxy = proxy;
		if (!slot)
			continue;
		update(*slot, new);
		/* Swapped, so that what is destroyed below is only what was read. */
		now.items[i] = *slot;
		*slot = new;
	}
	machines_destroy(&proxy->machines);
	proxy->machines = now;
	for (size_t i = 0; i < now.count; i++)
		register_job(proxy, now.items[i]);
	sessions_recheck(proxy);
	tunnels_recheck(proxy);
	return 0;
}

int proxy_reload(struct proxy *proxy, struct err *err)
{
	SSL_CTX *tls = tls_server_new(proxy->conf->certificate, proxy->conf->key, err);
	if (!tls)
		return -1;
	if (read_machines(proxy, err) < 0) {
		SSL_CTX_free(tls);
		return -1;
	}
	SSL_CTX_free(proxy->tls);
	proxy->tls = tls;
	/* Viewers of the gtk-vnc kind take TLS where it is offered, and do without the proxy rather than with
	 * a certificate that they do not trust. */
	proxy->viewers_tls = !proxy->conf->viewers_tls_given && tls_is_self_signed(tls)
				     ? RFB_TLS_NO
				     : proxy->conf->viewers_tls;
	log_event("proxy-loaded", "%zu machines", proxy->machines.count);
	return 0;
}

/* --- its life ----------------------------------------------------------------------------- */

static void on_housekeeping(void *arg)
{
	struct proxy *proxy = arg;
	int64_t now_ms = loop_now_ms(proxy->loop);
	code_book_expire(proxy->codes, now_ms);
	sources_sweep(proxy->sources, now_ms);
	loop_timer_set(proxy->loop, &proxy->housekeeping, HOUSEKEEPING_MS);
}

static void on_signal(void *arg, int signo)
{
	struct proxy *proxy = arg;
	_cleanup_err_ struct err err = ERR_INIT;
	if (signo != SIGHUP)
		loop_stop(proxy->loop);
	else if (proxy_reload(proxy, &err) < 0)
		log_error("reload: %s; nothing has changed", err.msg);
}

static int open_audit(struct proxy *proxy, struct err *err)
{
	const char *path = proxy->conf->audit;
	if (!path)
		return 0;
	proxy->audit = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	return proxy->audit < 0 ? err_sys(err, "open %s", path) : 0;
}

/* Three descriptors a session, one an agent: all that we may have. */
static void raise_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)!setrlimit(RLIMIT_NOFILE, &limit);
}

static int start(struct proxy *proxy, struct err *err)
{
	const int signals[] = { SIGTERM, SIGINT, SIGHUP, 0 };
	raise_limit();
	if (proxy_reload(proxy, err) < 0 || open_audit(proxy, err) < 0 ||
	    loop_watch_signals(proxy->loop, signals, on_signal, proxy, err) < 0 ||
	    port_open(&proxy->viewers, &proxy->conf->viewers, err) < 0 ||
	    port_open(&proxy->agents, &proxy->conf->tls, err) < 0 || control_open(proxy, err) < 0)
		return -1;
	on_housekeeping(proxy);
	log_event("proxy-started", "viewers at %s port %u, TLS at %s port %u",
		  proxy->conf->viewers.host, proxy->conf->viewers.port, proxy->conf->tls.host,
		  proxy->conf->tls.port);
	return 0;
}

static void stop(struct proxy *proxy)
{
	port_close(&proxy->viewers);
	port_close(&proxy->agents);
	control_close(proxy);
	sessions_end(proxy, 0, NULL, "the proxy stops");
	tunnels_end(proxy, NULL, "the proxy stops");
	visitors_end(proxy);
	strangers_end(proxy);
	for (size_t i = 0; i < proxy->machines.count; i++)
		agent_leave(proxy->machines.items[i], MIP_STOPS);
	loop_timer_clear(proxy->loop, &proxy->housekeeping);
	machines_destroy(&proxy->machines);
	code_book_freep(&proxy->codes);
	logins_freep(&proxy->logins);
	sources_freep(&proxy->sources);
	SSL_CTX_free(proxy->tls);
	closep(&proxy->audit);
	strbuf_destroy(&proxy->scratch);
	strbuf_destroy(&proxy->answer);
}

int proxy_run(const struct proxy_conf *conf, struct err *err)
{
	const struct sources_limits limits = {
		.strangers = (unsigned)conf->max_strangers,
		.strangers_per_source = (unsigned)conf->max_strangers_per_source,
		.rate_per_source = (unsigned)conf->rate_per_source,
	};
	_cleanup_(loop_freep) struct loop *loop = loop_new(err);
	if (!loop)
		return -1;
	_cleanup_(lines_freep) struct lines *lines = lines_new(loop);
	struct proxy proxy = {
		.conf = conf,
		.loop = loop,
		.lines = lines,
		.codes = code_book_new(),
		.logins = logins_new(),
		.sources = sources_new(&limits),
		.audit = -1,
	};
	proxy.viewers = (struct port){ .proxy = &proxy, .watch.fd = -1, .accepted = viewer_accepted };
	proxy.agents = (struct port){ .proxy = &proxy, .watch.fd = -1, .accepted = tls_accepted };
	proxy.housekeeping = (struct loop_timer){ .fire = on_housekeeping, .arg = &proxy };
	int result = start(&proxy, err);
	if (result == 0)
		result = loop_run(loop, err);
	stop(&proxy);
	return result;
}
