/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a browser sends: the first byte chooses between the head of a request and frames.
 */
#include <stdlib.h>
#include <string.h>

#include "remote/http-request.h"
#include "remote/websocket.h"

static void request(const char *data, size_t size, struct err *err)
{
	struct http_request request;
	size_t used;
	if (http_request_parse(data, size, &request, &used, err) < 0 || used == 0)
		return;
	if (request.path[0] != '/' || strstr(request.path, "/../") ||
	    strchr(request.path, '\\') || used > HTTP_HEAD_BYTES)
		abort();
	http_request_lists(&request, "Connection", "upgrade");
	http_request_destroy(&request);
}

/* However they are cut up, the same comes out. */
static void frames(const uint8_t *data, size_t size, struct err *err)
{
	_cleanup_strbuf_ struct strbuf payload = STRBUF_INIT, out = STRBUF_INIT,
				       payload1 = STRBUF_INIT, out1 = STRBUF_INIT;
	struct websocket ws, ws1;
	struct err err1 = ERR_INIT;
	websocket_init(&ws);
	websocket_init(&ws1);
	int result = websocket_feed(&ws, data, size, &payload, &out, err), result1 = 0;
	for (size_t i = 0; i < size && result1 == 0; i++)
		result1 = websocket_feed(&ws1, data + i, 1, &payload1, &out1, &err1);
	if (result != result1 || ws.closed != ws1.closed || ws.reason != ws1.reason ||
	    payload.len != payload1.len || payload.len > size || out.len != out1.len ||
	    (payload.len && memcmp(payload.data, payload1.data, payload.len) != 0))
		abort();
	websocket_destroy(&ws);
	websocket_destroy(&ws1);
	err_clear(&err1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	if (size == 0)
		return 0;
	if (data[0] % 2)
		request((const char *)data + 1, size - 1, &err);
	else
		frames(data + 1, size - 1, &err);
	err_clear(&err);
	return 0;
}
