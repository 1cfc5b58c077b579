/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/neighbours.h"

#include "common/atomic-file.h"
#include "common/pkgmgr-conf.h"
#include "pkgmgr/schedule.h"

/* A machine that is no site yet has none. */
static int read_conf(const struct root *root, struct pkgmgr_conf **conf, struct err *err)
{
	_cleanup_free_ char *path = root_path(root, PKGMGR_CONF);
	return file_exists(path) ? pkgmgr_conf_read(root, conf, err) : 0;
}

static int read_schedule(const struct root *root, struct strv *networks, struct err *err)
{
	struct schedule schedule;
	schedule_init(&schedule);
	int result = schedule_read(root, &schedule, err);
	if (result == 0 && schedule.serve_to)
		result = serve_to_parse(schedule.serve_to, networks, err);
	schedule_destroy(&schedule);
	return result;
}

int neighbours_read(const struct root *root, struct strv *networks, struct err *err)
{
	_cleanup_(pkgmgr_conf_freep) struct pkgmgr_conf *conf = NULL;
	if (read_conf(root, &conf, err) < 0)
		return -1;
	if (!conf || !conf->fetch.has_serve_to)
		return read_schedule(root, networks, err);
	serve_to_merge(&conf->fetch, NULL, networks);
	return 0;
}
