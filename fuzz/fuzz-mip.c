/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line of MiP: the first byte chooses the version, the rest is what arrives. What is
 * read is written as it came. */
#include <stdlib.h>
#include <string.h>

#include "remote/mip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	enum mip_version version = *data++ % 2 ? MIP_1 : MIP_2;
	struct err err = ERR_INIT;
	struct mip_message message;
	size_t used;
	for (size--;
	     mip_parse(version, data, size, &message, &used, &err) == 0 && used > 0;
	     data += used, size -= used) {
		_cleanup_strbuf_ struct strbuf buf = STRBUF_INIT;
		mip_write(version, &message, &buf);
		if (used > MIP_MESSAGE_BYTES || buf.len != used ||
		    memcmp(buf.data, data, used) != 0)
			abort();
	}
	if (!err.msg && size >= MIP_MESSAGE_BYTES)
		abort();
	err_clear(&err);
	return 0;
}
