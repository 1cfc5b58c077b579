/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/boot-verdict.h"

#include "common/atomic-file.h"
#include "common/deb822.h"

#define FORMAT "waybill-boot-test 1"

static const char *const known_fields[] = {
	"Format", "Package", "Version", "Architecture", "SHA256", "Date", "Result", "Reason",
	"Qemu", "Accelerator", "Boot", "Watch", "Checks", NULL,
};

void boot_verdict_free(struct boot_verdict *verdict)
{
	if (!verdict)
		return;
	free(verdict->package);
	free(verdict->version);
	free(verdict->architecture);
	free(verdict->reason);
	free(verdict->qemu);
	free(verdict->accelerator);
	free(verdict->boot);
	strv_destroy(&verdict->checks);
	free(verdict);
}

char *boot_verdict_path(const char *deb_path)
{
	size_t len = strlen(deb_path);
	if (str_ends(deb_path, ".deb"))
		len -= strlen(".deb");
	return xasprintf("%.*s.tested", (int)len, deb_path);
}

static int take_text(const struct deb822_stanza *stanza, const char *field, const char *origin,
		     char **out, struct err *err)
{
	const char *value = NULL;
	if (deb822_require(stanza, field, origin, &value, err) < 0)
		return -1;
	*out = xstrdup(value);
	return 0;
}

static int take_result(const struct deb822_stanza *stanza, const char *origin,
		       struct boot_verdict *verdict, struct err *err)
{
	const char *result = NULL;
	if (deb822_require(stanza, "Result", origin, &result, err) < 0)
		return -1;
	verdict->passed = str_eq(result, "passed");
	if (!verdict->passed && !str_eq(result, "failed"))
		return err_set(err, ERR_INPUT, "%s: Result is '%.32s', neither passed nor failed",
			       origin, result);
	return verdict->passed ? 0 : take_text(stanza, "Reason", origin, &verdict->reason, err);
}

static int take_facts(const struct deb822_stanza *stanza, const char *origin,
		      struct boot_verdict *verdict, struct err *err)
{
	const char *sha256 = NULL, *date = NULL, *watch = NULL;
	uint64_t seconds = 0;
	if (deb822_require(stanza, "SHA256", origin, &sha256, err) < 0 ||
	    deb822_require(stanza, "Date", origin, &date, err) < 0 ||
	    deb822_require(stanza, "Watch", origin, &watch, err) < 0)
		return -1;
	if (!sha256_is_valid(sha256))
		return err_set(err, ERR_INPUT, "%s: SHA256 is not 64 hexadecimal digits", origin);
	strcpy(verdict->sha256, sha256);
	if (time_parse(date, &verdict->tested_at, "Date", err) < 0 ||
	    duration_parse(watch, &seconds, "Watch", err) < 0)
		return err_prefix(err, "%s", origin);
	verdict->watch_seconds = seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
	const char *checks = deb822_get(stanza, "Checks");
	strv_split(&verdict->checks, checks ? checks : "", "\n");
	return 0;
}

int boot_verdict_parse(const char *text, size_t len, const char *origin,
		       struct boot_verdict **out, struct err *err)
{
	_cleanup_(deb822_freep) struct deb822 *doc = NULL;
	_cleanup_(boot_verdict_freep) struct boot_verdict *v = xcalloc(1, sizeof(*v));
	const char *format = NULL;
	*out = NULL;
	if (len > BOOT_VERDICT_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "%s is larger than %d bytes", origin,
			       BOOT_VERDICT_MAX_BYTES);
	if (deb822_parse(text, len, 1, origin, &doc, err) < 0)
		return -1;
	if (doc->count != 1)
		return err_set(err, ERR_INPUT, "%s is empty", origin);
	const struct deb822_stanza *stanza = &doc->stanzas[0];
	if (deb822_require(stanza, "Format", origin, &format, err) < 0)
		return -1;
	if (!str_eq(format, FORMAT))
		return err_set(err, ERR_INPUT, "%s: Format is not '" FORMAT "'", origin);
	if (deb822_check_known(stanza, known_fields, origin, err) < 0 ||
	    take_text(stanza, "Package", origin, &v->package, err) < 0 ||
	    take_text(stanza, "Version", origin, &v->version, err) < 0 ||
	    take_text(stanza, "Architecture", origin, &v->architecture, err) < 0 ||
	    take_text(stanza, "Qemu", origin, &v->qemu, err) < 0 ||
	    take_text(stanza, "Accelerator", origin, &v->accelerator, err) < 0 ||
	    take_text(stanza, "Boot", origin, &v->boot, err) < 0 ||
	    take_result(stanza, origin, v, err) < 0 || take_facts(stanza, origin, v, err) < 0)
		return -1;
	*out = steal(&v);
	return 0;
}

static void format_verdict(const struct boot_verdict *verdict, struct strbuf *out)
{
	_cleanup_free_ char *date = time_format(verdict->tested_at);
	_cleanup_free_ char *checks = strv_join(&verdict->checks, "\n");
	_cleanup_free_ char *folded = xasprintf("\n%s", checks);
	deb822_write(out, "Format", FORMAT);
	deb822_write(out, "Package", verdict->package);
	deb822_write(out, "Version", verdict->version);
	deb822_write(out, "Architecture", verdict->architecture);
	deb822_write(out, "SHA256", verdict->sha256);
	deb822_write(out, "Date", date);
	deb822_write(out, "Result", verdict->passed ? "passed" : "failed");
	if (!verdict->passed)
		deb822_write(out, "Reason", verdict->reason);
	deb822_write(out, "Qemu", verdict->qemu);
	deb822_write(out, "Accelerator", verdict->accelerator);
	deb822_write(out, "Boot", verdict->boot);
	strbuf_addf(out, "Watch: %us\n", verdict->watch_seconds);
	if (verdict->checks.count)
		deb822_write(out, "Checks", folded);
}

int boot_verdict_write(const struct boot_verdict *verdict, const char *deb_path,
		       struct err *err)
{
	_cleanup_free_ char *path = boot_verdict_path(deb_path);
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	format_verdict(verdict, &text);
	return atomic_file_write(path, text.data, text.len, 0644, err);
}

static int judge(const struct boot_verdict *verdict, const char *path, const char *sha256,
		 struct err *err)
{
	_cleanup_free_ char *date = time_format(verdict->tested_at);
	if (!str_eq(verdict->sha256, sha256))
		return err_set(err, ERR_REFUSED,
			       "the verdict in %s is about other bytes (SHA-256 %.12s..., this is "
			       "%.12s...); run 'imagepkg boot-test' again", path, verdict->sha256,
			       sha256);
	if (!verdict->passed)
		return err_set(err, ERR_REFUSED, "it failed its boot test at %s: %s", date,
			       verdict->reason);
	return 0;
}

int boot_verdict_require(const char *deb_path, const char *sha256, struct err *err)
{
	_cleanup_free_ char *path = boot_verdict_path(deb_path);
	_cleanup_free_ char *text = NULL;
	_cleanup_(boot_verdict_freep) struct boot_verdict *verdict = NULL;
	size_t len = 0;
	if (!file_exists(path))
		return err_set(err, ERR_REFUSED,
			       "it was not tested: there is no %s; run 'imagepkg boot-test %s'",
			       path, deb_path);
	if (file_read(path, BOOT_VERDICT_MAX_BYTES, &text, &len, err) < 0 ||
	    boot_verdict_parse(text, len, path, &verdict, err) < 0) {
		err->code = ERR_REFUSED;
		return err_prefix(err, "its verdict cannot be read");
	}
	return judge(verdict, path, sha256, err);
}
