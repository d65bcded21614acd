// SPDX-License-Identifier: Apache-2.0
/* Each way to die in one sentence, and what led to it. */
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "unit/sentence_fixture.h"

static void ooms(void **state)
{
	struct record record = make_oom("aidb", "app", 1);
	struct record_oom *oom = &record.oom;

	(void)state;
	oom->victims[0].init = true;
	oom->victims[0].shmem_kb = 2048;
	oom->container_survived = SURVIVAL_NO;
	oom->victim_total = 3;
	oom->scope = SCOPE_POD;
	oom->invoker_pid = 7;
	expect_words(&record,
		     "init python3 (pid 8476) and 2 more killed for memory, container ended; "
		     "pod limit 512MiB, it held 480MiB anon, 2MiB shmem; triggered by "
		     "python3 (pid 7)");
	oom->scope = SCOPE_CGROUP;
	oom->victim_total = 1;
	oom->container_survived = SURVIVAL_UNKNOWN;
	oom->invoker_pid = 0;
	*record.subject.container_id = '\0';
	expect_words(&record, "python3 (pid 8476) killed for memory; limit of /kubepods/pod1/c1 "
			      "512MiB, it held 480MiB anon, 2MiB shmem");
	oom->scope = SCOPE_NODE;
	oom->pod_count = 1;
	oom->pods[0] = (struct oom_pod){"shop/db", UINT64_C(3) << 30, 1 << 30, true};
	expect_words(&record,
		     "python3 (pid 8476) killed for memory; the node ran out of memory, it "
		     "held 480MiB anon, 2MiB shmem; furthest above its request: shop/db with 3GiB, "
		     "requested 1GiB");
	oom->pods[0].request_bytes = 0;
	expect_words(&record,
		     "python3 (pid 8476) killed for memory; the node ran out of memory, it "
		     "held 480MiB anon, 2MiB shmem; furthest above its request: shop/db with 3GiB, "
		     "requested nothing");
	oom->scope = SCOPE_NONE;
	oom->limit_bytes = 0;
	expect_words(&record,
		     "python3 (pid 8476) killed for memory; whose limit was hit is not known, "
		     "it held 480MiB anon, 2MiB shmem");
}

static void what_led_to_an_oom(void **state)
{
	struct record record = make_oom("aidb", "app", 1);
	struct record_oom *oom = &record.oom;

	(void)state;
	oom->victims[0].worker = 3;
	oom->victims[0].workers = 4;
	TEXT_COPY(oom->victims[0].parent_comm, "gunicorn");
	oom->near_ns = 41 * NS_PER_SECOND;
	oom->series = (struct oom_series){
		.count = 4,
		.interval_ns = 41 * 60 * NS_PER_SECOND,
		.growth_bytes_per_min = 12 << 20,
		.leak = true,
	};
	expect_words(&record,
		     "child python3 (pid 8476, worker 3 of 4, of gunicorn) killed for memory, "
		     "container survived; container limit 512MiB (near it for 41.0s), it held "
		     "480MiB anon; triggered by itself; 4 times so far, every 41min 0.0s, growing "
		     "12MiB a minute: a leak");
	record.oom = (struct record_oom){
		.victim_total = 1,
		.victim_count = 1,
		.victims = {{.pid = 9, .comm = "java", .init = true, .anon_kb = 1024}},
		.killer = "systemd-oomd",
		.killer_pid = 300,
	};
	expect_words(&record, "init java (pid 9) killed for memory by systemd-oomd (pid 300), not "
			      "by the kernel, it held 1MiB anon");
}

static void exits(void **state)
{
	static const struct {
		struct record_exit exit;
		const char *words;
	} cases[] = {
		{{.verdict = EXIT_COMPLETED}, "completed"},
		{{.verdict = EXIT_ERROR, .code = 3}, "ended with exit code 3"},
		{{.verdict = EXIT_CRASHED, .code = 139, .signal = SIGSEGV}, "crashed: SIGSEGV"},
		{{.verdict = EXIT_CRASHED,
		  .signal = SIGSEGV,
		  .sender_signal = SIGSEGV,
		  .fault_address = 0x10,
		  .core_dumped = true},
		 "crashed: SIGSEGV at address 0x10, core dumped"},
		{{.verdict = EXIT_CRASHED,
		  .signal = SIGSEGV,
		  .sender_signal = SIGSEGV,
		  .fault_code = SEGV_MAPERR},
		 "crashed: SIGSEGV at address 0x0: not mapped, a null pointer"},
		{{.verdict = EXIT_CRASHED,
		  .signal = SIGSYS,
		  .sender_signal = SIGSYS,
		  .fault_code = 1},
		 "crashed: SIGSYS, a system call that its seccomp profile forbids"},
		{{.verdict = EXIT_CRASHED,
		  .signal = SIGSEGV,
		  .sender_signal = SIGSEGV,
		  .fault_code = 128},
		 "crashed: SIGSEGV, no canonical address, or a privileged instruction"},
		{{.verdict = EXIT_CRASHED, .signal = SIGABRT, .sender_signal = SIGABRT},
		 "aborted itself (SIGABRT)"},
		{{.verdict = EXIT_CRASHED, .code = 139}, "crashed: exit code 139"},
		{{.verdict = EXIT_OOM_KILLED, .signal = SIGKILL}, "killed for memory"},
		{{.verdict = EXIT_STOPPED, .sender_signal = SIGTERM, .code = 0},
		 "stopped through the container runtime: SIGTERM, exit code 0"},
		{{.verdict = EXIT_STOPPED, .code = 143},
		 "stopped through the container runtime, exit code 143"},
		{{.verdict = EXIT_KILLED,
		  .signal = SIGKILL,
		  .sender_pid = 9,
		  .sender_comm = "kill"},
		 "killed from outside with SIGKILL by kill (pid 9)"},
		{{.verdict = EXIT_SELF_KILLED,
		  .signal = SIGTERM,
		  .sender_pid = 9,
		  .sender_comm = "sh"},
		 "killed from inside with SIGTERM by sh (pid 9)"},
		{{.verdict = EXIT_SIGNALED, .signal = 35}, "ended by signal 35, sender not seen"},
		{{.verdict = EXIT_START_FAILED, .code = 128, .message = "no such file"},
		 "never started: no such file"},
		{{.verdict = EXIT_STOPPED,
		  .sender_signal = SIGTERM,
		  .code = 143,
		  .stop = {.cause = STOP_LIVENESS, .term_ns = 7}},
		 "stopped, its liveness probe failed: SIGTERM, exit code 143"},
		{{.verdict = EXIT_STOPPED,
		  .sender_signal = SIGKILL,
		  .signal = SIGKILL,
		  .code = 137,
		  .stop = {.cause = STOP_DRAIN,
			   .term_ns = NS_PER_SECOND,
			   .kill_ns = 31 * NS_PER_SECOND,
			   .overran = true}},
		 "stopped, the pod was evicted through the API (drain): SIGKILL 30.0s after "
		 "SIGTERM, "
		 "its time was up, exit code 137"},
		{{.verdict = EXIT_START_FAILED,
		  .code = 128,
		  .message = "OCI runtime create failed: and so on",
		  .failed = {FAILURE_NOT_FOUND, "/srv/app", "no such file or directory"}},
		 "never started: no such program: /srv/app"},
		{{.verdict = EXIT_START_FAILED, .failed = {FAILURE_OTHER, "", "what runc said"}},
		 "never started: what runc said"},
		{{.verdict = EXIT_START_FAILED, .message = "m", .failed = {.kind = FAILURE_OTHER}},
		 "never started: m"},
		{{.verdict = EXIT_ERROR, .code = 127, .failed = {FAILURE_LIBRARY, "libx.so.1", ""}},
		 "ended with exit code 127: a shared library is missing: libx.so.1"},
		{{.verdict = EXIT_ERROR,
		  .code = 1,
		  .deaths = 4,
		  .looping = true,
		  .loop = {.pattern = LOOP_SAME,
			   .count = 4,
			   .shortest_ns = 3 * NS_PER_SECOND,
			   .longest_ns = 4 * NS_PER_SECOND}},
		 "ended with exit code 1; crash loop, death 4 in a row, the same end each time "
		 "after 3.00s to 4.00s"},
		{{.verdict = EXIT_ERROR,
		  .code = 1,
		  .child_deaths = 3,
		  .host_count = 2,
		  .host = {{HOST_DISK_FULL, 1, "/var/lib", "x"}},
		  .kubernetes_reason = "OOMKilled",
		  .kubernetes_wrong = true},
		 "ended with exit code 1; 3 of its children died by a signal before; on the host: "
		 "disk-full /var/lib and 1 more; Kubernetes says OOMKilled, which is wrong"},
		{{.verdict = EXIT_LOST}, "is gone; how it ended could not be found"},
		{{.verdict = EXIT_ERROR, .code = 1, .deaths = 4, .looping = true},
		 "ended with exit code 1; crash loop, death 4 in a row"},
		{{.verdict = EXIT_ERROR, .code = 1, .reconstructed = true},
		 "ended with exit code 1 [reconstructed]"},
		{{.verdict = EXIT_ERROR, .code = 1, .started_ns = 1, .finished_ns = 151400000001},
		 "ended with exit code 1 after 2min 31.4s"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct record record = make_exit("web", "app", 1);

		record.exit = cases[i].exit;
		expect_words(&record, cases[i].words);
	}
}

static void children(void **state)
{
	struct record record = make_exit("web", "app", 1);

	(void)state;
	record.type = RECORD_CHILD;
	record.child = (struct record_child){
		.verdict = EXIT_CRASHED,
		.comm = "worker",
		.parent_comm = "gunicorn",
		.pid = 31,
		.signal = SIGSEGV,
		.fault_address = 0x10,
		.fault_code = SEGV_MAPERR,
		.age_ns = 2 * NS_PER_SECOND,
		.count = 3,
		.interval_ns = 41 * NS_PER_SECOND,
		.container_survived = SURVIVAL_YES,
	};
	expect_line(&record,
		    "06:00:01Z child shop/web/app                     worker (pid 31, of gunicorn) "
		    "crashed: SIGSEGV at address 0x10: not mapped, a null pointer after 2.00s, 3x, "
		    "every 41.0s: the container goes on\n");
	record.child = (struct record_child){
		.verdict = EXIT_CRASHED,
		.comm = "w",
		.pid = 31,
		.signal = SIGABRT,
		.sender_pid = 31,
		.container_survived = SURVIVAL_NO,
	};
	expect_words(&record, "w (pid 31) aborted itself (SIGABRT): the container ended");
	record.child = (struct record_child){.comm = "w", .pid = 31, .signal = SIGSEGV};
	record.child.verdict = EXIT_CRASHED; /* nothing is known of the fault */
	expect_words(&record, "w (pid 31) crashed: SIGSEGV");
	record.child = (struct record_child){.verdict = EXIT_ERROR, .comm = "w", .code = 2};
	expect_words(&record, "w (pid 0) ended with exit code 2");
}

static void hosts(void **state)
{
	struct record record = make_exit("", "", 1);

	(void)state;
	record.type = RECORD_HOST;
	record.host = (struct record_host){
		.fact = HOST_DISK_FULL,
		.resource = "/var/lib",
		.detail = "no space left on device",
		.count = 2,
	};
	expect_line(&record, "06:00:01Z host  /var/lib                         disk-full: no space "
			     "left on device, 2x\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ooms),	 cmocka_unit_test(what_led_to_an_oom),
		cmocka_unit_test(exits), cmocka_unit_test(children),
		cmocka_unit_test(hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
