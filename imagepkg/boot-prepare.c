/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/boot-prepare.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "common/seed.h"
#include "common/vm-disk.h"
#include "imagepkg/qcow2.h"
#include "imagepkg/vm-args.h"

enum { SECRET_BYTES = 16, MAX_VARS_BYTES = 16 * 1024 * 1024 };

void boot_files_free(struct boot_files *files)
{
	if (!files)
		return;
	settings_freep(&files->settings);
	image_deb_freep(&files->image);
	workdir_freep(&files->work);
	free(files->kernel);
	free(files->initrd);
	free(files->uefi_code);
	free(files);
}

static int add_secret(const char *name, struct strbuf *out, struct err *err)
{
	unsigned char bytes[SECRET_BYTES];
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return err_sys(err, "make up a secret");
	strbuf_addf(out, "%s: ", name);
	for (size_t i = 0; i < sizeof(bytes); i++)
		strbuf_addf(out, "%02x", bytes[i]);
	strbuf_addc(out, '\n');
	return 0;
}

static bool is_given(const struct strv *params, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < params->count; i++)
		if (strncmp(params->items[i], name, len) == 0 && params->items[i][len] == '=')
			return true;
	return false;
}

static bool is_declared(const struct appliance_conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->param_count; i++)
		if (str_eq(conf->params[i].name, name))
			return true;
	return false;
}

int boot_params_text(const struct appliance_conf *conf, const struct strv *params,
		     struct strbuf *out, struct err *err)
{
	for (size_t i = 0; i < params->count; i++) {
		const char *equals = strchr(params->items[i], '=');
		if (!equals)
			return err_set(err, ERR_USAGE, "--param %s: is not NAME=VALUE",
				       params->items[i]);
		_cleanup_free_ char *name =
			xstrndup(params->items[i], (size_t)(equals - params->items[i]));
		if (!is_declared(conf, name))
			return err_set(err, ERR_USAGE,
				       "--param %s: %s %s declares no parameter of that name",
				       name, conf->appliance, conf->version);
		deb822_write(out, name, equals + 1);
	}
	for (size_t i = 0; i < conf->param_count; i++) {
		const struct appliance_param *p = &conf->params[i];
		if (p->secret && !p->default_value && !is_given(params, p->name) &&
		    add_secret(p->name, out, err) < 0)
			return -1;
	}
	return 0;
}

static bool has_forward(const struct appliance_conf *conf, uint16_t guest_port)
{
	for (size_t i = 0; i < conf->port_count; i++)
		if (conf->ports[i].guest_port == guest_port && !conf->ports[i].udp)
			return true;
	return false;
}

void boot_network(struct appliance_conf *conf)
{
	if (conf->network == NETWORK_NONE)
		return;
	conf->network = NETWORK_USER;
	for (size_t i = 0; i < conf->port_count; i++)
		conf->ports[i].host_port = 0;
	for (size_t i = 0; i < conf->health_count; i++) {
		const struct health_check *check = &conf->health[i];
		if ((check->kind != HEALTH_TCP && check->kind != HEALTH_HTTP) ||
		    has_forward(conf, check->guest_port))
			continue;
		conf->ports = xrealloc(conf->ports,
				       (conf->port_count + 1) * sizeof(*conf->ports));
		conf->ports[conf->port_count++] =
			(struct port_forward){ .guest_port = check->guest_port };
	}
}

static int make_settings(struct boot_files *files, const struct strv *params, struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	struct appliance_conf *conf = files->image->conf;
	if (!str_eq(conf->architecture, "amd64"))
		return err_set(err, ERR_REFUSED, "it is for %s, and only amd64 can be booted here",
			       conf->architecture);
	if (boot_params_text(conf, params, &text, err) < 0)
		return -1;
	files->image->conf = NULL;
	if (settings_merge(conf, text.data, text.len, "--param", &files->settings, err) < 0)
		return -1;
	boot_network(files->settings->conf);
	return 0;
}

/* ERR_NOT_FOUND if the package has no such file. */
static int extract(const struct boot_files *files, const char *name, struct err *err)
{
	_cleanup_free_ char *from = image_deb_file(files->image, name);
	_cleanup_free_ char *to = workdir_file(files->work, name);
	_cleanup_close_ int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "create %s", to);
	if (deb_data_extract(files->image->deb, from, fd, err) < 0)
		return err_prefix(err, "%s", name);
	return 0;
}

/* QEMU would open what a base names as its own base, so that is looked at first. */
static int make_disks(const struct boot_files *files, struct err *err)
{
	const struct appliance_conf *conf = files->settings->conf;
	struct qcow2_info info;
	char sha256[SHA256_HEX_LEN + 1];
	_cleanup_free_ char *base = workdir_file(files->work, BASE_FILE);
	_cleanup_free_ char *system = workdir_file(files->work, VM_SYSTEM);
	_cleanup_free_ char *data = workdir_file(files->work, VM_DATA);
	_cleanup_free_ char *swap = workdir_file(files->work, VM_SWAP);
	_cleanup_free_ char *seed = workdir_file(files->work, VM_SEED);
	if (extract(files, BASE_FILE, err) < 0 || sha256_file(base, sha256, NULL, err) < 0 ||
	    qcow2_read_header(base, &info, err) < 0)
		return -1;
	if (!str_eq(sha256, conf->base_sha256))
		return err_set(err, ERR_INPUT, BASE_FILE " is not the one that " CONF_FILE
			       " names; 'imagepkg verify' says more");
	if (vm_disk_overlay(system, BASE_FILE, err) < 0 ||
	    (conf->data_bytes && vm_disk_data(data, conf->data_bytes, err) < 0) ||
	    (conf->swap_bytes && vm_disk_swap(swap, conf->swap_bytes, err) < 0))
		return -1;
	return seed_write(seed, conf->appliance, files->settings, err);
}

static int take_kernel(struct boot_files *files, struct err *err)
{
	if (extract(files, KERNEL_FILE, err) < 0)
		return -1;
	files->kernel = workdir_file(files->work, KERNEL_FILE);
	if (extract(files, INITRD_FILE, err) == 0) {
		files->initrd = workdir_file(files->work, INITRD_FILE);
		return 0;
	}
	if (err->code != ERR_NOT_FOUND)
		return -1;
	err_clear(err);
	return 0;
}

/* As a site would, this host's own; its modules stay outside. */
static int take_host_kernel(struct boot_files *files, struct err *err)
{
	struct utsname host;
	if (uname(&host) < 0)
		return err_sys(err, "ask for the running kernel");
	files->kernel = xasprintf("/boot/vmlinuz-%s", host.release);
	files->initrd = xasprintf("/boot/initrd.img-%s", host.release);
	if (access(files->kernel, R_OK) < 0 || access(files->initrd, R_OK) < 0)
		return err_set(err, ERR_REFUSED,
			       "Boot: host-kernel needs the running kernel's files, and %s or %s "
			       "cannot be read here; test it on a host like the sites'",
			       files->kernel, files->initrd);
	log_info("it boots this host's kernel %s, without its modules inside", host.release);
	return 0;
}

static int take_uefi(struct boot_files *files, struct err *err)
{
	static const char *const firmware[][2] = {
		{ "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd" },
		{ "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd" },
	};
	_cleanup_free_ char *copy = workdir_file(files->work, VM_UEFI_VARS);
	_cleanup_free_ char *vars = NULL;
	size_t len = 0;
	for (size_t i = 0; i < ARRAY_SIZE(firmware); i++) {
		if (access(firmware[i][0], R_OK) < 0 || access(firmware[i][1], R_OK) < 0)
			continue;
		files->uefi_code = xstrdup(firmware[i][0]);
		if (file_read(firmware[i][1], MAX_VARS_BYTES, &vars, &len, err) < 0)
			return -1;
		return atomic_file_write(copy, vars, len, 0600, err);
	}
	return err_set(err, ERR_REFUSED, "Firmware: uefi needs the package ovmf on this host");
}

static int take_boot(struct boot_files *files, struct err *err)
{
	const struct appliance_conf *conf = files->settings->conf;
	switch (conf->boot) {
	case BOOT_KERNEL:
		return take_kernel(files, err);
	case BOOT_HOST_KERNEL:
		return take_host_kernel(files, err);
	case BOOT_DISK:
		break;
	}
	return conf->firmware == FIRMWARE_UEFI ? take_uefi(files, err) : 0;
}

int boot_files_make(const char *deb_path, const struct strv *params, struct boot_files **out,
		    struct err *err)
{
	_cleanup_(boot_files_freep) struct boot_files *files = xcalloc(1, sizeof(*files));
	*out = NULL;
	if (image_deb_open(deb_path, &files->image, err) < 0)
		return -1;
	if (sha256_fd(files->image->deb->fd, files->deb_sha256, NULL, err) < 0 ||
	    make_settings(files, params, err) < 0 || workdir_new(&files->work, err) < 0 ||
	    take_boot(files, err) < 0 || make_disks(files, err) < 0)
		return err_prefix(err, "%s", deb_path);
	*out = steal(&files);
	return 0;
}
