/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files that make up the reader and writer of appliance.conf share. */
#ifndef WAYBILL_APPLIANCE_CONF_PARTS_H
#define WAYBILL_APPLIANCE_CONF_PARTS_H

#include "common/appliance-conf.h"

#define APPLIANCE_FORMAT_LINE "waybill-appliance 1"
#define MIB                   UINT64_C(1048576)
#define MAX_DISK_BYTES        (64 * MIB * MIB)
#define MAX_LINE              2048
#define MAX_LIST              64 /* of ports, checks and parameters each */

/* The words of the file, by the enum's value. */
extern const char *const boot_names[3];
extern const char *const firmware_names[2];
extern const char *const network_names[3];
extern const char *const graphics_names[2];
extern const char *const upgrade_names[2];
extern const char *const health_names[5];

/* Index of `text` in `names`, or -1 with a message that lists what would do. */
int conf_parse_word(const char *text, const char *const *names, size_t count,
		    const char *field, struct err *err) _must_check_;

/* A size in bytes between min and max. Errors: ERR_INPUT. */
int conf_parse_size(const char *text, uint64_t min, uint64_t max, const char *field,
		    uint64_t *bytes, struct err *err) _must_check_;

/* A duration in seconds between min and max. Errors: ERR_INPUT. */
int conf_parse_seconds(const char *text, uint32_t min, uint32_t max, const char *field,
		       uint32_t *seconds, struct err *err) _must_check_;

/* One line that may go on a command line, into a shell file and into XML. */
int conf_check_plain(const char *text, const char *field, struct err *err) _must_check_;

/* The fields that are lists; each replaces what `conf` had. */
int conf_parse_ports(const char *value, struct appliance_conf *conf, struct err *err) _must_check_;
int conf_parse_health(const char *value, struct appliance_conf *conf, struct err *err) _must_check_;
int conf_parse_params(const char *value, struct appliance_conf *conf, struct err *err) _must_check_;
void conf_clear_health(struct appliance_conf *conf);
void conf_clear_params(struct appliance_conf *conf);

#endif
