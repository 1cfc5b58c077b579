/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/site-conf-check.h"

#include <arpa/inet.h>
#include <ctype.h>

#include "common/atomic-file.h"

#define ZONEINFO "/usr/share/zoneinfo"

static int bad(struct err *err, const char *field, const char *value, const char *right)
{
	return err_set(err, ERR_INPUT, "%s: '%.80s' %s", field, value, right);
}

static int parse_ipv4(const char *field, const char *text, uint32_t *out, struct err *err)
{
	struct in_addr in;
	if (inet_pton(AF_INET, text, &in) != 1)
		return bad(err, field, text, "is no IPv4 address");
	*out = ntohl(in.s_addr);
	return 0;
}

static char *format_ipv4(uint32_t address)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr in = { .s_addr = htonl(address) };
	return xstrdup(inet_ntop(AF_INET, &in, text, sizeof(text)));
}

/* A host address of its network, neither the network itself nor its broadcast. */
static bool is_host(uint32_t address, uint32_t mask)
{
	return mask == UINT32_MAX - 1 || ((address & ~mask) != 0 && (address | mask) != UINT32_MAX);
}

static int check_gateway(const struct site_conf *conf, uint32_t address, uint32_t mask,
			 struct err *err)
{
	uint32_t gateway = 0;
	if (!conf->gateway)
		return err_set(err, ERR_INPUT, "Gateway: is missing; a static site needs a "
			       "router to reach its mirror and the configuration server");
	if (parse_ipv4("Gateway", conf->gateway, &gateway, err) < 0)
		return -1;
	if ((gateway & mask) != (address & mask))
		return err_set(err, ERR_INPUT, "Gateway: %s is not in the network of Address: "
			       "%s, netmask %s", conf->gateway, conf->address, conf->netmask);
	if (gateway == address)
		return bad(err, "Gateway", conf->gateway, "is the site's own Address");
	return 0;
}

static int check_static(struct site_conf *conf, const char *text, struct err *err)
{
	uint32_t address = 0, server = 0;
	uint64_t prefix = 0;
	if (!text)
		return err_set(err, ERR_INPUT, "Address: is missing; Network: static needs one, "
			       "such as 192.0.2.10/24");
	const char *slash = strchr(text, '/');
	if (!slash)
		return bad(err, "Address", text, "has no prefix length; write 192.0.2.10/24");
	conf->address = xstrndup(text, (size_t)(slash - text));
	if (parse_ipv4("Address", conf->address, &address, err) < 0 ||
	    number_parse(slash + 1, 8, 31, &prefix, "Address: the prefix length", err) < 0)
		return -1;
	uint32_t mask = UINT32_MAX << (32 - prefix);
	conf->netmask = format_ipv4(mask);
	if (!is_host(address, mask))
		return bad(err, "Address", text, "is the network or its broadcast address, not a "
			   "machine's");
	if (conf->dns.count == 0)
		return err_set(err, ERR_INPUT, "Dns: is missing; a static site needs a name "
			       "server");
	for (size_t i = 0; i < conf->dns.count; i++)
		if (parse_ipv4("Dns", conf->dns.items[i], &server, err) < 0)
			return -1;
	return check_gateway(conf, address, mask, err);
}

static int check_interface(const struct site_conf *conf, struct err *err)
{
	const char *name = conf->interface;
	size_t len = strlen(name);
	if (len > 15 || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0')
		return bad(err, "Interface", name, "is no name of a network card, such as eno1");
	if (conf->vlan && str_eq(name, "auto"))
		return err_set(err, ERR_INPUT, "Vlan: needs Interface: to name the card, such as "
			       "eno1");
	return 0;
}

int check_network(struct site_conf *conf, const char *address, struct err *err)
{
	if (check_interface(conf, err) < 0)
		return -1;
	if (conf->network == NETWORK_STATIC)
		return check_static(conf, address, err);
	if (address || conf->gateway || conf->dns.count)
		return err_set(err, ERR_INPUT, "Address, Gateway and Dns need Network: static");
	return 0;
}

int check_disks(const struct site_conf *conf, struct err *err)
{
	size_t named = 0;
	for (size_t i = 0; i < conf->disk.count; i++) {
		const char *disk = conf->disk.items[i];
		if (str_starts(disk, "/dev/") && disk[5] && !strstr(disk, "..") &&
		    disk[strspn(disk, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789/._:+-")] == '\0')
			named++;
		else if (conf->disk.count > 1 ||
			 (!str_eq(disk, "only") && !str_eq(disk, "smallest") &&
			  !str_eq(disk, "largest")))
			return bad(err, "Disk", disk, "is none of only, smallest, largest, "
				   "/dev/...");
	}
	if (!conf->raid1 && named > 1)
		return err_set(err, ERR_INPUT, "Disk: names %zu disks; a mirror over two needs "
			       "Raid: 1", named);
	if (conf->raid1 && named != 2 && !str_eq(conf->disk.items[0], "only"))
		return err_set(err, ERR_INPUT, "Raid: 1 needs two disks; write Disk: /dev/sda "
			       "/dev/sdb, or Disk: only on a machine with exactly two");
	if (named == 2 && str_eq(conf->disk.items[0], conf->disk.items[1]))
		return bad(err, "Disk", conf->disk.items[0], "is named twice");
	if (conf->disk_minimum_bytes < 4ULL << 30)
		return err_set(err, ERR_INPUT, "Disk-Minimum: less than 4G holds no site");
	return 0;
}

/* http or https, a host, a path; nothing that a line of the preseed file could break on. */
static int check_url(const char *field, const char *url, struct err *err)
{
	if (!url || !*url)
		return 0;
	const char *host = str_starts(url, "http://")    ? url + 7
			   : str_starts(url, "https://") ? url + 8
							 : NULL;
	if (strchr(url, '@'))
		return err_set(err, ERR_INPUT, "%s: has a user or password, which would lie on the "
			       "stick in plain text", field);
	if (!host || !isalnum((unsigned char)*host))
		return bad(err, field, url, "is no http:// or https:// address");
	if (url[strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789/:._~+%-[]")] != '\0')
		return bad(err, field, url, "has characters that no mirror's address needs");
	return 0;
}

static int check_password(const char *password, struct err *err)
{
	if (!password)
		return 0;
	if (!str_starts(password, "$y$") && !str_starts(password, "$6$"))
		return err_set(err, ERR_INPUT, "Password-Crypted: is no hash of a password (it "
			       "begins with $y$ or $6$); run mkpasswd and paste what it prints");
	if (strlen(password) < 20 ||
	    password[strspn(password, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789./$=,")] != '\0')
		return err_set(err, ERR_INPUT, "Password-Crypted: is torn or damaged; run "
			       "mkpasswd again and paste all that it prints");
	return 0;
}

static int check_ssh_key(const char *line, struct err *err)
{
	static const char *const types[] = { "ssh-ed25519 ", "ssh-rsa ", "ecdsa-sha2-",
					     "sk-ssh-ed25519@", "sk-ecdsa-sha2-" };
	if (strstr(line, "PRIVATE KEY"))
		return err_set(err, ERR_INPUT, "Admin-Ssh-Keys: this is a private key; give the "
			       "public one, the file that ends in .pub");
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const char *blob = str_starts(line, types[i]) ? strchr(line, ' ') : NULL;
		if (blob && strlen(blob) > 60 && str_starts(blob + 1, "AAAA"))
			return 0;
	}
	return bad(err, "Admin-Ssh-Keys", line, "is no public key, a line such as "
		   "ssh-ed25519 AAAA... name");
}

static int check_time_zone(const char *zone, struct err *err)
{
	_cleanup_free_ char *path = xasprintf(ZONEINFO "/%s", zone);
	if (!isupper((unsigned char)*zone) || strstr(zone, "..") ||
	    zone[strspn(zone, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "0123456789/_+-")] != '\0' ||
	    (file_exists(ZONEINFO "/UTC") && !file_exists(path)))
		return bad(err, "Time-Zone", zone, "is no time zone, such as "
			   "Europe/Copenhagen; see " ZONEINFO);
	return 0;
}

/* A locale as the installer takes it: language, country, UTF-8. */
static bool is_locale(const char *s)
{
	return islower((unsigned char)s[0]) && islower((unsigned char)s[1]) && s[2] == '_' &&
	       isupper((unsigned char)s[3]) && isupper((unsigned char)s[4]) &&
	       str_eq(s + 5, ".UTF-8");
}

static int check_kernel_args(const char *args, struct err *err)
{
	for (const char *p = args ? args : ""; *p; p++)
		if (!isprint((unsigned char)*p) || strchr("\"'\\`$;|&<>{}", *p))
			return bad(err, "Kernel-Args", args, "has a character that a boot loader "
				   "takes for its own");
	return 0;
}

static int check_packages(const struct site_conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->packages.count; i++)
		if (!name_is_valid(conf->packages.items[i]))
			return bad(err, "Packages", conf->packages.items[i],
				   "is no name of a package");
	return name_is_valid(conf->kernel) && str_starts(conf->kernel, "linux-image-")
		       ? 0
		       : bad(err, "Kernel", conf->kernel, "is no kernel package, such as "
			     "linux-image-amd64");
}

static int check_choice(const char *field, const char *value, const char *const *choices,
			struct err *err)
{
	_cleanup_strv_ struct strv all = STRV_INIT;
	for (; *choices; choices++) {
		if (str_eq(value, *choices))
			return 0;
		strv_add(&all, *choices);
	}
	_cleanup_free_ char *joined = strv_join(&all, ", ");
	return err_set(err, ERR_INPUT, "%s: '%.80s' is none of %s", field, value, joined);
}

static bool is_domain(const char *domain)
{
	return domain[0] != '.' && domain[0] != '-' &&
	       domain[strspn(domain, "abcdefghijklmnopqrstuvwxyz0123456789.-")] == '\0';
}

int check_words(const struct site_conf *conf, struct err *err)
{
	static const char *const hypervisors[] = { "kvm", "xen", "none", NULL };
	static const char *const drivers[] = { "most", "dep", NULL };
	if (check_url("Mirror", conf->mirror, err) < 0 ||
	    check_url("Security-Mirror", conf->security_mirror, err) < 0 ||
	    check_url("Proxy", conf->proxy, err) < 0 ||
	    check_password(conf->password, err) < 0 ||
	    check_time_zone(conf->time_zone, err) < 0 ||
	    check_kernel_args(conf->kernel_args, err) < 0 || check_packages(conf, err) < 0 ||
	    check_choice("Hypervisor", conf->hypervisor, hypervisors, err) < 0 ||
	    check_choice("Drivers", conf->drivers, drivers, err) < 0)
		return -1;
	for (size_t i = 0; i < conf->ssh_keys.count; i++)
		if (check_ssh_key(conf->ssh_keys.items[i], err) < 0)
			return -1;
	if (conf->domain && !is_domain(conf->domain))
		return bad(err, "Domain", conf->domain, "is no DNS domain, such as example.org");
	if (!is_locale(conf->locale))
		return bad(err, "Locale", conf->locale, "is no locale, such as da_DK.UTF-8");
	if (!islower((unsigned char)conf->keyboard[0]) ||
	    conf->keyboard[strspn(conf->keyboard, "abcdefghijklmnopqrstuvwxyz0123456789_()-")])
		return bad(err, "Keyboard", conf->keyboard, "is no keymap, such as us or dk");
	return 0;
}
