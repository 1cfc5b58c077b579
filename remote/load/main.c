/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vnc-load: see load.h.
 *
 *     vnc-load [OPTION]... agents HOST PORT PREFIX   machines PREFIX0 ..., and their VNC servers
 *     vnc-load [OPTION]... serve PORT                bytes, without RFB
 *     vnc-load [OPTION]... view HOST PORT [CODE]...  viewers; without a code: bytes, without RFB
 *     vnc-load codes COUNT                           times the search among so many codes
 *       -i FILE     identity (agents; serve: speak TLS)
 *       -m MODE     idle, pump, echo
 *       -c COUNT    agents, or viewers without a code
 *       -t          viewers: speak TLS
 *       -w          viewers: WebSocket
 *       -b BYTES    viewers: leave when so many have come
 *       -s SECONDS  end after so long
 * Writes a line of JSON when it ends. With `agents`, "registered" when all are. */
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/util.h"
#include "remote/code-book.h"
#include "remote/load/load.h"
#include "remote/tls.h"

struct options {
	const char *identity;
	bool tls;
	long seconds;
};

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static uint32_t percentile(const struct load *load, double p)
{
	return load->rtt_count ? load->rtt_us[(size_t)((double)(load->rtt_count - 1) * p)] : 0;
}

static void report(struct load *load)
{
	int64_t ms = load->first_ms ? loop_now_ms(load->loop) - load->first_ms : 0;
	if (load->rtt_count > 0)
		qsort(load->rtt_us, load->rtt_count, sizeof(*load->rtt_us), by_size);
	printf("{\"begun\":%u,\"ended\":%u,\"bytes\":%llu,\"ms\":%lld,\"rtts\":%zu,\"rtt_p50_us\":%u,"
	       "\"rtt_p99_us\":%u}\n",
	       load->begun, load->ended, (unsigned long long)load->bytes, (long long)ms,
	       load->rtt_count, percentile(load, 0.5), percentile(load, 0.99));
}

static void on_end(void *arg)
{
	struct load *load = arg;
	loop_stop(load->loop);
}

static void on_look(void *arg);

struct watch {
	struct load *load;
	struct loop_timer timer;
};

/* All are there: whoever has started us may go on. */
static void on_look(void *arg)
{
	struct watch *watch = arg;
	if (watch->load->registered == watch->load->count) {
		puts("registered");
		fflush(stdout);
	} else {
		loop_timer_set(watch->load->loop, &watch->timer, 100);
	}
}

static void on_signal(void *arg, int signo)
{
	on_end(arg);
}

static int start(struct load *load, const struct options *options, char **argv, int argc, struct err *err)
{
	static struct watch watch;
	const char *role = argv[0];
	if (str_eq(role, "serve")) {
		SSL_CTX *tls = options->identity
				       ? tls_server_new(options->identity, options->identity, err)
				       : NULL;
		if (options->identity && !tls)
			return -1;
		return load_listen(load, (uint16_t)strtoul(argv[1], NULL, 10), tls, err);
	}
	load->proxy.host = argv[1];
	load->proxy.port = (uint16_t)strtoul(argv[2], NULL, 10);
	bool agents = str_eq(role, "agents");
	if (agents || options->tls) {
		load->proxy.tls = tls_client_new(options->identity, NULL, NULL,
						 agents ? TLS_MIP_2
						 : load->websocket ? TLS_HTTP
								   : TLS_NO_PROTOCOL,
						 err);
		if (!load->proxy.tls)
			return -1;
		SSL_CTX_set_verify(load->proxy.tls, SSL_VERIFY_NONE, NULL);
	}
	if (agents) {
		watch = (struct watch){ load, { .fire = on_look, .arg = &watch } };
		on_look(&watch);
		load_agents(load, argv[3]);
	} else {
		load_view(load, argc > 3 ? argv + 3 : NULL, (size_t)argc - 3);
	}
	return 0;
}

/* The search is as long whichever is found: all are compared. */
static int time_codes(unsigned count, struct err *err)
{
	enum { SEARCHES = 201 };
	_cleanup_(code_book_freep) struct code_book *book = code_book_new();
	const struct code_grant grant = { .machine = "machine" };
	uint8_t challenge[VNC_CHALLENGE_BYTES] = { 0 };
	uint32_t us[SEARCHES];
	char code[CODE_LEN + 1];
	for (unsigned i = 0; i < count; i++) {
		snprintf(code, sizeof(code), "%08u", i % 100000000);
		if (code_book_add(book, code, &grant, CODE_FOR_EVER, err) < 0)
			return -1;
	}
	for (int i = 0; i < SEARCHES; i++) {
		const char *found;
		const struct code_grant *whose;
		struct timespec before, after;
		clock_gettime(CLOCK_MONOTONIC, &before);
		int none = code_book_find(book, challenge, challenge, 0, &found, &whose);
		clock_gettime(CLOCK_MONOTONIC, &after);
		us[i] = (uint32_t)((after.tv_sec - before.tv_sec) * 1000000 +
				   (after.tv_nsec - before.tv_nsec) / 1000);
		if (none == 0)
			return err_set(err, ERR_INPUT, "a code was found that is none");
	}
	qsort(us, SEARCHES, sizeof(us[0]), by_size);
	printf("{\"codes\":%u,\"search_us\":%u}\n", count, us[SEARCHES / 2]);
	return 0;
}

static enum load_mode mode_of(const char *word)
{
	return str_eq(word, "pump") ? LOAD_PUMP : str_eq(word, "echo") ? LOAD_ECHO : LOAD_IDLE;
}

int main(int argc, char **argv)
{
	const int signals[] = { SIGTERM, SIGINT, 0 };
	struct rlimit files;
	struct options options = { .seconds = 3600 };
	_cleanup_err_ struct err err = ERR_INIT;
	struct load load = { .count = 1 };
	int letter;
	while ((letter = getopt(argc, argv, "i:m:c:twb:s:")) != -1) {
		switch (letter) {
		case 'i': options.identity = optarg; break;
		case 'm': load.mode = mode_of(optarg); break;
		case 'c': load.count = (unsigned)strtoul(optarg, NULL, 10); break;
		case 't': options.tls = true; break;
		case 'w': load.websocket = true; break;
		case 'b': load.bytes_wanted = strtoull(optarg, NULL, 10); break;
		case 's': options.seconds = strtol(optarg, NULL, 10); break;
		default: return 2;
		}
	}
	if (argc - optind < 2 ||
	    (!str_eq(argv[optind], "serve") && !str_eq(argv[optind], "codes") && argc - optind < 3))
		return 2;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	log_init("vnc-load", LOG_LEVEL_ERROR);
	if (str_eq(argv[optind], "codes"))
		return time_codes((unsigned)strtoul(argv[optind + 1], NULL, 10), &err) < 0
			       ? (int)log_err(&err)
			       : 0;
	load.loop = loop_new(&err);
	load.lines = load.loop ? lines_new(load.loop) : NULL;
	struct loop_timer end = { .fire = on_end, .arg = &load };
	if (!load.loop || loop_watch_signals(load.loop, signals, on_signal, &load, &err) < 0)
		return log_err(&err);
	loop_timer_set(load.loop, &end, options.seconds * 1000);
	if (start(&load, &options, argv + optind, argc - optind, &err) < 0 || loop_run(load.loop, &err) < 0)
		return log_err(&err);
	report(&load);
	return 0;
}
