/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/enrol.h"

#include <ctype.h>
#include <sys/random.h>

#include "common/deb822.h"
#include "common/utf8.h"

#define TOKEN_PREFIX "wb1-"
#define TICKET_FORMAT "waybill-enrolment 1"
#define ANSWER_FORMAT "waybill-enrol-answer 1"

enum { MAX_LINES = 64, MAX_LINE_BYTES = 200, MAX_REASON_BYTES = 500, TOKEN_CHARS = 32 };

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648, 6 */
static const char *const request_formats[] = { "waybill-enrol 1", "waybill-preseed-request 1" };
static const char *const status_names[] = { "enrolled", "pending", "refused" };

/* --- the token ------------------------------------------------------------- */

bool enrol_token_is_valid(const char *token)
{
	return str_starts(token, TOKEN_PREFIX) && strlen(token) == ENROL_TOKEN_LEN &&
	       strspn(token + strlen(TOKEN_PREFIX), alphabet) == TOKEN_CHARS;
}

int enrol_token_make(char token[ENROL_TOKEN_LEN + 1], struct err *err)
{
	uint8_t bytes[TOKEN_CHARS];
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return err_sys(err, "get random bytes");
	memcpy(token, TOKEN_PREFIX, strlen(TOKEN_PREFIX));
	for (int i = 0; i < TOKEN_CHARS; i++) /* 5 bits of each byte, so 160 in all */
		token[strlen(TOKEN_PREFIX) + i] = alphabet[bytes[i] & 31];
	token[ENROL_TOKEN_LEN] = '\0';
	return 0;
}

static int require_token(const struct deb822_stanza *s, const char *origin, char **token,
			 struct err *err)
{
	const char *value = NULL;
	if (deb822_require(s, "Token", origin, &value, err) < 0)
		return -1;
	if (!enrol_token_is_valid(value)) /* not shown: it may be one with a typing error */
		return err_set(err, ERR_INPUT, "%s: this is no token (wb1-, 32 characters)",
			       origin);
	*token = xstrdup(value);
	return 0;
}

/* --- what all of them are: one stanza with a Format --------------------------- */

static int parse_one(const char *text, size_t len, const char *origin, const char *format,
		     struct deb822 **doc, struct err *err)
{
	const char *value = NULL;
	if (len > ENROL_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "%s: more than %d bytes", origin,
			       ENROL_MAX_BYTES);
	if (deb822_parse(text, len, 1, origin, doc, err) < 0)
		return -1;
	if ((*doc)->count != 1)
		return err_set(err, ERR_INPUT, "%s is empty", origin);
	if (deb822_require(&(*doc)->stanzas[0], "Format", origin, &value, err) < 0)
		return -1;
	if (!str_eq(value, format))
		return err_set(err, ERR_INPUT, "%s: its Format is not '%s'", origin, format);
	return 0;
}

static int check_text(const char *text, size_t max_bytes, const char *what, struct err *err)
{
	size_t len = strlen(text);
	_cleanup_free_ char *clean = utf8_make_printable(text, len, "", len + 1);
	if (len > max_bytes)
		return err_set(err, ERR_TOO_LARGE, "%s: more than %zu bytes", what, max_bytes);
	if (!str_eq(clean, text))
		return err_set(err, ERR_INPUT, "%s: characters that are not printable", what);
	return 0;
}

/* *value stays NULL if there is none. */
static int take_text(const struct deb822_stanza *s, const char *name, size_t max_bytes,
		     char **value, struct err *err)
{
	const char *text = deb822_get(s, name);
	if (!text || !*text)
		return 0;
	if (check_text(text, max_bytes, name, err) < 0)
		return -1;
	*value = xstrdup(text);
	return 0;
}

static int take_site(const struct deb822_stanza *s, char **site, struct err *err)
{
	if (take_text(s, "Site", MAX_LINE_BYTES, site, err) < 0)
		return -1;
	return !*site || site_name_is_valid(*site)
		       ? 0
		       : err_set(err, ERR_INPUT, "Site: '%s' is no site name", *site);
}

/* --- /etc/waybill/enrolment --------------------------------------------------- */

void enrol_ticket_destroy(struct enrol_ticket *ticket)
{
	free(ticket->token);
	*ticket = (struct enrol_ticket){ 0 };
}

void enrol_ticket_format(const struct enrol_ticket *ticket, struct strbuf *out)
{
	_cleanup_free_ char *not_before = time_format(ticket->not_before);
	deb822_write(out, "Format", TICKET_FORMAT);
	deb822_write(out, "Token", ticket->token);
	deb822_write(out, "Not-Before", not_before);
}

int enrol_ticket_parse(const char *text, size_t len, const char *origin,
		       struct enrol_ticket *out, struct err *err)
{
	static const char *const known[] = { "Format", "Token", "Not-Before", NULL };
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	const char *not_before = NULL;
	*out = (struct enrol_ticket){ 0 };
	if (parse_one(text, len, origin, TICKET_FORMAT, &doc, err) < 0)
		return -1;
	const struct deb822_stanza *s = &doc->stanzas[0];
	if (deb822_check_known(s, known, origin, err) < 0 ||
	    deb822_require(s, "Not-Before", origin, &not_before, err) < 0 ||
	    time_parse(not_before, &out->not_before, "Not-Before", err) < 0)
		return -1;
	return require_token(s, origin, &out->token, err);
}

/* --- facts --------------------------------------------------------------------- */

void enrol_facts_destroy(struct enrol_facts *facts)
{
	free(facts->serial);
	free(facts->product);
	free(facts->memory);
	free(facts->release);
	strv_destroy(&facts->macs);
	strv_destroy(&facts->disks);
	*facts = (struct enrol_facts){ 0 };
}

static void write_text(struct strbuf *out, const char *name, const char *value)
{
	if (value)
		deb822_write(out, name, value);
}

static void write_list(struct strbuf *out, const char *name, const struct strv *list)
{
	if (!list->count)
		return;
	_cleanup_free_ char *lines = strv_join(list, "\n");
	_cleanup_free_ char *value = xasprintf("\n%s", lines);
	deb822_write(out, name, value);
}

void enrol_facts_format(const struct enrol_facts *facts, struct strbuf *out)
{
	write_text(out, "Machine-Serial", facts->serial);
	write_text(out, "Product", facts->product);
	write_list(out, "Mac", &facts->macs);
	write_text(out, "Memory", facts->memory);
	write_list(out, "Disks", &facts->disks);
	write_text(out, "Release", facts->release);
}

static int take_list(const struct deb822_stanza *s, const char *name, struct strv *list,
		     struct err *err)
{
	const char *text = deb822_get(s, name);
	strv_split(list, text ? text : "", "\n");
	if (list->count > MAX_LINES)
		return err_set(err, ERR_TOO_LARGE, "%s: more than %d lines", name, MAX_LINES);
	for (size_t i = 0; i < list->count; i++)
		if (check_text(list->items[i], MAX_LINE_BYTES, name, err) < 0)
			return -1;
	return 0;
}

char *enrol_mac_normal(const char *text)
{
	char mac[18];
	if (strlen(text) != 17)
		return NULL;
	for (int i = 0; i < 17; i++) {
		bool separator = i % 3 == 2;
		if (separator ? !strchr(":-", text[i]) : !isxdigit((unsigned char)text[i]))
			return NULL;
		mac[i] = separator ? ':' : (char)tolower((unsigned char)text[i]);
	}
	mac[17] = '\0';
	return xstrdup(mac);
}

static int check_macs(struct strv *macs, struct err *err)
{
	for (size_t i = 0; i < macs->count; i++) {
		char *normal = enrol_mac_normal(macs->items[i]);
		if (!normal)
			return err_set(err, ERR_INPUT, "Mac: '%s' is none", macs->items[i]);
		free(macs->items[i]);
		macs->items[i] = normal;
	}
	return 0;
}

int enrol_facts_parse(const struct deb822_stanza *s, const char *origin, struct enrol_facts *out,
		      struct err *err)
{
	*out = (struct enrol_facts){ 0 };
	if (take_text(s, "Machine-Serial", MAX_LINE_BYTES, &out->serial, err) == 0 &&
	    take_text(s, "Product", MAX_LINE_BYTES, &out->product, err) == 0 &&
	    take_text(s, "Memory", MAX_LINE_BYTES, &out->memory, err) == 0 &&
	    take_text(s, "Release", MAX_LINE_BYTES, &out->release, err) == 0 &&
	    take_list(s, "Mac", &out->macs, err) == 0 && check_macs(&out->macs, err) == 0 &&
	    take_list(s, "Disks", &out->disks, err) == 0)
		return 0;
	enrol_facts_destroy(out);
	return err_prefix(err, "%s", origin);
}

/* --- the request ------------------------------------------------------------------ */

void enrol_request_destroy(struct enrol_request *request)
{
	free(request->token);
	free(request->public_key);
	free(request->site);
	enrol_facts_destroy(&request->facts);
	*request = (struct enrol_request){ 0 };
}

void enrol_request_format(const struct enrol_request *request, enum enrol_kind kind,
			  struct strbuf *out)
{
	deb822_write(out, "Format", request_formats[kind]);
	deb822_write(out, "Token", request->token);
	write_text(out, "Public-Key", request->public_key);
	write_text(out, "Site", request->site);
	enrol_facts_format(&request->facts, out);
}

static int fill_request(const struct deb822_stanza *s, enum enrol_kind kind,
			struct enrol_request *out, struct err *err)
{
	static const char origin[] = "the request";
	static const char *const known[] = { "Format", "Token", "Public-Key", "Site",
					     "Machine-Serial", "Product", "Mac", "Memory",
					     "Disks", "Release", NULL };
	const char *key = NULL;
	if (deb822_check_known(s, known, origin, err) < 0 ||
	    require_token(s, origin, &out->token, err) < 0 ||
	    take_site(s, &out->site, err) < 0 ||
	    enrol_facts_parse(s, origin, &out->facts, err) < 0)
		return -1;
	if (kind == ENROL_PRESEED)
		return 0;
	if (deb822_require(s, "Public-Key", origin, &key, err) < 0)
		return -1;
	out->public_key = xstrdup(key);
	return 0;
}

int enrol_request_parse(const char *text, size_t len, enum enrol_kind kind,
			struct enrol_request *out, struct err *err)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	*out = (struct enrol_request){ 0 };
	if (parse_one(text, len, "the request", request_formats[kind], &doc, err) == 0 &&
	    fill_request(&doc->stanzas[0], kind, out, err) == 0)
		return 0;
	enrol_request_destroy(out);
	return -1;
}

/* --- the answer ---------------------------------------------------------------------- */

void enrol_answer_destroy(struct enrol_answer *answer)
{
	free(answer->site);
	free(answer->reason);
	*answer = (struct enrol_answer){ 0 };
}

const char *enrol_status_name(enum enrol_status status)
{
	return status_names[status];
}

void enrol_answer_format(const struct enrol_answer *answer, struct strbuf *out)
{
	deb822_write(out, "Format", ANSWER_FORMAT);
	deb822_write(out, "Status", status_names[answer->status]);
	write_text(out, "Site", answer->site);
	write_text(out, "Reason", answer->reason);
}

static int fill_answer(const struct deb822_stanza *s, const char *origin,
		       struct enrol_answer *out, struct err *err)
{
	const char *status = NULL;
	if (deb822_require(s, "Status", origin, &status, err) < 0 ||
	    take_site(s, &out->site, err) < 0 ||
	    take_text(s, "Reason", MAX_REASON_BYTES, &out->reason, err) < 0)
		return -1;
	size_t i = 0;
	while (i < ARRAY_SIZE(status_names) && !str_eq(status, status_names[i]))
		i++;
	if (i == ARRAY_SIZE(status_names))
		return err_set(err, ERR_INPUT, "Status is none of enrolled, pending, refused");
	out->status = (enum enrol_status)i;
	if (out->status == ENROL_ENROLLED && !out->site)
		return err_set(err, ERR_INPUT, "enrolled, but as no site");
	return 0;
}

int enrol_answer_parse(const char *text, size_t len, const char *origin,
		       struct enrol_answer *out, struct err *err)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	*out = (struct enrol_answer){ 0 };
	if (parse_one(text, len, origin, ANSWER_FORMAT, &doc, err) < 0)
		return -1;
	if (fill_answer(&doc->stanzas[0], origin, out, err) == 0)
		return 0;
	enrol_answer_destroy(out);
	return err_prefix(err, "%s", origin);
}
