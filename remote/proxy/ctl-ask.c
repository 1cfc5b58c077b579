/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/proxy/ctl-ask.h"

#include <json-c/json.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/strbuf.h"
#include "common/util.h"

enum { TIMEOUT_S = 10, MAX_ANSWER = 64 * 1024 * 1024 };

static int call(const char *path, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval timeout = { .tv_sec = TIMEOUT_S };
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, ERR_USAGE, "%s is too long for a socket", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		err_sys(err, "ask vncproxyd at %s", path);
		err->code = ERR_NETWORK;
		return -1;
	}
	return steal_fd(&fd);
}

static int read_answer(int fd, struct strbuf *out, struct err *err)
{
	char piece[4096];
	ssize_t n;
	while ((n = read(fd, piece, sizeof(piece))) > 0) {
		strbuf_add(out, piece, (size_t)n);
		if (out->len > MAX_ANSWER)
			return err_set(err, ERR_TOO_LARGE, "vncproxyd's answer has no end");
	}
	return n < 0 ? err_sys(err, "wait for vncproxyd's answer") : 0;
}

struct json_object *ctl_ask(const char *socket_path, const char *request, struct err *err)
{
	_cleanup_close_ int fd = call(socket_path, err);
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_free_ char *line = xasprintf("%s\n", request);
	if (fd < 0 || write_all(fd, line, strlen(line), err) < 0 || read_answer(fd, &text, err) < 0)
		return NULL;
	struct json_object *answer = json_tokener_parse(text.data ? text.data : "");
	struct json_object *problem = NULL, *exit_code = NULL;
	if (!answer) {
		err_set(err, ERR_INPUT, "vncproxyd's answer is no JSON");
		return NULL;
	}
	if (!json_object_object_get_ex(answer, "error", &problem))
		return answer;
	json_object_object_get_ex(answer, "exit", &exit_code);
	err_set(err, json_object_get_int(exit_code) == EXIT_REFUSED ? ERR_REFUSED : ERR_NOT_FOUND,
		"%s", json_object_get_string(problem));
	json_object_put(answer);
	return NULL;
}
