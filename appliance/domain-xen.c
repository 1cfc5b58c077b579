/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a paravirtual Xen host is not QEMU: what it refuses, and where consoles are logged. */
#include "appliance/domain-conn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"

/* Where xenconsoled logs, if it was started with --log=guest (or all): a file for each domain,
 * opened anew, to append, when that starts. Source: tools/console/daemon/io.c of Xen 4.17. */
#define XEN_LOG_DIR "/var/log/xen"
#define XEN_CONSOLE_DIR XEN_LOG_DIR "/console"

/* As large as virtlogd lets a log grow. */
enum { MAX_LOG_BYTES = 2 * 1024 * 1024 };

/* The check that a guest without an agent never passes; NULL: there is none. */
static const char *agent_check(const struct appliance_conf *conf)
{
	for (size_t i = 0; i < conf->health_count; i++) {
		enum health_kind kind = conf->health[i].kind;
		if (kind != HEALTH_TCP && kind != HEALTH_HTTP)
			return health_kind_name(kind);
	}
	return NULL;
}

int hypervisor_check(const struct hypervisor *hv, const struct appliance_conf *conf,
		     struct err *err)
{
	if (!hv->is_xen)
		return 0;
	if (conf->firmware == FIRMWARE_UEFI)
		return err_set(err, ERR_REFUSED,
			       "Firmware: uefi does not go with a paravirtual Xen host");
	if (conf->network == NETWORK_USER)
		return err_set(err, ERR_REFUSED,
			       "Network: user does not go with a Xen host; use nat");
	const char *check = agent_check(conf);
	if (check)
		return err_set(err, ERR_REFUSED,
			       "Health: %s asks the guest agent, which a paravirtual Xen host "
			       "has no way to; use tcp or http", check);
	return 0;
}

static char *xen_log_path(const char *domain)
{
	return xasprintf(XEN_CONSOLE_DIR "/guest-%s.log", domain);
}

/* A log that is too large gives way, to one older one. */
static int roll_log(const char *path, struct err *err)
{
	struct stat st;
	if (stat(path, &st) < 0 || st.st_size <= MAX_LOG_BYTES)
		return 0;
	_cleanup_free_ char *older = xasprintf("%s.0", path);
	return atomic_rename(path, older, err);
}

int domain_log_console(struct hypervisor *hv, const char *name, const char *path,
		       struct err *err)
{
	/* Without the directory Xen is on another host. */
	if (!hv->is_xen || !file_exists(XEN_LOG_DIR))
		return 0;
	_cleanup_free_ char *link = xen_log_path(name);
	if (make_dirs(XEN_CONSOLE_DIR, 0755, err) < 0 || roll_log(path, err) < 0)
		return -1;
	/* Made here: the daemon would make it for all to read. */
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, "create %s", path);
	if (atomic_unlink(link, err) < 0)
		return -1;
	if (symlink(path, link) < 0)
		return err_sys(err, "link %s", link);
	return 0;
}

int xen_forget_console(struct hypervisor *hv, const char *name, struct err *err)
{
	_cleanup_free_ char *link = xen_log_path(name);
	return hv->is_xen ? atomic_unlink(link, err) : 0;
}
