/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who a visitor is. */
#include "remote/proxy/web.h"

#include <ctype.h>

#include "common/log.h"

/* __Host-: only over TLS, only for this host (RFC 6265bis section 4.1.3.2). */
#define COOKIE "__Host-waybill"

static int hex_value(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Decode one value, up to `&` or the end. */
static char *decode(const char *at, const char *end)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	for (; at < end && *at != '&'; at++) {
		if (*at == '%' && end - at > 2 && isxdigit((unsigned char)at[1]) &&
		    isxdigit((unsigned char)at[2])) {
			strbuf_addc(&out, (char)(hex_value(at[1]) << 4 | hex_value(at[2])));
			at += 2;
		} else {
			strbuf_addc(&out, (char)(*at == '+' ? ' ' : *at));
		}
	}
	return strbuf_steal(&out);
}

char *web_form_field(const char *body, size_t len, const char *name)
{
	const char *end = body + len;
	size_t name_len = strlen(name);
	for (const char *at = body; at < end;) {
		const char *next = memchr(at, '&', (size_t)(end - at));
		if ((size_t)(end - at) > name_len && memcmp(at, name, name_len) == 0 &&
		    at[name_len] == '=')
			return decode(at + name_len + 1, end);
		at = next ? next + 1 : end;
	}
	return NULL;
}

/* The token of our cookie, at `out`. */
static bool find_token(const struct http_request *request, char out[LOGIN_TOKEN_LEN + 1])
{
	const char *at = http_request_field(request, "Cookie");
	for (; at; at = strchr(at, ';')) {
		at += strspn(at, "; ");
		if (str_starts(at, COOKIE "=")) {
			at += strlen(COOKIE "=");
			size_t len = strcspn(at, "; ");
			if (len != LOGIN_TOKEN_LEN)
				return false;
			memcpy(out, at, len);
			out[len] = '\0';
			return true;
		}
	}
	return false;
}

const char *web_user(const struct visitor *visitor, const struct http_request *request)
{
	const struct proxy *proxy = visitor->proxy;
	const struct proxy_conf *conf = proxy->conf;
	char token[LOGIN_TOKEN_LEN + 1];
	if (conf->trusted_header && str_eq(visitor->source_name, conf->trusted_source)) {
		const char *user = http_request_field(request, conf->trusted_header);
		return user && user_name_is_valid(user) ? user : NULL;
	}
	if (!find_token(request, token))
		return NULL;
	return logins_find(proxy->logins, token, loop_now_ms(proxy->loop));
}

static void let_in(struct visitor *visitor)
{
	struct proxy *proxy = visitor->proxy;
	int64_t life_ms = (int64_t)proxy->conf->login_life_s * 1000;
	char token[LOGIN_TOKEN_LEN + 1];
	logins_add(proxy->logins, visitor->user, loop_now_ms(proxy->loop) + life_ms, token);
	_cleanup_free_ char *field = xasprintf(
		"Set-Cookie: " COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict\r\n", token);
	log_event("web-login", "%s, from %s", visitor->user, visitor->source_name);
	web_answer(visitor, &(struct web_answer){ .status = 204, .field = field });
	web_next(visitor);
}

static void on_delayed(void *arg)
{
	struct visitor *visitor = arg;
	web_answer_error(visitor, 403, "Name or password is wrong.");
	web_next(visitor);
}

/* A wrong password costs what a wrong code does. */
int64_t web_failure_ms(const struct visitor *visitor)
{
	enum { CROWDED_MS = 30000 };
	struct sources *sources = visitor->proxy->sources;
	int64_t now_ms = loop_now_ms(visitor->proxy->loop);
	struct source *source = sources_enter(sources, &visitor->address, now_ms);
	if (!source)
		return CROWDED_MS;
	int64_t delay_ms = source_failed(source, now_ms);
	source_leave(sources, source);
	return delay_ms;
}

static void on_checked(void *arg, bool right)
{
	struct visitor *visitor = arg;
	struct proxy *proxy = visitor->proxy;
	visitor->check = NULL;
	proxy->check_count--;
	if (right) {
		let_in(visitor);
		return;
	}
	log_event("web-login-failed", "%s, from %s", visitor->user, visitor->source_name);
	visitor->delay = (struct loop_timer){ .fire = on_delayed, .arg = visitor };
	loop_timer_set(proxy->loop, &visitor->delay, web_failure_ms(visitor));
}

bool web_check_password(struct visitor *visitor, const char *user, const char *password,
			void (*done)(void *visitor, bool right))
{
	enum { CHECKS_AT_ONCE = 2 };
	struct proxy *proxy = visitor->proxy;
	_cleanup_err_ struct err err = ERR_INIT;
	if (!user_name_is_valid(user) || strlen(password) > PASSWORD_MAX) {
		web_answer_error(visitor, 403, "Name or password is wrong.");
		return false;
	}
	if (proxy->check_count >= CHECKS_AT_ONCE) {
		web_answer_error(visitor, 503, "Too many are logging in; try again in a moment.");
		return false;
	}
	free(visitor->user);
	visitor->user = xstrdup(user);
	visitor->check = password_check_start(proxy->loop, proxy->conf->users, user, password, done,
					      visitor, &err);
	if (!visitor->check) {
		log_error("login: %s", err.msg);
		web_answer_error(visitor, 503, "Nobody can log in at the moment.");
		return false;
	}
	proxy->check_count++;
	return true;
}

void web_login(struct visitor *visitor, const char *body, size_t len)
{
	_cleanup_free_ char *user = web_form_field(body, len, "user");
	_cleanup_free_ char *password = web_form_field(body, len, "password");
	if (!user || !password) {
		web_answer_error(visitor, 400, "A login has a user and a password.");
		return;
	}
	web_check_password(visitor, user, password, on_checked);
	explicit_bzero(password, strlen(password));
}

void web_logout(struct visitor *visitor, const struct http_request *request)
{
	char token[LOGIN_TOKEN_LEN + 1];
	if (find_token(request, token))
		logins_remove(visitor->proxy->logins, token);
	web_answer(visitor,
		   &(struct web_answer){ .status = 204,
					 .field = "Set-Cookie: " COOKIE "=; Path=/; Secure; HttpOnly; "
						  "SameSite=Strict; Max-Age=0\r\n" });
}
