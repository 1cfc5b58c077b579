/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>

#include "common/hash.h"
#include "common/workdir.h"
#include "preseed/audit.h"
#include "preseed/cmds.h"
#include "preseed/mirrors.h"
#include "preseed/preseed.h"
#include "preseed/stick.h"

enum { OPT_CONFIG = 1 };

const struct cli_opt cmd_check_opts[] = {
	{ OPT_CONFIG, "config", 'c', "FILE", "check a site's file instead of an image" },
	{ 0 },
};

/* Facts in the order in which they are shown. */
static void fact(struct json_object *facts, const char *name, const char *value)
{
	json_object_object_add(facts, name, value ? json_object_new_string(value) : NULL);
}

static void show(const struct cli *cli, struct json_object *facts)
{
	if (cli->json) {
		puts(json_object_to_json_string_ext(facts, JSON_C_TO_STRING_PRETTY |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
		return;
	}
	struct json_object_iterator end = json_object_iter_end(facts);
	for (struct json_object_iterator it = json_object_iter_begin(facts);
	     !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
		struct json_object *value = json_object_iter_peek_value(&it);
		printf("%-12s %s\n", json_object_iter_peek_name(&it),
		       value ? json_object_get_string(value) : "-");
	}
}

static int check_text(const char *text, size_t len, struct err *err)
{
	return audit_preseed(text, err) < 0 ? -1 : preseed_check(text, len, err);
}

static int check_config(const char *path, struct json_object *facts, struct err *err)
{
	_cleanup_(site_conf_freep) struct site_conf *conf = NULL;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	if (site_conf_read(path, &conf, err) < 0 || mirrors_complete(conf, err) < 0 ||
	    preseed_make(PRESEED_PART, conf, NULL, "check", STICK_HOLDS_NOTHING,
			 &text, err) < 0 ||
	    check_text(text.data, text.len, err) < 0)
		return -1;
	_cleanup_free_ char *disk = strv_join(&conf->disk, " ");
	fact(facts, "disk", disk);
	fact(facts, "raid", conf->raid1 ? "1" : "none");
	fact(facts, "interface", conf->interface);
	fact(facts, "network", conf->network == NETWORK_STATIC ? "static" : "dhcp");
	fact(facts, "address", conf->address);
	fact(facts, "gateway", conf->gateway);
	fact(facts, "mirror", conf->mirror);
	fact(facts, "security", conf->security_mirror);
	fact(facts, "proxy", *conf->proxy ? conf->proxy : NULL);
	fact(facts, "time-zone", conf->time_zone);
	fact(facts, "hypervisor", conf->hypervisor);
	fact(facts, "password", conf->password ? "set" : "locked");
	json_object_object_add(facts, "ssh-keys",
			       json_object_new_int64((int64_t)conf->ssh_keys.count));
	return 0;
}

static int check_seed(const char *seed, size_t len, struct json_object *facts, struct err *err)
{
	_cleanup_free_ char *preseed = NULL;
	_cleanup_free_ char *tar = NULL;
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	size_t preseed_len, tar_len;
	if (seed_archive_get(seed, len, "preseed.cfg", &preseed, &preseed_len, err) < 0 ||
	    seed_archive_get(seed, len, "waybill/bundle.tar", &tar, &tar_len, err) < 0 ||
	    bundle_parse(tar, tar_len, "in the image", &bundle, err) < 0 ||
	    check_text(preseed, preseed_len, err) < 0)
		return -1;
	struct stick stick = { .seed = seed, .seed_len = len };
	char id[STICK_ID_LEN + 1];
	stick_id(&stick, id);
	_cleanup_free_ char *offline = NULL;
	size_t offline_len;
	if (seed_archive_get(seed, len, "waybill/offline", &offline, &offline_len, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		err_clear(err);
	}
	_cleanup_free_ char *made = bundle->not_before ? time_format(bundle->not_before) : NULL;
	fact(facts, "site", bundle->site ? bundle->site : "any");
	fact(facts, "id", id);
	fact(facts, "repository", bundle->uri);
	fact(facts, "offline", offline ? "yes" : NULL);
	fact(facts, "token", bundle->token ? "yes" : NULL);
	fact(facts, "token-made", made);
	return 0;
}

static int check_image(const char *path, struct json_object *facts, struct err *err)
{
	_cleanup_(workdir_freep) struct workdir *work = NULL;
	_cleanup_free_ char *seed = NULL;
	size_t len;
	if (workdir_new(&work, err) < 0 || stick_read_seed(path, work, &seed, &len, err) < 0)
		return -1;
	return check_seed(seed, len, facts, err) < 0 ? err_prefix(err, "%s", path) : 0;
}

int cmd_check(struct cli *cli, int argc, char **argv, struct err *err)
{
	const char *config = NULL;
	int id;
	while ((id = cli_next(cli, argc, argv, err)) > 0)
		config = cli->value;
	if (id < 0 || cli_check_args(cli, argc, 0, 1, err) < 0)
		return -1;
	if ((config != NULL) == (cli->next < argc))
		return err_set(err, ERR_USAGE, "say what to check: an IMAGE, or --config FILE");
	struct json_object *facts = json_object_new_object();
	int result = config ? check_config(config, facts, err)
			    : check_image(argv[cli->next], facts, err);
	if (result == 0)
		show(cli, facts);
	json_object_put(facts);
	return result;
}
