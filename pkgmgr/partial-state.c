/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/partial-state.h"

#include <inttypes.h>

#include "common/deb822.h"
#include "common/util.h"

#define FORMAT_LINE "waybill-partial 1"
#define ORIGIN "state of a partial file"
#define SIZE_MAX_BYTES (1ull << 46)
enum { BLOCK_MIN_BYTES = 4096, BLOCK_BYTES = 256 << 10, BLOCK_MAX_BYTES = 1 << 30 };
enum { USUAL_BLOCKS = 4096, MAX_BLOCKS = 65536 };

static const char *const fields[] = { "Format", "SHA256", "Size", "Block", "Sources", "Blocks",
				      NULL };

static void allocate_blocks(struct partial_state *state)
{
	state->block_count = (size_t)((state->size_bytes + state->block_bytes - 1) /
				      state->block_bytes);
	state->blocks = xcalloc(state->block_count ? state->block_count : 1,
				sizeof(*state->blocks));
}

void partial_state_init(struct partial_state *state, const char *sha256, uint64_t size_bytes)
{
	*state = (struct partial_state){ .size_bytes = size_bytes, .block_bytes = BLOCK_BYTES };
	snprintf(state->sha256, sizeof(state->sha256), "%s", sha256);
	while (size_bytes / state->block_bytes >= USUAL_BLOCKS &&
	       state->block_bytes < BLOCK_MAX_BYTES)
		state->block_bytes *= 2;
	allocate_blocks(state);
}

void partial_state_destroy(struct partial_state *state)
{
	for (size_t i = 0; i < state->source_count; i++) {
		free(state->sources[i].uri);
		free(state->sources[i].validator);
	}
	free(state->blocks);
	*state = (struct partial_state){ 0 };
}

uint32_t partial_state_block_length(const struct partial_state *state, size_t i)
{
	uint64_t left = state->size_bytes - (uint64_t)i * state->block_bytes;
	return left < state->block_bytes ? (uint32_t)left : state->block_bytes;
}

uint64_t partial_state_received(const struct partial_state *state)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < state->block_count; i++)
		sum += state->blocks[i].length;
	return sum;
}

bool partial_state_gap(const struct partial_state *state, uint64_t *from, uint64_t *to)
{
	size_t i = 0;
	while (i < state->block_count &&
	       state->blocks[i].length == partial_state_block_length(state, i))
		i++;
	if (i == state->block_count)
		return false;
	*from = (uint64_t)i * state->block_bytes + state->blocks[i].length;
	for (i++; i < state->block_count && state->blocks[i].length == 0; i++)
		;
	*to = i < state->block_count ? (uint64_t)i * state->block_bytes : state->size_bytes;
	return true;
}

struct partial_source *partial_state_source(struct partial_state *state, const char *uri)
{
	for (size_t i = 0; i < state->source_count; i++)
		if (str_eq(state->sources[i].uri, uri))
			return &state->sources[i];
	return NULL;
}

static bool fits_line(const char *text, bool blanks)
{
	if (!*text || strlen(text) > 2048)
		return false;
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127 || (*p == ' ' && !blanks))
			return false;
	return text[0] != ' ' && text[strlen(text) - 1] != ' ';
}

void partial_state_note_source(struct partial_state *state, const char *uri,
			       const char *validator)
{
	if (!fits_line(uri, false))
		return;
	if (validator && (!fits_line(validator, true) || str_eq(validator, "-")))
		validator = NULL;
	struct partial_source *source = partial_state_source(state, uri);
	if (!source && state->source_count == PARTIAL_MAX_SOURCES) {
		free(state->sources[0].uri);
		free(state->sources[0].validator);
		memmove(state->sources, state->sources + 1,
			(PARTIAL_MAX_SOURCES - 1) * sizeof(state->sources[0]));
		state->source_count--;
	}
	if (!source) {
		source = &state->sources[state->source_count++];
		*source = (struct partial_source){ .uri = xstrdup(uri) };
	}
	free(source->validator);
	source->validator = validator ? xstrdup(validator) : NULL;
}

static int parse_source(char *line, struct partial_state *state, struct err *err)
{
	char *space = strchr(line, ' ');
	if (!space || space == line || !space[1])
		return err_set(err, ERR_INPUT, "Sources: '%s' is not 'URI VALIDATOR'", line);
	*space = '\0';
	if (state->source_count == PARTIAL_MAX_SOURCES)
		return err_set(err, ERR_TOO_LARGE, "Sources: more than %d", PARTIAL_MAX_SOURCES);
	if (!fits_line(line, false) || !fits_line(space + 1, true) ||
	    partial_state_source(state, line))
		return err_set(err, ERR_INPUT, "Sources: '%s' is there twice, or not clean", line);
	partial_state_note_source(state, line, space + 1);
	return 0;
}

/* "INDEX LENGTH SHA256", single blanks; *next is the lowest index that may come. */
static int parse_block(char *line, struct partial_state *state, size_t *next, struct err *err)
{
	char *rest = NULL;
	const char *index_text = strtok_r(line, " ", &rest);
	const char *length_text = strtok_r(NULL, " ", &rest);
	const char *sha256 = strtok_r(NULL, " ", &rest);
	uint64_t index = 0, length = 0;
	if (!sha256 || strtok_r(NULL, " ", &rest) || !sha256_is_valid(sha256))
		return err_set(err, ERR_INPUT, "Blocks: a line is not 'INDEX LENGTH SHA256'");
	if (*next >= state->block_count)
		return err_set(err, ERR_INPUT, "Blocks: more lines than the file has blocks");
	if (number_parse(index_text, *next, state->block_count - 1, &index, "Blocks", err) < 0)
		return -1;
	if (number_parse(length_text, 1, partial_state_block_length(state, (size_t)index),
			 &length, "Blocks", err) < 0)
		return -1;
	struct partial_block *block = &state->blocks[index];
	block->length = (uint32_t)length;
	memcpy(block->sha256, sha256, sizeof(block->sha256));
	*next = (size_t)index + 1;
	return 0;
}

static int parse_lines(const struct deb822_stanza *stanza, struct partial_state *state,
		       struct err *err)
{
	_cleanup_free_ char *sources = xstrdup(deb822_get_or(stanza, "Sources", ""));
	_cleanup_free_ char *blocks = xstrdup(deb822_get_or(stanza, "Blocks", ""));
	char *rest = sources;
	size_t next = 0;
	for (char *line; (line = strsep(&rest, "\n"));)
		if (*line && parse_source(line, state, err) < 0)
			return -1;
	rest = blocks;
	for (char *line; (line = strsep(&rest, "\n"));)
		if (*line && parse_block(line, state, &next, err) < 0)
			return -1;
	return 0;
}

static int parse_stanza(const struct deb822_stanza *stanza, struct partial_state *state,
			struct err *err)
{
	const char *format = NULL, *sha256 = NULL, *size = NULL, *block = NULL;
	uint64_t block_bytes = 0;
	if (deb822_check_known(stanza, fields, ORIGIN, err) < 0 ||
	    deb822_require(stanza, "Format", ORIGIN, &format, err) < 0 ||
	    deb822_require(stanza, "SHA256", ORIGIN, &sha256, err) < 0 ||
	    deb822_require(stanza, "Size", ORIGIN, &size, err) < 0 ||
	    deb822_require(stanza, "Block", ORIGIN, &block, err) < 0)
		return -1;
	if (!str_eq(format, FORMAT_LINE) || !sha256_is_valid(sha256))
		return err_set(err, ERR_INPUT, "not of the format " FORMAT_LINE);
	if (number_parse(size, 0, SIZE_MAX_BYTES, &state->size_bytes, "Size", err) < 0 ||
	    number_parse(block, BLOCK_MIN_BYTES, BLOCK_MAX_BYTES, &block_bytes, "Block", err) < 0)
		return -1;
	if ((block_bytes & (block_bytes - 1)) != 0 || state->size_bytes / block_bytes >= MAX_BLOCKS)
		return err_set(err, ERR_INPUT, "Block: %s suits no file of %s bytes", block, size);
	memcpy(state->sha256, sha256, sizeof(state->sha256));
	state->block_bytes = (uint32_t)block_bytes;
	allocate_blocks(state);
	return parse_lines(stanza, state, err);
}

int partial_state_parse(const char *text, size_t len, struct partial_state *state,
			struct err *err)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	struct partial_state parsed = { .size_bytes = 0 };
	if (len > PARTIAL_STATE_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, ORIGIN ": %zu bytes", len);
	if (deb822_parse(text, len, 1, ORIGIN, &doc, err) < 0)
		return -1;
	if (doc->count != 1)
		return err_set(err, ERR_INPUT, ORIGIN ": empty");
	if (parse_stanza(&doc->stanzas[0], &parsed, err) < 0) {
		partial_state_destroy(&parsed);
		return err_prefix(err, ORIGIN);
	}
	*state = parsed;
	return 0;
}

void partial_state_format(const struct partial_state *state, struct strbuf *out)
{
	strbuf_addf(out, "Format: " FORMAT_LINE "\nSHA256: %s\nSize: %" PRIu64 "\nBlock: %u\n",
		    state->sha256, state->size_bytes, state->block_bytes);
	if (state->source_count)
		strbuf_adds(out, "Sources:\n");
	for (size_t i = 0; i < state->source_count; i++)
		strbuf_addf(out, " %s %s\n", state->sources[i].uri,
			    state->sources[i].validator ? state->sources[i].validator : "-");
	bool first = true;
	for (size_t i = 0; i < state->block_count; i++) {
		if (!state->blocks[i].length)
			continue;
		strbuf_addf(out, "%s %zu %u %s\n", first ? "Blocks:\n" : "", i,
			    state->blocks[i].length, state->blocks[i].sha256);
		first = false;
	}
}
