// SPDX-License-Identifier: Apache-2.0
/* Each thing that doctor looks for is taken away once, and must be named with what to do. */
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/verbs.h"
#include "unit/cli_fixture.h"

#define ALL_CAPABILITIES "CapEff:\t000001ffffffffff\n"

static const char *const tracepoints[] = {
	"sched_process_exec", "sched_process_exit", "task_rename",	   "cgroup_mkdir",
	"cgroup_rmdir",	      "signal_generate",    "inet_sock_set_state", "mark_victim",
	"net_dev_queue",      "netif_receive_skb",
};

enum peer { PEER_NONE, PEER_GRPC, PEER_SILENT, PEER_OTHER };

/* A machine below a folder, on which everything is well. */
struct machine {
	char root[64];
	int listener;
	enum peer peer;
	pthread_t thread;
};

static void path_of(const struct machine *machine, const char *path, char ret[static 256])
{
	snprintf(ret, 256, "%s%s", machine->root, path);
}

static void make_dirs(const struct machine *machine, const char *path)
{
	char full[256];

	path_of(machine, path, full);
	for (char *at = full + strlen(machine->root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(full, 0755);
		*at = '/';
	}
	mkdir(full, 0755);
}

static void put_bytes(const struct machine *machine, const char *path, const void *data,
		      size_t size)
{
	char full[256], *slash;

	make_dirs(machine, path);
	path_of(machine, path, full);
	rmdir(full);
	slash = strrchr(full, '/');
	assert_non_null(slash);
	FILE *file = fopen(full, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	fclose(file);
}

static void put(const struct machine *machine, const char *path, const char *text)
{
	put_bytes(machine, path, text, strlen(text));
}

static void take_away(const struct machine *machine, const char *path)
{
	char full[256];

	path_of(machine, path, full);
	assert_int_equal(remove(full), 0);
}

static void put_btf(const struct machine *machine, const char *without)
{
	struct btf *btf = btf__new_empty();
	int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	uint32_t size;

	for (size_t i = 0; i < sizeof(tracepoints) / sizeof(*tracepoints); i++) {
		char name[64];

		snprintf(name, sizeof(name), "btf_trace_%s", tracepoints[i]);
		if (!without || strcmp(without, tracepoints[i]) != 0)
			btf__add_typedef(btf, name, number);
	}
	const void *data = btf__raw_data(btf, &size);

	put_bytes(machine, "/sys/kernel/btf/vmlinux", data, size);
	btf__free(btf);
}

/* Answers each connection as this peer does. */
static void *serve(void *context)
{
	static const char settings[] = "\0\0\0\4\0\0\0\0"; /* its NUL is the frame's last byte */
	struct machine *machine = context;
	char buffer[256];
	int fd;

	while ((fd = accept(machine->listener, NULL, NULL)) >= 0) {
		if (machine->peer == PEER_GRPC)
			send(fd, settings, sizeof(settings), MSG_NOSIGNAL);
		if (machine->peer == PEER_OTHER)
			send(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL);
		while (recv(fd, buffer, sizeof(buffer), 0) > 0)
			;
		close(fd);
	}
	return NULL;
}

#define SOCKET "/run/containerd/containerd.sock"

static void listen_as(struct machine *machine, enum peer peer)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	machine->peer = peer;
	make_dirs(machine, "/run/containerd");
	snprintf(address.sun_path, sizeof(address.sun_path), "%.60s" SOCKET, machine->root);
	machine->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(machine->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(machine->listener, 4), 0);
	assert_int_equal(pthread_create(&machine->thread, NULL, serve, machine), 0);
}

static void stop_listening(struct machine *machine)
{
	if (machine->peer == PEER_NONE)
		return;
	shutdown(machine->listener, SHUT_RDWR);
	pthread_join(machine->thread, NULL);
	close(machine->listener);
	machine->peer = PEER_NONE;
}

static int setup(void **state)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	strcpy(machine->root, "/tmp/nodewake-test-XXXXXX");
	assert_non_null(mkdtemp(machine->root));
	put(machine, "/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
	put(machine, "/proc/sys/kernel/bpf_stats_enabled", "0\n");
	put(machine, "/proc/self/status", "Name:\tdoctor\n" ALL_CAPABILITIES);
	put(machine, "/proc/self/limits", "Max locked memory         65536  65536  bytes\n");
	put(machine, "/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	put(machine, "/sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
	make_dirs(machine, "/opt/cni/bin");
	make_dirs(machine, "/state");
	put_btf(machine, NULL);
	listen_as(machine, PEER_GRPC);
	*state = machine;
	return 0;
}

static int remove_one(const char *path, const struct stat *found, int kind, struct FTW *walk)
{
	(void)found;
	(void)kind;
	(void)walk;
	return remove(path);
}

static int teardown(void **state)
{
	struct machine *machine = *state;

	stop_listening(machine);
	nftw(machine->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(machine);
	return 0;
}

/* --- what it says ----------------------------------------------------------------------------- */

struct said {
	int code;
	json_t *findings;
};

static struct said ask(const struct machine *machine)
{
	struct capture capture;
	struct said said;
	char dir[256];

	path_of(machine, "/state/nodewake/deep", dir);
	said.code = RUN(&capture, cli_doctor, "doctor", "--root", machine->root, "--state-dir", dir,
			"-o", "json");
	said.findings = json_loads(capture.out, 0, NULL);
	assert_non_null(said.findings);
	capture_done(&capture);
	return said;
}

static const char *member(const struct said *said, const char *check, const char *name)
{
	const json_t *finding;
	size_t i;

	json_array_foreach (said->findings, i, finding)
		if (strcmp(json_string_value(json_object_get(finding, "check")), check) == 0)
			return json_string_value(json_object_get(finding, name));
	return "(not looked at)";
}

static size_t not_ok(const struct said *said)
{
	const json_t *finding;
	size_t i, count = 0;

	json_array_foreach (said->findings, i, finding)
		count += strcmp(json_string_value(json_object_get(finding, "health")), "ok") != 0;
	return count;
}

/* Only this is wrong; it is named, and what to do. */
static void expect(const struct machine *machine, int code, const char *check, const char *health,
		   const char *text, const char *todo)
{
	struct said said = ask(machine);

	assert_string_equal(member(&said, check, "health"), health);
	assert_non_null(strstr(member(&said, check, "text"), text));
	assert_non_null(strstr(member(&said, check, "todo"), todo));
	assert_int_equal(not_ok(&said), 1);
	assert_int_equal(said.code, code);
	json_decref(said.findings);
}

static void all_is_well(void **state)
{
	struct said said = ask(*state);

	assert_int_equal(not_ok(&said), 0);
	assert_int_equal(said.code, 0);
	assert_string_equal(member(&said, "cgroups", "text"), "v2");
	assert_string_equal(member(&said, "tracepoints", "text"), "all 10 are there");
	assert_non_null(strstr(member(&said, "containerd", "text"), "speaks gRPC on /tmp/"));
	assert_non_null(strstr(member(&said, "cni", "text"), "/opt/cni/bin"));
	json_decref(said.findings);
}

static void kernels(void **state)
{
	struct machine *machine = *state;

	put(machine, "/proc/sys/kernel/osrelease", "5.4.0-150-generic\n");
	expect(machine, 1, "kernel", "fail", "5.4.0-150-generic", "5.10 or newer");
	take_away(machine, "/proc/sys/kernel/osrelease");
	expect(machine, 1, "kernel", "warn", "can't be read", "/proc");
}

static void no_btf(void **state)
{
	take_away(*state, "/sys/kernel/btf/vmlinux");
	expect(*state, 1, "btf", "fail", "missing", "CONFIG_DEBUG_INFO_BTF");
}

static void btf_of_garbage(void **state)
{
	put(*state, "/sys/kernel/btf/vmlinux", "garbage");
	expect(*state, 1, "tracepoints", "fail", "can't be read", "root");
}

static void each_tracepoint(void **state)
{
	for (size_t i = 0; i < sizeof(tracepoints) / sizeof(*tracepoints); i++) {
		put_btf(*state, tracepoints[i]);
		expect(*state, 1, "tracepoint", "warn", tracepoints[i], "gap");
		struct said said = ask(*state);

		assert_string_equal(member(&said, "tracepoints", "health"), "(not looked at)");
		json_decref(said.findings);
	}
}

static void each_capability(void **state)
{
	struct said said;

	/* CAP_SYSLOG (34), CAP_PERFMON (38) and CAP_BPF (39) are what the DaemonSet has */
	put(*state, "/proc/self/status", "CapEff:\t000000c400000000\n");
	said = ask(*state);
	assert_int_equal(not_ok(&said), 0);
	json_decref(said.findings);
	put(*state, "/proc/self/status", "CapEff:\t0000008400000000\n");
	expect(*state, 1, "capability", "fail", "CAP_PERFMON", "root");
	put(*state, "/proc/self/status", "CapEff:\t0000004400000000\n");
	expect(*state, 1, "capability", "fail", "CAP_BPF", "root");
	put(*state, "/proc/self/status", "CapEff:\t000000c000000000\n");
	expect(*state, 1, "capability", "warn", "CAP_SYSLOG", "grant it");
	/* CAP_SYS_ADMIN (21) contains the two of eBPF */
	put(*state, "/proc/self/status", "CapEff:\t0000000400200000\n");
	said = ask(*state);
	assert_int_equal(not_ok(&said), 0);
	json_decref(said.findings);
	put(*state, "/proc/self/status", "CapEff:\t0000000000000000\n");
	said = ask(*state);
	assert_int_equal(not_ok(&said), 3);
	assert_int_equal(said.code, 1);
	json_decref(said.findings);
}

static void locked_memory(void **state)
{
	/* the DaemonSet's, so without CAP_SYS_RESOURCE (24) */
	put(*state, "/proc/self/status", "CapEff:\t000000c400000000\n");
	put(*state, "/proc/sys/kernel/osrelease", "5.10.0-30-amd64\n");
	expect(*state, 1, "memlock", "warn", "65536", "LimitMEMLOCK");
	put(*state, "/proc/self/limits", "Max locked memory  65536  unlimited  bytes\n");
	struct said said = ask(*state);

	assert_int_equal(not_ok(&said), 0);
	json_decref(said.findings);
}

static void lockdown(void **state)
{
	put(*state, "/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
	expect(*state, 1, "lockdown", "fail", "confidentiality", "lockdown=");
}

static void cgroup_layouts(void **state)
{
	struct said said;

	take_away(*state, "/sys/fs/cgroup/cgroup.controllers");
	expect(*state, 1, "cgroups", "fail", "not mounted", "mount");
	make_dirs(*state, "/sys/fs/cgroup/memory");
	said = ask(*state);
	assert_string_equal(member(&said, "cgroups", "text"), "v1");
	json_decref(said.findings);
	make_dirs(*state, "/sys/fs/cgroup/unified");
	said = ask(*state);
	assert_non_null(strstr(member(&said, "cgroups", "text"), "hybrid"));
	json_decref(said.findings);
}

static void containerds(void **state)
{
	struct machine *machine = *state;

	stop_listening(machine);
	expect(machine, 1, "containerd", "warn", "Connection refused", "start containerd");
	take_away(machine, SOCKET);
	expect(machine, 1, "containerd", "warn", "no socket", "--containerd-socket");
	listen_as(machine, PEER_OTHER);
	expect(machine, 1, "containerd", "warn", SOCKET, "not containerd");
	stop_listening(machine);
	take_away(machine, SOCKET);
	listen_as(machine, PEER_SILENT);
	expect(machine, 1, "containerd", "warn", "timed out", "does not answer");
}

static void state_dirs(void **state)
{
	take_away(*state, "/state");
	put(*state, "/state", "a file");
	expect(*state, 1, "state", "warn", "Not a directory", "--state-dir");
	take_away(*state, "/state");
	put(*state, "/state/nodewake/deep", "a file");
	expect(*state, 1, "state", "warn", "Not a directory", "--state-dir");
}

static void no_cni(void **state)
{
	struct machine *machine = *state;
	struct capture capture;

	take_away(machine, "/opt/cni/bin");
	expect(machine, 1, "cni", "warn", "no CNI plugins", "--cni-dirs");
	make_dirs(machine, "/own/plugins");
	assert_int_equal(RUN(&capture, cli_doctor, "doctor", "--root", machine->root, "--state-dir",
			     machine->root, "--cni-dirs", "/none:/own/plugins/"),
			 CLI_OK);
	assert_non_null(strstr(capture.out, "plugins in /own/plugins/"));
	capture_done(&capture);
}

/* Without either source there is nothing to watch. */
static void it_can_not_run_at_all(void **state)
{
	struct machine *machine = *state;
	struct said said;

	stop_listening(machine);
	take_away(machine, SOCKET);
	take_away(machine, "/sys/kernel/btf/vmlinux");
	said = ask(machine);
	assert_int_equal(said.code, 2);
	json_decref(said.findings);
}

static void systemds(void **state)
{
	struct machine *machine = *state;
	struct said said = ask(machine);

	assert_non_null(strstr(member(&said, "systemd", "text"), "not here"));
	json_decref(said.findings);
	make_dirs(machine, "/run/systemd/system/x");
	expect(machine, 1, "systemd", "warn", "neither", "/run/systemd");
	put(machine, "/run/dbus/system_bus_socket", "");
	said = ask(machine);
	assert_non_null(strstr(member(&said, "systemd", "text"), "bus"));
	json_decref(said.findings);
	put(machine, "/run/systemd/private", "");
	said = ask(machine);
	assert_non_null(strstr(member(&said, "systemd", "text"), "own socket"));
	json_decref(said.findings);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(all_is_well),     TEST(kernels),
		TEST(no_btf),	       TEST(btf_of_garbage),
		TEST(each_tracepoint), TEST(each_capability),
		TEST(locked_memory),   TEST(lockdown),
		TEST(cgroup_layouts),  TEST(containerds),
		TEST(state_dirs),      TEST(no_cni),
		TEST(systemds),	       TEST(it_can_not_run_at_all),
	};

	unsetenv("NODEWAKE_CONTAINERD_SOCKET");
	unsetenv("NODEWAKE_CNI_DIRS");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
