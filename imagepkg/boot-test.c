/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/boot-test.h"

#include <signal.h>
#include <time.h>

#include "common/atomic-file.h"
#include "common/console-log.h"
#include "common/health.h"
#include "common/kvm-probe.h"
#include "common/log.h"
#include "imagepkg/boot-prepare.h"
#include "imagepkg/vm-agent.h"
#include "imagepkg/vm.h"

enum {
	BOOTING_PAUSE_MS = 1000,	/* between two rounds, until all checks have passed */
	MAX_FAILURES = 3,		/* bad rounds in a row, once it was healthy: as on a site */
	POWER_DOWN_MS = 120 * 1000,
	CONSOLE_TAIL_BYTES = 2048,
	MAX_CONSOLE_BYTES = 16 * 1024 * 1024,
};

static volatile sig_atomic_t quit_signal;

static void on_signal(int signal)
{
	quit_signal = signal;
}

/* One test under way. */
struct trial {
	const struct boot_test_request *request;
	struct boot_files *files;
	struct vm *vm;
	struct boot_test *test;
	char *console;		/* path of the console log */
	int64_t healthy_ms;	/* since when all checks pass; 0: not yet */
	unsigned failures;	/* bad rounds in a row since then */
	bool done;
};

void boot_test_free(struct boot_test *test)
{
	if (!test)
		return;
	for (size_t i = 0; i < test->check_count; i++) {
		free(test->checks[i].name);
		free(test->checks[i].saw);
		free(test->checks[i].detail);
	}
	free(test->checks);
	free(test->console_tail);
	boot_verdict_freep(&test->verdict);
	free(test);
}

static const struct appliance_conf *conf_of(const struct trial *t)
{
	return t->files->settings->conf;
}

static struct boot_verdict *make_verdict(const struct trial *t, bool kvm)
{
	const struct appliance_conf *conf = conf_of(t);
	struct boot_verdict *v = xcalloc(1, sizeof(*v));
	bool uefi = conf->boot == BOOT_DISK && conf->firmware == FIRMWARE_UEFI;
	bool bios = conf->boot == BOOT_DISK && !uefi;
	v->package = xstrdup(conf->appliance);
	v->version = xstrdup(conf->version);
	v->architecture = xstrdup(conf->architecture);
	strcpy(v->sha256, t->files->deb_sha256);
	v->accelerator = xstrdup(kvm ? "kvm" : "tcg");
	v->boot = xasprintf("%s%s", boot_mode_name(conf->boot),
			    uefi ? " uefi" : bios ? " bios" : "");
	v->watch_seconds = t->request->watch_seconds;
	return v;
}

static void make_checks(struct trial *t)
{
	const struct appliance_conf *conf = conf_of(t);
	t->test->check_count = conf->health_count;
	t->test->checks = xcalloc(conf->health_count + 1, sizeof(*t->test->checks));
	for (size_t i = 0; i < conf->health_count; i++) {
		t->test->checks[i].name = health_check_name(&conf->health[i]);
		t->test->checks[i].passed_ms = -1;
	}
}

static int open_agent(void *ctx, struct agent **out, struct err *err)
{
	struct vm *vm = ctx;
	_cleanup_free_ char *path = xasprintf("%s/" VM_AGENT, vm->dir);
	return vm_agent_open(&vm->qmp, VM_AGENT_CHARDEV, path, out, err);
}

static void take_result(struct trial *t, struct boot_check *check,
			const struct health_result *result)
{
	free(check->saw);
	free(check->detail);
	check->saw = xstrdup(health_result_seen(result));
	check->detail = result->detail ? xstrdup(result->detail) : NULL;
	if (!result->ok || check->passed_ms >= 0)
		return;
	check->passed_ms = monotonic_ms() - t->vm->started_ms;
	log_info("%s passed after %.1f s: %s", check->name, (double)check->passed_ms / 1000,
		 check->saw);
}

static void fail(struct trial *t, const char *fmt, ...) _printf_(2, 3);
static void fail(struct trial *t, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	t->test->verdict->reason = xvasprintf(fmt, ap);
	va_end(ap);
	t->done = true;
}

static void fail_ended(struct trial *t)
{
	_cleanup_free_ char *panic = console_log_panic(t->console);
	fail(t, "%s", panic ? panic : "the guest switched itself off");
}

/* The first failed check; one that has had its time before one that has not. */
static const struct health_result *worst(const struct health_round *round, int64_t age_ms,
					 bool *overdue)
{
	const struct health_result *first = NULL;
	*overdue = false;
	for (size_t i = 0; i < round->count; i++) {
		const struct health_result *result = &round->results[i];
		if (result->ok)
			continue;
		if (age_ms >= (int64_t)result->check->deadline_seconds * 1000) {
			*overdue = true;
			return result;
		}
		first = first ? first : result;
	}
	return first;
}

static void judge_bad_round(struct trial *t, const struct health_result *failed, bool overdue)
{
	_cleanup_free_ char *panic = console_log_panic(t->console);
	if (panic) {
		fail(t, "%s; %s", failed->text, panic);
	} else if (t->healthy_ms) {
		if (++t->failures >= MAX_FAILURES)
			fail(t, "%s, %lld s after all checks had passed", failed->text,
			     (long long)(monotonic_ms() - t->healthy_ms) / 1000);
	} else if (overdue) {
		fail(t, "%s, and its deadline of %u s is over", failed->text,
		     failed->check->deadline_seconds);
	}
}

static void judge_good_round(struct trial *t)
{
	int64_t now_ms = monotonic_ms();
	if (!t->healthy_ms) {
		t->healthy_ms = now_ms;
		log_info("healthy after %.1f s; watching it for %u s",
			 (double)(now_ms - t->vm->started_ms) / 1000, t->request->watch_seconds);
	}
	t->failures = 0;
	t->done = now_ms - t->healthy_ms >= (int64_t)t->request->watch_seconds * 1000;
}

static void one_round(struct trial *t)
{
	_cleanup_(health_round_destroy) struct health_round round = { 0 };
	const struct health_guest guest = { .conf = conf_of(t),
					    .ctx = t->vm,
					    .open_agent = open_agent,
					    .close_agent = vm_agent_free };
	bool overdue = false;
	if (!vm_has_ended(t->vm))
		health_look(&guest, &round);
	if (vm_has_ended(t->vm)) {
		fail_ended(t);
		return;
	}
	for (size_t i = 0; i < round.count; i++)
		take_result(t, &t->test->checks[i], &round.results[i]);
	const struct health_result *failed =
		worst(&round, monotonic_ms() - t->vm->started_ms, &overdue);
	if (failed)
		judge_bad_round(t, failed, overdue);
	else
		judge_good_round(t);
}

static int64_t pause_of(const struct trial *t)
{
	const struct appliance_conf *conf = conf_of(t);
	if (!t->healthy_ms)
		return BOOTING_PAUSE_MS;
	int64_t pause_ms = t->healthy_ms + (int64_t)t->request->watch_seconds * 1000 -
			   monotonic_ms();
	for (size_t i = 0; i < conf->health_count; i++)
		if ((int64_t)conf->health[i].interval_seconds * 1000 < pause_ms)
			pause_ms = (int64_t)conf->health[i].interval_seconds * 1000;
	return pause_ms > 0 ? pause_ms : 0;
}

static int watch_guest(struct trial *t, struct err *err)
{
	for (;;) {
		one_round(t);
		if (t->done)
			return 0;
		int64_t pause_ms = pause_of(t);
		nanosleep(&(struct timespec){ pause_ms / 1000, pause_ms % 1000 * 1000000 }, NULL);
		if (quit_signal)
			return err_set(err, ERR_CANCELLED, "stopped by a signal");
	}
}

static int shut_down(struct trial *t, struct err *err)
{
	bool obeyed = false;
	int64_t start_ms = monotonic_ms();
	if (vm_power_down(t->vm, POWER_DOWN_MS, &obeyed, err) < 0)
		return -1;
	if (obeyed)
		log_info("shut down in %.1f s", (double)(monotonic_ms() - start_ms) / 1000);
	else
		fail(t, "it does not shut down within %d s of the power button, so a site would cut "
		     "its power", POWER_DOWN_MS / 1000);
	return 0;
}

/* Evidence is worth a warning if it cannot be had. */
static void save_screen(const struct trial *t)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *path = xasprintf("%s/screen.png", t->request->log_dir);
	_cleanup_free_ char *shot = xasprintf("%s/screen.png", t->vm->dir);
	_cleanup_free_ char *data = NULL;
	size_t len = 0;
	if (vm_has_ended(t->vm))
		return;
	if (vm_screenshot(t->vm, shot, &err) < 0 ||
	    file_read(shot, MAX_CONSOLE_BYTES, &data, &len, &err) < 0 ||
	    atomic_file_write(path, data, len, 0644, &err) < 0)
		log_warn("no screenshot: %s", err.msg);
}

static void save_console(const struct trial *t)
{
	_cleanup_err_ struct err err = ERR_INIT;
	_cleanup_free_ char *path = xasprintf("%s/console.log", t->request->log_dir);
	_cleanup_free_ char *data = NULL;
	size_t len = 0;
	if (file_read(t->console, MAX_CONSOLE_BYTES, &data, &len, &err) < 0 ||
	    atomic_file_write(path, data, len, 0644, &err) < 0)
		log_warn("no console log: %s", err.msg);
}

static void finish_verdict(struct trial *t)
{
	struct boot_verdict *v = t->test->verdict;
	v->tested_at = time(NULL);
	v->passed = v->reason == NULL;
	for (size_t i = 0; i < t->test->check_count; i++) {
		const struct boot_check *check = &t->test->checks[i];
		if (check->passed_ms >= 0)
			strv_addf(&v->checks, "%s passed after %.1f s: %s", check->name,
				  (double)check->passed_ms / 1000, check->saw);
		else
			strv_addf(&v->checks, "%s failed: %s", check->name,
				  check->saw ? check->saw : "it was not asked");
	}
	if (!v->passed)
		t->test->console_tail = console_log_tail(t->console, CONSOLE_TAIL_BYTES);
}

static int run_guest(struct trial *t, struct err *err)
{
	int result = watch_guest(t, err);
	if (t->request->log_dir)
		save_screen(t);
	if (result == 0 && !t->test->verdict->reason)
		result = shut_down(t, err);
	if (t->request->log_dir)
		save_console(t);
	if (result == 0)
		finish_verdict(t);
	return result;
}

static int start_guest(struct trial *t, struct err *err)
{
	bool kvm = false;
	struct appliance_conf *conf = t->files->settings->conf;
	if (kvm_probe(&kvm, err) < 0)
		return -1;
	const struct vm_spec spec = { .conf = conf,
				      .dir = t->files->work->path,
				      .kvm = kvm,
				      .kernel = t->files->kernel,
				      .initrd = t->files->initrd,
				      .uefi_code = t->files->uefi_code };
	t->test->verdict = make_verdict(t, kvm);
	make_checks(t);
	log_info("booting %s %s (%s, %s)", conf->appliance, conf->version,
		 t->test->verdict->boot, t->test->verdict->accelerator);
	if (vm_start(&spec, conf->ports, &t->vm, err) < 0)
		return -1;
	t->test->verdict->qemu = xstrdup(t->vm->qmp.version);
	if (!conf->health_count)
		log_warn("%s has no health checks: all that is tested is that it stays on",
			 conf->appliance);
	return 0;
}

int boot_test_run(const struct boot_test_request *request, struct boot_test **out,
		  struct err *err)
{
	_cleanup_(boot_files_freep) struct boot_files *files = NULL;
	_cleanup_(boot_test_freep) struct boot_test *test = xcalloc(1, sizeof(*test));
	const struct sigaction stop = { .sa_handler = on_signal };
	*out = NULL;
	if (request->log_dir && make_dirs(request->log_dir, 0755, err) < 0)
		return -1;
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	if (boot_files_make(request->deb_path, &request->params, &files, err) < 0)
		return -1;
	_cleanup_free_ char *console = workdir_file(files->work, VM_CONSOLE);
	struct trial t = { .request = request, .files = files, .test = test,
			   .console = console };
	int result = start_guest(&t, err);
	if (result == 0)
		result = run_guest(&t, err);
	vm_freep(&t.vm);
	if (result < 0)
		return err_prefix(err, "%s", request->deb_path);
	*out = steal(&test);
	return 0;
}
