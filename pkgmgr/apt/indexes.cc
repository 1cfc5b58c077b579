/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Indexes that do not belong to the Release file beside them.
 *
 * apt moves a new Release into place before the indexes that it speaks for. Killed in
 * between, its next update finds the Release unchanged at the server, asks for nothing,
 * and plans from the old indexes until the next publication (seen with 2.6.1 under
 * tests/fault-pkgmgr.sh). So compare them first, and forget such a Release. */
#include <apt-pkg/configuration.h>
#include <apt-pkg/fileutl.h>
#include <apt-pkg/hashes.h>
#include <apt-pkg/indexfile.h>
#include <apt-pkg/metaindex.h>
#include <apt-pkg/sourcelist.h>
#include <apt-pkg/strutl.h>

#include "pkgmgr/apt/indexes.h"

extern "C" {
#include "common/log.h"
}

namespace {

/* Where the InRelease lies that speaks for this index; empty if its URI is unusual. */
std::string release_path(const IndexTarget &target)
{
	if (!APT::String::Endswith(target.URI, target.MetaKey))
		return "";
	const std::string base =
		target.URI.substr(0, target.URI.size() - target.MetaKey.size());
	return flCombine(_config->FindDir("Dir::State::Lists"),
			 URItoFileName(base + "InRelease"));
}

/* Only what lies there uncompressed, as apt keeps it unless it is told otherwise. */
bool is_torn(const metaIndex &release, const IndexTarget &target)
{
	const std::string path = target.Option(IndexTarget::FILENAME);
	const metaIndex::checkSum *sum = release.Lookup(target.MetaKey);
	return sum && FileExists(path) && !sum->Hashes.VerifyFile(path);
}

void forget_if_torn(metaIndex &release)
{
	const std::vector<IndexTarget> targets = release.GetIndexTargets();
	if (targets.empty())
		return;
	const std::string path = release_path(targets.front());
	if (path.empty() || !FileExists(path) || !release.Load(path, nullptr))
		return;
	for (const IndexTarget &target : targets) {
		if (!is_torn(release, target))
			continue;
		log_warn("%s is not what %s says: an update was interrupted; fetching again",
			 target.Option(IndexTarget::FILENAME).c_str(), path.c_str());
		RemoveFile("pkgmgr", path);
		return;
	}
}

} // namespace

void indexes_forget_torn()
{
	pkgSourceList sources;
	if (!sources.ReadMainList())
		return;
	for (auto release = sources.begin(); release != sources.end(); ++release)
		forget_if_torn(**release);
}
