/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/kvm-probe.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/log.h"
#include "common/subproc.h"

#define QEMU "qemu-system-x86_64"

enum {
	SECTOR_BYTES = 512,
	TCG_TIMEOUT_MS = 20000,
	KVM_MIN_MS = 1500, /* never less patience than this */
	KVM_PATIENCE = 5,  /* times what TCG took */
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

/* Milliseconds until the sector answered, or -1 if it did not in time. */
static int64_t run_sector(const char *path, const char *accel, int timeout_ms)
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
	int64_t start = monotonic_ms();
	int result = subproc_run(&(struct subproc){ .argv = argv,
						    .quiet = true,
						    .timeout_ms = timeout_ms },
				 &status, &err);
	int64_t took = monotonic_ms() - start;
	log_debug("%s answered %d after %lld ms (%s)", accel, status, (long long)took,
		  result < 0 ? err.msg : "exit 0");
	return status == ALIVE_STATUS ? took : -1;
}

static bool kvm_works(const char *sector)
{
	if (access("/dev/kvm", R_OK | W_OK) < 0)
		return false;
	int64_t tcg_ms = run_sector(sector, "tcg", TCG_TIMEOUT_MS);
	if (tcg_ms < 0)
		return false;
	int64_t patience_ms = tcg_ms * KVM_PATIENCE;
	if (patience_ms < KVM_MIN_MS)
		patience_ms = KVM_MIN_MS;
	return run_sector(sector, "kvm", (int)patience_ms) >= 0;
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
