// SPDX-License-Identifier: Apache-2.0
/* Near a limit and away from it, and what is looked at after a kill: on cgroups and processes made of files. */
#include "base/clock.h"
#include "source/memory_source.h"

#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "unit/file_tree.h"

#define UID "0f8fad5b-d9cb-469f-a165-70867728950e"
#define A   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define POD "/kubepods/pod" UID
#define S   1000000000ull
#define STAT(pid, comm, parent, ticks) \
#pid " (" comm ") S " #parent " 1 1 0 -1 0 1 0 0 0 0 0 0 0 20 0 1 0 " #ticks " 1 1 1"
#define PROCESS(pid, comm, parent, ticks, rss, adj, id)                                          \
	{"proc/" #pid "/stat", STAT(pid, comm, parent, ticks)},                                  \
		{"proc/" #pid "/status", "VmRSS:\t" #rss " kB\nVmPTE:\t10 kB\nVmSwap:\t0 kB\n"}, \
		{"proc/" #pid "/oom_score_adj", #adj "\n"},                                      \
		{"proc/" #pid "/oom_score", #rss "\n"},                                          \
	{                                                                                        \
		"proc/" #pid "/cgroup", "0::" POD "/" id "\n"                                    \
	}

static const struct tree_file files[] = {
	{"cg" POD "/memory.current", "50\n"},
	{"cg" POD "/memory.max", "max\n"},
	{"cg" POD "/memory.stat", "inactive_file 20\n"},
	{"cg" POD "/cgroup.procs", ""},
	{"cg" POD "/" A "/memory.current", "1000000\n"},
	{"cg" POD "/" A "/memory.max", "10000000\n"},
	{"cg" POD "/" A "/memory.stat", "anon 900000\ninactive_file 100000\n"},
	{"cg" POD "/" A "/cgroup.procs", "20\n21\n22\n23\n24\n"},
	{"cg" POD "/" B "/memory.max", "max\n"},
	{"cg" POD "/" B "/memory.current", "5\n"},
	{"cg" POD "/" B "/cgroup.procs", "30\n"},
	PROCESS(20, "web", 1, 100, 500, 0, A),
	PROCESS(21, "worker", 20, 110, 4000, 0, A),
	PROCESS(22, "worker", 20, 120, 5000, 0, A), /* the victim */
	PROCESS(23, "worker", 20, 120, 3000, 300, A),
	PROCESS(24, "worker", 20, 99999999999, 100, 0, A), /* came after the kill */
	PROCESS(30, "other", 1, 100, 9000, -1000, B),
	{"proc/meminfo", "MemTotal: 100000 kB\nMemAvailable: 1000 kB\nSwapTotal: 0 kB\n"},
	{"proc/pressure/memory", "some avg10=50.00 avg60=20.00 avg300=1.00 total=1\n"},
	{NULL, NULL},
};

struct scene {
	char *dir;
	sd_event *loop;
	struct memory_source *source;
	struct event told[32];
	size_t count;
};

static void keep(void *context, const struct event *event)
{
	struct scene *scene = context;

	assert_true(scene->count < 32);
	scene->told[scene->count++] = *event;
}

static void see(struct scene *scene, const char *id)
{
	struct event event = {.type = EVENT_CGROUP_NEW};

	snprintf(event.cgroup.path, sizeof(event.cgroup.path), POD "/%s", id);
	memory_source_event(scene->source, &event);
}

static void open_scene(struct scene *scene)
{
	char proc[64], root[64];

	*scene = (struct scene){.dir = tree_make(files)};
	snprintf(proc, sizeof(proc), "%s/proc", scene->dir);
	snprintf(root, sizeof(root), "%s/cg", scene->dir);
	struct memory_source_options options = {.proc = proc, .cgroup_root = root};

	assert_true(sd_event_new(&scene->loop) >= 0);
	assert_int_equal(memory_source_new(&scene->source, scene->loop, &options, keep, scene), 0);
	see(scene, A);
	see(scene, B);
}

static void close_scene(struct scene *scene)
{
	memory_source_free(scene->source);
	sd_event_unref(scene->loop);
	tree_remove(scene->dir);
}

static void use(struct scene *scene, const char *bytes, const char *inactive)
{
	char text[64];

	snprintf(text, sizeof(text), "anon 1\ninactive_file %s\n", inactive);
	tree_write(scene->dir, "cg" POD "/" A "/memory.current", bytes);
	tree_write(scene->dir, "cg" POD "/" A "/memory.stat", text);
}

static struct event kill_of(uint32_t pid, const char *limit)
{
	struct event event = {.type = EVENT_OOM, .boot_ns = clock_boot_ns()};
	struct event_oom *oom = &event.oom;

	oom->victim = (struct process){pid, 1204000000};
	oom->parent_pid = 20;
	oom->by_limit = *limit;
	oom->limit_bytes = 10000000;
	TEXT_COPY(oom->comm, "worker");
	TEXT_COPY(oom->container_id, A);
	TEXT_COPY(oom->cgroup_path, POD "/" A);
	TEXT_COPY(oom->limit_path, limit);
	return event;
}

static void near_and_away(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene);
	memory_source_look(scene.source, 10 * S);
	assert_int_equal(scene.count, 0);
	use(&scene, "9900000", "2000000"); /* page cache that can be had back */
	memory_source_look(scene.source, 20 * S);
	assert_int_equal(scene.count, 0);
	use(&scene, "9100000", "50000");
	memory_source_look(scene.source, 30 * S);
	assert_int_equal(scene.count, 1);
	assert_int_equal(scene.told[0].memory.step, MEMORY_NEAR);
	assert_int_equal(scene.told[0].boot_ns, 30 * S);
	assert_string_equal(scene.told[0].memory.path, POD "/" A);
	assert_string_equal(scene.told[0].memory.container_id, A);
	assert_string_equal(scene.told[0].memory.pod_uid, UID);
	use(&scene, "8600000", "0"); /* between the two */
	memory_source_look(scene.source, 40 * S);
	assert_int_equal(scene.count, 1);
	use(&scene, "8400000", "0");
	memory_source_look(scene.source, 50 * S);
	assert_int_equal(scene.count, 2);
	assert_int_equal(scene.told[1].memory.step, MEMORY_EASED);
	assert_int_equal(scene.told[1].boot_ns, 50 * S);
	close_scene(&scene);
}

static void a_kill_casts_doubt(void **state)
{
	struct event kill = kill_of(22, POD "/" A);
	struct scene scene;

	(void)state;
	open_scene(&scene);
	use(&scene, "9500000", "0");
	memory_source_look(scene.source, 30 * S);
	memory_source_event(scene.source, &kill);
	scene.count = 0;
	memory_source_look(scene.source, 51 * S); /* it has not helped */
	assert_int_equal(scene.count, 1);
	assert_int_equal(scene.told[0].memory.step, MEMORY_NEAR);
	assert_int_equal(scene.told[0].boot_ns, 30 * S);
	memory_source_look(scene.source, 61 * S);
	assert_int_equal(scene.count, 1);
	close_scene(&scene);
}

static void cgroups_that_go(void **state)
{
	struct memory_source_stats stats;
	struct scene scene;

	(void)state;
	open_scene(&scene);
	memory_source_stats(scene.source, &stats);
	assert_int_equal(stats.watched, 4); /* kubepods, the pod, A and B */
	memory_source_look(scene.source, 10 * S);
	memory_source_stats(scene.source, &stats);
	assert_int_equal(stats.watched, 3); /* kubepods has no files here */
	close_scene(&scene);
}

/* It ended near its limit: where it is no more, it is near nothing. */
static void gone_while_near(void **state)
{
	struct scene scene;
	char path[256];

	(void)state;
	open_scene(&scene);
	use(&scene, "9500000", "0");
	memory_source_look(scene.source, 30 * S);
	snprintf(path, sizeof(path), "%s/cg" POD "/" A "/memory.current", scene.dir);
	assert_int_equal(unlink(path), 0);
	memory_source_look(scene.source, 40 * S);
	assert_int_equal(scene.count, 2);
	assert_int_equal(scene.told[1].memory.step, MEMORY_EASED);
	assert_string_equal(scene.told[1].memory.path, POD "/" A);
	memory_source_look(scene.source, 50 * S);
	assert_int_equal(scene.count, 2);
	close_scene(&scene);
}

static void what_a_kill_left(void **state)
{
	struct event kill = kill_of(22, POD "/" A);
	struct scene scene;

	(void)state;
	open_scene(&scene);
	memory_source_event(scene.source, &kill);
	assert_int_equal(scene.count, 4);
	const struct event_memory *memory = &scene.told[0].memory;

	assert_int_equal(memory->step, MEMORY_AT_KILL);
	assert_int_equal(memory->victim_pid, 22);
	assert_int_equal(memory->processes, 5);
	assert_int_equal(memory->state.limit_bytes, 10000000);
	/* 23 began in the same clock tick, with a higher pid; 24 took the victim's place; 20 is their parent */
	assert_int_equal(memory->worker, 2);
	assert_int_equal(memory->workers, 3);
	/* 9765 kB in all: 9 for each point */
	assert_int_equal(scene.told[1].neighbour.who.pid, 23);
	assert_int_equal(scene.told[1].neighbour.who.points_kb, 3010 + 300 * 9);
	assert_int_equal(scene.told[2].neighbour.who.pid, 21);
	assert_int_equal(scene.told[2].neighbour.who.points_kb, 4010);
	assert_int_equal(scene.told[3].neighbour.who.pid, 20);
	assert_string_equal(scene.told[3].neighbour.container_id, A);
	close_scene(&scene);
}

static void one_look_a_second(void **state)
{
	struct event first = kill_of(22, POD "/" A), second = kill_of(21, POD "/" A);
	struct memory_source_stats stats;
	struct scene scene;

	(void)state;
	open_scene(&scene);
	memory_source_event(scene.source, &first);
	scene.count = 0;
	memory_source_event(scene.source, &second);
	assert_int_equal(scene.count, 0);
	memory_source_stats(scene.source, &stats);
	assert_int_equal(stats.scans, 1);
	assert_int_equal(stats.unscanned, 1);
	close_scene(&scene);
}

/* While no agent ran: what is there now says nothing of then. */
static void a_kill_of_long_ago(void **state)
{
	struct event kill = kill_of(22, POD "/" A);
	struct memory_source_stats stats;
	struct scene scene;

	(void)state;
	open_scene(&scene);
	kill.boot_ns -= 3 * S;
	memory_source_event(scene.source, &kill);
	assert_int_equal(scene.count, 0);
	memory_source_stats(scene.source, &stats);
	assert_int_equal(stats.unscanned, 1);
	close_scene(&scene);
}

static void another_cgroup_of_that_path(void **state)
{
	struct event kill = kill_of(22, POD "/" A);
	struct scene scene;
	char path[256];
	struct stat found;

	(void)state;
	open_scene(&scene);
	snprintf(path, sizeof(path), "%s/cg" POD "/" A, scene.dir);
	assert_int_equal(stat(path, &found), 0);
	kill.oom.limit_cgroup_id = found.st_ino + 1;
	memory_source_event(scene.source, &kill);
	assert_int_equal(scene.count, 0);
	close_scene(&scene);
}

static void the_node(void **state)
{
	struct event kill = kill_of(22, "");
	struct scene scene;

	(void)state;
	open_scene(&scene);
	memory_source_event(scene.source, &kill);
	assert_int_equal(scene.count, 5);
	const struct event_memory *memory = &scene.told[0].memory;

	assert_string_equal(memory->path, "");
	assert_int_equal(memory->processes, 6);
	assert_int_equal(memory->state.limit_bytes, 100000 * 1024);
	assert_int_equal(memory->state.usage_bytes, 99000 * 1024);
	assert_int_equal(memory->state.stalled10, 500);
	assert_int_equal(memory->workers, 3);
	/* 100 kB for each point; 30 is never killed */
	assert_int_equal(scene.told[1].neighbour.who.pid, 23);
	assert_int_equal(scene.told[1].neighbour.who.points_kb, 3010 + 300 * 100);
	assert_int_equal(scene.told[3].neighbour.who.pid, 20);
	assert_int_equal(scene.told[4].type, EVENT_POD_MEMORY);
	assert_string_equal(scene.told[4].pod_memory.pod_uid, UID);
	assert_int_equal(scene.told[4].pod_memory.usage_bytes, 30);
	close_scene(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(near_and_away),      cmocka_unit_test(a_kill_casts_doubt),
		cmocka_unit_test(cgroups_that_go),    cmocka_unit_test(gone_while_near),
		cmocka_unit_test(what_a_kill_left),   cmocka_unit_test(one_look_a_second),
		cmocka_unit_test(a_kill_of_long_ago), cmocka_unit_test(another_cgroup_of_that_path),
		cmocka_unit_test(the_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
