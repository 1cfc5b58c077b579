/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Carrying out a plan by libapt-pkg's ordering and dpkg. The archives are handed
 * over in the protected FileNames[]: pkgAcquire would believe any file of the right
 * size. (libapt-pkg 2.6 has std::string *, 3.0 std::unique_ptr<std::string[]>; both
 * are indexed alike.) */
#include <apt-pkg/dpkgpm.h>
#include <apt-pkg/error.h>
#include <apt-pkg/install-progress.h>
#include <apt-pkg/pkgsystem.h>

#include <fcntl.h>
#include <unistd.h>

#include "pkgmgr/apt/shield.h"
#include "pkgmgr/apt/solver.h"

namespace {

class SitePackageManager : public pkgDPkgPM
{
public:
	explicit SitePackageManager(pkgDepCache *cache) : pkgDPkgPM(cache) {}
	void set_archive(const pkgCache::PkgIterator &pkg, const char *path)
	{
		FileNames[pkg->ID] = path;
	}
};

/* While dpkg runs, it asks nobody and its output goes to standard error, since
 * standard output may be our JSON. */
class QuietTerminal
{
public:
	QuietTerminal() : in(dup_cloexec(0)), out(dup_cloexec(1))
	{
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (null >= 0) {
			dup2(null, 0);
			close(null);
		}
		dup2(2, 1);
	}
	~QuietTerminal()
	{
		restore(in, 0);
		restore(out, 1);
	}
	QuietTerminal(const QuietTerminal &) = delete;
	QuietTerminal &operator=(const QuietTerminal &) = delete;

private:
	static int dup_cloexec(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 10); }
	static void restore(int saved, int fd)
	{
		if (saved < 0)
			return;
		dup2(saved, fd);
		close(saved);
	}
	int in, out;
};

int changed(const struct plan_action &a, struct err *err)
{
	return err_set(err, ERR_INCONSISTENT,
		       "%s is no longer as it was when the plan was made; sync again",
		       a.package);
}

/* The version with the bytes that were planned, not only of the same name. */
pkgCache::VerIterator find_version(pkgCacheFile &cache, const pkgCache::PkgIterator &pkg,
				   const struct plan_action &a)
{
	for (auto v = pkg.VersionList(); !v.end(); ++v) {
		if (!str_eq(v.VerStr(), a.to_version))
			continue;
		struct plan_archive archive = {};
		_cleanup_err_ struct err ignored = ERR_INIT;
		int rc = describe_archive(cache, v, &archive, &ignored);
		bool same = rc == 0 && str_eq(archive.sha256, a.archive.sha256);
		plan_archive_destroy(&archive);
		if (same)
			return v;
	}
	return pkgCache::VerIterator(*pkg.Cache());
}

int mark(pkgCacheFile &cache, const struct plan_action &a, struct err *err)
{
	pkgDepCache &deps = *cache.GetDepCache();
	pkgCache::PkgIterator pkg = cache->FindPkg(a.package);
	if (pkg.end())
		return changed(a, err);
	const char *current = pkg.CurrentVer().end() ? nullptr : pkg.CurrentVer().VerStr();
	if ((current == nullptr) != (a.from_version == nullptr) ||
	    (current && !str_eq(current, a.from_version)))
		return changed(a, err);
	if (a.verb == PLAN_REMOVE) {
		deps.MarkDelete(pkg, false, 0, true);
		return deps[pkg].Delete() ? 0 : changed(a, err);
	}
	pkgCache::VerIterator version = find_version(cache, pkg, a);
	if (version.end())
		return changed(a, err);
	deps.SetCandidateVersion(version);
	if (current && str_eq(current, a.to_version))
		deps.SetReInstall(pkg, true);
	else
		deps.MarkInstall(pkg, false, 0, true);
	if (!current)
		deps.MarkAuto(pkg, !a.wanted);
	return deps[pkg].InstVerIter(deps) == version ? 0 : changed(a, err);
}

int mark_all(pkgCacheFile &cache, const struct plan *plan, struct err *err)
{
	pkgDepCache &deps = *cache.GetDepCache();
	{
		pkgDepCache::ActionGroup group(deps);
		for (size_t i = 0; i < plan->action_count; i++)
			if (mark(cache, plan->actions[i], err) < 0)
				return -1;
	}
	size_t removals = plan_count(plan, PLAN_REMOVE);
	if (deps.BrokenCount() > 0 || deps.DelCount() != removals ||
	    deps.InstCount() > plan->action_count - removals)
		return err_set(err, ERR_INCONSISTENT,
			       "libapt-pkg would do other than planned; sync again");
	return 0;
}

int commit(const struct plan *plan, struct err *err)
{
	pkgCacheFile cache;
	if (!cache.Open(nullptr, false) || !pkgApplyStatus(*cache.GetDepCache()))
		return apt_fail(err, ERR_SYSTEM, "cannot read the package database and indexes");
	if (mark_all(cache, plan, err) < 0)
		return -1;
	SitePackageManager manager(cache.GetDepCache());
	for (size_t i = 0; i < plan->action_count; i++)
		if (plan->actions[i].archive.path)
			manager.set_archive(cache->FindPkg(plan->actions[i].package),
					    plan->actions[i].archive.path);
	APT::Progress::PackageManager progress;
	_error->Discard();
	_system->UnLockInner();
	pkgPackageManager::OrderResult result;
	{
		QuietTerminal quiet;
		result = manager.DoInstall(&progress);
	}
	_system->LockInner(nullptr, 0);
	if (result == pkgPackageManager::Completed && !_error->PendingError())
		return 0;
	return apt_fail(err, ERR_PROGRAM, "dpkg did not carry out the plan");
}

} // namespace

int apt_commit(const struct plan *plan, struct err *err)
{
	int rc = shielded(err, [&] { return commit(plan, err); });
	_error->Discard();
	return rc;
}
