/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Phased versions. apt decides by the machine's ID, which clones of one disk share and a
 * private root has not; a site's name is its own, and the operator can compute who is in.
 * Semantics: docs/spec/site-list.md, "Phased versions" */
#include <algorithm>

#include "pkgmgr/apt/solver.h"

extern "C" {
#include "pkgmgr/phase.h"
}

static unsigned place_of(const struct site_list &list, const pkgCache::VerIterator &version)
{
	return phase_place(list.site, version.SourcePkgName(), version.SourceVerStr());
}

/* libapt-pkg keeps the number to itself, so the index is asked. Where several name the version,
 * the lowest holds; what is no number is none. */
unsigned Solver::percentage(const Ver &version)
{
	unsigned lowest = 100;
	if (!records)
		records = std::make_unique<pkgRecords>(*cache.GetPkgCache());
	for (auto vf = version.FileList(); !vf.end(); ++vf) {
		if (vf.File().Flagged(pkgCache::Flag::NotSource))
			continue;
		const std::string text = records->Lookup(vf).RecordField("Phased-Update-Percentage");
		struct err ignored = ERR_INIT;
		uint64_t number = 100;
		if (!text.empty() && number_parse(text.c_str(), 0, 100, &number, "phase", &ignored) < 0)
			err_clear(&ignored);
		lowest = std::min(lowest, static_cast<unsigned>(number));
	}
	return lowest;
}

/* What is installed is not taken away by a percentage that shrinks. */
bool Solver::waits(const Pkg &pkg, const Ver &version)
{
	return version != pkg.CurrentVer() && place_of(list, version) >= percentage(version);
}

void Solver::note_waiting(const Pkg &pkg, const Ver &version, const Ver &instead)
{
	const std::string name = package_name(pkg);
	const std::string stays = instead.end() ? "nothing else is to be had"
						: std::string(instead.VerStr()) + " serves";
	strv_addf(notes, "%s %s waits: it is out for %u %% of the sites so far, and this is number "
		  "%u of 100; %s", name.c_str(), version.VerStr(), percentage(version),
		  place_of(list, version) + 1, stays.c_str());
}
