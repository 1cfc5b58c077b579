/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/appliance-conf.h"
#include "common/atomic-file.h"
#include "common/log.h"
#include "common/subproc.h"

enum { LISTEN_TIMEOUT_MS = 60000, POLL_MS = 50, MAX_WORDS_BYTES = 64 * 1024 };

#define WORDS_FILE "qemu.log"

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
}

bool vm_has_ended(struct vm *vm)
{
	int status = 0;
	if (vm->pid && waitpid(vm->pid, &status, WNOHANG) == vm->pid) {
		log_debug("QEMU ended, status %d", status);
		vm->pid = 0;
	}
	return vm->pid == 0;
}

/* What QEMU wrote to its standard error. */
static int fail_with_words(const struct vm *vm, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" WORDS_FILE, vm->dir);
	_cleanup_free_ char *words = NULL;
	_cleanup_err_ struct err unread = ERR_INIT;
	size_t len = 0;
	if (file_read(path, MAX_WORDS_BYTES, &words, &len, &unread) < 0 || len == 0)
		return err_set(err, ERR_PROGRAM, "QEMU ended at once, and did not say why");
	words[strcspn(words, "\n")] = '\0';
	return err_set(err, ERR_PROGRAM, "QEMU does not start: %s", words);
}

static int spawn(struct vm *vm, const struct strv *argv, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" WORDS_FILE, vm->dir);
	_cleanup_close_ int words = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (words < 0)
		return err_sys(err, "create %s", path);
	struct subproc spec = { .argv = (const char *const *)argv->items,
				.stdout_fd = words,
				.stderr_fd = words,
				.die_with_us = true };
	vm->started_ms = monotonic_ms();
	return subproc_start(&spec, &vm->pid, err);
}

static int connect_qmp(struct vm *vm, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" VM_QMP, vm->dir);
	int64_t deadline_ms = monotonic_ms() + LISTEN_TIMEOUT_MS;
	while (qmp_open(&vm->qmp, path, err) < 0) {
		bool not_yet = err->code == ERR_SYSTEM &&
			       (err->sys_errno == ENOENT || err->sys_errno == ECONNREFUSED);
		if (vm_has_ended(vm))
			return fail_with_words(vm, err);
		if (!not_yet || monotonic_ms() > deadline_ms)
			return -1;
		err_clear(err);
		pause_ms(POLL_MS);
	}
	return 0;
}

int vm_start(const struct vm_spec *spec, struct port_forward *ports, struct vm **out,
	     struct err *err)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_(vm_freep) struct vm *vm = xcalloc(1, sizeof(*vm));
	*out = NULL;
	vm->dir = xstrdup(spec->dir);
	vm->qmp = (struct qmp){ .socket = LINE_SOCKET_INIT };
	vm_args(spec, &argv);
	if (spawn(vm, &argv, err) < 0 || connect_qmp(vm, err) < 0)
		return -1;
	size_t forwards = spec->conf->network == NETWORK_NONE ? 0 : spec->conf->port_count;
	if (forwards && qmp_read_forwards(&vm->qmp, ports, forwards, err) < 0)
		return -1;
	*out = steal(&vm);
	return 0;
}

int vm_power_down(struct vm *vm, int timeout_ms, bool *obeyed, struct err *err)
{
	int64_t deadline_ms = monotonic_ms() + timeout_ms;
	*obeyed = true;
	if (vm_has_ended(vm))
		return 0;
	if (qmp_run(&vm->qmp, "system_powerdown", NULL, NULL, err) < 0)
		return -1;
	while (!vm_has_ended(vm)) {
		if (monotonic_ms() > deadline_ms) {
			*obeyed = false;
			return 0;
		}
		pause_ms(POLL_MS);
	}
	return 0;
}

int vm_screenshot(struct vm *vm, const char *path, struct err *err)
{
	struct json_object *arguments = json_object_new_object();
	json_object_object_add(arguments, "filename", json_object_new_string(path));
	json_object_object_add(arguments, "format", json_object_new_string("png"));
	return qmp_run(&vm->qmp, "screendump", arguments, NULL, err);
}

void vm_free(struct vm *vm)
{
	if (!vm)
		return;
	if (!vm_has_ended(vm)) {
		kill(vm->pid, SIGKILL);
		waitpid(vm->pid, NULL, 0);
	}
	qmp_close(&vm->qmp);
	free(vm->dir);
	free(vm);
}
