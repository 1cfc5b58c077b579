/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/enrolment.h"

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/lock.h"

enum { MAX_BYTES = 64 << 20, MAX_STANZAS = 100000, LOCK_TIMEOUT_MS = 20 * 1000 };

static const char *const status_names[] = { "pending", "enrolled", "refused", "revoked",
					    "replaced" };

const char *machine_status_name(enum machine_status status)
{
	return status_names[status];
}

static void token_destroy(struct enrolment_token *token)
{
	free(token->site);
}

static void machine_destroy(struct enrolment_machine *machine)
{
	free(machine->fingerprint);
	free(machine->public_key);
	free(machine->site);
	free(machine->reason);
	enrol_facts_destroy(&machine->facts);
}

void enrolment_free(struct enrolment *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->token_count; i++)
		token_destroy(&e->tokens[i]);
	for (size_t i = 0; i < e->machine_count; i++)
		machine_destroy(&e->machines[i]);
	free(e->tokens);
	free(e->machines);
	closep(&e->lock_fd);
	free(e);
}

/* --- reading ------------------------------------------------------------------------ */

static int get_time(const struct deb822_stanza *s, const char *name, const char *origin,
		    int64_t *out, struct err *err)
{
	const char *text = NULL;
	if (deb822_require(s, name, origin, &text, err) < 0)
		return -1;
	return time_parse(text, out, name, err);
}

static int get_sha256(const struct deb822_stanza *s, const char *origin,
		      char sha256[SHA256_HEX_LEN + 1], struct err *err)
{
	const char *text = NULL;
	if (deb822_require(s, "Token", origin, &text, err) < 0)
		return -1;
	if (!sha256_is_valid(text))
		return err_set(err, ERR_INPUT, "%s: Token is no SHA-256", origin);
	memcpy(sha256, text, SHA256_HEX_LEN + 1);
	return 0;
}

static char *copy_of(const struct deb822_stanza *s, const char *name)
{
	const char *text = deb822_get(s, name);
	return text && *text ? xstrdup(text) : NULL;
}

static int read_token(const struct deb822_stanza *s, const char *origin,
		      struct enrolment_token *token, struct err *err)
{
	const char *uses = NULL, *approved = NULL;
	token->site = copy_of(s, "Site");
	if (get_sha256(s, origin, token->sha256, err) < 0 ||
	    deb822_require(s, "Uses", origin, &uses, err) < 0 ||
	    number_parse(uses, 1, MAX_STANZAS, &token->uses, "Uses", err) < 0 ||
	    deb822_require(s, "Approved", origin, &approved, err) < 0 ||
	    get_time(s, "Made", origin, &token->made, err) < 0)
		return -1;
	token->approved = str_eq(approved, "yes");
	return get_time(s, "Expires", origin, &token->expires, err);
}

static int read_status(const struct deb822_stanza *s, const char *origin,
		       enum machine_status *status, struct err *err)
{
	const char *text = NULL;
	if (deb822_require(s, "Status", origin, &text, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(status_names); i++) {
		if (str_eq(text, status_names[i])) {
			*status = (enum machine_status)i;
			return 0;
		}
	}
	return err_set(err, ERR_INPUT, "%s: unknown Status '%s'", origin, text);
}

static int read_machine(const struct deb822_stanza *s, const char *origin,
			struct enrolment_machine *machine, struct err *err)
{
	const char *key = NULL;
	machine->fingerprint = copy_of(s, "Machine");
	machine->site = copy_of(s, "Site");
	machine->reason = copy_of(s, "Reason");
	if (deb822_get(s, "Token") && get_sha256(s, origin, machine->token, err) < 0)
		return -1;
	if (deb822_require(s, "Public-Key", origin, &key, err) < 0 ||
	    read_status(s, origin, &machine->status, err) < 0 ||
	    get_time(s, "First-Seen", origin, &machine->first_seen, err) < 0 ||
	    get_time(s, "Last-Seen", origin, &machine->last_seen, err) < 0 ||
	    get_time(s, "Since", origin, &machine->since, err) < 0)
		return -1;
	machine->public_key = xstrdup(key);
	return enrol_facts_parse(s, origin, &machine->facts, err);
}

static int read_stanza(const struct deb822_stanza *s, const char *origin, struct enrolment *e,
		       struct err *err)
{
	const char *fingerprint = deb822_get(s, "Machine");
	if (!fingerprint)
		return read_token(s, origin, enrolment_add_token(e), err);
	e->machines = xrealloc(e->machines, (e->machine_count + 1) * sizeof(*e->machines));
	e->machines[e->machine_count] = (struct enrolment_machine){ 0 };
	return read_machine(s, origin, &e->machines[e->machine_count++], err);
}

int enrolment_parse(const char *text, size_t len, const char *origin, struct enrolment **out,
		    struct err *err)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	_cleanup_(enrolment_freep) struct enrolment *e = xcalloc(1, sizeof(*e));
	e->lock_fd = -1;
	*out = NULL;
	if (deb822_parse(text, len, MAX_STANZAS, origin, &doc, err) < 0)
		return -1;
	for (size_t i = 0; i < doc->count; i++)
		if (read_stanza(&doc->stanzas[i], origin, e, err) < 0)
			return -1;
	*out = steal(&e);
	return 0;
}

static int load(const char *path, struct enrolment **out, struct err *err)
{
	size_t len = 0;
	_cleanup_free_ char *text = NULL;
	if (file_exists(path) && file_read(path, MAX_BYTES, &text, &len, err) < 0)
		return -1;
	return enrolment_parse(text ? text : "", len, path, out, err);
}

int enrolment_open(const struct repo *repo, enum repo_access access, struct enrolment **out,
		   struct err *err)
{
	_cleanup_free_ char *path = repo_path(repo, "private/enrolment");
	_cleanup_free_ char *lock_path = repo_path(repo, "private/enrolment.lock");
	*out = NULL;
	if (access == REPO_READ)
		return load(path, out, err);
	_cleanup_close_ int lock = lock_take(lock_path, LOCK_TIMEOUT_MS, err);
	if (lock < 0 || load(path, out, err) < 0)
		return -1;
	(*out)->lock_fd = steal_fd(&lock);
	return 0;
}

/* --- writing --------------------------------------------------------------------------- */

static void write_time(struct strbuf *out, const char *name, int64_t when)
{
	_cleanup_free_ char *text = time_format(when);
	deb822_write(out, name, text);
}

static void write_some(struct strbuf *out, const char *name, const char *value)
{
	if (value && *value)
		deb822_write(out, name, value);
}

static void write_token(const struct enrolment_token *token, struct strbuf *out)
{
	_cleanup_free_ char *uses = xasprintf("%llu", (unsigned long long)token->uses);
	deb822_write(out, "Token", token->sha256);
	write_some(out, "Site", token->site);
	deb822_write(out, "Uses", uses);
	deb822_write(out, "Approved", token->approved ? "yes" : "no");
	write_time(out, "Made", token->made);
	write_time(out, "Expires", token->expires);
}

static void write_machine(const struct enrolment_machine *machine, struct strbuf *out)
{
	deb822_write(out, "Machine", machine->fingerprint);
	deb822_write(out, "Public-Key", machine->public_key);
	write_some(out, "Token", machine->token);
	deb822_write(out, "Status", status_names[machine->status]);
	write_some(out, "Site", machine->site);
	write_some(out, "Reason", machine->reason);
	write_time(out, "First-Seen", machine->first_seen);
	write_time(out, "Last-Seen", machine->last_seen);
	write_time(out, "Since", machine->since);
	enrol_facts_format(&machine->facts, out);
}

void enrolment_format(const struct enrolment *e, struct strbuf *out)
{
	for (size_t i = 0; i < e->token_count; i++) {
		strbuf_adds(out, out->len ? "\n" : "");
		write_token(&e->tokens[i], out);
	}
	for (size_t i = 0; i < e->machine_count; i++) {
		strbuf_adds(out, out->len ? "\n" : "");
		write_machine(&e->machines[i], out);
	}
}

int enrolment_save(const struct repo *repo, const struct enrolment *e, struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_free_ char *path = repo_path(repo, "private/enrolment");
	enrolment_format(e, &text);
	return atomic_file_write(path, text.data ? text.data : "", text.len, 0600, err);
}

/* --- asking and changing ------------------------------------------------------------------ */

struct enrolment_token *enrolment_token(const struct enrolment *e, const char *sha256)
{
	for (size_t i = 0; i < e->token_count; i++)
		if (str_eq(e->tokens[i].sha256, sha256))
			return &e->tokens[i];
	return NULL;
}

struct enrolment_machine *enrolment_machine(const struct enrolment *e, const char *fingerprint)
{
	for (size_t i = 0; i < e->machine_count; i++)
		if (str_eq(e->machines[i].fingerprint, fingerprint))
			return &e->machines[i];
	return NULL;
}

struct enrolment_machine *enrolment_of_site(const struct enrolment *e, const char *site)
{
	for (size_t i = 0; i < e->machine_count; i++)
		if (e->machines[i].status == MACHINE_ENROLLED &&
		    str_same(e->machines[i].site, site))
			return &e->machines[i];
	return NULL;
}

struct enrolment_token *enrolment_add_token(struct enrolment *e)
{
	e->tokens = xrealloc(e->tokens, (e->token_count + 1) * sizeof(*e->tokens));
	e->tokens[e->token_count] = (struct enrolment_token){ 0 };
	return &e->tokens[e->token_count++];
}

struct enrolment_machine *enrolment_add_machine(struct enrolment *e, const char *fingerprint,
						const char *public_key, int64_t now)
{
	e->machines = xrealloc(e->machines, (e->machine_count + 1) * sizeof(*e->machines));
	e->machines[e->machine_count] = (struct enrolment_machine){
		.fingerprint = xstrdup(fingerprint),
		.public_key = xstrdup(public_key),
		.first_seen = now,
		.last_seen = now,
		.since = now,
	};
	return &e->machines[e->machine_count++];
}

void enrolment_drop_token(struct enrolment *e, struct enrolment_token *token)
{
	token_destroy(token);
	*token = e->tokens[--e->token_count];
}

void machine_set(struct enrolment_machine *machine, enum machine_status status, int64_t now,
		 const char *reason)
{
	char *copy = reason ? xstrdup(reason) : NULL;
	free(machine->reason);
	machine->reason = copy;
	if (machine->status != status)
		machine->since = now;
	machine->status = status;
}

static size_t count(const struct enrolment *e, const char *sha256, bool refused)
{
	size_t n = 0;
	for (size_t i = 0; i < e->machine_count; i++)
		n += str_eq(e->machines[i].token, sha256) &&
		     (e->machines[i].status == MACHINE_REFUSED) == refused;
	return n;
}

size_t enrolment_token_used(const struct enrolment *e, const char *sha256)
{
	return count(e, sha256, false);
}

size_t enrolment_token_refused(const struct enrolment *e, const char *sha256)
{
	return count(e, sha256, true);
}
