/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>
#include <stdio.h>

#include "common/cli.h"
#include "common/hash.h"
#include "pkgmgr/dpkg.h"
#include "pkgmgr/list.h"
#include "pkgmgr/record.h"

#define BASES_DIR "var/lib/waybill/bases"

static int check_list(const struct pkgmgr *m, struct strv *findings, struct err *err)
{
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	if (list_load(m, &list, err) == 0)
		return 0;
	strv_add(findings, err->msg);
	err_clear(err);
	return 0;
}

static int check_packages(const struct pkgmgr *m, struct strv *findings, struct err *err)
{
	_cleanup_strv_ struct strv ours = STRV_INIT;
	if (record_read_origins(m->state, &ours, err) < 0)
		return -1;
	return dpkg_verify(&m->root, &ours, findings, err);
}

/* A base is named after its content. */
static int check_base(const struct pkgmgr *m, const char *sha256, struct strv *findings)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *path = root_path(&m->root, BASES_DIR "/%s.qcow2", sha256);
	char found[SHA256_HEX_LEN + 1];
	uint64_t size = 0;
	if (sha256_file(path, found, &size, &err) < 0)
		strv_add(findings, err.msg);
	else if (!str_eq(found, sha256))
		strv_addf(findings, "%s has other bytes than its name says", path);
	return 0;
}

static int check_bases(const struct pkgmgr *m, struct strv *findings, struct err *err)
{
	_cleanup_(state_stmt_freep) sqlite3_stmt *stmt = NULL;
	if (state_prepare(m->state, &stmt, err, "", "SELECT sha256 FROM base") < 0)
		return -1;
	int row = 0;
	while ((row = state_step(m->state, stmt, err)) == 1) {
		_cleanup_free_ char *sha256 = state_text(stmt, 0);
		if (check_base(m, sha256, findings) < 0)
			return -1;
	}
	return row;
}

static void print(const struct cli *cli, const struct strv *findings)
{
	if (!cli->json) {
		for (size_t i = 0; i < findings->count; i++)
			puts(findings->items[i]);
		if (!findings->count)
			puts("everything is as it was signed");
		return;
	}
	struct json_object *out = json_object_new_object();
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < findings->count; i++)
		json_object_array_add(list, json_object_new_string(findings->items[i]));
	json_object_object_add(out, "ok", json_object_new_boolean(findings->count == 0));
	json_object_object_add(out, "findings", list);
	puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PLAIN));
	json_object_put(out);
}

int cmd_verify(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct pkgmgr *m = cli->ctx;
	_cleanup_strv_ struct strv findings = STRV_INIT;
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0 || pkgmgr_open(m, err) < 0 ||
	    check_list(m, &findings, err) < 0 || check_packages(m, &findings, err) < 0 ||
	    check_bases(m, &findings, err) < 0)
		return -1;
	print(cli, &findings);
	if (findings.count)
		return err_set(err, ERR_INCONSISTENT, "%zu things are not as they should be",
			       findings.count);
	return 0;
}
