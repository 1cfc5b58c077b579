/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/host.h"

#include <arpa/inet.h>

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/lock.h"
#include "common/log.h"

enum { MAX_CONF_BYTES = 65536, MAX_STOP_SECONDS = 3600, MAX_KEEP_BASES = 1000, DEFAULT_KEEP_BASES = 2 };

#define DEFAULT_URI          "qemu:///system"
#define DEFAULT_STOP_TIMEOUT "60s"
#define DEFAULT_NAT_NETWORK  "192.168.148.0/24"

static int set_stop_timeout(struct host *host, const char *text, struct err *err)
{
	uint64_t seconds;
	if (duration_parse(text, &seconds, "Stop-Timeout", err) < 0)
		return -1;
	if (seconds > MAX_STOP_SECONDS)
		return err_set(err, ERR_INPUT, "Stop-Timeout: %.32s is more than an hour",
			       text);
	host->stop_timeout_ms = (int)seconds * 1000;
	return 0;
}

static int set_keep_bases(struct host *host, const char *text, struct err *err)
{
	uint64_t count;
	if (number_parse(text, 0, MAX_KEEP_BASES, &count, "Keep-Bases", err) < 0)
		return -1;
	host->keep_bases = (unsigned)count;
	return 0;
}

static int set_nat_network(struct host *host, const char *text, struct err *err)
{
	_cleanup_free_ char *address = xstrdup(text);
	char *slash = strchr(address, '/');
	struct in_addr in;
	if (slash)
		*slash = '\0';
	if (!slash || !str_eq(slash + 1, "24") || inet_pton(AF_INET, address, &in) != 1 ||
	    (ntohl(in.s_addr) & 0xff) != 0)
		return err_set(err, ERR_INPUT,
			       "Nat-Network: '%.32s' is not of the form 192.168.148.0/24",
			       text);
	*strrchr(address, '.') = '\0';
	snprintf(host->nat_prefix, sizeof(host->nat_prefix), "%s", address);
	return 0;
}

static int apply_conf(struct host *host, const struct deb822_stanza *stanza,
		      struct err *err)
{
	const char *uri = deb822_get(stanza, "Libvirt-URI");
	const char *stop = deb822_get(stanza, "Stop-Timeout");
	const char *nat = deb822_get(stanza, "Nat-Network");
	const char *keep = deb822_get(stanza, "Keep-Bases");
	const char *kernel = deb822_get(stanza, "Host-Kernel");
	if (uri) {
		free(host->libvirt_uri);
		host->libvirt_uri = xstrdup(uri);
	}
	if (kernel) {
		if (*kernel != '/')
			return err_set(err, ERR_INPUT,
				       "Host-Kernel: '%.64s' is no absolute path", kernel);
		host->host_kernel = xstrdup(kernel);
	}
	if (keep && set_keep_bases(host, keep, err) < 0)
		return -1;
	if (stop && set_stop_timeout(host, stop, err) < 0)
		return -1;
	return nat ? set_nat_network(host, nat, err) : 0;
}

static int read_conf(struct host *host, struct err *err)
{
	static const char *const known[] = { "Libvirt-URI", "Keep-Bases", "Stop-Timeout",
					     "Nat-Network", "Host-Kernel", NULL };
	_cleanup_free_ char *path = root_path(&host->root, HOST_CONF);
	if (!file_exists(path))
		return 0;
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	if (deb822_read_file(path, MAX_CONF_BYTES, 1, &doc, err) < 0)
		return -1;
	if (doc->count == 0)
		return 0;
	if (deb822_check_known(&doc->stanzas[0], known, path, err) < 0)
		return -1;
	return apply_conf(host, &doc->stanzas[0], err) < 0 ? err_prefix(err, "%s", path)
							   : 0;
}

int host_open(const char *root_dir, struct host **out, struct err *err)
{
	*out = NULL;
	_cleanup_(host_freep) struct host *host = xcalloc(1, sizeof(*host));
	host->libvirt_uri = xstrdup(DEFAULT_URI);
	host->keep_bases = DEFAULT_KEEP_BASES;
	if (root_init(&host->root, root_dir, err) < 0 ||
	    set_stop_timeout(host, DEFAULT_STOP_TIMEOUT, err) < 0 ||
	    set_nat_network(host, DEFAULT_NAT_NETWORK, err) < 0 ||
	    read_conf(host, err) < 0 || host_network_read(&host->root, &host->lan, err) < 0 ||
	    state_open(&host->root, &host->state, err) < 0)
		return -1;
	const char *uri = getenv("WAYBILL_LIBVIRT_URI");
	if (uri && *uri) {
		free(host->libvirt_uri);
		host->libvirt_uri = xstrdup(uri);
	}
	*out = steal(&host);
	return 0;
}

void host_free(struct host *host)
{
	if (!host)
		return;
	state_free(host->state);
	root_destroy(&host->root);
	free(host->libvirt_uri);
	free(host->host_kernel);
	host_network_free(host->lan);
	free(host);
}

int host_lock(const struct host *host, struct err *err)
{
	_cleanup_free_ char *path =
		root_path(&host->root, "var/lib/waybill/appliance.lock");
	return lock_take(path, -1, err);
}

char *instance_path(const struct root *root, const char *name, const char *file)
{
	return root_path(root, INSTANCES_DIR "/%s%s%s", name, *file ? "/" : "", file);
}
