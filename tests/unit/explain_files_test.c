// SPDX-License-Identifier: Apache-2.0
/* What explain says of the files that a start read. */
#include "cli/explain/explain_topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MIB 1048576ull
#define MS  1000000ull

static void assert_told_below(const struct record_start *start, const struct phase_span *phase,
			      const char *text)
{
	char *told = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&told, &size);

	explain_files(out, start, phase);
	fclose(out);
	assert_string_equal(told, text);
	free(told);
}

static void assert_told(const struct record_start *start, const char *text)
{
	struct record_start with_app = *start;

	with_app.phase_count = 1;
	with_app.phases[0] = (struct phase_span){.phase = PHASE_APP, .span = {0, 9000 * MS}};
	assert_told_below(&with_app, &with_app.phases[0], text);
}

static struct file_read model(void)
{
	return (struct file_read){
		.path = "/models/llama-7b.gguf",
		.device = "vda",
		.bytes = 300 * MIB,
		.size_bytes = 300 * MIB,
		.requests = 40,
		.latency_ns = 400 * MS,
		.busy_ns = 900 * MS,
		.span = {5000 * MS, 6000 * MS},
	};
}

static struct record_start start_of(struct file_read file)
{
	return (struct record_start){.why = {.reads_measured = true,
					     .disk_bytes = file.bytes,
					     .file_count = 1,
					     .files = {file}}};
}

static void a_cold_file(void **state)
{
	struct record_start start = start_of(model());

	(void)state;
	assert_told(&start, "    read /models/llama-7b.gguf 300MiB at 315 MB/s from vda (cold, the "
			    "disk at work "
			    "90% of the time, 10ms a request)\n");
}

static void a_part_of_a_file(void **state)
{
	struct record_start start = start_of(model());

	(void)state;
	start.why.files[0].size_bytes = 1000 * MIB;
	start.why.files[0].latency_ns = 0;
	assert_told(
		&start,
		"    read /models/llama-7b.gguf 300MiB at 315 MB/s from vda (30% of the file)\n");
}

static void a_file_that_does_not_stay_in_memory(void **state)
{
	struct record_start start = start_of(model());

	(void)state;
	start.why.files[0].size_bytes = 100 * MIB;
	start.why.files[0].latency_ns = 0;
	start.why.files[0].outside = true;
	assert_told(
		&start,
		"    read /models/llama-7b.gguf (the node's path) 300MiB at 315 MB/s from vda (3.0 "
		"times over)\n");
}

static void the_rest_is_summed_up(void **state)
{
	struct record_start start = start_of(model());

	(void)state;
	start.why.files[0].latency_ns = 0;
	start.why.files[1] = (struct file_read){.path = "/etc/app.conf", .bytes = 4096};
	start.why.file_count = 2;
	start.why.disk_bytes += 12 * MIB;
	start.why.read_bytes = 512 * MIB;
	assert_told(&start, "    read /models/llama-7b.gguf 300MiB at 315 MB/s from vda (cold)\n"
			    "    read 12MiB more from disk\n"
			    "    read 200MiB without a disk (cached files, pipes, sockets)\n");
}

static void all_is_cached(void **state)
{
	struct record_start start = {.why = {.reads_measured = true, .read_bytes = 300 * MIB}};

	(void)state;
	assert_told(&start, "    read 300MiB without a disk (cached files, pipes, sockets)\n");
}

static void nothing_known_nothing_said(void **state)
{
	struct record_start start = start_of(model());

	(void)state;
	start.why.reads_measured = false;
	assert_told(&start, "");
	start.why = (struct start_why){.reads_measured = true, .disk_bytes = 65536};
	assert_told(&start, "");
}

/* Each file stands where most of it was read; the sums stay below app. */
static void behind_the_listen(void **state)
{
	struct record_start start = start_of(model());

	(void)state;
	start.phase_count = 2;
	start.phases[0] = (struct phase_span){.phase = PHASE_APP, .span = {0, 5200 * MS}};
	start.phases[1] = (struct phase_span){.phase = PHASE_PROBE, .span = {5200 * MS, 9000 * MS}};
	start.why.files[0].latency_ns = 0;
	start.why.files[1] = (struct file_read){.path = "/app/start.bin",
						.device = "vda",
						.bytes = 100 * MIB,
						.size_bytes = 100 * MIB,
						.span = {1000 * MS, 2000 * MS}};
	start.why.file_count = 2;
	start.why.disk_bytes += 112 * MIB;
	assert_told_below(&start, &start.phases[0],
			  "    read /app/start.bin 100MiB at 105 MB/s from vda (cold)\n"
			  "    read 12MiB more from disk\n");
	assert_told_below(&start, &start.phases[1],
			  "    read /models/llama-7b.gguf 300MiB at 315 MB/s from vda (cold)\n");
}

static void a_path_is_not_trusted(void **state)
{
	struct record_start start = start_of(model());

	(void)state;
	strcpy(start.why.files[0].path, "/a\x1b[2J");
	start.why.files[0].latency_ns = 0;
	assert_told(&start, "    read /a\\x1b[2J 300MiB at 315 MB/s from vda (cold)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cold_file),
		cmocka_unit_test(a_part_of_a_file),
		cmocka_unit_test(a_file_that_does_not_stay_in_memory),
		cmocka_unit_test(the_rest_is_summed_up),
		cmocka_unit_test(all_is_cached),
		cmocka_unit_test(nothing_known_nothing_said),
		cmocka_unit_test(behind_the_listen),
		cmocka_unit_test(a_path_is_not_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
