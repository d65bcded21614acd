/* SPDX-License-Identifier: Apache-2.0 */
/* How many other starts were under way at the same time. */
#include "unit/track_fixture.h"

#define T (1000 * S)

static void open_both(struct fixture *fixture)
{
	fixture_open(fixture, NULL);
	feed(fixture, ev_up(SOURCE_KERNEL, 1 * S));
	feed(fixture, ev_up(SOURCE_CONTAINERD, 1 * S));
}

static void id_of(char id[ID_SIZE], char prefix, int number)
{
	memset(id, '0', 64);
	snprintf(id, ID_SIZE, "%c%063d", prefix, number);
}

/* A pod whose sandbox is made in 1 s and whose container listens 2 s later. */
static void competitor(struct fixture *f, int number, uint64_t t)
{
	char box[ID_SIZE], own[ID_SIZE];
	uint32_t pid = 5000 + (uint32_t)number * 10;

	id_of(box, 'b', number);
	id_of(own, 'c', number);
	struct event identity = ev_identity(own, box, "app", t + 1100 * MS);

	feed(f, ev_rootfs(box, t));
	feed(f, ev_identity(box, box, "", t + 10 * MS));
	feed(f, ev_exec(ROLE_ENTRYPOINT, box, pid, "/pause", "", t + 1 * S));
	feed(f, ev_rootfs(own, t + 1100 * MS));
	feed(f, identity);
	feed(f, ev_exec(ROLE_ENTRYPOINT, own, pid + 1, "/srv", "", t + 1500 * MS));
	feed(f, ev_listen(own, 80, t + 3 * S));
}

static uint32_t competing(const struct fixture *f, int number)
{
	char own[ID_SIZE];

	id_of(own, 'c', number);
	const struct record *record = fixture_find(f, RECORD_START, own);

	assert_non_null(record);
	assert_true(record->final);
	return record->start.why.competing;
}

static void eight_at_once_are_seven_others_each(void **state)
{
	struct fixture f;

	(void)state;
	open_both(&f);
	for (int i = 0; i < 8; i++)
		competitor(&f, i, T + (uint64_t)i * 20 * MS);
	pass(&f, T + 20 * S);
	for (int i = 0; i < 8; i++)
		assert_int_equal(competing(&f, i), 7);
	fixture_close(&f);
}

static void one_after_the_other_have_none(void **state)
{
	struct fixture f;

	(void)state;
	open_both(&f);
	for (int i = 0; i < 8; i++) {
		competitor(&f, i, T + (uint64_t)i * 3 * S);
		pass(&f, T + (uint64_t)(i + 1) * 3 * S);
	}
	pass(&f, T + 60 * S);
	for (int i = 0; i < 8; i++)
		assert_int_equal(competing(&f, i), 0);
	fixture_close(&f);
}

/* At most two of them at the same moment, though four overlap. */
static void the_most_at_one_moment(void **state)
{
	struct fixture f;

	(void)state;
	open_both(&f);
	competitor(&f, 1, T - 2 * S); /* the third second of its app, and the kubelet's turn */
	competitor(&f, 2, T);
	competitor(&f, 3, T + 2900 * MS);
	pass(&f, T + 20 * S);
	assert_int_equal(competing(&f, 1), 1);
	assert_int_equal(competing(&f, 2), 1);
	assert_int_equal(competing(&f, 3), 1);
	fixture_close(&f);
}

/* A worker that never listens is starting until it runs; a sandbox that hangs for ever is not. */
static void who_does_not_compete(void **state)
{
	struct fixture f;
	char worker[ID_SIZE], hanging[ID_SIZE];

	(void)state;
	open_both(&f);
	id_of(worker, 'd', 1);
	id_of(hanging, 'd', 2);
	feed(&f, ev_rootfs(hanging, T - 400 * S));
	feed(&f, ev_rootfs(worker, T - 2 * S));
	feed(&f, ev_exec(ROLE_ENTRYPOINT, worker, 77, "/worker", "", T - 1 * S));
	competitor(&f, 1, T);
	pass(&f, T + 20 * S);
	assert_int_equal(competing(&f, 1), 0);
	fixture_close(&f);
}

static void a_storm_has_a_bound(void **state)
{
	struct fixture f;

	(void)state;
	open_both(&f);
	for (int i = 0; i < 600; i++) {
		char id[ID_SIZE];

		id_of(id, 'e', i);
		feed(&f, ev_rootfs(id, T));
	}
	competitor(&f, 1, T);
	pass(&f, T + 4 * S);
	assert_int_equal(competing(&f, 1), 256);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eight_at_once_are_seven_others_each),
		cmocka_unit_test(one_after_the_other_have_none),
		cmocka_unit_test(the_most_at_one_moment),
		cmocka_unit_test(who_does_not_compete),
		cmocka_unit_test(a_storm_has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
