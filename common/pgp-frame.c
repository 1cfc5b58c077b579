/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/pgp-frame.h"

#include <stdbool.h>
#include <string.h>

#include "common/util.h"

#define BEGIN_MESSAGE "-----BEGIN PGP SIGNED MESSAGE-----"
#define BEGIN_SIGNATURE "-----BEGIN PGP SIGNATURE-----"
#define END_SIGNATURE "-----END PGP SIGNATURE-----"

/* What the next line may be. */
enum part { PART_START, PART_HEADERS, PART_TEXT, PART_SIGNATURE, PART_END };

struct line {
	const char *text; /* without its newline */
	size_t len;
	unsigned number; /* from 1 */
};

static bool line_is(const struct line *line, const char *s)
{
	return line->len == strlen(s) && memcmp(line->text, s, line->len) == 0;
}

static bool line_starts(const struct line *line, const char *s)
{
	return line->len >= strlen(s) && memcmp(line->text, s, strlen(s)) == 0;
}

static bool ends_in_blank(const struct line *line)
{
	return line->len && strchr(" \t\r", line->text[line->len - 1]);
}

/* The line at *pos; false at the end. A line without '\n' sets *broken. */
static bool next_line(const char *text, size_t len, size_t *pos, struct line *line, bool *broken)
{
	if (*pos == len)
		return false;
	const char *end = memchr(text + *pos, '\n', len - *pos);
	*broken = end == NULL;
	line->text = text + *pos;
	line->len = end ? (size_t)(end - line->text) : len - *pos;
	line->number++;
	*pos += line->len + (end ? 1 : 0);
	return true;
}

static int bad(const struct line *line, const char *why, struct err *err)
{
	return err_set(err, ERR_SIGNATURE, "not one clearsigned message: line %u %s",
		       line->number, why);
}

static int step_text(const struct line *line, enum part *part, struct err *err)
{
	if (line_is(line, BEGIN_SIGNATURE))
		*part = PART_SIGNATURE;
	else if (line_starts(line, "-") && !line_starts(line, "- "))
		return bad(line, "starts with a dash that is not escaped", err);
	else if (ends_in_blank(line))
		return bad(line, "ends in a blank that no signature covers", err);
	return 0;
}

static int step(const struct line *line, enum part *part, struct err *err)
{
	switch (*part) {
	case PART_START:
		if (!line_is(line, BEGIN_MESSAGE))
			return bad(line, "is not " BEGIN_MESSAGE, err);
		*part = PART_HEADERS;
		return 0;
	case PART_HEADERS:
		if (line->len == 0)
			*part = PART_TEXT;
		else if (!line_starts(line, "Hash: "))
			return bad(line, "is a header other than Hash", err);
		return 0;
	case PART_TEXT:
		return step_text(line, part, err);
	case PART_SIGNATURE:
		if (line_is(line, END_SIGNATURE))
			*part = PART_END;
		else if (line_starts(line, "-"))
			return bad(line, "does not belong into a signature", err);
		return 0;
	case PART_END:
		return bad(line, "follows the end of the signature", err);
	}
	return 0;
}

int pgp_frame_check(const char *text, size_t len, struct err *err)
{
	enum part part = PART_START;
	struct line line = { 0 };
	size_t pos = 0;
	bool broken = false;
	if (len && memchr(text, 0, len))
		return err_set(err, ERR_SIGNATURE, "not a clearsigned message: NUL byte in it");
	while (next_line(text, len, &pos, &line, &broken)) {
		if (broken)
			return bad(&line, "has no end; was the file cut?", err);
		if (step(&line, &part, err) < 0)
			return -1;
	}
	if (part == PART_END)
		return 0;
	return err_set(err, ERR_SIGNATURE, len == 0 ? "not a clearsigned message: it is empty"
						    : "not a clearsigned message: its end is "
						      "missing");
}

int pgp_frame_check_text(const char *text, size_t len, struct err *err)
{
	struct line line = { 0 };
	size_t pos = 0;
	bool broken = false;
	while (next_line(text, len, &pos, &line, &broken))
		if (broken || ends_in_blank(&line) || memchr(line.text, 0, line.len))
			return err_set(err, ERR_INPUT, "cannot sign line %u: %s", line.number,
				       broken ? "it has no newline"
					      : "it ends in a blank or has a NUL byte");
	return 0;
}
