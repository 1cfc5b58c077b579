/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/mip-line.h"

#include "common/util.h"

enum {
	HEARTBEAT_MS = 5000,
	SILENCE_MS = 12000,
};

struct mip_line {
	struct lines *lines;
	struct line *line;
	enum mip_version version;
	const struct mip_line_ops *ops;
	void *owner;
	struct strbuf in; /* the beginning of a message */
	struct loop_timer heartbeat, silence;
	bool over, freed;
};

static void end(struct mip_line *mip, const struct err *why)
{
	if (mip->over)
		return;
	mip->over = true;
	mip->ops->over(mip->owner, why);
}

static void end_with(struct mip_line *mip, enum err_code code, const char *why)
{
	_cleanup_err_ struct err err = ERR_INIT;
	err_set(&err, code, "%s", why);
	end(mip, &err);
}

static const char *const goodbyes[] = {
	[MIP_STOPS] = "the other end stops",
	[MIP_REPLACED] = "another agent has registered this identifier",
	[MIP_NOT_WELCOME] = "the other end refuses",
	[MIP_BROKEN] = "the other end understood nothing",
};

/* Bytes of the message at `data` that was taken; 0: it has not come whole, or all is over. */
static size_t take_message(struct mip_line *mip, const char *data, size_t len)
{
	_cleanup_err_ struct err err = ERR_INIT;
	struct mip_message message;
	size_t used = 0;
	if (mip_parse(mip->version, data, len, &message, &used, &err) < 0) {
		end(mip, &err);
		return 0;
	}
	if (used == 0)
		return 0;
	if (message.type == MIP_GOODBYE)
		end_with(mip, ERR_REFUSED, goodbyes[message.reason]);
	else if (message.type != MIP_HEARTBEAT)
		mip->ops->message(mip->owner, &message);
	return used;
}

void mip_line_feed(struct mip_line *mip, const void *data, size_t len)
{
	strbuf_add(&mip->in, data, len);
	size_t at = 0, used;
	while (!mip->over && !mip->freed && at < mip->in.len &&
	       (used = take_message(mip, mip->in.data + at, mip->in.len - at)) > 0)
		at += used;
	if (mip->over || mip->freed)
		return;
	strbuf_drop(&mip->in, at);
	if (mip->version == MIP_2)
		loop_timer_set(lines_loop(mip->lines), &mip->silence, SILENCE_MS);
}

static void on_data(void *owner, uint8_t *data, size_t len)
{
	mip_line_feed(owner, data, len);
}

static void on_finished(void *owner)
{
	end_with(owner, ERR_NETWORK, "the other end hung up");
}

static void on_broken(void *owner, const struct err *why)
{
	end(owner, why);
}

static void on_silence(void *arg)
{
	end_with(arg, ERR_TIMEOUT, "the other end has fallen silent");
}

static void on_heartbeat(void *arg)
{
	const struct mip_message beat = { .type = MIP_HEARTBEAT };
	mip_line_send(arg, &beat);
}

static const struct line_ops line_ops = {
	.data = on_data,
	.finished = on_finished,
	.broken = on_broken,
};

struct mip_line *mip_line_new(struct lines *lines, struct line *line, enum mip_version version,
			      const struct mip_line_ops *ops, void *owner)
{
	struct mip_line *mip = xcalloc(1, sizeof(*mip));
	mip->lines = lines;
	mip->line = line;
	mip->version = version;
	mip->ops = ops;
	mip->owner = owner;
	mip->heartbeat = (struct loop_timer){ .fire = on_heartbeat, .arg = mip };
	mip->silence = (struct loop_timer){ .fire = on_silence, .arg = mip };
	line_give(line, &line_ops, mip);
	if (version == MIP_2) {
		loop_timer_set(lines_loop(lines), &mip->heartbeat, HEARTBEAT_MS);
		loop_timer_set(lines_loop(lines), &mip->silence, SILENCE_MS);
	}
	return mip;
}

static void free_mip(void *object)
{
	struct mip_line *mip = object;
	strbuf_destroy(&mip->in);
	free(mip);
}

void mip_line_freep(struct mip_line **mip_p)
{
	struct mip_line *mip = steal(mip_p);
	if (!mip)
		return;
	mip->freed = true;
	loop_timer_clear(lines_loop(mip->lines), &mip->heartbeat);
	loop_timer_clear(lines_loop(mip->lines), &mip->silence);
	line_close(&mip->line);
	loop_bury(lines_loop(mip->lines), mip, free_mip);
}

enum mip_version mip_line_version(const struct mip_line *mip)
{
	return mip->version;
}

void mip_line_send(struct mip_line *mip, const struct mip_message *message)
{
	_cleanup_strbuf_ struct strbuf bytes = STRBUF_INIT;
	mip_write(mip->version, message, &bytes);
	line_send(mip->line, bytes.data, bytes.len);
	if (mip->version == MIP_2)
		loop_timer_set(lines_loop(mip->lines), &mip->heartbeat, HEARTBEAT_MS);
}

void mip_line_part(struct mip_line **mip, enum mip_goodbye reason)
{
	const struct mip_message goodbye = { .type = MIP_GOODBYE, .reason = reason };
	if (*mip && (*mip)->version == MIP_2 && !(*mip)->over) {
		mip_line_send(*mip, &goodbye);
		line_finish((*mip)->line);
	}
	mip_line_freep(mip);
}
