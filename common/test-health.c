/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checks that need no guest: tcp and http against servers on loopback, good and evil
 * ones; those through an agent with one that answers what a test wants. */
#include "common/test-lib.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/agent.h"
#include "common/health.h"

enum { NEVER_MS = 60 * 1000, ALL = HEALTH_CHECK_SECONDS * 1000 };

static int listen_somewhere(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

/* What a server does with a connection; it is closed afterwards. */
typedef void (*serve_fn)(int fd);

struct server {
	pid_t pid;
	uint16_t port;
};

static struct server start_server(serve_fn serve)
{
	struct server server;
	int fd = listen_somewhere(&server.port);
	server.pid = fork();
	assert_true(server.pid >= 0);
	if (server.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		for (int client; (client = accept(fd, NULL, NULL)) >= 0;) {
			serve(client);
			close(client);
		}
		_exit(0);
	}
	close(fd);
	return server;
}

static void stop_server(const struct server *server)
{
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
}

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		return;
}

static void serve_nothing(int fd) {}

static void serve_silence(int fd)
{
	poll(NULL, 0, NEVER_MS);
}

static void serve_greeting(int fd)
{
	say(fd, "220 hello\r\n");
}

static void read_request(int fd)
{
	char request[4096];
	if (read(fd, request, sizeof(request)) < 0)
		_exit(1);
}

static void serve_garbage(int fd)
{
	read_request(fd);
	say(fd, "SSH-2.0-OpenSSH_9.2\r\n");
}

static void serve_endless_headers(int fd)
{
	read_request(fd);
	say(fd, "HTTP/1.1 200 OK\r\n");
	while (write(fd, "X-Header: and another one\r\n", 27) == 27)
		;
}

static void serve_endless_body(int fd)
{
	static const char chunk[65536];
	read_request(fd);
	say(fd, "HTTP/1.1 200 OK\r\n\r\n");
	while (write(fd, chunk, sizeof(chunk)) == sizeof(chunk))
		;
}

static void serve_broken_off(int fd)
{
	read_request(fd);
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello");
}

static void serve_drip(int fd)
{
	read_request(fd);
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
	while (write(fd, ".", 1) == 1)
		poll(NULL, 0, 100);
}

static void serve_sick(int fd)
{
	read_request(fd);
	say(fd, "HTTP/1.1 503 Service Unavailable\r\n\r\nthe database\nis \x1b[31mgone\xff\n\n");
}

static void serve_redirect(int fd)
{
	read_request(fd);
	say(fd, "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n");
}

static struct appliance_conf *make_conf(uint16_t port, const char *health)
{
	struct err err = ERR_INIT;
	struct appliance_conf *conf = NULL;
	_cleanup_free_ char *text = xasprintf(
		"Format: waybill-appliance 1\nAppliance: askom\nVersion: 1.0\n"
		"Architecture: amd64\nDisk: 4G\nMemory: 512M\nPorts: %u:80\nBase-SHA256: "
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n"
		"Health:\n %s\n",
		port, health);
	assert_ok(appliance_conf_parse(text, strlen(text), "conf", &conf, &err));
	return conf;
}

/* One check against a port of this machine: is it ok, what does it say, in what time? */
static void expect(uint16_t port, const char *check, bool ok, const char *text, int max_ms)
{
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = make_conf(port, check);
	_cleanup_(health_round_destroy) struct health_round round = { 0 };
	int64_t start = monotonic_ms();
	health_look(&(struct health_guest){ .conf = conf }, &round);
	int64_t took_ms = monotonic_ms() - start;
	assert_int_equal(round.count, 1);
	assert_string_equal(round.results[0].text, text);
	assert_int_equal(round.results[0].ok, ok);
	assert_int_equal(health_round_is_good(&round), ok);
	if (took_ms > max_ms + 2000)
		fail_msg("%s took %lld ms", text, (long long)took_ms);
}

static void expect_of(serve_fn serve, const char *check, bool ok, const char *text, int max_ms)
{
	struct server server = start_server(serve);
	expect(server.port, check, ok, text, max_ms);
	stop_server(&server);
}

static void test_tcp(void **state)
{
	uint16_t port;
	int fd = listen_somewhere(&port);
	close(fd);
	expect(port, "tcp:80", false, "tcp:80: connection refused", 0);
	expect_of(serve_nothing, "tcp:80", false,
		  "tcp:80: closed at once: nothing listens in the guest", 0);
	expect_of(serve_greeting, "tcp:80", true, "tcp:80: open", 0);
}

/* Its kernel has taken the connection, but it never reads: QEMU does so while the guest
 * boots or hangs. A service that only waits for us to speak has read our end. */
static void serve_by_reading(int fd)
{
	read_request(fd);
	poll(NULL, 0, 200);
}

static void test_tcp_that_nobody_reads(void **state)
{
	expect_of(serve_silence, "tcp:80", false, "tcp:80: the guest does not answer", 1500);
	expect_of(serve_by_reading, "tcp:80", true, "tcp:80: open", 1500);
}

static void test_no_forward(void **state)
{
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = make_conf(1, "tcp:80");
	_cleanup_(health_round_destroy) struct health_round round = { 0 }, again = { 0 };
	conf->ports[0].guest_port = 81;
	health_look(&(struct health_guest){ .conf = conf }, &round);
	assert_string_equal(round.results[0].text,
			    "tcp:80: no host port is forwarded to port 80 of the guest; see Ports");
	conf->network = NETWORK_NAT;
	health_look(&(struct health_guest){ .conf = conf }, &again);
	assert_string_equal(again.results[0].text,
			    "tcp:80: the guest has no address (yet)");
}

/* Away from loopback nothing is known of the other end. */
static void test_nat_address(void **state)
{
	struct server server = start_server(serve_silence);
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = make_conf(1, "tcp:80");
	_cleanup_(health_round_destroy) struct health_round round = { 0 };
	conf->network = NETWORK_NAT;
	conf->health[0].guest_port = server.port;
	health_look(&(struct health_guest){ .conf = conf, .address = "127.0.0.1" }, &round);
	assert_true(round.results[0].ok);
	stop_server(&server);
}

static void test_http(void **state)
{
	uint16_t port;
	int fd = listen_somewhere(&port);
	close(fd);
	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	expect(port, "http:80/", false, "http:80/: connection refused", 0);
	expect_of(read_request, "http:80/", false, "http:80/: closed without an answer", 0);
	expect_of(serve_garbage, "http:80/", false, "http:80/: the answer is not HTTP", 0);
	expect_of(serve_endless_headers, "http:80/", false,
		  "http:80/: the answer's header is longer than 64 KiB", 0);
	expect_of(serve_endless_body, "http:80/", true, "http:80/: HTTP 200", 0);
	expect_of(serve_broken_off, "http:80/", false, "http:80/: the answer breaks off", 0);
	expect_of(serve_redirect, "http:80/", true, "http:80/: HTTP 302", 0);
}

static void test_http_that_takes_its_time(void **state)
{
	expect_of(serve_silence, "http:80/", false, "http:80/: no complete answer within 5 s",
		  ALL);
	expect_of(serve_drip, "http:80/", false, "http:80/: no complete answer within 5 s", ALL);
}

static void test_http_keeps_the_start_of_the_answer(void **state)
{
	struct server server = start_server(serve_sick);
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf =
		make_conf(server.port, "http:80/status");
	_cleanup_(health_round_destroy) struct health_round round = { 0 };
	health_look(&(struct health_guest){ .conf = conf }, &round);
	assert_string_equal(round.results[0].text, "http:80/status: HTTP 503");
	assert_string_equal(health_result_seen(&round.results[0]), "HTTP 503");
	assert_string_equal(round.results[0].detail, "the database\nis ?[31mgone?");
	stop_server(&server);
}

static void test_real_web_server(void **state)
{
	uint16_t port;
	int fd = listen_somewhere(&port);
	close(fd);
	_cleanup_free_ char *dir = test_tmpdir();
	_cleanup_free_ char *at = xasprintf("127.0.0.1:%u", port);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("busybox", "busybox", "httpd", "-f", "-p", at, "-h", dir, NULL);
		_exit(127);
	}
	for (int i = 0; i < 50; i++) {
		_cleanup_(health_round_destroy) struct health_round round = { 0 };
		_cleanup_(appliance_conf_freep) struct appliance_conf *conf =
			make_conf(port, "tcp:80");
		health_look(&(struct health_guest){ .conf = conf }, &round);
		if (round.results[0].ok)
			break;
		if (waitpid(pid, NULL, WNOHANG) == pid)
			skip();
		poll(NULL, 0, 100);
	}
	expect(port, "http:80/missing", false, "http:80/missing: HTTP 404", 0);
	expect(port, "tcp:80", true, "tcp:80: open", 1500);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	rmdir(dir);
}

/* --- through an agent ------------------------------------------------------ */

struct script {
	struct agent agent;
	const char *const *ends; /* one guest-exec-status answer after the other */
	int calls;
	int opened, closed;
};

static int play(void *ctx, const char *command, int timeout_seconds, char **out,
		struct err *err)
{
	struct script *script = ctx;
	script->calls++;
	if (strstr(command, "guest-exec\"")) {
		*out = xstrdup("{\"return\":{\"pid\":7}}");
	} else if (strstr(command, "guest-ping")) {
		*out = xstrdup("{\"return\":{}}");
	} else {
		const char *end = *script->ends++;
		if (!end)
			return err_set(err, ERR_TIMEOUT, "the guest agent does not answer");
		*out = xstrdup(end);
	}
	return 0;
}

static int open_script(void *ctx, struct agent **out, struct err *err)
{
	struct script *script = ctx;
	script->opened++;
	script->agent = (struct agent){ .ctx = script, .call = play };
	*out = &script->agent;
	return 0;
}

static void close_script(struct agent *agent)
{
	((struct script *)agent->ctx)->closed++;
}

static int open_nothing(void *ctx, struct agent **out, struct err *err)
{
	struct script *script = ctx;
	script->opened++;
	return err_set(err, ERR_NETWORK, "no guest agent runs");
}

static void look_through(struct script *script, const char *health,
			 struct appliance_conf **conf, struct health_round *round)
{
	*conf = make_conf(1, health);
	health_look(&(struct health_guest){ .conf = *conf,
					    .ctx = script,
					    .open_agent = open_script,
					    .close_agent = close_script },
		    round);
	assert_int_equal(script->opened, 1);
	assert_int_equal(script->closed, 1);
}

static void expect_from_agent(const char *const *ends, const char *check, bool ok,
			      const char *text, const char *detail)
{
	struct script script = { .ends = ends };
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = NULL;
	_cleanup_(health_round_destroy) struct health_round round = { 0 };
	look_through(&script, check, &conf, &round);
	assert_string_equal(round.results[0].text, text);
	assert_int_equal(round.results[0].ok, ok);
	if (detail)
		assert_string_equal(round.results[0].detail, detail);
	else
		assert_null(round.results[0].detail);
}
#define EXITED(status, out) \
	"{\"return\":{\"exited\":true,\"exitcode\":" #status ",\"out-data\":\"" out "\"}}"
#define ENDS(...) (const char *const[]){ __VA_ARGS__, NULL }

static void test_systemd(void **state)
{
	expect_from_agent(ENDS(EXITED(0, "cnVubmluZwo=")), "systemd", true, "systemd: running",
			  NULL);
	expect_from_agent(ENDS(EXITED(1, "c3RhcnRpbmcK")), "systemd", false,
			  "systemd: starting", NULL);
	expect_from_agent(ENDS(EXITED(127, "")), "systemd", false,
			  "systemd: the guest has no systemctl", NULL);
	expect_from_agent(ENDS(EXITED(1, "")), "systemd", false,
			  "systemd: systemd does not tell its state", NULL);
	/* "a.service loaded failed failed A\nb.mount loaded failed failed B\n" */
	expect_from_agent(ENDS(EXITED(1, "ZGVncmFkZWQK"),
			       EXITED(0, "YS5zZXJ2aWNlIGxvYWRlZCBmYWlsZWQgZmFpbGVkIEEKYi5tb3VudC"
					 "Bsb2FkZWQgZmFpbGVkIGZhaWxlZCBCCg==")),
			  "systemd", false, "systemd: degraded; failed: a.service, b.mount",
			  "a.service loaded failed failed A\nb.mount loaded failed failed B");
}

static void test_exec(void **state)
{
	expect_from_agent(ENDS(EXITED(0, "")), "exec:true", true, "exec:true: exit status 0",
			  NULL);
	expect_from_agent(ENDS(EXITED(4, "bm90IHlldAo=")), "exec:test -e /x", false,
			  "exec:test -e /x: exit status 4", "not yet");
	expect_from_agent(ENDS(EXITED(137, "")), "exec:false", false,
			  "exec:false: killed by signal 9", NULL);
}

/* The first one waits for it, the others do not. */
static void test_silent_agent_is_asked_once(void **state)
{
	struct script script = { .ends = (const char *const[]){ NULL } };
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = NULL;
	_cleanup_(health_round_destroy) struct health_round round = { 0 };
	look_through(&script, "exec:true\n systemd\n agent", &conf, &round);
	assert_int_equal(script.calls, 2);
	assert_int_equal(round.count, 3);
	assert_string_equal(round.results[0].text, "exec:true: the guest agent does not answer");
	assert_string_equal(round.results[1].text, "systemd: the guest agent does not answer");
	assert_string_equal(round.results[2].text, "agent: the guest agent does not answer");
}

static void test_no_agent(void **state)
{
	struct script script = { 0 };
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf =
		make_conf(1, "agent\n systemd");
	_cleanup_(health_round_destroy) struct health_round round = { 0 };
	health_look(&(struct health_guest){ .conf = conf,
					    .ctx = &script,
					    .open_agent = open_nothing,
					    .close_agent = close_script },
		    &round);
	assert_int_equal(script.opened, 1);
	assert_int_equal(script.closed, 0);
	assert_string_equal(round.results[1].text, "systemd: no guest agent runs");
}

static void test_long_command(void **state)
{
	_cleanup_free_ char *words = xcalloc(1, 1000);
	memset(words, 'x', 999);
	_cleanup_free_ char *check = xasprintf("exec:%s", words);
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = make_conf(1, check);
	_cleanup_(health_round_destroy) struct health_round round = { 0 };
	health_round_fail(conf, "the guest is off", &round);
	assert_int_equal(strlen(round.results[0].name), 100);
	assert_string_equal(health_result_seen(&round.results[0]), "the guest is off");
	assert_false(health_round_is_good(&round));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_tcp_that_nobody_reads),
		cmocka_unit_test(test_no_forward),
		cmocka_unit_test(test_nat_address),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_http_that_takes_its_time),
		cmocka_unit_test(test_http_keeps_the_start_of_the_answer),
		cmocka_unit_test(test_real_web_server),
		cmocka_unit_test(test_systemd),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_silent_agent_is_asked_once),
		cmocka_unit_test(test_no_agent),
		cmocka_unit_test(test_long_command),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
