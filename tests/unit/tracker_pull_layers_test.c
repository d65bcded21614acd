/* SPDX-License-Identifier: Apache-2.0 */
/* A pull's layers: who fetched them, when they were unpacked, and how far a pull that goes on has got. */
#include "unit/track_fixture.h"

#define MB   UINT64_C(1000000)
#define GB   UINT64_C(1000000000)
#define BASE 7

static void digest(char *text, char kind, unsigned int n)
{
	snprintf(text, DIGEST_SIZE, "sha256:%c%063u", kind, n);
}

static struct event ingest(unsigned int layer, uint64_t offset, uint64_t started, uint64_t at)
{
	struct event event = {
		.type = EVENT_INGEST,
		.boot_ns = at,
		.ingest = {.kind = INGEST_LAYER, .offset = offset, .started_ns = started},
	};

	digest(event.ingest.digest, 'b', layer);
	return event;
}

static struct event gone(unsigned int layer, uint64_t offset, uint64_t started, uint64_t at,
			 bool aborted)
{
	struct event event = ingest(layer, offset, started, at);

	event.ingest.gone = true;
	event.ingest.aborted = aborted;
	return event;
}

static struct event unpack(unsigned int layer, enum snapshot_step step, uint64_t at)
{
	struct event event = {.type = EVENT_SNAPSHOT, .boot_ns = at, .snapshot.step = step};

	digest(event.snapshot.chain, 'c', layer);
	return event;
}

/* Images are numbers here; layer n of an image by its place. */
struct layer {
	unsigned int id;
	uint64_t bytes, committed;
};

static void describe(struct fixture *f, unsigned int image, const char *name,
		     const struct layer *layers, uint32_t count, enum image_step step,
		     uint64_t resolved, uint64_t at)
{
	struct event whole = {
		.type = EVENT_IMAGE,
		.boot_ns = at,
		.image = {.step = step, .resolved_ns = resolved},
	};

	TEXT_COPY(whole.image.name, name);
	TEXT_COPY(whole.image.registry, "r.io");
	digest(whole.image.digest, '3', image);
	digest(whole.image.image_id, '1', image);
	for (uint32_t i = 0; i < count; i++) {
		struct event event = {
			.type = EVENT_LAYER,
			.boot_ns = at,
			.layer = {.index = i,
				  .count = count,
				  .bytes = layers[i].bytes,
				  .committed_ns = layers[i].committed,
				  .unpacked_bytes = layers[i].bytes * 3,
				  .unpacked_files = 10},
		};

		TEXT_COPY(event.layer.image, name);
		digest(event.layer.digest, 'b', layers[i].id);
		digest(event.layer.chain, 'c', layers[i].id);
		feed(f, event);
	}
	feed(f, whole);
}

static const struct record_pull *last(const struct fixture *f, const char *image)
{
	for (size_t i = f->count; i-- > 0;)
		if (f->told[i].type == RECORD_PULL && f->told[i].final &&
		    strcmp(f->told[i].pull.image, image) == 0)
			return &f->told[i].pull;
	fail_msg("no pull of %s was told", image);
	return NULL;
}

/* containerd 1.x prepares a layer's snapshot before the layer has come. */
static void unpack_begins_when_it_has_come(void **state)
{
	struct fixture f;
	const struct layer layers[] = {{1, 30 * MB, 16 * S}, {2, MB, 11 * S}};

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, unpack(1, SNAPSHOT_PREPARE, 10 * S + 50 * MS));
	feed(&f, ingest(1, MB, 10 * S + 40 * MS, 10 * S + 60 * MS));
	feed(&f, ingest(2, MB, 10 * S + 40 * MS, 10 * S + 60 * MS));
	feed(&f, gone(2, MB, 10 * S + 40 * MS, 11 * S, false));
	feed(&f, gone(1, 30 * MB, 10 * S + 40 * MS, 16 * S, false));
	feed(&f, unpack(1, SNAPSHOT_COMMIT, 16500 * MS));
	feed(&f, unpack(2, SNAPSHOT_PREPARE, 16501 * MS));
	feed(&f, unpack(2, SNAPSHOT_COMMIT, 16600 * MS));
	describe(&f, 1, "r.io:5000/a:1", layers, 2, IMAGE_CREATE, 10 * S, 16700 * MS);
	pass(&f, 60 * S);
	const struct record_pull *pull = last(&f, "r.io:5000/a:1");

	assert_int_equal(pull->unpack.from_ns, 16 * S);
	assert_int_equal(pull->anatomy.unpack_ns, 500 * MS + 99 * MS);
	assert_int_equal(pull->anatomy.download_ns, 16 * S - 10040 * MS);
	assert_int_equal(pull->anatomy.parallel, 2);
	assert_int_equal(pull->anatomy.unpacked_bytes, 93 * MB);
	assert_int_equal(pull->anatomy.unpacked_files, 20);
	assert_int_equal(pull->anatomy.layer_count, 2);
	assert_int_equal(pull->anatomy.layers[0].origin, LAYER_FETCHED);
	assert_int_equal(pull->anatomy.layers[1].unpack.from_ns, 16501 * MS);
	assert_string_equal(pull->anatomy.registry, "r.io:5000");
	assert_int_equal(pull_bound(&pull->anatomy), PULL_BOUND_DOWNLOAD);
	fixture_close(&f);
}

/* Of many layers the longest are kept, and all are counted. */
static void many_layers(void **state)
{
	struct fixture f;
	struct layer layers[100];

	(void)state;
	fixture_open(&f, NULL);
	for (unsigned int i = 0; i < 100; i++) {
		uint64_t from = 10 * S + i * 100 * MS, to = from + (i == 33 ? 90 : 10) * MS;

		layers[i] = (struct layer){i, MB, to};
		feed(&f, ingest(i, MB, from, from));
		feed(&f, gone(i, MB, from, to, false));
		feed(&f, unpack(i, SNAPSHOT_PREPARE, to));
		feed(&f, unpack(i, SNAPSHOT_COMMIT, to + MS));
	}
	describe(&f, 1, "r.io/a:1", layers, 100, IMAGE_CREATE, 10 * S, 21 * S);
	pass(&f, 60 * S);
	const struct record_pull *pull = last(&f, "r.io/a:1");

	assert_int_equal(pull->layers, 100);
	assert_int_equal(pull->bytes, 100 * MB);
	assert_int_equal(pull->anatomy.layer_count, PULL_LAYERS_MAX);
	assert_int_equal(pull->anatomy.download_ns, (99 * 10 + 90) * MS);
	assert_int_equal(pull->anatomy.unpack_ns, 100 * MS);
	assert_int_equal(pull->anatomy.parallel, 1);
	bool kept = false;

	for (uint32_t i = 0; i < pull->anatomy.layer_count; i++)
		kept |= pull->anatomy.layers[i].download.to_ns -
				pull->anatomy.layers[i].download.from_ns ==
			90 * MS;
	assert_true(kept);
	fixture_close(&f);
}

/* The second knew its layers when the first was fetching one of them. */
static void waits_for_another(void **state)
{
	struct fixture f;
	const struct layer first[] = {{BASE, 20 * MB, 15 * S}};
	const struct layer second[] = {{BASE, 20 * MB, 15 * S}, {2, 5 * MB, 14 * S}};

	(void)state;
	for (int order = 0; order < 2; order++) {
		fixture_open(&f, NULL);
		feed(&f, ingest(BASE, MB, 10100 * MS, 10200 * MS));
		describe(&f, 1, "r.io/first", first, 1, IMAGE_PULLING, 10 * S, 10200 * MS);
		feed(&f, ingest(2, MB, 12100 * MS, 12200 * MS));
		describe(&f, 2, "r.io/second", second, 2, IMAGE_PULLING, 12 * S, 12200 * MS);
		feed(&f, gone(2, 5 * MB, 12100 * MS, 14 * S, false));
		feed(&f, gone(BASE, 20 * MB, 10100 * MS, 15 * S, false));
		feed(&f, unpack(BASE, SNAPSHOT_PREPARE, 15 * S));
		feed(&f, unpack(BASE, SNAPSHOT_COMMIT, 15500 * MS));
		if (order == 0)
			describe(&f, 1, "r.io/first:1", first, 1, IMAGE_CREATE, 10 * S, 15600 * MS);
		feed(&f, unpack(2, SNAPSHOT_PREPARE, 15600 * MS));
		feed(&f, unpack(2, SNAPSHOT_COMMIT, 15700 * MS));
		describe(&f, 2, "r.io/second:1", second, 2, IMAGE_CREATE, 12 * S, 15800 * MS);
		if (order == 1)
			describe(&f, 1, "r.io/first:1", first, 1, IMAGE_CREATE, 10 * S, 15900 * MS);
		pass(&f, 60 * S);
		const struct record_pull *a = last(&f, "r.io/first:1");
		const struct record_pull *b = last(&f, "r.io/second:1");

		assert_int_equal(a->bytes, 20 * MB);
		assert_int_equal(a->anatomy.layers[0].origin, LAYER_FETCHED);
		assert_string_equal(a->anatomy.shared_with, "");
		assert_int_equal(b->bytes, 5 * MB);
		assert_int_equal(b->layers_present, 0);
		assert_int_equal(b->anatomy.layers[0].origin, LAYER_WAITED);
		assert_int_equal(b->anatomy.waited.from_ns, 12 * S);
		assert_int_equal(b->anatomy.waited.to_ns, 15 * S);
		assert_string_equal(b->anatomy.shared_with,
				    order == 0 ? "r.io/first:1" : "r.io/first");
		assert_string_equal(b->anatomy.shared_layer, b->anatomy.layers[0].digest);
		/* while it waited it was the other's link alone; its own layer came meanwhile */
		assert_int_equal(b->anatomy.fetch_ns, 14 * S - 12100 * MS);
		assert_int_equal(b->anatomy.download_ns, 3 * S);
		assert_int_equal(b->anatomy.link.from_ns, 12100 * MS);
		assert_int_equal(b->anatomy.link.to_ns, 14 * S);
		assert_string_equal(b->anatomy.link_with,
				    order == 0 ? "r.io/first:1" : "r.io/first");
		fixture_close(&f);
	}
}

/* Both knew before it began: it can't be told whose it was. */
static void shared_with_another(void **state)
{
	struct fixture f;
	const struct layer first[] = {{BASE, 20 * MB, 15 * S}};
	const struct layer second[] = {{BASE, 20 * MB, 15 * S}, {2, 5 * MB, 14 * S}};

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ingest(BASE, MB, 10100 * MS, 10200 * MS));
	describe(&f, 1, "r.io/first", first, 1, IMAGE_PULLING, 10 * S, 10200 * MS);
	describe(&f, 2, "r.io/second", second, 2, IMAGE_PULLING, 10050 * MS, 10200 * MS);
	feed(&f, gone(BASE, 20 * MB, 10100 * MS, 15 * S, false));
	describe(&f, 1, "r.io/first:1", first, 1, IMAGE_CREATE, 10 * S, 15600 * MS);
	describe(&f, 2, "r.io/second:1", second, 2, IMAGE_CREATE, 10050 * MS, 15800 * MS);
	pass(&f, 60 * S);
	assert_int_equal(last(&f, "r.io/first:1")->anatomy.layers[0].origin, LAYER_SHARED);
	assert_int_equal(last(&f, "r.io/second:1")->anatomy.layers[0].origin, LAYER_SHARED);
	assert_string_equal(last(&f, "r.io/second:1")->anatomy.shared_with, "r.io/first:1");
	assert_int_equal(last(&f, "r.io/second:1")->anatomy.waited.to_ns, 0);
	fixture_close(&f);
}

/* An image pulled later has the layer already, however short ago. */
static void present_later(void **state)
{
	struct fixture f;
	const struct layer first[] = {{BASE, 20 * MB, 15 * S}};
	const struct layer second[] = {{BASE, 20 * MB, 15 * S}, {2, 5 * MB, 18 * S}};

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ingest(BASE, MB, 10100 * MS, 10200 * MS));
	describe(&f, 1, "r.io/first:1", first, 1, IMAGE_CREATE, 10 * S, 15600 * MS);
	feed(&f, gone(BASE, 20 * MB, 10100 * MS, 15700 * MS, false)); /* the next poll */
	feed(&f, ingest(2, MB, 16100 * MS, 16200 * MS));
	describe(&f, 2, "r.io/second:1", second, 2, IMAGE_CREATE, 16 * S, 18200 * MS);
	pass(&f, 60 * S);
	const struct record_pull *pull = last(&f, "r.io/second:1");

	assert_int_equal(pull->layers_present, 1);
	assert_int_equal(pull->anatomy.layers[0].origin, LAYER_PRESENT);
	assert_int_equal(pull->bytes, 5 * MB);
	assert_string_equal(pull->anatomy.shared_with, "");
	assert_string_equal(pull->anatomy.link_with, "");
	assert_int_equal(f.count, 2); /* none has failed */
	fixture_close(&f);
}

/* Whom it came from, where each look at each layer found the same. */
static void from_whom(void **state)
{
	static const struct {
		const char *first, *second;
		uint16_t port;
		const char *told;
	} cases[] = {
		{"10.0.0.1", "10.0.0.1", 443, "10.0.0.1"},
		{"10.0.0.1", "", 443, "10.0.0.1"},
		{"10.0.0.1", "10.0.0.2", 443, ""},
		{"10.0.0.1", "10.0.0.1", 444, ""},
		{"", "", 443, ""},
	};
	const struct layer layers[] = {{1, MB, 12 * S}, {2, MB, 12 * S}};

	(void)state;
	for (size_t i = 0; i < 2 * (sizeof(cases) / sizeof(*cases)); i++) {
		struct fixture f;
		struct event one = ingest(1, MB, 10 * S, 10 * S);
		struct event two =
			ingest(i % 2 ? 1 : 2, MB, 10 * S, 11 * S); /* again, or another */

		fixture_open(&f, NULL);
		TEXT_COPY(one.ingest.peer, cases[i / 2].first);
		one.ingest.peer_port = 443;
		TEXT_COPY(two.ingest.peer, cases[i / 2].second);
		two.ingest.peer_port = cases[i / 2].port;
		feed(&f, one);
		feed(&f, two);
		describe(&f, 1, "r.io/a:1", layers, 2, IMAGE_CREATE, 10 * S, 13 * S);
		pass(&f, 60 * S);
		assert_string_equal(last(&f, "r.io/a:1")->anatomy.peer, cases[i / 2].told);
		fixture_close(&f);
	}
}

/* --- while it goes on -------------------------------------------------------------------------- */

#define RUN_S 600

/* 6 GB at 10 MB/s. */
static void told_as_it_goes_on(void **state)
{
	struct fixture f;
	const struct layer before[] = {{1, GB, 5 * S}, {2, 6 * GB, 0}};
	const struct layer after[] = {{1, GB, 5 * S}, {2, 6 * GB, (20 + RUN_S) * S}};
	uint64_t began = 20 * S;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ingest(2, 0, began, began));
	describe(&f, 1, "r.io/a", before, 2, IMAGE_PULLING, began, began);
	for (unsigned int i = 1; i <= 2 * RUN_S - 1; i++) {
		feed(&f, ingest(2, i * 5 * MB, began, began + i * 500 * MS));
		pass(&f, began + i * 500 * MS + 1);
	}
	size_t running = f.count;

	assert_in_range(running, 60 / 3, 60 / 3 + RUN_S / 10);
	const struct record *first = &f.told[0], *later = &f.told[30];

	assert_false(first->final);
	assert_int_equal(first->pull.span.from_ns, began);
	assert_int_equal(first->boot_ns, began + 3 * S);
	assert_int_equal(first->pull.total_bytes, 6 * GB);
	assert_int_equal(first->pull.layers_present, 1);
	assert_in_range(first->pull.bytes, 25 * MB, 30 * MB);
	assert_in_range(later->pull.bytes_per_s, 9800000, 10200000);
	uint64_t left = (6 * GB - later->pull.bytes) / 10000;

	assert_in_range(later->pull.left_ns, left * MS * 98 / 100, left * MS * 102 / 100);
	feed(&f, gone(2, 6 * GB, began, began + RUN_S * S, false));
	describe(&f, 1, "r.io/a:1", after, 2, IMAGE_CREATE, began, began + RUN_S * S + S);
	pass(&f, began + RUN_S * S + 60 * S);
	assert_int_equal(f.count, running + 1);
	assert_int_equal(fixture_count(&f, RECORD_PULL), 1); /* one key */
	assert_true(f.told[running].final);
	assert_int_equal(f.told[running].pull.left_ns + f.told[running].pull.total_bytes, 0);
	fixture_close(&f);
}

static void short_ones_are_told_once(void **state)
{
	struct fixture f;
	const struct layer before[] = {{1, MB, 0}}, after[] = {{1, MB, 22 * S}};

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ingest(1, 0, 20 * S, 20 * S));
	describe(&f, 1, "r.io/a", before, 1, IMAGE_PULLING, 20 * S, 20 * S);
	pass(&f, 22 * S);
	describe(&f, 1, "r.io/a:1", after, 1, IMAGE_CREATE, 20 * S, 22 * S);
	pass(&f, 60 * S);
	assert_int_equal(f.count, 1);
	assert_true(f.told[0].final);
	fixture_close(&f);
}

/* Whose it was, and the next try knows of it. */
static void given_up_and_tried_again(void **state)
{
	struct fixture f;
	const struct layer before[] = {{1, 9 * MB, 0}}, after[] = {{1, 9 * MB, 50 * S}};

	(void)state;
	fixture_open(&f, NULL);
	for (uint64_t t = 20; t <= 30; t += 10) {
		feed(&f, unpack(1, SNAPSHOT_PREPARE, t * S)); /* never committed */
		feed(&f, ingest(1, MB, t * S, t * S));
		describe(&f, 1, "r.io/a", before, 1, IMAGE_PULLING, 20 * S, t * S);
		feed(&f, ingest(1, 2 * MB, t * S, (t + 1) * S));
		feed(&f, gone(1, 2 * MB, t * S, (t + 2) * S, true));
		pass(&f, (t + 9) * S);
	}
	assert_int_equal(f.count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(f.told[i].final && f.told[i].pull.failed);
		assert_string_equal(f.told[i].pull.image, "r.io/a");
		assert_int_equal(f.told[i].pull.bytes, 2 * MB);
		assert_int_equal(f.told[i].pull.span.to_ns, (22 + i * 10) * S);
	}
	assert_string_not_equal(f.told[0].key, f.told[1].key);
	feed(&f, ingest(1, MB, 49 * S, 49 * S));
	describe(&f, 1, "r.io/a", before, 1, IMAGE_PULLING, 20 * S, 49 * S);
	feed(&f, gone(1, 9 * MB, 49 * S, 50 * S, false));
	describe(&f, 1, "r.io/a:1", after, 1, IMAGE_CREATE, 20 * S, 51 * S);
	pass(&f, 90 * S);
	assert_int_equal(f.count, 3);
	assert_int_equal(f.told[2].pull.anatomy.failures, 2);
	assert_false(f.told[2].pull.failed);
	fixture_close(&f);
}

/* More than are kept, and none of them ever ends: bounded, and each is given up. */
static void forgotten_ones(void **state)
{
	struct fixture f;
	char name[32];

	(void)state;
	fixture_open(&f, NULL);
	for (unsigned int i = 0; i < 100; i++) {
		const struct layer layers[] = {{100 + i, MB, 0}};

		snprintf(name, sizeof(name), "r.io/n%u", i);
		feed(&f, ingest(100 + i, 0, 20 * S, 20 * S));
		describe(&f, i, name, layers, 1, IMAGE_PULLING, 20 * S, 20 * S);
	}
	pass(&f, 3600 * S);
	assert_in_range(fixture_count(&f, RECORD_PULL), 1, 16);
	assert_true(f.count <= 16 * (20 + 60));
	assert_true(fixture_last(&f, RECORD_PULL, 0)->pull.failed);
	fixture_close(&f);
}

/* The API server says who waits for it. */
static void names_the_pod(void **state)
{
	struct fixture f;
	const struct layer layers[] = {{1, GB, 0}};
	struct event pod = {.type = EVENT_POD, .boot_ns = 19 * S};
	struct event container = {.type = EVENT_POD_CONTAINER, .boot_ns = 19 * S};

	(void)state;
	fixture_open(&f, NULL);
	TEXT_COPY(pod.pod.pod_uid, POD_UID);
	TEXT_COPY(pod.pod.pod, "web-0");
	TEXT_COPY(pod.pod.pod_namespace, "shop");
	TEXT_COPY(container.pod_container.pod_uid, POD_UID);
	TEXT_COPY(container.pod_container.name, "web");
	TEXT_COPY(container.pod_container.image, "r.io:5000/a:7");
	container.pod_container.state = POD_CONTAINER_WAITING;
	feed(&f, pod);
	feed(&f, container);
	feed(&f, ingest(1, 0, 20 * S, 20 * S));
	describe(&f, 1, "r.io/a", layers, 1, IMAGE_PULLING, 20 * S, 20 * S);
	pass(&f, 24 * S);
	assert_int_equal(f.count, 1);
	assert_string_equal(f.told[0].subject.pod, "web-0");
	assert_string_equal(f.told[0].subject.pod_namespace, "shop");
	assert_string_equal(f.told[0].subject.container, "web");
	container.pod_container.state = POD_CONTAINER_RUNNING;
	feed(&f, container);
	pass(&f, 27 * S);
	assert_string_equal(f.told[1].subject.pod, "");
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unpack_begins_when_it_has_come),
		cmocka_unit_test(many_layers),
		cmocka_unit_test(waits_for_another),
		cmocka_unit_test(shared_with_another),
		cmocka_unit_test(present_later),
		cmocka_unit_test(from_whom),
		cmocka_unit_test(told_as_it_goes_on),
		cmocka_unit_test(short_ones_are_told_once),
		cmocka_unit_test(given_up_and_tried_again),
		cmocka_unit_test(forgotten_ones),
		cmocka_unit_test(names_the_pod),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
