/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "common/appliance-conf-parts.h"
#include "common/deb822.h"
#include "common/strv.h"

/* Exact, unlike size_format(): "512M", "4G", "1234". */
static void write_size(struct strbuf *out, const char *name, uint64_t bytes)
{
	static const char letters[] = "TGMK";
	for (unsigned i = 0; letters[i]; i++) {
		uint64_t unit = UINT64_C(1) << (40 - 10 * i);
		if (bytes >= unit && bytes % unit == 0) {
			strbuf_addf(out, "%s: %llu%c\n", name,
				    (unsigned long long)(bytes / unit), letters[i]);
			return;
		}
	}
	strbuf_addf(out, "%s: %llu\n", name, (unsigned long long)bytes);
}

char *appliance_conf_ports(const struct appliance_conf *conf)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	for (size_t i = 0; i < conf->port_count; i++)
		strv_addf(&words, "%u:%u%s", conf->ports[i].host_port,
			  conf->ports[i].guest_port, conf->ports[i].udp ? "/udp" : "");
	return strv_join(&words, " ");
}

static void format_health(const struct appliance_conf *conf, struct strbuf *out)
{
	_cleanup_strbuf_ struct strbuf lines = STRBUF_INIT;
	for (size_t i = 0; i < conf->health_count; i++) {
		const struct health_check *check = &conf->health[i];
		strbuf_addf(&lines, "\n%s", health_kind_name(check->kind));
		if (check->kind == HEALTH_EXEC)
			strbuf_addf(&lines, ":%s", check->argument);
		else if (check->kind >= HEALTH_TCP)
			strbuf_addf(&lines, ":%u%s", check->guest_port,
				    check->argument ? check->argument : "");
		strbuf_addf(&lines, " deadline=%us interval=%us", check->deadline_seconds,
			    check->interval_seconds);
	}
	if (lines.len)
		deb822_write(out, "Health", lines.data);
}

static void format_params(const struct appliance_conf *conf, struct strbuf *out)
{
	_cleanup_strbuf_ struct strbuf lines = STRBUF_INIT;
	for (size_t i = 0; i < conf->param_count; i++) {
		const struct appliance_param *param = &conf->params[i];
		strbuf_addf(&lines, "\n%s", param->name);
		if (param->default_value)
			strbuf_addf(&lines, "=%s", param->default_value);
		else if (param->secret)
			strbuf_adds(&lines, " secret");
	}
	if (lines.len)
		deb822_write(out, "Params", lines.data);
}

/* When it runs, and for how long. */
static void format_running(const struct appliance_conf *conf, struct strbuf *out)
{
	_cleanup_free_ char *names = strv_join(&conf->start_after, " ");
	if (*names)
		deb822_write(out, "Start-After", names);
	deb822_write(out, "Autostart", conf->autostart ? "yes" : "no");
	if (conf->time_limit_seconds)
		strbuf_addf(out, "Time-Limit: %us\n", conf->time_limit_seconds);
}

void appliance_conf_format(const struct appliance_conf *conf, struct strbuf *out)
{
	deb822_write(out, "Format", APPLIANCE_FORMAT_LINE);
	deb822_write(out, "Appliance", conf->appliance);
	deb822_write(out, "Version", conf->version);
	deb822_write(out, "Architecture", conf->architecture);
	deb822_write(out, "Base-SHA256", conf->base_sha256);
	write_size(out, "Disk", conf->disk_bytes);
	write_size(out, "Memory", conf->memory_bytes);
	strbuf_addf(out, "Vcpus: %u\n", conf->vcpus);
	if (conf->cpu_percent)
		strbuf_addf(out, "Cpu-Limit: %u%%\n", conf->cpu_percent);
	if (conf->data_bytes)
		write_size(out, "Data", conf->data_bytes);
	if (conf->swap_bytes)
		write_size(out, "Swap", conf->swap_bytes);
	deb822_write(out, "Boot", boot_names[conf->boot]);
	if (conf->boot == BOOT_DISK)
		deb822_write(out, "Firmware", firmware_names[conf->firmware]);
	if (conf->kernel_args)
		deb822_write(out, "Kernel-Args", conf->kernel_args);
	deb822_write(out, "Network", network_names[conf->network]);
	_cleanup_free_ char *ports = appliance_conf_ports(conf);
	if (*ports)
		deb822_write(out, "Ports", ports);
	deb822_write(out, "Graphics", graphics_names[conf->graphics]);
	format_running(conf, out);
	format_health(conf, out);
	if (conf->health_count || conf->watch_seconds)
		strbuf_addf(out, "Watch: %us\n", conf->watch_seconds);
	deb822_write(out, "Upgrade", upgrade_names[conf->upgrade]);
	format_params(conf, out);
}
