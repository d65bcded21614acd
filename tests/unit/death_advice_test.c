// SPDX-License-Identifier: Apache-2.0
/* Each rule with the evidence that suffices, and with evidence that falls short of it. */
#include "model/death_advice.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "unit/death_scene.h"

static const char *of(const struct record *exit, const struct record *oom,
		      const struct record *child)
{
	static char advice[CAUSE_SIZE];

	bool told = death_advice(exit, oom, child, advice);

	assert_int_equal(told, *advice != '\0');
	return advice;
}

static void failed_starts(void **state)
{
	static const struct {
		struct failed_start failed;
		const char *advice;
	} cases[] = {
		{{FAILURE_NOT_FOUND, "/srv/app", ""},
		 "correct the command, or the image that lacks it: /srv/app"},
		{{FAILURE_PERMISSION, "/srv/app", ""},
		 "make it executable in the image for the user it runs as: /srv/app"},
		{{FAILURE_DIRECTORY, "/srv", ""},
		 "correct the command, it names a directory: /srv"},
		{{FAILURE_FORMAT, "/srv/app", ""},
		 "use an image for this node's architecture; a script needs #!: /srv/app"},
		{{FAILURE_INTERPRETER, "/run.sh", ""},
		 "put the interpreter into the image, or remove CRLF behind #!: /run.sh"},
		{{FAILURE_LIBRARY, "libx.so.1", ""}, "put the library into the image: libx.so.1"},
		{{FAILURE_READ_ONLY, "/var", ""}, "mount a volume where it writes: /var"},
		{{FAILURE_MOUNT, "/etc/x", ""}, "correct the volume mount: /etc/x"},
		{{FAILURE_WORKING_DIR, "/w", ""},
		 "correct workingDir, or make it in the image: /w"},
		{{FAILURE_USER, "joe", ""}, "correct the user, or add it to the image: joe"},
		{{FAILURE_NOT_FOUND, "", "no such file"}, ""}, /* what is not known */
		{{FAILURE_CGROUP, "memory", ""}, ""},
		{{FAILURE_OTHER, "x", "y"}, ""},
		{{FAILURE_NONE, "x", ""}, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct record record = make_exit("web", "app", 1);

		record.exit.failed = cases[i].failed;
		assert_string_equal(of(&record, NULL, NULL), cases[i].advice);
	}
}

static void memory(void **state)
{
	struct record record = make_leak("web", "app", 1000);
	struct record_oom *oom = &record.oom;

	(void)state;
	assert_string_equal(of(NULL, &record, NULL),
			    "find the leak: python3 grows 48MiB a minute; a higher limit only puts "
			    "it off");
	oom->series.leak = false; /* it lived 10 min, so it fits for a while */
	assert_string_equal(of(NULL, &record, NULL), "");
	oom->victims[0].start_ns = record.boot_ns - NS_PER_SECOND;
	assert_string_equal(of(NULL, &record, NULL),
			    "raise the container's memory limit: 512MiB is too little for python3 "
			    "to start");
	oom->scope = SCOPE_POD;
	assert_string_equal(of(NULL, &record, NULL),
			    "raise the pod's memory limit: 512MiB is too little for python3 to "
			    "start");
	oom->series.count = 1; /* once is no proof */
	assert_string_equal(of(NULL, &record, NULL), "");
	oom->memory.shmem_bytes = 300 << 20;
	assert_string_equal(
		of(NULL, &record, NULL),
		"files in memory (tmpfs, /dev/shm, emptyDir medium Memory) are 300MiB of "
		"512MiB: limit their size");
	TEXT_COPY(oom->killer, "earlyoom");
	assert_string_equal(of(NULL, &record, NULL),
			    "see the settings of earlyoom: it killed before a limit was hit");
}

static void the_node(void **state)
{
	struct record record = make_oom("web", "app", 1000);
	struct record_oom *oom = &record.oom;

	(void)state;
	oom->scope = SCOPE_NODE;
	assert_string_equal(of(NULL, &record, NULL), "");
	oom->pod_count = 1;
	oom->pods[0] = (struct oom_pod){"shop/db", UINT64_C(3) << 30, 1 << 30, false};
	assert_string_equal(of(NULL, &record, NULL), "");
	oom->pods[0].request_known = true;
	assert_string_equal(of(NULL, &record, NULL),
			    "limit shop/db: it uses 3GiB and requests 1GiB");
	oom->pods[0].request_bytes = 0;
	assert_string_equal(of(NULL, &record, NULL),
			    "request memory for shop/db: it uses 3GiB and requests nothing");
}

static void stops(void **state)
{
	struct record record = make_stop("web", "app", 1000);
	struct stop *stop = &record.exit.stop;

	(void)state;
	assert_string_equal(of(&record, NULL, NULL),
			    "end on SIGTERM, or raise terminationGracePeriodSeconds: 30s did not "
			    "suffice");
	stop->hook_ns = 30 * NS_PER_SECOND;
	assert_string_equal(
		of(&record, NULL, NULL),
		"shorten the preStop hook, or raise terminationGracePeriodSeconds: 30s");
	stop->overran = false;
	assert_string_equal(
		of(&record, NULL, NULL),
		"add a startup probe: the liveness probe failed before it ever listened");
	record.exit.listen_ns = record.exit.started_ns + 1;
	assert_string_equal(of(&record, NULL, NULL), "");
	record.exit.listen_ns = record.exit.kernel_ns = 0; /* nobody watched */
	assert_string_equal(of(&record, NULL, NULL), "");
	stop->cause = STOP_EVICTION;
	assert_string_equal(of(&record, NULL, NULL), "");
	TEXT_COPY(stop->told, "The node was low on resource: memory. Threshold quantity: 100Mi");
	assert_string_equal(of(&record, NULL, NULL),
			    "request the memory that it uses: pods above their request go first");
	TEXT_COPY(stop->told, "Pod ephemeral local storage usage exceeds the total limit");
	assert_string_equal(of(&record, NULL, NULL),
			    "write less to the container's disk, or raise its ephemeral-storage");
}

static void crashes(void **state)
{
	struct record record = make_crash("web", "app", 1000);

	(void)state;
	assert_string_equal(of(&record, NULL, NULL), "");
	record.exit.host[0].fact = HOST_DISK_FULL;
	TEXT_COPY(record.exit.host[0].resource, "/var/lib");
	assert_string_equal(of(&record, NULL, NULL), "make room on /var/lib");
	record.exit.host_count = 0;
	assert_string_equal(of(&record, NULL, NULL), "");
	record.exit.signal = SIGSYS;
	assert_string_equal(of(&record, NULL, NULL),
			    "allow the system call in its seccomp profile, or don't make it");
}

static void children(void **state)
{
	struct record record = make_child("web", "app", 1000);

	(void)state;
	assert_string_equal(
		of(NULL, NULL, &record),
		"let a liveness probe need a worker: the pod stays Running while they die");
	record.child.container_survived = SURVIVAL_UNKNOWN;
	assert_string_equal(of(NULL, NULL, &record), "");
	record.child.container_survived = SURVIVAL_YES;
	record.child.looping = false;
	assert_string_equal(of(NULL, NULL, &record), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failed_starts), cmocka_unit_test(memory),
		cmocka_unit_test(the_node),	 cmocka_unit_test(stops),
		cmocka_unit_test(crashes),	 cmocka_unit_test(children),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
