/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/connect/connect.h"

#include <fcntl.h>
#include <nettle/base64.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "remote/relay.h"
#include "remote/tls.h"

enum { CALL_MS = 15000, ANSWER_MS = 60000, ANSWER_BYTES = 8192 };

struct connection {
	const struct connect_to *to;
	struct loop *loop;
	struct lines *lines;
	struct call_conf proxy;
	struct call *call;
	struct line *line;
	struct strbuf answer;
	struct loop_timer deadline;
	struct relay *relay;
	pid_t pumps[2];
	struct err *err; /* what went wrong */
};

static void give_up(struct connection *c, enum err_code code, const char *why)
{
	err_set(c->err, code, "%s", why);
	loop_stop(c->loop);
}

/* --- standard input and output are no sockets: two processes carry them ----------------------- */

static void copy(int from, int to)
{
	char piece[65536];
	ssize_t n;
	_cleanup_err_ struct err err = ERR_INIT;
	while ((n = read(from, piece, sizeof(piece))) > 0)
		if (write_all(to, piece, (size_t)n, &err) < 0)
			return;
}

static pid_t start_pump(int from, int to, int *close_in_child)
{
	pid_t pid = fork();
	if (pid == 0) {
		closep(close_in_child);
		copy(from, to);
		/* So that the other end of a socket learns that this was all. */
		shutdown(to, SHUT_WR);
		_exit(0);
	}
	return pid;
}

/* Returns our end of a socket that standard input and output are joined to, or -1. */
static int start_pumps(struct connection *c)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(c->err, "make a socket");
	c->pumps[0] = start_pump(STDIN_FILENO, ends[1], &ends[0]);
	c->pumps[1] = start_pump(ends[1], STDOUT_FILENO, &ends[0]);
	close(ends[1]);
	if (c->pumps[0] < 0 || c->pumps[1] < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
		close(ends[0]);
		return err_sys(c->err, "start the copying of standard input and output");
	}
	return ends[0];
}

/* What has come is written to its end; nobody needs what is still typed. */
static void end_pumps(struct connection *c)
{
	if (c->pumps[0] > 0) {
		kill(c->pumps[0], SIGKILL);
		waitpid(c->pumps[0], NULL, 0);
	}
	if (c->pumps[1] > 0)
		waitpid(c->pumps[1], NULL, 0);
}

/* --- the proxy's answer --------------------------------------------------------------------- */

static void on_relay_ended(void *arg, const struct err *why)
{
	struct connection *c = arg;
	relay_freep(&c->relay);
	if (why)
		give_up(c, why->code, why->msg);
	else
		loop_stop(c->loop);
}

static void begin(struct connection *c, const char *rest, size_t len)
{
	const struct relay_conf conf = { .ends_with_first = true,
					 .ended = on_relay_ended,
					 .arg = c };
	int fd = start_pumps(c);
	struct line *ours = fd < 0 ? NULL : line_new(c->lines, fd, NULL, NULL, c->err);
	loop_timer_clear(c->loop, &c->deadline);
	if (!ours) {
		loop_stop(c->loop);
		return;
	}
	c->relay = relay_new(c->lines, steal(&c->line), ours, &conf);
	relay_feed(c->relay, false, rest, len);
}

/* "HTTP/1.1 403 Forbidden", and words in the body of some. */
static void refuse(struct connection *c)
{
	static const char words[] = "error\":\"";
	const char *status = c->answer.data + strlen("HTTP/1.1 ");
	const char *why = strstr(c->answer.data, words);
	_cleanup_free_ char *text = NULL;
	if (str_starts(status, "407"))
		text = xstrdup("the proxy refuses: name or password is wrong");
	else if (why)
		text = xasprintf("the proxy refuses: %.*s",
				 (int)strcspn(why + strlen(words), "\""), why + strlen(words));
	else
		text = xasprintf("the proxy refuses: %.*s", (int)strcspn(status, "\r\n"), status);
	give_up(c, *status == '4' ? ERR_REFUSED : ERR_NETWORK, text);
}

/* Has the body come, in which the words are? */
static bool is_whole(const struct strbuf *answer, size_t body)
{
	const char *field = strcasestr(answer->data, "\r\nContent-Length:");
	return !field || body >= strtoul(field + strlen("\r\nContent-Length:"), NULL, 10);
}

static void on_data(void *owner, uint8_t *data, size_t len)
{
	struct connection *c = owner;
	strbuf_add(&c->answer, data, len);
	const char *end = strstr(c->answer.data, "\r\n\r\n");
	if (!end && c->answer.len > ANSWER_BYTES) {
		give_up(c, ERR_INPUT, "the proxy's answer is none");
		return;
	}
	if (!end)
		return;
	end += strlen("\r\n\r\n");
	if (!str_starts(c->answer.data, "HTTP/1.1 "))
		give_up(c, ERR_INPUT, "this is no proxy");
	else if (str_starts(c->answer.data, "HTTP/1.1 200 "))
		begin(c, end, c->answer.len - (size_t)(end - c->answer.data));
	else if (is_whole(&c->answer, c->answer.len - (size_t)(end - c->answer.data)))
		refuse(c);
}

static void on_finished(void *owner)
{
	give_up(owner, ERR_NETWORK, "the proxy hung up");
}

static void on_broken(void *owner, const struct err *why)
{
	give_up(owner, why->code, why->msg);
}

static const struct line_ops line_ops = { .data = on_data,
					  .finished = on_finished,
					  .broken = on_broken };

static void on_deadline(void *arg)
{
	give_up(arg, ERR_TIMEOUT, "the proxy did not answer in time");
}

static void on_called(void *arg, struct line *line, const struct err *why)
{
	struct connection *c = arg;
	c->call = NULL;
	c->line = line;
	if (!line) {
		give_up(c, why->code, why->msg);
		return;
	}
	line_give(line, &line_ops, c);
	_cleanup_free_ char *login = xasprintf("%s:%s", c->to->user, c->to->password);
	_cleanup_free_ char *encoded = xcalloc(1, BASE64_ENCODE_RAW_LENGTH(strlen(login)) + 1);
	base64_encode_raw(encoded, strlen(login), (const uint8_t *)login);
	_cleanup_free_ char *request =
		xasprintf("CONNECT %s:%u HTTP/1.1\r\nHost: %s:%u\r\nProxy-Authorization: Basic %s\r\n"
			  "\r\n",
			  c->to->machine, c->to->port, c->to->machine, c->to->port, encoded);
	line_send(line, request, strlen(request));
	loop_timer_set(c->loop, &c->deadline, ANSWER_MS);
}

int connect_run(const struct connect_to *to, struct err *err)
{
	_cleanup_(loop_freep) struct loop *loop = loop_new(err);
	if (!loop)
		return -1;
	_cleanup_(lines_freep) struct lines *lines = lines_new(loop);
	struct connection c = { .to = to, .loop = loop, .lines = lines, .proxy = to->proxy, .err = err };
	c.deadline = (struct loop_timer){ .fire = on_deadline, .arg = &c };
	c.proxy.tls = tls_client_new(NULL, to->pin, to->roots, TLS_HTTP, err);
	if (!c.proxy.tls)
		return -1;
	c.call = call_start(lines, &c.proxy, CALL_MS, on_called, &c);
	int result = loop_run(loop, err);
	call_cancel(&c.call);
	line_close(&c.line);
	relay_freep(&c.relay);
	loop_timer_clear(loop, &c.deadline);
	strbuf_destroy(&c.answer);
	SSL_CTX_free(c.proxy.tls);
	end_pumps(&c);
	return result < 0 || err->code ? -1 : 0;
}
