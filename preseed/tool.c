/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/tool.h"

#include "common/log.h"
#include "common/subproc.h"
#include "common/util.h"

enum { TIMEOUT_MS = 30 * 60 * 1000 };

int tool_run(const struct strv *args, struct err *err)
{
	_cleanup_free_ char *epoch =
		xasprintf("SOURCE_DATE_EPOCH=%lld", (long long)time_now_reproducible());
	const char *env[] = { epoch, "MTOOLS_SKIP_CHECK=1", "TZ=UTC", NULL };
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	struct subproc spec = { .argv = (const char *const *)args->items, .env_add = env,
				.output = &output, .quiet = true, .timeout_ms = TIMEOUT_MS };
	_cleanup_free_ char *words = subproc_describe((const char *const *)args->items);
	log_debug("%s", words);
	if (subproc_run(&spec, NULL, err) == 0)
		return 0;
	if (err->code == ERR_NOT_FOUND)
		err_prefix(err, "a stick is made with grub-common, grub-pc-bin, "
				"grub-efi-amd64-bin, xorriso and mtools");
	return -1;
}
