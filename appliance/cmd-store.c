/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appliance retain NAME, appliance gc [--keep N|--until-free SIZE]: the base store. */
#include <json-c/json.h>

#include "appliance/base-store.h"
#include "appliance/cmd.h"
#include "common/log.h"

enum { OPT_KEEP = 1, OPT_UNTIL_FREE, MAX_KEEP = 1000 };

const struct cli_opt cmd_gc_opts[] = {
	{ OPT_KEEP, "keep", 0, "N", "keep the N newest unused bases of each appliance" },
	{ OPT_UNTIL_FREE, "until-free", 0, "SIZE",
	  "only the oldest, until so much is free on the disk" },
	{ 0 },
};

/* A broken package is not worth keeping, and its preinst must let a good one in. */
static int retain(struct host *host, const char *name, const void *arg, struct err *err)
{
	if (base_store_retain(host, name, err) == 0)
		return 0;
	if (err->code != ERR_INPUT && err->code != ERR_SIGNATURE &&
	    err->code != ERR_TOO_LARGE)
		return -1;
	log_warn("not kept: %s", err->msg);
	err_clear(err);
	return 0;
}

int cmd_retain(struct cli *cli, int argc, char **argv, struct err *err)
{
	int id = cli_next(cli, argc, argv, err);
	return id < 0 ? -1 : cmd_change(cli, argc, argv, retain, NULL, err);
}

static void print_gc(bool json, unsigned count, uint64_t freed_bytes)
{
	if (json) {
		struct json_object *o = json_object_new_object();
		json_object_object_add(o, "removed_bases", json_object_new_int64(count));
		json_object_object_add(o, "freed_bytes",
				       json_object_new_int64((int64_t)freed_bytes));
		printf("%s\n",
		       json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
		json_object_put(o);
		return;
	}
	_cleanup_free_ char *size = size_format(freed_bytes);
	printf("removed %u base%s, %s freed\n", count, count == 1 ? "" : "s", size);
}

struct gc_request {
	uint64_t keep, free_bytes;
	bool by_room;
};

static int gc_option(struct cli *cli, int id, struct gc_request *request, struct err *err)
{
	int rc = id == OPT_KEEP ? number_parse(cli->value, 0, MAX_KEEP, &request->keep, "--keep", err)
				: size_parse(cli->value, &request->free_bytes, "--until-free", err);
	request->by_room |= id == OPT_UNTIL_FREE;
	if (rc < 0)
		err->code = ERR_USAGE;
	return rc;
}

int cmd_gc(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct gc_request request = { 0 };
	uint64_t freed_bytes = 0;
	unsigned count = 0;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		if (gc_option(cli, id, &request, err) < 0)
			return -1;
	if (id < 0 || cli_check_args(cli, argc, 0, 0, err) < 0)
		return -1;
	if (request.by_room && request.keep)
		return err_set(err, ERR_USAGE, "--keep and --until-free contradict each other");
	_cleanup_(host_freep) struct host *host = NULL;
	if (cmd_open_host(cli, &host, err) < 0)
		return -1;
	_cleanup_close_ int lock = host_lock(host, err);
	if (lock < 0)
		return -1;
	int rc = request.by_room
			 ? base_store_make_room(host, request.free_bytes, &count, &freed_bytes, err)
			 : base_store_gc(host, (unsigned)request.keep, &count, &freed_bytes, err);
	if (rc < 0)
		return -1;
	print_gc(cli->json, count, freed_bytes);
	return 0;
}
