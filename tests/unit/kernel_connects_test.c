// SPDX-License-Identifier: Apache-2.0
/* Failed connections are told once each, whatever the kernel folded, forgot or could not write. */
#include "source/kernel/kernel_connects.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "source/kernel/kernel_wire.h"

#define SECOND	   NS_PER_SECOND
#define TOLD_MAX   1024
#define HEX64	   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CONTAINER  77
#define CONTAINERS 300 /* more than the table has room for */

static struct wire_connect_failed record(uint64_t container, uint64_t boot_ns, uint32_t count,
					 uint32_t total)
{
	struct wire_connect_failed wire = {
		.header = {.type = WIRE_CONNECT_FAILED,
			   .size = sizeof(wire),
			   .boot_ns = boot_ns,
			   .cgroup_id = container,
			   .start_ns = 4000,
			   .pid = 12},
		.target = {.container_id = container,
			   .address = {10, 43, 0, 12},
			   .family = AF_INET,
			   .port = 5432,
			   .error = ECONNREFUSED},
		.began_ns = boot_ns - 1,
		.count = count,
		.total = total,
	};

	memcpy(wire.container, HEX64, sizeof(HEX64));
	return wire;
}

/* What the kernel has of one target, and what was told. */
struct world {
	struct kernel_connects *connects;
	struct wire_failures counted;
	uint32_t reads;
	struct event told[TOLD_MAX];
	size_t count;
	uint64_t sum;
};

static int read_failures(void *context, const struct wire_target *target, struct wire_failures *ret)
{
	struct world *world = context;

	world->reads++;
	assert_int_not_equal(target->port, 0);
	if (!world->counted.total)
		return -ENOENT;
	*ret = world->counted;
	return 0;
}

static void on_event(void *context, const struct event *event)
{
	struct world *world = context;

	assert_true(world->count < TOLD_MAX);
	world->told[world->count++] = *event;
	world->sum += event->type == EVENT_DNS ? event->dns.count : event->connect_failed.count;
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	assert_int_equal(
		kernel_connects_new(&world->connects, read_failures, world, on_event, world), 0);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	kernel_connects_free(world->connects);
	free(world);
	return 0;
}

/* A record of the kernel, as kernel_source.c hands it on. */
static void take(struct world *world, uint64_t container, uint64_t boot_ns, uint32_t count,
		 uint32_t total)
{
	struct wire_connect_failed wire = record(container, boot_ns, count, total);
	char unaligned[sizeof(wire) + 1];
	struct event event;

	memcpy(unaligned + 1, &wire, sizeof(wire));
	assert_int_equal(kernel_wire_decode(unaligned + 1, sizeof(wire), &event), 0);
	kernel_connects_take(world->connects, unaligned + 1, &event);
}

/* … of what it counts since made_ns. */
static void take_made(struct world *world, uint64_t made_ns, uint64_t boot_ns, uint32_t total)
{
	struct wire_connect_failed wire = record(CONTAINER, boot_ns, total, total);
	struct event event;

	wire.made_ns = made_ns;
	assert_int_equal(kernel_wire_decode(&wire, sizeof(wire), &event), 0);
	kernel_connects_take(world->connects, &wire, &event);
}

static void decoded(void **state)
{
	struct wire_connect_failed wire = record(CONTAINER, 5000, 3, 14);
	const struct event_connect_failed *connect;
	struct event event;

	(void)state;
	memset(&event, 0xee, sizeof(event)); /* nothing of what was there before may be left */
	assert_int_equal(kernel_wire_decode(&wire, sizeof(wire), &event), 0);
	connect = &event.connect_failed;
	assert_int_equal(event.type, EVENT_CONNECT_FAILED);
	assert_int_equal(event.boot_ns, 5000);
	assert_int_equal(event.flags, 0);
	assert_int_equal(connect->who.pid, 12);
	assert_int_equal(connect->who.start_ns, 4000);
	assert_int_equal(connect->cgroup_id, CONTAINER);
	assert_string_equal(connect->container_id, HEX64);
	assert_string_equal(connect->address, "10.43.0.12");
	assert_int_equal(connect->port, 5432);
	assert_int_equal(connect->error, ECONNREFUSED);
	assert_int_equal(connect->began_ns, 4999);
	assert_int_equal(connect->count, 3);

	wire.target.family = AF_INET6;
	memset(wire.target.address, 0xfd, sizeof(wire.target.address));
	assert_int_equal(kernel_wire_decode(&wire, sizeof(wire), &event), 0);
	assert_string_equal(connect->address, "fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd");
}

/* No part of a record is one, nor is one of another family; the result is left alone. */
static void not_decoded(void **state)
{
	struct wire_connect_failed wire = record(CONTAINER, 5000, 3, 14);
	struct event event, before;

	(void)state;
	memset(&event, 0xee, sizeof(event));
	before = event;
	for (size_t part = 0; part < sizeof(wire); part++) {
		void *copy = malloc(part ? part : 1); /* exact, for the sanitizer */

		memcpy(copy, &wire, part);
		assert_int_equal(kernel_wire_decode(copy, part, &event), -EBADMSG);
		free(copy);
	}
	wire.target.family = AF_UNIX;
	assert_int_equal(kernel_wire_decode(&wire, sizeof(wire), &event), -EBADMSG);
	assert_memory_equal(&event, &before, sizeof(event));
}

static void each_record_is_told(void **state)
{
	struct world *world = *state;

	take(world, CONTAINER, SECOND, 1, 1);
	take(world, CONTAINER, 2 * SECOND, 5, 6);
	assert_int_equal(world->count, 2);
	assert_int_equal(world->told[0].connect_failed.count, 1);
	assert_int_equal(world->told[1].connect_failed.count, 5);
	assert_int_equal(world->told[1].boot_ns, 2 * SECOND);
	assert_string_equal(world->told[1].connect_failed.address, "10.43.0.12");
}

/* The start is over: what was only counted comes before that, with its own times. */
static void the_rest_is_told_at_the_end(void **state)
{
	struct world *world = *state;
	const struct event *rest = &world->told[1];

	take(world, CONTAINER, SECOND, 1, 1);
	take(world, CONTAINER + 1, SECOND, 1, 1);
	world->counted = (struct wire_failures){
		.began_ns = SECOND + 299, .last_ns = SECOND + 300, .total = 4};
	world->count = 1;
	kernel_connects_tell(world->connects, CONTAINER);
	assert_int_equal(world->count, 2); /* and nothing of the other container */
	assert_int_equal(rest->boot_ns, SECOND + 300);
	assert_int_equal(rest->connect_failed.began_ns, SECOND + 299);
	assert_int_equal(rest->connect_failed.count, 3);
	assert_int_equal(rest->connect_failed.cgroup_id, CONTAINER);
	assert_int_equal(rest->connect_failed.who.pid, 12);
	kernel_connects_tell(world->connects, CONTAINER);
	assert_int_equal(world->count, 2); /* once */
}

/* Half a second after its last record a target is asked for, once; before, more may come. */
static void the_rest_is_told_when_it_is_quiet(void **state)
{
	struct world *world = *state;

	assert_false(kernel_connects_settle(world->connects, SECOND));
	take(world, CONTAINER, SECOND, 1, 1);
	world->counted = (struct wire_failures){.last_ns = SECOND + 2, .total = 3};
	assert_true(kernel_connects_settle(world->connects, SECOND + WIRE_CONNECT_INTERVAL_NS));
	assert_int_equal(world->reads, 0);
	assert_false(kernel_connects_settle(world->connects, 2 * SECOND));
	assert_int_equal(world->sum, 3);
	assert_false(kernel_connects_settle(world->connects, 3 * SECOND));
	assert_int_equal(world->reads, 1);
	take(world, CONTAINER, 4 * SECOND, 3, 4); /* the kernel does not know what was told */
	assert_int_equal(world->sum, 4);
	assert_true(kernel_connects_settle(world->connects, 4 * SECOND));
}

/* The kernel's next record has all that a lost one had. */
static void lost_records_cost_no_count(void **state)
{
	struct world *world = *state;

	take(world, CONTAINER, SECOND, 1, 1);
	take(world, CONTAINER, 3 * SECOND, 5, 11); /* 5 more were in one that is lost */
	assert_int_equal(world->sum, 11);
}

/* Read after the rest was told: the record adds nothing. */
static void a_late_record_is_not_told_twice(void **state)
{
	struct world *world = *state;

	take(world, CONTAINER, SECOND, 1, 1);
	world->counted = (struct wire_failures){.last_ns = 2 * SECOND, .total = 3};
	kernel_connects_tell(world->connects, CONTAINER);
	take(world, CONTAINER, 2 * SECOND, 2, 3);
	assert_int_equal(world->count, 2);
	assert_int_equal(world->sum, 3);
}

/* Two CPUs end one each at the same moment, and both write the first record, in any order. */
static void two_at_once(void **state)
{
	struct world *world = *state;

	take(world, CONTAINER, SECOND, 1, 1);
	take(world, CONTAINER, SECOND + 1, 2, 2);
	assert_int_equal(world->sum, 2);
	take(world, CONTAINER + 1, SECOND + 1, 2, 2);
	take(world, CONTAINER + 1, SECOND, 1, 1);
	assert_int_equal(world->sum, 4);
}

/* Its table is bounded too: it begins from 1 again. */
static void the_kernel_forgets(void **state)
{
	struct world *world = *state;

	take(world, CONTAINER, SECOND, 1, 1);
	take(world, CONTAINER, 2 * SECOND, 6, 7);
	take_made(world, 2, 3 * SECOND, 1);
	assert_int_equal(world->sum, 8);
	take_made(world, 3, 4 * SECOND, 1); /* and at once again */
	world->counted = (struct wire_failures){.made_ns = 4, .last_ns = 5 * SECOND, .total = 1};
	kernel_connects_tell(world->connects, CONTAINER); /* and without a record */
	assert_int_equal(world->sum, 10);
	world->counted.total = 0;
	assert_false(kernel_connects_settle(world->connects, 9 * SECOND)); /* gone altogether */
	assert_int_equal(world->sum, 10);
}

/* The oldest go; their next record is told by the kernel's own count. */
static void more_than_the_table_holds(void **state)
{
	struct world *world = *state;

	for (uint32_t i = 0; i < CONTAINERS; i++)
		take(world, CONTAINER + i, SECOND + i, 1, 1);
	assert_int_equal(world->sum, CONTAINERS);
	take(world, CONTAINER, 2 * SECOND, 2, 3);
	take(world, CONTAINER + CONTAINERS - 1, 2 * SECOND, 2, 3);
	assert_int_equal(world->sum, CONTAINERS + 4);
}

static void hand_in(struct world *world, const struct wire_connect_failed *wire)
{
	struct event event;

	assert_int_equal(kernel_wire_decode(wire, sizeof(*wire), &event), 0);
	kernel_connects_take(world->connects, wire, &event);
}

/* How long they took grows as their number does: what was told is not told again. */
static void waits_add_up(void **state)
{
	struct world *world = *state;
	struct wire_connect_failed wire = record(CONTAINER, SECOND, 1, 1);

	wire.header.type = wire.target.kind = WIRE_CONNECT_SLOW;
	wire.target.error = 0;
	wire.wait_ns = wire.longest_ns = 300;
	hand_in(world, &wire);
	assert_int_equal(world->told[0].type, EVENT_CONNECT_SLOW);
	assert_int_equal(world->told[0].connect_failed.wait_ns, 300);
	wire.header.boot_ns = 2 * SECOND;
	wire.count = 2;
	wire.total = 3;
	wire.told_wait_ns = 300;
	wire.wait_ns = 1000;
	wire.longest_ns = 500;
	hand_in(world, &wire);
	assert_int_equal(world->told[1].connect_failed.count, 2);
	assert_int_equal(world->told[1].connect_failed.wait_ns, 700);
	assert_int_equal(world->told[1].connect_failed.longest_ns, 500);
	world->counted = (struct wire_failures){
		.last_ns = 2 * SECOND + 1, .total = 4, .wait_ns = 1100, .longest_ns = 500};
	kernel_connects_tell(world->connects, CONTAINER);
	assert_int_equal(world->told[2].connect_failed.count, 1);
	assert_int_equal(world->told[2].connect_failed.wait_ns, 100);
}

/* Seen in the middle: what the kernel told others before is not told as new. */
static void waits_from_the_middle(void **state)
{
	struct world *world = *state;
	struct wire_connect_failed wire = record(CONTAINER, SECOND, 2, 12);

	wire.wait_ns = 1000;
	wire.told_wait_ns = 900;
	hand_in(world, &wire);
	assert_int_equal(world->told[0].connect_failed.count, 2);
	assert_int_equal(world->told[0].connect_failed.wait_ns, 100);
}

static void questions(void **state)
{
	struct world *world = *state;
	struct wire_connect_failed wire = record(CONTAINER, SECOND, 1, 1);
	const struct event_dns *dns = &world->told[0].dns;

	wire.header.type = wire.target.kind = WIRE_DNS;
	wire.target.port = 53;
	wire.target.error = WIRE_DNS_UNANSWERED;
	wire.wait_ns = wire.longest_ns = 300;
	memcpy(wire.question, "\2db\2ai", 7);
	hand_in(world, &wire);
	assert_int_equal(world->told[0].type, EVENT_DNS);
	assert_int_equal(dns->code, -1);
	assert_int_equal(dns->count, 1);
	assert_int_equal(dns->wait_ns, 300);
	assert_int_equal(dns->longest_ns, 300);
	assert_int_equal(dns->began_ns, SECOND - 1);
	assert_int_equal(dns->cgroup_id, CONTAINER);
	assert_string_equal(dns->container_id, HEX64);
	assert_string_equal(dns->address, "10.43.0.12");
	assert_string_equal(dns->query, "db.ai");
	world->counted = (struct wire_failures){.began_ns = SECOND + 5,
						.last_ns = SECOND + 500,
						.total = 3,
						.wait_ns = 700,
						.longest_ns = 400,
						.question = "\3api"};
	kernel_connects_tell(world->connects, CONTAINER);
	assert_int_equal(world->told[1].dns.count, 2);
	assert_int_equal(world->told[1].dns.wait_ns, 400);
	assert_int_equal(world->told[1].dns.longest_ns, 400);
	assert_int_equal(world->told[1].dns.began_ns, SECOND + 5);
	assert_string_equal(world->told[1].dns.query, "api");
}

/* Connected at last: that comes after all that failed. */
static void reached(void **state)
{
	struct world *world = *state;
	struct wire_connect_failed wire = record(CONTAINER, SECOND, 1, 1);

	hand_in(world, &wire);
	world->counted = (struct wire_failures){.last_ns = SECOND + 300, .total = 4};
	wire = record(CONTAINER, 2 * SECOND, 0, 0);
	wire.header.type = wire.target.kind = WIRE_CONNECT_REACHED;
	wire.target.error = 0;
	hand_in(world, &wire);
	assert_int_equal(world->count, 3);
	assert_int_equal(world->told[1].type, EVENT_CONNECT_FAILED);
	assert_int_equal(world->told[1].connect_failed.count, 3);
	assert_int_equal(world->told[2].type, EVENT_CONNECT_SLOW);
	assert_int_equal(world->told[2].boot_ns, 2 * SECOND);
	assert_int_equal(world->told[2].connect_failed.count, 0);
	assert_int_equal(world->told[2].connect_failed.began_ns, 2 * SECOND - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoded),
		cmocka_unit_test(not_decoded),
		TEST(each_record_is_told),
		TEST(the_rest_is_told_at_the_end),
		TEST(the_rest_is_told_when_it_is_quiet),
		TEST(lost_records_cost_no_count),
		TEST(a_late_record_is_not_told_twice),
		TEST(two_at_once),
		TEST(the_kernel_forgets),
		TEST(more_than_the_table_holds),
		TEST(waits_add_up),
		TEST(waits_from_the_middle),
		TEST(questions),
		TEST(reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
