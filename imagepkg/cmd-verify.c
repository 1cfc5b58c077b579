/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>
#include <stdio.h>

#include "imagepkg/cmds.h"
#include "imagepkg/verify.h"

int cmd_verify(struct cli *cli, int argc, char **argv, struct err *err)
{
	size_t files = 0;
	if (cli_no_opts(cli, argc, argv, 1, 1, err) != 0 ||
	    verify_image_deb(argv[cli->next], &files, err) != 0)
		return -1;
	if (!cli->json) {
		printf("%s: all is right, %zu files\n", argv[cli->next], files);
		return 0;
	}
	struct json_object *top = json_object_new_object();
	json_object_object_add(top, "path", json_object_new_string(argv[cli->next]));
	json_object_object_add(top, "files", json_object_new_int64((int64_t)files));
	printf("%s\n", json_object_to_json_string_ext(top, JSON_C_TO_STRING_PRETTY |
						      JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(top);
	return 0;
}
