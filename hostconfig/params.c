/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hostconfig/params.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/network-list.h"

enum { MAX_BYTES = 64 * 1024, MAX_WORDS = 64, MAX_FILE_BYTES = 127 };

#define DEFAULT_ADDRESS       "192.168.147.1/24"
#define DEFAULT_BOOT_FILE     "pxelinux.0"
#define DEFAULT_BOOT_FILE_EFI "grubx64.efi"

static const char *const known_fields[] = {
	"Address", "Dhcp-Range", "Lan-Interface", "Dns", "Boot-Server", "Boot-File",
	"Boot-File-Efi", "Ssh-From", "Help-Interface", NULL,
};

void params_free(struct params *params)
{
	if (!params)
		return;
	strv_destroy(&params->lan_interfaces);
	strv_destroy(&params->dns);
	strv_destroy(&params->ssh_from);
	free(params->boot_server);
	free(params->boot_file);
	free(params->boot_file_efi);
	free(params->help_interface);
	free(params);
}

static bool is_ipv4(const char *text)
{
	struct in_addr in;
	return inet_pton(AF_INET, text, &in) == 1;
}

static unsigned last_byte(const char *address)
{
	return (unsigned)atoi(strrchr(address, '.') + 1);
}

static bool is_on_bridge(const struct params *params, const char *address)
{
	size_t len = strlen(params->prefix);
	return is_ipv4(address) && strncmp(address, params->prefix, len) == 0 &&
	       address[len] == '.';
}

static int set_address(struct params *params, const char *text, struct err *err)
{
	_cleanup_free_ char *address = xstrdup(text);
	char *slash = strchr(address, '/');
	if (slash)
		*slash = '\0';
	if (!slash || !str_eq(slash + 1, "24") || !is_ipv4(address) ||
	    last_byte(address) == 0 || last_byte(address) == 255)
		return err_set(err, ERR_USAGE,
			       "Address: '%.32s' is not of the form " DEFAULT_ADDRESS, text);
	snprintf(params->address, sizeof(params->address), "%s", address);
	*strrchr(address, '.') = '\0';
	snprintf(params->prefix, sizeof(params->prefix), "%s", address);
	if (last_byte(params->address) >= INSTANCE_FIRST_HOST &&
	    last_byte(params->address) <= INSTANCE_LAST_HOST)
		return err_set(err, ERR_USAGE, "Address: .%d to .%d are the instances'",
			       INSTANCE_FIRST_HOST, INSTANCE_LAST_HOST);
	return 0;
}

/* Thin clients' addresses must leave alone the host's own and those of instances. */
static int check_range(const struct params *params, const char *text, struct err *err)
{
	unsigned first = last_byte(params->dhcp_first), last = last_byte(params->dhcp_last);
	unsigned own = last_byte(params->address);
	if (first > last || first == 0 || last == 255)
		return err_set(err, ERR_USAGE, "Dhcp-Range: '%.64s' is no range", text);
	if (first <= INSTANCE_LAST_HOST && last >= INSTANCE_FIRST_HOST)
		return err_set(err, ERR_USAGE,
			       "Dhcp-Range: '%.64s' has addresses of .%d to .%d, which are the "
			       "instances'", text, INSTANCE_FIRST_HOST, INSTANCE_LAST_HOST);
	if (own >= first && own <= last)
		return err_set(err, ERR_USAGE, "Dhcp-Range: '%.64s' has the host's own address",
			       text);
	return 0;
}

static int set_range(struct params *params, const char *text, struct err *err)
{
	_cleanup_free_ char *first = xstrdup(text);
	char *dash = strchr(first, '-');
	if (dash)
		*dash = '\0';
	if (!dash || !is_on_bridge(params, first) || !is_on_bridge(params, dash + 1))
		return err_set(err, ERR_USAGE,
			       "Dhcp-Range: '%.64s' is not of the form %s.100-%s.120", text,
			       params->prefix, params->prefix);
	snprintf(params->dhcp_first, sizeof(params->dhcp_first), "%s", first);
	snprintf(params->dhcp_last, sizeof(params->dhcp_last), "%s", dash + 1);
	return check_range(params, text, err);
}

/* What the kernel takes as a name (dev_valid_name), and nft and dnsmasq as a word. */
static bool interface_is_valid(const char *name)
{
	if (strlen(name) >= IFNAMSIZ || !isalnum((unsigned char)*name))
		return false;
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return false;
	return !str_eq(name, HOST_BRIDGE) && !str_eq(name, "lo");
}

static int check_interface(const char *field, const char *name, struct err *err)
{
	if (interface_is_valid(name))
		return 0;
	return err_set(err, ERR_USAGE, "%s: '%.32s' is no name of a network card", field, name);
}

static int split(const char *field, const char *text, struct strv *out, struct err *err)
{
	strv_split(out, text, " \t\n");
	if (out->count <= MAX_WORDS)
		return 0;
	return err_set(err, ERR_USAGE, "%s: more than %d words", field, MAX_WORDS);
}

static int set_lan(struct params *params, const char *text, struct err *err)
{
	if (split("Lan-Interface", text, &params->lan_interfaces, err) < 0)
		return -1;
	for (size_t i = 0; i < params->lan_interfaces.count; i++)
		if (check_interface("Lan-Interface", params->lan_interfaces.items[i], err) < 0)
			return -1;
	return 0;
}

static int set_dns(struct params *params, const char *text, struct err *err)
{
	if (split("Dns", text, &params->dns, err) < 0)
		return -1;
	for (size_t i = 0; i < params->dns.count; i++) {
		struct in6_addr in6;
		const char *address = params->dns.items[i];
		if (!is_ipv4(address) && inet_pton(AF_INET6, address, &in6) != 1)
			return err_set(err, ERR_USAGE, "Dns: '%.64s' is no address", address);
	}
	return 0;
}

static int set_boot_server(struct params *params, const char *text, struct err *err)
{
	bool numeric = text[strspn(text, "0123456789.")] == '\0';
	if (numeric ? !is_ipv4(text) : !name_is_valid(text))
		return err_set(err, ERR_USAGE,
			       "Boot-Server: '%.64s' is neither an address nor an instance's name",
			       text);
	params->boot_server = xstrdup(text);
	return 0;
}

/* A word in dnsmasq's dhcp-boot, where a comma ends it; at most what a BOOTP packet holds. */
static int set_file(const char *field, const char *text, char **out, struct err *err)
{
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("/._-+", *p))
			return err_set(err, ERR_USAGE, "%s: '%.64s' has a '%c' in it", field,
				       text, *p);
	if (strlen(text) > MAX_FILE_BYTES)
		return err_set(err, ERR_USAGE, "%s: longer than %d bytes", field, MAX_FILE_BYTES);
	*out = xstrdup(text);
	return 0;
}

static int fill_network(const struct deb822_stanza *s, struct params *params,
			struct err *err)
{
	if (set_address(params, deb822_get_or(s, "Address", DEFAULT_ADDRESS), err) < 0)
		return -1;
	_cleanup_free_ char *usual =
		xasprintf("%s.100-%s.120", params->prefix, params->prefix);
	if (set_range(params, deb822_get_or(s, "Dhcp-Range", usual), err) < 0 ||
	    set_lan(params, deb822_get_or(s, "Lan-Interface", ""), err) < 0)
		return -1;
	return set_dns(params, deb822_get_or(s, "Dns", ""), err);
}

static int fill_rest(const struct deb822_stanza *s, struct params *params, struct err *err)
{
	const char *server = deb822_get_or(s, "Boot-Server", NULL);
	const char *help = deb822_get_or(s, "Help-Interface", NULL);
	if (server && set_boot_server(params, server, err) < 0)
		return -1;
	if (help && check_interface("Help-Interface", help, err) < 0)
		return -1;
	params->help_interface = help ? xstrdup(help) : NULL;
	if (set_file("Boot-File", deb822_get_or(s, "Boot-File", DEFAULT_BOOT_FILE),
		     &params->boot_file, err) < 0 ||
	    set_file("Boot-File-Efi", deb822_get_or(s, "Boot-File-Efi", DEFAULT_BOOT_FILE_EFI),
		     &params->boot_file_efi, err) < 0)
		return -1;
	return network_list_parse(deb822_get_or(s, "Ssh-From", "none"), "Ssh-From",
				  &params->ssh_from, err);
}

int params_parse(const char *text, size_t len, const char *origin, struct params **out,
		 struct err *err)
{
	*out = NULL;
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	_cleanup_(params_freep) struct params *params = xcalloc(1, sizeof(*params));
	if (deb822_parse(text, len, 1, origin, &doc, err) < 0) {
		err->code = ERR_USAGE;
		return -1;
	}
	const struct deb822_stanza *stanza = doc->count ? &doc->stanzas[0] : NULL;
	if (stanza && deb822_check_known(stanza, known_fields, origin, err) < 0) {
		err->code = ERR_USAGE;
		return -1;
	}
	if (fill_network(stanza, params, err) < 0 || fill_rest(stanza, params, err) < 0) {
		err->code = ERR_USAGE;
		return err_prefix(err, "%s", origin);
	}
	*out = steal(&params);
	return 0;
}

int params_read(const struct root *root, struct params **out, struct err *err)
{
	*out = NULL;
	_cleanup_free_ char *path = root_path(root, HOSTCONFIG_CONF);
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	if (file_exists(path) && file_read(path, MAX_BYTES, &text, &len, err) < 0)
		return -1;
	return params_parse(text ? text : "", len, path, out, err);
}
