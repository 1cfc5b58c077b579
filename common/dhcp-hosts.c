/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/dhcp-hosts.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>

#include "common/atomic-file.h"
#include "common/log.h"

enum { MAX_BYTES = 4096, HOSTS = 256 };

/* "52:54:00:12:34:56,192.168.147.10,askom" */
struct dhcp_host {
	char *line;
	const char *mac;	/* all three point into line; name is never NULL */
	const char *address;
	const char *name;
};

static void dhcp_host_destroy(struct dhcp_host *host)
{
	free(host->line);
}

static int parse_host(const char *text, const char *path, struct dhcp_host *host,
		      struct err *err)
{
	struct in_addr in;
	char *rest = NULL;
	host->line = xstrdup(text);
	host->mac = strtok_r(host->line, ",\n", &rest);
	host->address = strtok_r(NULL, ",\n", &rest);
	host->name = strtok_r(NULL, ",\n", &rest);
	if (!host->name)
		host->name = "";
	if (host->mac && host->address && inet_pton(AF_INET, host->address, &in) == 1)
		return 0;
	return err_set(err, ERR_INPUT,
		       "%s is not of the form MAC,ADDRESS,NAME; remove it, and the instance gets "
		       "an address anew", path);
}

static char *host_path(const struct root *root, const char *mac)
{
	char *path = root_path(root, DHCP_HOSTS_DIR "/%s", mac);
	for (char *p = strrchr(path, '/'); *p; p++)
		if (*p == ':')
			*p = '-';
	return path;
}

/* Takes what the file holds; empty strings if it is not there. */
static int read_host(const char *path, struct dhcp_host *host, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	*host = (struct dhcp_host){ NULL, "", "", "" };
	if (!file_exists(path))
		return 0;
	if (file_read(path, MAX_BYTES, &text, &len, err) < 0)
		return -1;
	return parse_host(text, path, host, err);
}

/* Call `each` for every file; one that cannot be read is said and passed over. */
static int for_each(const struct root *root, void (*each)(const struct dhcp_host *, void *),
		    void *arg, struct err *err)
{
	_cleanup_free_ char *dir = root_path(root, DHCP_HOSTS_DIR);
	DIR *listing = opendir(dir);
	if (!listing && errno == ENOENT)
		return 0;
	if (!listing)
		return err_sys(err, "list %s", dir);
	for (const struct dirent *e; (e = readdir(listing));) {
		_cleanup_err_ struct err broken = ERR_INIT;
		_cleanup_(dhcp_host_destroy) struct dhcp_host host = { NULL };
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, e->d_name);
		if (e->d_name[0] == '.')
			continue;
		if (read_host(path, &host, &broken) < 0)
			log_warn("%s", broken.msg);
		else
			each(&host, arg);
	}
	closedir(listing);
	return 0;
}

struct taken {
	const char *prefix;
	bool host[HOSTS];
};

static void mark_taken(const struct dhcp_host *host, void *arg)
{
	struct taken *taken = arg;
	size_t len = strlen(taken->prefix);
	if (strncmp(host->address, taken->prefix, len) == 0 && host->address[len] == '.')
		taken->host[atoi(host->address + len + 1) & 0xff] = true;
}

static int pick_address(const struct root *root, const char *prefix, char address[IPV4_SIZE],
			struct err *err)
{
	struct taken taken = { .prefix = prefix };
	if (for_each(root, mark_taken, &taken, err) < 0)
		return -1;
	for (int host = INSTANCE_FIRST_HOST; host <= INSTANCE_LAST_HOST; host++) {
		if (taken.host[host])
			continue;
		snprintf(address, IPV4_SIZE, "%s.%d", prefix, host);
		return 0;
	}
	return err_set(err, ERR_NO_SPACE, "%s.0/24 has no address left for an instance", prefix);
}

static bool is_within(const char *address, const char *prefix)
{
	size_t len = strlen(prefix);
	return strncmp(address, prefix, len) == 0 && address[len] == '.';
}

int dhcp_hosts_join(const struct root *root, const char *prefix, const char *mac,
		    const char *name, struct err *err)
{
	_cleanup_free_ char *dir = root_path(root, DHCP_HOSTS_DIR);
	_cleanup_free_ char *path = host_path(root, mac);
	_cleanup_(dhcp_host_destroy) struct dhcp_host before = { NULL };
	char address[IPV4_SIZE];
	if (read_host(path, &before, err) < 0)
		return -1;
	if (is_within(before.address, prefix))
		return 0;
	if (make_dirs(dir, 0755, err) < 0 || pick_address(root, prefix, address, err) < 0)
		return -1;
	_cleanup_free_ char *line = xasprintf("%s,%s%s%s\n", mac, address,
					      site_name_is_valid(name) ? "," : "",
					      site_name_is_valid(name) ? name : "");
	return atomic_file_write(path, line, strlen(line), 0644, err);
}

int dhcp_hosts_leave(const struct root *root, const char *mac, struct err *err)
{
	_cleanup_free_ char *path = host_path(root, mac);
	return file_exists(path) ? atomic_unlink(path, err) : 0;
}

int dhcp_hosts_address(const struct root *root, const char *mac, char address[IPV4_SIZE],
		       struct err *err)
{
	_cleanup_free_ char *path = host_path(root, mac);
	_cleanup_(dhcp_host_destroy) struct dhcp_host host = { NULL };
	address[0] = '\0';
	if (read_host(path, &host, err) < 0)
		return -1;
	snprintf(address, IPV4_SIZE, "%s", host.address);
	return 0;
}

struct wanted {
	const char *name;
	char *address;
};

static void take_if_named(const struct dhcp_host *host, void *arg)
{
	const struct wanted *wanted = arg;
	if (str_eq(host->name, wanted->name))
		snprintf(wanted->address, IPV4_SIZE, "%s", host->address);
}

int dhcp_hosts_by_name(const struct root *root, const char *name, char address[IPV4_SIZE],
		       struct err *err)
{
	struct wanted wanted = { name, address };
	address[0] = '\0';
	return for_each(root, take_if_named, &wanted, err);
}
