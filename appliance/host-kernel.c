/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/host-kernel.h"

#include <dirent.h>
#include <sys/utsname.h>

#include "common/atomic-file.h"

enum { MAX_RELEASE_BYTES = 256 };

#define KERNEL_PREFIX "vmlinuz-"

void host_kernel_destroy(struct host_kernel *kernel)
{
	free(kernel->release);
	free(kernel->kernel);
	free(kernel->initrd);
	free(kernel->modules);
	*kernel = (struct host_kernel){ 0 };
}

/* The newest release in `boot`; NULL: none. Free it. */
static char *newest_release(const char *boot)
{
	char *newest = NULL;
	DIR *dir = opendir(boot);
	if (!dir)
		return NULL;
	for (struct dirent *entry; (entry = readdir(dir));) {
		const char *release = entry->d_name + strlen(KERNEL_PREFIX);
		if (!str_starts(entry->d_name, KERNEL_PREFIX) ||
		    (newest && version_compare(release, newest) <= 0))
			continue;
		free(newest);
		newest = xstrdup(release);
	}
	closedir(dir);
	return newest;
}

static char *release_of(const struct host *host)
{
	struct utsname name;
	if (!host->host_kernel) {
		uname(&name);
		return xstrdup(name.release);
	}
	_cleanup_free_ char *boot = xasprintf("%s/boot", host->host_kernel);
	return newest_release(boot);
}

static int need_file(const char *path, const char *what, struct err *err)
{
	if (file_exists(path))
		return 0;
	return err_set(err, ERR_NOT_FOUND,
		       "Boot: host-kernel needs the host's %s, but there is no %s", what, path);
}

static int need_files(const struct host_kernel *kernel, struct err *err)
{
	_cleanup_free_ char *dep = xasprintf("%s/modules.dep", kernel->modules);
	if (need_file(kernel->kernel, "kernel", err) < 0 ||
	    need_file(kernel->initrd, "initrd", err) < 0)
		return -1;
	return need_file(dep, "modules and the index that depmod makes of them", err);
}

int host_kernel_find(const struct host *host, struct host_kernel *out, struct err *err)
{
	const char *top = host->host_kernel ? host->host_kernel : "";
	*out = (struct host_kernel){ .release = release_of(host) };
	if (!out->release)
		return err_set(err, ERR_NOT_FOUND,
			       "Boot: host-kernel: there is no boot/" KERNEL_PREFIX
			       "* in %s (Host-Kernel in /" HOST_CONF ")", top);
	out->kernel = xasprintf("%s/boot/" KERNEL_PREFIX "%s", top, out->release);
	out->initrd = xasprintf("%s/boot/initrd.img-%s", top, out->release);
	out->modules = xasprintf("%s/lib/modules/%s", top, out->release);
	if (need_files(out, err) < 0) {
		host_kernel_destroy(out);
		return -1;
	}
	return 0;
}

bool host_kernel_is_current(const struct host *host, const char *unit)
{
	_cleanup_(host_kernel_destroy) struct host_kernel now = { 0 };
	_cleanup_free_ char *path = instance_path(&host->root, unit, KERNEL_RELEASE_FILE);
	_cleanup_free_ char *recorded = NULL;
	_cleanup_err_ struct err ignored = ERR_INIT;
	size_t len;
	if (file_read(path, MAX_RELEASE_BYTES, &recorded, &len, &ignored) < 0)
		return false;
	err_clear(&ignored);
	recorded[strcspn(recorded, "\n")] = '\0';
	return host_kernel_find(host, &now, &ignored) < 0 || str_eq(recorded, now.release);
}

int host_kernel_record(const struct host *host, const char *unit,
		       const struct host_kernel *kernel, struct err *err)
{
	_cleanup_free_ char *path = instance_path(&host->root, unit, KERNEL_RELEASE_FILE);
	if (!kernel)
		return atomic_unlink(path, err);
	_cleanup_free_ char *line = xasprintf("%s\n", kernel->release);
	return atomic_file_write(path, line, strlen(line), 0644, err);
}
