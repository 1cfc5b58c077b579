/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/host-network.h"

#include <arpa/inet.h>

#include "common/atomic-file.h"
#include "common/deb822.h"

#define FORMAT_LINE "waybill-host-network 1"
enum { MAX_BYTES = 4096 };

void host_network_free(struct host_network *network)
{
	if (!network)
		return;
	strv_destroy(&network->lan_interfaces);
	free(network);
}

/* "192.168.147.0/24" -> "192.168.147" */
static int set_prefix(struct host_network *network, const char *text, const char *path,
		      struct err *err)
{
	size_t len = strlen(text);
	struct in_addr in;
	_cleanup_free_ char *address = xstrndup(text, len > 3 ? len - 3 : 0);
	if (!str_ends(text, ".0/24") || inet_pton(AF_INET, address, &in) != 1)
		return err_set(err, ERR_INPUT, "%s: Network: '%.32s' is no /24", path, text);
	*strrchr(address, '.') = '\0';
	snprintf(network->prefix, sizeof(network->prefix), "%s", address);
	return 0;
}

int host_network_read(const struct root *root, struct host_network **out, struct err *err)
{
	*out = NULL;
	_cleanup_free_ char *path = root_path(root, HOST_NETWORK_FILE);
	if (!file_exists(path))
		return 0;
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	_cleanup_(host_network_freep) struct host_network *network =
		xcalloc(1, sizeof(*network));
	const char *format = NULL, *bridge = NULL, *text = NULL;
	if (deb822_read_file(path, MAX_BYTES, 1, &doc, err) < 0)
		return -1;
	if (!doc->count)
		return err_set(err, ERR_INPUT, "%s is empty", path);
	const struct deb822_stanza *stanza = &doc->stanzas[0];
	if (deb822_require(stanza, "Format", path, &format, err) < 0 ||
	    deb822_require(stanza, "Bridge", path, &bridge, err) < 0 ||
	    deb822_require(stanza, "Network", path, &text, err) < 0)
		return -1;
	if (!str_eq(format, FORMAT_LINE) || !str_eq(bridge, HOST_BRIDGE))
		return err_set(err, ERR_INPUT, "%s: it is not of '" FORMAT_LINE "' and "
			       HOST_BRIDGE "; run `waybill-hostconfig up`", path);
	if (set_prefix(network, text, path, err) < 0)
		return -1;
	const char *lan = deb822_get(stanza, "Lan-Interface");
	strv_split(&network->lan_interfaces, lan ? lan : "", " ");
	*out = steal(&network);
	return 0;
}

int host_network_write(const struct root *root, const struct host_network *network,
		       struct err *err)
{
	_cleanup_free_ char *path = root_path(root, HOST_NETWORK_FILE);
	_cleanup_free_ char *range = xasprintf("%s.0/24", network->prefix);
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	deb822_write(&text, "Format", FORMAT_LINE);
	deb822_write(&text, "Bridge", HOST_BRIDGE);
	deb822_write(&text, "Network", range);
	if (network->lan_interfaces.count) {
		_cleanup_free_ char *lan = strv_join(&network->lan_interfaces, " ");
		deb822_write(&text, "Lan-Interface", lan);
	}
	return atomic_file_write(path, text.data, text.len, 0644, err);
}
