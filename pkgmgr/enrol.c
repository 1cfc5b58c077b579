/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/enrol.h"

#include <pwd.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/lock.h"
#include "common/log.h"
#include "common/subproc.h"
#include "pkgmgr/clock.h"
#include "pkgmgr/facts.h"
#include "pkgmgr/gate.h"

enum { CONF_MAX_BYTES = 64 * 1024, KEYGEN_TIMEOUT_MS = 60 * 1000 };

bool enrol_is_due(const struct root *root)
{
	_cleanup_free_ char *path = root_path(root, ENROL_TICKET_PATH);
	return file_exists(path);
}

static int read_ticket(const struct root *root, struct enrol_ticket *ticket, struct err *err)
{
	size_t len;
	_cleanup_free_ char *path = root_path(root, ENROL_TICKET_PATH);
	_cleanup_free_ char *text = NULL;
	*ticket = (struct enrol_ticket){ 0 };
	if (!file_exists(path))
		return err_set(err, ERR_NOT_FOUND,
			       "there is no token in %s; the operator makes one with 'imagerepo "
			       "site bundle SITE --enroll'", path);
	if (file_read(path, ENROL_MAX_BYTES, &text, &len, err) < 0)
		return -1;
	return enrol_ticket_parse(text, len, path, ticket, err);
}

/* --- the key ---------------------------------------------------------------------- */

/* The user that runs ssh must read it, and nobody else. */
static int own_key(const struct pkgmgr *m, struct err *err)
{
	const struct passwd *pw = getpwnam(m->conf->fetch_user);
	if (geteuid() != 0)
		return 0;
	if (!pw)
		return err_set(err, ERR_USAGE, "there is no user '%s' on this machine (Fetch-User)",
			       m->conf->fetch_user);
	if (chown(m->conf->ssh_key, pw->pw_uid, pw->pw_gid) < 0)
		return err_sys(err, "give %s to %s", m->conf->ssh_key, pw->pw_name);
	return 0;
}

/* Under another name first: a key that is half written is never used. */
static int generate_key(const struct pkgmgr *m, struct err *err)
{
	_cleanup_free_ char *fresh = xasprintf("%s.new", m->conf->ssh_key);
	_cleanup_free_ char *fresh_public = xasprintf("%s.pub", fresh);
	_cleanup_free_ char *public = xasprintf("%s.pub", m->conf->ssh_key);
	const char *const argv[] = { "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "waybill",
				     "-f", fresh, NULL };
	const struct subproc spec = { .argv = argv, .quiet = true,
				      .timeout_ms = KEYGEN_TIMEOUT_MS };
	if (atomic_unlink(fresh, err) < 0 || subproc_run(&spec, NULL, err) < 0 ||
	    atomic_rename(fresh_public, public, err) < 0 ||
	    atomic_rename(fresh, m->conf->ssh_key, err) < 0)
		return err_prefix(err, "make this site's ssh key");
	log_info("made this machine's ssh key, %s", m->conf->ssh_key);
	return 0;
}

/* The public half comes from the private one: a .pub of another key would be refused. */
static int read_public_key(const struct pkgmgr *m, char **key, struct err *err)
{
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	const char *const argv[] = { "ssh-keygen", "-y", "-P", "", "-f", m->conf->ssh_key, NULL };
	const struct subproc spec = { .argv = argv, .output = &output, .quiet = true,
				      .timeout_ms = KEYGEN_TIMEOUT_MS };
	_cleanup_strv_ struct strv words = STRV_INIT;
	if (subproc_run(&spec, NULL, err) < 0)
		return err_prefix(err, "read %s", m->conf->ssh_key);
	strv_split(&words, output.data ? output.data : "", " \n");
	if (words.count < 2)
		return err_set(err, ERR_PROGRAM, "ssh-keygen gave no public key of %s",
			       m->conf->ssh_key);
	*key = xasprintf("%s %s", words.items[0], words.items[1]);
	return 0;
}

static int have_key(const struct pkgmgr *m, char **key, struct err *err)
{
	if (!file_exists(m->conf->ssh_key) && generate_key(m, err) < 0)
		return -1;
	return own_key(m, err) < 0 ? -1 : read_public_key(m, key, err);
}

/* --- the answer -------------------------------------------------------------------- */

bool enrol_last_answer(const struct root *root, struct enrol_answer *answer)
{
	_cleanup_err_ struct err ignored = ERR_INIT;
	_cleanup_free_ char *path = root_path(root, ENROL_ANSWER_PATH);
	_cleanup_free_ char *text = NULL;
	size_t len;
	*answer = (struct enrol_answer){ 0 };
	return file_exists(path) && file_read(path, ENROL_MAX_BYTES, &text, &len, &ignored) == 0 &&
	       enrol_answer_parse(text, len, path, answer, &ignored) == 0;
}

static int keep_answer(const struct root *root, const struct enrol_answer *answer,
		       struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_free_ char *path = root_path(root, ENROL_ANSWER_PATH);
	enrol_answer_format(answer, &text);
	return atomic_file_write(path, text.data, text.len, 0644, err);
}

static bool is_site_line(const char *line)
{
	return strncasecmp(line, "Site", 4) == 0 && line[4 + strspn(line + 4, " \t")] == ':';
}

void enrol_conf_set_site(const char *text, const char *site, struct strbuf *out)
{
	strbuf_addf(out, "Site: %s\n", site);
	while (*text) {
		size_t len = strcspn(text, "\n");
		len += text[len] == '\n';
		if (!is_site_line(text))
			strbuf_add(out, text, len);
		text += len;
	}
}

static int write_site(struct pkgmgr *m, const char *site, struct err *err)
{
	size_t len;
	struct stat st;
	_cleanup_free_ char *path = root_path(&m->root, PKGMGR_CONF);
	_cleanup_free_ char *text = NULL;
	_cleanup_strbuf_ struct strbuf changed = STRBUF_INIT;
	if (m->conf->site)
		return 0;
	if (file_read(path, CONF_MAX_BYTES, &text, &len, err) < 0)
		return -1;
	if (stat(path, &st) < 0)
		return err_sys(err, "stat %s", path);
	enrol_conf_set_site(text, site, &changed);
	if (atomic_file_write(path, changed.data, changed.len, st.st_mode & 07777, err) < 0)
		return -1;
	m->conf->site = xstrdup(site);
	return 0;
}

static int take_answer(struct pkgmgr *m, const struct enrol_ticket *ticket,
		       const struct enrol_answer *answer, struct err *err)
{
	_cleanup_free_ char *path = root_path(&m->root, ENROL_TICKET_PATH);
	if (keep_answer(&m->root, answer, err) < 0)
		return -1;
	if (answer->status == ENROL_REFUSED)
		return err_set(err, ERR_REFUSED, "%s refuses this machine: %s", m->conf->server,
			       answer->reason ? answer->reason : "it does not say why");
	if (answer->status == ENROL_PENDING)
		return 0;
	if (m->conf->site && !str_eq(m->conf->site, answer->site))
		return err_set(err, ERR_REFUSED,
			       "this machine's key is site %s, but %s says that this is %s; the "
			       "operator may revoke the one, or the other can be taken out of the file",
			       answer->site, PKGMGR_CONF, m->conf->site);
	if (clock_keep_floor(m, ticket->not_before, err) < 0 ||
	    write_site(m, answer->site, err) < 0 || atomic_unlink(path, err) < 0)
		return -1;
	log_event("enrolled", "this machine is site %s", answer->site);
	return 0;
}

static int ask(const struct pkgmgr *m, const struct enrol_ticket *ticket,
	       struct enrol_answer *answer, struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_strbuf_ struct strbuf said = STRBUF_INIT;
	struct enrol_request request = { 0 };
	int result = have_key(m, &request.public_key, err);
	if (result == 0) {
		facts_read(&m->root, &request.facts);
		request.token = xstrdup(ticket->token);
		request.site = m->conf->site ? xstrdup(m->conf->site) : NULL;
		enrol_request_format(&request, ENROL_ENROLL, &text);
		result = gate_enroll(m, text.data, &said, err);
	}
	enrol_request_destroy(&request);
	if (result < 0)
		return -1;
	return enrol_answer_parse(said.data ? said.data : "", said.len, "the gate's answer",
				  answer, err);
}

int enrol_run(struct pkgmgr *m, struct enrol_answer *answer, struct err *err)
{
	struct enrol_ticket ticket;
	*answer = (struct enrol_answer){ 0 };
	_cleanup_free_ char *lock_path = root_path(&m->root, "var/lib/waybill/enrol.lock");
	_cleanup_close_ int lock = lock_take(lock_path, 0, err);
	if (lock < 0)
		return err_prefix(err, "another enrolment runs");
	int result = read_ticket(&m->root, &ticket, err);
	if (result == 0)
		result = ask(m, &ticket, answer, err);
	if (result == 0)
		result = take_answer(m, &ticket, answer, err);
	enrol_ticket_destroy(&ticket);
	return result;
}
