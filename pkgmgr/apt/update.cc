/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Refreshing the indexes with libapt-pkg's own acquire, and what their Release
 * files say about time, which apt itself does not hold against anybody. */
#include <apt-pkg/acquire-item.h>
#include <apt-pkg/acquire.h>
#include <apt-pkg/cachefile.h>
#include <apt-pkg/configuration.h>
#include <apt-pkg/error.h>
#include <apt-pkg/fileutl.h>
#include <apt-pkg/gpgv.h>
#include <apt-pkg/sourcelist.h>
#include <apt-pkg/strutl.h>
#include <apt-pkg/tagfile.h>
#include <apt-pkg/update.h>

#include <cstring>

#include "pkgmgr/apt/indexes.h"
#include "pkgmgr/apt/shield.h"

extern "C" {
#include "pkgmgr/apt/apt.h"
#include "pkgmgr/quit.h"
}

namespace {

/* apt has a timeout of its own, which begins anew with each byte: one in half a minute would
 * hold a sync for ever. An item that ends is progress as well: an apt with a dead mirror among
 * others waits for each of its files. */
class Slowness
{
public:
	explicit Slowness(const struct fetch_policy *limits) : policy(limits), since_ms(monotonic_ms()) {}

	bool is_too_much(unsigned long long bytes, unsigned long long items)
	{
		const int64_t now_ms = monotonic_ms();
		if (bytes >= had_bytes + policy->minimum_rate * policy->stall_s || items != had_items) {
			had_bytes = bytes;
			had_items = items;
			since_ms = now_ms;
		}
		return now_ms >= policy->until_ms ||
		       now_ms - since_ms > (int64_t)policy->stall_s * 1000;
	}

private:
	const struct fetch_policy *policy;
	int64_t since_ms;
	unsigned long long had_bytes = 0, had_items = 0;
};

class Status : public pkgAcquireStatus
{
public:
	explicit Status(const struct fetch_policy *policy) : slowness(policy) {}
	unsigned long long received() const { return FetchedBytes; }
	bool was_too_slow() const { return too_slow; }
	bool MediaChange(std::string, std::string) override { return false; }

	/* Called twice a second; false ends the run. libapt-pkg goes on for ever when a method
	 * does not start, having noted that as an error, and knows nothing of our signals. */
	bool Pulse(pkgAcquire *owner) override
	{
		const bool go_on = pkgAcquireStatus::Pulse(owner) && !_error->PendingError() &&
				   !quit_requested();
		too_slow = slowness.is_too_much(CurrentBytes, CurrentItems);
		return go_on && !too_slow;
	}

private:
	Slowness slowness;
	bool too_slow = false;
};

struct Verdict {
	bool forged = false;	/* something arrived that must not be believed */
	bool given_up = false;	/* something has no reason: apt itself, no server, is at fault */
};

/* `failures`: what did not arrive. */
Verdict judge_items(const pkgAcquire &fetcher, std::string &failures)
{
	Verdict verdict;
	for (auto i = fetcher.ItemsBegin(); i != fetcher.ItemsEnd(); ++i) {
		const pkgAcquire::Item &item = **i;
		if (item.Status == pkgAcquire::Item::StatDone)
			continue;
		if (item.Status == pkgAcquire::Item::StatAuthError)
			verdict.forged = true;
		if (item.ErrorText.empty())
			verdict.given_up = true;
		failures += (failures.empty() ? "" : "; ") + item.DescURI() + ": " +
			    item.ErrorText;
	}
	return verdict;
}

/* With an older index at hand, apt calls a wrong signature a passing network failure
 * and only warns (acquire-item.cc of 2.6 and 3.0). We set no locale, so its words are
 * these. */
bool mentions_signature(const std::string &said)
{
	return said.find("error occurred during the signature verification") !=
	       std::string::npos;
}

int update(const struct fetch_policy *policy, uint64_t *received_bytes, char **warning, struct err *err)
{
	pkgSourceList sources;
	if (!sources.ReadMainList())
		return apt_fail(err, ERR_USAGE, "cannot read apt's sources");
	Status status(policy);
	pkgAcquire fetcher(&status);
	if (!fetcher.GetLock(_config->FindDir("Dir::State::Lists")))
		return apt_fail(err, ERR_SYSTEM, "cannot lock the package indexes");
	indexes_forget_torn();
	if (!sources.GetIndexes(&fetcher))
		return apt_fail(err, ERR_SYSTEM, "cannot refresh the package indexes");
	bool updated = AcquireUpdate(fetcher, 0, true);
	*received_bytes = status.received();
	if (quit_check(err) < 0)
		return -1;
	std::string failures;
	const Verdict verdict = judge_items(fetcher, failures);
	std::string said = apt_said();
	if (verdict.forged || mentions_signature(said))
		return err_set(err, ERR_SIGNATURE, "the package indexes are not believed: %s",
			       failures.empty() ? said.c_str() : failures.c_str());
	if (status.was_too_slow())
		failures = "the package indexes come too slowly: " + failures;
	else if (verdict.given_up)
		return err_set(err, ERR_SYSTEM, "cannot refresh the package indexes: %s",
			       said.c_str());
	if (failures.empty() && !updated)
		failures = said;
	if (!failures.empty())
		*warning = xstrdup(failures.c_str());
	return 0;
}

int64_t release_time(const pkgTagSection &section, const char *field)
{
	time_t when = 0;
	return RFC1123StrToTime(section.FindS(field), when) ? when : 0;
}

int read_release(const std::string &path, struct apt_release *release, struct err *err)
{
	FileFd file;
	pkgTagSection section;
	if (!OpenMaybeClearSignedFile(path, file))
		return apt_fail(err, ERR_SYSTEM, "cannot read " + path);
	pkgTagFile tags(&file);
	if (!tags.Step(section))
		return apt_fail(err, ERR_INPUT, "cannot parse " + path);
	release->date = release_time(section, "Date");
	release->valid_until = release_time(section, "Valid-Until");
	return 0;
}

int releases(const char *origin, apt_release_fn fn, void *arg, struct err *err)
{
	pkgCacheFile cache;
	pkgCache *packages = cache.GetPkgCache();
	if (!packages)
		return apt_fail(err, ERR_SYSTEM, "cannot open the package cache");
	for (auto file = packages->RlsFileBegin(); !file.end(); ++file) {
		if (!file.FileName() || !file.Origin() || !str_eq(file.Origin(), origin))
			continue;
		const std::string path = file.FileName();
		const std::string name = path.substr(path.rfind('/') + 1);
		struct apt_release release = { name.c_str(), 0, 0 };
		if (read_release(path, &release, err) < 0 || fn(&release, arg, err) < 0)
			return -1;
	}
	return 0;
}

} // namespace

int apt_update(const struct fetch_policy *policy, uint64_t *received_bytes, char **warning,
	       struct err *err)
{
	*received_bytes = 0;
	*warning = nullptr;
	return shielded(err, [&] { return update(policy, received_bytes, warning, err); });
}

int apt_releases(const char *origin, apt_release_fn fn, void *arg, struct err *err)
{
	return shielded(err, [&] { return releases(origin, fn, arg, err); });
}

/* acquire-item.cc of 2.6 and 3.0; we set no locale. */
bool apt_is_untimely(const char *warning)
{
	return strstr(warning, "is not valid yet") || strstr(warning, "is expired");
}
