/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a stick's boot loader is told. */
#ifndef WAYBILL_GRUB_CFG_H
#define WAYBILL_GRUB_CFG_H

#include "common/strbuf.h"

/* Built into the loader: find the image and read its menu. */
void grub_cfg_first(const char *id, struct strbuf *out);

/* The menu: install, unless a disk carries the mark that this stick has installed it. The
 * menu also speaks on the serial port that a console= of kernel_args names. */
void grub_cfg_menu(const char *title, const char *id, const char *kernel_args,
		   struct strbuf *out);

#endif
