// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "model/sentence.h"

#define S     NS_PER_SECOND
#define GB    UINT64_C(1073741824)
#define LAYER "sha256:abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"

static void assert_says(const struct record *record, const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	sentence_text(out, record);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static struct record pull(void)
{
	struct record record = {.type = RECORD_PULL, .final = true, .boot_ns = 71 * S};

	TEXT_COPY(record.pull.image, "r.io/app:1");
	record.pull.span = (struct span){10 * S, 71 * S};
	record.pull.download = (struct span){11 * S, 61 * S};
	record.pull.unpack = (struct span){61 * S, 71 * S};
	record.pull.bytes = 4 * GB;
	record.pull.layers = 3;
	return record;
}

static void over(void **state)
{
	struct record record = pull();
	struct pull_anatomy *anatomy = &record.pull.anatomy;

	(void)state;
	assert_says(&record, "pulled 4GiB in 1min 1.0s: download 50.0s at 86 MB/s, unpack 10.0s, "
			     "3 of 3 layers");
	anatomy->download_ns = 40 * S;
	anatomy->fetch_ns = 20 * S;
	anatomy->unpack_ns = 10 * S;
	anatomy->failures = 2;
	assert_says(&record, "pulled 4GiB in 1min 1.0s: download 40.0s at 215 MB/s, unpack 10.0s, "
			     "3 of 3 layers, download-bound, after 2 failed tries");
	anatomy->unpack_ns = 60 * S;
	anatomy->failures = 1;
	assert_says(&record,
		    "pulled 4GiB in 1min 1.0s: download 40.0s at 215 MB/s, unpack 1min 0.0s, "
		    "3 of 3 layers, unpack-bound, after 1 failed try");
	anatomy->unpack_ns = 45 * S; /* near each other */
	anatomy->failures = 0;
	anatomy->waited = (struct span){20 * S, 23 * S};
	TEXT_COPY(anatomy->shared_layer, LAYER);
	TEXT_COPY(anatomy->shared_with, "r.io/\033other");
	assert_says(&record, "pulled 4GiB in 1min 1.0s: download 40.0s at 215 MB/s, unpack 45.0s, "
			     "3 of 3 layers, waited 3.00s for layer abcdef012345 of image "
			     "r.io/\\x1bother");
}

static void goes_on(void **state)
{
	struct record record = pull();

	(void)state;
	record.final = false;
	record.pull.total_bytes = 8 * GB;
	assert_says(&record, "pulling 4GiB of 8GiB");
	record.pull.bytes_per_s = 69000000;
	record.pull.left_ns = 29 * S + 1;
	assert_says(&record, "pulling 4GiB of 8GiB at 69 MB/s, 30.0s left");
	TEXT_COPY(record.subject.pod, "web"); /* the line begins with it */
	record.pull.bytes_per_s = 5100000;
	assert_says(&record, "pulling r.io/app:1: 4GiB of 8GiB at 5.1 MB/s, 30.0s left");
	record.pull.bytes = 8 * GB;
	assert_says(&record, "unpacking r.io/app:1; 8GiB came in 50.0s, 1min 1.0s so far");
	*record.subject.pod = '\0';
	assert_says(&record, "unpacking; 8GiB came in 50.0s, 1min 1.0s so far");
}

static void has_failed(void **state)
{
	struct record record = pull();

	(void)state;
	record.pull.failed = true;
	assert_says(&record, "pull failed after 1min 1.0s, 4GiB came");
	record.pull.total_bytes = 8 * GB;
	assert_says(&record, "pull failed after 1min 1.0s, 4GiB of 8GiB came");
}

/* The agent that told of it did not live to see its end. */
static void goes_on_no_more(void **state)
{
	struct record record = pull();

	(void)state;
	record.final = false;
	record.wall_offset_ns = 1000 * (int64_t)S;
	assert_true(pull_goes_on(&record, 1075 * (int64_t)S));
	assert_false(pull_goes_on(&record, 1200 * (int64_t)S));
	record.final = true;
	assert_false(pull_goes_on(&record, 1075 * (int64_t)S));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over),
		cmocka_unit_test(goes_on),
		cmocka_unit_test(has_failed),
		cmocka_unit_test(goes_on_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
