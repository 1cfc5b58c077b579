/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imagerepo site hardware, preseed: what a generic stick finds for a machine. */
#include <json-c/json.h>

#include "common/atomic-file.h"
#include "repo-tools/cmds.h"
#include "repo-tools/hardware.h"
#include "repo-tools/site-preseed.h"
#include "repo-tools/site.h"

enum { OPT_SERIAL = 1, OPT_MAC, OPT_CLEAR };

const struct cli_opt cmd_site_hardware_opts[] = {
	{ OPT_SERIAL, "serial", 0, "SERIAL", "the machine's serial, as dmidecode shows it" },
	{ OPT_MAC, "mac", 0, "MAC", "the MAC of one of its network cards; may be repeated" },
	{ OPT_CLEAR, "clear", 0, NULL, "forget what was written down" },
	{ 0 },
};

static void show(const struct cli *cli, const struct hardware *h)
{
	_cleanup_free_ char *macs = h->macs.count ? strv_join(&h->macs, ", ") : xstrdup("-");
	if (!cli->json) {
		printf("serial       %s\nmac          %s\n", h->serial ? h->serial : "-", macs);
		return;
	}
	struct json_object *o = json_object_new_object();
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < h->macs.count; i++)
		json_object_array_add(array, json_object_new_string(h->macs.items[i]));
	json_object_object_add(o, "site", json_object_new_string(h->site));
	json_object_object_add(o, "serial", h->serial ? json_object_new_string(h->serial) : NULL);
	json_object_object_add(o, "macs", array);
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
	json_object_put(o);
}

static int show_site(struct cli *cli, const char *site, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	struct hardware h = { 0 };
	if (cmd_open_repo(cli, REPO_READ, &repo, err) < 0 || site_check(repo, site, err) < 0 ||
	    hardware_read(repo, site, &h, err) < 0)
		return -1;
	show(cli, &h);
	hardware_destroy(&h);
	return 0;
}

static int write_site(struct cli *cli, const struct hardware *h, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	if (cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0 || site_check(repo, h->site, err) < 0 ||
	    hardware_write(repo, h, err) < 0)
		return -1;
	printf("site %s: %s\n", h->site,
	       h->serial || h->macs.count ? "its hardware is written down" : "hardware forgotten");
	return 0;
}

int cmd_site_hardware(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct hardware h = { 0 };
	bool clear = false;
	int id, result = -1;
	while ((id = cli_next(cli, argc, argv, err)) > 0) {
		if (id == OPT_SERIAL) {
			free(h.serial);
			h.serial = xstrdup(cli->value);
		} else if (id == OPT_MAC) {
			strv_add(&h.macs, cli->value);
		} else {
			clear = true;
		}
	}
	bool some = h.serial || h.macs.count;
	if (id == 0 && cli_check_args(cli, argc, 1, 1, err) == 0) {
		h.site = xstrdup(argv[cli->next]);
		if (clear && some)
			result = err_set(err, ERR_USAGE, "--clear goes with nothing else");
		else
			result = clear || some ? write_site(cli, &h, err)
					       : show_site(cli, h.site, err);
	}
	hardware_destroy(&h);
	return result;
}

int cmd_site_preseed(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len;
	if (cli_no_opts(cli, argc, argv, 2, 2, err) < 0 ||
	    file_read(argv[cli->next + 1], SITE_PRESEED_MAX_BYTES, &text, &len, err) < 0 ||
	    cmd_open_repo(cli, REPO_WRITE, &repo, err) < 0 ||
	    site_check(repo, argv[cli->next], err) < 0)
		return -1;
	if (site_preseed_set(repo, argv[cli->next], text, len, err) < 0)
		return err_prefix(err, "%s", argv[cli->next + 1]);
	printf("site %s: its preseed is signed, and a generic stick gets it\n", argv[cli->next]);
	return 0;
}
