/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gives a harness each file of its corpus once, without libFuzzer, as a test: the program
 * replay-NAME reads fuzz/corpus/NAME/. */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "common/atomic-file.h"

enum { MAX_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path, struct err *err)
{
	_cleanup_free_ char *data = NULL;
	size_t len = 0;
	if (file_read(path, MAX_BYTES, &data, &len, err) < 0)
		return -1;
	/* A copy that ends where it ends, so that a sanitizer sees a read beyond. */
	_cleanup_free_ uint8_t *copy = xmalloc(len ? len : 1);
	memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	return 0;
}

int main(void)
{
	const char *top = getenv("top_srcdir"), *name = strrchr(program_invocation_short_name, '-');
	_cleanup_free_ char *dir = xasprintf("%s/fuzz/corpus/%s", top ? top : "..",
					     name ? name + 1 : "");
	_cleanup_err_ struct err err = ERR_INIT;
	unsigned count = 0;
	DIR *listing = opendir(dir);
	for (const struct dirent *e; listing && (e = readdir(listing));) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, e->d_name);
		if (e->d_name[0] == '.')
			continue;
		if (replay(path, &err) < 0) {
			fprintf(stderr, "%s\n", err.msg);
			return 1;
		}
		count++;
	}
	if (listing)
		closedir(listing);
	printf("%u files of %s\n", count, dir);
	return count ? 0 : 1;
}
