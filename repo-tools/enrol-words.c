/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/enrol-words.h"

#include <strings.h>

#include "repo-tools/report.h"

static bool is_of(const struct enrolment_machine *machine, const char *site)
{
	return site ? str_same(machine->site, site) : !machine->site;
}

char *enrol_describe_machine(const struct enrolment_machine *machine)
{
	const struct enrol_facts *facts = &machine->facts;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	strbuf_adds(&text, machine->fingerprint);
	if (facts->serial)
		strbuf_addf(&text, ", serial %s", facts->serial);
	if (facts->product)
		strbuf_addf(&text, ", %s", facts->product);
	if (facts->macs.count)
		strbuf_addf(&text, ", %s", facts->macs.items[0]);
	return report_printable(text.data);
}

static bool same_hardware(const struct enrolment_machine *a, const struct enrolment_machine *b)
{
	if (!a || !b)
		return false;
	for (size_t i = 0; i < a->facts.macs.count; i++)
		if (strv_contains(&b->facts.macs, a->facts.macs.items[i]))
			return true;
	return a->facts.serial && b->facts.serial &&
	       strcasecmp(a->facts.serial, b->facts.serial) == 0;
}

static void add_waiting(const struct enrolment_machine *machine, struct strv *words)
{
	_cleanup_free_ char *who = enrol_describe_machine(machine);
	_cleanup_free_ char *at = time_format(machine->first_seen);
	strv_addf(words, "waits for approval since %s: %s%s%s", at, who,
		  machine->reason ? "; " : "", machine->reason ? machine->reason : "");
}

/* Facts are what the machine says: a thief may say the same, so this is a guess. */
static void add_refused(const struct enrolment *e, const struct enrolment_machine *machine,
			struct strv *words)
{
	const struct enrolment_machine *site_is =
		machine->site ? enrolment_of_site(e, machine->site) : NULL;
	_cleanup_free_ char *who = enrol_describe_machine(machine);
	_cleanup_free_ char *at = time_format(machine->last_seen);
	strv_addf(words, "its stick was used twice or copied: refused at %s: %s; %s%s", at, who,
		  machine->reason ? machine->reason : "",
		  same_hardware(machine, site_is)
			  ? "; it says that it is the same hardware, perhaps installed anew"
			  : "");
}

void enrol_words(const struct enrolment *e, const char *site, struct strv *words)
{
	for (size_t i = 0; i < e->machine_count; i++) {
		const struct enrolment_machine *machine = &e->machines[i];
		if (!is_of(machine, site))
			continue;
		if (machine->status == MACHINE_PENDING)
			add_waiting(machine, words);
		else if (machine->status == MACHINE_REFUSED)
			add_refused(e, machine, words);
	}
}

static bool is_unused(const struct enrolment *e, const struct enrolment_token *token,
		      const char *site)
{
	return str_same(token->site, site) && !enrolment_token_used(e, token->sha256);
}

void enrol_token_words(const struct enrolment *e, const char *site, struct strv *words)
{
	for (size_t i = 0; i < e->token_count; i++) {
		const struct enrolment_token *token = &e->tokens[i];
		if (!is_unused(e, token, site))
			continue;
		_cleanup_free_ char *made = time_format(token->made);
		_cleanup_free_ char *until = time_format(token->expires);
		strv_addf(words, "not used yet, made %s, good until %s%s", made, until,
			  token->approved ? "" : ", needs approval");
	}
}

/* --- JSON ---------------------------------------------------------------------------- */

static void add_text(struct json_object *o, const char *name, const char *text)
{
	json_object_object_add(o, name, text ? json_object_new_string(text) : NULL);
}

static void add_time(struct json_object *o, const char *name, int64_t when)
{
	_cleanup_free_ char *text = time_format(when);
	add_text(o, name, text);
}

static void add_list(struct json_object *o, const char *name, const struct strv *list)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < list->count; i++)
		json_object_array_add(array, json_object_new_string(list->items[i]));
	json_object_object_add(o, name, array);
}

struct json_object *enrol_machine_to_json(const struct enrolment_machine *machine)
{
	struct json_object *o = json_object_new_object();
	add_text(o, "key", machine->fingerprint);
	add_text(o, "status", machine_status_name(machine->status));
	add_text(o, "site", machine->site);
	add_text(o, "reason", machine->reason);
	add_time(o, "first_seen", machine->first_seen);
	add_time(o, "last_seen", machine->last_seen);
	add_time(o, "since", machine->since);
	add_text(o, "serial", machine->facts.serial);
	add_text(o, "product", machine->facts.product);
	add_list(o, "macs", &machine->facts.macs);
	add_text(o, "memory", machine->facts.memory);
	add_list(o, "disks", &machine->facts.disks);
	add_text(o, "release", machine->facts.release);
	return o;
}

static struct json_object *tokens_to_json(const struct enrolment *e, const char *site)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < e->token_count; i++) {
		const struct enrolment_token *token = &e->tokens[i];
		if (!is_unused(e, token, site))
			continue;
		struct json_object *o = json_object_new_object();
		add_time(o, "made", token->made);
		add_time(o, "expires", token->expires);
		json_object_object_add(o, "approved", json_object_new_boolean(token->approved));
		json_object_array_add(array, o);
	}
	return array;
}

struct json_object *enrol_site_to_json(const struct enrolment *e, const char *site)
{
	struct json_object *o = json_object_new_object();
	struct json_object *others = json_object_new_array();
	const struct enrolment_machine *machine = enrolment_of_site(e, site);
	json_object_object_add(o, "machine", machine ? enrol_machine_to_json(machine) : NULL);
	for (size_t i = 0; i < e->machine_count; i++)
		if (is_of(&e->machines[i], site) && &e->machines[i] != machine)
			json_object_array_add(others, enrol_machine_to_json(&e->machines[i]));
	json_object_object_add(o, "others", others);
	json_object_object_add(o, "unused_tokens", tokens_to_json(e, site));
	return o;
}
