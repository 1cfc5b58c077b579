/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Merging the data disk's overlay into what is below it, while the guest uses it. */
#include "appliance/domain-conn.h"

#include <time.h>

#include "common/log.h"

enum { POLL_MS = 100, STALL_SECONDS = 60 };

/* The target's name follows from the order of the disks; its serial does not change. */
#define DATA_DISK "vdb"

static void pause_briefly(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = POLL_MS * 1000000L }, NULL);
}

/* The file that a running domain writes its data disk to, as libvirt's XML has it: the
 * first source in the disk's element. NULL if it has no such disk. Free it. */
static char *data_source(const char *xml)
{
	static const char mark[] = "<source file='";
	const char *target = strstr(xml, "<target dev='" DATA_DISK "'");
	const char *disk = NULL;
	for (const char *at = xml; target && (at = strstr(at, "<disk ")) && at < target; at++)
		disk = at;
	const char *source = disk ? strstr(disk, mark) : NULL;
	if (!source || source > target)
		return NULL;
	source += sizeof(mark) - 1;
	return xstrndup(source, strcspn(source, "'"));
}

/* An earlier run may have died after the switch. */
static int writes_to(virDomainPtr dom, const char *path, bool *is, struct err *err)
{
	_cleanup_free_ char *xml = virDomainGetXMLDesc(dom, 0);
	if (!xml)
		return virt_error(err, "read the domain");
	_cleanup_free_ char *source = data_source(xml);
	*is = str_same(source, path);
	return 0;
}

/* 1: all is copied and what is written now goes to both; 0: not yet. */
static int job_is_ready(virDomainPtr dom, virDomainBlockJobInfo *info, struct err *err)
{
	int found = virDomainGetBlockJobInfo(dom, DATA_DISK, info, 0);
	if (found < 0)
		return virt_error(err, "ask for the merge of " DATA_DISK);
	if (found == 0)
		return err_set(err, ERR_SYSTEM, "the merge of " DATA_DISK " ended early");
	return info->cur == info->end && info->end > 0;
}

/* A merge that makes no progress for a minute is given up. */
static int wait_until_ready(virDomainPtr dom, struct err *err)
{
	unsigned long long last = 0;
	int64_t since = monotonic_ms();
	for (;;) {
		virDomainBlockJobInfo info;
		int ready = job_is_ready(dom, &info, err);
		if (ready != 0)
			return ready < 0 ? -1 : 0;
		if (info.cur != last) {
			last = info.cur;
			since = monotonic_ms();
		} else if (monotonic_ms() - since > STALL_SECONDS * 1000) {
			return err_set(err, ERR_SYSTEM, "the merge of " DATA_DISK " stands still");
		}
		pause_briefly();
	}
}

static int start_job(virDomainPtr dom, struct err *err)
{
	virDomainBlockJobInfo info;
	if (virDomainGetBlockJobInfo(dom, DATA_DISK, &info, 0) == 1)
		return 0; /* of a run that died */
	if (virDomainBlockCommit(dom, DATA_DISK, NULL, NULL, 0,
				 VIR_DOMAIN_BLOCK_COMMIT_ACTIVE |
					 VIR_DOMAIN_BLOCK_COMMIT_SHALLOW) < 0)
		return virt_error(err, "merge " DATA_DISK);
	return 0;
}

/* The guest stands still from before the switch until the caller has renamed the file: in
 * between both files have the same content, whoever dies. */
static int switch_over(virDomainPtr dom, bool *paused, struct err *err)
{
	*paused = false;
	if (virDomainSuspend(dom) == 0)
		*paused = true;
	if (virDomainBlockJobAbort(dom, DATA_DISK, VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT) == 0)
		return 0;
	virt_error(err, "switch over to the merged disk");
	if (*paused)
		(void)virDomainResume(dom);
	return -1;
}

int domain_merge_data(struct hypervisor *hv, const char *name, const char *below,
		      bool *paused, struct err *err)
{
	_cleanup_(virt_domain_freep) virDomainPtr dom = NULL;
	bool done = false;
	*paused = false;
	if (hv->is_test)
		return err_set(err, ERR_REFUSED, "libvirt's test driver merges nothing");
	if (virt_need_domain(hv, name, &dom, err) < 0 || writes_to(dom, below, &done, err) < 0)
		return -1;
	if (done) {
		*paused = virDomainSuspend(dom) == 0;
		return 0;
	}
	if (start_job(dom, err) < 0 || wait_until_ready(dom, err) < 0)
		return -1;
	return switch_over(dom, paused, err);
}
