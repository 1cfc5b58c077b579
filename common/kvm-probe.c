/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/kvm-probe.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "common/subproc.h"

#define QEMU "qemu-system-x86_64"

enum {
	SECTOR_BYTES = 512,
	TIMEOUT_MS = 20000,
	/* Of the processor's time, for what else runs here must not decide. A KVM that is itself emulated
	 * takes 1400 ms where TCG takes 70, and gives its guests up; one that works takes less than TCG. */
	KVM_ENOUGH_MS = 400,
	KVM_TIMES_TCG = 5,
	/* isa-debug-exit: (value << 1) | 1 with the value 0x10 that the sector writes */
	ALIVE_STATUS = 33,
};

/* mov dx,0xf4; mov al,0x10; out dx,al; hlt */
static const unsigned char sector_code[] = { 0xba, 0xf4, 0x00, 0xb0, 0x10, 0xee, 0xf4 };

static int write_sector(char *path, struct err *err)
{
	unsigned char sector[SECTOR_BYTES] = { 0 };
	memcpy(sector, sector_code, sizeof(sector_code));
	sector[SECTOR_BYTES - 2] = 0x55;
	sector[SECTOR_BYTES - 1] = 0xaa;
	_cleanup_close_ int fd = mkostemp(path, 02000000 /* O_CLOEXEC */);
	if (fd < 0)
		return err_sys(err, "create %s", path);
	return write_all(fd, sector, sizeof(sector), err);
}

static int64_t children_cpu_ms(void)
{
	struct rusage used;
	getrusage(RUSAGE_CHILDREN, &used);
	return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * INT64_C(1000) +
	       (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

/* Milliseconds of the processor until the sector answered, or -1 if it did not. */
static int64_t run_sector(const char *path, const char *accel)
{
	_cleanup_free_ char *drive =
		xasprintf("file=%s,format=raw,if=ide,readonly=off", path);
	const char *const argv[] = {
		QEMU,       "-accel",      accel,
		"-machine", "pc",          "-m",
		"16",       "-nodefaults", "-no-user-config",
		"-display", "none",        "-net",
		"none",     "-device",     "isa-debug-exit,iobase=0xf4,iosize=4",
		"-drive",   drive,         NULL
	};
	_cleanup_err_ struct err err = ERR_INIT;
	int status = -1;
	int64_t start_ms = children_cpu_ms();
	int result = subproc_run(&(struct subproc){ .argv = argv,
						    .quiet = true,
						    .timeout_ms = TIMEOUT_MS },
				 &status, &err);
	int64_t took_ms = children_cpu_ms() - start_ms;
	log_debug("%s answered %d after %lld ms of the processor (%s)", accel, status, (long long)took_ms,
		  result < 0 ? err.msg : "exit 0");
	return status == ALIVE_STATUS ? took_ms : -1;
}

static bool kvm_works(const char *sector)
{
	if (access("/dev/kvm", R_OK | W_OK) < 0)
		return false;
	int64_t tcg_ms = run_sector(sector, "tcg");
	int64_t kvm_ms = run_sector(sector, "kvm");
	return kvm_ms >= 0 &&
	       (kvm_ms <= KVM_ENOUGH_MS || (tcg_ms >= 0 && kvm_ms <= tcg_ms * KVM_TIMES_TCG));
}

int kvm_probe(bool *works, struct err *err)
{
	char path[] = "/tmp/waybill-probe-XXXXXX";
	if (write_sector(path, err) < 0)
		return -1;
	*works = kvm_works(path);
	unlink(path);
	if (!*works)
		log_info("KVM does not work here: guests are emulated, and slow");
	return 0;
}
