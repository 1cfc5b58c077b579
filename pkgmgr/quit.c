/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/quit.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t requested;

static void on_signal(int signo)
{
	requested = signo;
}

void quit_watch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

bool quit_requested(void)
{
	return requested != 0;
}

int quit_check(struct err *err)
{
	if (!requested)
		return 0;
	return err_set(err, ERR_CANCELLED, "stopped by signal %d; the next sync goes on",
		       (int)requested);
}
