/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine itself: processor, disk, clock. */
#include <sys/statvfs.h>
#include <time.h>

#include "common/atomic-file.h"
#include "common/deb822.h"
#include "common/kvm-probe.h"
#include "common/strbuf.h"
#include "hostconfig/check.h"

enum { MAX_CPUINFO_BYTES = 4 << 20, MAX_SMALL_BYTES = 65536 };

/* A small file's text below the root, "" if it cannot be read; free it. */
static char *read_text(const struct root *root, const char *name, size_t max_bytes)
{
	_cleanup_free_ char *path = root_path(root, "%s", name);
	_cleanup_err_ struct err err = ERR_INIT;
	char *text = NULL;
	size_t len = 0;
	return file_read(path, max_bytes, &text, &len, &err) < 0 ? xstrdup("") : text;
}

/* A word of the first processor's flags. */
static bool has_flag(const char *cpuinfo, const char *flag)
{
	const char *line = strstr(cpuinfo, "\nflags");
	if (!line)
		return false;
	_cleanup_free_ char *flags = xstrndup(line + 1, strcspn(line + 1, "\n"));
	_cleanup_free_ char *word = xasprintf(" %s ", flag);
	_cleanup_free_ char *padded = xasprintf("%s ", flags);
	return strstr(padded, word) != NULL;
}

/* The kernel hides the flag where the BIOS has switched virtualisation off. */
static void no_virtualisation(struct findings *f, bool is_guest)
{
	if (is_guest) {
		findings_add(f, RESULT_WARNING,
			     "this machine is a virtual one that may run none itself: "
			     "appliances are emulated, and slow");
		findings_advise(f, "allow nested virtualisation where it runs");
		return;
	}
	findings_add(f, RESULT_PROBLEM,
		     "virtualisation is switched off in the BIOS, or this processor has none");
	findings_advise(f, "in the BIOS setup switch on Intel VT-x, or AMD-V (SVM), often "
			   "below CPU or Security; until then appliances are emulated, and slow");
}

static void probe_kvm(struct findings *f)
{
	_cleanup_err_ struct err err = ERR_INIT;
	bool works = false;
	if (kvm_probe(&works, &err) < 0)
		findings_add(f, RESULT_WARNING, "KVM is there, and could not be tried: %s",
			     err.msg);
	else if (works)
		findings_add(f, RESULT_OK, "KVM runs guests");
	else {
		findings_add(f, RESULT_WARNING,
			     "KVM is there, and a guest does not start in it: appliances are "
			     "emulated, and slow");
		findings_advise(f, "see what the kernel says: dmesg | grep -i kvm");
	}
}

void check_virtualisation(struct check_context *c)
{
	_cleanup_free_ char *hypervisor = read_text(&c->root, "sys/hypervisor/type", 64);
	_cleanup_free_ char *xen = read_text(&c->root, "proc/xen/capabilities", 64);
	_cleanup_free_ char *cpuinfo = read_text(&c->root, "proc/cpuinfo", MAX_CPUINFO_BYTES);
	_cleanup_free_ char *node = root_path(&c->root, "dev/kvm");
	struct findings *f = &c->findings;
	if (str_starts(hypervisor, "xen") && strstr(xen, "control_d"))
		findings_add(f, RESULT_OK, "Xen runs, whose guests need no more of a processor");
	else if (!has_flag(cpuinfo, "vmx") && !has_flag(cpuinfo, "svm"))
		no_virtualisation(f, has_flag(cpuinfo, "hypervisor"));
	else if (!file_exists(node)) {
		findings_add(f, RESULT_PROBLEM, "the processor has virtualisation, but there is "
						"no %s", node);
		findings_advise(f, "modprobe kvm_intel, or kvm_amd; if that says 'not "
				   "supported', virtualisation is switched off in the BIOS");
	} else
		probe_kvm(f);
}

void disk_judge(struct findings *findings, uint64_t size_bytes, uint64_t free_bytes)
{
	_cleanup_free_ char *size = size_format(size_bytes);
	_cleanup_free_ char *left = size_format(free_bytes);
	if (size_bytes < DISK_MIN_BYTES) {
		findings_add(findings, RESULT_PROBLEM,
			     "the disk for appliances, /var/lib/waybill, has %s: too small", size);
		findings_advise(findings, "give it at least %llu GiB; each appliance is there "
					  "twice while it is upgraded",
				DISK_MIN_BYTES >> 30);
	} else if (free_bytes < DISK_MIN_FREE_BYTES) {
		findings_add(findings, RESULT_PROBLEM,
			     "the disk for appliances, /var/lib/waybill, is full: %s of %s free",
			     left, size);
		findings_advise(findings, "appliance gc drops bases that nothing uses; "
					  "du -xh / | sort -h | tail shows what is large");
	} else
		findings_add(findings, RESULT_OK, "%s of %s free", left, size);
}

void check_disk(struct check_context *c)
{
	_cleanup_free_ char *path = root_path(&c->root, "var/lib/waybill");
	struct statvfs fs;
	if (statvfs(path, &fs) < 0) {
		findings_add(&c->findings, RESULT_PROBLEM, "there is no %s: %m", path);
		findings_advise(&c->findings, "install waybill-site");
		return;
	}
	disk_judge(&c->findings, (uint64_t)fs.f_blocks * fs.f_frsize,
		   (uint64_t)fs.f_bavail * fs.f_frsize);
}

/* The latest moment that is known to be past: of the enrolment, of the last good list, which
 * pkgmgr has verified. */
static int64_t known_past(const struct root *root, const char **what)
{
	_cleanup_free_ char *enrolment = read_text(root, "etc/waybill/enrolment", MAX_SMALL_BYTES);
	_cleanup_free_ char *list = read_text(root, "var/lib/waybill/site.list", 2 << 20);
	static const struct {
		const char *field, *what;
	} sources[] = { { "Not-Before: ", "this site's enrolment" }, { "Date: ", "the last list" } };
	const char *texts[] = { enrolment, list };
	int64_t latest = 0;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		_cleanup_err_ struct err err = ERR_INIT;
		const char *at = strstr(texts[i], sources[i].field);
		int64_t when = 0;
		if (!at)
			continue;
		at += strlen(sources[i].field);
		_cleanup_free_ char *text = xstrndup(at, strcspn(at, "\n"));
		if (time_parse(text, &when, sources[i].field, &err) == 0 && when > latest) {
			latest = when;
			*what = sources[i].what;
		}
	}
	return latest;
}

/* Whether it is right to the minute shows when the server is asked: check_key(). */
void check_clock(struct check_context *c)
{
	const char *what = "";
	int64_t now = time(NULL), past = known_past(&c->root, &what);
	_cleanup_free_ char *now_text = time_format(now);
	_cleanup_free_ char *past_text = time_format(past);
	if (now >= past) {
		findings_add(&c->findings, RESULT_OK, "%s", now_text);
		return;
	}
	findings_add(&c->findings, RESULT_PROBLEM,
		     "the clock says %s, which is before %s (%s): the battery on the board is "
		     "empty, or somebody set it wrong", now_text, what, past_text);
	findings_advise(&c->findings, "date -s '...'; a site that reaches its server sets its "
				      "clock by it; change the battery");
}
