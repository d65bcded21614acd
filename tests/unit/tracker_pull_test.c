/* SPDX-License-Identifier: Apache-2.0 */
/* Pulls: what is downloaded and unpacked for an image, and which start it belongs to. */
#include "unit/track_fixture.h"

#define IMAGE	  "registry.local/big:1"
#define IMAGE_ID  "sha256:1d00000000000000000000000000000000000000000000000000000000000000"
#define MANIFEST  "sha256:3a00000000000000000000000000000000000000000000000000000000000000"
#define BY_DIGEST "registry.local/big@" MANIFEST
#define MB	  UINT64_C(1000000)

static void digest(char *text, char kind, unsigned int n)
{
	snprintf(text, DIGEST_SIZE, "sha256:%c%063u", kind, n);
}

static struct event ingest(unsigned int layer, uint64_t offset, uint64_t started, bool gone,
			   uint64_t at)
{
	struct event event = {
		.type = EVENT_INGEST,
		.boot_ns = at,
		.ingest = {.kind = INGEST_LAYER,
			   .offset = offset,
			   .started_ns = started,
			   .gone = gone},
	};

	digest(event.ingest.digest, 'b', layer);
	return event;
}

static struct event unpack(unsigned int layer, enum snapshot_step step, uint64_t at)
{
	struct event event = {.type = EVENT_SNAPSHOT, .boot_ns = at, .snapshot.step = step};

	digest(event.snapshot.chain, 'c', layer);
	return event;
}

static struct event layer_of(const char *image, unsigned int layer, unsigned int count,
			     uint64_t bytes, uint64_t committed)
{
	struct event event = {
		.type = EVENT_LAYER,
		.boot_ns = committed,
		.layer = {.index = layer,
			  .count = count,
			  .bytes = bytes,
			  .committed_ns = committed},
	};

	TEXT_COPY(event.layer.image, image);
	digest(event.layer.digest, 'b', layer);
	digest(event.layer.chain, 'c', layer);
	return event;
}

static struct event image_is(const char *name, enum image_step step, uint64_t resolved, uint64_t at)
{
	struct event event = {
		.type = EVENT_IMAGE,
		.boot_ns = at,
		.image = {.step = step,
			  .digest = MANIFEST,
			  .image_id = IMAGE_ID,
			  .resolved_ns = resolved},
	};

	TEXT_COPY(event.image.name, name);
	return event;
}

/* Two layers, unpacked while the second still comes; ends at t + 900 ms. */
static void pull_image(struct fixture *f, uint64_t t)
{
	feed(f, ingest(0, 1 * MB, t + 10 * MS, false, t + 100 * MS));
	feed(f, ingest(1, 1 * MB, t + 10 * MS, false, t + 100 * MS));
	feed(f, ingest(0, 5 * MB, t + 10 * MS, true, t + 300 * MS));
	feed(f, unpack(0, SNAPSHOT_PREPARE, t + 310 * MS));
	feed(f, unpack(0, SNAPSHOT_COMMIT, t + 400 * MS));
	feed(f, ingest(1, 40 * MB, t + 10 * MS, false, t + 700 * MS));
	feed(f, unpack(1, SNAPSHOT_PREPARE, t + 810 * MS));
	feed(f, unpack(1, SNAPSHOT_COMMIT, t + 890 * MS));
	feed(f, layer_of(IMAGE, 0, 2, 5 * MB, t + 290 * MS));
	feed(f, layer_of(IMAGE, 1, 2, 50 * MB, t + 790 * MS));
	feed(f, image_is(IMAGE, IMAGE_CREATE, t, t + 900 * MS));
	feed(f, image_is(IMAGE_ID, IMAGE_CREATE, t, t + 901 * MS));
	feed(f, image_is(IMAGE, IMAGE_UPDATE, t, t + 902 * MS));
	feed(f, image_is(BY_DIGEST, IMAGE_CREATE, t, t + 903 * MS));
	feed(f,
	     ingest(1, 50 * MB, t + 10 * MS, true, t + 1100 * MS)); /* the next poll sees it gone */
}

static void one_pull(void **state)
{
	struct fixture f;
	uint64_t t = 10 * S;

	(void)state;
	fixture_open(&f, NULL);
	pull_image(&f, t);
	pass(&f, t + 60 * S);
	assert_int_equal(fixture_count(&f, RECORD_PULL), 1);
	const struct record_pull *pull = &fixture_last(&f, RECORD_PULL, 0)->pull;

	assert_string_equal(pull->image, IMAGE);
	assert_int_equal(pull->bytes, 55 * MB);
	assert_int_equal(pull->layers, 2);
	assert_int_equal(pull->layers_present, 0);
	assert_int_equal(pull->span.from_ns, t);
	assert_int_equal(pull->span.to_ns, t + 900 * MS);
	assert_int_equal(pull->download.from_ns, t + 10 * MS);
	assert_int_equal(pull->download.to_ns, t + 790 * MS);
	assert_int_equal(pull->unpack.from_ns, t + 310 * MS);
	assert_int_equal(pull->unpack.to_ns, t + 890 * MS);
	assert_false(pull->failed || pull->reconstructed);
	fixture_close(&f);
}

/* The kubelet pulls between sandbox and create; CRI names the container's image by its id. */
static void part_of_a_start_of(const char *image)
{
	struct fixture f;
	struct event events[POD_EVENTS];
	uint64_t t = 10 * S, later = 2 * S;

	fixture_open(&f, NULL);
	feed(&f, ev_up(SOURCE_KERNEL, 1 * S));
	feed(&f, ev_up(SOURCE_CONTAINERD, 1 * S));
	size_t n = pod_start(events, t);
	for (size_t i = 0; i < 7; i++) /* the sandbox */
		feed(&f, events[i]);
	pull_image(&f, t + 500 * MS);
	for (size_t i = 7; i < n; i++) {
		events[i].boot_ns += later;
		if (events[i].type == EVENT_CONTAINER) {
			events[i].container.created_ns += later;
			TEXT_COPY(events[i].container.image, image);
		}
		feed(&f, events[i]);
	}
	pass(&f, t + 60 * S);
	const struct record_start *start = &fixture_find(&f, RECORD_START, WEB)->start;
	const struct phase_span *pull = NULL;

	for (uint32_t i = 0; i < start->phase_count; i++)
		if (start->phases[i].phase == PHASE_PULL)
			pull = &start->phases[i];
	assert_non_null(pull);
	assert_int_equal(pull->span.from_ns, t + 500 * MS);
	assert_int_equal(pull->span.to_ns, t + 1400 * MS);
	assert_int_equal(start->pull_bytes, 55 * MB);
	assert_int_equal(start->span.from_ns, t);
	fixture_close(&f);
}

static void part_of_a_start(void **state)
{
	(void)state;
	part_of_a_start_of(IMAGE);
	part_of_a_start_of(IMAGE_ID);
	part_of_a_start_of(BY_DIGEST);
}

static void tag_or_import_is_no_pull(void **state)
{
	struct fixture f;
	uint64_t t = 10 * S;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, layer_of(IMAGE, 0, 1, 5 * MB, 2 * S));
	feed(&f, image_is(IMAGE, IMAGE_CREATE, 1 * S, t));
	pass(&f, t + 60 * S);
	assert_int_equal(fixture_count(&f, RECORD_PULL), 0);
	fixture_close(&f);
}

static void failed(void **state)
{
	struct fixture f;
	uint64_t t = 10 * S;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ingest(0, 1 * MB, t, false, t + 100 * MS));
	feed(&f, ingest(0, 2 * MB, t, true, t + 600 * MS));
	pass(&f, t + 60 * S);
	assert_int_equal(fixture_count(&f, RECORD_PULL), 1);
	const struct record_pull *pull = &fixture_last(&f, RECORD_PULL, 0)->pull;

	assert_true(pull->failed);
	assert_int_equal(pull->bytes, 2 * MB);
	assert_int_equal(pull->span.to_ns, t + 600 * MS);
	fixture_close(&f);
}

/* A layer that is complete long before the others are has not failed. */
static void slow_is_not_failed(void **state)
{
	struct fixture f;
	uint64_t t = 10 * S;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ingest(0, 1 * MB, t, false, t + 50 * MS));
	feed(&f, ingest(0, 1 * MB, t, true, t + 100 * MS));
	feed(&f, ingest(1, 1 * MB, t, false, t + 100 * MS));
	pass(&f, t + 30 * S);
	assert_int_equal(fixture_count(&f, RECORD_PULL), 0);
	feed(&f, ingest(1, 9 * MB, t, true, t + 31 * S));
	feed(&f, layer_of(IMAGE, 0, 2, 1 * MB, t + 90 * MS));
	feed(&f, layer_of(IMAGE, 1, 2, 9 * MB, t + 31 * S));
	feed(&f, image_is(IMAGE, IMAGE_CREATE, t, t + 32 * S));
	pass(&f, t + 60 * S);
	assert_int_equal(fixture_count(&f, RECORD_PULL), 1);
	assert_false(fixture_last(&f, RECORD_PULL, 0)->pull.failed);
	assert_int_equal(fixture_last(&f, RECORD_PULL, 0)->pull.bytes, 10 * MB);
	fixture_close(&f);
}

/* --- what containerd logged ------------------------------------------------------------------- */

#define OTHER_ID "sha256:2d00000000000000000000000000000000000000000000000000000000000000"

static void late_agent(struct fixture *f)
{
	fixture_open(f, NULL);
	feed(f, ev_up(SOURCE_KERNEL, 100 * S));
	feed(f, ev_up(SOURCE_CONTAINERD, 100 * S));
}

static void logged(void **state)
{
	struct fixture f;

	(void)state;
	late_agent(&f);
	feed_late(&f, ev_pulled(IMAGE, IMAGE_ID, 20 * S, 80 * S), 101 * S);
	pass(&f, 102 * S);
	assert_int_equal(fixture_count(&f, RECORD_PULL), 1);
	const struct record *record = fixture_last(&f, RECORD_PULL, 0);
	const struct record_pull *pull = &record->pull;

	assert_true(record->final && record_reconstructed(record));
	assert_string_equal(record->key, IMAGE_ID "-20000000000");
	assert_string_equal(record->subject.image, IMAGE);
	assert_int_equal(record->boot_ns, 80 * S);
	assert_string_equal(pull->image, IMAGE);
	assert_string_equal(pull->digest, ""); /* which is the manifest's */
	assert_int_equal(pull->span.from_ns, 20 * S);
	assert_int_equal(pull->span.to_ns, 80 * S);
	assert_int_equal(pull->bytes + pull->layers + pull->layers_present, 0);
	assert_int_equal(pull->download.to_ns + pull->unpack.to_ns, 0);
	assert_false(pull->failed);
	pass(&f, 200 * S);
	assert_int_equal(f.count, 1);
	fixture_close(&f);
}

/* Ten pods ask for the same image: the kubelet has it pulled once, then each one's call finds it there. */
static void asked_for_again(void **state)
{
	struct fixture f;

	(void)state;
	late_agent(&f);
	/* two at the same time: the second to begin is the first to return */
	feed_late(&f, ev_pulled(IMAGE, IMAGE_ID, 21 * S, 80 * S), 101 * S);
	feed_late(&f, ev_pulled(IMAGE, IMAGE_ID, 20 * S, 80100 * MS), 101 * S);
	for (unsigned int i = 1; i < 9; i++)
		feed_late(&f, ev_pulled(IMAGE, IMAGE_ID, (80 + i) * S, (80 + i) * S + 20 * MS),
			  101 * S);
	/* the tag was moved: another image */
	feed_late(&f, ev_pulled(IMAGE, OTHER_ID, 90 * S, 95 * S), 101 * S);
	pass(&f, 200 * S);
	assert_int_equal(f.count, 2);
	assert_int_equal(f.told[0].pull.span.from_ns, 20 * S);
	assert_int_equal(f.told[0].pull.span.to_ns, 80 * S);
	assert_int_equal(f.told[1].pull.span.from_ns, 90 * S);
	fixture_close(&f);
}

static struct event pull_from(uint64_t began, uint64_t at)
{
	return ev_pulled(IMAGE, IMAGE_ID, began, at);
}

/* It goes on when the agent begins, which sees its layers come. */
static void logged_and_seen(void **state)
{
	struct fixture f;

	(void)state;
	for (int late = 0; late < 2; late++) {
		late_agent(&f);
		if (!late) /* the line is read before containerd tells of the image */
			feed_late(&f, pull_from(99 * S, 101900 * MS), 101600 * MS);
		pull_image(&f, 101 * S);
		if (late)
			feed_late(&f, pull_from(99 * S, 101900 * MS), 104 * S);
		pass(&f, 200 * S);
		assert_int_equal(f.count, 1);
		assert_false(record_reconstructed(&f.told[0]));
		assert_int_equal(f.told[0].pull.bytes, 55 * MB);
		fixture_close(&f);
	}
}

/* All of it had come by then. */
static void logged_and_not_seen(void **state)
{
	struct fixture f;

	(void)state;
	late_agent(&f);
	feed_late(&f, pull_from(60 * S, 100500 * MS), 101 * S);
	pass(&f, 200 * S);
	assert_int_equal(f.count, 1);
	assert_true(record_reconstructed(&f.told[0]));
	fixture_close(&f);
}

/* Removed since, and pulled again under our eyes. */
static void logged_then_another_seen(void **state)
{
	struct fixture f;

	(void)state;
	late_agent(&f);
	feed_late(&f, pull_from(20 * S, 80 * S), 101 * S);
	pass(&f, 103 * S);
	pull_image(&f, 105 * S);
	pass(&f, 200 * S);
	assert_int_equal(f.count, 2);
	assert_true(record_reconstructed(&f.told[0]));
	assert_false(record_reconstructed(&f.told[1]));
	fixture_close(&f);
}

static void nonsense_logged(void **state)
{
	struct fixture f;

	(void)state;
	late_agent(&f);
	feed_late(&f, ev_pulled("", IMAGE_ID, 20 * S, 80 * S), 101 * S);
	feed_late(&f, ev_pulled(IMAGE, "", 20 * S, 80 * S), 101 * S);
	feed_late(&f, ev_pulled(IMAGE, IMAGE_ID, 0, 80 * S), 101 * S);
	feed_late(&f, ev_pulled(IMAGE, IMAGE_ID, 80 * S, 80 * S), 101 * S);
	pass(&f, 200 * S);
	assert_int_equal(f.count, 0);
	fixture_close(&f);
}

/* More than are kept: each is told. */
static void many_logged(void **state)
{
	char image[64], id[DIGEST_SIZE];
	struct fixture f;

	(void)state;
	late_agent(&f);
	for (unsigned int i = 0; i < 200; i++) {
		snprintf(image, sizeof(image), "r.io/a:%u", i);
		digest(id, 'd', i);
		feed_late(&f, ev_pulled(image, id, (10 + i) * 100 * MS, (12 + i) * 100 * MS),
			  101 * S);
	}
	pass(&f, 200 * S);
	assert_int_equal(fixture_count(&f, RECORD_PULL), 200);
	assert_int_equal(f.count, 200);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_pull),
		cmocka_unit_test(part_of_a_start),
		cmocka_unit_test(tag_or_import_is_no_pull),
		cmocka_unit_test(failed),
		cmocka_unit_test(slow_is_not_failed),
		cmocka_unit_test(logged),
		cmocka_unit_test(asked_for_again),
		cmocka_unit_test(logged_and_seen),
		cmocka_unit_test(logged_and_not_seen),
		cmocka_unit_test(logged_then_another_seen),
		cmocka_unit_test(nonsense_logged),
		cmocka_unit_test(many_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
