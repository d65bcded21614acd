// SPDX-License-Identifier: Apache-2.0
/* Deaths of containers and children as Events: which are told, in which words. */
#include <signal.h>

#include "base/text.h"
#include "unit/kube_event_fixture.h"

static void deaths(void **state)
{
	struct record record;

	(void)state;
	event_expect(event_death(EXIT_ERROR, 3, 0), "ContainerCrashed", "Warning",
		     "ended with exit code 3 after 12.0s");
	event_expect(event_death(EXIT_CRASHED, 139, SIGSEGV), "ContainerCrashed", "Warning",
		     "crashed: SIGSEGV after 12.0s");
	event_expect(event_death(EXIT_SIGNALED, 143, SIGTERM), "ContainerCrashed", "Warning",
		     "ended by SIGTERM, sender not seen after 12.0s");
	record = event_death(EXIT_KILLED, 137, SIGKILL);
	record.exit.sender_pid = 9;
	TEXT_COPY(record.exit.sender_comm, "sh");
	event_expect(record, "ContainerCrashed", "Warning",
		     "killed from outside with SIGKILL by sh (pid 9) after 12.0s");
	record.exit.verdict = EXIT_SELF_KILLED;
	event_expect(record, "ContainerCrashed", "Warning",
		     "killed from inside with SIGKILL by sh (pid 9) after 12.0s");
	record = event_death(EXIT_START_FAILED, 128, 0);
	TEXT_COPY(record.exit.message, "exec: \"/nowhere\": no such file");
	event_expect(record, "ContainerExecFailed", "Warning",
		     "never started: exec: \"/nowhere\": no such file");
	record = event_death(EXIT_ERROR, 1, 0);
	record.exit.looping = true;
	record.exit.deaths = 14;
	event_expect(record, "CrashLooping", "Warning",
		     "ended with exit code 1 after 12.0s; crash loop, death 14 in a row");
	record = event_death(EXIT_ERROR, 127, 0);
	record.exit.failed = (struct failed_start){FAILURE_LIBRARY, "libx.so.1", ""};
	event_expect(
		record, "ContainerExecFailed", "Warning",
		"ended with exit code 127 after 12.0s: a shared library is missing: libx.so.1. "
		"Advice: put the library into the image: libx.so.1");
	record = event_death(EXIT_STOPPED, 137, SIGKILL);
	record.exit.stop.cause = STOP_LIVENESS;
	event_expect_none(record); /* the kubelet tells it */
	record.exit.looping = true;
	record.exit.deaths = 5;
	event_expect(
		record, "CrashLooping", "Warning",
		"stopped, its liveness probe failed: SIGKILL, exit code 137 after 12.0s; crash "
		"loop, "
		"death 5 in a row. Advice: add a startup probe: the liveness probe failed before "
		"it "
		"ever listened");
	event_expect_none(event_death(EXIT_COMPLETED, 0, 0));
	event_expect_none(event_death(EXIT_STOPPED, 137, SIGKILL));
	event_expect_none(event_death(EXIT_LOST, 255, 0));
	event_expect_none(event_death(EXIT_OOM_KILLED, 137, SIGKILL)); /* the kill was told */
	record = event_death(EXIT_OOM_KILLED, 137, SIGKILL);
	record.exit.kernel_ns = 0; /* nobody watched the kernel */
	event_expect(record, "ContainerOOMKilled", "Warning", "killed for memory after 12.0s");
	record = event_death(EXIT_ERROR, 3, 0);
	record.subject.pod[0] = '\0';
	event_expect_none(record);
}

/* One alone may be what the program is for; a loop that Kubernetes doesn't see is told. */
static void children(void **state)
{
	struct record record = event_record(RECORD_CHILD);
	struct outbox_entry entry = {0};

	(void)state;
	record.final = false;
	record.child = (struct record_child){
		.verdict = EXIT_CRASHED,
		.comm = "worker",
		.pid = 31,
		.signal = SIGSEGV,
		.count = 2,
	};
	assert_int_equal(kube_event_describe(&event_rules, BOOT, &record, record.boot_ns, &entry),
			 OUTBOX_NOT_YET);
	record.child.count = 3;
	record.child.looping = true;
	record.child.container_survived = SURVIVAL_YES;
	event_expect(record, "WorkerCrashing", "Warning",
		     "worker (pid 31) crashed: SIGSEGV, 3x: the container goes on. Advice: let a "
		     "liveness "
		     "probe need a worker: the pod stays Running while they die");
	assert_true(kube_event_urgent("WorkerCrashing"));
	record.type = RECORD_HOST;
	record.host = (struct record_host){.fact = HOST_DISK_FULL};
	event_expect_none(record); /* evidence is no news of its own */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deaths),
		cmocka_unit_test(children),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
