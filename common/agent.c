/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/agent.h"

#include "common/agent-answer.h"
#include "common/utf8.h"

int agent_call(const struct agent *agent, const char *command,
	       struct json_object *arguments, enum json_type type, int timeout_seconds,
	       struct json_object **out, struct err *err)
{
	*out = NULL;
	struct json_object *call = json_object_new_object();
	json_object_object_add(call, "execute", json_object_new_string(command));
	if (arguments)
		json_object_object_add(call, "arguments", arguments);
	_cleanup_free_ char *answer = NULL;
	const char *text = json_object_to_json_string_ext(call, JSON_C_TO_STRING_PLAIN);
	int result = utf8_is_valid(text)
			     ? agent->call(agent->ctx, text, timeout_seconds, &answer, err)
			     : err_set(err, ERR_USAGE,
				       "an argument or path is not UTF-8, and a guest agent "
				       "takes nothing else");
	json_object_put(call);
	if (result < 0)
		return -1;
	if (agent_answer_parse(answer, strlen(answer), type, out, err) < 0)
		return err_prefix(err, "the guest agent, asked for %s", command);
	return 0;
}

int agent_ping(const struct agent *agent, int timeout_seconds, struct err *err)
{
	struct json_object *nothing = NULL;
	if (agent_call(agent, "guest-ping", NULL, json_type_object, timeout_seconds,
		       &nothing, err) < 0)
		return -1;
	json_object_put(nothing);
	return 0;
}
