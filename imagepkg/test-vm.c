/* SPDX-License-Identifier: GPL-3.0-or-later */
/* boot-test without a QEMU: its command line, its parameters and forwards, and an agent
 * that is played by a thread. */
#include "common/test-lib.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "imagepkg/boot-prepare.h"
#include "imagepkg/vm-agent.h"
#include "imagepkg/vm-args.h"

static struct appliance_conf *make_conf(const char *more)
{
	_cleanup_free_ char *text = xasprintf(
		"Format: waybill-appliance 1\nAppliance: askom\nVersion: 1.0\n"
		"Architecture: amd64\nDisk: 4G\nMemory: 512M\nBase-SHA256: "
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n%s", more);
	struct err err = ERR_INIT;
	struct appliance_conf *conf = NULL;
	assert_ok(appliance_conf_parse(text, strlen(text), "conf", &conf, &err));
	return conf;
}

static char *args_of(const struct vm_spec *spec)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	vm_args(spec, &argv);
	return strv_join(&argv, " ");
}

static void test_args(void **state)
{
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = make_conf(
		"Boot: kernel\nKernel-Args: root=/dev/vda a,b\nData: 1G\nNetwork: user\n"
		"Ports: 8080:80 5353:53/udp\n");
	struct vm_spec spec = { .conf = conf, .dir = "/d", .kernel = "/d/vmlinuz" };
	_cleanup_free_ char *text = args_of(&spec);
	assert_non_null(strstr(text, "-accel tcg -cpu qemu64,-cx16 -m 524288k -smp 1 "));
	assert_non_null(strstr(text, "-kernel /d/vmlinuz -append root=/dev/vda a,b "));
	assert_null(strstr(text, "-initrd"));
	assert_non_null(strstr(text, "hostfwd=tcp:127.0.0.1:0-:80,hostfwd=udp:127.0.0.1:0-:53"));
	assert_non_null(strstr(text, "virtio-blk-pci,drive=data,serial=data"));
	assert_null(strstr(text, "swap"));
	assert_non_null(strstr(text, "file=/d/seed.iso,cache=unsafe,discard=unmap,readonly=on"));
}

static void test_args_uefi_kvm_alone(void **state)
{
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf =
		make_conf("Boot: disk\nFirmware: uefi\nNetwork: none\nSwap: 1G\n");
	struct vm_spec spec = { .conf = conf, .dir = "/d", .kvm = true, .uefi_code = "/c.fd" };
	_cleanup_free_ char *text = args_of(&spec);
	assert_non_null(strstr(text, "-accel kvm -cpu host "));
	assert_non_null(strstr(text, "unit=0,readonly=on,file=/c.fd"));
	assert_non_null(strstr(text, "unit=1,file=/d/uefi-vars.fd"));
	assert_null(strstr(text, "netdev"));
	assert_null(strstr(text, "-kernel"));
	assert_non_null(strstr(text, "serial=swap"));
}

static void test_network(void **state)
{
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf = make_conf(
		"Network: nat\nPorts: 53:53/udp 8080:80\nHealth:\n tcp:53\n http:80/\n tcp:22\n");
	boot_network(conf);
	assert_int_equal(conf->network, NETWORK_USER);
	assert_int_equal(conf->port_count, 4);
	assert_int_equal(conf->ports[1].host_port, 0);
	assert_int_equal(conf->ports[2].guest_port, 53);
	assert_false(conf->ports[2].udp);
	assert_int_equal(conf->ports[3].guest_port, 22);
}

static void test_forwards(void **state)
{
	static const char text[] =
		"Hub -1 (net):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address\r\n"
		"  TCP[HOST_FORWARD]   9       127.0.0.1 42869       10.0.2.15    80     0     0\r\n"
		"  UDP[HOST_FORWARD]  10       127.0.0.1 50001       10.0.2.15    53     0     0\r\n"
		"  TCP[ESTABLISHED]   11       127.0.0.1 1234        10.0.2.15    22     0     0\r\n"
		"  TCP[HOST_FORWARD]  12       127.0.0.1 99999       10.0.2.15    22     0     0\r\n";
	struct port_forward ports[] = { { .guest_port = 53, .udp = true }, { .guest_port = 80 },
					{ .guest_port = 53 }, { .guest_port = 22 } };
	qmp_parse_forwards(text, ports, ARRAY_SIZE(ports));
	assert_int_equal(ports[0].host_port, 50001);
	assert_int_equal(ports[1].host_port, 42869);
	assert_int_equal(ports[2].host_port, 0);
	assert_int_equal(ports[3].host_port, 0);
	qmp_parse_forwards("", ports, ARRAY_SIZE(ports));
	qmp_parse_forwards("TCP[HOST_FORWARD] x", ports, ARRAY_SIZE(ports));
}

static int params(const struct appliance_conf *conf, const char *param, struct strbuf *out,
		  struct err *err)
{
	_cleanup_strv_ struct strv given = STRV_INIT;
	if (param)
		strv_add(&given, param);
	return boot_params_text(conf, &given, out, err);
}

static void test_params(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_strbuf_ struct strbuf none = STRBUF_INIT, some = STRBUF_INIT, bad = STRBUF_INIT;
	_cleanup_(appliance_conf_freep) struct appliance_conf *conf =
		make_conf("Params:\n GREETING=hello\n API_KEY secret\n API\n");
	assert_ok(params(conf, NULL, &none, &err));
	assert_true(str_starts(none.data, "API_KEY: "));
	assert_int_equal(none.len, strlen("API_KEY: \n") + 32);
	assert_ok(params(conf, "API_KEY=a=b", &some, &err));
	assert_string_equal(some.data, "API_KEY: a=b\n");
	assert_fails(params(conf, "greeting=x", &bad, &err), ERR_USAGE, "declares no parameter");
	assert_fails(params(conf, "Memory=1G", &bad, &err), ERR_USAGE, "declares no parameter");
	assert_fails(params(conf, "=x", &bad, &err), ERR_USAGE, "declares no parameter");
	assert_fails(params(conf, "API", &bad, &err), ERR_USAGE, "NAME=VALUE");
}

/* ---- a QEMU and its guest's agent, each on a socket ---- */

struct peer {
	int listener;
	const char *kind;	/* "open", "closed": QEMU; "echo", "stale", "silent": agents */
};

static void answer_qmp(FILE *f, const char *line, bool open)
{
	if (strstr(line, "query-chardev"))
		fprintf(f, "{\"event\":\"X\"}\n{\"return\":[{\"label\":\"qmp\",\"frontend-open\":true},"
			   "{\"label\":\"agent\",\"frontend-open\":%s}]}\n", open ? "true" : "false");
	else if (strstr(line, "nonsense"))
		fprintf(f, "{\"error\":{\"class\":\"X\",\"desc\":\"no such command\"}}\n");
	else
		fprintf(f, "{\"return\":{}}\n");
}

static void answer_agent(FILE *f, const char *line, const char *kind)
{
	const char *id = strstr(line, "\"id\":");
	if (str_eq(kind, "silent"))
		return;
	if (!id) {
		fprintf(f, "{\"return\": {}}\n");
		return;
	}
	if (str_eq(kind, "stale"))
		fprintf(f, "{\"return\": {\"late\": 1}}\n\xff{\"return\": 1}\n");
	fprintf(f, "\xff{\"return\": %lld}\n", atoll(id + 5));
}

static void *play(void *arg)
{
	const struct peer *peer = arg;
	int fd = accept(peer->listener, NULL, NULL);
	FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
	bool qmp = str_eq(peer->kind, "open") || str_eq(peer->kind, "closed");
	char line[4096];
	if (qmp)
		fprintf(out, "{\"QMP\":{\"version\":{\"qemu\":{\"major\":7,\"minor\":2,\"micro\":22}}}}\n");
	fflush(out);
	while (fgets(line, sizeof(line), in)) {
		if (qmp)
			answer_qmp(out, line, str_eq(peer->kind, "open"));
		else
			answer_agent(out, line, peer->kind);
		fflush(out);
	}
	fclose(in);
	fclose(out);
	return NULL;
}

static pthread_t start_peer(struct peer *peer, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	pthread_t thread;
	strcpy(address.sun_path, path);
	peer->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(peer->listener, 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, play, peer), 0);
	return thread;
}

static void end_peer(struct peer *peer, pthread_t thread, const char *path)
{
	pthread_join(thread, NULL);
	close(peer->listener);
	unlink(path);
}

static void check_agent(const char *dir, const char *kind, enum err_code expected)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *qmp_path = xasprintf("%s/qmp", dir), *path = xasprintf("%s/agent", dir);
	struct peer qemu = { .kind = "open" }, guest = { .kind = kind };
	pthread_t qemu_thread = start_peer(&qemu, qmp_path), thread = start_peer(&guest, path);
	struct qmp qmp;
	struct agent *agent = NULL;
	assert_ok(qmp_open(&qmp, qmp_path, &err));
	assert_ok(vm_agent_open(&qmp, "agent", path, &agent, &err));
	for (int i = 0; i < 2; i++) {
		int result = agent_ping(agent, 1, &err);
		assert_int_equal(result < 0 ? err.code : ERR_NONE, expected);
		err_clear(&err);
	}
	vm_agent_free(agent);
	qmp_close(&qmp);
	end_peer(&guest, thread, path);
	end_peer(&qemu, qemu_thread, qmp_path);
}

static void test_agent(void **state)
{
	_cleanup_free_ char *dir = test_tmpdir();
	struct err err = ERR_INIT;
	check_agent(dir, "echo", ERR_NONE);
	check_agent(dir, "stale", ERR_NONE);
	check_agent(dir, "silent", ERR_TIMEOUT);
	assert_ok(remove_tree(dir, &err));
}

static void test_qmp(void **state)
{
	struct err err = ERR_INIT;
	_cleanup_free_ char *dir = test_tmpdir(), *path = xasprintf("%s/qmp", dir);
	struct peer qemu = { .kind = "closed" };
	struct qmp qmp;
	struct agent *agent = NULL;
	assert_fails(qmp_open(&qmp, path, &err), ERR_SYSTEM, "connect");
	pthread_t thread = start_peer(&qemu, path);
	assert_ok(qmp_open(&qmp, path, &err));
	assert_string_equal(qmp.version, "7.2.22");
	assert_fails(vm_agent_open(&qmp, "agent", path, &agent, &err), ERR_NETWORK,
		     "no guest agent runs");
	assert_fails(qmp_run(&qmp, "nonsense", NULL, NULL, &err), ERR_PROGRAM, "no such command");
	qmp_close(&qmp);
	end_peer(&qemu, thread, path);
	assert_ok(remove_tree(dir, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_args),	 cmocka_unit_test(test_args_uefi_kvm_alone),
		cmocka_unit_test(test_network),	 cmocka_unit_test(test_forwards),
		cmocka_unit_test(test_params),	 cmocka_unit_test(test_agent),
		cmocka_unit_test(test_qmp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
