/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/pkgmgr.h"

int pkgmgr_open_unenrolled(struct pkgmgr *m, struct err *err)
{
	if (!m->root.dir && root_init(&m->root, NULL, err) < 0)
		return -1;
	if (pkgmgr_conf_read(&m->root, &m->conf, err) < 0)
		return -1;
	return state_open(&m->root, &m->state, err);
}

int pkgmgr_open(struct pkgmgr *m, struct err *err)
{
	if (pkgmgr_open_unenrolled(m, err) < 0)
		return -1;
	if (m->conf->site)
		return 0;
	return err_set(err, ERR_USAGE,
		       "%s names no Site: this machine is not enrolled yet ('pkgmgr enroll' asks "
		       "the operator's gate)", PKGMGR_CONF);
}

void pkgmgr_destroy(struct pkgmgr *m)
{
	state_free(m->state);
	pkgmgr_conf_free(m->conf);
	root_destroy(&m->root);
}
