/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>
#include <sys/stat.h>

#include "common/appliance-conf.h"
#include "common/delta-apply.h"
#include "common/workdir.h"
#include "imagepkg/cmds.h"

enum { OPT_OUTPUT = 1 };

const struct cli_opt cmd_patch_opts[] = {
	{ OPT_OUTPUT, "output", 'o', "FILE", "where the package goes (default NAME_NEW_ARCH.deb)" },
	{ 0 },
};

/* A package, a directory with what it has installed, or the disk in such a directory. */
static int open_old(struct delta_old *old, const struct delta *delta, const char *path,
		    struct err *err)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return err_sys(err, "cannot open %s", path);
	if (S_ISDIR(st.st_mode))
		return delta_old_from_dir(old, delta, path, err);
	if (str_ends(path, "/" BASE_FILE) || str_eq(path, BASE_FILE)) {
		size_t len = strlen(path) - strlen(BASE_FILE);
		_cleanup_free_ char *dir = len ? xstrndup(path, len) : xstrdup(".");
		return delta_old_from_dir(old, delta, dir, err);
	}
	_cleanup_(deb_freep) struct deb *deb = NULL;
	_cleanup_(workdir_freep) struct workdir *work = NULL;
	if (deb_open(path, &deb, err) != 0 || workdir_new(&work, err) != 0)
		return -1;
	return delta_old_from_deb(old, delta, deb, work->path, err);
}

static char *default_path(const struct delta_meta *meta)
{
	const char *colon = strchr(meta->new_version, ':');
	return xasprintf("%s_%s_%s.deb", meta->package, colon ? colon + 1 : meta->new_version,
			 meta->architecture);
}

int cmd_patch(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_free_ char *out = NULL;
	_cleanup_(delta_freep) struct delta *delta = NULL;
	_cleanup_(delta_old_close) struct delta_old old = DELTA_OLD_INIT;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0) {
		free(out);
		out = xstrdup(cli->value);
	}
	if (id < 0 || cli_check_args(cli, argc, 2, 2, err) != 0 ||
	    delta_open(argv[cli->next], &delta, err) != 0)
		return -1;
	if (!out)
		out = default_path(delta->meta);
	if (open_old(&old, delta, argv[cli->next + 1], err) != 0 ||
	    delta_apply(delta, &old, out, NULL, NULL, err) != 0)
		return -1;
	if (!cli->json) {
		printf("%s\n", out);
		return 0;
	}
	struct json_object *top = json_object_new_object();
	json_object_object_add(top, "path", json_object_new_string(out));
	json_object_object_add(top, "data_sha256", json_object_new_string(delta->meta->data_sha256));
	json_object_object_add(top, "control_sha256",
			       json_object_new_string(delta->meta->control_sha256));
	printf("%s\n", json_object_to_json_string_ext(top, JSON_C_TO_STRING_PRETTY |
						      JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(top);
	return 0;
}
