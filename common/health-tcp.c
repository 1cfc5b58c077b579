/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tcp: somebody listens at a port of the guest. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/health-kinds.h"

enum {
	/* A forward whose guest refuses closes within 10 ms, seen under emulation. */
	SETTLE_MS = 1000,
	UNREAD_MS = 500,
	UNREAD_POLL_MS = 20,
};

const char *health_network_reason(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "connection refused";
	case ECONNRESET:
		return "connection reset";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "the guest cannot be reached";
	case ETIMEDOUT:
		return "no answer";
	default:
		return strerror(error);
	}
}

/* A connected, non-blocking socket; -1 with the result said. */
static int connect_to(const char *address, uint16_t port, int timeout_ms,
		      struct health_result *result)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
		health_say(result, false, "'%s' is not an address", address);
		return -1;
	}
	_cleanup_close_ int fd =
		socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0;
	socklen_t size = sizeof(error);
	if (fd < 0 || (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 &&
		       errno != EINPROGRESS)) {
		health_say(result, false, "%s", health_network_reason(errno));
		return -1;
	}
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	if (poll(&wait, 1, timeout_ms) <= 0) {
		health_say(result, false, "no connection within %d s", timeout_ms / 1000);
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error) {
		health_say(result, false, "%s", health_network_reason(error));
		return -1;
	}
	return steal_fd(&fd);
}

/* Bytes that the other end of our loopback connection has not read yet, as the kernel
 * counts them (a FIN is one); -1: there is no such end any more. Source: proc(5). */
static long unread_at_peer(uint16_t port, uint16_t our_port)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/net/tcp", "re");
	char line[256];
	while (f && fgets(line, sizeof(line), f)) {
		unsigned local, remote, rx;
		if (sscanf(line, "%*u: %*x:%x %*x:%x %*x %*x:%x", &local, &remote, &rx) ==
			    3 &&
		    local == port && remote == our_port)
			return rx;
	}
	return -1;
}

/* QEMU's user network takes a connection before it asks the guest, and reads from it only
 * once the guest has taken it too. So we end our direction: as long as that is not read,
 * nobody is there. This tells a guest that still boots, or hangs, from a silent service
 * (seen with QEMU 7.2, libslirp 4.7). */
static bool guest_took_it(int fd, uint16_t port)
{
	struct sockaddr_in us;
	socklen_t size = sizeof(us);
	if (getsockname(fd, (struct sockaddr *)&us, &size) < 0 ||
	    shutdown(fd, SHUT_WR) < 0)
		return true;
	for (int waited_ms = 0; waited_ms < UNREAD_MS; waited_ms += UNREAD_POLL_MS) {
		if (unread_at_peer(port, ntohs(us.sin_port)) <= 0)
			return true;
		poll(NULL, 0, UNREAD_POLL_MS);
	}
	return false;
}

void health_check_tcp(const char *address, uint16_t port, bool forwarded, int timeout_ms,
		      struct health_result *result)
{
	_cleanup_close_ int fd = connect_to(address, port, timeout_ms, result);
	if (fd < 0)
		return;
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char byte;
	ssize_t n = poll(&wait, 1, SETTLE_MS) > 0 ? recv(fd, &byte, 1, 0) : 1;
	if (n < 0)
		health_say(result, false, "%s", health_network_reason(errno));
	else if (n == 0)
		health_say(result, false, "%s",
			   forwarded ? "closed at once: nothing listens in the guest"
				     : "closed at once");
	else if (forwarded && !guest_took_it(fd, port))
		health_say(result, false, "the guest does not answer");
	else
		health_say(result, true, "open");
}
