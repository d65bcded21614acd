// SPDX-License-Identifier: Apache-2.0
/* starts --by image, over several boots and digests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/verbs.h"
#include "unit/cli_fixture.h"

static struct scene scene;

static int setup(void **state)
{
	(void)state;
	scene_open(&scene);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scene_close(&scene);
	return 0;
}

#define HERE	"--state-dir", scene.dir
#define BY(...) RUN(&capture, cli_starts, "starts", "--by", "image", HERE, ##__VA_ARGS__)

/* From now on records are of another boot, a day after the one before. */
static unsigned int boot_now;

static void next_boot(void)
{
	struct store_limits limits = {.age_ns = UINT64_C(36500) * 86400 * NS_PER_SECOND};
	char why[256], id[BOOT_ID_SIZE];

	store_close(scene.store);
	boot_now++;
	snprintf(id, sizeof(id), "%08u-2222-3333-4444-555555555555", boot_now);
	assert_int_equal(store_open(&scene.store, scene.dir, id, &limits, why), 0);
}

/* Of web/app with this image, its app phase so long; `second` is its end. */
static void put(const char *image, unsigned int second, unsigned int app_ms)
{
	struct record record = make_start("web", "app", second);
	struct record_start *start = &record.start;
	uint64_t from = record.boot_ns - app_ms * NS_PER_MS;

	TEXT_COPY(record.subject.image, image);
	record.wall_offset_ns += boot_now * INT64_C(86400000000000);
	start->span = (struct span){from - NS_PER_SECOND, record.boot_ns};
	start->phase_count = 2;
	start->phases[0] = (struct phase_span){PHASE_SANDBOX, {from - NS_PER_SECOND, from}, false};
	start->phases[1] = (struct phase_span){PHASE_APP, {from, record.boot_ns}, false};
	scene_put(&scene, &record);
}

static void put_pull(const char *image, const char *digest, unsigned int second)
{
	struct record record = make_pull(image, second);

	record.wall_offset_ns += boot_now * INT64_C(86400000000000);
	TEXT_COPY(record.pull.digest, digest);
	scene_put(&scene, &record);
}

static json_t *first_json(const char *out)
{
	json_t *json = json_loads(out, JSON_DISABLE_EOF_CHECK, NULL);

	assert_non_null(json);
	return json;
}

static json_int_t number(const json_t *json, const char *class, const char *part, const char *name)
{
	const json_t *of = json_object_get(json, class);

	return json_integer_value(json_object_get(part ? json_object_get(of, part) : of, name));
}

static void boots_are_told_apart(void **state)
{
	struct capture capture;

	(void)state;
	boot_now = 0;
	for (int boot = 0; boot < 4; boot++) {
		if (boot)
			next_boot();
		put("r/app:1", 20, 9000); /* cold */
		put("r/app:1", 40, 1000);
		put("r/app:1", 60, boot == 3 ? 5000 : 1000);
	}
	assert_int_equal(BY("-o", "json"), CLI_OK);
	assert_int_equal(capture_lines(capture.out), 1);
	json_auto_t *json = first_json(capture.out);

	assert_string_equal(json_string_value(json_object_get(json, "image")), "r/app:1");
	assert_int_equal(number(json, "cold", NULL, "starts"), 4);
	assert_int_equal(number(json, "cold", NULL, "boots"), 4);
	assert_int_equal(number(json, "cold", "total", "median_ns"), 10 * NS_PER_SECOND);
	assert_false(json_boolean_value(json_object_get(json_object_get(json, "cold"), "slower")));
	assert_int_equal(number(json, "warm", NULL, "starts"), 8);
	assert_int_equal(number(json, "warm", "total", "median_ns"), 2 * NS_PER_SECOND);
	assert_int_equal(number(json, "warm", "total", "latest_ns"), 6 * NS_PER_SECOND);
	assert_true(json_boolean_value(json_object_get(json_object_get(json, "warm"), "slower")));
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(json, "warm"), "grown")), "app");
	capture_done(&capture);
	assert_int_equal(BY(), CLI_OK);
	assert_non_null(strstr(capture.out, "r/app:1  container app\n"
					    "  cold: 4 starts, first after a boot  ████\n"));
	assert_non_null(strstr(capture.out, "  warm: 8 starts in 4 boots  ▃▃▃▃▃▃▃█\n"));
	assert_non_null(strstr(capture.out, "    app              5.00s      +4.00s       1.00s  "
					    "         -  grew most\n"));
	assert_non_null(strstr(capture.out, "shop/web/app: app 5.00s\n"));
	capture_done(&capture);
}

/* Two that begin together after a boot are both cold. */
static void cold_until_the_first_is_over(void **state)
{
	struct capture capture;

	(void)state;
	boot_now = 0;
	put("r/app:1", 20, 9000);
	put("r/app:1", 21, 9000);
	put("r/app:1", 31, 9000);
	assert_int_equal(BY("-o", "json"), CLI_OK);
	json_auto_t *json = first_json(capture.out);

	assert_int_equal(number(json, "cold", NULL, "starts"), 2);
	assert_int_equal(number(json, "warm", NULL, "starts"), 1);
	capture_done(&capture);
	/* what is not asked for was the first all the same */
	assert_int_equal(BY("-o", "json", "--slower-than", "9500ms", "--since", "1h"), CLI_FAILED);
	capture_done(&capture);
}

static void a_tag_that_moved(void **state)
{
	struct capture capture;

	(void)state;
	boot_now = 0;
	put("r/app:1", 10, 1000);
	put_pull("r/app:1", "sha256:aaaaaaaaaaaaaaaaaaaa", 15);
	put("r/app:1", 20, 1000);
	put_pull("r/app:1", "sha256:bbbbbbbbbbbbbbbbbbbb", 25);
	put_pull("r/other:1", "sha256:cccccccccccccccccccc", 26);
	put("r/app:1", 30, 1000);
	assert_int_equal(BY(), CLI_OK);
	const char *newest = strstr(capture.out, "r/app:1 sha256:bbbbbbbbbbbb  container app\n");
	const char *before = strstr(capture.out, "r/app:1 sha256:aaaaaaaaaaaa  container app\n");

	assert_ptr_equal(newest, capture.out); /* newest first */
	assert_non_null(before);
	assert_non_null(strstr(before, "r/app:1  container app\n")); /* not known */
	assert_null(strstr(capture.out, "cccc"));
	capture_done(&capture);
	assert_int_equal(BY("--limit", "1", "-o", "json"), CLI_OK);
	assert_int_equal(capture_lines(capture.out), 1);
	capture_done(&capture);
}

static void the_slowest_image_first(void **state)
{
	struct capture capture;

	(void)state;
	boot_now = 0;
	put("r/slow:1", 20, 9000);
	put("r/fast:1", 30, 1000);
	assert_int_equal(BY(), CLI_OK);
	assert_ptr_equal(strstr(capture.out, "r/fast:1"), capture.out);
	capture_done(&capture);
	assert_int_equal(BY("--sort", "slowest"), CLI_OK);
	assert_ptr_equal(strstr(capture.out, "r/slow:1"), capture.out);
	capture_done(&capture);
}

static void wrong_and_nothing(void **state)
{
	struct capture capture;

	(void)state;
	assert_int_equal(RUN(&capture, cli_starts, "starts", "--by", "pod", HERE), CLI_USAGE);
	assert_non_null(strstr(capture.error, "--by: 'pod' is not image"));
	capture_done(&capture);
	assert_int_equal(RUN(&capture, cli_gaps, "gaps", "--by", "image", HERE), CLI_USAGE);
	capture_done(&capture);
	assert_int_equal(BY(), CLI_FAILED);
	assert_non_null(strstr(capture.error, "nothing recorded that fits"));
	capture_done(&capture);
}

static void nothing_raw(void **state)
{
	static const char hostile[] = "\033[2J\r\n\xc2\x9b%n%s\"\\</script>";
	struct record record = make_start("web", "app", 10);
	struct capture capture;

	(void)state;
	boot_now = 0;
	TEXT_COPY(record.subject.image, hostile);
	TEXT_COPY(record.subject.container, hostile);
	TEXT_COPY(record.subject.pod, hostile);
	TEXT_COPY(record.start.plugins[0].name, hostile);
	scene_put(&scene, &record);
	put_pull(hostile, hostile, 1);
	for (int json = 0; json < 2; json++) {
		assert_int_equal(BY("-o", json ? "json" : "text"), CLI_OK);
		assert_null(strchr(capture.out, '\033'));
		assert_null(strstr(capture.out, "\xc2\x9b"));
		assert_null(strchr(capture.out, '\r'));
		assert_non_null(strstr(capture.out, "%n%s"));
		if (json)
			json_decref(first_json(capture.out));
		capture_done(&capture);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(boots_are_told_apart), TEST(cold_until_the_first_is_over),
		TEST(a_tag_that_moved),	    TEST(the_slowest_image_first),
		TEST(wrong_and_nothing),    TEST(nothing_raw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
