/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the Release files that apt has verified say of a Deltas index.
 *
 * apt itself does not fetch it: an index that a Release names and a mirror lacks fails all of
 * apt's update of that mirror (2.6, acquire-item.cc), and a mirror of packages alone must work. */
#include <apt-pkg/configuration.h>
#include <apt-pkg/fileutl.h>
#include <apt-pkg/hashes.h>
#include <apt-pkg/indexfile.h>
#include <apt-pkg/metaindex.h>
#include <apt-pkg/sourcelist.h>
#include <apt-pkg/strutl.h>

#include "pkgmgr/apt/shield.h"

extern "C" {
#include "pkgmgr/apt/apt.h"
}

namespace {

const char packages_name[] = "Packages";

int read_target(const metaIndex &release, const IndexTarget &target, const std::string &base,
		apt_deltas_fn fn, void *arg, struct err *err)
{
	if (!APT::String::Endswith(target.MetaKey, packages_name))
		return 0;
	const std::string key =
		target.MetaKey.substr(0, target.MetaKey.size() - strlen(packages_name)) + "Deltas";
	const metaIndex::checkSum *sum = release.Lookup(key);
	const HashString *sha256 = sum ? sum->Hashes.find("SHA256") : nullptr;
	if (!sha256)
		return 0;
	/* By its hash: by its name a repository that publishes meanwhile has another one already. */
	const std::string hex = sha256->HashValue();
	const std::string uri = base + key.substr(0, key.rfind('/') + 1) + "by-hash/SHA256/" + hex;
	const std::string repository = target.Option(IndexTarget::REPO_URI);
	const struct apt_deltas_index index = { uri.c_str(), hex.c_str(), sum->Size,
						repository.c_str() };
	return fn(&index, arg, err);
}

int read_release(metaIndex &release, apt_deltas_fn fn, void *arg, struct err *err)
{
	const std::vector<IndexTarget> targets = release.GetIndexTargets();
	if (targets.empty() || !release.IsTrusted() ||
	    !APT::String::Endswith(targets.front().URI, targets.front().MetaKey))
		return 0;
	const std::string base = targets.front().URI.substr(
		0, targets.front().URI.size() - targets.front().MetaKey.size());
	const std::string path = flCombine(_config->FindDir("Dir::State::Lists"),
					   URItoFileName(base + "InRelease"));
	if (!FileExists(path) || !release.Load(path, nullptr))
		return 0;
	for (const IndexTarget &target : targets)
		if (read_target(release, target, base, fn, arg, err) < 0)
			return -1;
	return 0;
}

} // namespace

int apt_deltas(apt_deltas_fn fn, void *arg, struct err *err)
{
	return shielded(err, [&] {
		pkgSourceList sources;
		if (!sources.ReadMainList())
			return apt_fail(err, ERR_SYSTEM, "cannot read the sources");
		for (metaIndex *release : sources)
			if (read_release(*release, fn, arg, err) < 0)
				return -1;
		return 0;
	});
}
