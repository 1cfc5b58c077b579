/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/proxy/logins.h"

#include <nettle/base64.h>
#include <nettle/memops.h>
#include <sys/random.h>

#include "common/util.h"

enum { MAX_LOGINS = 1024, TOKEN_BYTES = 32 };

struct login {
	char token[LOGIN_TOKEN_LEN + 1];
	int64_t end_ms; /* 0: a place that is free */
	char *user;
};

struct logins { struct login places[MAX_LOGINS]; };

struct logins *logins_new(void)
{
	return xcalloc(1, sizeof(struct logins));
}

static void clear(struct login *login)
{
	free(login->user);
	explicit_bzero(login, sizeof(*login));
}

void logins_freep(struct logins **logins)
{
	if (!*logins)
		return;
	for (size_t i = 0; i < MAX_LOGINS; i++)
		clear(&(*logins)->places[i]);
	free(*logins);
	*logins = NULL;
}

static void mint(char token[LOGIN_TOKEN_LEN + 1])
{
	uint8_t random[TOKEN_BYTES];
	char encoded[BASE64_ENCODE_RAW_LENGTH(TOKEN_BYTES)];
	while (getrandom(random, sizeof(random), 0) != sizeof(random))
		;
	base64_encode_raw(encoded, sizeof(random), random);
	for (size_t i = 0; i < LOGIN_TOKEN_LEN; i++)
		token[i] = encoded[i] == '+' ? '-' : encoded[i] == '/' ? '_' : encoded[i];
	token[LOGIN_TOKEN_LEN] = '\0';
}

/* The one that ends first: a free place, if there is one. */
void logins_add(struct logins *logins, const char *user, int64_t end_ms,
		char token[LOGIN_TOKEN_LEN + 1])
{
	struct login *place = &logins->places[0];
	for (size_t i = 1; i < MAX_LOGINS; i++)
		if (logins->places[i].end_ms < place->end_ms)
			place = &logins->places[i];
	clear(place);
	mint(token);
	memcpy(place->token, token, sizeof(place->token));
	place->end_ms = end_ms;
	place->user = xstrdup(user);
}

static struct login *find(const struct logins *logins, const char *token)
{
	struct login *found = NULL;
	if (strlen(token) != LOGIN_TOKEN_LEN)
		return NULL;
	for (size_t i = 0; i < MAX_LOGINS; i++)
		if (memeql_sec(logins->places[i].token, token, LOGIN_TOKEN_LEN))
			found = (struct login *)&logins->places[i];
	return found;
}

const char *logins_find(const struct logins *logins, const char *token, int64_t now_ms)
{
	const struct login *login = find(logins, token);
	return login && login->end_ms > now_ms ? login->user : NULL;
}

void logins_remove(struct logins *logins, const char *token)
{
	struct login *login = find(logins, token);
	if (login)
		clear(login);
}
