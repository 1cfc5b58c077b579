/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Upgrades of the host's own packages, on top of what the lists want and never at their
 * cost. Semantics: docs/spec/self-care.md, "Upgrades of the host" */
#include <apt-pkg/error.h>
#include <apt-pkg/indexfile.h>
#include <apt-pkg/policy.h>
#include <apt-pkg/sourcelist.h>

#include "pkgmgr/apt/solver.h"

bool Solver::is_security(const Ver &version) const
{
	for (auto vf = version.FileList(); !vf.end(); ++vf) {
		auto release = vf.File().ReleaseFile();
		if (release.end() || !release.Origin() || !release.Label())
			continue;
		const std::string from = std::string(release.Origin()) + "/" + release.Label();
		if (strv_contains(&list.host.security_origins, from.c_str()))
			return true;
	}
	return false;
}

bool Solver::is_signed(const Ver &version)
{
	pkgSourceList &sources = *cache.GetSourceList();
	for (auto vf = version.FileList(); !vf.end(); ++vf) {
		pkgIndexFile *index = nullptr;
		if (!vf.File().Flagged(pkgCache::Flag::NotSource) &&
		    sources.FindIndex(vf.File(), index) && index->IsTrusted())
			return true;
	}
	return false;
}

/* The version to upgrade an installed package to, or none. apt's preferences, where an admin
 * wrote some, may say that it is not to go that far. */
Solver::Ver Solver::upgrade_of(const Pkg &pkg)
{
	Ver best(*pkg.Cache()), current = pkg.CurrentVer();
	Ver preferred = cache.GetPolicy()->GetCandidateVer(pkg);
	if (preferred.end() || is_from_us(current))
		return best;
	bool all = list.host.upgrades == HOST_UPGRADES_ALL;
	for (Ver v = pkg.VersionList(); !v.end(); ++v) {
		if (all ? v != preferred : !is_security(v))
			continue;
		if (is_from_us(v) || !is_signed(v) || cache.GetPolicy()->GetPriority(v) <= 0 ||
		    version_compare(v.VerStr(), current.VerStr()) <= 0 ||
		    version_compare(v.VerStr(), preferred.VerStr()) > 0)
			continue;
		if (best.end() || version_compare(v.VerStr(), best.VerStr()) > 0)
			best = v;
	}
	return best;
}

void Solver::choose_upgrades()
{
	if (list.host.upgrades == HOST_UPGRADES_NONE)
		return;
	for (Pkg pkg = cache->PkgBegin(); !pkg.end(); ++pkg) {
		if (pkg.CurrentVer().end() || has(pkg, ROLE_WANTED) || has(pkg, ROLE_BANNED) ||
		    is_by_list(pkg))
			continue;
		Ver version = upgrade_of(pkg);
		if (version.end())
			continue;
		/* What closes a hole does not wait. */
		if (!is_security(version) && waits(pkg, version)) {
			note_waiting(pkg, version, pkg.CurrentVer());
			continue;
		}
		if (pkg->SelectedState == pkgCache::State::Hold) {
			strv_addf(notes, "%s %s is not upgraded to %s: dpkg has it on hold",
				  package_name(pkg).c_str(), pkg.CurrentVer().VerStr(),
				  version.VerStr());
			continue;
		}
		set(pkg, ROLE_UPGRADE);
		upgrades.push_back(version);
	}
}

/* What belongs together comes together: the candidates are set for all of them. */
void Solver::take_upgrades(const std::vector<Ver> &with)
{
	pkgDepCache &deps = *cache.GetDepCache();
	pkgDepCache::ActionGroup group(deps);
	for (const Ver &version : upgrades)
		deps.SetCandidateVersion(version);
	for (bool with_dependencies : { false, true })
		for (const Ver &version : with)
			deps.MarkInstall(version.ParentPkg(), with_dependencies);
	_error->Discard();
}

int Solver::check_one(const Pkg &pkg, size_t *removals, struct err *why)
{
	pkgDepCache &deps = *cache.GetDepCache();
	const std::string name = package_name(pkg);
	*removals += deps[pkg].Delete();
	if (is_by_list(pkg))
		return 0;
	if (deps[pkg].Delete() && !unneeded[pkg->ID])
		return err_set(why, ERR_REFUSED, "it would remove %s", name.c_str());
	if (deps[pkg].Downgrade())
		return err_set(why, ERR_REFUSED, "it would downgrade %s", name.c_str());
	if (!deps[pkg].Install())
		return 0;
	if (matches_any(LIST_MAYNOTHAVE, name))
		return err_set(why, ERR_REFUSED, "it needs %s, which maynothave forbids",
			       name.c_str());
	if (!is_signed(deps[pkg].InstVerIter(deps)))
		return err_set(why, ERR_REFUSED, "it needs %s, which no signed index has",
			       name.c_str());
	return 0;
}

int Solver::check_upgrades(const std::vector<Ver> &with, struct err *why)
{
	pkgDepCache &deps = *cache.GetDepCache();
	size_t removals = 0;
	if (deps.BrokenCount() > 0)
		return err_set(why, ERR_REFUSED, "%s", broken().c_str());
	for (Pkg pkg = cache->PkgBegin(); !pkg.end(); ++pkg)
		if (check_one(pkg, &removals, why) < 0)
			return -1;
	if (removals > list_removals && removals > list.max_removals)
		return err_set(why, ERR_REFUSED, "more than Max-Removals would go with it");
	for (const Ver &version : with)
		if (deps[version.ParentPkg()].InstVerIter(deps) != version)
			return err_set(why, ERR_REFUSED, "not all that it needs is to be had");
	return 0;
}

bool Solver::try_upgrades(const std::vector<Ver> &with, struct err *why)
{
	struct err *outer = err;
	err = why;
	bool good = begin_anew() == 0 && attempt(with) == 0;
	err = outer;
	/* In the solver's own words, unless it has better ones. */
	struct err rules = ERR_INIT;
	if (check_upgrades(with, &rules) < 0) {
		err_clear(why);
		*why = rules;
		good = false;
	}
	return good;
}

/* Halve what does not fit until each misfit is found; what fits with all before it stays. */
void Solver::admit(const std::vector<Ver> &more, std::vector<Ver> &admitted)
{
	_cleanup_err_ struct err why = ERR_INIT;
	std::vector<Ver> both(admitted);
	both.insert(both.end(), more.begin(), more.end());
	if (try_upgrades(both, &why)) {
		admitted = both;
		return;
	}
	if (more.size() == 1) {
		Pkg pkg = more[0].ParentPkg();
		strv_addf(notes, "%s %s is held back, %s stays: %s", package_name(pkg).c_str(),
			  more[0].VerStr(), pkg.CurrentVer().VerStr(), why.msg);
		return;
	}
	const auto middle = more.begin() + static_cast<long>(more.size() / 2);
	admit(std::vector<Ver>(more.begin(), middle), admitted);
	admit(std::vector<Ver>(middle, more.end()), admitted);
}

/* The lists are solved on entry, and with them all that can come on top on return. */
int Solver::add_upgrades()
{
	pkgDepCache &deps = *cache.GetDepCache();
	for (Pkg pkg = cache->PkgBegin(); !pkg.end(); ++pkg)
		by_list[pkg->ID] = deps[pkg].Install() || deps[pkg].Delete() ||
				   deps[pkg].ReInstall();
	list_removals = deps.DelCount();
	choose_upgrades();
	if (upgrades.empty())
		return 0;
	std::vector<Ver> admitted;
	admit(upgrades, admitted);
	if (begin_anew() < 0)
		return -1;
	return attempt(admitted);
}
