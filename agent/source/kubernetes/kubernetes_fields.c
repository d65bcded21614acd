// SPDX-License-Identifier: Apache-2.0
#include "source/kubernetes/kubernetes_fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

const char *kubernetes_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name)) ?: "";
}

uint64_t kubernetes_time(const json_t *object, const char *name, int64_t wall_offset_ns)
{
	int64_t wall_ns;

	if (clock_wall_parse(kubernetes_text(object, name), &wall_ns) < 0 || wall_ns <= 0)
		return 0;
	return clock_boot_from_wall((uint64_t)wall_ns, wall_offset_ns);
}

uint32_t kubernetes_number(const json_t *object, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(object, name));

	return value > 0 && value < UINT32_MAX ? (uint32_t)value : 0;
}

/* apimachinery/pkg/api/resource: binary, decimal and decimal exponent suffixes; strtod reads the last. */
uint64_t kubernetes_bytes(const json_t *object, const char *name)
{
	static const struct {
		const char *suffix;
		double factor;
	} suffixes[] = {
		{"", 1},	{"m", 1e-3},	{"k", 1e3},	{"M", 1e6},	{"G", 1e9},
		{"T", 1e12},	{"P", 1e15},	{"E", 1e18},	{"Ki", 0x1p10}, {"Mi", 0x1p20},
		{"Gi", 0x1p30}, {"Ti", 0x1p40}, {"Pi", 0x1p50}, {"Ei", 0x1p60},
	};
	const char *text = kubernetes_text(object, name);
	char *end;
	double number = strtod(text, &end);

	for (size_t i = 0; end != text && i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		double bytes = number * suffixes[i].factor;

		if (strcmp(end, suffixes[i].suffix) != 0)
			continue;
		uint64_t whole = bytes > 0 && bytes < 0x1p63 ? (uint64_t)bytes : 0;

		return whole + ((double)whole < bytes && bytes < 0x1p52);
	}
	return 0;
}

const json_t *kubernetes_condition(const json_t *conditions, const char *type)
{
	const json_t *condition;
	size_t i;

	json_array_foreach ((json_t *)conditions, i, condition)
		if (strcmp(kubernetes_text(condition, "type"), type) == 0)
			return strcmp(kubernetes_text(condition, "status"), "True") == 0 ? condition
											 : NULL;
	return NULL;
}
