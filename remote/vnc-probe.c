/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A viewer for the tests, which does what it is told and prints what it sees: in order, out of
 * order, one byte at a time or all at once.
 *
 *     vnc-probe [OPTION]... HOST PORT
 *       -c CODE     the password; none: sixteen zeros are the response
 *       -v 3.8      the version to speak: 3.3, 3.7, 3.8, 3.889
 *       -t TYPE     choose this security type, offered or not
 *       -1          one byte in each packet
 *       -e          ask for DesktopName, then for the whole screen
 *       -x HEX      send this once the session has begun
 *       -n BYTES    leave when so many bytes of the session have come (default: none)
 *       -w SECONDS  leave after so long in any case (default: 10)
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/util.h"
#include "remote/bytes.h"
#include "remote/vnc-auth.h"

struct probe {
	int fd;
	const char *code, *version, *hex;
	long type;
	bool one_by_one, ask;
	size_t want;
	int64_t end_ms;
};

static void leave(const char *word)
{
	puts(word);
	exit(str_eq(word, "enough") ? 0 : 1);
}

static void give(const struct probe *probe, const void *data, size_t len)
{
	const char *bytes = data;
	size_t step = probe->one_by_one ? 1 : len;
	for (size_t at = 0; at < len; at += step)
		if (send(probe->fd, bytes + at, step, MSG_NOSIGNAL) < 0)
			leave("cannot send");
}

/* What comes within the time that is left; 0: the end. */
static size_t take_some(const struct probe *probe, void *out, size_t len)
{
	struct pollfd fd = { probe->fd, POLLIN, 0 };
	int64_t left = probe->end_ms - monotonic_ms();
	if (left <= 0 || poll(&fd, 1, (int)left) <= 0)
		leave("silence");
	ssize_t n = recv(probe->fd, out, len, 0);
	return n > 0 ? (size_t)n : 0;
}

static void take(const struct probe *probe, void *out, size_t len)
{
	size_t n;
	for (size_t at = 0; at < len; at += n)
		if ((n = take_some(probe, (char *)out + at, len - at)) == 0)
			leave("closed");
}

static uint32_t take_u32(const struct probe *probe)
{
	uint8_t b[4];
	take(probe, b, sizeof(b));
	return bytes_u32(b);
}

static void take_text(const struct probe *probe, const char *what)
{
	char text[1024] = "";
	uint32_t len = take_u32(probe);
	if (len >= sizeof(text))
		leave("a text that is too long");
	take(probe, text, len);
	printf("%s %s\n", what, text);
}

static void take_security(const struct probe *probe)
{
	uint8_t count, types[255], chosen;
	if (str_eq(probe->version, "3.3")) {
		printf("types %u\n", take_u32(probe));
		return;
	}
	take(probe, &count, 1);
	take(probe, types, count);
	printf("types");
	for (uint8_t i = 0; i < count; i++)
		printf(" %u", types[i]);
	printf("\n");
	chosen = probe->type < 0 ? types[0] : (uint8_t)probe->type;
	give(probe, &chosen, 1);
}

static void shake_hands(const struct probe *probe)
{
	char version[13] = "";
	uint8_t challenge[VNC_CHALLENGE_BYTES], response[VNC_CHALLENGE_BYTES] = { 0 };
	take(probe, version, 12);
	printf("version %.11s\n", version);
	snprintf(version, sizeof(version), "RFB 003.%03ld\n", strtol(probe->version + 2, NULL, 10));
	give(probe, version, 12);
	take_security(probe);
	take(probe, challenge, sizeof(challenge));
	if (probe->code) {
		struct vnc_key key;
		vnc_key_init(&key, probe->code);
		vnc_key_respond(&key, challenge, response);
	}
	give(probe, response, sizeof(response));
	uint32_t result = take_u32(probe);
	printf("result %u\n", result);
	if (result != 0 && probe->version[2] == '8')
		take_text(probe, "reason");
	if (result != 0)
		leave("refused");
}

static void begin(const struct probe *probe)
{
	uint8_t shared = 1, init[20];
	give(probe, &shared, 1);
	take(probe, init, sizeof(init));
	printf("size %ux%u\n", (unsigned)init[0] << 8 | init[1], (unsigned)init[2] << 8 | init[3]);
	take_text(probe, "name");
}

static void send_hex(const struct probe *probe)
{
	_cleanup_strbuf_ struct strbuf bytes = STRBUF_INIT;
	for (const char *p = probe->hex; p[0] && p[1]; p += 2) {
		const char digits[] = { p[0], p[1], '\0' };
		strbuf_addc(&bytes, (char)strtoul(digits, NULL, 16));
	}
	give(probe, bytes.data, bytes.len);
}

static void run(const struct probe *probe)
{
	static const uint8_t encodings[] = { 2, 0, 0, 2, 0, 0, 0, 0, 0xff, 0xff, 0xfe, 0xcd };
	static const uint8_t request[] = { 3, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff };
	char piece[65536];
	size_t total = 0, n;
	if (probe->ask) {
		give(probe, encodings, sizeof(encodings));
		give(probe, request, sizeof(request));
	}
	if (probe->hex)
		send_hex(probe);
	while (total < probe->want) {
		if ((n = take_some(probe, piece, sizeof(piece))) == 0) {
			printf("bytes %zu\n", total);
			leave("closed");
		}
		total += n;
	}
	leave("enough");
}

static int call(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	const int yes = 1;
	if (getaddrinfo(host, port, &hints, &found) != 0)
		leave("no such host");
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) < 0)
		leave("nobody listens");
	freeaddrinfo(found);
	(void)!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	return fd;
}

int main(int argc, char **argv)
{
	struct probe probe = { .version = "3.8", .type = -1, .want = 0 };
	long seconds = 10;
	int letter;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((letter = getopt(argc, argv, "c:v:t:1ex:n:w:")) != -1) {
		switch (letter) {
		case 'c': probe.code = optarg; break;
		case 'v': probe.version = optarg; break;
		case 't': probe.type = strtol(optarg, NULL, 10); break;
		case '1': probe.one_by_one = true; break;
		case 'e': probe.ask = true; break;
		case 'x': probe.hex = optarg; break;
		case 'n': probe.want = strtoul(optarg, NULL, 10); break;
		case 'w': seconds = strtol(optarg, NULL, 10); break;
		default: return 2;
		}
	}
	if (argc - optind != 2)
		return 2;
	probe.end_ms = monotonic_ms() + seconds * 1000;
	probe.fd = call(argv[optind], argv[optind + 1]);
	shake_hands(&probe);
	begin(&probe);
	run(&probe);
}
