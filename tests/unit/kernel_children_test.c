/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel folds of children's deaths is told in full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "source/kernel/kernel_children.h"

#define MS	 NS_PER_MS
#define TOLD_MAX 600

struct world {
	struct kernel_children *children;
	struct wire_children counted; /* of the kernel's one kind */
	bool gone;
	uint32_t forgotten;
	uint32_t noted; /* the total that was told, from agent to agent */
	size_t count;
	uint32_t told[TOLD_MAX];
	uint64_t last_ns;
	struct event_exit last;
};

static int read_counted(void *context, const struct wire_child_key *key, struct wire_children *ret)
{
	struct world *world = context;

	assert_int_equal(key->container_id, 42);
	if (world->gone)
		return -1;
	*ret = world->counted;
	return 0;
}

static void forget(void *context, const struct wire_child_key *key)
{
	struct world *world = context;

	assert_int_equal(key->signal, 11);
	world->forgotten++;
}

static uint32_t told_before(void *context, const struct wire_child_key *key)
{
	const struct world *world = context;

	(void)key;
	return world->noted;
}

static void note(void *context, const struct wire_child_key *key, uint32_t total)
{
	struct world *world = context;

	(void)key;
	world->noted = total;
}

static void on_event(void *context, const struct event *event)
{
	struct world *world = context;

	assert_true(world->count < TOLD_MAX);
	world->told[world->count++] = event->exit.count;
	world->last_ns = event->boot_ns;
	world->last = event->exit;
}

static void begin(struct world *world)
{
	const struct kernel_child_table table = {world, read_counted, told_before, note, forget};

	assert_int_equal(kernel_children_new(&world->children, &table, on_event, world), 0);
}

static void open_world(struct world *world)
{
	*world = (struct world){0};
	begin(world);
}

/* A record of the kernel's, which had told `told` of `total` before. */
static void take(struct world *world, uint64_t boot_ns, uint32_t total, uint32_t told)
{
	struct wire_exit wire = {
		.header = {.cgroup_id = 42, .boot_ns = boot_ns, .comm = "worker"},
		.status = 11 | 0x80,
		.total = total,
		.told = told,
	};
	struct event event = {.type = EVENT_EXIT, .boot_ns = boot_ns};

	event.exit.count = total - told;
	event.exit.who = (struct process){.pid = 70, .start_ns = boot_ns - 10 * MS};
	event.exit.last[0].sender.pid = 70;
	event.exit.last[1].sender.pid = 5;
	kernel_children_take(world->children, &wire, &event);
}

static uint32_t sum(const struct world *world)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < world->count; i++)
		sum += world->told[i];
	return sum;
}

static void folded(void **state)
{
	struct world world;

	(void)state;
	open_world(&world);
	take(&world, 1000 * MS, 1, 0);
	assert_true(kernel_children_settle(world.children, 1010 * MS));
	take(&world, 1250 * MS, 40, 1);
	assert_int_equal(sum(&world), 40);
	world.counted = (struct wire_children){
		.total = 55, .told = 40, .last_ns = 1300 * MS, .last_pid = 99};
	assert_true(kernel_children_settle(world.children, 1300 * MS));
	assert_int_equal(sum(&world), 40);
	assert_false(kernel_children_settle(world.children, 2000 * MS));
	assert_int_equal(sum(&world), 55); /* the rest */
	assert_int_equal(world.last_ns, 1300 * MS);
	assert_int_equal(world.last.who.pid, 99);
	assert_int_equal(world.last.who.start_ns, 1290 * MS); /* as old as the one before */
	assert_int_equal(world.last.last[0].sender.pid,
			 99); /* it raised it itself, as that one did */
	assert_int_equal(world.last.last[1].sender.pid, 5);
	assert_false(kernel_children_settle(world.children, 3000 * MS));
	assert_int_equal(world.count, 3);
	take(&world, 5000 * MS, 56, 40); /* the kernel does not know what was told meanwhile */
	assert_int_equal(sum(&world), 56);
	kernel_children_free(world.children);
}

/* The count comes before the container's own end, and the kernel's memory of it goes with the cgroup. */
static void with_its_container(void **state)
{
	struct world world;

	(void)state;
	open_world(&world);
	take(&world, 1000 * MS, 1, 0);
	world.counted = (struct wire_children){.total = 7, .last_ns = 1001 * MS};
	kernel_children_tell(world.children, 41);
	assert_int_equal(sum(&world), 1);
	kernel_children_tell(world.children, 42);
	assert_int_equal(sum(&world), 7);
	world.counted.total = 9;
	kernel_children_forget(world.children, 42);
	assert_int_equal(sum(&world), 9);
	assert_int_equal(world.forgotten, 1);
	kernel_children_forget(world.children, 42);
	assert_int_equal(world.forgotten, 1);
	kernel_children_free(world.children);
}

/* Of a kind that the kernel forgot there is nothing to add. */
static void unknown(void **state)
{
	struct world world;

	(void)state;
	open_world(&world);
	take(&world, 1000 * MS, 1, 0);
	world.gone = true;
	assert_false(kernel_children_settle(world.children, 2000 * MS));
	assert_int_equal(sum(&world), 1);
	kernel_children_free(world.children);
}

/* An agent is killed: the next one goes on with what was told, be it told twice by the ring or not at all. */
static void over_two_agents(void **state)
{
	const struct wire_child_key key = {.container_id = 42, .signal = 11, .comm = "worker"};
	struct world world;

	(void)state;
	open_world(&world);
	take(&world, 1000 * MS, 1, 0);
	world.counted = (struct wire_children){
		.total = 30, .told = 1, .last_ns = 1200 * MS, .last_pid = 88};
	kernel_children_settle(world.children, 2000 * MS);
	assert_int_equal(sum(&world), 30);
	kernel_children_free(world.children);
	begin(&world);
	take(&world, 1000 * MS, 1, 0); /* once more: its place in the ring was not kept */
	assert_int_equal(sum(&world), 30);
	take(&world, 2500 * MS, 41, 1);
	assert_int_equal(sum(&world), 41);
	kernel_children_free(world.children);
	/* and one that no record tells of */
	begin(&world);
	world.counted = (struct wire_children){
		.total = 45, .told = 41, .last_ns = 2600 * MS, .last_pid = 99};
	kernel_children_adopt(world.children, &key, 3000 * MS);
	assert_true(kernel_children_settle(world.children, 3010 * MS));
	assert_false(kernel_children_settle(world.children, 4000 * MS));
	assert_int_equal(sum(&world), 45);
	assert_int_equal(world.last_ns, 2600 * MS);
	assert_int_equal(world.last.who.pid, 99);
	assert_int_equal(world.last.signal, 11);
	assert_string_equal(world.last.comm, "worker");
	kernel_children_free(world.children);
	/* the ring has one of them: that is told, and the rest as it */
	begin(&world);
	world.counted = (struct wire_children){
		.total = 60, .told = 50, .last_ns = 5000 * MS, .last_pid = 100};
	kernel_children_adopt(world.children, &key, 6000 * MS);
	take(&world, 4900 * MS, 50, 41);
	assert_int_equal(sum(&world), 50);
	kernel_children_settle(world.children, 7000 * MS);
	assert_int_equal(sum(&world), 60);
	assert_int_equal(world.last.last[1].sender.pid, 5);
	kernel_children_free(world.children);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folded),
		cmocka_unit_test(with_its_container),
		cmocka_unit_test(over_two_agents),
		cmocka_unit_test(unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
