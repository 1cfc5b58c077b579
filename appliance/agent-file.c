/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/agent-file.h"

#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/agent-answer.h"
#include "common/atomic-file.h"
#include "common/log.h"

enum {
	READ_BYTES = 256 * 1024,
	WRITE_BYTES = 96 * 1024, /* see AGENT_MAX_INPUT */
	CHUNK_SECONDS = 30, /* an emulated guest that is busy */
	SCRIPT_MS = 30 * 1000,
	/* What our scripts in the guest exit with. */
	IS_MISSING = 10,
	IS_DIRECTORY = 11,
	IS_SPECIAL = 12,
};

static struct json_object *handle_arguments(int64_t handle)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "handle", json_object_new_int64(handle));
	return o;
}

/* The agent has one class of error and the guest's errno in words. */
static int explain_file(const struct agent_transfer *t, struct err *err)
{
	static const struct {
		const char *said;
		enum err_code code;
		const char *what;
	} reasons[] = {
		{ "No such file", ERR_NOT_FOUND, "no such file or directory" },
		{ "Is a directory", ERR_REFUSED, "is a directory" },
		{ "Permission denied", ERR_REFUSED, "permission denied" },
		{ "Read-only file system", ERR_REFUSED, "read-only file system" },
		{ "No space left", ERR_NO_SPACE, "no space left in the guest" },
		{ "disabled", ERR_REFUSED, "the guest has switched file access off" },
		{ "not allowed", ERR_REFUSED, "the guest has switched file access off" },
	};
	if (err->code != ERR_PROGRAM)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (!strstr(err->msg, reasons[i].said))
			continue;
		err_clear(err);
		return err_set(err, reasons[i].code, "%s: %s", t->guest_path,
			       reasons[i].what);
	}
	return err_prefix(err, "%s", t->guest_path);
}

static int file_call(const struct agent_transfer *t, const char *command,
		     struct json_object *arguments, enum json_type type,
		     struct json_object **out, struct err *err)
{
	if (agent_call(t->agent, command, arguments, type, CHUNK_SECONDS, out, err) < 0)
		return explain_file(t, err);
	return 0;
}

static int open_file(const struct agent_transfer *t, const char *path, const char *mode,
		     int64_t *handle, struct err *err)
{
	struct json_object *arguments = json_object_new_object(), *answer = NULL;
	json_object_object_add(arguments, "path", json_object_new_string(path));
	json_object_object_add(arguments, "mode", json_object_new_string(mode));
	if (file_call(t, "guest-file-open", arguments, json_type_int, &answer, err) < 0)
		return -1;
	*handle = json_object_get_int64(answer);
	json_object_put(answer);
	return 0;
}

/* "guest-file-close" or "guest-file-flush" */
static int end_file(const struct agent_transfer *t, const char *command, int64_t handle,
		    struct err *err)
{
	struct json_object *answer = NULL;
	if (file_call(t, command, handle_arguments(handle), json_type_object, &answer,
		      err) < 0)
		return -1;
	json_object_put(answer);
	return 0;
}

/* After a failure that is reported already. */
static void abandon_file(const struct agent_transfer *t, int64_t handle)
{
	_cleanup_err_ struct err err = ERR_INIT;
	if (end_file(t, "guest-file-close", handle, &err) < 0)
		log_debug("%s", err.msg);
}

static void tell_progress(const struct agent_transfer *t, uint64_t done_bytes)
{
	if (t->progress)
		t->progress(t->progress_arg, done_bytes);
}

/* Run `script` with the arguments "$1", "$2", "$3" (NULL: not there). */
static int run_script(const struct agent *agent, const char *script, const char *a,
		      const char *b, const char *c, struct agent_output *output,
		      struct err *err)
{
	const char *const argv[] = { AGENT_GUEST_SHELL, script, "sh", a, b, c, NULL };
	if (agent_exec(agent,
		       &(struct agent_exec){ .argv = argv, .timeout_ms = SCRIPT_MS },
		       output, err) < 0)
		return -1;
	if (output->timed_out)
		return err_set(err, ERR_TIMEOUT, "%s: no answer within %d s", a,
			       SCRIPT_MS / 1000);
	return 0;
}

static int explain_script(const char *path, struct agent_output *output,
			  struct err *err)
{
	switch (output->exit_code) {
	case IS_MISSING:
		return err_set(err, ERR_NOT_FOUND, "%s: no such file or directory", path);
	case IS_DIRECTORY:
		return err_set(err, ERR_REFUSED, "%s is a directory; name a file in it",
			       path);
	case IS_SPECIAL:
		return err_set(err, ERR_REFUSED, "%s is no regular file", path);
	default:
		output->err[strcspn(output->err, "\n")] = '\0';
		return err_set(err, ERR_PROGRAM, "%s: %.200s", path,
			       *output->err ? output->err
					    : "the guest does not say why it failed");
	}
}

int agent_file_look(const struct agent *agent, const char *guest_path,
		    struct agent_file_facts *facts, struct err *err)
{
	static const char script[] = "[ -e \"$1\" ] || exit 10\n"
				     "[ ! -d \"$1\" ] || exit 11\n"
				     "[ -f \"$1\" ] || exit 12\n"
				     "exec stat -L -c '%s %a' -- \"$1\"";
	_cleanup_(agent_output_destroy) struct agent_output output = { 0 };
	*facts = (struct agent_file_facts){ 0 };
	if (run_script(agent, script, guest_path, NULL, NULL, &output, err) < 0)
		return -1;
	if (output.exit_code)
		return explain_script(guest_path, &output, err);
	unsigned long long size;
	unsigned mode;
	if (sscanf(output.out, "%20llu %6o", &size, &mode) != 2)
		return err_set(err, ERR_INPUT, "%s: the guest's stat says '%.80s'",
			       guest_path, output.out);
	facts->size_bytes = size;
	facts->mode = mode & 0777;
	return 0;
}

/* One chunk of the guest's file; *end if it was the last. */
static int read_chunk(const struct agent_transfer *t, int64_t handle, char **data,
		      size_t *len, bool *end, struct err *err)
{
	struct json_object *arguments = handle_arguments(handle), *answer = NULL;
	json_object_object_add(arguments, "count", json_object_new_int(READ_BYTES));
	*data = NULL;
	if (file_call(t, "guest-file-read", arguments, json_type_object, &answer, err) <
	    0)
		return -1;
	int result = agent_answer_bytes(answer, "buf-b64", READ_BYTES, data, len, err);
	if (result == 0)
		result = agent_answer_bool(answer, "eof", end, err);
	json_object_put(answer);
	if (result < 0)
		return err_prefix(err, "the guest agent");
	*end = *end || *len == 0;
	return 0;
}

static int copy_out(const struct agent_transfer *t, int64_t handle, int fd,
		    struct err *err)
{
	uint64_t done = 0;
	for (bool end = false; !end;) {
		_cleanup_free_ char *data = NULL;
		size_t len;
		if (read_chunk(t, handle, &data, &len, &end, err) < 0)
			return -1;
		done += len;
		if (done > t->max_bytes)
			return err_set(err, ERR_TOO_LARGE,
				       "%s is larger than the %llu bytes that go "
				       "through a guest agent",
				       t->guest_path, (unsigned long long)t->max_bytes);
		if (write_all(fd, data, len, err) < 0)
			return -1;
		tell_progress(t, done);
	}
	return 0;
}

int agent_file_get(const struct agent_transfer *t, int fd, struct err *err)
{
	int64_t handle;
	if (open_file(t, t->guest_path, "r", &handle, err) < 0)
		return -1;
	if (copy_out(t, handle, fd, err) < 0) {
		abandon_file(t, handle);
		return -1;
	}
	return end_file(t, "guest-file-close", handle, err);
}

static int write_chunk(const struct agent_transfer *t, int64_t handle, const char *data,
		       size_t len, struct err *err)
{
	while (len > 0) {
		_cleanup_free_ char *text = agent_encode(data, len);
		struct json_object *arguments = handle_arguments(handle), *answer = NULL;
		int64_t count = 0;
		json_object_object_add(arguments, "buf-b64",
				       json_object_new_string(text));
		if (file_call(t, "guest-file-write", arguments, json_type_object, &answer,
			      err) < 0)
			return -1;
		int result =
			agent_answer_int(answer, "count", 1, (int64_t)len, &count, err);
		json_object_put(answer);
		if (result < 0)
			return err_prefix(err, "the guest agent");
		data += count;
		len -= (size_t)count;
	}
	return 0;
}

static int copy_in(const struct agent_transfer *t, int64_t handle, int fd,
		   struct err *err)
{
	_cleanup_free_ char *chunk = xmalloc(WRITE_BYTES);
	uint64_t done = 0;
	ssize_t n;
	while ((n = read(fd, chunk, WRITE_BYTES)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read what goes to %s", t->guest_path);
		done += (uint64_t)n;
		if (done > t->max_bytes)
			return err_set(err, ERR_TOO_LARGE,
				       "what goes to %s is larger than the %llu bytes "
				       "that go through a guest agent",
				       t->guest_path, (unsigned long long)t->max_bytes);
		if (write_chunk(t, handle, chunk, (size_t)n, err) < 0)
			return -1;
		tell_progress(t, done);
	}
	return 0;
}

/* Written whole, and closed, which is when the guest's disk may turn out full. */
static int fill_file(const struct agent_transfer *t, const char *path, int fd,
		     struct err *err)
{
	int64_t handle;
	if (open_file(t, path, "w", &handle, err) < 0)
		return -1;
	if (copy_in(t, handle, fd, err) < 0 ||
	    end_file(t, "guest-file-flush", handle, err) < 0) {
		abandon_file(t, handle);
		return -1;
	}
	return end_file(t, "guest-file-close", handle, err);
}

static char *temporary_beside(const char *path)
{
	const char *slash = strrchr(path, '/');
	uint32_t random = 0;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = (uint32_t)monotonic_ms();
	return xasprintf("%.*s/.waybill-put-%08x", (int)(slash - path), path, random);
}

/* Would it be a file that we may replace, in a directory that is there? Then the
 * temporary one is made here, since the agent would let all the guest read it. */
static int prepare(const struct agent_transfer *t, const char *tmp, struct err *err)
{
	static const char script[] = "[ ! -d \"$1\" ] || exit 11\n"
				     "[ -d \"${1%/*}/\" ] || exit 10\n"
				     "[ ! -e \"$1\" ] || [ -f \"$1\" ] || exit 12\n"
				     "umask 077 && : >\"$2\"";
	_cleanup_(agent_output_destroy) struct agent_output output = { 0 };
	if (run_script(t->agent, script, t->guest_path, tmp, NULL, &output, err) < 0)
		return -1;
	if (output.exit_code)
		return explain_script(t->guest_path, &output, err);
	return 0;
}

static int install(const struct agent_transfer *t, const char *tmp, mode_t mode,
		   struct err *err)
{
	static const char script[] =
		"chmod \"$3\" \"$2\" && sync \"$2\" && mv -f \"$2\" \"$1\"";
	_cleanup_(agent_output_destroy) struct agent_output output = { 0 };
	_cleanup_free_ char *octal = xasprintf("%04o", mode & 0777);
	if (run_script(t->agent, script, t->guest_path, tmp, octal, &output, err) < 0)
		return -1;
	if (output.exit_code)
		return explain_script(t->guest_path, &output, err);
	return 0;
}

static void remove_temporary(const struct agent_transfer *t, const char *tmp)
{
	_cleanup_(agent_output_destroy) struct agent_output output = { 0 };
	_cleanup_err_ struct err err = ERR_INIT;
	if (run_script(t->agent, "rm -f \"$1\"", tmp, NULL, NULL, &output, &err) < 0)
		log_debug("%s", err.msg);
}

int agent_file_put(const struct agent_transfer *t, int fd, mode_t mode, struct err *err)
{
	_cleanup_free_ char *tmp = temporary_beside(t->guest_path);
	if (prepare(t, tmp, err) < 0)
		return -1;
	if (fill_file(t, tmp, fd, err) < 0 || install(t, tmp, mode, err) < 0) {
		remove_temporary(t, tmp);
		return -1;
	}
	return 0;
}
