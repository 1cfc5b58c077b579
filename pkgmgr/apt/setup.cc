/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libapt-pkg's configuration for one root, its errors, and dpkg's locks. */
#include <apt-pkg/configuration.h>
#include <apt-pkg/error.h>
#include <apt-pkg/init.h>
#include <apt-pkg/pkgsystem.h>
#include <apt-pkg/progress.h>

#include <cstdlib>

#include "pkgmgr/apt/shield.h"

extern "C" {
#include "common/atomic-file.h"
#include "pkgmgr/apt/apt.h"
#include "pkgmgr/apt-sources.h"
}

std::string apt_said()
{
	std::string errors, others;
	while (!_error->empty(GlobalError::NOTICE)) {
		std::string message;
		bool is_error = _error->PopMessage(message);
		std::string &into = is_error ? errors : others;
		into += (into.empty() ? "" : "; ") + message;
	}
	return errors.empty() ? others : errors;
}

int apt_fail(struct err *err, enum err_code code, const std::string &what)
{
	std::string said = apt_said();
	return err_set(err, code, "%s: %s", what.c_str(),
		       said.empty() ? "libapt-pkg does not say why" : said.c_str());
}

/* What the package apt would have made. */
static int make_apt_dirs(const struct root *root, struct err *err)
{
	for (const char *name : { "var/lib/apt/lists/partial", "var/cache/apt/archives/partial",
				  "var/log/apt" }) {
		_cleanup_free_ char *dir = root_path(root, "%s", name);
		if (make_dirs(dir, 0755, err) < 0)
			return -1;
	}
	return 0;
}

/* A private root runs nothing as the host's _apt user, which could not read it;
 * dpkg is told the root, and maintainer scripts run on the host with DPKG_ROOT. */
static int configure_private_root(const struct root *root, struct err *err)
{
	const std::string dir = root->dir;
	char *sources = nullptr;
	if (make_apt_dirs(root, err) < 0 || sources_prepare(root, &sources, err) < 0)
		return -1;
	_config->Set("Dir::Etc::sourceparts", sources);
	free(sources);
	_config->Set("Dir::State::status", dir + "/var/lib/dpkg/status");
	_config->Set("APT::Sandbox::User", "root");
	_config->Set("DPkg::Options::", "--root=" + dir);
	_config->Set("DPkg::Options::", "--force-script-chrootless");
	/* Those scripts find our programs where we were found ourselves. */
	if (const char *path = getenv("PATH"))
		_config->Set("DPkg::Path", path);
	return 0;
}

/* Nobody is there to answer a question; what is there wins over a new default. */
static void configure_unattended()
{
	_config->Set("DPkg::Options::", "--force-confdef");
	_config->Set("DPkg::Options::", "--force-confold");
	/* A pty that dies with us would take dpkg along with it in mid-work. */
	_config->Set("Dpkg::Use-Pty", false);
	_config->Set("APT::Install-Recommends", false);
	_config->Set("APT::Install-Suggests", false);
	_config->Set("APT::AutoRemove::SuggestsImportant", false);
	_config->Set("Acquire::AllowInsecureRepositories", false);
	_config->Set("Acquire::Retries", 2);
	_config->Set("Acquire::http::Timeout", 30);
	_config->Set("Acquire::https::Timeout", 30);
	_config->Set("quiet", 2);
	setenv("DEBIAN_FRONTEND", "noninteractive", 0);
}

static int setup(const struct root *root, struct err *err)
{
	if (!root_is_host(root)) {
		unsetenv("APT_CONFIG");
		_config->Set("Dir", std::string(root->dir) + "/");
	}
	if (!pkgInitConfig(*_config))
		return apt_fail(err, ERR_SYSTEM, "cannot read apt's configuration");
	if (!root_is_host(root) && configure_private_root(root, err) < 0)
		return -1;
	configure_unattended();
	if (!pkgInitSystem(*_config, _system))
		return apt_fail(err, ERR_SYSTEM, "cannot set up libapt-pkg");
	return 0;
}

int apt_init(const struct root *root, struct err *err)
{
	return shielded(err, [&] { return setup(root, err); });
}

void apt_set_proxy(const char *proxy)
{
	const std::string value = str_eq(proxy, "none") ? "DIRECT" : proxy;
	_config->Set("Acquire::http::Proxy", value);
	_config->Set("Acquire::https::Proxy", value);
}

int apt_lock(unsigned timeout_s, struct err *err)
{
	return shielded(err, [&] {
		_config->Set("DPkg::Lock::Timeout", static_cast<int>(timeout_s));
		OpProgress silent; /* without one, apt does not wait */
		if (!_system->Lock(&silent))
			return apt_fail(err, ERR_BUSY, "cannot lock dpkg's database");
		return 0;
	});
}

void apt_unlock(void)
{
	_system->UnLock(true);
	_error->Discard();
}
