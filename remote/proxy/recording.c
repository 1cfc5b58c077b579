/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/proxy/recording.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/strv.h"
#include "common/util.h"
#include "remote/bytes.h"
#include "remote/fbs.h"

/* A clipboard, say. */
enum { MAX_EARLY_BYTES = 256 * 1024 };

static const char suffix[] = ".fbs";

struct recording {
	int fd;
	char *path, *file;
	int64_t began_ms;
	bool has_begun;
	struct strbuf early;
};

struct recording *recording_new(const char *directory, const char *machine, uint64_t session_id,
				int64_t began_at, int64_t now_ms, struct err *err)
{
	char when[32];
	struct tm utc;
	gmtime_r(&began_at, &utc);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &utc);
	if (make_dirs(directory, 0750, err) < 0)
		return NULL;
	struct recording *recording = xcalloc(1, sizeof(*recording));
	recording->began_ms = now_ms;
	recording->file = xasprintf("%s_%s_%" PRIu64 "%s", machine, when, session_id, suffix);
	recording->path = xasprintf("%s/%s", directory, recording->file);
	const char *path = recording->path;
	recording->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (recording->fd < 0)
		err_sys(err, "make %s", path);
	if (recording->fd < 0 || fbs_write_magic(recording->fd, err) < 0)
		recording_freep(&recording);
	return recording;
}

void recording_freep(struct recording **recording_p)
{
	struct recording *recording = steal(recording_p);
	if (!recording)
		return;
	/* Nobody has seen anything. */
	if (recording->fd >= 0 && !recording->has_begun)
		unlink(recording->path);
	closep(&recording->fd);
	strbuf_destroy(&recording->early);
	free(recording->path);
	free(recording->file);
	free(recording);
}

const char *recording_file(const struct recording *recording)
{
	return recording->file;
}

bool recording_has_begun(const struct recording *recording)
{
	return recording->has_begun;
}

int recording_add(struct recording *recording, const void *data, size_t len, int64_t now_ms,
		  struct err *err)
{
	if (recording->has_begun)
		return fbs_write_block(recording->fd, data, len,
				       (uint32_t)(now_ms - recording->began_ms), err);
	strbuf_add(&recording->early, data, len);
	if (recording->early.len > MAX_EARLY_BYTES)
		return err_set(err, ERR_TOO_LARGE, "the VNC server sends too much before it is asked");
	return 0;
}

int recording_begin(struct recording *recording, const uint8_t init[RFB_SERVER_INIT_BYTES],
		    const uint8_t format[RFB_FORMAT_BYTES], const char *title, struct err *err)
{
	static const char none[] = "RFB 003.003\n\0\0\0\1"; /* security type 1: no password */
	_cleanup_strbuf_ struct strbuf head = STRBUF_INIT;
	uint8_t with_format[RFB_SERVER_INIT_BYTES];
	memcpy(with_format, init, sizeof(with_format));
	memcpy(with_format + RFB_FORMAT_AT, format, RFB_FORMAT_BYTES);
	strbuf_add(&head, none, sizeof(none) - 1);
	rfb_viewer_server_init(with_format, title, &head);
	recording->has_begun = true;
	if (fbs_write_block(recording->fd, head.data, head.len, 0, err) < 0 ||
	    (recording->early.len > 0 &&
	     fbs_write_block(recording->fd, recording->early.data, recording->early.len, 0, err) < 0))
		return -1;
	strbuf_destroy(&recording->early);
	return 0;
}

/* --- those that there are ----------------------------------------------------------------- */

char *recording_machine(const char *file)
{
	const char *end = strchr(file, '_');
	size_t rest = end ? strspn(end, "0123456789TZ_") : 0;
	if (rest < 2 || !str_eq(end + rest, suffix))
		return NULL;
	_cleanup_free_ char *machine = xstrndup(file, (size_t)(end - file));
	return name_is_valid(machine) ? steal(&machine) : NULL;
}

int recordings_list(const char *directory, struct strv *out, struct err *err)
{
	DIR *dir = opendir(directory);
	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return err_sys(err, "read %s", directory);
	for (struct dirent *entry; (entry = readdir(dir));) {
		_cleanup_free_ char *machine = recording_machine(entry->d_name);
		if (machine)
			strv_add(out, entry->d_name);
	}
	closedir(dir);
	strv_sort(out);
	return 0;
}

uint32_t recording_length_ms(const char *path)
{
	uint8_t last[4];
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	off_t end = fd < 0 ? -1 : lseek(fd, -(off_t)sizeof(last), SEEK_END);
	if (end < FBS_MAGIC_BYTES + (off_t)sizeof(last) ||
	    pread(fd, last, sizeof(last), end) != (ssize_t)sizeof(last))
		return 0;
	return bytes_u32(last);
}
