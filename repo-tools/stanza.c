/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo-tools/stanza.h"

#include <ctype.h>

#include "common/appliance-conf.h"
#include "repo-tools/repo-conf.h"

/* What the repository says about a package, and the package itself must not. */
static const char *const reserved_fields[] = {
	"Filename", "Size", "MD5sum", "SHA1", "SHA256", "SHA512", "Description-md5",
	"Image-Control-SHA256", "Phased-Update-Percentage", "Status", NULL,
};

static const char *const required_fields[] = {
	"Package", "Version", "Architecture", "Maintainer", "Description", NULL,
};

static bool architecture_is_safe(const char *name)
{
	size_t len = strlen(name);
	return len && len <= 64 && isalnum((unsigned char)name[0]) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static int check_fields(const struct deb *deb, struct err *err)
{
	for (size_t i = 0; required_fields[i]; i++) {
		const char *value = deb_field(deb, required_fields[i]);
		if (!value || !*value)
			return err_set(err, ERR_INPUT, "its control file has no %s",
				       required_fields[i]);
	}
	for (size_t i = 0; reserved_fields[i]; i++)
		if (deb_field(deb, reserved_fields[i]))
			return err_set(err, ERR_INPUT,
				       "its control file has the field %s, which only a "
				       "repository may set",
				       reserved_fields[i]);
	if (!name_is_valid(deb_field(deb, "Package")))
		return err_set(err, ERR_INPUT, "'%s' is no valid package name",
			       deb_field(deb, "Package"));
	if (!version_is_valid(deb_field(deb, "Version")))
		return err_set(err, ERR_INPUT, "'%s' is no valid version",
			       deb_field(deb, "Version"));
	if (!architecture_is_safe(deb_field(deb, "Architecture")))
		return err_set(err, ERR_INPUT, "'%s' is no valid architecture",
			       deb_field(deb, "Architecture"));
	return 0;
}

char *stanza_pool_path(const char *name, const char *version, const char *architecture)
{
	const char *colon = strchr(version, ':');
	size_t letters = str_starts(name, "lib") && name[3] ? 4 : 1;
	return xasprintf("pool/" REPO_COMPONENT "/%.*s/%s/%s_%s_%s.deb", (int)letters, name, name,
			 name, colon ? colon + 1 : version, architecture);
}

static void write_stanza(const struct deb *deb, const struct index_package *package,
			 struct strbuf *out)
{
	const struct deb822_stanza *control = &deb->control_fields->stanzas[0];
	for (size_t i = 0; i < control->count; i++)
		deb822_write(out, control->fields[i].name, control->fields[i].value);
	deb822_write(out, "Filename", package->path);
	strbuf_addf(out, "Size: %llu\n", (unsigned long long)package->size_bytes);
	deb822_write(out, "SHA256", package->sha256);
	deb822_write(out, "Image-Control-SHA256", deb->control_sha256);
}

int stanza_from_deb(const struct deb *deb, const char *sha256, struct index_package *out,
		    struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	memset(out, 0, sizeof(*out));
	if (check_fields(deb, err) < 0)
		return -1;
	out->name = xstrdup(deb_field(deb, "Package"));
	out->version = xstrdup(deb_field(deb, "Version"));
	out->architecture = xstrdup(deb_field(deb, "Architecture"));
	snprintf(out->sha256, sizeof(out->sha256), "%s", sha256);
	out->size_bytes = deb->size_bytes;
	out->path = stanza_pool_path(out->name, out->version, out->architecture);
	write_stanza(deb, out, &text);
	out->stanza = strbuf_steal(&text);
	return 0;
}

/* ---- Image-* fields ---- */

static bool has_image_fields(const struct deb *deb)
{
	const struct deb822_stanza *control = &deb->control_fields->stanzas[0];
	for (size_t i = 0; i < control->count; i++)
		if (strncasecmp(control->fields[i].name, "Image-", 6) == 0)
			return true;
	return false;
}

static int lies(const char *field, const char *says, const char *truth, struct err *err)
{
	return err_set(err, ERR_INPUT,
		       "its %s says %s, but it is %s; the package was altered, or not made by "
		       "imagepkg",
		       field, says, truth);
}

static int check_field(const struct deb *deb, const char *field, const char *truth,
		       struct err *err)
{
	const char *says = deb_field(deb, field);
	if (!says)
		return err_set(err, ERR_INPUT, "it has Image-Format but no %s", field);
	return str_eq(says, truth) ? 0 : lies(field, says, truth, err);
}

static int add_to_hash(const void *data, size_t len, void *arg, struct err *err)
{
	sha256_add(arg, data, len);
	return 0;
}

static int check_base(const struct deb *deb, struct err *err)
{
	char sha256[SHA256_HEX_LEN + 1];
	struct sha256 hash;
	_cleanup_free_ char *path =
		xasprintf(APPLIANCES_DIR "/%s/" BASE_FILE, deb_field(deb, "Package"));
	sha256_start(&hash);
	if (deb_data_file(deb, path, add_to_hash, &hash, err) < 0)
		return -1;
	sha256_finish(&hash, sha256);
	return check_field(deb, "Image-Base-SHA256", sha256, err);
}

int stanza_check_image(const struct deb *deb, struct err *err)
{
	char sha256[SHA256_HEX_LEN + 1];
	uint64_t size_bytes = 0;
	if (!has_image_fields(deb))
		return 0;
	if (check_field(deb, "Image-Format", "1", err) < 0 ||
	    deb_data_digest(deb, sha256, &size_bytes, err) < 0)
		return -1;
	_cleanup_free_ char *size = xasprintf("%llu", (unsigned long long)size_bytes);
	if (check_field(deb, "Image-Data-SHA256", sha256, err) < 0 ||
	    check_field(deb, "Image-Data-Size", size, err) < 0)
		return -1;
	return check_base(deb, err);
}
