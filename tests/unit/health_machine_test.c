// SPDX-License-Identifier: Apache-2.0
/* K3s, kubelet and containerd: found by process, by unit or by file, and what is said where they aren't well. */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "cli/health/health_machine.h"

static char root[64];

static void put(const char *path, const char *text)
{
	char full[256];

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	FILE *file = fopen(full, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/nodewake-test-XXXXXX");
	assert_non_null(mkdtemp(root));
	put("/proc/1/comm", "systemd\n");
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
	(void)state;
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static struct health_machine read_machine(void)
{
	struct health_machine machine;

	health_machine_read(&machine, root);
	return machine;
}

static void processes(void **state)
{
	struct health_machine machine;

	(void)state;
	put("/proc/700/comm", "k3s-server\n");
	put("/proc/701/comm", "containerd\n");
	put("/proc/702/comm", "containerd-shim\n");
	put("/proc/703/comm", "kubeletter\n");
	put("/proc/self/comm", "kubelet\n");
	machine = read_machine();
	assert_true(machine.processes_seen);
	assert_int_equal(machine.k3s.pid, 700);
	assert_int_equal(machine.containerd.pid, 701);
	assert_int_equal(machine.kubelet.pid, 0);
	assert_int_equal(health_machine_kind(&machine), KIND_K3S);
	health_machine_done(&machine);
}

/* NixOS wraps programs in scripts. */
static void wrapped_processes(void **state)
{
	struct health_machine machine;

	(void)state;
	put("/proc/700/comm", ".kubelet-wrapped\n");
	put("/proc/701/comm", ".containerd-wra\n");
	machine = read_machine();
	assert_int_equal(machine.kubelet.pid, 700);
	assert_int_equal(health_machine_kind(&machine), KIND_KUBELET);
	health_machine_done(&machine);
}

static void files(void **state)
{
	struct health_machine machine = read_machine();

	(void)state;
	assert_int_equal(health_machine_kind(&machine), KIND_NONE);
	health_machine_done(&machine);
	put("/var/lib/kubelet/config.yaml", "");
	machine = read_machine();
	assert_int_equal(health_machine_kind(&machine), KIND_KUBELET);
	health_machine_done(&machine);
	put("/etc/rancher/k3s/k3s.yaml", "");
	machine = read_machine();
	assert_int_equal(health_machine_kind(&machine), KIND_K3S);
	health_machine_done(&machine);
	/* what runs counts more than what is left of another */
	put("/proc/700/comm", "kubelet\n");
	machine = read_machine();
	assert_int_equal(health_machine_kind(&machine), KIND_KUBELET);
	health_machine_done(&machine);
}

/* --- judging --------------------------------------------------------------------------------- */

static void with_unit(struct health_machine *machine, const char *name, const char *load,
		      const char *active, const char *sub)
{
	struct unit_state *unit = &machine->units[machine->unit_count++];

	strcpy(unit->name, name);
	strcpy(unit->load, load);
	strcpy(unit->active, active);
	strcpy(unit->sub, sub);
}

static void expect_service(const struct health_machine *machine, enum grade grade,
			   const char *check, const char *text, const char *todo)
{
	struct health_report report = {0};

	health_judge_service(&report, machine);
	assert_int_equal(report.count, 1);
	assert_int_equal(report.findings[0].grade, grade);
	assert_string_equal(report.findings[0].check, check);
	assert_string_equal(report.findings[0].text, text);
	if (*todo)
		assert_non_null(strstr(report.findings[0].todo, todo));
	else
		assert_string_equal(report.findings[0].todo, "");
}

static void units(void **state)
{
	struct health_machine machine = {.processes_seen = true};
	struct health_report report = {0};

	(void)state;
	with_unit(&machine, "k3s.service", "not-found", "inactive", "dead");
	with_unit(&machine, "kubelet.service", "not-found", "inactive", "dead");
	health_judge_service(&report, &machine);
	assert_int_equal(report.count, 0); /* neither is installed */

	machine.unit_count = 0;
	with_unit(&machine, "k3s.service", "loaded", "active", "running");
	expect_service(&machine, GRADE_OK, "k3s", "k3s.service is active", "");
	machine.unit_count = 0;
	with_unit(&machine, "k3s.service", "loaded", "activating", "start");
	expect_service(&machine, GRADE_BAD, "k3s", "k3s.service is activating (start)",
		       "journalctl -b -u k3s.service -e");
	machine.k3s.pid = 700; /* it runs, and has not said that it is ready */
	expect_service(&machine, GRADE_BAD, "k3s", "k3s.service is activating (start)",
		       "journalctl");
	machine.k3s.pid = 0;
	machine.unit_count = 0;
	with_unit(&machine, "k3s.service", "loaded", "failed", "failed");
	expect_service(&machine, GRADE_BAD, "k3s", "k3s.service is failed (failed)", "journalctl");
	machine.unit_count = 0;
	with_unit(&machine, "k3s.service", "loaded", "inactive", "dead");
	expect_service(&machine, GRADE_BAD, "k3s", "k3s.service is inactive (dead)",
		       "systemctl start k3s.service");
	/* started by hand */
	machine.k3s.pid = 700;
	expect_service(&machine, GRADE_OK, "k3s", "runs (pid 700)", "");
	/* a server's unit may be left over on an agent */
	machine.k3s.pid = 0;
	with_unit(&machine, "k3s-agent.service", "loaded", "active", "running");
	expect_service(&machine, GRADE_OK, "k3s", "k3s-agent.service is active", "");
	machine.unit_count = 0;
	with_unit(&machine, "kubelet.service", "loaded", "active", "running");
	expect_service(&machine, GRADE_OK, "kubelet", "kubelet.service is active", "");
}

static void without_systemd(void **state)
{
	struct health_machine machine = {.processes_seen = true, .kubelet_files = true};
	struct health_report report = {0};

	(void)state;
	expect_service(&machine, GRADE_BAD, "kubelet", "does not run", "start it");
	machine.kubelet.pid = 12;
	expect_service(&machine, GRADE_OK, "kubelet", "runs (pid 12)", "");
	machine.kubelet.pid = 0;
	machine.processes_seen = false; /* in a pod */
	health_judge_service(&report, &machine);
	assert_int_equal(report.findings[0].grade, GRADE_UNKNOWN);
	assert_true(report.findings[0].aside);
}

static void expect_containerd(const struct health_machine *machine, int answer, enum grade grade,
			      const char *text, const char *todo)
{
	struct health_report report = {0};

	health_judge_containerd(&report, machine, "/run/c.sock", answer);
	assert_int_equal(report.count, 1);
	assert_int_equal(report.findings[0].grade, grade);
	assert_string_equal(report.findings[0].text, text);
	assert_non_null(strstr(report.findings[0].todo, todo));
}

static void containerds(void **state)
{
	struct health_machine machine = {.processes_seen = true};

	(void)state;
	expect_containerd(&machine, 0, GRADE_OK, "answers on /run/c.sock", "");
	expect_containerd(&machine, -ENOENT, GRADE_BAD, "/run/c.sock: No such file or directory",
			  "journalctl -b -u containerd -e");
	expect_containerd(&machine, -EPROTO, GRADE_BAD,
			  "/run/c.sock: who listens there is not containerd",
			  "--containerd-socket");
	machine.containerd.pid = 9;
	expect_containerd(&machine, -ETIMEDOUT, GRADE_BAD,
			  "/run/c.sock: Connection timed out, though its process runs", "its log");
	expect_containerd(&machine, -EACCES, GRADE_UNKNOWN,
			  "its process runs; /run/c.sock: permission denied", "root");
	with_unit(&machine, "containerd.service", "loaded", "failed", "failed");
	expect_containerd(&machine, -ECONNREFUSED, GRADE_BAD,
			  "containerd.service is failed (failed)",
			  "journalctl -b -u containerd.service -e");
	/* K3s has one of its own inside */
	machine.k3s_files = true;
	machine.containerd.pid = 0;
	expect_containerd(&machine, -ECONNREFUSED, GRADE_BAD, "/run/c.sock: Connection refused",
			  "journalctl -b -u k3s -e, and "
			  "/var/lib/rancher/k3s/agent/containerd/containerd.log");
	/* and RKE2 */
	with_unit(&machine, "rke2-agent.service", "loaded", "active", "running");
	assert_string_equal(health_machine_service(&machine), "rke2-agent.service");
	expect_containerd(&machine, -ECONNREFUSED, GRADE_BAD, "/run/c.sock: Connection refused",
			  "RKE2 starts it: journalctl -b -u rke2-agent.service -e, and "
			  "/var/lib/rancher/rke2/agent/containerd/containerd.log");
}

static void containers_that_are_there(void **state)
{
	static char ids[3][ID_SIZE] = {"aa", "bb", "dd"};
	struct health_machine machine = {.alive = ids, .alive_count = 3};

	(void)state;
	assert_true(health_machine_alive(&machine, "aa"));
	assert_true(health_machine_alive(&machine, "dd"));
	assert_false(health_machine_alive(&machine, "cc"));
	assert_false(health_machine_alive(&machine, ""));
	machine.alive_count = 0;
	assert_false(health_machine_alive(&machine, "aa"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(processes),
		TEST(wrapped_processes),
		TEST(files),
		cmocka_unit_test(units),
		cmocka_unit_test(without_systemd),
		cmocka_unit_test(containerds),
		cmocka_unit_test(containers_that_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
