/* SPDX-License-Identifier: Apache-2.0 */
/* A boot that does not recover: its node goes on for days, and what happens there is none of the boot's. */
#include "track/boot/boot_peer.h"
#include "track/boot/boot_pod.h"
#include "unit/boot_fixture.h"

static const struct pod_plan web = {.n = 1, .name = "web-0"};
static const struct pod_plan db = {.n = 2, .name = "db-0", .app_ns = 4 * S};
static const struct pod_plan again = {.n = 2, .name = "db-0", .fresh = true};

/* Its container can't reach anybody. */
static void refuse(struct fixture *f, unsigned int n, uint64_t at)
{
	struct pod_plan other = {.n = 1000 + n, .name = "other-0"};

	feed(f, ev_refused(&other, "10.0.0.9", 5432, at));
}

static void assert_nothing_was_left_out(const struct fixture *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->told[i].type == RECORD_GAP)
			fail_msg("%s", f->told[i].gap.cause);
}

/* A job a minute, more of them than a boot has room for. */
static void run_jobs(struct fixture *f, bool kubernetes, uint64_t from)
{
	for (unsigned int n = 0; n < 2 * BOOT_PODS_MAX; n++) {
		struct pod_plan job = {.n = 1000 + n, .name = "job-0", .fresh = true};
		uint64_t at = from + n * 60 * S;
		struct event gone = {.type = EVENT_POD_GONE, .boot_ns = at + 30 * S};
		struct script script;

		script_open(&script);
		script.kubernetes = kubernetes;
		script_pod(&script, &job, at);
		script_play(&script, f, at + 10 * S);
		script_close(&script);
		refuse(f, n, at + 20 * S);
		pod_uid(&job, gone.pod_gone.pod_uid);
		if (kubernetes)
			feed(f, gone);
		assert_nothing_was_left_out(f);
		f->count = 0; /* there is not room for all */
	}
}

/* The one that was missing comes after all. */
static void comes_back_days_later(void **state)
{
	struct world w;
	struct script late;
	uint64_t ready, from = 86400 * S;

	(void)state;
	world_open(&w, &(struct node_plan){.kubernetes = true});
	script_pod(&w.script, &web, w.script.begin_ns);
	script_old_pod(&w.script, &db);
	const struct record *record = world_play(&w, 650 * S);

	assert_int_equal(record->boot.state, BOOT_NOT_RECOVERED);
	run_jobs(&w.fixture, true, 700 * S);

	script_open(&late);
	late.kubernetes = true;
	ready = script_pod(&late, &again, from);
	script_play(&late, &w.fixture, ready + 60 * S);
	record = boot_told(&w.fixture);
	assert_true(record->final);
	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, ready);
	assert_int_equal(record->boot.pods_expected, 2);
	script_close(&late);
	world_close(&w);
}

static void without_kubernetes(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, &(struct node_plan){0});
	script_pod(&w.script, &web, w.script.begin_ns);
	script_old_pod(&w.script, &db);
	const struct record *record = world_play(&w, 650 * S);

	assert_int_equal(record->boot.state, BOOT_NOT_RECOVERED);
	assert_int_equal(record->boot.pods_expected, 2);
	run_jobs(&w.fixture, false, 700 * S);
	world_close(&w);
}

/* What a pod waits for that is missing is known, however many others were tried before. */
static void the_last_peers_are_kept(void **state)
{
	struct boot_peers peers = {0};
	struct event event;

	(void)state;
	for (unsigned int n = 0; n < 3 * BOOT_PEERS_MAX; n++) {
		struct pod_plan other = {.n = n, .name = "other-0"};

		for (unsigned int i = 0; i < 2; i++) {
			event = ev_refused(&other, "10.0.0.9", 5432, 700 * S + (2 * n + i) * S);
			assert_true(boot_peers_note(&peers, &event, 600 * S));
		}
	}
	assert_int_equal(peers.lost, 0);
	assert_non_null(boot_peers_last(&peers, event.connect_failed.container_id, 0, UINT64_MAX));
	boot_peers_clear(&peers);
}

/* While the boot goes on each may count: then it is said that there was no room. */
static void too_many_peers_in_a_boot(void **state)
{
	struct world w;
	bool told = false;

	(void)state;
	world_open(&w, &(struct node_plan){0});
	script_pod(&w.script, &web, w.script.begin_ns);
	script_old_pod(&w.script, &db);
	world_play(&w, 60 * S);
	for (unsigned int n = 0; n <= BOOT_PEERS_MAX; n++)
		refuse(&w.fixture, n, 61 * S + n * MS);
	pass(&w.fixture, 120 * S);
	for (size_t i = 0; i < w.fixture.count; i++)
		told |= w.fixture.told[i].type == RECORD_GAP;
	assert_true(told);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back_days_later),
		cmocka_unit_test(without_kubernetes),
		cmocka_unit_test(the_last_peers_are_kept),
		cmocka_unit_test(too_many_peers_in_a_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
