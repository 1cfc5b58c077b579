/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Indexes of repositories, as far as our own code reads them; the first byte says which:
 * 'd' Deltas, 'p' Packages and 'r' Release of our own repository, 's' InRelease of a Debian suite,
 * 'u' the installer's status and, after a line "--", the index of its components. */
#include <stdlib.h>
#include <string.h>

#include "pkgmgr/delta-choice.h"
#include "preseed/stick-packages.h"
#include "preseed/suites.h"
#include "preseed/udebs.h"
#include "repo-tools/release.h"

/* What is chosen is offered, fits together, and is smaller than the package. */
static void check_choice(const struct delta_offers *offers, const char *package, const char *from,
			 const char *to)
{
	struct plan *plan = plan_new();
	struct plan_action *a = plan_add_action(plan);
	a->package = xstrdup(package);
	a->from_version = xstrdup(from);
	a->to_version = xstrdup(to);
	a->archive.size_bytes = 1 << 20;
	a->archive.data_sha256 = xstrdup("");
	a->archive.control_sha256 = xstrdup("");
	delta_choose(offers, a);
	uint64_t sum = 0;
	for (size_t i = 0; i < a->archive.delta_count; i++) {
		const struct plan_delta *delta = &a->archive.deltas[i];
		if (!delta->sha256 || !delta->uris.count || !delta->size_bytes)
			abort();
		sum += delta->size_bytes;
	}
	if (sum != plan_deltas_bytes(&a->archive) || (sum && sum >= a->archive.size_bytes))
		abort();
	plan_free(plan);
}

/* A second server that has the same adds addresses and nothing else. */
static void check_deltas(const char *text, size_t size)
{
	struct delta_offers offers = { NULL, 0 };
	struct err err = ERR_INIT;
	if (delta_offers_parse(text, size, "http://a", &offers, &err) == 0) {
		size_t count = offers.count;
		if (delta_offers_parse(text, size, "http://b/", &offers, &err) < 0 ||
		    offers.count != count)
			abort();
		for (size_t i = 0; i < count; i++)
			for (size_t j = 0; j < offers.items[i].delta.uris.count; j++)
				if (strstr(offers.items[i].delta.uris.items[j], ".."))
					abort();
		for (size_t i = 0; i < count; i++)
			check_choice(&offers, offers.items[i].package, offers.items[i].old_version,
				     offers.items[count - 1].new_version);
	}
	delta_offers_destroy(&offers);
	err_clear(&err);
}

static void check_packages(const char *text, size_t size)
{
	struct deb822 *doc = NULL;
	struct err err = ERR_INIT;
	const char *path, *sha256;
	if (deb822_parse(text, size, 1000, "Packages", &doc, &err) == 0 &&
	    stick_packages_find(doc, "askom", &path, &sha256, &err) == 0 &&
	    (!str_starts(path, "pool/") || strstr(path, "..") || strlen(sha256) != SHA256_HEX_LEN))
		abort();
	deb822_free(doc);
	err_clear(&err);
}

/* What was read is written and read again, and is the same. */
static void check_release(const char *text, size_t size)
{
	struct release release, again = { 0 };
	struct repo_conf *conf = repo_conf_new();
	struct strbuf out = STRBUF_INIT;
	struct err err = ERR_INIT;
	if (release_parse(text, size, "Release", &release, &err) == 0) {
		release_format(&release, conf, "stable", &out);
		if (release_parse(out.data, out.len, "Release", &again, &err) < 0 ||
		    again.date != release.date || again.valid_until != release.valid_until ||
		    again.file_count != release.file_count)
			abort();
		for (size_t i = 0; i < release.file_count; i++)
			if (!str_eq(again.files[i].path, release.files[i].path) ||
			    again.files[i].size_bytes != release.files[i].size_bytes)
				abort();
	}
	release_destroy(&release);
	release_destroy(&again);
	repo_conf_free(conf);
	strbuf_destroy(&out);
	err_clear(&err);
}

/* No name of a file on the stick leads elsewhere. */
static void check_names(const struct remote_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		const char *name = files->items[i].name;
		if (!str_starts(name, "debian") || strstr(name, "/../") || str_ends(name, "/.."))
			abort();
	}
}

static void check_suites(const char *text, size_t size)
{
	static const char *const places[SUITES] = { "debian", "debian", "debian-security" };
	struct suites suites = { 0 };
	struct remote_files files = { 0 };
	struct err err = ERR_INIT;
	int rc = 0;
	for (size_t i = 0; i < SUITES && rc == 0; i++) {
		suites.suite[i].name = xstrdup("trixie");
		suites.suite[i].uri = xstrdup("http://m/");
		suites.suite[i].place = places[i];
		suites.suite[i].inrelease = xstrndup(text, size);
		rc = suite_take_release(&suites.suite[i], &err);
	}
	if (rc == 0) {
		(void)!suites_add_indexes(&suites, &files, &err);
		free(suites_fresh_until(&suites));
		check_names(&files);
	}
	remote_files_destroy(&files);
	suites_destroy(&suites);
	err_clear(&err);
}

static void check_udebs(const char *text, size_t size)
{
	static const char between[] = "\n--\n";
	struct deb822 *status = NULL, *index = NULL;
	struct remote_files files = { 0 };
	struct err err = ERR_INIT;
	const char *at = memmem(text, size, between, strlen(between));
	size_t len = at ? (size_t)(at - text) + 1 : size;
	const char *rest = at ? at + strlen(between) : text + size;
	if (deb822_parse(text, len, 1000, "status", &status, &err) == 0 &&
	    deb822_parse(rest, (size_t)(text + size - rest), 1000, "udebs", &index, &err) == 0) {
		struct udebs_present present = { status, NULL };
		(void)!udebs_add(index, &present, "http://m/", "debian", &files, &err);
		check_names(&files);
	}
	remote_files_destroy(&files);
	deb822_free(status);
	deb822_free(index);
	err_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	if (size == 0)
		return 0;
	switch (data[0]) {
	case 'd':
		check_deltas(text, size - 1);
		break;
	case 'p':
		check_packages(text, size - 1);
		break;
	case 'r':
		check_release(text, size - 1);
		break;
	case 's':
		check_suites(text, size - 1);
		break;
	case 'u':
		check_udebs(text, size - 1);
		break;
	}
	return 0;
}
