/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>
#include <stdio.h>

#include "common/cli.h"
#include "common/log.h"
#include "pkgmgr/enrol.h"

static void print_json(const struct enrol_answer *answer, const struct err *cause)
{
	struct json_object *out = json_object_new_object();
	bool answered = answer->site || answer->reason || cause->code == ERR_NONE;
	json_object_object_add(out, "status",
			       answered ? json_object_new_string(enrol_status_name(answer->status))
					: NULL);
	json_object_object_add(out, "site",
			       answer->site ? json_object_new_string(answer->site) : NULL);
	json_object_object_add(out, "reason",
			       answer->reason ? json_object_new_string(answer->reason) : NULL);
	json_object_object_add(out, "error", cause->msg ? json_object_new_string(cause->msg) : NULL);
	puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PLAIN));
	json_object_put(out);
}

static void print_text(const struct enrol_answer *answer)
{
	if (answer->status == ENROL_ENROLLED)
		printf("enrolled as site %s\n", answer->site);
	else if (answer->status == ENROL_PENDING)
		log_info("%s", answer->reason ? answer->reason
					      : "waiting for the operator's approval");
}

int cmd_enroll(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct pkgmgr *m = cli->ctx;
	_cleanup_enrol_answer_ struct enrol_answer answer = { 0 };
	if (cli_no_opts(cli, argc, argv, 0, 0, err) < 0 || pkgmgr_open_unenrolled(m, err) < 0)
		return -1;
	int rc = enrol_run(m, &answer, err);
	if (cli->json)
		print_json(&answer, err);
	else if (rc == 0)
		print_text(&answer);
	if (rc == 0 && answer.status == ENROL_PENDING)
		cli->exit_code = EXIT_FAILED;
	return rc;
}
