/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/apt-root.h"

#include "common/atomic-file.h"
#include "common/hash.h"
#include "common/lock.h"
#include "common/log.h"
#include "common/strbuf.h"
#include "common/subproc.h"

enum { TIMEOUT_MS = 30 * 60 * 1000 };

/* Proxies and the like come from this machine's own apt.conf.d; what it does with its own
 * packages does not. */
static const char config_text[] =
	"#clear APT::Update::Post-Invoke-Success;\n"
	"#clear APT::Update::Post-Invoke;\n"
	"Dir::Etc::sourcelist \"%1$s/sources.list\";\n"
	"Dir::Etc::sourceparts \"/dev/null\";\n"
	"Dir::Etc::preferences \"/dev/null\";\n"
	"Dir::Etc::preferencesparts \"/dev/null\";\n"
	"Dir::State \"%1$s/state\";\n"
	"Dir::State::status \"/dev/null\";\n"
	"Dir::Cache \"%1$s/cache\";\n"
	"APT::Architecture \"amd64\";\n"
	"APT::Architectures \"amd64\";\n"
	"APT::Sandbox::User \"root\";\n"
	"APT::Get::AllowUnauthenticated \"false\";\n"
	"Acquire::AllowInsecureRepositories \"false\";\n"
	"Acquire::Languages \"none\";\n";

static int write_config(struct apt_root *root, const struct strv *sources, struct err *err)
{
	_cleanup_free_ char *lists = xasprintf("%s/state/lists/partial", root->dir);
	_cleanup_free_ char *archives = xasprintf("%s/cache/archives/partial", root->dir);
	_cleanup_free_ char *sources_path = xasprintf("%s/sources.list", root->dir);
	_cleanup_free_ char *lines = strv_join(sources, "\n");
	_cleanup_free_ char *text = xasprintf("%s\n", lines);
	_cleanup_strbuf_ struct strbuf config = STRBUF_INIT;
	strbuf_addf(&config, config_text, root->dir);
	root->config = xasprintf("%s/apt.conf", root->dir);
	return make_dirs(lists, 0755, err) < 0 || make_dirs(archives, 0755, err) < 0 ||
			       atomic_file_write(sources_path, text, strlen(text), 0644, err) < 0 ||
			       atomic_file_write(root->config, config.data, config.len, 0644,
						 err) < 0
		       ? -1
		       : 0;
}

int apt_root_open(const char *cache, const struct strv *sources, struct apt_root **out,
		  struct err *err)
{
	_cleanup_(apt_root_freep) struct apt_root *root = xcalloc(1, sizeof(*root));
	*out = NULL;
	root->lock = -1;
	root->dir = xasprintf("%s/apt", cache);
	_cleanup_free_ char *lock = xasprintf("%s/lock", root->dir);
	if (strpbrk(root->dir, "\"\\\n;"))
		return err_set(err, ERR_USAGE, "--cache: '%s' has a character that apt.conf "
			       "cannot quote", cache);
	if (make_dirs(root->dir, 0755, err) < 0 || (root->lock = lock_take(lock, -1, err)) < 0 ||
	    write_config(root, sources, err) < 0)
		return err_prefix(err, "cache %s", cache);
	*out = steal(&root);
	return 0;
}

void apt_root_free(struct apt_root *root)
{
	if (!root)
		return;
	closep(&root->lock);
	free(root->dir);
	free(root->config);
	free(root);
}

int apt_root_update(const struct apt_root *root, struct err *err)
{
	const char *argv[] = { "apt-get", "-c", root->config, "-q", "-o",
			       "APT::Update::Error-Mode=any", "update", NULL };
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	struct subproc spec = { .argv = argv, .output = &output, .quiet = true,
				.timeout_ms = TIMEOUT_MS };
	return subproc_run(&spec, NULL, err);
}

/* "'URI' FILE SIZE SHA256:HEX" of the one package. */
static int ask_package(const struct apt_root *root, const char *package, char **file,
		       char hash[SHA256_HEX_LEN + 1], struct err *err)
{
	const char *argv[] = { "apt-get", "-c", root->config, "-q", "--print-uris", "download",
			       package, NULL };
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	_cleanup_strv_ struct strv word = STRV_INIT;
	struct subproc spec = { .argv = argv, .output = &output, .quiet = true,
				.timeout_ms = TIMEOUT_MS };
	if (subproc_run(&spec, NULL, err) != 0)
		return -1;
	strv_split(&word, output.data ? output.data : "", " \n");
	const char *hex = word.count >= 4 && str_starts(word.items[3], "SHA256:")
				  ? word.items[3] + strlen("SHA256:")
				  : "";
	if (!sha256_is_valid(hex) || strchr(word.items[1], '/'))
		return err_set(err, ERR_PROGRAM, "apt-get --print-uris download %s: its answer "
			       "has no SHA-256", package);
	*file = xstrdup(word.items[1]);
	memcpy(hash, hex, SHA256_HEX_LEN + 1);
	return 0;
}

static bool has_hash(const char *path, const char *hash)
{
	_cleanup_err_ struct err ignored = ERR_INIT;
	char hex[SHA256_HEX_LEN + 1];
	return file_exists(path) && sha256_file(path, hex, NULL, &ignored) == 0 &&
	       str_eq(hex, hash);
}

static int download(const struct apt_root *root, const char *package, struct err *err)
{
	const char *argv[] = { "apt-get", "-c", root->config, "-q", "download", package, NULL };
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	struct subproc spec = { .argv = argv, .output = &output, .quiet = true,
				.chdir = root->dir, .timeout_ms = TIMEOUT_MS };
	log_info("fetching %s", package);
	return subproc_run(&spec, NULL, err);
}

int apt_root_get(const struct apt_root *root, const char *package, char **path,
		 struct err *err)
{
	char hash[SHA256_HEX_LEN + 1];
	_cleanup_free_ char *file = NULL;
	*path = NULL;
	if (ask_package(root, package, &file, hash, err) < 0)
		return err_prefix(err, "%s", package);
	_cleanup_free_ char *full = xasprintf("%s/%s", root->dir, file);
	if (!has_hash(full, hash) && download(root, package, err) < 0)
		return err_prefix(err, "%s", package);
	if (!has_hash(full, hash))
		return err_set(err, ERR_SIGNATURE, "%s is not what Debian signed", full);
	*path = steal(&full);
	return 0;
}
