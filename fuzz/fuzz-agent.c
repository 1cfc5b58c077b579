/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a guest's agent may answer, fed to the commands that ask it: the input's lines are its
 * answers, one after the other. */
#include <stdlib.h>
#include <string.h>

#include "common/agent.h"
#include "common/utf8.h"

struct source {
	const char *at, *end;
};

static int answer(void *ctx, const char *command, int timeout_seconds, char **out,
		  struct err *err)
{
	struct source *source = ctx;
	if (source->at >= source->end)
		return err_set(err, ERR_TIMEOUT, "the guest agent does not answer");
	size_t left = (size_t)(source->end - source->at);
	const char *newline = memchr(source->at, '\n', left);
	size_t len = newline ? (size_t)(newline - source->at) : left;
	*out = xstrndup(source->at, len);
	source->at += len + 1;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const argv[] = { "true", NULL };
	struct source source = { (const char *)data, (const char *)data + size };
	const struct agent agent = { .ctx = &source, .call = answer };
	const struct agent_exec exec = { .argv = argv, .max_output_bytes = 64,
					 .timeout_ms = 0 };
	struct agent_output output = { 0 };
	struct err err = ERR_INIT;
	if (agent_ping(&agent, 1, &err) < 0)
		err_clear(&err);
	if (agent_exec(&agent, &exec, &output, &err) == 0 && !output.timed_out &&
	    (output.out_bytes > 64 || output.out[output.out_bytes]))
		abort();
	err_clear(&err);
	agent_output_destroy(&output);
	char *text = utf8_make_printable((const char *)data, size, "\n", 100);
	if (strlen(text) > 100 || !utf8_is_valid(text))
		abort();
	free(text);
	return 0;
}
