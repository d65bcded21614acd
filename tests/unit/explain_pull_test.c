// SPDX-License-Identifier: Apache-2.0
/* explain: what is below a pull, and a pull that goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/explain/explain_topic.h"
#include "cli/verbs.h"
#include "unit/cli_fixture.h"

#define MS NS_PER_MS
#define S  NS_PER_SECOND

/* 10 s, of which the pull is the first 8. */
static struct record_start make(void)
{
	struct record_start start = {
		.span = {100 * S, 110 * S},
		.phase_count = 2,
		.phases = {{.phase = PHASE_PULL, .span = {100 * S, 108 * S}},
			   {.phase = PHASE_APP, .span = {108 * S, 110 * S}}},
		.download = {100 * S, 106 * S},
		.unpack = {105 * S, 108 * S},
		.pull_bytes = 30000000,
	};

	return start;
}

static void expect(const struct record_start *start, uint32_t phase, const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	explain_pull(out, start, &start->phases[phase]);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void only_what_is_known(void **state)
{
	struct record_start start = make();

	(void)state;
	expect(&start, 0,
	       "    download             6.00s  ████████████████████████  29MiB at 5 MB/s\n"
	       "    unpack               3.00s                      ████████████\n");
	expect(&start, 1, "");
	start.download = start.unpack = (struct span){0};
	expect(&start, 0, "");
	start.download =
		(struct span){0, 106 * S}; /* too short to be seen: only its end is known */
	expect(&start, 0, "");
}

static void layer_by_layer(void **state)
{
	struct record_start start = make();
	struct pull_anatomy *pull = &start.pull;

	(void)state;
	TEXT_COPY(pull->registry, "r.io:5000");
	TEXT_COPY(pull->peer, "10.0.0.5");
	pull->peer_port = 443;
	pull->parallel = 3;
	pull->download_ns = 6 * S;
	pull->fetch_ns = 3 * S;
	pull->unpack_ns = 2 * S;
	pull->unpacked_bytes = 90000000;
	pull->unpacked_files = 1234;
	pull->failures = 2;
	pull->queue = (struct span){98 * S, 100 * S};
	TEXT_COPY(pull->queued_behind, "r.io/\033before:1");
	pull->waited = (struct span){100 * S, 103 * S};
	TEXT_COPY(pull->shared_with, "r.io/other:1");
	TEXT_COPY(pull->shared_layer, "sha256:aaaaaaaaaaaaaaaa");
	pull->link = (struct span){103 * S, 104 * S};
	TEXT_COPY(pull->link_with, "r.io/third:1");
	pull->layer_count = 4;
	pull->layers[0] = (struct pull_layer){
		"sha256:aaaaaaaaaaaaaaaa", LAYER_WAITED, 20000000, 0, 0, {100 * S, 103 * S}, {0}};
	pull->layers[1] = (struct pull_layer){
		"sha256:bbbbbbbbbbbbbbbb", LAYER_FETCHED,     30000000, 60000000, 1000,
		{103 * S, 106 * S},	   {106 * S, 107 * S}};
	pull->layers[2] = (struct pull_layer){
		"sha256:cccccccccccccccc", LAYER_FETCHED, 1000, 30000000, 234, {0, 101 * S},
		{107 * S, 108 * S}};
	pull->layers[3] = (struct pull_layer){"sha256:dddddddddddddddd",
					      LAYER_FETCHED,
					      1000,
					      1000,
					      1,
					      {101 * S, 101 * S + 10 * MS}, /* nobody asks */
					      {108 * S, 108 * S}};
	expect(&start, 0,
	       "    queue                2.00s  ████████  before: image r.io/\\x1bbefore:1 had its "
	       "turn\n"
	       "    download             6.00s  ████████████████████████  29MiB at 10 MB/s in "
	       "3.00s from "
	       "r.io:5000 (10.0.0.5:443), 3 layers at once\n"
	       "    unpack               3.00s                      ████████████  86MiB at 45 MB/s "
	       "in "
	       "2.00s, 1234 files\n"
	       "      aaaaaaaaaaaa       3.00s  ████████████  19MiB at 7 MB/s, came for another "
	       "image\n"
	       "      bbbbbbbbbbbb       3.00s              ████████████  29MiB at 10 MB/s\n"
	       "        unpacked         1.00s                          ████  57MiB at 60 MB/s, "
	       "1000 files\n"
	       "      cccccccccccc       1.00s                              ████  unpacked 29MiB "
	       "at 30 MB/s, "
	       "234 files\n"
	       "    waited 3.00s for layer aaaaaaaaaaaa of image r.io/other:1\n"
	       "    shared the link for 1.00s with image r.io/third:1\n"
	       "    2 tries before failed\n");
}

/* All that is known of a pod is that its image comes; of one that the agent did not see end, not even that. */
static void a_pull_that_goes_on(void **state)
{
	struct capture capture;
	struct scene scene;

	(void)state;
	for (int stale = 0; stale < 2; stale++) {
		struct record record = make_pull("r.io/app", 1);

		scene_open(&scene);
		record.final = false;
		record.boot_ns = clock_boot_ns() - (stale ? 300 * S : S);
		record.wall_offset_ns = clock_wall_offset_ns();
		record.pull.total_bytes = 2 * record.pull.bytes;
		record.pull.left_ns = 30 * S;
		TEXT_COPY(record.subject.pod, "web-0");
		TEXT_COPY(record.subject.pod_namespace, "shop");
		scene_put(&scene, &record);
		int code = RUN(&capture, cli_explain, "explain", "web-0", "--state-dir", scene.dir);

		assert_int_equal(code, stale ? CLI_FAILED : CLI_OK);
		if (!stale)
			assert_non_null(strstr(capture.out,
					       "pulling r.io/app: 191MiB of 381MiB, 30.0s left"));
		capture_done(&capture);
		code = RUN(&capture, cli_pulls, "pulls", "--state-dir", scene.dir);
		assert_int_equal(capture_lines(capture.out), stale ? 0 : 2); /* with the day's */
		capture_done(&capture);
		scene_close(&scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_known),
		cmocka_unit_test(layer_by_layer),
		cmocka_unit_test(a_pull_that_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
