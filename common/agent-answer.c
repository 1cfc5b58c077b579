/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/agent-answer.h"

#include <nettle/base64.h>

#include "common/agent.h"
#include "common/log.h"

enum { MAX_DEPTH = 8 };

static struct json_object *parse(const char *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
	if (!tokener)
		abort();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* With its NUL, or a number at the end would not be known to be one. */
	struct json_object *o = json_tokener_parse_ex(tokener, text, (int)len + 1);
	if (json_tokener_get_error(tokener) != json_tokener_success) {
		json_object_put(o);
		o = NULL;
	}
	json_tokener_free(tokener);
	return o;
}

static int refuse(struct json_object *error, struct err *err)
{
	struct json_object *desc = NULL;
	if (json_object_is_type(error, json_type_object))
		json_object_object_get_ex(error, "desc", &desc);
	return err_set(err, ERR_PROGRAM, "it refuses: %.300s",
		       json_object_is_type(desc, json_type_string)
			       ? json_object_get_string(desc)
			       : "it does not say why");
}

int agent_answer_parse(const char *text, size_t len, enum json_type type,
		       struct json_object **out, struct err *err)
{
	*out = NULL;
	if (len > AGENT_MAX_ANSWER)
		return err_set(err, ERR_TOO_LARGE, "its answer of %zu bytes is too long",
			       len);
	struct json_object *o = parse(text, len), *value;
	int result = 0;
	if (!json_object_is_type(o, json_type_object))
		result = err_set(err, ERR_INPUT, "its answer is no JSON object: %.80s",
				 text);
	else if (json_object_object_get_ex(o, "error", &value))
		result = refuse(value, err);
	else if (!json_object_object_get_ex(o, "return", &value) ||
		 !json_object_is_type(value, type))
		result = err_set(err, ERR_INPUT, "its answer holds no %s as 'return'",
				 json_type_to_name(type));
	else
		*out = json_object_get(value);
	json_object_put(o);
	return result;
}

int agent_answer_int(struct json_object *o, const char *key, int64_t min, int64_t max,
		     int64_t *out, struct err *err)
{
	struct json_object *value;
	*out = 0;
	if (!json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_int))
		return err_set(err, ERR_INPUT, "its answer holds no number '%s'", key);
	int64_t number = json_object_get_int64(value);
	if (number < min || number > max)
		return err_set(err, ERR_INPUT,
			       "its answer's '%s' of %lld is out of range", key,
			       (long long)number);
	*out = number;
	return 0;
}

int agent_answer_bool(struct json_object *o, const char *key, bool *out, struct err *err)
{
	struct json_object *value;
	*out = false;
	if (!json_object_object_get_ex(o, key, &value))
		return 0;
	if (!json_object_is_type(value, json_type_boolean))
		return err_set(err, ERR_INPUT,
			       "its answer's '%s' is neither true nor false", key);
	*out = json_object_get_boolean(value);
	return 0;
}

int agent_answer_bytes(struct json_object *o, const char *key, size_t max_bytes,
		       char **data, size_t *len, struct err *err)
{
	struct json_object *value;
	const char *text = "";
	size_t text_len = 0;
	*data = NULL;
	*len = 0;
	if (json_object_object_get_ex(o, key, &value)) {
		if (!json_object_is_type(value, json_type_string))
			return err_set(err, ERR_INPUT, "its answer's '%s' is no string",
				       key);
		text = json_object_get_string(value);
		text_len = (size_t)json_object_get_string_len(value);
	}
	size_t size = BASE64_DECODE_LENGTH(text_len);
	if (size > max_bytes + 3)
		return err_set(err, ERR_TOO_LARGE, "its answer's '%s' is above %zu bytes",
			       key, max_bytes);
	struct base64_decode_ctx ctx;
	base64_decode_init(&ctx);
	_cleanup_free_ char *bytes = xmalloc(size + 1);
	if (!base64_decode_update(&ctx, &size, (uint8_t *)bytes, text_len, text) ||
	    !base64_decode_final(&ctx))
		return err_set(err, ERR_INPUT, "its answer's '%s' is not base64", key);
	if (size > max_bytes)
		return err_set(err, ERR_TOO_LARGE, "its answer's '%s' is above %zu bytes",
			       key, max_bytes);
	bytes[size] = '\0';
	*len = size;
	*data = steal(&bytes);
	return 0;
}

char *agent_encode(const void *data, size_t len)
{
	char *text = xmalloc(BASE64_ENCODE_RAW_LENGTH(len) + 1);
	base64_encode_raw(text, len, data);
	text[BASE64_ENCODE_RAW_LENGTH(len)] = '\0';
	return text;
}
