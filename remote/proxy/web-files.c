/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page's own files, and noVNC's. */
#include "common/atomic-file.h"
#include "common/log.h"
#include "remote/proxy/web.h"

enum { MAX_FILE = 4 * 1024 * 1024 };

static const struct { const char *end, *type; } types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
};

/* A file below one of the two directories; the path has neither `..` nor `//` (http-request.h). */
static char *place_of(const struct proxy_conf *conf, const char *path)
{
	static const char novnc[] = "/novnc/";
	if (str_eq(path, "/"))
		return xasprintf("%s/index.html", conf->web);
	/* Only the library: its own pages would ask for what we do not have. */
	if (str_starts(path, "/novnc/core/") || str_starts(path, "/novnc/vendor/"))
		return xasprintf("%s/%s", conf->novnc, path + strlen(novnc));
	return xasprintf("%s%s", conf->web, path);
}

void web_send_file(struct visitor *visitor, const char *path)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *place = place_of(visitor->proxy->conf, path);
	size_t len = 0, i = 0;
	while (i < ARRAY_SIZE(types) && !str_ends(place, types[i].end))
		i++;
	if (i == ARRAY_SIZE(types) || file_read(place, MAX_FILE, &text, &len, &err) < 0) {
		log_debug("no file %s", place);
		web_answer_error(visitor, 404, "There is no such page.");
		return;
	}
	web_answer(visitor, &(struct web_answer){ .status = 200,
						  .type = types[i].type,
						  .body = text,
						  .len = len,
						  .may_be_kept = str_starts(path, "/novnc/") });
}
