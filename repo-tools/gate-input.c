/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/gate-input.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "common/util.h"

static int read_all(int fd, const char *what, size_t max_bytes, int timeout_ms, char *text,
		    size_t *len, struct err *err)
{
	int64_t deadline = monotonic_ms() + timeout_ms;
	for (*len = 0; *len <= max_bytes;) {
		int64_t left = deadline - monotonic_ms();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return err_set(err, ERR_TIMEOUT, "%s did not arrive in %d s", what,
				       timeout_ms / 1000);
		ssize_t got = read(fd, text + *len, max_bytes + 1 - *len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, "cannot read %s", what);
		if (got == 0)
			return 0;
		*len += (size_t)got;
	}
	return err_set(err, ERR_REFUSED, "refused: %s has more than %zu bytes", what, max_bytes);
}

int gate_input_read(int fd, const char *what, size_t max_bytes, int timeout_ms, char **text,
		    size_t *len, struct err *err)
{
	_cleanup_free_ char *buffer = xmalloc(max_bytes + 2);
	*text = NULL;
	if (read_all(fd, what, max_bytes, timeout_ms, buffer, len, err) < 0)
		return -1;
	buffer[*len] = '\0';
	*text = steal(&buffer);
	return 0;
}
