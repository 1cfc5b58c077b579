/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance get NAME GUEST-PATH FILE|-: a file out of the guest. */
#include <sys/stat.h>
#include <unistd.h>

#include "appliance/cmd-guest.h"
#include "common/atomic-file.h"
#include "common/progress.h"

static void show_progress(void *arg, uint64_t done_bytes)
{
	progress_set(arg, done_bytes);
}

/* The file is there whole, with the permissions that it has in the guest, less our umask.
 */
static int get_to_file(const struct agent_transfer *transfer, mode_t mode,
		       const char *path, struct err *err)
{
	_cleanup_(atomic_file_freep) struct atomic_file *file = NULL;
	mode_t mask = umask(0);
	umask(mask);
	if (atomic_file_open(path, mode & ~mask, &file, err) < 0 ||
	    agent_file_get(transfer, file->fd, err) < 0)
		return -1;
	return atomic_file_commit(file, err);
}

static int check_target(const char *path, struct err *err)
{
	struct stat st;
	if (!*path)
		return err_set(err, ERR_USAGE, "the file to write has no name");
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "%s is %s; name a file", path,
			       S_ISDIR(st.st_mode) ? "a directory" : "no regular file");
	return 0;
}

int cmd_get(struct cli *cli, int argc, char **argv, struct err *err)
{
	const char *name, *guest_path;
	if (cli_no_opts(cli, argc, argv, 3, 3, err) < 0 ||
	    cmd_name(argv[cli->next], &name, err) < 0 ||
	    cmd_guest_path(argv[cli->next + 1], &guest_path, err) < 0)
		return -1;
	const char *path = argv[cli->next + 2];
	bool to_stdout = str_eq(path, "-");
	struct agent_file_facts facts;
	_cleanup_(guest_close) struct guest guest = { 0 };
	if ((!to_stdout && check_target(path, err) < 0) ||
	    cmd_open_guest(cli, name, &guest, err) < 0)
		return -1;
	if (agent_file_look(guest.agent, guest_path, &facts, err) < 0)
		return err_prefix(err, "%s", name);
	_cleanup_(progress_freep) struct progress *progress =
		progress_new(guest_path, facts.size_bytes);
	const struct agent_transfer transfer = { guest.agent, guest_path,
						 AGENT_MAX_FILE_BYTES, show_progress,
						 progress };
	int result = to_stdout ? agent_file_get(&transfer, STDOUT_FILENO, err)
			       : get_to_file(&transfer, facts.mode, path, err);
	return result < 0 ? err_prefix(err, "%s", name) : 0;
}
