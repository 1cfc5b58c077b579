/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Golden tests of the planner. Each golden/ *.txt holds a list, what is installed
 * and what the archives offer, and the actions or the refusal that must follow
 * (format: golden/README.md). The real planner runs on a fabricated status file and
 * fabricated indexes, in a process of its own, since libapt-pkg has globals. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/strbuf.h"
#include "pkgmgr/apt/apt.h"
#include "pkgmgr/guard.h"

enum { MAX_BYTES = 64 * 1024, EXPECTED_COUNT = 119 };

/* A golden file, section by section. */
struct golden {
	struct strbuf header;	/* of the list: "Scope: all\n" */
	struct strbuf entries[LIST_KINDS];
	struct strbuf status;	/* dpkg's */
	struct strbuf archive;	/* Packages of our repository */
	struct strbuf debian;	/* Packages of another origin */
	struct strbuf security;	/* and of its suite of security updates */
	struct strbuf preferences; /* apt's */
	struct strv ours;
	struct strv bad;
	struct strv expect;
	char *kernel;
};

static void golden_free(struct golden *g)
{
	strbuf_destroy(&g->header);
	for (int kind = 0; kind < LIST_KINDS; kind++)
		strbuf_destroy(&g->entries[kind]);
	strbuf_destroy(&g->status);
	strbuf_destroy(&g->archive);
	strbuf_destroy(&g->debian);
	strbuf_destroy(&g->security);
	strbuf_destroy(&g->preferences);
	strv_destroy(&g->ours);
	strv_destroy(&g->bad);
	strv_destroy(&g->expect);
	free(g->kernel);
	free(g);
}
DEFINE_FREEP(struct golden, golden_free)

/* "name version; Field: value; ..." as a stanza. */
static void add_package(struct strbuf *out, const char *line, bool installed)
{
	_cleanup_strv_ struct strv parts = STRV_INIT;
	strv_split(&parts, line, ";");
	_cleanup_strv_ struct strv words = STRV_INIT;
	strv_split(&words, parts.items[0], " ");
	const char *name = words.items[0], *version = words.items[1];
	strbuf_addf(out, "Package: %s\nVersion: %s\n", name, version);
	bool has_arch = false, has_status = false;
	for (size_t i = 1; i < parts.count; i++) {
		const char *field = parts.items[i] + strspn(parts.items[i], " ");
		has_arch |= str_starts(field, "Architecture:");
		has_status |= str_starts(field, "Status:");
		strbuf_addf(out, "%s\n", field);
	}
	if (!has_arch)
		strbuf_adds(out, "Architecture: amd64\n");
	if (installed && !has_status)
		strbuf_adds(out, "Status: install ok installed\n");
	if (!installed) {
		char sha256[SHA256_HEX_LEN + 1];
		sha256_hex(line, strlen(line), sha256);
		strbuf_addf(out, "Filename: pool/%s_%s.deb\nSize: 1000\nSHA256: %s\n", name,
			    version, sha256);
	}
	strbuf_adds(out, "Maintainer: x\nDescription: x\n\n");
}

static void add_list_line(struct golden *g, const char *line)
{
	for (int kind = 0; kind < LIST_KINDS; kind++) {
		_cleanup_free_ char *prefix =
			xasprintf("%s: ", site_list_kind_name((enum site_list_kind)kind));
		if (str_starts(line, prefix)) {
			strbuf_addf(&g->entries[kind], " %s\n", line + strlen(prefix));
			return;
		}
	}
	strbuf_addf(&g->header, "%s\n", line);
}

static void add_line(struct golden *g, const char *section, const char *line)
{
	if (str_eq(section, "[list]"))
		add_list_line(g, line);
	else if (str_eq(section, "[installed]"))
		add_package(&g->status, line, true);
	else if (str_eq(section, "[archive]"))
		add_package(&g->archive, line, false);
	else if (str_eq(section, "[debian]"))
		add_package(&g->debian, line, false);
	else if (str_eq(section, "[security]"))
		add_package(&g->security, line, false);
	else if (str_eq(section, "[preferences]"))
		strbuf_addf(&g->preferences, "%s\n", line);
	else if (str_eq(section, "[ours]"))
		strv_add(&g->ours, line);
	else if (str_eq(section, "[bad]"))
		strv_add(&g->bad, line);
	else if (str_eq(section, "[kernel]"))
		g->kernel = xstrdup(line);
	else if (str_eq(section, "[expect]"))
		strv_add(&g->expect, line);
	else
		printf("unknown section '%s'\n", section), exit(99);
}

static struct golden *read_golden(const char *path, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	if (file_read(path, MAX_BYTES, &text, &len, err) < 0)
		return NULL;
	struct golden *g = xcalloc(1, sizeof(*g));
	char *next = text;
	const char *section = "";
	while (next && *next) {
		char *line = strsep(&next, "\n");
		if (line[0] == '[')
			section = line;
		else if (line[0] && line[0] != '#')
			add_line(g, section, line);
	}
	return g;
}

static int put(const struct root *root, const char *path, const char *text, struct err *err)
{
	_cleanup_free_ char *full = root_path(root, "%s", path);
	_cleanup_free_ char *dir = xstrndup(full, (size_t)(strrchr(full, '/') - full));
	if (make_dirs(dir, 0755, err) < 0)
		return -1;
	return atomic_file_write(full, text ? text : "", text ? strlen(text) : 0, 0644, err);
}

static int put_archive(const struct root *root, const char *host, const char *origin,
		       const char *label, const char *packages, struct err *err)
{
	_cleanup_free_ char *release = xasprintf(
		"Origin: %s\nLabel: %s\nSuite: stable\nCodename: stable\nArchitectures: amd64\n"
		"Components: main\nDate: Fri, 20 Nov 2026 00:00:00 UTC\n", origin, label);
	_cleanup_free_ char *release_path =
		xasprintf("var/lib/apt/lists/%s_dists_stable_Release", host);
	_cleanup_free_ char *packages_path =
		xasprintf("var/lib/apt/lists/%s_dists_stable_main_binary-amd64_Packages", host);
	if (put(root, release_path, release, err) < 0)
		return -1;
	return put(root, packages_path, packages, err);
}

static int make_root(const struct golden *g, const struct root *root, struct err *err)
{
	static const char sources[] =
		"deb [trusted=yes arch=amd64] http://waybill.test/ stable main\n"
		"deb [trusted=yes arch=amd64] http://debian.test/ stable main\n"
		"deb [trusted=yes arch=amd64] http://security.test/ stable main\n";
	if (put(root, "etc/apt/sources.list", sources, err) < 0 ||
	    put(root, "etc/apt/apt.conf.d/arch", "APT::Architecture \"amd64\";\n", err) < 0 ||
	    put(root, "var/cache/apt/archives/partial/x", NULL, err) < 0 ||
	    put(root, "var/lib/apt/lists/partial/x", NULL, err) < 0 ||
	    put(root, "var/lib/dpkg/status", g->status.data, err) < 0 ||
	    put(root, "etc/apt/preferences", g->preferences.data, err) < 0 ||
	    put_archive(root, "waybill.test", "Waybill", "Waybill", g->archive.data, err) < 0 ||
	    put_archive(root, "debian.test", "Debian", "Debian", g->debian.data, err) < 0)
		return -1;
	return put_archive(root, "security.test", "Debian", "Debian-Security", g->security.data,
			   err);
}

static int make_list(const struct golden *g, struct site_list **list, struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	strbuf_adds(&text, "Format: waybill-site-list 1\nSite: golden\nEpoch: 1\nSerial: 1\n"
			   "Date: 2026-11-20T00:00:00Z\nValid-Until: 2036-11-20T00:00:00Z\n");
	strbuf_adds(&text, g->header.data ? g->header.data : "");
	for (int kind = 0; kind < LIST_KINDS; kind++)
		strbuf_addf(&text, "\nList: %s\nEntries:\n%s",
			    site_list_kind_name((enum site_list_kind)kind),
			    g->entries[kind].data ? g->entries[kind].data : "");
	return site_list_parse(text.data, text.len, list, err);
}

/* The plan, one line for each action and note, or one line that says why not. */
static void describe(const struct plan *plan, struct strv *got)
{
	for (size_t i = 0; i < plan->action_count; i++) {
		_cleanup_free_ char *line = plan_action_describe(&plan->actions[i]);
		strv_add(got, line);
	}
	if (!plan->action_count)
		strv_add(got, "nothing to do");
	for (size_t i = 0; i < plan->notes.count; i++)
		strv_addf(got, "note: %s", plan->notes.items[i]);
}

static int make_plan(const struct golden *g, const struct root *root, struct strv *got,
		     struct err *err)
{
	_cleanup_(site_list_freep) struct site_list *list = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	if (make_list(g, &list, err) < 0 || apt_init(root, err) < 0)
		return -1;
	struct apt_request request = { list, &g->ours, &g->bad, "Waybill", g->kernel ? g->kernel : "" };
	if (apt_plan(&request, &plan, err) < 0 || guard_check(plan, list, err) < 0)
		return -1;
	describe(plan, got);
	return 0;
}

/* Expected "refused: TEXT" and "note: TEXT" need only be the beginning or a part. */
static bool line_fits(const char *expected, const char *got)
{
	if (str_starts(expected, "refused: "))
		return str_starts(got, "refused: ") && strstr(got, expected + 9);
	if (str_starts(expected, "note: "))
		return str_starts(got, "note: ") && strstr(got, expected + 6);
	return str_eq(expected, got);
}

static bool compare(const char *path, const struct golden *g, const struct strv *got)
{
	bool same = g->expect.count == got->count && got->count > 0;
	for (size_t i = 0; same && i < got->count; i++)
		same = line_fits(g->expect.items[i], got->items[i]);
	if (same)
		return true;
	_cleanup_free_ char *expected_text = strv_join(&g->expect, "\n  ");
	_cleanup_free_ char *got_text = strv_join(got, "\n  ");
	printf("%s\n expected:\n  %s\n got:\n  %s\n", path, expected_text, got_text);
	return false;
}

/* In a process of its own; exits 0 if the plan is as expected. */
static int run_golden(const char *path)
{
	struct err err = ERR_INIT;
	_cleanup_(golden_freep) struct golden *g = read_golden(path, &err);
	char dir[] = "/tmp/pkgmgr-golden-XXXXXX";
	struct root root = { 0 };
	if (!g || !mkdtemp(dir) || root_init(&root, dir, &err) < 0 ||
	    make_root(g, &root, &err) < 0) {
		printf("%s: set-up: %s\n", path, err.msg ? err.msg : "?");
		return 99;
	}
	_cleanup_strv_ struct strv got = STRV_INIT;
	if (make_plan(g, &root, &got, &err) < 0)
		strv_addf(&got, "refused: %s", err.msg);
	err_clear(&err);
	bool same = compare(path, g, &got);
	if (remove_tree(dir, &err) < 0)
		printf("%s\n", err.msg);
	err_clear(&err);
	root_destroy(&root);
	return same ? 0 : 1;
}

static int run_in_child(const char *path)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		int status = run_golden(path);
		fflush(stdout);
		_exit(status);
	}
	int status = 0;
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 99;
	if (WIFSIGNALED(status))
		printf("%s: ended by signal %d\n", path, WTERMSIG(status));
	return status;
}

static void find_golden(struct strv *paths)
{
	const char *srcdir = getenv("srcdir");
	_cleanup_free_ char *dir = xasprintf("%s/golden", srcdir ? srcdir : ".");
	DIR *listing = opendir(dir);
	for (const struct dirent *e; listing && (e = readdir(listing));)
		if (str_ends(e->d_name, ".txt"))
			strv_addf(paths, "%s/%s", dir, e->d_name);
	if (listing)
		closedir(listing);
	if (paths->count)
		strv_sort(paths);
}

/* Valgrind takes a second for each, and a few show it all. */
static size_t stride(void)
{
	return getenv("WAYBILL_VALGRIND") ? 8 : 1;
}

int main(int argc, char **argv)
{
	log_init("test-golden", LOG_LEVEL_WARN);
	_cleanup_strv_ struct strv paths = STRV_INIT;
	for (int i = 1; i < argc; i++)
		strv_add(&paths, argv[i]);
	if (argc == 1)
		find_golden(&paths);
	if (argc == 1 && paths.count < EXPECTED_COUNT) {
		printf("only %zu golden files found\n", paths.count);
		return 99;
	}
	size_t ran = 0, failed = 0;
	for (size_t i = 0; i < paths.count; i += argc == 1 ? stride() : 1) {
		ran++;
		failed += run_in_child(paths.items[i]) != 0;
	}
	printf("%zu golden tests, %zu failed\n", ran, failed);
	return failed ? 1 : 0;
}
