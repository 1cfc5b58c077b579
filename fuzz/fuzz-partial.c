/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a site finds on its own disk after a cut: the state of a partial file, and what it
 * remembers of servers. What was read is written and read again, and never says that more is
 * there than the file has. */
#include <stdlib.h>
#include <string.h>

#include "pkgmgr/mirrors.h"
#include "pkgmgr/partial-state.h"

#define NOW 1795217051

static void check_gap(const struct partial_state *state)
{
	uint64_t from = 0, to = 0;
	bool missing = partial_state_gap(state, &from, &to);
	if (partial_state_received(state) > state->size_bytes ||
	    missing != (partial_state_received(state) < state->size_bytes) ||
	    (missing && (from >= to || to > state->size_bytes)))
		abort();
}

static void check_state(const char *text, size_t size)
{
	struct partial_state state, again;
	struct strbuf out = STRBUF_INIT;
	struct err err = ERR_INIT;
	if (partial_state_parse(text, size, &state, &err) == 0) {
		check_gap(&state);
		partial_state_format(&state, &out);
		if (partial_state_parse(out.data, out.len, &again, &err) < 0 ||
		    again.source_count != state.source_count ||
		    partial_state_received(&again) != partial_state_received(&state))
			abort();
		partial_state_destroy(&again);
		partial_state_destroy(&state);
	}
	strbuf_destroy(&out);
	err_clear(&err);
}

static void check_mirrors(const char *text, size_t size)
{
	struct mirrors mirrors = { NULL, 0 }, again = { NULL, 0 };
	struct strbuf out = STRBUF_INIT;
	struct err err = ERR_INIT;
	if (mirrors_parse(text, size, NOW, &mirrors, &err) == 0) {
		mirrors_format(&mirrors, &out);
		if (out.len && (mirrors_parse(out.data, out.len, NOW, &again, &err) < 0 ||
				again.count != mirrors.count))
			abort();
	}
	mirrors_destroy(&mirrors);
	mirrors_destroy(&again);
	strbuf_destroy(&out);
	err_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_state((const char *)data, size);
	check_mirrors((const char *)data, size);
	return 0;
}
