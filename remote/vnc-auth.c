/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/vnc-auth.h"

#include <stdio.h>
#include <string.h>

static uint8_t reverse_bits(uint8_t b)
{
	b = (uint8_t)(b << 4 | b >> 4);
	b = (uint8_t)((b & 0x33) << 2 | (b & 0xcc) >> 2);
	return (uint8_t)((b & 0x55) << 1 | (b & 0xaa) >> 1);
}

void vnc_key_init(struct vnc_key *key, const char *password)
{
	uint8_t bytes[VNC_PASSWORD_BYTES] = { 0 };
	size_t len = strnlen(password, sizeof(bytes));
	for (size_t i = 0; i < len; i++)
		bytes[i] = reverse_bits((uint8_t)password[i]);
	/* Says whether DES's authors think the key weak; it is set all the same. */
	des_set_key(&key->des, bytes);
	explicit_bzero(bytes, sizeof(bytes));
}

void vnc_key_respond(const struct vnc_key *key,
		     const uint8_t challenge[VNC_CHALLENGE_BYTES],
		     uint8_t response[VNC_CHALLENGE_BYTES])
{
	des_encrypt(&key->des, VNC_CHALLENGE_BYTES, response, challenge);
}

void vnc_password_hide(const char *password, char hidden[2 * VNC_PASSWORD_BYTES + 1])
{
	struct vnc_key key;
	uint8_t plain[VNC_CHALLENGE_BYTES] = { 0 }, out[VNC_CHALLENGE_BYTES];
	memcpy(plain, password, strnlen(password, VNC_PASSWORD_BYTES));
	vnc_key_init(&key, "\x17\x52\x6b\x06\x23\x4e\x58\x07");
	vnc_key_respond(&key, plain, out);
	for (size_t i = 0; i < VNC_PASSWORD_BYTES; i++)
		snprintf(hidden + 2 * i, 3, "%02x", out[i]);
}
