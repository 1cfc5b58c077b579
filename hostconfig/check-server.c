/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way to the configuration server, step by step: card, name, route, key. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/gate-ssh.h"
#include "common/subproc.h"
#include "hostconfig/check.h"

enum { CONNECT_TIMEOUT_MS = 5000, SSH_TIMEOUT_MS = 30000, SSH_FAILED = 255 };

/* Neither loopback nor what is behind this host. */
static bool is_outer(const char *name)
{
	return !str_eq(name, "lo") && !str_eq(name, HOST_BRIDGE) &&
	       !str_starts(name, "waybill") && !str_starts(name, "virbr");
}

static bool has_outer_address(void)
{
	struct ifaddrs *all = NULL;
	bool found = false;
	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		if (!a->ifa_addr || !is_outer(a->ifa_name) || !(a->ifa_flags & IFF_UP))
			continue;
		const struct sockaddr_in6 *in6 =
			(const struct sockaddr_in6 *)(const void *)a->ifa_addr;
		if (a->ifa_addr->sa_family == AF_INET ||
		    (a->ifa_addr->sa_family == AF_INET6 &&
		     !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr)))
			found = true;
	}
	freeifaddrs(all);
	return found;
}

/* Does any line of /proc/net/route, or of its twin for IPv6, begin a default route? */
static bool has_default_route(void)
{
	_cleanup_fclose_ FILE *ipv4 = fopen("/proc/net/route", "re");
	_cleanup_fclose_ FILE *ipv6 = fopen("/proc/net/ipv6_route", "re");
	char line[256], device[IFNAMSIZ], destination[33];
	unsigned long to, mask, flags;
	unsigned bits;
	while (ipv4 && fgets(line, sizeof(line), ipv4))
		if (sscanf(line, "%15s %lx %*x %*x %*d %*d %*d %lx", device, &to, &mask) == 3 &&
		    to == 0 && mask == 0)
			return true;
	while (ipv6 && fgets(line, sizeof(line), ipv6))
		if (sscanf(line, "%32s %x %*s %*s %*s %*s %*s %*s %lx %15s", destination, &bits,
			   &flags, device) == 4 &&
		    bits == 0 && is_outer(device))
			return true;
	return false;
}

void check_network(struct check_context *c)
{
	struct findings *f = &c->findings;
	if (!has_outer_address()) {
		findings_add(f, RESULT_PROBLEM, "no network card of this host has an address");
		findings_advise(f, "is the cable in, and does the site's router hand out addresses? "
				   "`ip -br address`; /etc/network/interfaces");
	} else if (!has_default_route()) {
		findings_add(f, RESULT_WARNING,
			     "there is no default route: only the site's own network is reached");
		findings_advise(f, "`ip route`; give a gateway in /etc/network/interfaces, or have "
				   "DHCP give one");
	} else
		findings_add(f, RESULT_OK, "there are an address and a default route");
}

/* What must be mended before this is worth asking. */
static bool has_obstacle(struct check_context *c)
{
	static const char *const before[] = { "network", "name", "route" };
	for (size_t i = 0; i < ARRAY_SIZE(before); i++)
		if (findings_problem(&c->findings, before[i])) {
			findings_add(&c->findings, RESULT_SKIPPED, "%s must be mended first",
				     before[i]);
			return true;
		}
	if (c->conf)
		return false;
	findings_add(&c->findings, RESULT_PROBLEM, "%s", c->conf_error.msg);
	findings_advise(&c->findings, "unpack the bundle that the operator made, as root, in /");
	return true;
}

/* HOST of USER@HOST, without an IPv6 address's brackets; free it. */
static char *server_host(const struct pkgmgr_conf *conf)
{
	const char *host = strchr(conf->server, '@') + 1;
	return *host == '[' ? xstrndup(host + 1, strcspn(host + 1, "]")) : xstrdup(host);
}

static int resolve(const struct pkgmgr_conf *conf, struct addrinfo **out)
{
	_cleanup_free_ char *host = server_host(conf);
	_cleanup_free_ char *port = xasprintf("%u", conf->port);
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	return getaddrinfo(host, port, &hints, out);
}

void check_name(struct check_context *c)
{
	struct findings *f = &c->findings;
	if (has_obstacle(c))
		return;
	_cleanup_free_ char *host = server_host(c->conf);
	struct addrinfo *addresses = NULL;
	int result = resolve(c->conf, &addresses);
	if (result == 0) {
		findings_add(f, RESULT_OK, "%s is known", host);
		freeaddrinfo(addresses);
		return;
	}
	if (result == EAI_AGAIN) {
		findings_add(f, RESULT_PROBLEM, "no name server answers, so %s is not found", host);
		findings_advise(f, "/etc/resolv.conf names the servers: are they right, and does "
				   "the site's firewall let port 53 through?");
	} else {
		findings_add(f, RESULT_PROBLEM, "the name %s is not known (%s)", host,
			     gai_strerror(result));
		findings_advise(f, "is it right in /" PKGMGR_CONF "? `getent hosts %s`", host);
	}
}

/* The text of what comes first ("SSH-2.0-..."), or the errno of why not. */
static int connect_to(const struct addrinfo *to, char banner[5])
{
	_cleanup_close_ int fd =
		socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int failed = 0;
	socklen_t len = sizeof(failed);
	banner[0] = '\0';
	if (fd < 0)
		return errno;
	if (connect(fd, to->ai_addr, to->ai_addrlen) < 0 && errno != EINPROGRESS)
		return errno;
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	if (poll(&ready, 1, CONNECT_TIMEOUT_MS) != 1)
		return ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) < 0 || failed)
		return failed ? failed : errno;
	ready.events = POLLIN;
	if (poll(&ready, 1, CONNECT_TIMEOUT_MS) == 1) {
		ssize_t got = read(fd, banner, 4);
		banner[got > 0 ? got : 0] = '\0';
	}
	return 0;
}

static void explain_unreached(struct findings *f, const char *host, unsigned port, int why)
{
	if (why == ECONNREFUSED) {
		findings_add(f, RESULT_PROBLEM, "%s is there, but nothing listens at its port %u",
			     host, port);
		findings_advise(f, "is Port right in /" PKGMGR_CONF ", and does sshd run there?");
	} else if (why == ETIMEDOUT) {
		findings_add(f, RESULT_PROBLEM, "%s does not answer at port %u", host, port);
		findings_advise(f, "does the site's router let port %u out? Is the server up?",
				port);
	} else {
		findings_add(f, RESULT_PROBLEM, "there is no route to %s: %s", host,
			     strerror(why));
		findings_advise(f, "`ip route`; is the line of this site up?");
	}
}

void check_route(struct check_context *c)
{
	struct findings *f = &c->findings;
	struct addrinfo *addresses = NULL;
	if (has_obstacle(c))
		return;
	_cleanup_free_ char *host = server_host(c->conf);
	int why = resolve(c->conf, &addresses) == 0 ? EHOSTUNREACH : ENOENT;
	char banner[5] = "";
	for (const struct addrinfo *a = addresses; a && why != 0; a = a->ai_next)
		why = connect_to(a, banner);
	if (addresses)
		freeaddrinfo(addresses);
	if (why != 0)
		explain_unreached(f, host, c->conf->port, why);
	else if (!str_eq(banner, "SSH-")) {
		findings_add(f, RESULT_PROBLEM, "what answers at port %u of %s is no ssh server",
			     c->conf->port, host);
		findings_advise(f, "is Port right in /" PKGMGR_CONF "? Does something stand in "
				   "between, such as a proxy?");
	} else
		findings_add(f, RESULT_OK, "%s answers at port %u", host, c->conf->port);
}

/* The server's clock is right as far as anybody here can know: its key is pinned. */
static void compare_clocks(struct findings *f, const char *answer)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *line = xstrndup(answer, strcspn(answer, "\n"));
	int64_t there = 0, now = time(NULL);
	if (time_parse(line, &there, "time", &err) < 0)
		return;
	int64_t apart = now > there ? now - there : there - now;
	if (apart <= CLOCK_SLACK_S)
		return;
	f->check = "clock";
	findings_add(f, RESULT_PROBLEM, "the clock is %s by %lld minutes: the server says %s",
		     now > there ? "fast" : "slow", (long long)apart / 60, line);
	findings_advise(f, "it is set at the next sync; if that does not help, see Set-Clock in "
			   "/" PKGMGR_CONF);
}

static void explain_refusal(struct check_context *c, int status, const char *said)
{
	struct findings *f = &c->findings;
	if (status != SSH_FAILED) {
		findings_add(f, RESULT_PROBLEM, "the server does not take this site's key yet: %s",
			     said);
		findings_advise(f, "the operator sees it with `imagerepo site pending`");
	} else if (strstr(said, "Permission denied")) {
		findings_add(f, RESULT_PROBLEM, "the server refuses this site's key");
		findings_advise(f, "tell the operator what is in %s.pub, and which site this is: %s",
				c->conf->ssh_key, c->conf->site ? c->conf->site : "not known yet");
	} else if (strstr(said, "Host key verification failed") ||
		   strstr(said, "host key") || strstr(said, "HOST IDENTIFICATION")) {
		findings_add(f, RESULT_PROBLEM, "the server is not the one whose key is pinned");
		findings_advise(f, "if the operator has a new server, its key belongs into %s; "
				   "otherwise somebody stands in between", c->conf->known_hosts);
	} else
		findings_add(f, RESULT_PROBLEM, "ssh to the server fails: %s", said);
}

void check_key(struct check_context *c)
{
	struct findings *f = &c->findings;
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_strbuf_ struct strbuf answer = STRBUF_INIT;
	_cleanup_err_ struct err err = ERR_INIT;
	int status = 0;
	if (has_obstacle(c))
		return;
	if (!file_exists(c->conf->ssh_key)) {
		findings_add(f, RESULT_PROBLEM, "this site has no key: there is no %s",
			     c->conf->ssh_key);
		findings_advise(f, "pkgmgr enroll makes one; dpkg --configure -a");
		return;
	}
	gate_ssh_argv(c->conf, &argv);
	strv_addv(&argv, c->conf->server, "time", NULL);
	if (subproc_run(&(struct subproc){ .argv = (const char *const *)argv.items,
					   .user = geteuid() == 0 ? c->conf->fetch_user : NULL,
					   .output = &answer,
					   .quiet = true,
					   .timeout_ms = SSH_TIMEOUT_MS },
			&status, &err) < 0) {
		explain_refusal(c, status, err.msg);
		return;
	}
	findings_add(f, RESULT_OK, "the server takes it");
	compare_clocks(f, answer.data ? answer.data : "");
}
