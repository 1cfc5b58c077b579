/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From libapt-pkg's marks to a struct plan. */
#include <apt-pkg/hashes.h>
#include <apt-pkg/indexfile.h>
#include <apt-pkg/pkgrecords.h>
#include <apt-pkg/sourcelist.h>

#include "pkgmgr/apt/shield.h"
#include "pkgmgr/apt/solver.h"

extern "C" {
#include "common/hash.h"
}

/* What a package rebuilt from a delta is compared with; nothing if a field is missing. */
static void describe_image(pkgRecords::Parser &record, struct plan_archive *archive)
{
	const std::string control = record.RecordField("Image-Control-SHA256");
	const std::string data = record.RecordField("Image-Data-SHA256");
	const std::string bytes = record.RecordField("Image-Data-Size");
	if (!sha256_is_valid(control.c_str()) || !sha256_is_valid(data.c_str()) || bytes.empty())
		return;
	archive->control_sha256 = xstrdup(control.c_str());
	archive->data_sha256 = xstrdup(data.c_str());
	archive->data_bytes = strtoull(bytes.c_str(), nullptr, 10);
}

/* The same bytes may be offered by several servers; other bytes under the same
 * version are another pkgCache::Version. Only what a signed index names counts. */
int describe_archive(pkgCacheFile &cache, const pkgCache::VerIterator &version,
		     struct plan_archive *archive, struct err *err)
{
	pkgSourceList &sources = *cache.GetSourceList();
	pkgRecords records(*cache.GetPkgCache());
	for (auto vf = version.FileList(); !vf.end(); ++vf) {
		pkgIndexFile *index = nullptr;
		if (vf.File().Flagged(pkgCache::Flag::NotSource) ||
		    !sources.FindIndex(vf.File(), index) || !index->IsTrusted())
			continue;
		pkgRecords::Parser &record = records.Lookup(vf);
		const HashStringList hashes = record.Hashes();
		const HashString *sha256 = hashes.find("SHA256");
		if (!sha256)
			continue;
		const std::string hex = sha256->HashValue();
		if (!archive->sha256) {
			archive->sha256 = xstrdup(hex.c_str());
			describe_image(record, archive);
		} else if (hex != archive->sha256)
			continue;
		strv_add(&archive->uris, index->ArchiveURI(record.FileName()).c_str());
	}
	archive->size_bytes = version->Size;
	if (archive->uris.count)
		return 0;
	return err_set(err, ERR_REFUSED,
		       "%s %s is in no signed index with a SHA-256, so it is not installed",
		       package_name(version.ParentPkg()).c_str(), version.VerStr());
}

namespace {

/* The image and what belongs to it: linux-image-<release>, linux-modules-<release>. */
bool belongs_to_kernel(const std::string &name, const std::string &release)
{
	return !release.empty() && name.compare(0, 6, "linux-") == 0 &&
	       name.size() > release.size() &&
	       name.compare(name.size() - release.size() - 1, std::string::npos,
			    "-" + release) == 0;
}

bool is_essential(const pkgCache::PkgIterator &pkg)
{
	return (pkg->Flags & (pkgCache::Flag::Essential | pkgCache::Flag::Important)) != 0;
}

/* True if anything is to happen to this package. */
bool choose_verb(const pkgDepCache::StateCache &state, enum plan_verb *verb)
{
	if (state.Delete())
		*verb = PLAN_REMOVE;
	else if (state.NewInstall() || state.ReInstall())
		*verb = PLAN_INSTALL;
	else if (state.Upgrade())
		*verb = PLAN_UPGRADE;
	else if (state.Downgrade())
		*verb = PLAN_DOWNGRADE;
	else
		return false;
	return true;
}

} // namespace

const char *Solver::reason(const Pkg &pkg, bool removal)
{
	if (has(pkg, ROLE_OLD_KERNEL))
		return "old kernel";
	if (!removal && !is_by_list(pkg)) {
		pkgDepCache &deps = *cache.GetDepCache();
		if (!has(pkg, ROLE_UPGRADE))
			return "host dependency";
		return is_security(deps[pkg].InstVerIter(deps)) ? "host security" : "host";
	}
	if (has(pkg, ROLE_WANTED))
		return "musthave";
	if (has(pkg, ROLE_BANNED))
		return "maynothave";
	if (!removal)
		return "dependency";
	return unneeded[pkg->ID] ? "not on the lists" : "conflict";
}

int Solver::translate_one(const Pkg &pkg, struct plan *plan)
{
	pkgDepCache &deps = *cache.GetDepCache();
	enum plan_verb verb;
	if (!choose_verb(deps[pkg], &verb))
		return 0;
	const std::string name = package_name(pkg);
	struct plan_action *a = plan_add_action(plan);
	a->verb = verb;
	a->package = xstrdup(name.c_str());
	a->reason = reason(pkg, verb == PLAN_REMOVE);
	a->wanted = has(pkg, ROLE_WANTED);
	a->host = has(pkg, ROLE_OLD_KERNEL) || (verb != PLAN_REMOVE && !is_by_list(pkg));
	a->ours = has(pkg, ROLE_OURS);
	a->essential = is_essential(pkg);
	a->running_kernel = belongs_to_kernel(name, request.kernel_release);
	if (!pkg.CurrentVer().end())
		a->from_version = xstrdup(pkg.CurrentVer().VerStr());
	if (verb == PLAN_REMOVE)
		return 0;
	Ver version = deps[pkg].InstVerIter(deps);
	a->to_version = xstrdup(version.VerStr());
	a->ours = a->ours || (verb == PLAN_INSTALL && !a->host) || is_from_us(version);
	a->installed_bytes = version->InstalledSize;
	return describe_archive(cache, version, &a->archive, err);
}

int Solver::translate(struct plan *plan)
{
	for (Pkg pkg = cache->PkgBegin(); !pkg.end(); ++pkg)
		if (translate_one(pkg, plan) < 0)
			return -1;
	for (const auto &w : wanted) {
		Pkg pkg = w.second.ParentPkg();
		struct plan_want *want = plan_add_want(plan);
		want->package = xstrdup(package_name(pkg).c_str());
		want->wanted_version = xstrdup(w.second.VerStr());
		if (!pkg.CurrentVer().end())
			want->installed_version = xstrdup(pkg.CurrentVer().VerStr());
	}
	return 0;
}
