/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/site-conf.h"

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "preseed/site-conf-check.h"

enum { MAX_CONF_BYTES = 256 * 1024 };

static const char *const known[] = {
	"Disk", "Disk-Minimum", "Raid", "Interface", "Network", "Address", "Gateway", "Dns",
	"Vlan", "Domain", "Mirror", "Security-Mirror", "Proxy", "Time-Zone", "Locale",
	"Keyboard", "Admin-Ssh-Keys", "Password-Crypted", "Hypervisor", "Kernel", "Drivers",
	"Kernel-Args", "Packages", NULL,
};

/* A password in a field that we do not know may be a plaintext one: say so. */
static int check_passwords(const struct deb822_stanza *stanza, const char *origin,
			   struct err *err)
{
	for (size_t i = 0; i < stanza->count; i++) {
		const char *name = stanza->fields[i].name;
		if (strcasestr(name, "password") && strcasecmp(name, "Password-Crypted") != 0)
			return err_set(err, ERR_INPUT,
				       "%s: line %u: %s: a stick carries no plaintext password; "
				       "use Password-Crypted: with what mkpasswd prints",
				       origin, stanza->fields[i].line, name);
	}
	return 0;
}

static char *value_or(const struct deb822_stanza *stanza, const char *name, const char *value)
{
	const char *set = stanza ? deb822_get(stanza, name) : NULL;
	return set && *set ? xstrdup(set) : value ? xstrdup(value) : NULL;
}

static void split(const struct deb822_stanza *stanza, const char *name, const char *separators,
		  struct strv *out)
{
	const char *set = stanza ? deb822_get(stanza, name) : NULL;
	if (set)
		strv_split(out, set, separators);
}

static int take_network(const struct deb822_stanza *stanza, struct site_conf *conf,
			struct err *err)
{
	_cleanup_free_ char *network = value_or(stanza, "Network", "dhcp");
	_cleanup_free_ char *address = value_or(stanza, "Address", NULL);
	_cleanup_free_ char *vlan = value_or(stanza, "Vlan", NULL);
	uint64_t id = 0;
	conf->interface = value_or(stanza, "Interface", "auto");
	conf->gateway = value_or(stanza, "Gateway", NULL);
	split(stanza, "Dns", " ,\n\t", &conf->dns);
	if (str_eq(network, "static"))
		conf->network = NETWORK_STATIC;
	else if (!str_eq(network, "dhcp"))
		return err_set(err, ERR_INPUT, "Network: '%s' is neither dhcp nor static",
			       network);
	if (vlan && number_parse(vlan, 1, 4094, &id, "Vlan", err) < 0)
		return -1;
	conf->vlan = (unsigned)id;
	return check_network(conf, address, err);
}

static int take_words(const struct deb822_stanza *stanza, struct site_conf *conf,
		      struct err *err)
{
	_cleanup_free_ char *minimum = value_or(stanza, "Disk-Minimum", "8G");
	_cleanup_free_ char *raid = value_or(stanza, "Raid", "none");
	split(stanza, "Disk", " ,\n\t", &conf->disk);
	if (conf->disk.count == 0)
		strv_add(&conf->disk, "only");
	if (!str_eq(raid, "none") && !str_eq(raid, "1"))
		return err_set(err, ERR_INPUT, "Raid: '%s' is neither none nor 1", raid);
	conf->raid1 = str_eq(raid, "1");
	conf->mirror = value_or(stanza, "Mirror", NULL);
	conf->security_mirror = value_or(stanza, "Security-Mirror", NULL);
	conf->proxy = value_or(stanza, "Proxy", NULL);
	if (str_same(conf->proxy, "none"))
		conf->proxy[0] = '\0';
	conf->domain = value_or(stanza, "Domain", NULL);
	conf->time_zone = value_or(stanza, "Time-Zone", "Etc/UTC");
	conf->locale = value_or(stanza, "Locale", "en_US.UTF-8");
	conf->keyboard = value_or(stanza, "Keyboard", "us");
	split(stanza, "Admin-Ssh-Keys", "\n", &conf->ssh_keys);
	conf->password = value_or(stanza, "Password-Crypted", NULL);
	conf->hypervisor = value_or(stanza, "Hypervisor", "kvm");
	conf->kernel = value_or(stanza, "Kernel", "linux-image-amd64");
	conf->drivers = value_or(stanza, "Drivers", "most");
	conf->kernel_args = value_or(stanza, "Kernel-Args", NULL);
	split(stanza, "Packages", " ,\n\t", &conf->packages);
	return size_parse(minimum, &conf->disk_minimum_bytes, "Disk-Minimum", err);
}

int site_conf_parse(const char *text, size_t len, const char *origin, struct site_conf **out,
		    struct err *err)
{
	*out = NULL;
	_cleanup_(site_conf_freep) struct site_conf *conf = xcalloc(1, sizeof(*conf));
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	if (len && deb822_parse(text, len, 1, origin, &doc, err) < 0)
		return -1;
	const struct deb822_stanza *stanza = doc && doc->count ? &doc->stanzas[0] : NULL;
	if (stanza && (check_passwords(stanza, origin, err) < 0 ||
		       deb822_check_known(stanza, known, origin, err) < 0))
		return -1;
	if (take_words(stanza, conf, err) < 0 || take_network(stanza, conf, err) < 0 ||
	    check_disks(conf, err) < 0 || check_words(conf, err) < 0)
		return err_prefix(err, "%s", origin);
	*out = steal(&conf);
	return 0;
}

int site_conf_read(const char *path, struct site_conf **out, struct err *err)
{
	size_t len = 0;
	_cleanup_free_ char *text = NULL;
	*out = NULL;
	if (path && file_read(path, MAX_CONF_BYTES, &text, &len, err) < 0)
		return -1;
	return site_conf_parse(text, len, path ? path : "the defaults", out, err);
}

char *site_conf_uplink(const struct site_conf *conf)
{
	return conf->vlan ? xasprintf("%s.%u", conf->interface, conf->vlan)
			  : xstrdup(conf->interface);
}

void site_conf_free(struct site_conf *conf)
{
	if (!conf)
		return;
	strv_destroy(&conf->disk);
	strv_destroy(&conf->dns);
	strv_destroy(&conf->ssh_keys);
	strv_destroy(&conf->packages);
	char *const strings[] = {
		conf->interface, conf->address, conf->netmask, conf->gateway, conf->domain,
		conf->mirror, conf->security_mirror, conf->proxy, conf->time_zone, conf->locale,
		conf->keyboard, conf->password, conf->hypervisor, conf->kernel, conf->drivers,
		conf->kernel_args,
	};
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	free(conf);
}
