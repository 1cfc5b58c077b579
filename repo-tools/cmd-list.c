/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>

#include "repo-tools/cmds.h"
#include "repo-tools/index.h"
#include "repo-tools/suite-opt.h"

struct listing {
	struct repo *repo;
	struct json_object *json; /* an array, or NULL for text */
	int count;
};

static void add_json(struct json_object *array, const struct index_package *p,
		     const char *suites)
{
	struct json_object *o = json_object_new_object();
	struct json_object *names = json_object_new_array();
	_cleanup_strv_ struct strv words = STRV_INIT;
	strv_split(&words, suites, " ");
	for (size_t i = 0; i < words.count; i++)
		json_object_array_add(names, json_object_new_string(words.items[i]));
	json_object_object_add(o, "name", json_object_new_string(p->name));
	json_object_object_add(o, "version", json_object_new_string(p->version));
	json_object_object_add(o, "architecture", json_object_new_string(p->architecture));
	json_object_object_add(o, "sha256", json_object_new_string(p->sha256));
	json_object_object_add(o, "size_bytes", json_object_new_int64((int64_t)p->size_bytes));
	json_object_object_add(o, "path", json_object_new_string(p->path));
	json_object_object_add(o, "suites", names);
	json_object_array_add(array, o);
}

static int show(const struct index_package *package, void *arg, struct err *err)
{
	struct listing *listing = arg;
	_cleanup_free_ char *suites = NULL;
	if (index_suites_of(listing->repo->index, package->id, &suites, err) < 0)
		return -1;
	if (listing->json) {
		add_json(listing->json, package, suites);
		return 0;
	}
	if (!listing->count++)
		printf("%-24s %-16s %-6s %10s  %s\n", "NAME", "VERSION", "ARCH", "SIZE",
		       "SUITES");
	_cleanup_free_ char *size = size_format(package->size_bytes);
	printf("%-24s %-16s %-6s %10s  %s\n", package->name, package->version,
	       package->architecture, size, *suites ? suites : "(none; gc will delete it)");
	return 0;
}

int cmd_list(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	const char *suite = NULL;
	if (suite_opt_parse(cli, argc, argv, 0, 1, &suite, err) < 0 ||
	    cmd_open_repo(cli, REPO_READ, &repo, err) < 0 ||
	    (suite && suite_opt_default(repo, &suite, err) < 0))
		return -1;
	struct listing listing = { repo, cli->json ? json_object_new_array() : NULL, 0 };
	int result = index_each(repo->index, suite, NULL, argv[cli->next], show, &listing, err);
	if (listing.json && result == 0)
		puts(json_object_to_json_string_ext(listing.json, JSON_C_TO_STRING_PRETTY));
	json_object_put(listing.json);
	return result;
}
