// SPDX-License-Identifier: Apache-2.0
/* Starts that are told by their cgroups' counters, v1 and v2. */
#include "source/kernel/kernel_coarse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"

#define ID   "c100000000000000000000000000000000000000000000000000000000000000"
#define PATH "/kubepods/podx/c1"
#define MS   1000000ull

struct room {
	char root[64];
	struct kernel_coarse *coarse;
	struct event told;
	int count;
};

static void on_event(void *context, const struct event *event)
{
	struct room *room = context;

	room->told = *event;
	room->count++;
}

static void put(const struct room *room, const char *file, const char *text)
{
	char command[512];

	snprintf(command, sizeof(command), "mkdir -p $(dirname %s/%s) && printf '%s' >%s/%s",
		 room->root, file, text, room->root, file);
	assert_int_equal(system(command), 0);
}

static void begin(struct room *room)
{
	struct event exec = {.type = EVENT_EXEC, .boot_ns = 1000 * MS};
	struct event_cgroup cgroup = {.cgroup_id = 7};

	TEXT_COPY(cgroup.container_id, ID);
	TEXT_COPY(cgroup.path, PATH);
	TEXT_COPY(exec.exec.container_id, ID);
	assert_int_equal(kernel_coarse_new(&room->coarse, room->root, on_event, room), 0);
	kernel_coarse_cgroup(room->coarse, &cgroup);
	kernel_coarse_begin(room->coarse, &exec);
}

static struct room open_room(void)
{
	struct room room = {.root = "/tmp/coarse-XXXXXX"};

	assert_non_null(mkdtemp(room.root));
	return room;
}

static void close_room(struct room *room)
{
	char command[128];

	kernel_coarse_free(room->coarse);
	snprintf(command, sizeof(command), "rm -r %s", room->root);
	assert_int_equal(system(command), 0);
}

static void counters_of_v1(void **state)
{
	struct room room = open_room();

	(void)state;
	put(&room, "cpuacct" PATH "/cpuacct.usage", "5000000\\n");
	put(&room, "cpu" PATH "/cpu.stat",
	    "nr_periods 1\\nnr_throttled 1\\nthrottled_time 1000\\n");
	begin(&room);
	put(&room, "cpuacct" PATH "/cpuacct.usage", "205000000\\n");
	put(&room, "cpu" PATH "/cpu.stat",
	    "nr_periods 9\\nnr_throttled 9\\nthrottled_time 600001000\\n");
	kernel_coarse_tell(room.coarse, ID, STALL_AT_LISTEN, 2000 * MS);
	assert_int_equal(room.count, 1);
	assert_int_equal(room.told.boot_ns, 2000 * MS);
	assert_int_equal(room.told.stall.step, STALL_AT_LISTEN);
	assert_int_equal(room.told.stall.grade, STALLS_COARSE);
	assert_int_equal(room.told.stall.path.ns[STALL_CPU], 200 * MS);
	assert_int_equal(room.told.stall.path.ns[STALL_THROTTLED], 600 * MS);
	assert_int_equal(room.told.stall.path.ns[STALL_OTHER], 200 * MS);
	close_room(&room);
}

/* Two threads on two CPUs use more than the wall clock has. */
static void counters_of_v2(void **state)
{
	struct room room = open_room();

	(void)state;
	put(&room, PATH "/cpu.stat", "usage_usec 0\\nuser_usec 0\\n");
	begin(&room);
	put(&room, PATH "/cpu.stat", "usage_usec 1900000\\nthrottled_usec 50000\\n");
	assert_true(kernel_coarse_tell_all(room.coarse, 300000 * MS, 2000 * MS));
	assert_int_equal(room.told.stall.threads.ns[STALL_CPU], 1900 * MS);
	assert_int_equal(room.told.stall.path.ns[STALL_CPU], 1000 * MS);
	assert_int_equal(room.told.stall.path.ns[STALL_THROTTLED], 0);
	assert_int_equal(room.told.stall.path.ns[STALL_OTHER], 0);
	close_room(&room);
}

static void one_that_is_gone(void **state)
{
	struct room room = open_room();

	(void)state;
	put(&room, PATH "/cpu.stat", "usage_usec 0\\n");
	begin(&room);
	char file[256];

	snprintf(file, sizeof(file), "%s" PATH "/cpu.stat", room.root);
	assert_int_equal(unlink(file), 0);
	kernel_coarse_tell_all(room.coarse, 300000 * MS, 2000 * MS);
	assert_int_equal(room.count, 0);
	assert_false(kernel_coarse_tell_all(room.coarse, 300000 * MS,
					    3000 * MS)); /* nothing wakes the agent for it */
	close_room(&room);
}

static void one_that_is_watched_closely(void **state)
{
	struct room room = open_room();
	struct event_cgroup cgroup = {.cgroup_id = 7};

	(void)state;
	TEXT_COPY(cgroup.container_id, ID);
	assert_int_equal(kernel_coarse_new(&room.coarse, room.root, on_event, &room), 0);
	kernel_coarse_cgroup(room.coarse, &cgroup);
	kernel_coarse_tell(room.coarse, ID, STALL_AT_LISTEN, 2000 * MS);
	assert_false(kernel_coarse_tell_all(room.coarse, 300000 * MS, 2000 * MS));
	assert_int_equal(room.count, 0);
	close_room(&room);
}

/* It never listens, and nobody says that it is over. */
static void no_longer_than_the_window(void **state)
{
	struct room room = open_room();

	(void)state;
	put(&room, PATH "/cpu.stat", "usage_usec 0\\n");
	begin(&room);
	assert_true(kernel_coarse_tell_all(room.coarse, 5000 * MS, 5900 * MS));
	assert_true(kernel_coarse_tell_all(room.coarse, 5000 * MS, 6100 * MS));
	assert_int_equal(room.count, 2);
	assert_false(kernel_coarse_tell_all(room.coarse, 5000 * MS, 7000 * MS));
	assert_int_equal(room.count, 2);
	close_room(&room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_of_v1),
		cmocka_unit_test(counters_of_v2),
		cmocka_unit_test(one_that_is_gone),
		cmocka_unit_test(no_longer_than_the_window),
		cmocka_unit_test(one_that_is_watched_closely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
