/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One solution of a site list by libapt-pkg's solver, and its translation into a
 * struct plan. Private to apt/. */
#ifndef PKGMGR_APT_SOLVER_H
#define PKGMGR_APT_SOLVER_H

#include <apt-pkg/algorithms.h>
#include <apt-pkg/cachefile.h>
#include <apt-pkg/depcache.h>
#include <apt-pkg/pkgcache.h>
#include <apt-pkg/pkgrecords.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

extern "C" {
#include "pkgmgr/apt/apt.h"
}

/* What the lists say about one package; a bit each. */
enum Role : unsigned char {
	ROLE_WANTED = 1,	/* musthave */
	ROLE_ALLOWED = 2,	/* mayhave, and installed */
	ROLE_BANNED = 4,	/* maynothave, and to be removed */
	ROLE_OURS = 8,		/* Waybill installed it */
	ROLE_UPGRADE = 16,	/* of the host: one of `upgrades` */
	ROLE_OLD_KERNEL = 32,	/* goes by Keep-Kernels */
};

class Solver
{
public:
	Solver(const struct apt_request &what, struct err *error)
		: request(what), list(*what.list), err(error) {}

	/* 0 and *plan filled, or -1 with err set. */
	int solve(struct plan *plan);

private:
	using Pkg = pkgCache::PkgIterator;
	using Ver = pkgCache::VerIterator;

	int open();
	int choose_wanted();
	int want_name(const struct site_list_entry &entry);
	int want_pattern(const struct site_list_entry &entry);
	int want(const Pkg &pkg, Ver version);
	bool is_bad(const Pkg &pkg, const Ver &version) const;
	void note_bad(const Pkg &pkg, const Ver &version, const Ver &instead);
	/* phase.cc */
	unsigned percentage(const Ver &version);
	bool waits(const Pkg &pkg, const Ver &version);
	void note_waiting(const Pkg &pkg, const Ver &version, const Ver &instead);

	Ver pinned_version(const Pkg &pkg, const char *wanted) const;
	Ver best_version(const Pkg &pkg);
	bool is_from_us(const Ver &version) const;
	bool is_available(const Ver &version) const;
	int no_version(const struct site_list_entry &entry, const Pkg &pkg) const;

	int judge_installed(struct plan *plan);
	int judge_one(const Pkg &pkg, struct plan *plan);
	bool is_root(const Pkg &pkg) const;

	int attempt(const std::vector<Ver> &with);
	int begin_anew();
	int resolve();
	void ban_names(pkgProblemResolver &fix);
	void sweep();
	int check_solution();
	std::string broken();
	std::string unmet(const Pkg &pkg);

	/* upgrades.cc */
	void choose_upgrades();
	Ver upgrade_of(const Pkg &pkg);
	bool is_security(const Ver &version) const;
	bool is_signed(const Ver &version);
	void take_upgrades(const std::vector<Ver> &with);
	int check_upgrades(const std::vector<Ver> &with, struct err *why);
	int check_one(const Pkg &pkg, size_t *removals, struct err *why);
	void admit(const std::vector<Ver> &more, std::vector<Ver> &admitted);
	bool try_upgrades(const std::vector<Ver> &with, struct err *why);
	int add_upgrades();
	bool is_by_list(const Pkg &pkg) const { return by_list[pkg->ID]; }

	/* kernels.cc */
	bool keeps_kernels() const;
	void remove_kernel(const std::vector<Pkg> &packages);
	void prune_kernels();

	int translate(struct plan *plan);
	int translate_one(const Pkg &pkg, struct plan *plan);
	const char *reason(const Pkg &pkg, bool removal);

	bool has(const Pkg &pkg, Role role) const { return (roles[pkg->ID] & role) != 0; }
	void set(const Pkg &pkg, Role role) { roles[pkg->ID] |= role; }
	bool matches_any(enum site_list_kind kind, const std::string &name) const;

	const struct apt_request &request;
	const struct site_list &list;
	struct err *err;
	struct strv *notes = nullptr;		/* of the plan */
	bool bad_only = false;			/* the last choice had nothing but a bad version */
	pkgCacheFile cache;
	std::unique_ptr<pkgRecords> records;	/* of it */
	std::vector<unsigned char> roles;	/* by package ID */
	std::map<unsigned, Ver> wanted;		/* by package ID */
	std::vector<Pkg> banned;
	std::vector<bool> unneeded;		/* by package ID: swept */
	std::vector<Ver> upgrades;		/* of the host's own packages */
	std::vector<bool> by_list;		/* by package ID: changes without them, too */
	size_t list_removals = 0;		/* that many go without them, too */
};

/* "askom", or "libfoo:i386" for a foreign architecture. */
std::string package_name(const pkgCache::PkgIterator &pkg);

/* "6.1.0-40-amd64" of linux-image-6.1.0-40-amd64 or of its -headers- or -modules-; empty if
 * it belongs to no kernel. */
std::string kernel_release(const std::string &name);

/* Fill action->archive for a version from the signed indexes. */
int describe_archive(pkgCacheFile &cache, const pkgCache::VerIterator &version,
		     struct plan_archive *archive, struct err *err);

#endif
