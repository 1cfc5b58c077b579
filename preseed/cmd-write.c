/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/util.h"
#include "common/workdir.h"
#include "preseed/cmds.h"
#include "preseed/device.h"
#include "preseed/stick.h"
#include "preseed/write-image.h"

enum { OPT_YES = 1, OPT_FORCE };

const struct cli_opt cmd_write_opts[] = {
	{ OPT_YES, "yes", 'y', NULL, "do not ask" },
	{ OPT_FORCE, "force", 0, NULL, "also on a disk that does not call itself removable" },
	{ 0 },
};

struct target {
	int fd;
	struct device device;
};

static void target_destroy(struct target *target)
{
	closep(&target->fd);
	device_destroy(&target->device);
}

/* Opened exclusively: the kernel refuses while any of its partitions is mounted, is swap, or
 * belongs to an array. */
static int open_target(const char *path, uint64_t image_bytes, bool force, struct target *target,
		       struct err *err)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return err_sys(err, "%s", path);
	if (!S_ISBLK(st.st_mode))
		return err_set(err, ERR_REFUSED, "%s is no disk, but a %s; name the stick's device, "
			       "such as /dev/sdb (lsblk shows them)", path,
			       S_ISDIR(st.st_mode) ? "directory" : "file");
	if (device_probe("/sys", st.st_rdev, path, &target->device, err) < 0 ||
	    device_check(&target->device, image_bytes, force, err) < 0)
		return -1;
	target->fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC);
	if (target->fd < 0 && errno == EBUSY)
		return err_set(err, ERR_REFUSED, "%s (%s) is in use; unmount what is on it first",
			       path, target->device.name);
	return target->fd < 0 ? err_sys(err, "cannot open %s", path) : 0;
}

static int ask(const struct device *device, uint64_t image_bytes, const char *image,
	       struct err *err)
{
	char answer[16] = "";
	_cleanup_free_ char *size = size_format(device->size_bytes);
	_cleanup_free_ char *bytes = size_format(image_bytes);
	if (!isatty(STDIN_FILENO))
		return err_set(err, ERR_USAGE, "there is nobody to ask whether %s (%s, %s) may be "
			       "overwritten; say --yes", device->path, device->name, size);
	fprintf(stderr, "%s (%s, %s) loses all that is on it and becomes %s (%s). Go on? [yes/no] ",
		device->path, device->name, size, image, bytes);
	if (!fgets(answer, sizeof(answer), stdin) || !str_eq(answer, "yes\n"))
		return err_set(err, ERR_REFUSED, "not written: the answer was not yes");
	return 0;
}

/* That it is an image of ours is found out before anything is destroyed. */
static int check_image(const char *path, struct err *err)
{
	_cleanup_(workdir_freep) struct workdir *work = NULL;
	_cleanup_free_ char *seed = NULL;
	size_t len;
	return workdir_new(&work, err) < 0 ? -1 : stick_read_seed(path, work, &seed, &len, err);
}

int cmd_write(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(target_destroy) struct target target = { .fd = -1 };
	_cleanup_close_ int image = -1;
	bool yes = false, force = false;
	struct stat st;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0) {
		yes = yes || id == OPT_YES;
		force = force || id == OPT_FORCE;
	}
	if (id < 0 || cli_check_args(cli, argc, 2, 2, err) < 0)
		return -1;
	const char *from = argv[cli->next], *to = argv[cli->next + 1];
	image = open(from, O_RDONLY | O_CLOEXEC);
	if (image < 0 || fstat(image, &st) != 0)
		return err_sys(err, "cannot open %s", from);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "%s is no image; the image comes first, then the "
			       "device", from);
	uint64_t size = (uint64_t)st.st_size;
	if (check_image(from, err) < 0 || open_target(to, size, force, &target, err) < 0 ||
	    (!yes && ask(&target.device, size, from, err) < 0) ||
	    write_image(image, target.fd, size, to, err) < 0)
		return -1;
	log_info("%s: written, read back and compared; it can be taken out", to);
	return 0;
}
