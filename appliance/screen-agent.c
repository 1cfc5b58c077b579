/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/screen-agent.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <nettle/base64.h>

#include "appliance/instance.h"
#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/log.h"
#include "common/subproc.h"

enum { MAX_FILE_BYTES = 64 * 1024, CHECK_MS = 10000 };

/* --- the socket ------------------------------------------------------------------------------ */

/* Nobody's group but root's where the agent's package is missing: then none can come in. */
static gid_t agent_group(void)
{
	const struct passwd *pw = getpwnam(SCREEN_AGENT_USER);
	return pw ? pw->pw_gid : 0;
}

/* `dir` lies in one that only root writes to. */
static int make_dir(const char *dir, uid_t uid, gid_t gid, mode_t mode, struct err *err)
{
	if (make_dirs(dir, 0700, err) < 0)
		return -1;
	if (lchown(dir, uid, gid) < 0 || chmod(dir, mode) < 0)
		return err_sys(err, "give %s away", dir);
	return 0;
}

int screen_prepare(const struct host *host, struct hypervisor *hv, const char *unit,
		   struct err *err)
{
	_cleanup_free_ char *dir = instance_path(&host->root, unit, SCREEN_DIR);
	_cleanup_free_ char *path = instance_path(&host->root, unit, SCREEN_SOCKET);
	uid_t uid;
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return err_set(err, ERR_TOO_LARGE, "%s is too long for a socket's path", path);
	if (hypervisor_qemu_user(hv, &uid, err) < 0)
		return -1;
	return make_dir(dir, uid, agent_group(), 0710, err);
}

/* QEMU's directory, QEMU's names: what is changed is what was looked at, and a socket. */
static int share_socket(const char *path, gid_t gid, struct err *err)
{
	struct stat st;
	_cleanup_close_ int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "open %s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_INCONSISTENT, "%s is no socket", path);
	if (st.st_gid == gid && (st.st_mode & 07777) == 0660)
		return 0;
	_cleanup_free_ char *same = xasprintf("/proc/self/fd/%d", fd);
	if (fchownat(fd, "", (uid_t)-1, gid, AT_EMPTY_PATH) < 0 || chmod(same, 0660) < 0)
		return err_sys(err, "let the agent use %s", path);
	return 0;
}

/* Also for a guest that was started before waybill-agent was installed. */
static int let_agent_in(const struct host *host, const char *unit, gid_t gid, struct err *err)
{
	_cleanup_free_ char *dir = instance_path(&host->root, unit, SCREEN_DIR);
	_cleanup_free_ char *path = instance_path(&host->root, unit, SCREEN_SOCKET);
	if (lchown(dir, (uid_t)-1, gid) < 0)
		return err_sys(err, "let the agent into %s", dir);
	return share_socket(path, gid, err);
}

/* --- its files ------------------------------------------------------------------------------- */

void screen_agent_format(const struct settings *settings, const char *identity,
			 const char *endpoint, struct strbuf *out)
{
	const char *pin = settings->screen[SCREEN_PROXY_PIN];
	deb822_write(out, "Machine", settings->screen[SCREEN_MACHINE]);
	deb822_write(out, "Proxy", settings->screen[SCREEN_PROXY]);
	if (pin)
		deb822_write(out, "Proxy-Pin", pin);
	deb822_write(out, "Identity", identity);
	deb822_write(out, "Endpoint", endpoint);
}

static int decode_key(const char *base64, struct strbuf *pem, struct err *err)
{
	struct base64_decode_ctx ctx;
	size_t len = strlen(base64);
	_cleanup_free_ uint8_t *bytes = xmalloc(BASE64_DECODE_LENGTH(len));
	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &len, bytes, len, base64) || !base64_decode_final(&ctx))
		return err_set(err, ERR_INPUT,
			       "IDENTITY is not the PEM file of `vncproxyctl machine add` in base64");
	strbuf_add(pem, bytes, len);
	explicit_bzero(bytes, len);
	return 0;
}

static bool is_content(const char *path, const struct strbuf *text)
{
	_cleanup_free_ char *there = NULL;
	_cleanup_err_ struct err err = ERR_INIT;
	size_t len;
	return file_exists(path) && file_read(path, MAX_FILE_BYTES, &there, &len, &err) == 0 &&
	       len == text->len && memcmp(there, text->data, len) == 0;
}

/* The agent reads it, and root alone writes it. */
static int write_for_agent(const char *path, const struct strbuf *text, gid_t gid,
			   struct err *err)
{
	_cleanup_(atomic_file_freep) struct atomic_file *file = NULL;
	if (atomic_file_open(path, 0640, &file, err) < 0)
		return -1;
	if (fchown(file->fd, 0, gid) < 0)
		return err_sys(err, "let the agent read %s", path);
	if (write_all(file->fd, text->data, text->len, err) < 0)
		return -1;
	return atomic_file_commit(file, err);
}

/* By asking it who it is: so what is wrong with its files is said here, and not only in a log. */
static int check_files(const struct host *host, const char *unit, struct err *err)
{
	_cleanup_free_ char *conf = instance_path(&host->root, unit, SCREEN_AGENT_CONF);
	const char *const argv[] = { "vncagent", "--config", conf, "identity", NULL };
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	return subproc_run(&(struct subproc){ .argv = argv, .user = SCREEN_AGENT_USER,
					      .output = &out, .quiet = true, .timeout_ms = CHECK_MS },
			   NULL, err);
}

/* An agent never runs with other files than those that lie there: it ends before they change. */
static int place_files(const struct host *host, const char *unit, const struct settings *settings,
		       gid_t gid, struct err *err)
{
	_cleanup_free_ char *dir = instance_path(&host->root, unit, SCREEN_AGENT_DIR);
	_cleanup_free_ char *socket = instance_path(&host->root, unit, SCREEN_SOCKET);
	_cleanup_free_ char *conf_path = instance_path(&host->root, unit, SCREEN_AGENT_CONF);
	_cleanup_free_ char *key_path = instance_path(&host->root, unit, SCREEN_AGENT_KEY);
	_cleanup_strbuf_ struct strbuf conf = STRBUF_INIT, key = STRBUF_INIT;
	screen_agent_format(settings, key_path, socket, &conf);
	if (decode_key(settings->screen[SCREEN_IDENTITY], &key, err) < 0)
		return -1;
	if (!is_content(conf_path, &conf) || !is_content(key_path, &key)) {
		if (screen_run_stop(host, unit, err) < 0 ||
		    make_dir(dir, 0, gid, 0750, err) < 0 ||
		    write_for_agent(key_path, &key, gid, err) < 0 ||
		    write_for_agent(conf_path, &conf, gid, err) < 0)
			return -1;
	}
	return 0;
}

/* --- who has one ----------------------------------------------------------------------------- */

static int ensure_agent(const struct host *host, const char *unit, const struct settings *settings,
			struct err *err)
{
	gid_t gid = agent_group();
	if (gid == 0)
		return err_set(err, ERR_NOT_FOUND,
			       "there is no user " SCREEN_AGENT_USER " here; install the package "
			       "waybill-agent");
	if (let_agent_in(host, unit, gid, err) < 0 ||
	    place_files(host, unit, settings, gid, err) < 0)
		return -1;
	if (screen_run_is_up(host, unit))
		return 0;
	if (check_files(host, unit, err) < 0)
		return -1;
	log_event("screen-agent", "the screen of %s is reached as %s through %s", unit,
		  settings->screen[SCREEN_MACHINE], settings->screen[SCREEN_PROXY]);
	return screen_run_start(host, unit, err);
}

int screen_agent_stop(const struct host *host, const char *unit, struct err *err)
{
	_cleanup_free_ char *dir = instance_path(&host->root, unit, SCREEN_AGENT_DIR);
	if (!file_exists(dir))
		return 0;
	if (screen_run_stop(host, unit, err) < 0)
		return err_prefix(err, "the agent of %s", unit);
	return remove_tree(dir, err);
}

/* Whether QEMU has its VNC server at our socket now. */
static int is_wanted(struct host *host, struct hypervisor *hv, const char *unit, bool *is,
		     struct err *err)
{
	_cleanup_free_ char *domain = root_domain_name(&host->root, unit);
	_cleanup_free_ char *path = instance_path(&host->root, unit, SCREEN_SOCKET);
	_cleanup_free_ char *address = NULL;
	struct domain_facts facts;
	*is = false;
	if (domain_look(hv, domain, &facts, err) < 0)
		return -1;
	if (facts.state == DOMAIN_ABSENT || facts.state == DOMAIN_OFF)
		return 0;
	if (domain_vnc_address(hv, domain, &address, err) < 0)
		return -1;
	*is = str_same(address, path);
	return 0;
}

static int sync_unit(struct host *host, struct hypervisor *hv, const char *unit,
		     const struct settings *settings, struct err *err)
{
	bool wanted = false;
	if (settings && settings_has_screen_agent(settings) &&
	    is_wanted(host, hv, unit, &wanted, err) < 0)
		return -1;
	return wanted ? ensure_agent(host, unit, settings, err)
		      : screen_agent_stop(host, unit, err);
}

/* What can no longer be read keeps the agent that it has, as its guest runs on. */
static int sync_instance(struct host *host, struct hypervisor *hv, const char *name,
			 struct err *err)
{
	_cleanup_err_ struct err forgotten = ERR_INIT;
	_cleanup_(instance_freep) struct instance *inst = NULL;
	_cleanup_(settings_freep) struct settings *settings = NULL;
	_cleanup_free_ char *second = xasprintf("%s@b", name);
	_cleanup_err_ struct err broken = ERR_INIT;
	if (instance_load(host->state, name, &inst, &forgotten) < 0)
		return forgotten.code == ERR_NOT_FOUND
			       ? 0
			       : err_set(err, forgotten.code, "%s", forgotten.msg);
	const char *version, *unit = instance_serving_unit(inst, &version);
	const char *other = str_eq(unit, name) ? second : name;
	if (screen_agent_stop(host, other, err) < 0)
		return -1;
	if (version && settings_load(host, inst, version, &settings, &broken) < 0)
		return 0;
	return sync_unit(host, hv, unit, settings, err);
}

int screen_agent_sync(struct host *host, struct hypervisor *hv, const char *name, struct err *err)
{
	return sync_instance(host, hv, name, err) == 0
		       ? 0
		       : err_prefix(err, "the screen of %s is not behind its proxy", name);
}

char *screen_agent_describe(const struct host *host, const struct instance *inst,
			    const struct settings *settings)
{
	const char *version, *unit = instance_serving_unit(inst, &version);
	if (settings_has_screen_agent(settings))
		return xasprintf("%s at %s, %s", settings->screen[SCREEN_MACHINE],
				 settings->screen[SCREEN_PROXY],
				 screen_run_is_up(host, unit) ? "runs" : "does not run");
	struct strbuf text = STRBUF_INIT;
	for (size_t i = 0; i < SCREEN_PROXY_PIN; i++)
		if (!settings->screen[i])
			strbuf_addf(&text, "%s%s", text.len ? ", " : "none: not set: ",
				    screen_param_names[i]);
	return strbuf_steal(&text);
}
