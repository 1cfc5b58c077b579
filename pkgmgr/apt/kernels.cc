/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which kernels stay. Semantics: docs/spec/self-care.md, "Kernels" */
#include <algorithm>

#include "pkgmgr/apt/solver.h"

std::string kernel_release(const std::string &name)
{
	for (const std::string prefix : { "linux-image-", "linux-headers-", "linux-modules-" })
		if (name.compare(0, prefix.size(), prefix) == 0 && name.size() > prefix.size() &&
		    name[prefix.size()] >= '0' && name[prefix.size()] <= '9')
			return name.substr(prefix.size());
	return "";
}

bool Solver::keeps_kernels() const
{
	return list.host.upgrades != HOST_UPGRADES_NONE;
}

/* All of one kernel, or nothing of it if something needs it or somebody wants it to stay. */
void Solver::remove_kernel(const std::vector<Pkg> &packages)
{
	pkgDepCache &deps = *cache.GetDepCache();
	for (const Pkg &pkg : packages)
		if (has(pkg, ROLE_WANTED) || has(pkg, ROLE_ALLOWED) || is_by_list(pkg) ||
		    pkg->SelectedState == pkgCache::State::Hold)
			return;
	pkgDepCache::ActionGroup group(deps);
	for (const Pkg &pkg : packages)
		deps.MarkDelete(pkg, false);
	bool good = deps.BrokenCount() == 0;
	for (const Pkg &pkg : packages)
		if (good)
			set(pkg, ROLE_OLD_KERNEL);
		else
			deps.MarkKeep(pkg);
}

/* Oldest first, and no more than Max-Removals leaves room for: the rest goes next time. A
 * machine whose running kernel is none of its packages keeps them all. */
void Solver::prune_kernels()
{
	pkgDepCache &deps = *cache.GetDepCache();
	std::map<std::string, std::vector<Pkg>> packages; /* by release */
	std::vector<std::string> releases;
	if (!keeps_kernels() || list.host.keep_kernels == 0)
		return;
	for (Pkg pkg = cache->PkgBegin(); !pkg.end(); ++pkg) {
		const std::string name = pkg.Name(), release = kernel_release(name);
		if (release.empty() || deps[pkg].Delete() || deps[pkg].InstVerIter(deps).end())
			continue;
		packages[release].push_back(pkg);
		if (name == "linux-image-" + release)
			releases.push_back(release);
	}
	if (std::find(releases.begin(), releases.end(), request.kernel_release) == releases.end())
		return;
	std::sort(releases.begin(), releases.end(), [](const auto &a, const auto &b) {
		return version_compare(a.c_str(), b.c_str()) < 0;
	});
	size_t old = releases.size() > list.host.keep_kernels
			     ? releases.size() - list.host.keep_kernels : 0;
	for (size_t i = 0; i < old; i++) {
		const std::vector<Pkg> &one = packages[releases[i]];
		if (releases[i] == request.kernel_release)
			continue;
		if (deps.DelCount() + one.size() > list.max_removals)
			return;
		remove_kernel(one);
	}
}
