/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What makes the values of a site's file wrong. Each error names the field, says what is
 * wrong with it and what would be right. Part of site-conf.c. */
#ifndef WAYBILL_SITE_CONF_CHECK_H
#define WAYBILL_SITE_CONF_CHECK_H

#include "preseed/site-conf.h"

/* `address`: of Address:, "192.0.2.10/24", or NULL; sets conf->address and ->netmask.
 * Errors: ERR_INPUT. */
int check_network(struct site_conf *conf, const char *address, struct err *err) _must_check_;

/* Disk and Raid. Errors: ERR_INPUT. */
int check_disks(const struct site_conf *conf, struct err *err) _must_check_;

/* The other fields, which each fit a line of the preseed file. Errors: ERR_INPUT. */
int check_words(const struct site_conf *conf, struct err *err) _must_check_;

#endif
