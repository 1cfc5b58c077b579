/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The small parsers of imagepkg; the first byte chooses. */
#include <stdint.h>

#include "imagepkg/boot-file.h"
#include "imagepkg/qcow2.h"
#include "imagepkg/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_(recipe_freep) struct recipe *recipe = NULL;
	struct qcow2_info info;
	size_t plain = 0;
	if (size == 0)
		return 0;
	if (data[0] == 'q')
		(void)!qcow2_parse_header(data + 1, size - 1, "fuzz", &info, &err);
	else if (data[0] == 'i')
		(void)!initrd_plain_length(data + 1, size - 1, &plain, &err);
	else
		(void)!recipe_parse((const char *)data + 1, size - 1, "/", "fuzz", &recipe, &err);
	return 0;
}
