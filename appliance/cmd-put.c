/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance put NAME FILE GUEST-PATH: a file into the guest. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "appliance/cmd-guest.h"
#include "common/progress.h"

static void show_progress(void *arg, uint64_t done_bytes)
{
	progress_set(arg, done_bytes);
}

/* A regular file that is not too large; a FIFO would be waited for. */
static int open_source(const char *path, struct stat *st, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, st) < 0)
		return err_sys(err, "open %s", path);
	if (!S_ISREG(st->st_mode))
		return err_set(err, ERR_USAGE, "%s is no regular file", path);
	if ((uint64_t)st->st_size > AGENT_MAX_FILE_BYTES)
		return err_set(
			err, ERR_TOO_LARGE,
			"%s is larger than the 1 GiB that goes through a guest agent",
			path);
	return steal_fd(&fd);
}

int cmd_put(struct cli *cli, int argc, char **argv, struct err *err)
{
	const char *name, *guest_path;
	if (cli_no_opts(cli, argc, argv, 3, 3, err) < 0 ||
	    cmd_name(argv[cli->next], &name, err) < 0 ||
	    cmd_guest_path(argv[cli->next + 2], &guest_path, err) < 0)
		return -1;
	const char *path = argv[cli->next + 1];
	struct stat st;
	_cleanup_close_ int fd = open_source(path, &st, err);
	_cleanup_(guest_close) struct guest guest = { 0 };
	if (fd < 0 || cmd_open_guest(cli, name, &guest, err) < 0)
		return -1;
	_cleanup_(progress_freep) struct progress *progress =
		progress_new(guest_path, (uint64_t)st.st_size);
	const struct agent_transfer transfer = { guest.agent, guest_path,
						 AGENT_MAX_FILE_BYTES, show_progress,
						 progress };
	if (agent_file_put(&transfer, fd, st.st_mode & 0777, err) < 0)
		return err_prefix(err, "%s", name);
	return 0;
}
