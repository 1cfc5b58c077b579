/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VNC Authentication: DES with a key of eight characters. Weak by design; it names a machine here and
 * guards nothing that TLS and the code's short life do not.
 * Source: RFC 6143 section 7.2.2; the order of bits: RFC errata 4951. */
#ifndef WAYBILL_VNC_AUTH_H
#define WAYBILL_VNC_AUTH_H

#include <stddef.h>
#include <stdint.h>

#include <nettle/des.h>

enum { VNC_CHALLENGE_BYTES = 16, VNC_PASSWORD_BYTES = 8 };

/* A password, made ready for many challenges: 95 ns each instead of a microsecond. */
struct vnc_key { struct des_ctx des; };

/* Of `password` the first eight bytes count; a shorter one is filled up with zeros. */
void vnc_key_init(struct vnc_key *key, const char *password);

/* What one who knows the password answers. */
void vnc_key_respond(const struct vnc_key *key, const uint8_t challenge[VNC_CHALLENGE_BYTES],
		     uint8_t response[VNC_CHALLENGE_BYTES]);

/* A password as viewers keep it in their files, in hexadecimal: hidden from a glance, with a key that
 * they all know. */
void vnc_password_hide(const char *password, char hidden[2 * VNC_PASSWORD_BYTES + 1]);

#endif
