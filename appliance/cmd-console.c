/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance console NAME [--log]: the guest's serial port on this terminal, or what it
 * has said since the instance was made. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

#include "appliance/cmd.h"
#include "appliance/disks.h"
#include "appliance/domain.h"
#include "appliance/instance.h"
#include "common/atomic-file.h"

enum { OPT_LOG = 1, ESCAPE = 0x1d /* Ctrl-], as in virsh and telnet */ };

const struct cli_opt cmd_console_opts[] = {
	{ OPT_LOG, "log", 0, NULL, "print the log of the console instead" },
	{ 0 },
};

static int print_log(struct host *host, const struct instance *inst, struct err *err)
{
	_cleanup_free_ char *path = instance_path(&host->root, inst->unit, CONSOLE_FILE);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT
			       ? err_set(err, ERR_NOT_FOUND,
					 "%s has not been started yet: there is no %s",
					 inst->name, path)
			       : err_sys(err, "open %s", path);
	char chunk[65536];
	ssize_t n;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		if (write_all(STDOUT_FILENO, chunk, (size_t)n, err) < 0)
			return -1;
	return n < 0 ? err_sys(err, "read %s", path) : 0;
}

/* Two readers would each get half of what the guest says. */
static int open_device(const char *path, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open the console %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, ERR_BUSY,
			       "somebody else is attached to this console");
	return steal_fd(&fd);
}

/* 1: bytes were copied; 0: the end, or the escape character. */
static int copy_some(int from, int to, bool look_for_escape, struct err *err)
{
	char chunk[4096];
	ssize_t n = read(from, chunk, sizeof(chunk));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	/* EIO: the guest has gone, and the other side of its pty with it. */
	if (n == 0 || (n < 0 && errno == EIO))
		return 0;
	if (n < 0)
		return err_sys(err, "read the console");
	char *escape = look_for_escape ? memchr(chunk, ESCAPE, (size_t)n) : NULL;
	size_t len = escape ? (size_t)(escape - chunk) : (size_t)n;
	if (write_all(to, chunk, len, err) < 0)
		return -1;
	return escape ? 0 : 1;
}

static int relay(int device, struct err *err)
{
	struct pollfd fds[] = {
		{ .fd = device, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return err_sys(err, "wait for the console");
		int more = 1;
		if (fds[0].revents)
			more = copy_some(device, STDOUT_FILENO, false, err);
		if (more > 0 && fds[1].revents)
			more = copy_some(STDIN_FILENO, device, true, err);
		if (more <= 0)
			return more;
	}
}

static int attach(const char *name, const char *path, struct err *err)
{
	_cleanup_close_ int device = open_device(path, err);
	if (device < 0)
		return -1;
	struct termios before;
	bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
	if (terminal) {
		fprintf(stderr, "Console of %s; Ctrl-] leaves.\n", name);
		struct termios raw = before;
		cfmakeraw(&raw);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	int result = relay(device, err);
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
		fputc('\n', stderr);
	}
	return result;
}

static int attach_to(struct host *host, const struct instance *inst, struct err *err)
{
	_cleanup_(hypervisor_freep) struct hypervisor *hv = NULL;
	_cleanup_free_ char *domain = root_domain_name(&host->root, inst->unit);
	_cleanup_free_ char *path = NULL;
	if (hypervisor_open(host->libvirt_uri, &hv, err) < 0 ||
	    domain_console_device(hv, domain, &path, err) < 0)
		return -1;
	if (!path)
		return err_set(err, ERR_REFUSED,
			       "%s is not running, so it has no console; its "
			       "log is in `appliance console --log %s`",
			       inst->name, inst->name);
	return attach(inst->name, path, err);
}

int cmd_console(struct cli *cli, int argc, char **argv, struct err *err)
{
	bool log = false;
	const char *name;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		log = true;
	if (id < 0 || cli_check_args(cli, argc, 1, 1, err) < 0 ||
	    cmd_name(argv[cli->next], &name, err) < 0)
		return -1;
	_cleanup_(host_freep) struct host *host = NULL;
	_cleanup_(instance_freep) struct instance *inst = NULL;
	if (cmd_open_host(cli, &host, err) < 0 ||
	    instance_load(host->state, name, &inst, err) < 0)
		return -1;
	return log ? print_log(host, inst, err) : attach_to(host, inst, err);
}
