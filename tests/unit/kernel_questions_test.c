// SPDX-License-Identifier: Apache-2.0
/* DNS questions without an answer: when they are told, for how long, and how their names are read. */
#include "source/kernel/kernel_questions.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "source/kernel/kernel_wire.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BEGAN (100 * NS_PER_SECOND)
#define S     NS_PER_SECOND

static struct wire_question question(void)
{
	struct wire_question wire = {
		.header = {.boot_ns = BEGAN, .cgroup_id = 77},
		.target = {.container_id = 77,
			   .address = {10, 43, 0, 10},
			   .family = AF_INET,
			   .kind = WIRE_DNS,
			   .port = 53},
		.question = "\2db\2ai\3svc",
	};

	memcpy(wire.container, HEX64, sizeof(HEX64));
	return wire;
}

/* While the start goes on there is time: who waits long may get an answer. Then only what resolvers wait counts. */
static void while_it_starts(void **state)
{
	struct wire_question wire = question();
	struct event event = {0};

	(void)state;
	assert_false(kernel_question_over(&wire, false, BEGAN + 9 * S, &event));
	assert_true(kernel_question_over(&wire, false, BEGAN + 10 * S, &event));
	assert_int_equal(event.type, EVENT_DNS);
	assert_int_equal(event.boot_ns, BEGAN + 5 * S);
	assert_int_equal(event.dns.began_ns, BEGAN);
	assert_int_equal(event.dns.wait_ns, 5 * S);
	assert_int_equal(event.dns.longest_ns, 5 * S);
	assert_int_equal(event.dns.count, 1);
	assert_int_equal(event.dns.code, -1);
	assert_int_equal(event.dns.cgroup_id, 77);
	assert_string_equal(event.dns.container_id, HEX64);
	assert_string_equal(event.dns.address, "10.43.0.10");
	assert_int_equal(event.dns.port, 53);
	assert_string_equal(event.dns.query, "db.ai.svc");
}

static void when_the_start_is_over(void **state)
{
	struct wire_question wire = question();
	struct event event = {0};

	(void)state;
	assert_true(kernel_question_over(&wire, true, BEGAN + 3 * S, &event));
	assert_int_equal(event.type, EVENT_DNS);
	assert_int_equal(event.dns.wait_ns, 3 * S);
	assert_true(kernel_question_over(&wire, true, BEGAN + 7 * S, &event));
	assert_int_equal(event.dns.wait_ns, 5 * S);
	/* too young to be what it waited for; a clock of another CPU may be behind */
	assert_true(kernel_question_over(&wire, true, BEGAN + S / 2, &event));
	assert_int_equal(event.type, EVENT_NONE);
	assert_true(kernel_question_over(&wire, true, BEGAN - 1, &event));
	assert_int_equal(event.type, EVENT_NONE);
}

/* At a moment of its start: not an end, and no more than resolvers wait. */
static void it_goes_on(void **state)
{
	struct wire_question wire = question();
	struct event event = {0};

	(void)state;
	assert_false(kernel_question_waits(&wire, BEGAN + S / 2, &event));
	assert_true(kernel_question_waits(&wire, BEGAN + 3 * S, &event));
	assert_int_equal(event.type, EVENT_DNS);
	assert_int_equal(event.boot_ns, BEGAN + 3 * S);
	assert_int_equal(event.dns.wait_ns, 3 * S);
	assert_int_equal(event.dns.count, 0);
	assert_int_equal(event.dns.code, 0);
	assert_true(kernel_question_waits(&wire, BEGAN + 8 * S, &event));
	assert_int_equal(event.boot_ns, BEGAN + 5 * S);
	wire.target.family = AF_UNIX;
	assert_false(kernel_question_waits(&wire, BEGAN + 3 * S, &event));
}

static void not_an_address(void **state)
{
	struct wire_question wire = question();
	struct event event = {0};

	(void)state;
	wire.target.family = AF_UNIX;
	assert_int_equal(kernel_wire_unanswered(&wire, BEGAN + S, &event), -EBADMSG);
	assert_true(kernel_question_over(&wire, true, BEGAN + 3 * S, &event));
	assert_int_equal(event.type, EVENT_NONE);
}

/* What anybody sent: labels that are cut, too long, or hold what is no text. */
static void names(void **state)
{
	uint8_t wire[WIRE_QUESTION] = {0};
	char name[NAME_SIZE];

	(void)state;
	kernel_wire_question(wire, name);
	assert_string_equal(name, "");
	memcpy(wire, "\7example\3com", 13);
	kernel_wire_question(wire, name);
	assert_string_equal(name, "example.com");
	memset(wire, 'a', sizeof(wire)); /* a label of 97 */
	kernel_wire_question(wire, name);
	assert_int_equal(strlen(name), NAME_SIZE - 1);
	memset(wire, 1, sizeof(wire)); /* labels of one character that is none */
	kernel_wire_question(wire, name);
	assert_int_equal(strlen(name), NAME_SIZE - 1);
	memset(wire, 255, sizeof(wire));
	kernel_wire_question(wire, name);
	memcpy(wire, "\3a\0b\1c", 7);
	kernel_wire_question(wire, name);
	assert_string_equal(name, "ab.c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(while_it_starts), cmocka_unit_test(when_the_start_is_over),
		cmocka_unit_test(it_goes_on),	   cmocka_unit_test(not_an_address),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
