// SPDX-License-Identifier: Apache-2.0
/* Whatever is told, in whatever order: records are whole, bounded, can be shown, and survive their own JSON. */
#include "unit/track_fixture.h"

#include "model/json.h"
#include "model/sentence.h"
#include "unit/random_event.h"

#define SEEDS  60
#define EVENTS 3000

/* The linker puts these in the place of the C library's (tests.mk). */
void *__real_calloc(size_t count, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);

static struct chance *scarce; /* NULL: there is memory enough */

void *__wrap_calloc(size_t count, size_t size)
{
	/* size 1: what the compiler made of uthash's malloc and memset, and uthash ends the process */
	return scarce && size > 1 && below(scarce, 20) == 0 ? NULL : __real_calloc(count, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return scarce && below(scarce, 20) == 0 ? NULL : __real_reallocarray(old, count, size);
}

struct told {
	FILE *null;
	uint32_t of[RECORD_TYPE_COUNT];
};

static void assert_span(struct span span)
{
	if (span.to_ns)
		assert_true(span.from_ns <= span.to_ns);
}

/* In order, gapless, and the whole. */
static void assert_phases(const struct record_start *start)
{
	assert_true(start->phase_count <= START_PHASES_MAX);
	assert_true(start->plugin_count <= START_PLUGINS_MAX);
	assert_span(start->span);
	for (uint32_t i = 0; i < start->phase_count; i++) {
		const struct span span = start->phases[i].span;

		assert_true(span.from_ns <= span.to_ns);
		assert_int_equal(span.from_ns,
				 i ? start->phases[i - 1].span.to_ns : start->span.from_ns);
	}
	if (start->phase_count)
		assert_int_equal(start->phases[start->phase_count - 1].span.to_ns,
				 start->span.to_ns);
}

/* A measured breakdown is the phase's, by its threads' wall clock. */
static void assert_why(const struct record_start *start)
{
	assert_true(start->why.stall_count <= 2);
	assert_true(start->why.file_count <= 5 && start->why.peer_count <= 5);
	assert_true(start->why.work_count <= 16);
	for (uint32_t i = 0; i < start->why.stall_count; i++) {
		const struct phase_stalls *stall = &start->why.stalls[i];
		uint64_t sum = 0, length = 0;

		for (int kind = 0; kind < STALL_COUNT; kind++)
			sum += stall->wall.ns[kind];
		for (uint32_t at = 0; at < start->phase_count; at++)
			if (start->phases[at].phase == stall->phase)
				length = span_length(start->phases[at].span);
		assert_int_equal(sum, length);
	}
}

static void assert_of_type(const struct record *record)
{
	switch (record->type) {
	case RECORD_START:
		assert_phases(&record->start);
		assert_why(&record->start);
		break;
	case RECORD_EXIT:
		assert_in_range(record->exit.verdict, EXIT_COMPLETED, EXIT_VERDICT_COUNT - 1);
		assert_true(record->exit.host_count <= HOST_EVIDENCE_MAX);
		break;
	case RECORD_OOM:
		assert_in_range(record->oom.victim_count, 1, OOM_VICTIMS_MAX);
		assert_true(record->oom.victim_total >= record->oom.victim_count);
		assert_true(record->oom.neighbour_count <= OOM_NEIGHBOURS_MAX);
		assert_true(record->oom.pod_count <= OOM_PODS_MAX);
		break;
	case RECORD_PULL:
		assert_span(record->pull.span);
		assert_span(record->pull.download);
		assert_span(record->pull.unpack);
		assert_true(*record->pull.image || record->pull.failed);
		break;
	case RECORD_GAP:
		assert_span(record->gap.span);
		assert_true(*record->gap.cause && *record->gap.source);
		break;
	case RECORD_WAIT:
		assert_span(record->wait.span);
		assert_true(*record->wait.reason);
		break;
	case RECORD_CHILD:
		assert_true(record->child.count > 0 && record->child.same <= record->child.count);
		assert_true(record->child.first_ns <= record->child.last_ns);
		break;
	case RECORD_BOOT:
		assert_true(record->boot.pods_ready <= record->boot.pods_expected);
		break;
	default:
		break;
	}
}

static void check(void *context, const struct record *record)
{
	struct chance *before = scarce;
	struct told *told = context;
	struct record again;

	scarce = NULL;

	assert_in_range(record->type, RECORD_START, RECORD_TYPE_COUNT - 1);
	assert_true(*record->key);
	told->of[record->type]++;
	assert_of_type(record);
	json_t *json = record_to_json(record);

	assert_non_null(json);
	assert_int_equal(record_from_json(json, &again), 0);
	json_t *twice = record_to_json(&again);

	assert_true(json_equal(json, twice));
	json_decref(twice);
	json_decref(json);
	sentence_line(told->null, record, true);
	scarce = before;
}

static void tell_it_anything(uint64_t seed, struct told *told)
{
	struct chance chance = {.state = seed * UINT64_C(0x9e3779b97f4a7c15)};
	struct tracker_settings settings = {.containers_max = seed % 4 ? 0 : 8,
					    .start_window_ns = seed % 3 ? 0 : 5 * S};
	struct tracker *tracker;
	uint64_t now_ns = seed % 5 ? 2000 * S : 20 * S;

	if (tracker_new(&tracker, &settings, check, told) < 0) {
		assert_non_null(scarce);
		return;
	}
	for (int i = 0; i < EVENTS; i++) {
		struct event event = random_event(&chance, now_ns);

		tracker_event(tracker, &event, now_ns);
		now_ns += below(&chance, 100) ? below(&chance, 300) * MS : below(&chance, 40) * S;
		if (tracker_next_tick_ns(tracker) <= now_ns)
			tracker_tick(tracker, now_ns);
	}
	tracker_flush(tracker, now_ns);
	tracker_free(tracker);
}

static void any_order_gives_whole_records(void **state)
{
	struct told told = {.null = fopen("/dev/null", "we")};

	(void)state;
	assert_non_null(told.null);
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		tell_it_anything(seed, &told);
	for (enum record_type type = RECORD_START; type < RECORD_TYPE_COUNT; type++)
		if (!told.of[type])
			fail_msg("no %s was ever told", record_type_name(type));
	fclose(told.null);
}

/* What there was no memory for is missing; what is told is whole all the same. */
static void without_memory_too(void **state)
{
	struct told told = {.null = fopen("/dev/null", "we")};
	struct chance chance = {.state = 77};

	(void)state;
	assert_non_null(told.null);
	scarce = &chance;
	for (uint64_t seed = 1; seed <= 2 * SEEDS; seed++)
		tell_it_anything(seed, &told);
	scarce = NULL;
	assert_true(told.of[RECORD_START] && told.of[RECORD_EXIT]);
	fclose(told.null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order_gives_whole_records),
		cmocka_unit_test(without_memory_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
