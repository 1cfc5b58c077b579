/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/enrol-admin.h"

#include <strings.h>
#include <time.h>

#include "common/atomic-file.h"
#include "repo-tools/enrol-decide.h"
#include "repo-tools/site.h"
#include "repo-tools/ssh-key.h"

int enrol_admin_add_token(const struct repo *repo, const char *token,
			  const struct enrol_token_spec *spec, struct err *err)
{
	_cleanup_(enrolment_freep) struct enrolment *e = NULL;
	if (enrolment_open(repo, REPO_WRITE, &e, err) < 0)
		return -1;
	struct enrolment_token *record = enrolment_add_token(e);
	sha256_hex(token, strlen(token), record->sha256);
	record->site = spec->site ? xstrdup(spec->site) : NULL;
	record->uses = spec->uses;
	record->approved = spec->approved;
	record->made = spec->made;
	record->expires = spec->expires;
	return enrolment_save(repo, e, err);
}

/* Eight characters after "SHA256:" are enough to be typed by hand. */
static bool is_meant(const struct enrolment_machine *machine, const char *which)
{
	size_t len = strlen(which);
	if (str_starts(which, "SHA256:"))
		return len >= 15 && strncmp(machine->fingerprint, which, len) == 0;
	return machine->facts.serial && strcasecmp(machine->facts.serial, which) == 0;
}

/* The one machine that is meant. */
static int find_named(const struct enrolment *e, const char *which,
		      struct enrolment_machine **out, struct err *err)
{
	*out = NULL;
	for (size_t i = 0; i < e->machine_count; i++) {
		struct enrolment_machine *machine = &e->machines[i];
		if (!is_meant(machine, which))
			continue;
		if (*out)
			return err_set(err, ERR_EXISTS,
				       "'%s' is more than one machine; give the whole key that "
				       "'imagerepo site pending' shows", which);
		*out = machine;
	}
	if (!*out)
		return err_set(err, ERR_NOT_FOUND,
			       "no machine has the key or the serial '%s'; 'imagerepo site pending' "
			       "shows those that wait", which);
	return 0;
}

static int find_waiting(const struct enrolment *e, const char *site,
			struct enrolment_machine **out, struct err *err)
{
	*out = NULL;
	for (size_t i = 0; i < e->machine_count; i++) {
		struct enrolment_machine *machine = &e->machines[i];
		if (machine->status != MACHINE_PENDING || !str_same(machine->site, site))
			continue;
		if (*out)
			return err_set(err, ERR_EXISTS,
				       "more than one machine waits to become %s; name its key "
				       "(imagerepo site pending)", site);
		*out = machine;
	}
	if (!*out)
		return err_set(err, ERR_NOT_FOUND,
			       "no machine waits to become %s; 'imagerepo site pending' shows those "
			       "that wait", site);
	return 0;
}

int enrol_admin_approve(const struct repo *repo, const char *site, const char *which, char **out,
			bool *replaced, struct err *err)
{
	_cleanup_(enrolment_freep) struct enrolment *e = NULL;
	_cleanup_free_ char *before = NULL;
	struct enrolment_machine *machine = NULL;
	*out = NULL;
	if (enrolment_open(repo, REPO_WRITE, &e, err) < 0 ||
	    site_get_key(repo, site, &before, err) < 0 ||
	    (which ? find_named(e, which, &machine, err)
		   : find_waiting(e, site, &machine, err)) < 0)
		return -1;
	if (machine->status == MACHINE_ENROLLED && !str_same(machine->site, site))
		return err_set(err, ERR_EXISTS, "this machine is site %s; revoke that first",
			       machine->site);
	enrol_make_site(e, machine, site, time(NULL));
	*replaced = before && !str_eq(before, machine->public_key);
	*out = xstrdup(machine->fingerprint);
	if (enrolment_save(repo, e, err) < 0)
		return -1;
	return site_set_key(repo, site, machine->public_key, err);
}

static void drop_unused_tokens(struct enrolment *e, const char *site)
{
	for (size_t i = e->token_count; i-- > 0;)
		if (str_same(e->tokens[i].site, site) &&
		    !enrolment_token_used(e, e->tokens[i].sha256))
			enrolment_drop_token(e, &e->tokens[i]);
}

/* The record of the key that a site has, made if it was set by hand; NULL: it has none. */
static struct enrolment_machine *machine_of_key(struct enrolment *e, const char *key, int64_t now)
{
	char fingerprint[SSH_KEY_FINGERPRINT_LEN + 1];
	if (!key)
		return NULL;
	ssh_key_fingerprint(key, fingerprint);
	struct enrolment_machine *machine = enrolment_machine(e, fingerprint);
	return machine ? machine : enrolment_add_machine(e, fingerprint, key, now);
}

static void revoke(struct enrolment *e, const char *site, const char *key, const char *reason)
{
	int64_t now = time(NULL);
	struct enrolment_machine *recorded = enrolment_of_site(e, site);
	if (recorded)
		machine_set(recorded, MACHINE_REVOKED, now, reason);
	struct enrolment_machine *machine = machine_of_key(e, key, now);
	if (machine) {
		machine_set(machine, MACHINE_REVOKED, now, reason);
		if (!machine->site)
			machine->site = xstrdup(site);
	}
	drop_unused_tokens(e, site);
}

/* First the record: a gate that finds no key asks that. */
int enrol_admin_revoke_site(const struct repo *repo, const char *site, struct err *err)
{
	_cleanup_(enrolment_freep) struct enrolment *e = NULL;
	_cleanup_free_ char *key = NULL;
	_cleanup_free_ char *path = site_path(repo, site, "key.pub");
	if (enrolment_open(repo, REPO_WRITE, &e, err) < 0 ||
	    site_get_key(repo, site, &key, err) < 0)
		return -1;
	if (!key && !enrolment_of_site(e, site))
		return err_set(err, ERR_NOT_FOUND, "site %s has no key to revoke", site);
	revoke(e, site, key, "revoked by the operator");
	return enrolment_save(repo, e, err) < 0 ? -1 : atomic_unlink(path, err);
}

int enrol_admin_revoke_machine(const struct repo *repo, const char *which, char **out,
			       struct err *err)
{
	_cleanup_(enrolment_freep) struct enrolment *e = NULL;
	struct enrolment_machine *machine = NULL;
	*out = NULL;
	if (enrolment_open(repo, REPO_WRITE, &e, err) < 0 ||
	    find_named(e, which, &machine, err) < 0)
		return -1;
	if (machine->status == MACHINE_ENROLLED)
		return err_set(err, ERR_EXISTS, "this machine is site %s: imagerepo site revoke %s",
			       machine->site, machine->site);
	machine_set(machine, MACHINE_REVOKED, time(NULL), "revoked by the operator");
	*out = xstrdup(machine->fingerprint);
	return enrolment_save(repo, e, err);
}

int enrol_admin_set_key(const struct repo *repo, const char *site, const char *key,
			struct err *err)
{
	_cleanup_(enrolment_freep) struct enrolment *e = NULL;
	char fingerprint[SSH_KEY_FINGERPRINT_LEN + 1];
	int64_t now = time(NULL);
	if (enrolment_open(repo, REPO_WRITE, &e, err) < 0)
		return -1;
	ssh_key_fingerprint(key, fingerprint);
	struct enrolment_machine *before = enrolment_of_site(e, site);
	struct enrolment_machine *known = enrolment_machine(e, fingerprint);
	if (known)
		enrol_make_site(e, known, site, now);
	else if (before)
		machine_set(before, MACHINE_REPLACED, now, "the operator set another key");
	if ((known || before) && enrolment_save(repo, e, err) < 0)
		return -1;
	return site_set_key(repo, site, key, err);
}

int enrol_admin_forget_site(const struct repo *repo, const char *site, struct err *err)
{
	_cleanup_(enrolment_freep) struct enrolment *e = NULL;
	if (enrolment_open(repo, REPO_WRITE, &e, err) < 0)
		return -1;
	revoke(e, site, NULL, "the site was removed");
	return enrolment_save(repo, e, err);
}
