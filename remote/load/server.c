/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/load/load.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "common/log.h"
#include "common/util.h"
#include "remote/mip-line.h"
#include "remote/tls.h"

enum { PUMP_BYTES = 65536, CALL_MS = 60000, CALLS_AT_ONCE = 64 };

struct server {
	struct load *load;
	struct line *line;
	/* Bytes of the viewer's handshake that are still to come: 12, 1 and 1. */
	size_t handshake_at;
	bool running;
};

static const uint8_t pump[PUMP_BYTES];

static void pump_on(struct server *server)
{
	while (line_queued(server->line) == 0)
		line_send(server->line, pump, sizeof(pump));
}

static void begin(struct server *server)
{
	server->running = true;
	server->load->begun++;
	if (server->load->mode == LOAD_PUMP)
		pump_on(server);
}

/* What is answered when so many bytes of a viewer's handshake have come. */
static void answer(struct server *server)
{
	static const uint8_t types[] = { 1, 1 }, result[4];
	static const uint8_t init[24 + 4] = { 4, 0, 3, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255,
					      16, 8, 0, 0, 0, 0, 0, 0, 0, 4, 'l', 'o', 'a', 'd' };
	switch (server->handshake_at) {
	case 12:
		line_send(server->line, types, sizeof(types));
		break;
	case 13:
		line_send(server->line, result, sizeof(result));
		break;
	case 14:
		line_send(server->line, init, sizeof(init));
		begin(server);
		break;
	default:
		break;
	}
}

static void on_data(void *owner, uint8_t *data, size_t len)
{
	struct server *server = owner;
	for (; !server->running && len > 0; data++, len--) {
		server->handshake_at++;
		answer(server);
	}
	if (server->running && server->load->mode == LOAD_ECHO)
		line_send(server->line, data, len);
}

static void on_drained(void *owner)
{
	struct server *server = owner;
	if (server->running && server->load->mode == LOAD_PUMP)
		pump_on(server);
}

static void end(void *owner)
{
	struct server *server = owner;
	server->load->ended++;
	line_close(&server->line);
	loop_bury(server->load->loop, server, free);
}

static void on_broken(void *owner, const struct err *why)
{
	end(owner);
}

static void on_secured(void *owner)
{
	begin(owner);
}

static const struct line_ops server_ops = { .secured = on_secured,
					    .data = on_data,
					    .drained = on_drained,
					    .finished = end,
					    .broken = on_broken };

static struct server *server_new(struct load *load, struct line *line)
{
	struct server *server = xcalloc(1, sizeof(*server));
	server->load = load;
	server->line = line;
	line_give(line, &server_ops, server);
	return server;
}

void load_serve(struct load *load, struct line *line, bool raw)
{
	static const char greeting[] = "RFB 003.008\n";
	struct server *server = server_new(load, line);
	if (raw)
		begin(server);
	else
		line_send(line, greeting, strlen(greeting));
}

/* --- a port ------------------------------------------------------------------------------- */

struct listener {
	struct load *load;
	SSL_CTX *tls;
	struct loop_fd watch;
};

static void on_accept(void *arg, uint32_t events)
{
	struct listener *listener = arg;
	_cleanup_err_ struct err err = ERR_INIT;
	int fd = accept4(listener->watch.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct line *line =
		fd < 0 ? NULL : line_new(listener->load->lines, fd, &server_ops, NULL, &err);
	if (!line)
		return;
	if (!listener->tls)
		load_serve(listener->load, line, true);
	else if (server_new(listener->load, line) && line_start_tls(line, listener->tls, NULL, &err) < 0)
		log_error("%s", err.msg);
}

int load_listen(struct load *load, uint16_t port, SSL_CTX *tls, struct err *err)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons(port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int yes = 1;
	struct listener *listener = xcalloc(1, sizeof(*listener));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	*listener = (struct listener){ load, tls, { fd, EPOLLIN, on_accept, listener } };
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1024) < 0)
		return err_sys(err, "listen at port %u", port);
	return loop_add(load->loop, &listener->watch, err);
}

/* --- agents ------------------------------------------------------------------------------- */

struct agent {
	struct load *load;
	struct mip_line *control;
	unsigned number;
};

struct data_call {
	struct load *load;
	uint8_t ticket[MIP_TICKET_BYTES];
};

/* How many are called at once is bounded: the proxy's time for a handshake is, too. */
struct roll {
	struct load *load;
	const char *prefix;
	unsigned next;
};

static void on_data_called(void *arg, struct line *line, const struct err *why)
{
	struct data_call *call = arg;
	struct mip_message response = { .type = MIP_SETUP_RESPONSE };
	_cleanup_strbuf_ struct strbuf bytes = STRBUF_INIT;
	if (line) {
		memcpy(response.ticket, call->ticket, MIP_TICKET_BYTES);
		mip_write(MIP_2, &response, &bytes);
		line_send(line, bytes.data, bytes.len);
		load_serve(call->load, line, false);
	} else {
		log_error("data line: %s", why->msg);
	}
	free(call);
}

static void on_message(void *owner, const struct mip_message *message)
{
	struct agent *agent = owner;
	if (message->type != MIP_SETUP_REQUEST)
		return;
	struct data_call *call = xcalloc(1, sizeof(*call));
	call->load = agent->load;
	memcpy(call->ticket, message->ticket, MIP_TICKET_BYTES);
	call_start(agent->load->lines, &agent->load->proxy, CALL_MS, on_data_called, call);
}

static void on_over(void *owner, const struct err *why)
{
	struct agent *agent = owner;
	log_error("agent %u: %s", agent->number, why->msg);
	mip_line_freep(&agent->control);
	agent->load->registered--;
}

static const struct mip_line_ops control_ops = { .message = on_message, .over = on_over };

static void call_next(struct roll *roll);

static void on_agent_called(void *arg, struct line *line, const struct err *why)
{
	struct roll *roll = arg;
	if (!line) {
		log_error("agent: %s", why->msg);
		call_next(roll);
		return;
	}
	struct agent *agent = xcalloc(1, sizeof(*agent));
	struct mip_message handshake = { .type = MIP_HANDSHAKE,
					 .identifier_type = MIP_VIRTUAL_MACHINE };
	agent->load = roll->load;
	agent->number = roll->load->registered++;
	snprintf(handshake.identifier, sizeof(handshake.identifier), "%s%u", roll->prefix,
		 agent->number);
	agent->control = mip_line_new(roll->load->lines, line, MIP_2, &control_ops, agent);
	mip_line_send(agent->control, &handshake);
	call_next(roll);
}

static void call_next(struct roll *roll)
{
	if (roll->next++ < roll->load->count)
		call_start(roll->load->lines, &roll->load->proxy, CALL_MS, on_agent_called, roll);
}

void load_agents(struct load *load, const char *prefix)
{
	struct roll *roll = xcalloc(1, sizeof(*roll));
	*roll = (struct roll){ load, prefix, 0 };
	for (int i = 0; i < CALLS_AT_ONCE; i++)
		call_next(roll);
}
