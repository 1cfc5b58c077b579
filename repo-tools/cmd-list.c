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

/* Where one package is. */
struct places {
	struct strbuf text;
	struct json_object *suites, *phases;	/* or NULL */
};

static void add_place(const char *suite, unsigned percent, void *arg)
{
	struct places *places = arg;
	strbuf_addf(&places->text, "%s%s", places->text.len ? " " : "", suite);
	if (percent < 100)
		strbuf_addf(&places->text, " (%u %%)", percent);
	if (!places->suites)
		return;
	json_object_array_add(places->suites, json_object_new_string(suite));
	if (percent < 100)
		json_object_object_add(places->phases, suite, json_object_new_int((int)percent));
}

/* Takes over what `places` holds of JSON. */
static void add_json(struct json_object *array, const struct index_package *p,
		     const struct places *places)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "name", json_object_new_string(p->name));
	json_object_object_add(o, "version", json_object_new_string(p->version));
	json_object_object_add(o, "architecture", json_object_new_string(p->architecture));
	json_object_object_add(o, "sha256", json_object_new_string(p->sha256));
	json_object_object_add(o, "size_bytes", json_object_new_int64((int64_t)p->size_bytes));
	json_object_object_add(o, "path", json_object_new_string(p->path));
	json_object_object_add(o, "suites", places->suites);
	json_object_object_add(o, "phased_update_percentage", places->phases);
	json_object_array_add(array, o);
}

static void print_line(struct listing *listing, const struct index_package *p,
		       const struct places *places)
{
	if (!listing->count++)
		printf("%-24s %-16s %-6s %10s  %s\n", "NAME", "VERSION", "ARCH", "SIZE",
		       "SUITES");
	_cleanup_free_ char *size = size_format(p->size_bytes);
	printf("%-24s %-16s %-6s %10s  %s\n", p->name, p->version, p->architecture, size,
	       places->text.len ? places->text.data : "(none; gc will delete it)");
}

static int show(const struct index_package *package, void *arg, struct err *err)
{
	struct listing *listing = arg;
	struct places places = { STRBUF_INIT, NULL, NULL };
	if (listing->json) {
		places.suites = json_object_new_array();
		places.phases = json_object_new_object();
	}
	int result = index_each_suite(listing->repo->index, package->id, add_place, &places, err);
	if (listing->json)
		add_json(listing->json, package, &places);
	else if (result == 0)
		print_line(listing, package, &places);
	strbuf_destroy(&places.text);
	return result;
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
