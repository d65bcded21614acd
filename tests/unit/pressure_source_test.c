// SPDX-License-Identifier: Apache-2.0
/* When the node and its starting pods are looked at: at the moments that bound a start, once a second between, else never. */
#include "source/pressure_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"

#define POD	"0f0f0f0f-1111-2222-3333-444444444444"
#define POD_DIR "kubepods/pod" POD
#define SAND	"5a"
#define WEB	"c1"
#define GAP	55000 /* us; no two samples come closer */

struct fixture {
	char dir[64];
	sd_event *loop;
	struct pressure_source *source;
	struct event node, pod; /* the last */
	int node_count, pod_count;
};

static void on_event(void *context, const struct event *event)
{
	struct fixture *f = context;

	assert_int_equal(event->type, EVENT_PRESSURE);
	if (*event->pressure.pod_uid) {
		f->pod_count += event->boot_ns != f->pod.boot_ns; /* twice at one moment is once */
		f->pod = *event;
	} else {
		f->node = *event;
		f->node_count++;
	}
	pressure_source_event(f->source, event); /* the daemon shows it all */
}

static void put(const struct fixture *f, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void put_psi(const struct fixture *f, const char *dir, const char *suffix, int total)
{
	static const char *const names[] = {"cpu", "io", "memory"};
	char name[128], text[128];

	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s/%s%s", dir, names[i], suffix);
		snprintf(text, sizeof(text), "some total=%d\nfull total=%d\n", total, total / 2);
		put(f, name, text);
	}
}

static void open_fixture(struct fixture *f, bool memory_on_v1, uint64_t window_ns)
{
	static const char *const dirs[] = {"pressure", "kubepods", POD_DIR};
	char path[256];
	struct pressure_source_options options = {
		.memory_on_v1 = memory_on_v1,
		.start_window_ns = window_ns,
	};

	*f = (struct fixture){.dir = "/tmp/pressure-source-XXXXXX"};
	assert_non_null(mkdtemp(f->dir));
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, dirs[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	put_psi(f, "pressure", "", 1000);
	put_psi(f, POD_DIR, ".pressure", 20);
	put(f, "meminfo", "MemTotal: 16000 kB\nMemAvailable: 4000 kB\n");
	put(f, "diskstats", "8 0 sda 1 0 0 0 0 0 0 0 0 50 9\n");
	options.proc = options.sys = options.cgroup_root = f->dir;
	assert_true(sd_event_new(&f->loop) >= 0);
	assert_int_equal(pressure_source_new(&f->source, f->loop, &options, on_event, f), 0);
}

static void close_fixture(struct fixture *f)
{
	char command[128];

	pressure_source_free(f->source);
	sd_event_unref(f->loop);
	snprintf(command, sizeof(command), "rm -r %s", f->dir);
	assert_int_equal(system(command), 0);
}

static void cgroup(struct fixture *f, enum event_type type, const char *id, uint32_t flags)
{
	struct event event = {.type = type, .flags = flags, .boot_ns = clock_boot_ns()};

	TEXT_COPY(event.cgroup.container_id, id);
	TEXT_COPY(event.cgroup.pod_uid, POD);
	snprintf(event.cgroup.path, sizeof(event.cgroup.path), "/kubepods/pod" POD "/%s", id);
	pressure_source_event(f->source, &event);
}

static void listen_of(struct fixture *f, const char *id)
{
	struct event event = {.type = EVENT_LISTEN};

	TEXT_COPY(event.listen.container_id, id);
	pressure_source_event(f->source, &event);
}

static void exec_of(struct fixture *f, const char *id, const char *file)
{
	struct event event = {.type = EVENT_EXEC, .exec.role = ROLE_ENTRYPOINT};

	TEXT_COPY(event.exec.container_id, id);
	TEXT_COPY(event.exec.file, file);
	pressure_source_event(f->source, &event);
}

/* Lets the loop run for this long. */
static void run(struct fixture *f, uint64_t us)
{
	uint64_t end_ns = clock_boot_ns() + us * 1000, now_ns;

	while ((now_ns = clock_boot_ns()) < end_ns)
		sd_event_run(f->loop, (end_ns - now_ns) / 1000 + 1);
}

static uint32_t starting(const struct fixture *f)
{
	struct pressure_source_stats stats;

	pressure_source_stats(f->source, &stats);
	return stats.starting;
}

static void what_a_sample_tells(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, false, 0);
	cgroup(&f, EVENT_CGROUP_NEW, WEB, 0);
	assert_int_equal(f.node_count, 1);
	assert_true(f.node.pressure.counted);
	assert_int_equal(f.node.pressure.times.cpu_some_ns, 1000000);
	assert_int_equal(f.node.pressure.times.io_full_ns, 500000);
	assert_int_equal(f.node.pressure.memory_total_bytes, 16000 * 1024);
	assert_int_equal(f.node.pressure.memory_available_bytes, 4000 * 1024);
	assert_int_equal(f.node.pressure.disk_count, 1);
	assert_string_equal(f.node.pressure.disks[0].name, "sda");
	assert_int_equal(f.node.pressure.disks[0].busy_ns, 50 * NS_PER_MS);
	assert_int_equal(f.pod_count, 1);
	assert_string_equal(f.pod.pressure.pod_uid, POD);
	assert_int_equal(f.pod.pressure.times.memory_some_ns, 20000);
	assert_true(f.node.boot_ns && f.node.boot_ns == f.pod.boot_ns);
	close_fixture(&f);
}

static void moments_and_seconds_while_something_starts(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, false, 0);
	run(&f, 50000);
	assert_int_equal(f.node_count, 0);
	listen_of(&f, WEB); /* not of one that starts */
	assert_int_equal(f.node_count, 0);
	cgroup(&f, EVENT_CGROUP_NEW, SAND, 0);
	usleep(GAP);
	exec_of(&f, SAND, "/pause"); /* no start */
	cgroup(&f, EVENT_CGROUP_NEW, WEB, 0);
	assert_int_equal(f.node_count, 1);
	assert_int_equal(f.pod_count, 1);
	exec_of(&f, WEB, "/usr/bin/web");
	assert_int_equal(f.node_count, 2);
	assert_int_equal(f.pod_count, 2);
	usleep(GAP);
	listen_of(&f, WEB);
	assert_int_equal(f.node_count, 3);
	listen_of(&f, WEB); /* at once again: soon after */
	assert_int_equal(f.node_count, 3);
	run(&f, 100000);
	assert_int_equal(f.node_count, 4);
	assert_int_equal(f.pod_count, 4); /* each moment's own */
	run(&f, 1100000);
	assert_int_equal(f.node_count, 5);
	assert_int_equal(f.pod_count, 5); /* once for both containers */
	pressure_source_over(f.source, WEB, SAND);
	assert_int_equal(starting(&f), 0);
	run(&f, 1200000);
	assert_int_equal(f.node_count, 5);
	close_fixture(&f);
}

static void a_sandbox_waits_for_its_other_containers(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, false, 0);
	cgroup(&f, EVENT_CGROUP_NEW, SAND, 0);
	cgroup(&f, EVENT_CGROUP_NEW, WEB, 0);
	cgroup(&f, EVENT_CGROUP_NEW, "c2", 0);
	assert_int_equal(starting(&f), 3);
	pressure_source_over(f.source, WEB, SAND);
	pressure_source_over(f.source, WEB, SAND);
	assert_int_equal(starting(&f), 2);
	pressure_source_over(f.source, "c2", SAND);
	assert_int_equal(starting(&f), 0);
	cgroup(&f, EVENT_CGROUP_NEW, SAND, 0);
	cgroup(&f, EVENT_CGROUP_NEW, WEB, 0);
	cgroup(&f, EVENT_CGROUP_GONE, WEB, 0);
	assert_int_equal(starting(&f), 1);
	cgroup(&f, EVENT_CGROUP_GONE, SAND, 0);
	assert_int_equal(starting(&f), 0);
	/* nobody knows which is the sandbox: one that pauses */
	cgroup(&f, EVENT_CGROUP_NEW, SAND, 0);
	exec_of(&f, SAND, "/pause");
	cgroup(&f, EVENT_CGROUP_NEW, WEB, 0);
	exec_of(&f, WEB, "/usr/bin/web");
	pressure_source_over(f.source, WEB, "");
	assert_int_equal(starting(&f), 0);
	/* a container without a pod, whose cgroup was not told */
	exec_of(&f, "c7", "/x");
	assert_int_equal(starting(&f), 1);
	pressure_source_over(f.source, "c7", "");
	assert_int_equal(starting(&f), 0);
	close_fixture(&f);
}

static void what_ran_before_does_not_start(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, false, 0);
	cgroup(&f, EVENT_CGROUP_NEW, WEB, EVENT_RECONSTRUCTED);
	assert_int_equal(starting(&f), 0);
	assert_int_equal(f.node_count, 0);
	close_fixture(&f);
}

static void a_start_without_end_is_given_up(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, false, 1500 * NS_PER_MS);
	cgroup(&f, EVENT_CGROUP_NEW, WEB, 0);
	run(&f, 2200000);
	assert_int_equal(starting(&f), 0);
	assert_int_equal(f.node_count, 2);
	close_fixture(&f);
}

static void more_than_there_is_room_for_is_counted(void **state)
{
	struct pressure_source_stats stats;
	struct fixture f;
	char id[16];

	(void)state;
	open_fixture(&f, false, 0);
	for (int i = 0; i < 70; i++) {
		snprintf(id, sizeof(id), "c%d", i);
		cgroup(&f, EVENT_CGROUP_NEW, id, 0);
	}
	pressure_source_stats(f.source, &stats);
	assert_int_equal(stats.starting, 64);
	assert_int_equal(stats.left_out, 6);
	close_fixture(&f);
}

static void a_v1_hierarchy_has_no_pods_pressure(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, true, 0);
	cgroup(&f, EVENT_CGROUP_NEW, WEB, 0);
	assert_int_equal(f.node_count, 1);
	assert_int_equal(f.pod_count, 0);
	close_fixture(&f);
}

static void a_kernel_without_psi_still_has_memory_and_disks(void **state)
{
	struct fixture f;
	char command[128];

	(void)state;
	open_fixture(&f, false, 0);
	snprintf(command, sizeof(command), "cd %s && rm -r pressure kubepods", f.dir);
	assert_int_equal(system(command), 0);
	cgroup(&f, EVENT_CGROUP_NEW, WEB, 0);
	assert_int_equal(f.node_count, 1);
	assert_int_equal(f.pod_count, 0);
	assert_false(f.node.pressure.counted);
	assert_int_equal(f.node.pressure.disk_count, 1);
	close_fixture(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_sample_tells),
		cmocka_unit_test(moments_and_seconds_while_something_starts),
		cmocka_unit_test(a_sandbox_waits_for_its_other_containers),
		cmocka_unit_test(what_ran_before_does_not_start),
		cmocka_unit_test(a_start_without_end_is_given_up),
		cmocka_unit_test(more_than_there_is_room_for_is_counted),
		cmocka_unit_test(a_v1_hierarchy_has_no_pods_pressure),
		cmocka_unit_test(a_kernel_without_psi_still_has_memory_and_disks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
