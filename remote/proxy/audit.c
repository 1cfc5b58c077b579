/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions, as JSON: for the audit and for vncproxyctl. Format: docs/spec/proxy-control.md */
#include <json-c/json.h>
#include <time.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "remote/proxy/session.h"

static void add_text(struct json_object *out, const char *name, const char *text)
{
	json_object_object_add(out, name, text ? json_object_new_string(text) : NULL);
}

static struct json_object *to_json(const struct session *session)
{
	struct json_object *out = json_object_new_object();
	_cleanup_free_ char *began = time_format(session->began_at);
	const struct line *viewer = session->viewer_line;
	json_object_object_add(out, "session", json_object_new_int64((int64_t)session->id));
	add_text(out, "machine", session->machine->name);
	add_text(out, "user", session->user);
	add_text(out, "source", session->source_name);
	add_text(out, "began", began);
	if (session->plays)
		add_text(out, "plays", session->plays);
	if (session->recording && recording_has_begun(session->recording))
		add_text(out, "recording", recording_file(session->recording));
	json_object_object_add(out, "view_only", json_object_new_boolean(session->view_only));
	json_object_object_add(out, "running",
			       json_object_new_boolean(session->step == SESSION_RUNNING));
	json_object_object_add(out, "bytes_to_viewer",
			       json_object_new_int64(viewer ? (int64_t)line_sent(viewer) : 0));
	json_object_object_add(out, "bytes_from_viewer",
			       json_object_new_int64(viewer ? (int64_t)line_received(viewer) : 0));
	return out;
}

struct json_object *sessions_to_json(const struct proxy *proxy)
{
	struct json_object *out = json_object_new_array();
	for (const struct session *s = proxy->sessions; s; s = s->next)
		if (s->machine)
			json_object_array_add(out, to_json(s));
	return out;
}

int proxy_recordings(const struct proxy *proxy, const char *user, struct json_object **out,
		     struct err *err)
{
	const char *directory = proxy->conf->recordings;
	_cleanup_strv_ struct strv files = STRV_INIT;
	*out = NULL;
	if (recordings_list(directory, &files, err) < 0)
		return -1;
	*out = json_object_new_array();
	for (size_t i = 0; i < files.count; i++) {
		_cleanup_free_ char *name = recording_machine(files.items[i]);
		_cleanup_free_ char *path = xasprintf("%s/%s", directory, files.items[i]);
		const struct machine *machine = machines_find(&proxy->machines, name);
		if (user && (!machine || !machine_allows_audit(machine, user)))
			continue;
		struct json_object *one = json_object_new_object();
		add_text(one, "recording", files.items[i]);
		add_text(one, "machine", name);
		json_object_object_add(one, "seconds",
				       json_object_new_int64(recording_length_ms(path) / 1000));
		json_object_array_add(*out, one);
	}
	return 0;
}

void session_audit(const struct session *session, const char *why)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *ended = time_format(time(NULL));
	struct json_object *out = to_json(session);
	add_text(out, "ended", ended);
	add_text(out, "why", why);
	_cleanup_free_ char *line =
		xasprintf("%s\n", json_object_to_json_string_ext(out, JSON_C_TO_STRING_PLAIN));
	json_object_put(out);
	log_event("session-ended", "%s, from %s: %s", session->machine->name,
		  session->source_name, why);
	if (session->proxy->audit >= 0 &&
	    write_all(session->proxy->audit, line, strlen(line), &err) < 0)
		log_error("audit: %s", err.msg);
}
