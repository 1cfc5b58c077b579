/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The answers of a guest agent, taken apart. The guest wrote them: nothing in them is
 * believed that was not checked. */
#ifndef WAYBILL_AGENT_ANSWER_H
#define WAYBILL_AGENT_ANSWER_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* The "return" of an answer, which must be of `type`; json_object_put() it.
 * Errors: ERR_INPUT, ERR_TOO_LARGE; ERR_PROGRAM (the agent says "error"). */
int agent_answer_parse(const char *text, size_t len, enum json_type type,
		       struct json_object **out, struct err *err) _must_check_;

/* Members of an answer. If one is missing: *out = fallback, or ERR_INPUT for those with
 * `min`..`max`. Errors: ERR_INPUT (another type, out of range). */
int agent_answer_int(struct json_object *o, const char *key, int64_t min, int64_t max,
		     int64_t *out, struct err *err) _must_check_;
int agent_answer_bool(struct json_object *o, const char *key, bool *out,
		      struct err *err) _must_check_;

/* A member in base64; missing is empty. *data is NUL-terminated, to be freed.
 * Errors: ERR_INPUT, ERR_TOO_LARGE (more than max_bytes). */
int agent_answer_bytes(struct json_object *o, const char *key, size_t max_bytes,
		       char **data, size_t *len, struct err *err) _must_check_;

/* Bytes as base64, to be freed. */
char *agent_encode(const void *data, size_t len);

#endif
