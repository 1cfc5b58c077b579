/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/enrol-gate.h"

#include <time.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/enrol.h"
#include "repo-tools/enrol-decide.h"
#include "repo-tools/gate-input.h"
#include "repo-tools/site-preseed.h"
#include "repo-tools/site.h"
#include "repo-tools/ssh-key.h"

enum { TIMEOUT_MS = 30 * 1000 };

static int read_request(int fd, enum enrol_kind kind, struct enrol_request *request,
			struct err *err)
{
	size_t len;
	_cleanup_free_ char *text = NULL;
	if (gate_input_read(fd, "the request", ENROL_MAX_BYTES, TIMEOUT_MS, &text, &len, err) < 0)
		return -1;
	if (enrol_request_parse(text, len, kind, request, err) == 0)
		return 0;
	err->code = ERR_REFUSED;
	return err_prefix(err, "refused");
}

/* The key that sshd has verified, and in the form in which it goes into files. */
static int check_key(struct enrol_request *request, const char *fingerprint, struct err *err)
{
	char computed[SSH_KEY_FINGERPRINT_LEN + 1];
	char *key = NULL;
	if (ssh_key_parse(request->public_key, &key, err) < 0) {
		err->code = ERR_REFUSED;
		return err_prefix(err, "refused: Public-Key");
	}
	free(request->public_key);
	request->public_key = key;
	ssh_key_fingerprint(key, computed);
	if (str_eq(computed, fingerprint))
		return 0;
	return err_set(err, ERR_REFUSED, "refused: Public-Key is not the key of this connection");
}

/* Under the lock. First the record, then the site's key: see enrolment.h. */
static int decide_and_save(const struct repo *repo, const struct enrol_request *request,
			   const char *fingerprint, struct enrol_answer *answer, struct err *err)
{
	_cleanup_hardware_list_ struct hardware_list sites = { 0 };
	_cleanup_(enrolment_freep) struct enrolment *e = NULL;
	if (enrolment_open(repo, REPO_WRITE, &e, err) < 0 ||
	    hardware_list_load(repo, &sites, err) < 0)
		return -1;
	if (enrol_decide(e, &sites, request, fingerprint, time(NULL), answer) &&
	    enrolment_save(repo, e, err) < 0)
		return -1;
	if (answer->status != ENROL_ENROLLED)
		return 0;
	return site_set_key(repo, answer->site, request->public_key, err);
}

static int serve_enroll(const struct repo *repo, const char *fingerprint, int fd, struct err *err)
{
	_cleanup_enrol_request_ struct enrol_request request = { 0 };
	_cleanup_enrol_answer_ struct enrol_answer answer = { 0 };
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	if (read_request(fd, ENROL_ENROLL, &request, err) < 0 ||
	    check_key(&request, fingerprint, err) < 0 ||
	    decide_and_save(repo, &request, fingerprint, &answer, err) < 0)
		return -1;
	enrol_answer_format(&answer, &text);
	if (write_all(STDOUT_FILENO, text.data, text.len, err) < 0)
		return -1;
	if (answer.status == ENROL_REFUSED)
		return err_set(err, ERR_REFUSED, "refused: %s", answer.reason);
	return 0;
}

static int serve_preseed(const struct repo *repo, int fd, struct err *err)
{
	_cleanup_enrol_request_ struct enrol_request request = { 0 };
	_cleanup_enrol_answer_ struct enrol_answer answer = { 0 };
	_cleanup_hardware_list_ struct hardware_list sites = { 0 };
	_cleanup_(enrolment_freep) struct enrolment *e = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len;
	if (read_request(fd, ENROL_PRESEED, &request, err) < 0 ||
	    enrolment_open(repo, REPO_READ, &e, err) < 0 ||
	    hardware_list_load(repo, &sites, err) < 0)
		return -1;
	const char *site = enrol_decide_preseed(e, &sites, &request, time(NULL), &answer);
	if (!site)
		return err_set(err, ERR_REFUSED, "refused: %s", answer.reason);
	if (site_preseed_read(repo, site, &text, &len, err) < 0) {
		err->code = ERR_REFUSED;
		return err_prefix(err, "refused");
	}
	return write_all(STDOUT_FILENO, text, len, err);
}

int enrol_gate_serve(const struct repo *repo, const char *fingerprint, const char *command,
		     int input_fd, struct err *err)
{
	if (!ssh_key_fingerprint_is_valid(fingerprint))
		return err_set(err, ERR_USAGE, "'%s' is no fingerprint of a key", fingerprint);
	if (command && str_eq(command, "enroll"))
		return serve_enroll(repo, fingerprint, input_fd, err);
	if (command && str_eq(command, "preseed"))
		return serve_preseed(repo, input_fd, err);
	return err_set(err, ERR_REFUSED,
		       "refused: this key is no site's; it may ask for 'enroll' and 'preseed'");
}
