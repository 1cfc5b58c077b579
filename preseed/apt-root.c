/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/apt-root.h"

#include "common/atomic-file.h"
#include "common/lock.h"
#include "common/subproc.h"
#include "preseed/remote-files.h"

enum { TIMEOUT_MS = 30 * 60 * 1000, MAX_OUTPUT_BYTES = 64 << 20 };

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
	"#clear APT::Default-Release;\n"
	"Acquire::ForceHash \"SHA256\";\n"
	"Acquire::Languages \"none\";\n";

int apt_root_write_list(const struct apt_root *root, const char *name,
			const struct strv *sources, char **path, struct err *err)
{
	_cleanup_free_ char *lines = strv_join(sources, "\n");
	_cleanup_free_ char *text = xasprintf("%s\n", lines);
	*path = xasprintf("%s/%s", root->dir, name);
	return atomic_file_write(*path, text, strlen(text), 0644, err);
}

static int write_config(struct apt_root *root, const struct strv *sources, struct err *err)
{
	_cleanup_free_ char *lists = xasprintf("%s/state/lists/partial", root->dir);
	_cleanup_free_ char *archives = xasprintf("%s/cache/archives/partial", root->dir);
	_cleanup_free_ char *sources_path = NULL;
	_cleanup_strbuf_ struct strbuf config = STRBUF_INIT;
	strbuf_addf(&config, config_text, root->dir);
	root->config = xasprintf("%s/apt.conf", root->dir);
	return make_dirs(lists, 0755, err) < 0 || make_dirs(archives, 0755, err) < 0 ||
			       apt_root_write_list(root, "sources.list", sources, &sources_path,
						   err) < 0 ||
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
	_cleanup_free_ char *dir = xasprintf("%s/apt", cache);
	root->lock = -1;
	/* apt takes a relative name for one below /. */
	if (make_dirs(dir, 0755, err) < 0 || !(root->dir = realpath(dir, NULL)))
		return err_sys(err, "cache %s", cache);
	_cleanup_free_ char *lock = xasprintf("%s/lock", root->dir);
	if (strpbrk(root->dir, "\"\\\n;"))
		return err_set(err, ERR_USAGE, "--cache: '%s' has a character that apt.conf "
			       "cannot quote", cache);
	if ((root->lock = lock_take(lock, -1, err)) < 0 ||
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

int apt_root_run(const struct apt_root *root, const struct strv *args, struct strbuf *output,
		 struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_strbuf_ struct strbuf ignored = STRBUF_INIT;
	const char *const env[] = { "LC_ALL=C.UTF-8", NULL };
	strv_addv(&argv, args->items[0], "-c", root->config, NULL);
	for (size_t i = 1; i < args->count; i++)
		strv_add(&argv, args->items[i]);
	struct subproc spec = { .argv = (const char *const *)argv.items,
				.env_add = env, .output = output ? output : &ignored,
				.max_output = MAX_OUTPUT_BYTES, .quiet = true,
				.timeout_ms = TIMEOUT_MS };
	return subproc_run(&spec, NULL, err);
}

int apt_root_update(const struct apt_root *root, struct err *err)
{
	_cleanup_strv_ struct strv args = STRV_INIT;
	strv_addv(&args, "apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update", NULL);
	return apt_root_run(root, &args, NULL, err);
}

/* The one file that "apt-get download" would fetch. */
static int ask_package(const struct apt_root *root, const char *package,
		       struct remote_files *out, struct err *err)
{
	_cleanup_strv_ struct strv args = STRV_INIT;
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	strv_addv(&args, "apt-get", "-q", "--print-uris", "download", package, NULL);
	if (apt_root_run(root, &args, &output, err) < 0 ||
	    remote_files_parse(out, output.data ? output.data : "", err) < 0)
		return -1;
	return out->count == 1 && !strchr(out->items[0].name, '/')
		       ? 0
		       : err_set(err, ERR_PROGRAM, "apt-get --print-uris download %s: it names no "
				 "file", package);
}

int apt_root_get(const struct apt_root *root, const char *package, char **path,
		 struct err *err)
{
	_cleanup_(remote_files_destroy) struct remote_files file = { 0 };
	*path = NULL;
	if (ask_package(root, package, &file, err) < 0 ||
	    remote_files_fetch(&file, root, root->dir, err) < 0)
		return err_prefix(err, "%s", package);
	*path = xasprintf("%s/%s", root->dir, file.items[0].name);
	return 0;
}
