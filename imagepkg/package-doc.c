/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/package-doc.h"

#include <archive.h>
#include <archive_entry.h>
#include <time.h>

void package_description(const struct package *package, struct strbuf *out)
{
	_cleanup_free_ char *memory = size_format(package->conf->memory_bytes);
	_cleanup_free_ char *disk = size_format(package->conf->disk_bytes);
	strbuf_adds(out, package->description);
	if (strchr(package->description, '\n'))
		strbuf_adds(out, "\n\n");
	else
		strbuf_addc(out, '\n');
	strbuf_addf(out,
		    "This is a virtual appliance of Waybill: installing the package starts a\n"
		    "virtual machine from the disk image in it. The machine has %s of memory,\n"
		    "%u virtual processor%s and a system disk of %s.",
		    memory, package->conf->vcpus, package->conf->vcpus == 1 ? "" : "s", disk);
}

void package_copyright(const char *name, struct strbuf *out)
{
	strbuf_addf(out,
		    "The virtual appliance %s, packaged by imagepkg of Waybill.\n\n"
		    "The disk image is an aggregate of programs, each under a license of its\n"
		    "own. For programs that were installed from Debian packages it is stated in\n"
		    "/usr/share/doc/<package>/copyright inside of the image.\n\n"
		    "The packaging, which includes the maintainer scripts, is\n"
		    "Copyright (C) 2026 The authors of Waybill\n"
		    "License: GPL-3+\n"
		    " It is free software: you can redistribute it and/or modify it under the\n"
		    " terms of the GNU General Public License as published by the Free Software\n"
		    " Foundation, either version 3 of the License, or (at your option) any later\n"
		    " version. On Debian systems, its complete text can be found in\n"
		    " /usr/share/common-licenses/GPL-3.\n",
		    name);
}

void package_lintian_overrides(const struct package *package, struct strbuf *out)
{
	const char *name = package->conf->appliance;
	strbuf_addf(out,
		    "# dpkg takes zstd since 1.21.18. A long window is what makes an image package\n"
		    "# small and quick to unpack; gzip and xz have none.\n"
		    "%s: malformed-deb-archive *\n"
		    "# Where a repository and a site find the digests of the image.\n"
		    "%s: unknown-field Image-*\n"
		    "# An image package is never uploaded to Debian.\n"
		    "%s: initial-upload-closes-no-bugs *\n", name, name, name);
	if (package->kernel_path)
		strbuf_addf(out, "# A kernel: what runs below the libraries is linked to none.\n"
			    "%s: statically-linked-binary *" KERNEL_FILE "*\n", name);
}

const char *package_changelog_name(const char *version)
{
	return strchr(version, '-') ? "changelog.Debian.gz" : "changelog.gz";
}

static la_ssize_t on_gzip_bytes(struct archive *a, void *arg, const void *data, size_t len)
{
	strbuf_add(arg, data, len);
	return (la_ssize_t)len;
}

/* One stream, level 9, without a time: lintian and reproducibility ask for it. */
static int gzip(const struct strbuf *text, struct strbuf *out, struct err *err)
{
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	archive_write_set_format_raw(a);
	archive_write_add_filter_gzip(a);
	archive_write_set_filter_option(a, "gzip", "compression-level", "9");
	archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
	archive_write_set_bytes_in_last_block(a, 1);
	archive_entry_set_filetype(entry, AE_IFREG);
	bool ok = archive_write_open(a, out, NULL, on_gzip_bytes, NULL) == ARCHIVE_OK &&
		  archive_write_header(a, entry) == ARCHIVE_OK &&
		  archive_write_data(a, text->data, text->len) == (la_ssize_t)text->len &&
		  archive_write_close(a) == ARCHIVE_OK;
	if (!ok)
		err_set(err, ERR_SYSTEM, "cannot compress the changelog: %s",
			archive_error_string(a));
	archive_entry_free(entry);
	archive_write_free(a);
	return ok ? 0 : -1;
}

int package_changelog_gz(const struct package *package, int64_t date, struct strbuf *out,
			 struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	char when[64];
	time_t t = (time_t)date;
	struct tm tm;
	/* No program of ours calls setlocale(): the names are English. */
	strftime(when, sizeof(when), "%a, %d %b %Y %H:%M:%S +0000", gmtime_r(&t, &tm));
	strbuf_addf(&text,
		    "%s (%s) stable; urgency=medium\n\n"
		    "  * Image built and packaged by imagepkg.\n\n"
		    " -- %s  %s\n",
		    package->conf->appliance, package->conf->version, package->maintainer, when);
	return gzip(&text, out, err);
}
