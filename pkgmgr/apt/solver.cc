/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Semantics: docs/spec/site-list.md and docs/ARCHITECTURE.md ("One sync"). What
 * Waybill installed and the list does not name is marked automatic, everything
 * else manual, so that apt's own sweep finds what nothing needs any more. */
#include "pkgmgr/apt/solver.h"

#include <apt-pkg/error.h>
#include <apt-pkg/policy.h>

#include <utility>

#include "pkgmgr/apt/shield.h"

std::string package_name(const pkgCache::PkgIterator &pkg)
{
	return pkg.FullName(true);
}

bool Solver::matches_any(enum site_list_kind kind, const std::string &name) const
{
	const struct site_list_entries &entries = list.lists[kind];
	for (size_t i = 0; i < entries.count; i++)
		if (site_list_entry_matches(&entries.items[i], name.c_str()))
			return true;
	return false;
}

int Solver::open()
{
	if (!cache.Open(nullptr, false))
		return apt_fail(err, ERR_SYSTEM, "cannot read the package database and indexes");
	if (!pkgApplyStatus(*cache.GetDepCache()))
		return apt_fail(err, ERR_INCONSISTENT, "cannot judge half-installed packages");
	roles.assign(cache->Head().PackageCount, 0);
	unneeded.assign(cache->Head().PackageCount, false);
	by_list.assign(cache->Head().PackageCount, false);
	for (size_t i = 0; i < request.ours->count; i++) {
		Pkg pkg = cache->FindPkg(request.ours->items[i]);
		if (!pkg.end())
			set(pkg, ROLE_OURS);
	}
	return 0;
}

bool Solver::is_available(const Ver &version) const
{
	for (auto vf = version.FileList(); !vf.end(); ++vf)
		if (!vf.File().Flagged(pkgCache::Flag::NotSource))
			return true;
	return false;
}

bool Solver::is_from_us(const Ver &version) const
{
	for (auto vf = version.FileList(); !vf.end(); ++vf) {
		auto release = vf.File().ReleaseFile();
		if (!release.end() && release.Origin() && request.origin == std::string(release.Origin()))
			return true;
	}
	return false;
}

/* The installed one if it is the same, since that is no work. */
Solver::Ver Solver::pinned_version(const Pkg &pkg, const char *wanted_version) const
{
	Ver found(*pkg.Cache());
	for (Ver v = pkg.VersionList(); !v.end(); ++v) {
		if (version_compare(v.VerStr(), wanted_version) != 0)
			continue;
		if (v == pkg.CurrentVer())
			return v;
		if (is_available(v) && (found.end() || is_from_us(v)))
			found = v;
	}
	return found;
}

/* Rolled back on this site. The one that dpkg has stays: taking it away changes nothing
 * that runs. */
bool Solver::is_bad(const Pkg &pkg, const Ver &version) const
{
	const std::string mark = std::string(pkg.Name()) + " " + version.VerStr();
	return version != pkg.CurrentVer() && strv_contains(request.bad, mark.c_str());
}

/* The newest of our repository; what apt's policy prefers where we have none. An
 * installed newer one stays: only a pin goes back. A first installation that would find
 * nothing else does not wait. */
Solver::Ver Solver::best_version(const Pkg &pkg)
{
	Ver best(*pkg.Cache()), bad(*pkg.Cache()), waiting(*pkg.Cache());
	for (Ver v = pkg.VersionList(); !v.end(); ++v) {
		if (!is_from_us(v) || !is_available(v))
			continue;
		Ver &newest = is_bad(pkg, v) ? bad : waits(pkg, v) ? waiting : best;
		if (newest.end() || version_compare(v.VerStr(), newest.VerStr()) > 0)
			newest = v;
	}
	Ver current = pkg.CurrentVer();
	if (best.end() && current.end())
		best = std::exchange(waiting, best);
	if (best.end() && bad.end() && waiting.end())
		best = cache.GetPolicy()->GetCandidateVer(pkg);
	if (!current.end() &&
	    (best.end() || version_compare(current.VerStr(), best.VerStr()) >= 0))
		best = current;
	if (!bad.end() && (best.end() || version_compare(bad.VerStr(), best.VerStr()) > 0))
		note_bad(pkg, bad, best);
	if (!waiting.end() && (best.end() || version_compare(waiting.VerStr(), best.VerStr()) > 0))
		note_waiting(pkg, waiting, best);
	return best;
}

int Solver::no_version(const struct site_list_entry &entry, const Pkg &pkg) const
{
	std::string there;
	if (!pkg.end())
		for (Ver v = pkg.VersionList(); !v.end(); ++v)
			if (is_available(v))
				there += (there.empty() ? "" : ", ") + std::string(v.VerStr());
	if (there.empty())
		return err_set(err, ERR_REFUSED,
			       "musthave names %s, which no repository of this site has",
			       entry.pattern);
	return err_set(err, ERR_REFUSED,
		       "musthave wants %s (= %s), but the repository has only %s", entry.pattern,
		       entry.version, there.c_str());
}

void Solver::note_bad(const Pkg &pkg, const Ver &version, const Ver &instead)
{
	const std::string name = package_name(pkg);
	const std::string what = instead.end() ? "is not installed again"
					       : std::string("is not tried again; ") +
							 instead.VerStr() + " serves";
	strv_addf(notes,
		  "%s %s was rolled back on this site and %s until a newer one is published "
		  "('appliance forgive %s' clears the mark)", name.c_str(), version.VerStr(),
		  what.c_str(), name.c_str());
	bad_only = instead.end();
}

int Solver::want(const Pkg &pkg, Ver version)
{
	const std::string name = package_name(pkg);
	if (matches_any(LIST_MAYNOTHAVE, name))
		return err_set(err, ERR_REFUSED, "%s is wanted by musthave and forbidden by "
			       "maynothave", name.c_str());
	set(pkg, ROLE_WANTED);
	if (!version.end() && is_bad(pkg, version)) {
		note_bad(pkg, version, pkg.CurrentVer());
		version = pkg.CurrentVer();
	}
	if (version.end())
		return 0;
	wanted.emplace(pkg->ID, version);
	return 0;
}

int Solver::want_name(const struct site_list_entry &entry)
{
	Pkg pkg = cache->FindPkg(entry.pattern);
	if (pkg.end())
		return no_version(entry, pkg);
	bad_only = false;
	Ver version = entry.version ? pinned_version(pkg, entry.version) : best_version(pkg);
	if (version.end() && !bad_only)
		return no_version(entry, pkg);
	wanted.erase(pkg->ID); /* a name is more exact than a pattern before it */
	return want(pkg, version);
}

int Solver::want_pattern(const struct site_list_entry &entry)
{
	size_t found = 0;
	for (Pkg pkg = cache->PkgBegin(); !pkg.end(); ++pkg) {
		bool from_us = false;
		for (Ver v = pkg.VersionList(); !v.end() && !from_us; ++v)
			from_us = is_from_us(v) && is_available(v);
		if (!from_us || !site_list_entry_matches(&entry, package_name(pkg).c_str()))
			continue;
		found++;
		if (!has(pkg, ROLE_WANTED) && want(pkg, best_version(pkg)) < 0)
			return -1;
	}
	if (found)
		return 0;
	return err_set(err, ERR_REFUSED,
		       "musthave: %s matches nothing in the repository of origin %s",
		       entry.pattern, request.origin);
}

int Solver::choose_wanted()
{
	const struct site_list_entries &entries = list.lists[LIST_MUSTHAVE];
	for (size_t i = 0; i < entries.count; i++) {
		const struct site_list_entry &entry = entries.items[i];
		int rc = entry.match == MATCH_NAME ? want_name(entry) : want_pattern(entry);
		if (rc < 0)
			return -1;
	}
	return 0;
}

int Solver::judge_one(const Pkg &pkg, struct plan *plan)
{
	const std::string name = package_name(pkg);
	bool may = matches_any(LIST_MAYHAVE, name);
	bool may_not = matches_any(LIST_MAYNOTHAVE, name);
	if (may && may_not)
		return err_set(err, ERR_REFUSED, "%s is in mayhave and in maynothave",
			       name.c_str());
	if (may)
		set(pkg, ROLE_ALLOWED);
	if (!may_not)
		return 0;
	if (!has(pkg, ROLE_OURS) && !list.scope_all) {
		strv_addf(&plan->notes,
			  "%s is in maynothave but was not installed by Waybill, so it stays "
			  "(Scope: ours)", name.c_str());
		return 0;
	}
	set(pkg, ROLE_BANNED);
	banned.push_back(pkg);
	return 0;
}

int Solver::judge_installed(struct plan *plan)
{
	for (Pkg pkg = cache->PkgBegin(); !pkg.end(); ++pkg)
		if (!pkg.CurrentVer().end() && judge_one(pkg, plan) < 0)
			return -1;
	return 0;
}

bool Solver::is_root(const Pkg &pkg) const
{
	if (has(pkg, ROLE_WANTED) || has(pkg, ROLE_ALLOWED))
		return true;
	if (keeps_kernels() && !kernel_release(pkg.Name()).empty())
		return true;
	return !has(pkg, ROLE_OURS) && !list.scope_all;
}

/* What maynothave names and is not here must not come in as a dependency. */
void Solver::ban_names(pkgProblemResolver &fix)
{
	const struct site_list_entries &entries = list.lists[LIST_MAYNOTHAVE];
	for (size_t i = 0; i < entries.count; i++) {
		if (entries.items[i].match != MATCH_NAME)
			continue;
		Pkg pkg = cache->FindPkg(entries.items[i].pattern);
		if (!pkg.end() && pkg.CurrentVer().end())
			fix.Protect(pkg);
	}
	for (const Pkg &pkg : banned) {
		cache->MarkDelete(pkg, false);
		fix.Clear(pkg);
		fix.Protect(pkg);
		fix.Remove(pkg);
	}
}

/* dpkg was cut off in the middle of unpacking it: only unpacking again helps. */
static bool is_broken_unpack(const pkgCache::PkgIterator &pkg)
{
	return pkg->InstState == pkgCache::State::ReInstReq ||
	       pkg->InstState == pkgCache::State::HoldReInstReq;
}

int Solver::resolve()
{
	pkgDepCache &deps = *cache.GetDepCache();
	pkgDepCache::ActionGroup group(deps);
	pkgProblemResolver fix(&deps);
	for (Pkg pkg = cache->PkgBegin(); !pkg.end(); ++pkg)
		if (!pkg.CurrentVer().end())
			deps.MarkAuto(pkg, !is_root(pkg));
	ban_names(fix);
	/* All choices first, so that dependencies are judged against all of them. */
	for (bool with_dependencies : { false, true }) {
		for (const auto &w : wanted) {
			Pkg pkg = w.second.ParentPkg();
			if (w.second != pkg.CurrentVer()) {
				deps.SetCandidateVersion(w.second);
				deps.MarkInstall(pkg, with_dependencies);
			} else {
				deps.MarkKeep(pkg);
				deps.SetReInstall(pkg, is_broken_unpack(pkg));
			}
			fix.Clear(pkg);
			fix.Protect(pkg);
		}
	}
	if (deps.BrokenCount() > 0 && !fix.Resolve(true))
		return err_set(err, ERR_REFUSED, "the list cannot be satisfied: %s",
			       broken().c_str());
	_error->Discard();
	return 0;
}

/* Remove what nothing needs any more. The group above has ended, so that apt's
 * mark and sweep has run. */
void Solver::sweep()
{
	pkgDepCache &deps = *cache.GetDepCache();
	pkgDepCache::ActionGroup group(deps);
	for (Pkg pkg = cache->PkgBegin(); !pkg.end(); ++pkg) {
		if (!deps[pkg].Garbage || is_root(pkg))
			continue;
		if (pkg.CurrentVer().end()) {
			if (deps[pkg].Install())
				deps.MarkKeep(pkg, false, false);
		} else if (!deps[pkg].Delete()) {
			unneeded[pkg->ID] = true;
			deps.MarkDelete(pkg, false);
		}
	}
}

std::string Solver::unmet(const Pkg &pkg)
{
	pkgDepCache &deps = *cache.GetDepCache();
	Ver version = deps[pkg].InstVerIter(deps);
	if (version.end())
		return "";
	for (auto d = version.DependsList(); !d.end();) {
		pkgCache::DepIterator start, end;
		d.GlobOr(start, end);
		if (!deps.IsImportantDep(end) || (deps[end] & pkgDepCache::DepGInstall) != 0)
			continue;
		std::string text = package_name(pkg) + " " + version.VerStr() + " " +
				   end.DepType() + " " + end.TargetPkg().Name();
		if (end.TargetVer())
			text += std::string(" (") + end.CompType() + " " + end.TargetVer() + ")";
		return text;
	}
	return "";
}

std::string Solver::broken()
{
	pkgDepCache &deps = *cache.GetDepCache();
	std::string text;
	for (Pkg pkg = cache->PkgBegin(); !pkg.end(); ++pkg) {
		if (!deps[pkg].InstBroken())
			continue;
		std::string one = unmet(pkg);
		if (!one.empty())
			text += (text.empty() ? "" : "; ") + one;
	}
	return text.empty() ? "packages contradict each other" : text;
}

/* Whatever the solver did, the lists must hold afterwards. */
int Solver::check_solution()
{
	pkgDepCache &deps = *cache.GetDepCache();
	if (deps.BrokenCount() > 0)
		return err_set(err, ERR_REFUSED, "the list cannot be satisfied: %s",
			       broken().c_str());
	for (const auto &w : wanted) {
		Pkg pkg = w.second.ParentPkg();
		if (deps[pkg].InstVerIter(deps) != w.second)
			return err_set(err, ERR_REFUSED,
				       "%s %s cannot be installed together with the rest of "
				       "musthave", package_name(pkg).c_str(), w.second.VerStr());
	}
	for (Pkg pkg = cache->PkgBegin(); !pkg.end(); ++pkg) {
		if (deps[pkg].NewInstall() && matches_any(LIST_MAYNOTHAVE, package_name(pkg)))
			return err_set(err, ERR_REFUSED,
				       "musthave needs %s, which maynothave forbids",
				       package_name(pkg).c_str());
		if (has(pkg, ROLE_BANNED) && !deps[pkg].Delete())
			return err_set(err, ERR_REFUSED,
				       "maynothave forbids %s, which something still needs",
				       package_name(pkg).c_str());
	}
	return 0;
}

/* Solve the lists, and these upgrades of the host on top. */
int Solver::attempt(const std::vector<Ver> &with)
{
	if (resolve() < 0)
		return -1;
	if (!with.empty())
		take_upgrades(with);
	sweep();
	return check_solution();
}

/* For another attempt: nothing is marked. */
int Solver::begin_anew()
{
	unneeded.assign(unneeded.size(), false);
	if (cache->Init(nullptr) && pkgApplyStatus(*cache.GetDepCache()))
		return 0;
	return apt_fail(err, ERR_SYSTEM, "cannot begin the plan anew");
}

int Solver::solve(struct plan *plan)
{
	notes = &plan->notes;
	if (open() < 0 || choose_wanted() < 0 || judge_installed(plan) < 0 || attempt({}) < 0 ||
	    add_upgrades() < 0)
		return -1;
	prune_kernels();
	return translate(plan);
}

int apt_plan(const struct apt_request *request, struct plan **out, struct err *err)
{
	*out = nullptr;
	struct plan *plan = plan_new();
	int rc = shielded(err, [&] {
		Solver solver(*request, err);
		return solver.solve(plan);
	});
	_error->Discard();
	if (rc < 0) {
		plan_free(plan);
		return -1;
	}
	plan_sort(plan);
	*out = plan;
	return 0;
}
