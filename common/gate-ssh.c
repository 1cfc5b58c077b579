/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/gate-ssh.h"

/* Offers are short, since handshakes are most of what a sync with nothing to do moves;
 * the key exchange is the one of OpenSSH 9 and 10 that withstands quantum computers. */
void gate_ssh_argv(const struct pkgmgr_conf *conf, struct strv *argv)
{
	strv_addv(argv, "ssh", "-F", "none", "-T", "-i", conf->ssh_key, "-p", NULL);
	strv_addf(argv, "%u", conf->port);
	strv_addv(argv, "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o",
		  "StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=/dev/null", "-o",
		  "ClearAllForwardings=yes", "-o", "LogLevel=ERROR", "-o",
		  "KexAlgorithms=sntrup761x25519-sha512@openssh.com,curve25519-sha256", "-o",
		  "Ciphers=chacha20-poly1305@openssh.com,aes256-gcm@openssh.com", "-o",
		  "MACs=hmac-sha2-256-etm@openssh.com", "-o",
		  "HostKeyAlgorithms=ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512", "-o", NULL);
	strv_addf(argv, "UserKnownHostsFile=%s", conf->known_hosts);
	strv_add(argv, "-o");
	strv_addf(argv, "ConnectTimeout=%u", (unsigned)conf->timeout_s);
}
