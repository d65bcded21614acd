// SPDX-License-Identifier: Apache-2.0
#include "model/usual.h"

#include <stdlib.h>

#include "base/clock.h"

static int compare(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

uint64_t usual_median(uint64_t *values, uint32_t count)
{
	if (!count)
		return 0;
	qsort(values, count, sizeof(*values), compare);
	if (count % 2)
		return values[count / 2];
	return values[count / 2 - 1] + (values[count / 2] - values[count / 2 - 1]) / 2;
}

struct usual usual_of(uint64_t *values, uint32_t count)
{
	struct usual usual = {0};

	if (!count)
		return usual;
	usual.median_ns = usual_median(values, count);
	for (uint32_t i = 0; i < count; i++)
		values[i] = values[i] > usual.median_ns ? values[i] - usual.median_ns
							: usual.median_ns - values[i];
	uint64_t deviation_ns = usual_median(values, count);

	usual.spread_ns = deviation_ns / 10000 * 14826 + deviation_ns % 10000 * 14826 / 10000;
	return usual;
}

static uint64_t larger(uint64_t one, uint64_t other)
{
	return one > other ? one : other;
}

uint64_t usual_limit_ns(const struct usual *usual)
{
	return usual->median_ns +
	       larger(larger(3 * usual->spread_ns, NS_PER_SECOND), usual->median_ns / 5);
}
