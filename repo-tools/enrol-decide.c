/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/enrol-decide.h"

/* Of machines that showed somebody else's token; whoever copies sticks fills no disk. */
enum { MAX_REFUSED = 20 };

struct decision {
	struct enrolment *e;
	const struct hardware_list *sites;
	const struct enrol_request *request;
	const char *fingerprint;
	int64_t now;
	char sha256[SHA256_HEX_LEN + 1];
	struct enrol_answer *answer;
};

static bool refuse(struct enrol_answer *answer, char *reason)
{
	answer->status = ENROL_REFUSED;
	free(answer->reason);
	answer->reason = reason;
	return false;
}

static void take_facts(struct enrolment_machine *machine, const struct decision *d)
{
	const struct enrol_facts *from = &d->request->facts;
	struct enrol_facts *to = &machine->facts;
	enrol_facts_destroy(to);
	to->serial = from->serial ? xstrdup(from->serial) : NULL;
	to->product = from->product ? xstrdup(from->product) : NULL;
	to->memory = from->memory ? xstrdup(from->memory) : NULL;
	to->release = from->release ? xstrdup(from->release) : NULL;
	for (size_t i = 0; i < from->macs.count; i++)
		strv_add(&to->macs, from->macs.items[i]);
	for (size_t i = 0; i < from->disks.count; i++)
		strv_add(&to->disks, from->disks.items[i]);
	machine->last_seen = d->now;
}

/* The machine's record with this token. A token of one use that it had before is given up
 * with it: nobody else is to find it unused. */
static struct enrolment_machine *record(const struct decision *d)
{
	struct enrolment_machine *machine = enrolment_machine(d->e, d->fingerprint);
	if (!machine)
		machine = enrolment_add_machine(d->e, d->fingerprint, d->request->public_key,
						d->now);
	struct enrolment_token *before = enrolment_token(d->e, machine->token);
	if (before && before->site && machine->status != MACHINE_REFUSED &&
	    !str_eq(machine->token, d->sha256))
		enrolment_drop_token(d->e, before);
	memcpy(machine->token, d->sha256, sizeof(machine->token));
	take_facts(machine, d);
	return machine;
}

static void set_site(struct enrolment_machine *machine, const char *site)
{
	char *copy = site ? xstrdup(site) : NULL;
	free(machine->site);
	machine->site = copy;
}

/* Refuse, and let the operator see it. */
static bool refuse_copy(const struct decision *d, const struct enrolment_token *token,
			char *reason)
{
	_cleanup_free_ char *site = token->site ? xstrdup(token->site) : NULL;
	bool known = enrolment_machine(d->e, d->fingerprint);
	refuse(d->answer, reason);
	if (!known && enrolment_token_refused(d->e, d->sha256) >= MAX_REFUSED)
		return false;
	struct enrolment_machine *machine = record(d);
	set_site(machine, site);
	machine_set(machine, MACHINE_REFUSED, d->now, reason);
	return true;
}

static const struct enrolment_machine *first_user(const struct decision *d)
{
	for (size_t i = 0; i < d->e->machine_count; i++)
		if (str_eq(d->e->machines[i].token, d->sha256) &&
		    d->e->machines[i].status != MACHINE_REFUSED)
			return &d->e->machines[i];
	return NULL;
}

/* Why a token is spent; NULL: it is not. Free it. */
static char *why_spent(const struct decision *d, const struct enrolment_token *token)
{
	if (enrolment_token_used(d->e, token->sha256) >= token->uses) {
		if (token->uses > 1)
			return xasprintf("all %llu uses of this token are taken",
					 (unsigned long long)token->uses);
		const struct enrolment_machine *user = first_user(d);
		_cleanup_free_ char *at = time_format(user->first_seen);
		return xasprintf("this token was used at %s by another key", at);
	}
	const struct enrolment_machine *now_it =
		token->site ? enrolment_of_site(d->e, token->site) : NULL;
	if (now_it && now_it->since > token->made)
		return xasprintf("another machine became %s after this token was made",
				 token->site);
	return NULL;
}

/* Whether a machine may show this token now; false, and the answer is made, if not.
 * *changed: something was recorded. */
static bool check_token(const struct decision *d, const struct enrolment_token *token,
			bool bound, bool *changed)
{
	const char *said = d->request->site;
	if (!token)
		return refuse(d->answer, xstrdup("this token is not known here"));
	if (!bound && d->now >= token->expires) {
		_cleanup_free_ char *at = time_format(token->expires);
		return refuse(d->answer, xasprintf("this token expired at %s", at));
	}
	char *spent = bound ? NULL : why_spent(d, token);
	if (spent) {
		*changed = refuse_copy(d, token, spent);
		return false;
	}
	if (token->site && !hardware_of_site(d->sites, token->site))
		return refuse(d->answer, xasprintf("there is no site %s any more", token->site));
	if (token->site && said && !str_eq(said, token->site))
		return refuse(d->answer, xasprintf("this token is for site %s, not for %s",
						   token->site, said));
	return true;
}

void enrol_make_site(struct enrolment *e, struct enrolment_machine *machine, const char *site,
		     int64_t now)
{
	struct enrolment_machine *before = enrolment_of_site(e, site);
	if (before && before != machine)
		machine_set(before, MACHINE_REPLACED, now, "another machine became this site");
	set_site(machine, site);
	machine_set(machine, MACHINE_ENROLLED, now, NULL);
}

static void answer_enrolled(struct enrol_answer *answer, const char *site)
{
	answer->status = ENROL_ENROLLED;
	answer->site = xstrdup(site);
}

static void answer_pending(const struct decision *d, struct enrolment_machine *machine,
			   const char *site, const char *why)
{
	set_site(machine, site);
	machine_set(machine, MACHINE_PENDING, d->now, why);
	d->answer->status = ENROL_PENDING;
	d->answer->site = site ? xstrdup(site) : NULL;
	d->answer->reason = xasprintf("waiting for the operator's approval%s%s",
				      why ? ": " : "", why ? why : "");
}

static void admit(const struct decision *d, const struct enrolment_token *token)
{
	_cleanup_free_ char *why = NULL;
	/* Copies: record() may drop another token. */
	_cleanup_free_ char *bound_to = token->site ? xstrdup(token->site) : NULL;
	bool approved = token->approved;
	const char *site = bound_to;
	if (!bound_to) {
		site = hardware_match(d->sites, &d->request->facts, &why);
		approved = site && (!d->request->site || str_eq(d->request->site, site));
	}
	struct enrolment_machine *machine = record(d);
	if (!approved) {
		answer_pending(d, machine, site ? site : d->request->site, why);
		return;
	}
	enrol_make_site(d->e, machine, site, d->now);
	answer_enrolled(d->answer, site);
}

bool enrol_decide(struct enrolment *e, const struct hardware_list *sites,
		  const struct enrol_request *request, const char *fingerprint, int64_t now,
		  struct enrol_answer *answer)
{
	struct decision d = { e, sites, request, fingerprint, now, "", answer };
	struct enrolment_machine *machine = enrolment_machine(e, fingerprint);
	sha256_hex(request->token, strlen(request->token), d.sha256);
	*answer = (struct enrol_answer){ 0 };
	if (machine && machine->status == MACHINE_REVOKED)
		return refuse(answer, xstrdup("the operator has revoked this machine"));
	if (machine && machine->status == MACHINE_ENROLLED) {
		if (hardware_of_site(sites, machine->site)) {
			answer_enrolled(answer, machine->site);
			return false;
		}
		return refuse(answer, xasprintf("there is no site %s any more", machine->site));
	}
	bool mine = machine && str_eq(machine->token, d.sha256);
	if (mine && machine->status != MACHINE_PENDING) {
		machine->last_seen = now;
		refuse(answer, xstrdup(machine->reason ? machine->reason : "refused before"));
		return true;
	}
	const struct enrolment_token *token = enrolment_token(e, d.sha256);
	bool changed = false;
	if (!check_token(&d, token, mine, &changed))
		return changed;
	admit(&d, token);
	return true;
}

const char *enrol_decide_preseed(const struct enrolment *e, const struct hardware_list *sites,
				 const struct enrol_request *request, int64_t now,
				 struct enrol_answer *answer)
{
	char sha256[SHA256_HEX_LEN + 1];
	char *why = NULL;
	sha256_hex(request->token, strlen(request->token), sha256);
	*answer = (struct enrol_answer){ 0 };
	const struct enrolment_token *token = enrolment_token(e, sha256);
	const char *site = NULL;
	if (!token)
		why = xstrdup("this token is not known here");
	else if (token->site)
		why = xstrdup("this token is of one site; only a generic stick asks for a preseed");
	else if (now >= token->expires)
		why = xstrdup("this token has expired");
	else if (enrolment_token_used(e, sha256) >= token->uses)
		why = xstrdup("all uses of this token are taken");
	else
		site = hardware_match(sites, &request->facts, &why);
	if (!site)
		refuse(answer, why);
	return site;
}
