/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop, lines, TLS and relays, over socket pairs. */
#include "common/test-lib.h"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "remote/relay.h"
#include "remote/tls.h"

static void make_pair(int ends[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
}

/* --- timers ------------------------------------------------------------------------------- */

struct alarm {
	struct loop *loop;
	struct loop_timer timer;
	int *order, number;
};

static void ring(void *arg)
{
	struct alarm *alarm = arg;
	alarm->number = ++*alarm->order;
}

static void ring_last(void *arg)
{
	struct alarm *alarm = arg;
	ring(arg);
	loop_stop(alarm->loop);
}

static void test_timers(void **state)
{
	enum { COUNT = 200 };
	struct err err = ERR_INIT;
	_cleanup_(loop_freep) struct loop *loop = loop_new(&err);
	struct alarm alarms[COUNT];
	int order = 0;
	for (int i = 0; i < COUNT; i++) {
		alarms[i] = (struct alarm){ .loop = loop, .order = &order };
		alarms[i].timer = (struct loop_timer){ .fire = ring, .arg = &alarms[i] };
		/* In no order, each moved once, every fifth cleared. */
		loop_timer_set(loop, &alarms[i].timer, 1000);
		loop_timer_set(loop, &alarms[i].timer, i * 37 % COUNT / 2);
	}
	for (int i = 0; i < COUNT; i += 5)
		loop_timer_clear(loop, &alarms[i].timer);
	struct alarm last = { .loop = loop, .order = &order };
	last.timer = (struct loop_timer){ .fire = ring_last, .arg = &last };
	loop_timer_set(loop, &last.timer, COUNT);
	assert_ok(loop_run(loop, &err));
	assert_int_equal(order, COUNT - COUNT / 5 + 1);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(alarms[i].number == 0, i % 5 == 0);
		for (int j = 0; j < COUNT; j++)
			if (alarms[i].number && alarms[j].number &&
			    alarms[i].timer.at_ms < alarms[j].timer.at_ms)
				assert_true(alarms[i].number < alarms[j].number);
	}
}

/* --- a stream through a relay ------------------------------------------------------------- */

enum { STREAM_BYTES = 4 * 1024 * 1024 };

/* One end of the whole chain: sends a stream, and checks the one that comes. */
struct talker {
	struct loop *loop;
	struct line *line;
	bool secured;
	size_t to_send, sent, received;
	bool finished, paused;
	struct loop_timer wait;
	int *running;
};

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 31 + i / 251);
}

static void talk(struct talker *talker)
{
	uint8_t piece[50000];
	while (talker->sent < talker->to_send && line_queued(talker->line) == 0) {
		size_t len = talker->to_send - talker->sent;
		if (len > sizeof(piece))
			len = sizeof(piece);
		for (size_t i = 0; i < len; i++)
			piece[i] = byte_at(talker->sent + i);
		line_send(talker->line, piece, len);
		talker->sent += len;
	}
	if (talker->sent == talker->to_send)
		line_finish(talker->line);
}

static void on_secured(void *owner)
{
	struct talker *talker = owner;
	talker->secured = true;
	talk(talker);
}

static void on_rested(void *arg)
{
	struct talker *talker = arg;
	line_resume(talker->line);
}

/* It rests now and then, so that what is before it must wait. */
static void on_data(void *owner, uint8_t *data, size_t len)
{
	struct talker *talker = owner;
	for (size_t i = 0; i < len; i++)
		if (data[i] != byte_at(talker->received + i))
			fail_msg("byte %zu is wrong", talker->received + i);
	if (talker->received / 1000000 != (talker->received + len) / 1000000) {
		line_pause(talker->line);
		loop_timer_set(talker->loop, &talker->wait, 5);
	}
	talker->received += len;
}

static void on_drained(void *owner)
{
	talk(owner);
}

static void on_finished(void *owner)
{
	struct talker *talker = owner;
	talker->finished = true;
	if (--*talker->running == 0)
		loop_stop(talker->loop);
}

static void on_broken(void *owner, const struct err *why)
{
	fail_msg("broken: %s", why->msg);
}

static const struct line_ops talker_ops = { .secured = on_secured,
					    .data = on_data,
					    .drained = on_drained,
					    .finished = on_finished,
					    .broken = on_broken };

static void talker_start(struct talker *talker, struct lines *lines, int fd, size_t to_send,
			 int *running)
{
	struct err err = ERR_INIT;
	*talker = (struct talker){ .loop = lines_loop(lines), .to_send = to_send, .running = running };
	talker->wait = (struct loop_timer){ .fire = on_rested, .arg = talker };
	talker->line = line_new(lines, fd, &talker_ops, talker, &err);
	assert_non_null(talker->line);
	++*running;
}

/* The middle: TLS on one side, so that a relay begins when that is agreed upon. */
struct middle {
	struct lines *lines;
	struct line *secure, *clear;
	struct relay *relay;
	int ended;
};

static void on_relay_ended(void *arg, const struct err *why)
{
	struct middle *middle = arg;
	assert_null(why);
	middle->ended++;
	relay_freep(&middle->relay);
}

static void begin_relay(void *owner)
{
	struct middle *middle = owner;
	const struct relay_conf conf = { .ended = on_relay_ended, .arg = middle };
	middle->relay = relay_new(middle->lines, middle->secure, middle->clear, &conf);
}

static const struct line_ops middle_ops = { .secured = begin_relay, .broken = on_broken };

static char *write_identity(char pin[TLS_PIN_LEN + 1])
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf pem = STRBUF_INIT;
	char path[] = "/tmp/identity.XXXXXX";
	assert_ok(tls_make_identity("test", &pem, pin, &err));
	int fd = mkstemp(path);
	assert_ok(write_all(fd, pem.data, pem.len, &err));
	close(fd);
	return xstrdup(path);
}

static void test_relay(void **state)
{
	struct err err = ERR_INIT;
	char pin[TLS_PIN_LEN + 1], seen[TLS_PIN_LEN + 1];
	_cleanup_free_ char *identity = write_identity(pin);
	_cleanup_(loop_freep) struct loop *loop = loop_new(&err);
	_cleanup_(lines_freep) struct lines *lines = lines_new(loop);
	SSL_CTX *server = tls_server_new(identity, identity, &err);
	SSL_CTX *client = tls_client_new(identity, pin, NULL, TLS_MIP_2, &err);
	assert_non_null(server);
	assert_non_null(client);
	int left[2], right[2], running = 0;
	make_pair(left);
	make_pair(right);
	struct talker first, second;
	struct middle middle = { .lines = lines };
	talker_start(&first, lines, left[0], STREAM_BYTES, &running);
	talker_start(&second, lines, right[0], STREAM_BYTES / 2 + 1, &running);
	middle.secure = line_new(lines, left[1], &middle_ops, &middle, &err);
	middle.clear = line_new(lines, right[1], NULL, NULL, &err);
	line_pause(middle.clear);
	assert_ok(line_start_tls(middle.secure, server, NULL, &err));
	assert_ok(line_start_tls(first.line, client, "test.example", &err));
	talk(&second);
	assert_ok(loop_run(loop, &err));
	assert_int_equal(first.received, STREAM_BYTES / 2 + 1);
	assert_int_equal(second.received, STREAM_BYTES);
	assert_int_equal(line_sent(first.line), STREAM_BYTES);
	assert_int_equal(tls_peer_pin(line_ssl(first.line), seen), 0);
	assert_string_equal(seen, pin);
	assert_int_equal(tls_protocol(line_ssl(first.line)), TLS_MIP_2);
	line_close(&first.line);
	line_close(&second.line);
	relay_freep(&middle.relay);
	SSL_CTX_free(server);
	SSL_CTX_free(client);
	unlink(identity);
}

/* --- who is not trusted ------------------------------------------------------------------- */

static void remember(void *owner, const struct err *why)
{
	struct middle *middle = owner;
	middle->ended++;
	loop_stop(lines_loop(middle->lines));
}

static void never(void *owner)
{
	fail_msg("this must not be");
}

static const struct line_ops doubting_ops = { .secured = never, .broken = remember };

/* A server with another key than the pinned one. */
static void test_pin(void **state)
{
	struct err err = ERR_INIT;
	char pin[TLS_PIN_LEN + 1];
	_cleanup_free_ char *identity = write_identity(pin);
	_cleanup_(loop_freep) struct loop *loop = loop_new(&err);
	_cleanup_(lines_freep) struct lines *lines = lines_new(loop);
	pin[0] = pin[0] == '0' ? '1' : '0';
	SSL_CTX *server = tls_server_new(identity, identity, &err);
	SSL_CTX *client = tls_client_new(NULL, pin, NULL, TLS_MIP_2, &err);
	int ends[2];
	make_pair(ends);
	struct middle one = { .lines = lines }, other = { .lines = lines };
	one.secure = line_new(lines, ends[0], &doubting_ops, &one, &err);
	other.secure = line_new(lines, ends[1], &doubting_ops, &other, &err);
	assert_ok(line_start_tls(one.secure, server, NULL, &err));
	assert_ok(line_start_tls(other.secure, client, "test.example", &err));
	assert_ok(loop_run(loop, &err));
	assert_int_equal(other.ended, 1);
	line_close(&one.secure);
	line_close(&other.secure);
	SSL_CTX_free(server);
	SSL_CTX_free(client);
	unlink(identity);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_relay),
		cmocka_unit_test(test_pin),
	};
	/* As the programs do: a line that is broken says so by itself. */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
