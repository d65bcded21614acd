// SPDX-License-Identifier: Apache-2.0
/* A log file is read from a time on, in blocks, while it grows and is rotated. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/log_file.h"

struct fixture {
	char dir[64], path[96];
	char *lines; /* what was told, each with a newline */
	size_t length, count;
};

static int make(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	strcpy(fixture->dir, "/tmp/nodewake-log-XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	snprintf(fixture->path, sizeof(fixture->path), "%s/log", fixture->dir);
	fixture->lines = calloc(1, 4 << 20);
	assert_non_null(fixture->lines);
	*state = fixture;
	return 0;
}

static int gone(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->path);
	rmdir(fixture->dir);
	free(fixture->lines);
	free(fixture);
	return 0;
}

static void put(const struct fixture *fixture, const char *mode, const char *text)
{
	FILE *file = fopen(fixture->path, mode);

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void on_line(void *context, const char *text, size_t length)
{
	struct fixture *fixture = context;

	memcpy(fixture->lines + fixture->length, text, length);
	fixture->length += length;
	fixture->lines[fixture->length++] = '\n';
	fixture->lines[fixture->length] = '\0';
	fixture->count++;
}

static int read_all(struct fixture *fixture, struct log_file *file)
{
	int r;

	fixture->length = fixture->count = 0;
	*fixture->lines = '\0';
	while ((r = log_file_read(file, on_line, fixture)) > 0)
		;
	return r;
}

/* A line that begins with a number has that time. */
static int64_t time_of(const char *text, size_t length)
{
	char digits[16] = "";

	memcpy(digits, text, length < 15 ? length : 15);
	return strtoll(digits, NULL, 10);
}

static void it_grows(void **state)
{
	struct fixture *fixture = *state;
	struct log_file *file;

	assert_int_equal(log_file_open(&file, fixture->path), -ENOENT);
	assert_int_equal(log_file_open(&file, fixture->dir), -EINVAL);
	put(fixture, "we", "one\ntwo\nthr");
	assert_int_equal(log_file_open(&file, fixture->path), 0);
	assert_int_equal(read_all(fixture, file), 0);
	assert_string_equal(fixture->lines, "one\ntwo\n");
	assert_int_equal(read_all(fixture, file), 0);
	assert_string_equal(fixture->lines, "");
	put(fixture, "ae", "ee\nfour\n");
	assert_int_equal(read_all(fixture, file), 0);
	assert_string_equal(fixture->lines, "three\nfour\n");
	log_file_close(file);
}

static void it_is_rotated(void **state)
{
	struct fixture *fixture = *state;
	struct log_file *file;
	char old[128];

	put(fixture, "we", "one\n");
	assert_int_equal(log_file_open(&file, fixture->path), 0);
	snprintf(old, sizeof(old), "%s.1", fixture->path);
	assert_int_equal(rename(fixture->path, old), 0);
	/* the new one is not there so far */
	assert_int_equal(read_all(fixture, file), 0);
	assert_string_equal(fixture->lines, "one\n");
	put(fixture, "we", "two\n");
	assert_int_equal(read_all(fixture, file), -ESTALE);
	log_file_close(file);
	unlink(old);
	/* emptied in place */
	put(fixture, "we", "a longer line\n");
	assert_int_equal(log_file_open(&file, fixture->path), 0);
	assert_int_equal(read_all(fixture, file), 0);
	put(fixture, "we", "short\n");
	assert_int_equal(read_all(fixture, file), -ESTALE);
	log_file_close(file);
}

/* Longer than a block: told once, cut, and the next one is whole. */
static void a_long_line(void **state)
{
	struct fixture *fixture = *state;
	struct log_file *file;
	char *text = malloc(100001);

	assert_non_null(text);
	memset(text, 'x', 100000);
	strcpy(text + 100000 - 1, "\n");
	put(fixture, "we", "one\n");
	put(fixture, "ae", text);
	put(fixture, "ae", "two\n");
	assert_int_equal(log_file_open(&file, fixture->path), 0);
	assert_int_equal(read_all(fixture, file), 0);
	assert_int_equal(fixture->count, 3);
	assert_in_range(fixture->length, 1000, 50000);
	assert_string_equal(fixture->lines + fixture->length - 5, "\ntwo\n");
	log_file_close(file);
	free(text);
}

/* Each number from 1 on, in 30 bytes; numbers below `first` are never far from being read. */
static void from_a_time_on(void **state)
{
	static const int64_t wanted[] = {1, 2, 500, 9999, 77777, 100000};
	struct fixture *fixture = *state;
	FILE *out = fopen(fixture->path, "we");
	struct log_file *file;

	assert_non_null(out);
	for (int i = 1; i <= 100000; i++)
		fprintf(out, "%08d%s\n", i, i % 7 ? " a line like another" : "");
	fclose(out);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		int64_t first;

		assert_int_equal(log_file_open(&file, fixture->path), 0);
		assert_int_equal(log_file_from(file, wanted[i], time_of), 0);
		assert_int_equal(read_all(fixture, file), 0);
		first = strtoll(fixture->lines, NULL, 10);
		/* a block of 16 KiB holds some 600 of them */
		assert_in_range(first, wanted[i] > 1400 ? wanted[i] - 1400 : 1, wanted[i]);
		assert_non_null(strstr(fixture->lines, "00100000"));
		log_file_close(file);
	}
	assert_int_equal(log_file_open(&file, fixture->path), 0);
	assert_int_equal(log_file_from(file, 200000, time_of), 0);
	assert_int_equal(read_all(fixture, file), 0);
	assert_in_range(fixture->count, 0, 1400);
	log_file_close(file);
}

/* Bytes without a line, without a time. */
static void noise(void **state)
{
	struct fixture *fixture = *state;
	char *text = malloc(200001);
	struct log_file *file;

	assert_non_null(text);
	memset(text, 'y', 200000);
	text[200000] = '\0';
	put(fixture, "we", text);
	assert_int_equal(log_file_open(&file, fixture->path), 0);
	assert_int_equal(log_file_from(file, 5, time_of), 0);
	assert_int_equal(read_all(fixture, file), 0);
	assert_in_range(fixture->count, 0, 1);
	log_file_close(file);
	free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, gone)
	const struct CMUnitTest tests[] = {
		TEST(it_grows),	      TEST(it_is_rotated), TEST(a_long_line),
		TEST(from_a_time_on), TEST(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
