/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/steps.h"

#include <time.h>

#include "appliance/base-store.h"
#include "appliance/host-kernel.h"
#include "appliance/nat.h"
#include "appliance/screen-agent.h"
#include "common/seed.h"
#include "common/atomic-file.h"
#include "common/log.h"

void step_context_destroy(struct step_context *c)
{
	settings_free(c->settings);
	health_round_destroy(&c->round);
	free(c->domain);
	free(c->other_unit);
	free(c->reverted_why);
	free(c->blocked_why);
}

int step_retain(struct step_context *c, struct err *err)
{
	if (base_store_retain(c->host, c->inst->appliance, err) < 0)
		return -1;
	bool has;
	if (base_store_has(c->host, c->inst, &has, err) < 0)
		return -1;
	if (!has)
		return err_set(
			err, ERR_NOT_FOUND,
			"version %s of %s is wanted but neither installed nor kept; "
			"`appliance want %s` takes the installed one",
			c->inst->wanted_version, c->inst->appliance, c->inst->name);
	return 0;
}

/* What is given up need not be asked: its disks are thrown away. */
int step_stop(struct step_context *c, struct err *err)
{
	bool forced, polite = c->inst->trial != TRIAL_REVERT;
	if (domain_stop(c->hv, c->domain, polite ? c->host->stop_timeout_ms : 0, &forced,
			err) < 0)
		return -1;
	c->stopped = true;
	c->inst->started_at = 0;
	c->inst->health = HEALTH_UNKNOWN;
	instance_set(&c->inst->health_reason, NULL);
	log_event("instance-stop", "%s", c->inst->name);
	if (forced && polite)
		log_warn("%s did not stop within %d s and was switched off",
			 c->inst->name, c->host->stop_timeout_ms / 1000);
	return 0;
}

int step_undefine(struct step_context *c, struct err *err)
{
	if (nat_leave(c->host, c->hv, c->inst->unit, err) < 0)
		return -1;
	return domain_undefine(c->hv, c->domain, err);
}

/* The version's kernel or initrd goes beside its overlay, or the host's, or none. */
static int place_boot_file(struct step_context *c, const char *file, const char *of_host,
			   struct err *err)
{
	const struct instance *inst = c->inst;
	_cleanup_free_ char *of_version =
		version_path(&c->host->root, inst->appliance, inst->wanted_version, file);
	_cleanup_free_ char *path = instance_path(&c->host->root, inst->unit, file);
	bool own = c->settings->conf->boot == BOOT_KERNEL && file_exists(of_version);
	const char *from = of_host ? of_host : own ? of_version : NULL;
	return from ? disk_copy_file(c->host, inst->unit, from, file, err)
		    : atomic_unlink(path, err);
}

/* Source: Debian's package ovmf, in 12 and 13. No secure boot. */
#define UEFI_CODE "/usr/share/OVMF/OVMF_CODE_4M.fd"
#define UEFI_VARS "/usr/share/OVMF/OVMF_VARS_4M.fd"

/* UEFI's variables are as fresh as the disk that they speak of. */
static int place_nvram(struct step_context *c, struct err *err)
{
	_cleanup_free_ char *path =
		instance_path(&c->host->root, c->inst->unit, NVRAM_FILE);
	if (c->settings->conf->firmware != FIRMWARE_UEFI)
		return atomic_unlink(path, err);
	if (!file_exists(UEFI_CODE) || !file_exists(UEFI_VARS))
		return err_set(err, ERR_NOT_FOUND,
			       "Firmware: uefi needs " UEFI_VARS "; install Debian's "
			       "package ovmf");
	return disk_copy_file(c->host, c->inst->unit, UEFI_VARS, NVRAM_FILE, err);
}

/* What the overlay was made for is recorded last: a death before makes it anew. */
static int make_system(struct step_context *c, const struct host_kernel *kernel,
		       struct err *err)
{
	struct instance *inst = c->inst;
	_cleanup_free_ char *dir = instance_path(&c->host->root, inst->unit, "");
	if (make_dirs(dir, 0711, err) < 0 ||
	    disk_make_overlay(c->host, inst->unit, inst->wanted_base, kernel, err) < 0 ||
	    place_boot_file(c, KERNEL_FILE, kernel ? kernel->kernel : NULL, err) < 0 ||
	    place_boot_file(c, INITRD_FILE, kernel ? kernel->initrd : NULL, err) < 0 ||
	    place_nvram(c, err) < 0)
		return -1;
	return host_kernel_record(c->host, inst->unit, kernel, err);
}

int step_overlay(struct step_context *c, struct err *err)
{
	struct instance *inst = c->inst;
	_cleanup_(host_kernel_destroy) struct host_kernel kernel = { 0 };
	bool of_host = c->settings->conf->boot == BOOT_HOST_KERNEL;
	if ((of_host && host_kernel_find(c->host, &kernel, err) < 0) ||
	    make_system(c, of_host ? &kernel : NULL, err) < 0)
		return -1;
	log_event("instance-version", "%s goes from %s to %s", inst->name,
		  inst->actual_version ? inst->actual_version : "none",
		  inst->wanted_version);
	instance_set(&inst->actual_version, inst->wanted_version);
	instance_set(&inst->actual_base, inst->wanted_base);
	bool good = str_same(inst->good_version, inst->wanted_version) &&
		    str_same(inst->good_base, inst->wanted_base);
	inst->trial = good ? TRIAL_NONE : TRIAL_GATE;
	inst->trial_since = time(NULL);
	return 0;
}

int step_disks(struct step_context *c, struct err *err)
{
	const struct appliance_conf *conf = c->settings->conf;
	_cleanup_free_ char *data =
		instance_path(&c->host->root, c->inst->unit, DATA_FILE);
	_cleanup_free_ char *swap =
		instance_path(&c->host->root, c->inst->unit, SWAP_FILE);
	if (conf->data_bytes && !file_exists(data) &&
	    disk_make_data(c->host, c->inst->unit, conf->data_bytes, err) < 0)
		return -1;
	if (conf->swap_bytes && !file_exists(swap))
		return disk_make_swap(c->host, c->inst->unit, conf->swap_bytes, err);
	return 0;
}

static int check_bootable(const struct appliance_conf *conf, struct err *err)
{
	if (!str_eq(conf->architecture, "amd64"))
		return err_set(err, ERR_REFUSED, "is for %s; this host runs amd64 guests",
			       conf->architecture);
	return 0;
}

/* The files of an instance; a string is NULL if the conf does not ask for that one. */
struct paths {
	char *kernel, *initrd, *nvram, *overlay, *base, *data, *swap, *seed, *console, *screen;
};

static void paths_init(struct paths *p, const struct step_context *c)
{
	const struct root *root = &c->host->root;
	const char *name = c->inst->unit;
	const struct appliance_conf *conf = c->settings->conf;
	*p = (struct paths){
		.overlay = instance_path(root, name, OVERLAY_FILE),
		.base = base_path(root, c->inst->wanted_base),
		.seed = instance_path(root, name, SEED_FILE),
		.console = instance_path(root, name, CONSOLE_FILE),
	};
	if (conf->data_bytes)
		p->data = instance_path(root, name, DATA_FILE);
	if (conf->swap_bytes)
		p->swap = instance_path(root, name, SWAP_FILE);
	if (settings_has_screen_agent(c->settings))
		p->screen = instance_path(root, name, SCREEN_SOCKET);
	if (conf->firmware == FIRMWARE_UEFI)
		p->nvram = instance_path(root, name, NVRAM_FILE);
	if (conf->boot == BOOT_DISK)
		return;
	p->kernel = instance_path(root, name, KERNEL_FILE);
	p->initrd = instance_path(root, name, INITRD_FILE);
	if (!file_exists(p->initrd)) {
		free(p->initrd);
		p->initrd = NULL;
	}
}

static void paths_destroy(struct paths *p)
{
	free(p->kernel);
	free(p->initrd);
	free(p->nvram);
	free(p->overlay);
	free(p->base);
	free(p->data);
	free(p->swap);
	free(p->seed);
	free(p->console);
	free(p->screen);
}

static void fill_spec(struct domain_spec *spec, const struct step_context *c,
		      const struct paths *paths)
{
	const struct appliance_conf *conf = c->settings->conf;
	*spec = (struct domain_spec){
		.domain_name = c->domain,
		.instance = c->inst->name,
		.version = c->inst->wanted_version,
		.digest = c->settings->digest,
		.memory_bytes = conf->memory_bytes,
		.vcpus = conf->vcpus,
		.kernel = paths->kernel,
		.initrd = paths->initrd,
		.kernel_args = conf->kernel_args,
		.loader = paths->nvram ? UEFI_CODE : NULL,
		.nvram = paths->nvram,
		.overlay = paths->overlay,
		.base = paths->base,
		.data = paths->data,
		.swap = paths->swap,
		.seed = paths->seed,
		.console_log = paths->console,
		.network = conf->network,
		.nat_network = c->host->lan ? NULL : NAT_NETWORK,
		.nat_bridge = c->host->lan ? HOST_BRIDGE : NULL,
		.ports = conf->ports,
		.port_count = conf->port_count,
		.vnc = conf->graphics == GRAPHICS_VNC,
		.vnc_socket = paths->screen,
	};
}

/* What libvirt needs to enforce Cpu-Limit; it refuses to start a domain without. */
static bool host_limits_cpu(void)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_err_ struct err err = ERR_INIT;
	size_t len;
	if (file_exists("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"))
		return true;
	return file_read("/sys/fs/cgroup/cgroup.controllers", 4096, &text, &len, &err) == 0 &&
	       strstr(text, "cpu ");
}

static unsigned cpu_limit(const struct step_context *c)
{
	unsigned percent = c->settings->conf->cpu_percent;
	if (percent == 0 || host_limits_cpu())
		return percent;
	log_warn("%s: Cpu-Limit is not enforced: this host has no cgroup controller for CPUs",
		 c->inst->name);
	return 0;
}

static int define_domain(struct step_context *c, int64_t started_at, struct err *err)
{
	char uuid[DOMAIN_UUID_SIZE], mac[DOMAIN_MAC_SIZE];
	domain_uuid(c->host->root.dir, c->inst->unit, uuid);
	domain_mac(c->host->root.dir, c->inst->unit, mac);
	_cleanup_(paths_destroy) struct paths paths;
	struct domain_spec spec;
	paths_init(&paths, c);
	fill_spec(&spec, c, &paths);
	spec.uuid = uuid;
	spec.mac = mac;
	spec.started_at = started_at;
	spec.cpu_percent = cpu_limit(c);
	if (hypervisor_check(c->hv, c->settings->conf, err) < 0 ||
	    hypervisor_domain_type(c->hv, c->host->state, &spec.type, err) < 0)
		return -1;
	_cleanup_strbuf_ struct strbuf xml = STRBUF_INIT;
	domain_xml_format(&spec, &xml);
	return domain_define(c->hv, xml.data, err);
}

/* The seed first: a domain with the right digest has the right seed. */
int step_define(struct step_context *c, struct err *err)
{
	_cleanup_free_ char *seed =
		instance_path(&c->host->root, c->inst->unit, SEED_FILE);
	if (check_bootable(c->settings->conf, err) < 0 ||
	    seed_write(seed, c->inst->name, c->settings, err) < 0)
		return -1;
	return define_domain(c, 0, err);
}

/* Defined anew: since it was defined the host may have booted without KVM, or this
 * program may have been upgraded. */
int step_start(struct step_context *c, struct err *err)
{
	if (c->settings->conf->network == NETWORK_NAT &&
	    nat_join(c->host, c->hv, c->inst->unit, err) < 0)
		return -1;
	_cleanup_free_ char *console =
		instance_path(&c->host->root, c->inst->unit, CONSOLE_FILE);
	_cleanup_err_ struct err no_log = ERR_INIT;
	if (settings_has_screen_agent(c->settings) &&
	    screen_prepare(c->host, c->hv, c->inst->unit, err) < 0)
		return -1;
	if (define_domain(c, time(NULL), err) < 0)
		return -1;
	if (domain_log_console(c->hv, c->domain, console, &no_log) < 0)
		log_warn("%s: its console is not logged: %s", c->inst->name, no_log.msg);
	if (domain_start(c->hv, c->domain, err) < 0) {
		if (strstr(err->msg, "host forwarding rule"))
			err_prefix(err,
				   "a host port of Ports is taken, or below 1024, which "
				   "needs Network: nat");
		return -1;
	}
	/* What was seen before is of no use for the one that runs now. */
	c->asked = false;
	c->verdict = VERDICT_NONE;
	c->started = true;
	c->inst->started_at = time(NULL);
	c->inst->failures = 0;
	log_event("instance-start", "%s %s", c->inst->name, c->inst->wanted_version);
	return 0;
}

int step_expire(struct step_context *c, struct err *err)
{
	(void)err;
	log_event("instance-expire", "%s has run for its Time-Limit of %u s", c->inst->name,
		  c->settings->conf->time_limit_seconds);
	c->inst->wanted_state = WANTED_STOPPED;
	return 0;
}

int step_pause(struct step_context *c, struct err *err)
{
	return domain_pause(c->hv, c->domain, err);
}

int step_resume(struct step_context *c, struct err *err)
{
	return domain_resume(c->hv, c->domain, err);
}

int step_forget(struct step_context *c, struct err *err)
{
	c->forgotten = true;
	return instance_forget(c->host->state, c->inst->name, err);
}
