/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/image-deb.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

char *image_deb_file(const struct image_deb *image, const char *file)
{
	return xasprintf(APPLIANCES_DIR "/%s/%s", deb_field(image->deb, "Package"), file);
}

static int check_is_image(const struct deb *deb, struct err *err)
{
	const char *format = deb_field(deb, "Image-Format");
	const char *name = deb_field(deb, "Package");
	if (!format)
		return err_set(err, ERR_INPUT, "%s is a Debian package but no image package: it "
			       "has no field Image-Format", deb->path);
	if (!str_eq(format, "1"))
		return err_set(err, ERR_INPUT, "%s has Image-Format %.16s, this program reads 1",
			       deb->path, format);
	if (!name || !name_is_valid(name))
		return err_set(err, ERR_INPUT, "%s: its field Package is missing or no package "
			       "name", deb->path);
	return 0;
}

/* Through a file in memory that cannot grow: what is larger fails to be written. */
static int bounded_memfd(off_t max_bytes, struct err *err)
{
	_cleanup_close_ int fd = memfd_create(CONF_FILE, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, max_bytes) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) != 0)
		return err_sys(err, "cannot make a file in memory");
	return steal_fd(&fd);
}

static int read_conf(struct image_deb *image, struct err *err)
{
	_cleanup_free_ char *path = image_deb_file(image, CONF_FILE);
	_cleanup_close_ int fd = bounded_memfd(APPLIANCE_CONF_MAX_BYTES, err);
	if (fd < 0)
		return -1;
	if (deb_data_extract(image->deb, path, fd, err) != 0)
		return err_prefix(err, CONF_FILE " (at most %d bytes)", APPLIANCE_CONF_MAX_BYTES);
	off_t len = lseek(fd, 0, SEEK_CUR);
	image->conf_text = xcalloc(1, (size_t)len + 1);
	if (pread(fd, image->conf_text, (size_t)len, 0) != len)
		return err_sys(err, "cannot read " CONF_FILE);
	if (deb822_parse(image->conf_text, (size_t)len, 1, CONF_FILE, &image->conf_fields,
			 err) != 0 ||
	    appliance_conf_parse(image->conf_text, (size_t)len, CONF_FILE, &image->conf, err) != 0)
		return err_prefix(err, "%s", image->deb->path);
	return 0;
}

int image_deb_open(const char *path, struct image_deb **out, struct err *err)
{
	_cleanup_(image_deb_freep) struct image_deb *image = xcalloc(1, sizeof(*image));
	*out = NULL;
	if (deb_open(path, &image->deb, err) != 0 || check_is_image(image->deb, err) != 0 ||
	    read_conf(image, err) != 0)
		return -1;
	*out = steal(&image);
	return 0;
}

void image_deb_free(struct image_deb *image)
{
	if (!image)
		return;
	deb_freep(&image->deb);
	free(image->conf_text);
	deb822_freep(&image->conf_fields);
	appliance_conf_freep(&image->conf);
	free(image);
}
