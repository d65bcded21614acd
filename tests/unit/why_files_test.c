// SPDX-License-Identifier: Apache-2.0
/* Of the files that a start read, the largest are kept, each with its last counts. */
#include "track/why/why.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void tell(struct whys *whys, const char *path, uint64_t from_ns, uint64_t bytes,
		 uint64_t disk_bytes, uint64_t read_bytes)
{
	struct event event = {
		.type = EVENT_FILE_READ,
		.boot_ns = from_ns + 1,
		.file_read = {.container_id = ID,
			      .file = {.bytes = bytes, .span = {from_ns, from_ns + bytes}},
			      .disk_bytes = disk_bytes,
			      .read_bytes = read_bytes},
	};

	TEXT_COPY(event.file_read.file.path, path);
	whys_event(whys, &event, event.boot_ns);
}

static struct start_why fill(const struct whys *whys)
{
	struct container container = {.id = ID};
	struct record_start start = {0};

	whys_fill(whys, NULL, &container, &start);
	return start.why;
}

static void counts_grow(void **state)
{
	struct whys whys = {0};

	(void)state;
	tell(&whys, "/model", 10, 100, 120, 0);
	tell(&whys, "/model", 10, 300, 330, 0);
	tell(&whys, "", 0, 0, 340, 500);
	struct start_why why = fill(&whys);

	assert_true(why.reads_measured);
	assert_int_equal(why.file_count, 1);
	assert_string_equal(why.files[0].path, "/model");
	assert_int_equal(why.files[0].bytes, 300);
	assert_int_equal(why.files[0].span.to_ns, 310);
	assert_int_equal(why.disk_bytes, 340);
	assert_int_equal(why.read_bytes, 500);
	whys_clear(&whys);
}

static void the_largest_stay(void **state)
{
	struct whys whys = {0};
	char path[16];

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		tell(&whys, path, 10 + (uint64_t)i, 100 + (uint64_t)(i * 7 % 20), 5000, 0);
	}
	tell(&whys, "/small", 9, 1, 5000, 0);
	tell(&whys, "/0", 10, 1000, 5000, 0); /* it has grown after all */
	struct start_why why = fill(&whys);

	assert_int_equal(why.file_count, START_FILES_MAX);
	assert_string_equal(why.files[0].path, "/0");
	assert_int_equal(why.files[0].bytes, 1000);
	for (int i = 1; i < START_FILES_MAX; i++)
		assert_int_equal(why.files[i].bytes, 120 - i);
	whys_clear(&whys);
}

static void a_file_in_anothers_place(void **state)
{
	struct whys whys = {0};

	(void)state;
	tell(&whys, "/cache", 10, 300, 300, 0);
	tell(&whys, "/cache", 20, 200, 500, 0);
	struct start_why why = fill(&whys);

	assert_int_equal(why.file_count, 2);
	assert_int_equal(why.files[0].bytes, 300);
	assert_int_equal(why.files[1].bytes, 200);
	whys_clear(&whys);
}

static void all_was_cached(void **state)
{
	struct whys whys = {0};

	(void)state;
	tell(&whys, "", 0, 0, 0, 300);
	struct start_why why = fill(&whys);

	assert_true(why.reads_measured);
	assert_int_equal(why.file_count, 0);
	assert_int_equal(why.disk_bytes, 0);
	assert_int_equal(why.read_bytes, 300);
	whys_clear(&whys);
}

static void nothing_was_told(void **state)
{
	struct whys whys = {0};
	struct start_why why = fill(&whys);

	(void)state;
	assert_false(why.reads_measured);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_grow),
		cmocka_unit_test(the_largest_stay),
		cmocka_unit_test(a_file_in_anothers_place),
		cmocka_unit_test(all_was_cached),
		cmocka_unit_test(nothing_was_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
