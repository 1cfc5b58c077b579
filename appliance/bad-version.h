/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Versions that were reverted on this host and are not tried again. */
#ifndef WAYBILL_BAD_VERSION_H
#define WAYBILL_BAD_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/state.h"
#include "common/strv.h"
#include "common/util.h"

struct bad_version {
	char *version;
	int64_t marked_at;
	char *reason; /* one sentence */
	char *detail; /* the failed check's output and the end of the console log, or NULL */
};

/* A mark for the same version and base is replaced. detail may be NULL. */
int bad_version_mark(struct state *state, const char *appliance, const char *version,
		     const char *base, const char *reason, const char *detail,
		     struct err *err) _must_check_;

/* *out is NULL if that version, of these bytes, is not marked. */
int bad_version_find(struct state *state, const char *appliance, const char *version,
		     const char *base, struct bad_version **out, struct err *err) _must_check_;
void bad_version_free(struct bad_version *bad);
DEFINE_FREEP(struct bad_version, bad_version_free)

/* The marked versions of `appliance`, added to `out`. */
int bad_version_list(struct state *state, const char *appliance, struct strv *out,
		     struct err *err) _must_check_;

/* All marks of `appliance`, the newest first; free *out's items with bad_version_free() and
 * itself with free(). */
int bad_version_read(struct state *state, const char *appliance, struct bad_version ***out,
		     size_t *count, struct err *err) _must_check_;

/* Remove the marks on one version, whatever its bytes; none is success. */
int bad_version_clear(struct state *state, const char *appliance, const char *version,
		      struct err *err) _must_check_;

#endif
