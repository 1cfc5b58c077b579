/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/relay.h"

#include "common/util.h"

/* One end has finished, and the other has said nothing for so long: it will not finish. */
enum { LINGER_MS = 30000 };

struct side {
	struct relay *relay;
	struct line *line;
	struct side *other;
	relay_pass *pass;
	bool finished;
};

struct relay {
	struct lines *lines;
	struct relay_conf conf;
	struct side sides[2];
	struct loop_timer linger;
	bool over;
};

static void end(struct relay *relay, const struct err *why)
{
	if (relay->over)
		return;
	relay->over = true;
	relay->conf.ended(relay->conf.arg, why);
}

static void on_linger(void *arg)
{
	_cleanup_err_ struct err err = ERR_INIT;
	err_set(&err, ERR_TIMEOUT, "one end has finished, the other has not");
	end(arg, &err);
}

static void set_linger(struct relay *relay)
{
	loop_timer_set(lines_loop(relay->lines), &relay->linger, LINGER_MS);
}

static void pass_on(struct side *from, uint8_t *data, size_t len)
{
	struct line *to = from->other->line;
	_cleanup_err_ struct err err = ERR_INIT;
	if (from->relay->over)
		return;
	if (!from->pass) {
		line_send(to, data, len);
	} else if (from->pass(from->relay->conf.arg, data, len, to, &err) < 0) {
		end(from->relay, &err);
		return;
	}
	if (line_queued(to) > 0)
		line_pause(from->line);
	if (from->other->finished)
		set_linger(from->relay);
}

static void on_data(void *owner, uint8_t *data, size_t len)
{
	pass_on(owner, data, len);
}

/* What is queued is still sent. */
static void end_if_done(struct relay *relay)
{
	const struct side *sides = relay->sides;
	bool finished = sides[0].finished && (sides[1].finished || relay->conf.ends_with_first);
	if (finished && line_queued(sides[0].line) == 0 &&
	    line_queued(sides[1].line) == 0)
		end(relay, NULL);
}

static void on_drained(void *owner)
{
	struct side *side = owner;
	line_resume(side->other->line);
	end_if_done(side->relay);
}

static void on_finished(void *owner)
{
	struct side *side = owner;
	side->finished = true;
	line_finish(side->other->line);
	set_linger(side->relay);
	end_if_done(side->relay);
}

static void on_broken(void *owner, const struct err *why)
{
	struct side *side = owner;
	end(side->relay, why);
}

static const struct line_ops ops = {
	.data = on_data,
	.drained = on_drained,
	.finished = on_finished,
	.broken = on_broken,
};

struct relay *relay_new(struct lines *lines, struct line *first, struct line *second,
			const struct relay_conf *conf)
{
	struct relay *relay = xcalloc(1, sizeof(*relay));
	relay->lines = lines;
	relay->conf = *conf;
	relay->linger = (struct loop_timer){ .fire = on_linger, .arg = relay };
	for (int i = 0; i < 2; i++) {
		struct side *side = &relay->sides[i];
		side->relay = relay;
		side->line = i ? second : first;
		side->other = &relay->sides[1 - i];
		side->pass = i ? conf->from_second : conf->from_first;
		line_give(side->line, &ops, side);
		line_resume(side->line);
	}
	return relay;
}

void relay_freep(struct relay **relay_p)
{
	struct relay *relay = steal(relay_p);
	if (!relay)
		return;
	relay->over = true;
	loop_timer_clear(lines_loop(relay->lines), &relay->linger);
	line_close(&relay->sides[0].line);
	line_close(&relay->sides[1].line);
	loop_bury(lines_loop(relay->lines), relay, free);
}

void relay_feed(struct relay *relay, bool from_second, const void *data, size_t len)
{
	if (len == 0)
		return;
	_cleanup_free_ uint8_t *copy = xmalloc(LINE_HEADROOM + len);
	memcpy(copy + LINE_HEADROOM, data, len);
	pass_on(&relay->sides[from_second], copy + LINE_HEADROOM, len);
}
