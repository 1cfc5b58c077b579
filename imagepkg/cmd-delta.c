/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>

#include "common/workdir.h"
#include "imagepkg/cmds.h"
#include "imagepkg/delta-make.h"

enum { OPT_OUTPUT = 1 };

const struct cli_opt cmd_delta_opts[] = {
	{ OPT_OUTPUT, "output", 'o', "FILE", "where the delta goes (default NAME_OLD_NEW_ARCH.delta)" },
	{ 0 },
};

static void print(bool json, const char *path, const struct delta_made *made)
{
	if (!json) {
		printf("%s\n", path);
		return;
	}
	struct json_object *top = json_object_new_object();
	json_object_object_add(top, "path", json_object_new_string(path));
	json_object_object_add(top, "size_bytes", json_object_new_int64((int64_t)made->bytes));
	json_object_object_add(top, "full_bytes", json_object_new_int64((int64_t)made->full_bytes));
	json_object_object_add(top, "pairs", json_object_new_int64((int64_t)made->pairs));
	json_object_object_add(top, "pair_bytes", json_object_new_int64((int64_t)made->pair_bytes));
	json_object_object_add(top, "rdiff_bytes", json_object_new_int64((int64_t)made->rdiff_bytes));
	printf("%s\n", json_object_to_json_string_ext(top, JSON_C_TO_STRING_PRETTY |
						      JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(top);
}

int cmd_delta(struct cli *cli, int argc, char **argv, struct err *err)
{
	const char *out = NULL;
	_cleanup_free_ char *name = NULL;
	_cleanup_(workdir_freep) struct workdir *work = NULL;
	struct delta_made made;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		out = cli->value;
	if (id < 0 || cli_check_args(cli, argc, 2, 2, err) != 0)
		return -1;
	const char *old = argv[cli->next], *new = argv[cli->next + 1];
	if (!out && delta_file_name(old, new, &name, err) != 0)
		return -1;
	if (workdir_new(&work, err) != 0 ||
	    delta_make(old, new, out ? out : name, work->path, &made, err) != 0)
		return -1;
	print(cli->json, out ? out : name, &made);
	return 0;
}
