/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/delta-file.h"

#include <stdio.h>
#include <string.h>

#include "common/deb822.h"
#include "common/strv.h"

#define ORIGIN "delta: " DELTA_META_MEMBER
enum { MAX_BYTES_LOG = 50 };	/* no size is larger than 1 PiB: sums cannot overflow */

void delta_ranges_destroy(struct delta_ranges *ranges)
{
	free(ranges->items);
	*ranges = (struct delta_ranges){ NULL, 0, 0 };
}

void delta_ranges_add(struct delta_ranges *ranges, uint64_t offset, uint64_t bytes)
{
	struct delta_range *last = ranges->count ? &ranges->items[ranges->count - 1] : NULL;
	ranges->bytes += bytes;
	if (last && last->offset + last->bytes == offset) {
		last->bytes += bytes;
		return;
	}
	if ((ranges->count & (ranges->count - 1)) == 0)
		ranges->items = xrealloc(ranges->items, (ranges->count ? 2 * ranges->count : 1) *
							sizeof(*ranges->items));
	ranges->items[ranges->count++] = (struct delta_range){ offset, bytes };
}

void delta_meta_free(struct delta_meta *meta)
{
	if (!meta)
		return;
	free(meta->package);
	free(meta->architecture);
	free(meta->old_version);
	free(meta->new_version);
	free(meta->control_name);
	for (size_t i = 0; i < meta->basis_count; i++)
		free(meta->basis[i].name);
	for (size_t i = 0; i < meta->member_count; i++) {
		free(meta->members[i].name);
		delta_ranges_destroy(&meta->members[i].ranges);
	}
	free(meta->members);
	free(meta);
}

struct delta_member *delta_meta_add(struct delta_meta *meta, const char *name,
				    enum delta_method method)
{
	size_t n = meta->member_count;
	if ((n & (n - 1)) == 0)
		meta->members = xrealloc(meta->members, (n ? 2 * n : 1) * sizeof(*meta->members));
	meta->members[n] = (struct delta_member){ .name = xstrdup(name), .method = method };
	return &meta->members[meta->member_count++];
}

uint64_t delta_meta_basis_bytes(const struct delta_meta *meta)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < meta->basis_count; i++)
		bytes += delta_padded(meta->basis[i].bytes);
	return bytes;
}

/* --- reading ----------------------------------------------------------------------- */

static int get_bytes(const char *text, uint64_t min, uint64_t *out, struct err *err)
{
	return number_parse(text, min, UINT64_C(1) << MAX_BYTES_LOG, out, ORIGIN, err);
}

static int get_text(const struct deb822_stanza *s, const char *name, char **out, struct err *err)
{
	const char *value = NULL;
	if (deb822_require(s, name, ORIGIN, &value, err) != 0)
		return -1;
	*out = xstrdup(value);
	return 0;
}

static int get_sha256(const char *value, char out[SHA256_HEX_LEN + 1], struct err *err)
{
	if (!sha256_is_valid(value))
		return err_set(err, ERR_INPUT, ORIGIN ": '%.80s' is no SHA-256", value);
	memcpy(out, value, SHA256_HEX_LEN + 1);
	return 0;
}

/* Member and file names become paths for who unpacks by hand. */
static bool is_plain_name(const char *name)
{
	size_t len = strlen(name);
	return len > 0 && len <= 15 && name[0] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len;
}

static int check_name(const char *name, struct err *err)
{
	if (is_plain_name(name))
		return 0;
	return err_set(err, ERR_INPUT, ORIGIN ": '%.80s' cannot be the name of a file", name);
}

/* A line of Basis: "disk.qcow2 809123840 <sha256>". */
static int parse_basis_file(const char *line, struct delta_meta *meta, struct err *err)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	strv_split(&words, line, " ");
	if (meta->basis_count == DELTA_MAX_BASIS)
		return err_set(err, ERR_TOO_LARGE, ORIGIN ": more than %d files as basis",
			       DELTA_MAX_BASIS);
	if (words.count != 3)
		return err_set(err, ERR_INPUT, ORIGIN ": Basis: '%.80s' is not a name, a size and "
			       "a SHA-256", line);
	struct delta_basis_file *file = &meta->basis[meta->basis_count];
	if (check_name(words.items[0], err) != 0 || get_bytes(words.items[1], 1, &file->bytes, err) != 0 ||
	    get_sha256(words.items[2], file->sha256, err) != 0)
		return -1;
	file->name = xstrdup(words.items[0]);
	meta->basis_count++;
	return 0;
}

static int parse_basis(const struct deb822_stanza *s, struct delta_meta *meta, struct err *err)
{
	const char *value = NULL;
	_cleanup_strv_ struct strv lines = STRV_INIT;
	if (deb822_require(s, "Basis", ORIGIN, &value, err) != 0)
		return -1;
	strv_split(&lines, value, "\n");
	for (size_t i = 0; i < lines.count; i++)
		if (parse_basis_file(lines.items[i], meta, err) != 0)
			return -1;
	return 0;
}

static int check_identity(const struct delta_meta *meta, struct err *err)
{
	if (!name_is_valid(meta->package) || !name_is_valid(meta->architecture))
		return err_set(err, ERR_INPUT, ORIGIN ": Package or Architecture is no name");
	if (!version_is_valid(meta->old_version) || !version_is_valid(meta->new_version))
		return err_set(err, ERR_INPUT, ORIGIN ": a version is no Debian version");
	if (!str_starts(meta->control_name, "control.tar"))
		return err_set(err, ERR_INPUT, ORIGIN ": '%.80s' is no control member",
			       meta->control_name);
	return check_name(meta->control_name, err);
}

static int parse_header(const struct deb822_stanza *s, struct delta_meta *meta, struct err *err)
{
	const char *format = deb822_get_or(s, "Format", "");
	const char *control_bytes = NULL, *data_bytes = NULL, *control_sha = NULL, *data_sha = NULL;
	if (!str_eq(format, DELTA_FORMAT))
		return err_set(err, ERR_INPUT, ORIGIN ": Format is '%.40s'; this program reads "
			       "'" DELTA_FORMAT "'", format);
	if (get_text(s, "Package", &meta->package, err) != 0 ||
	    get_text(s, "Architecture", &meta->architecture, err) != 0 ||
	    get_text(s, "Old-Version", &meta->old_version, err) != 0 ||
	    get_text(s, "New-Version", &meta->new_version, err) != 0 ||
	    get_text(s, "Control-Member", &meta->control_name, err) != 0 ||
	    deb822_require(s, "Control-Size", ORIGIN, &control_bytes, err) != 0 ||
	    deb822_require(s, "Control-SHA256", ORIGIN, &control_sha, err) != 0 ||
	    deb822_require(s, "Data-Size", ORIGIN, &data_bytes, err) != 0 ||
	    deb822_require(s, "Data-SHA256", ORIGIN, &data_sha, err) != 0)
		return -1;
	if (check_identity(meta, err) != 0 ||
	    number_parse(control_bytes, 1, DELTA_MAX_CONTROL_BYTES, &meta->control_bytes, ORIGIN,
			 err) != 0 ||
	    get_bytes(data_bytes, 1, &meta->data_bytes, err) != 0 ||
	    get_sha256(control_sha, meta->control_sha256, err) != 0 ||
	    get_sha256(data_sha, meta->data_sha256, err) != 0)
		return -1;
	return parse_basis(s, meta, err);
}

/* "0+4096 12288+8192": each within the first basis_bytes bytes of the basis. */
static int parse_ranges(const char *value, uint64_t basis_bytes, struct delta_ranges *ranges,
			struct err *err)
{
	size_t len = 0;
	for (const char *word = value + strspn(value, " "); *word; word += len + strspn(word + len, " ")) {
		uint64_t offset = 0, bytes = 0;
		char text[48] = "";
		len = strcspn(word, " ");
		memcpy(text, word, len < sizeof(text) ? len : sizeof(text) - 1);
		char *plus = strchr(text, '+');
		if (!plus || len >= sizeof(text))
			return err_set(err, ERR_INPUT, ORIGIN ": '%s' is no range", text);
		*plus = '\0';
		if (get_bytes(text, 0, &offset, err) != 0 || get_bytes(plus + 1, 1, &bytes, err) != 0)
			return -1;
		if (offset > basis_bytes || bytes > basis_bytes - offset ||
		    ranges->bytes > UINT64_C(1) << MAX_BYTES_LOG)
			return err_set(err, ERR_INPUT, ORIGIN ": the range %s+%s reaches beyond "
				       "the basis", text, plus + 1);
		if (ranges->count == DELTA_MAX_RANGES)
			return err_set(err, ERR_TOO_LARGE, ORIGIN ": more than %d ranges",
				       DELTA_MAX_RANGES);
		delta_ranges_add(ranges, offset, bytes);
	}
	return 0;
}

static int parse_method(const char *text, enum delta_method *method, struct err *err)
{
	if (!str_eq(text, "pair") && !str_eq(text, "rdiff"))
		return err_set(err, ERR_INPUT, ORIGIN ": the method '%.40s' is not known", text);
	*method = str_eq(text, "pair") ? DELTA_PAIR : DELTA_RDIFF;
	return 0;
}

static int parse_member(const struct deb822_stanza *s, struct delta_meta *meta,
			uint64_t basis_bytes, struct err *err)
{
	const char *name = NULL, *text = NULL, *packed = NULL, *bytes = NULL;
	enum delta_method method = DELTA_PAIR;
	if (deb822_require(s, "Member", ORIGIN, &name, err) != 0 || check_name(name, err) != 0 ||
	    deb822_require(s, "Method", ORIGIN, &text, err) != 0 ||
	    deb822_require(s, "Packed-Size", ORIGIN, &packed, err) != 0 ||
	    deb822_require(s, "Size", ORIGIN, &bytes, err) != 0 ||
	    parse_method(text, &method, err) != 0)
		return -1;
	struct delta_member *m = delta_meta_add(meta, name, method);
	if (number_parse(packed, 1, DELTA_AR_MEMBER_MAX, &m->packed_bytes, ORIGIN, err) != 0 ||
	    get_bytes(bytes, 1, &m->bytes, err) != 0 ||
	    parse_ranges(deb822_get_or(s, "Ranges", ""), basis_bytes, &m->ranges, err) != 0)
		return err_prefix(err, "member %s", name);
	/* The payload of a pair is read whole: it may not be larger than what it makes. */
	if (method == DELTA_PAIR && (m->bytes > DELTA_PAIR_MAX_NEW ||
				     m->ranges.bytes > DELTA_PAIR_MAX_BYTES - m->bytes ||
				     m->packed_bytes > m->bytes + DELTA_BLOCK))
		return err_set(err, ERR_TOO_LARGE, ORIGIN ": the pair %s takes more memory than "
			       "is allowed", name);
	return 0;
}

static int parse_members(const struct deb822 *doc, struct delta_meta *meta, struct err *err)
{
	uint64_t basis_bytes = delta_meta_basis_bytes(meta), data_bytes = 0;
	for (size_t i = 1; i < doc->count; i++) {
		if (parse_member(&doc->stanzas[i], meta, basis_bytes, err) != 0)
			return -1;
		const struct delta_member *m = &meta->members[meta->member_count - 1];
		if (m->method == DELTA_RDIFF)
			data_bytes += m->bytes;
		else if (data_bytes > 0)
			return err_set(err, ERR_INPUT, ORIGIN ": the pair %s comes after data",
				       m->name);
		else
			basis_bytes += delta_padded(m->bytes);
		if (data_bytes > meta->data_bytes)
			break;
	}
	if (data_bytes != meta->data_bytes)
		return err_set(err, ERR_INPUT, ORIGIN ": the members do not make Data-Size bytes");
	return 0;
}

int delta_meta_parse(const char *text, size_t len, struct delta_meta **out, struct err *err)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	_cleanup_(delta_meta_freep) struct delta_meta *meta = xcalloc(1, sizeof(*meta));
	*out = NULL;
	if (deb822_parse(text, len, DELTA_MAX_MEMBERS + 1, ORIGIN, &doc, err) != 0)
		return -1;
	if (doc->count < 2)
		return err_set(err, ERR_INPUT, ORIGIN " has no members");
	if (parse_header(&doc->stanzas[0], meta, err) != 0 || parse_members(doc, meta, err) != 0)
		return -1;
	*out = steal(&meta);
	return 0;
}

/* --- writing ------------------------------------------------------------------------- */

static void write_bytes(struct strbuf *out, const char *name, uint64_t bytes)
{
	strbuf_addf(out, "%s: %llu\n", name, (unsigned long long)bytes);
}

static void format_member(const struct delta_member *m, struct strbuf *out)
{
	strbuf_addc(out, '\n');
	deb822_write(out, "Member", m->name);
	deb822_write(out, "Method", m->method == DELTA_PAIR ? "pair" : "rdiff");
	write_bytes(out, "Packed-Size", m->packed_bytes);
	write_bytes(out, "Size", m->bytes);
	if (m->ranges.count == 0)
		return;
	strbuf_adds(out, "Ranges:");
	for (size_t i = 0; i < m->ranges.count; i++)
		strbuf_addf(out, " %llu+%llu", (unsigned long long)m->ranges.items[i].offset,
			    (unsigned long long)m->ranges.items[i].bytes);
	strbuf_addc(out, '\n');
}

void delta_meta_format(const struct delta_meta *meta, struct strbuf *out)
{
	deb822_write(out, "Format", DELTA_FORMAT);
	deb822_write(out, "Package", meta->package);
	deb822_write(out, "Architecture", meta->architecture);
	deb822_write(out, "Old-Version", meta->old_version);
	deb822_write(out, "New-Version", meta->new_version);
	deb822_write(out, "Control-Member", meta->control_name);
	write_bytes(out, "Control-Size", meta->control_bytes);
	deb822_write(out, "Control-SHA256", meta->control_sha256);
	write_bytes(out, "Data-Size", meta->data_bytes);
	deb822_write(out, "Data-SHA256", meta->data_sha256);
	strbuf_adds(out, "Basis:\n");
	for (size_t i = 0; i < meta->basis_count; i++)
		strbuf_addf(out, " %s %llu %s\n", meta->basis[i].name,
			    (unsigned long long)meta->basis[i].bytes, meta->basis[i].sha256);
	for (size_t i = 0; i < meta->member_count; i++)
		format_member(&meta->members[i], out);
}

/* --- ar --------------------------------------------------------------------------------- */

void delta_ar_header(char header[DELTA_AR_HEADER_BYTES + 1], const char *name, uint64_t bytes)
{
	snprintf(header, DELTA_AR_HEADER_BYTES + 1, "%-16s%-12d%-6d%-6d%-8s%-10llu`\n", name, 0, 0, 0,
		 "100644", (unsigned long long)bytes);
}

int delta_ar_parse(const char header[DELTA_AR_HEADER_BYTES], const char *name, uint64_t *bytes,
		   struct err *err)
{
	char got[17] = "", digits[11] = "";
	memcpy(got, header, 16);
	memcpy(digits, header + 48, 10);
	got[strcspn(got, " /")] = '\0';
	digits[strcspn(digits, " ")] = '\0';
	if (memcmp(header + 58, "`\n", 2) != 0 || !str_eq(got, name))
		return err_set(err, ERR_INPUT, "the delta is broken: there is no member %s where it "
			       "should be", name);
	return number_parse(digits, 0, DELTA_AR_MEMBER_MAX, bytes, "delta: a member's size", err);
}
