/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "common/strbuf.h"
#include "common/util.h"

/* Logging state. */
static const char *program = "waybill";
static enum log_level threshold = LOG_LEVEL_INFO;

void log_init(const char *name, enum log_level level)
{
	program = name;
	threshold = level;
}

enum log_level log_get_level(void)
{
	return threshold;
}

/* Text from outside must not move the cursor or forge a line; UTF-8 passes. */
static void add_escaped(struct strbuf *line, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < 0x20 || c == 0x7f)
			strbuf_addf(line, "\\x%02x", c);
		else
			strbuf_addc(line, (char)c);
	}
}

static void emit(enum log_level level, const char *id, const char *fmt, va_list ap)
{
	if (level > threshold)
		return;
	char *text = NULL;
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
	/* sd-daemon(3): "<N>" in front is the priority, for the journal. */
	static const int priority[] = { 3, 4, 6, 7 };
	static const char *const word[] = { "error: ", "warning: ", "", "debug: " };
	if (getenv("JOURNAL_STREAM"))
		strbuf_addf(&line, "<%d>", priority[level]);
	strbuf_addf(&line, "%s: %s", program, word[level]);
	if (id)
		strbuf_addf(&line, "%s: ", id);
	add_escaped(&line, text);
	strbuf_addc(&line, '\n');
	free(text);
	/* One write, so that lines of several processes do not mix. */
	ssize_t ignored = write(STDERR_FILENO, line.data, line.len);
	(void)ignored;
}

#define EMIT(level, id)                     \
	do {                                \
		va_list ap;                 \
		va_start(ap, fmt);          \
		emit(level, id, fmt, ap);   \
		va_end(ap);                 \
	} while (0)

void log_error(const char *fmt, ...) { EMIT(LOG_LEVEL_ERROR, NULL); }
void log_warn(const char *fmt, ...) { EMIT(LOG_LEVEL_WARN, NULL); }
void log_info(const char *fmt, ...) { EMIT(LOG_LEVEL_INFO, NULL); }
void log_debug(const char *fmt, ...) { EMIT(LOG_LEVEL_DEBUG, NULL); }
void log_event(const char *id, const char *fmt, ...) { EMIT(LOG_LEVEL_INFO, id); }

enum exit_code log_err(const struct err *err)
{
	log_error("%s", err->msg ? err->msg : "failed without a message");
	enum exit_code code = err_exit_code(err);
	return code == EXIT_DONE ? EXIT_FAILED : code;
}
