/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who dials in. At the TLS port, ALPN or the first bytes tell what for. */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include "common/log.h"
#include "remote/proxy/proxy.h"

enum {
	BACKLOG = 1024,
	/* So many at once, then the others have their turn: a handshake has ten, and each waits for these. */
	ACCEPT_BATCH = 4,
	STRANGER_MS = 10000,
	REST_MS = 200,
};

/* There is no descriptor for another connection: asking for one all the time makes none. */
static void rest(struct port *port)
{
	log_error("accept: %s", strerror(errno));
	loop_change(port->proxy->loop, &port->watch, 0);
	loop_timer_set(port->proxy->loop, &port->resting, REST_MS);
}

static void on_rested(void *arg)
{
	struct port *port = arg;
	loop_change(port->proxy->loop, &port->watch, EPOLLIN);
}

static void on_accept(void *arg, uint32_t events)
{
	struct port *port = arg;
	struct proxy *proxy = port->proxy;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		struct sockaddr_storage address = { 0 };
		socklen_t len = sizeof(address);
		int fd = accept4(port->watch.fd, (struct sockaddr *)&address, &len,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
			rest(port);
		if (fd < 0)
			return;
		struct source *source =
			sources_enter(proxy->sources, &address, loop_now_ms(proxy->loop));
		if (source)
			port->accepted(proxy, fd, source);
		else
			close(fd);
	}
}

static void fill_address(const struct listen_at *at, struct sockaddr_storage *address,
			 socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
	if (inet_pton(AF_INET, at->host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(at->port);
		*len = sizeof(*v4);
	} else {
		inet_pton(AF_INET6, at->host, &v6->sin6_addr);
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(at->port);
		*len = sizeof(*v6);
	}
}

int port_open(struct port *port, const struct listen_at *at, struct err *err)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = 0;
	const int yes = 1;
	fill_address(at, &address, &len);
	_cleanup_close_ int fd =
		socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, BACKLOG) < 0)
		return err_sys(err, "listen at %s port %u", at->host, at->port);
	port->watch = (struct loop_fd){ fd, EPOLLIN, on_accept, port };
	port->resting = (struct loop_timer){ .fire = on_rested, .arg = port };
	if (loop_add(port->proxy->loop, &port->watch, err) < 0)
		return -1;
	steal_fd(&fd);
	return 0;
}

void port_close(struct port *port)
{
	if (port->watch.fd < 0)
		return;
	loop_remove(port->proxy->loop, &port->watch);
	loop_timer_clear(port->proxy->loop, &port->resting);
	closep(&port->watch.fd);
}

/* --- strangers at the TLS port ------------------------------------------------------------ */

struct stranger {
	struct proxy *proxy;
	struct stranger *next;
	struct line *line;
	struct source *source;
	struct strbuf in; /* a message that has not come whole */
	struct loop_timer deadline;
};

static void free_stranger(void *object)
{
	struct stranger *stranger = object;
	strbuf_destroy(&stranger->in);
	free(stranger);
}

static void end(struct stranger *stranger)
{
	struct proxy *proxy = stranger->proxy;
	struct stranger **p = &proxy->strangers;
	while (*p != stranger)
		p = &(*p)->next;
	*p = stranger->next;
	line_close(&stranger->line);
	source_leave(proxy->sources, stranger->source);
	loop_timer_clear(proxy->loop, &stranger->deadline);
	loop_bury(proxy->loop, stranger, free_stranger);
}

static void end_because(struct stranger *stranger, const char *why)
{
	char name[INET6_ADDRSTRLEN];
	source_name(stranger->source, name);
	log_info("TLS port, %s: %s", name, why);
	end(stranger);
}

void strangers_end(struct proxy *proxy)
{
	while (proxy->strangers)
		end(proxy->strangers);
}

static void on_deadline(void *arg)
{
	end_because(arg, "said nothing in time");
}

static void become_visitor(struct stranger *stranger)
{
	struct proxy *proxy = stranger->proxy;
	struct line *line = steal(&stranger->line);
	struct source *source = steal(&stranger->source);
	_cleanup_strbuf_ struct strbuf in = stranger->in;
	stranger->in = (struct strbuf)STRBUF_INIT;
	end(stranger);
	visitor_arrived(proxy, line, source, in.data, in.len);
}

static void on_secured(void *owner)
{
	struct stranger *stranger = owner;
	if (tls_protocol(line_ssl(stranger->line)) == TLS_HTTP)
		become_visitor(stranger);
}

static void on_data(void *owner, uint8_t *data, size_t len)
{
	struct stranger *stranger = owner;
	_cleanup_err_ struct err err = ERR_INIT;
	struct mip_message message;
	size_t used = 0;
	enum mip_version version = tls_protocol(line_ssl(stranger->line)) == TLS_MIP_2 ? MIP_2
										       : MIP_1;
	strbuf_add(&stranger->in, data, len);
	/* No message of MiP begins like a method of HTTP. */
	if (tls_protocol(line_ssl(stranger->line)) == TLS_NO_PROTOCOL &&
	    stranger->in.data[0] >= 'A') {
		become_visitor(stranger);
		return;
	}
	if (mip_parse(version, stranger->in.data, stranger->in.len, &message, &used, &err) < 0) {
		end_because(stranger, err.msg);
	} else if (used > 0) {
		agent_arrived(stranger->proxy, steal(&stranger->line), version, &message,
			      stranger->in.data + used, stranger->in.len - used);
		end(stranger);
	}
}

static void on_finished(void *owner)
{
	end_because(owner, "left");
}

static void on_broken(void *owner, const struct err *why)
{
	end_because(owner, why->msg);
}

static const struct line_ops stranger_ops = {
	.secured = on_secured,
	.data = on_data,
	.finished = on_finished,
	.broken = on_broken,
};

void tls_accepted(struct proxy *proxy, int fd, struct source *source)
{
	_cleanup_err_ struct err err = ERR_INIT;
	struct stranger *stranger = xcalloc(1, sizeof(*stranger));
	stranger->proxy = proxy;
	stranger->source = source;
	stranger->deadline = (struct loop_timer){ .fire = on_deadline, .arg = stranger };
	stranger->next = proxy->strangers;
	proxy->strangers = stranger;
	loop_timer_set(proxy->loop, &stranger->deadline, STRANGER_MS);
	stranger->line = line_new(proxy->lines, fd, &stranger_ops, stranger, &err);
	if (!stranger->line || line_start_tls(stranger->line, proxy->tls, NULL, &err) < 0)
		end_because(stranger, err.msg);
}
