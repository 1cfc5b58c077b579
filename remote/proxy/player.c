/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/proxy/player.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/subproc.h"
#include "common/util.h"

int player_start(const char *path, pid_t *pid, struct err *err)
{
	const char *const argv[] = { "vnc-replay", "--quiet", "--inetd", path, NULL };
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return err_sys(err, "make a pair of sockets");
	const struct subproc spec = { .argv = argv, .stdin_fd = ends[1], .die_with_us = true };
	int result = subproc_start(&spec, pid, err);
	close(ends[1]);
	if (result == 0)
		return ends[0];
	close(ends[0]);
	return -1;
}

void player_end(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}
