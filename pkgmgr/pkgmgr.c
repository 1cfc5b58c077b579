/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/pkgmgr.h"

int pkgmgr_open(struct pkgmgr *m, struct err *err)
{
	if (!m->root.dir && root_init(&m->root, NULL, err) < 0)
		return -1;
	if (pkgmgr_conf_read(&m->root, &m->conf, err) < 0)
		return -1;
	return state_open(&m->root, &m->state, err);
}

void pkgmgr_destroy(struct pkgmgr *m)
{
	state_free(m->state);
	pkgmgr_conf_free(m->conf);
	root_destroy(&m->root);
}
