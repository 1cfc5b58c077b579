/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/strbuf.h"
#include "common/utf8.h"
#include "common/util.h"

/* Logging state. */
static const char *program = "waybill";
static enum log_level threshold = LOG_LEVEL_INFO;
static bool json_events;
static bool over_bar;

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

/* One write, so that lines of several processes do not mix. */
static void put(const struct strbuf *line)
{
	ssize_t ignored = write(STDERR_FILENO, line->data, line->len);
	(void)ignored;
}

static void add_json_text(struct strbuf *line, const char *text)
{
	_cleanup_free_ char *clean = utf8_make_printable(text, strlen(text), "", SIZE_MAX);
	strbuf_addc(line, '"');
	for (const char *p = clean; *p; p++) {
		if (*p == '"' || *p == '\\')
			strbuf_addc(line, '\\');
		strbuf_addc(line, *p);
	}
	strbuf_addc(line, '"');
}

static void start_json(struct strbuf *line, const char *id)
{
	_cleanup_free_ char *at = time_format(time(NULL));
	strbuf_addf(line, "{\"event\":\"%s\",\"time\":\"%s\"", id, at);
}

static void put_json_event(const char *id, const char *text)
{
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
	start_json(&line, id);
	strbuf_adds(&line, ",\"text\":");
	add_json_text(&line, text);
	strbuf_adds(&line, "}\n");
	put(&line);
}

static void emit(enum log_level level, const char *id, const char *fmt, va_list ap)
{
	if (level > threshold)
		return;
	char *text = NULL;
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	if (id && json_events) {
		put_json_event(id, text);
		free(text);
		return;
	}
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
	if (over_bar)
		strbuf_adds(&line, "\r\033[K");
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
	put(&line);
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

void log_events_as_json(void)
{
	json_events = true;
}

void log_over_bar(bool is_drawn)
{
	over_bar = is_drawn;
}

void log_progress(const char *id, uint64_t done_bytes, uint64_t total_bytes)
{
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
	if (!json_events || threshold < LOG_LEVEL_INFO)
		return;
	start_json(&line, id);
	strbuf_addf(&line, ",\"done_bytes\":%llu,\"total_bytes\":%llu}\n",
		    (unsigned long long)done_bytes, (unsigned long long)total_bytes);
	put(&line);
}

enum exit_code log_err(const struct err *err)
{
	log_error("%s", err->msg ? err->msg : "failed without a message");
	enum exit_code code = err_exit_code(err);
	return code == EXIT_DONE ? EXIT_FAILED : code;
}
