/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pkgmgr/basis-hash.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/appliance-conf.h"
#include "common/log.h"

static void hash_one(struct basis_hash *hash, const char *name)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *path = xasprintf("%s/%s", hash->dir, name);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct delta_known *known = &hash->known[hash->count];
	if (fd < 0 || fstat(fd, &known->st) < 0 || !S_ISREG(known->st.st_mode))
		return;
	if (sha256_fd(fd, known->sha256, NULL, &err) < 0)
		log_debug("%s: %s", path, err.msg);
	else
		hash->count++;
}

static void *run(void *arg)
{
	static const char *const names[] = { BASE_FILE, KERNEL_FILE, INITRD_FILE };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		hash_one(arg, names[i]);
	return NULL;
}

void basis_hash_start(struct basis_hash *hash, const char *dir)
{
	hash->dir = xstrdup(dir);
	if (pthread_create(&hash->thread, NULL, run, hash) != 0)
		free(steal(&hash->dir));
}

void basis_hash_wait(struct basis_hash *hash)
{
	if (!hash->dir)
		return;
	pthread_join(hash->thread, NULL);
	free(steal(&hash->dir));
}
