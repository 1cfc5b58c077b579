/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/proxy/machines.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "remote/code-book.h"

enum { MAX_BYTES = 64 * 1024, MAX_USERS = 1000 };

static const char *const known_fields[] = { "Machine", "Key", "Users", "Watchers", "Ports",
					    "Job", "Record", "Auditors", NULL };

void machine_free(struct machine *machine)
{
	if (!machine)
		return;
	free(machine->name);
	free(machine->job);
	strv_destroy(&machine->users);
	strv_destroy(&machine->watchers);
	strv_destroy(&machine->ports);
	strv_destroy(&machine->auditors);
	free(machine);
}

static int take_ports(const struct deb822_stanza *s, struct strv *out, struct err *err)
{
	const char *value = deb822_get(s, "Ports");
	uint64_t port;
	if (value)
		strv_split(out, value, " \t\n");
	for (size_t i = 0; i < out->count; i++)
		if (number_parse(out->items[i], 1, 65535, &port, "Ports", err) < 0)
			return -1;
	return 0;
}

static int take_users(const struct deb822_stanza *s, const char *field, struct strv *out,
		      struct err *err)
{
	const char *value = deb822_get(s, field);
	if (value)
		strv_split(out, value, " \t\n");
	if (out->count > MAX_USERS)
		return err_set(err, ERR_USAGE, "%s: more than %d users", field, MAX_USERS);
	return 0;
}

static int take_record(const struct deb822_stanza *s, bool *out, struct err *err)
{
	const char *value = deb822_get_or(s, "Record", "no");
	*out = str_eq(value, "yes");
	if (!*out && !str_eq(value, "no"))
		return err_set(err, ERR_USAGE, "Record: '%s' is neither yes nor no", value);
	return 0;
}

static int fill(struct machine *machine, const struct deb822_stanza *s, const char *origin,
		struct err *err)
{
	const char *name, *key, *job = deb822_get(s, "Job");
	if (deb822_check_known(s, known_fields, origin, err) < 0 ||
	    deb822_require(s, "Machine", origin, &name, err) < 0 ||
	    deb822_require(s, "Key", origin, &key, err) < 0 ||
	    take_users(s, "Users", &machine->users, err) < 0 ||
	    take_users(s, "Watchers", &machine->watchers, err) < 0 ||
	    take_users(s, "Auditors", &machine->auditors, err) < 0 ||
	    take_record(s, &machine->record, err) < 0 || take_ports(s, &machine->ports, err) < 0)
		return -1;
	if (!str_eq(name, origin) || !name_is_valid(name))
		return err_set(err, ERR_USAGE, "Machine: '%s' is not the file's name", name);
	if (strlen(key) != TLS_PIN_LEN || strspn(key, "0123456789abcdef") != TLS_PIN_LEN)
		return err_set(err, ERR_USAGE, "Key: must be %d hexadecimal digits", TLS_PIN_LEN);
	machine->name = xstrdup(name);
	memcpy(machine->pin, key, TLS_PIN_LEN + 1);
	machine->job = job && *job ? xstrdup(job) : NULL;
	return 0;
}

int machine_parse(const char *text, size_t len, const char *name, struct machine **out,
		  struct err *err)
{
	*out = NULL;
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	_cleanup_(machine_freep) struct machine *machine = xcalloc(1, sizeof(*machine));
	if (deb822_parse(text, len, 1, name, &doc, err) < 0) {
		err->code = ERR_USAGE;
		return -1;
	}
	if (doc->count != 1)
		return err_set(err, ERR_USAGE, "%s is empty", name);
	if (fill(machine, &doc->stanzas[0], name, err) < 0) {
		err->code = ERR_USAGE;
		return -1;
	}
	*out = steal(&machine);
	return 0;
}

static void write_words(struct strbuf *out, const char *field, const struct strv *words)
{
	if (words->count == 0)
		return;
	_cleanup_free_ char *joined = strv_join(words, " ");
	deb822_write(out, field, joined);
}

void machine_write(const struct machine *machine, struct strbuf *out)
{
	deb822_write(out, "Machine", machine->name);
	deb822_write(out, "Key", machine->pin);
	write_words(out, "Users", &machine->users);
	write_words(out, "Watchers", &machine->watchers);
	write_words(out, "Ports", &machine->ports);
	write_words(out, "Auditors", &machine->auditors);
	if (machine->record)
		deb822_write(out, "Record", "yes");
	if (machine->job)
		deb822_write(out, "Job", machine->job);
}

bool machine_allows(const struct machine *machine, const char *user, bool *view_only)
{
	*view_only = !strv_contains(&machine->users, user);
	return !*view_only || strv_contains(&machine->watchers, user);
}

bool machine_allows_audit(const struct machine *machine, const char *user)
{
	return strv_contains(&machine->auditors, user);
}

bool machine_grants(const struct machine *machine, const struct code_grant *grant)
{
	bool view_only;
	if (!grant->user)
		return true;
	if (grant->recording)
		return machine_allows_audit(machine, grant->user);
	return machine_allows(machine, grant->user, &view_only) && (grant->view_only || !view_only);
}

bool machine_allows_port(const struct machine *machine, const char *user, uint16_t port)
{
	char text[8];
	snprintf(text, sizeof(text), "%u", port);
	return strv_contains(&machine->users, user) && strv_contains(&machine->ports, text);
}

/* --- all of them ------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct machine *const *)a)->name, (*(struct machine *const *)b)->name);
}

static int add_file(const char *directory, const char *name, struct machines *out,
		    struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", directory, name);
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	if (file_read(path, MAX_BYTES, &text, &len, err) < 0)
		return -1;
	/* In steps of powers of two. */
	if ((out->count & (out->count - 1)) == 0)
		out->items = xrealloc(out->items, (out->count ? 2 * out->count : 1) *
							  sizeof(struct machine *));
	if (machine_parse(text, len, name, &out->items[out->count], err) < 0)
		return err_prefix(err, "%s", directory);
	out->count++;
	return 0;
}

int machines_read(const char *directory, struct machines *out, struct err *err)
{
	*out = (struct machines){ 0 };
	DIR *dir = opendir(directory);
	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return err_sys(err, "read %s", directory);
	int result = 0;
	for (struct dirent *entry; result == 0 && (entry = readdir(dir));)
		if (name_is_valid(entry->d_name))
			result = add_file(directory, entry->d_name, out, err);
	closedir(dir);
	if (result < 0)
		machines_destroy(out);
	else if (out->count > 0)
		qsort(out->items, out->count, sizeof(out->items[0]), by_name);
	return result;
}

void machines_destroy(struct machines *machines)
{
	for (size_t i = 0; i < machines->count; i++)
		machine_free(machines->items[i]);
	free(machines->items);
	*machines = (struct machines){ 0 };
}

static int name_against(const void *name, const void *item)
{
	return strcmp(name, (*(struct machine *const *)item)->name);
}

struct machine **machines_slot(const struct machines *machines, const char *name)
{
	if (machines->count == 0)
		return NULL;
	return bsearch(name, machines->items, machines->count, sizeof(machines->items[0]),
		       name_against);
}

struct machine *machines_find(const struct machines *machines, const char *name)
{
	struct machine **slot = machines_slot(machines, name);
	return slot ? *slot : NULL;
}
