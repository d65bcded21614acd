// SPDX-License-Identifier: Apache-2.0
/* Prometheus' text format to the letter, and the bounded words of labels. */
#include "sink/metrics/metrics_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "model/names.h"
#include "sink/metrics/metrics_words.h"

#define S NS_PER_SECOND

static char *written(void (*write)(FILE *out))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	write(out);
	fclose(out);
	return text;
}

static void write_samples(FILE *out)
{
	metrics_family(out, "a_total", "counter", "Words.");
	metrics_count(out, "a_total", UINT64_MAX);
	metrics_count(out, "a_total", 0, METRICS_LABEL("x", "a\"b\\c\nd"), METRICS_LABEL("y", ""));
	metrics_seconds(out, "s", 0);
	metrics_seconds(out, "s", 1);
	metrics_seconds(out, "s", 1500 * NS_PER_MS);
	metrics_seconds(out, "s", 100 * S, METRICS_LABEL("x", "y"));
}

static void samples_are_exact(void **state)
{
	char *text = written(write_samples);

	(void)state;
	assert_string_equal(text, "# HELP a_total Words.\n"
				  "# TYPE a_total counter\n"
				  "a_total 18446744073709551615\n"
				  "a_total{x=\"a\\\"b\\\\c\\nd\",y=\"\"} 0\n"
				  "s 0\n"
				  "s 0.000000001\n"
				  "s 1.5\n"
				  "s{x=\"y\"} 100\n");
	free(text);
}

/* On a bound, between, above all. */
static void write_buckets(FILE *out)
{
	struct metrics_histogram histogram = {0};

	metrics_observe(&histogram, 0);
	metrics_observe(&histogram, S / 2);
	metrics_observe(&histogram, S / 2 + 1);
	metrics_observe(&histogram, 3600 * S);
	metrics_observe(&histogram, 3600 * S + 1);
	metrics_write_histogram(out, "h", &histogram, METRICS_LABEL("p", "q"));
	metrics_write_histogram(out, "e", &(struct metrics_histogram){0},
				METRICS_LABEL(NULL, NULL));
}

static void buckets_are_cumulative(void **state)
{
	static const char *const bounds[] = {"0.5",  "1",    "2",    "3",    "4",   "5",   "6",
					     "8",    "10",   "20",   "30",   "45",  "60",  "120",
					     "180",  "240",  "300",  "360",  "480", "600", "900",
					     "1200", "1800", "2700", "3600", "+Inf"};
	char *text = written(write_buckets), *wanted;
	size_t size;
	FILE *out = open_memstream(&wanted, &size);

	(void)state;
	for (int i = 0; i < 26; i++)
		fprintf(out, "h_bucket{p=\"q\",le=\"%s\"} %d\n", bounds[i],
			i == 0	  ? 2
			: i < 24  ? 3
			: i == 24 ? 4
				  : 5);
	fputs("h_sum{p=\"q\"} 7201.000000002\nh_count{p=\"q\"} 5\n", out);
	for (int i = 0; i < 26; i++)
		fprintf(out, "e_bucket{le=\"%s\"} 0\n", bounds[i]);
	fputs("e_sum 0\ne_count 0\n", out);
	fclose(out);
	assert_string_equal(text, wanted);
	free(text);
	free(wanted);
}

static void words_are_cut_and_clean(void **state)
{
	struct metrics_words words = {0};
	char longest[CAUSE_SIZE];

	(void)state;
	assert_int_equal(metrics_words_place(&words, "a\x1b[31m\n\xc3\xa9"), 0);
	assert_string_equal(metrics_words_text(&words, 0), "a_[31m___");
	assert_int_equal(metrics_words_place(&words, ""), 1);
	assert_string_equal(metrics_words_text(&words, 1), "unknown");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(metrics_words_place(&words, longest), 2);
	assert_int_equal(strlen(metrics_words_text(&words, 2)), METRICS_WORD_SIZE - 1);
	assert_int_equal(metrics_words_place(&words, longest), 2);
	assert_int_equal(metrics_words_place(&words, "other"), METRICS_WORDS_MAX);
	assert_int_equal(words.used, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_exact),
		cmocka_unit_test(buckets_are_cumulative),
		cmocka_unit_test(words_are_cut_and_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
