/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/bus_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int r)
{
	if (r < 0) {
		fprintf(stderr, "recorded answer: %s\n", strerror(-r));
		abort();
	}
}

/* Of the first complete type in a signature. */
static size_t type_length(const char *types)
{
	size_t length = 0;

	switch (*types) {
	case 'a':
		return 1 + type_length(types + 1);
	case '(':
	case '{':
		for (length = 1; types[length] != ')' && types[length] != '}';)
			length += type_length(types + length);
		return length + 1;
	default:
		return 1;
	}
}

static void append_number(sd_bus_message *message, char type, json_t *value)
{
	double real = json_number_value(value);
	/* "infinity" is more than jansson's integers hold */
	uint64_t number = real >= 0x1p64 ? UINT64_MAX : (uint64_t)(int64_t)real;
	uint32_t word = (uint32_t)number;
	uint8_t byte = (uint8_t)number;
	uint16_t half = (uint16_t)number;

	switch (type) {
	case 'y':
		must(sd_bus_message_append_basic(message, type, &byte));
		break;
	case 'n':
	case 'q':
		must(sd_bus_message_append_basic(message, type, &half));
		break;
	case 'i':
	case 'u':
		must(sd_bus_message_append_basic(message, type, &word));
		break;
	case 'x':
	case 't':
		must(sd_bus_message_append_basic(message, type, &number));
		break;
	default:
		must(sd_bus_message_append_basic(message, type, &real));
	}
}

static void append_members(sd_bus_message *message, const char *types, json_t *values)
{
	for (size_t i = 0; *types; i++) {
		char type[64];

		snprintf(type, sizeof(type), "%.*s", (int)type_length(types), types);
		bus_json_append(message, type, json_array_get(values, i));
		types += type_length(types);
	}
}

static void append_array(sd_bus_message *message, const char *type, json_t *values)
{
	json_t *value;
	const char *key;
	size_t i;

	must(sd_bus_message_open_container(message, 'a', type));
	if (*type == '{') {
		char types[64];

		snprintf(types, sizeof(types), "%.*s", (int)strlen(type) - 2, type + 1);
		json_object_foreach (values, key, value) {
			must(sd_bus_message_open_container(message, 'e', types));
			must(sd_bus_message_append(message, "s", key));
			bus_json_append(message, types + 1, value);
			must(sd_bus_message_close_container(message));
		}
	} else {
		json_array_foreach (values, i, value)
			bus_json_append(message, type, value);
	}
	must(sd_bus_message_close_container(message));
}

void bus_json_append(sd_bus_message *message, const char *type, json_t *value)
{
	char types[64];
	int flag;

	switch (*type) {
	case 's':
	case 'o':
	case 'g':
		must(sd_bus_message_append_basic(message, *type, json_string_value(value)));
		break;
	case 'b':
		flag = json_is_true(value);
		must(sd_bus_message_append_basic(message, 'b', &flag));
		break;
	case 'a':
		append_array(message, type + 1, value);
		break;
	case '(':
		snprintf(types, sizeof(types), "%.*s", (int)strlen(type) - 2, type + 1);
		must(sd_bus_message_open_container(message, 'r', types));
		append_members(message, types, value);
		must(sd_bus_message_close_container(message));
		break;
	case 'v':
		type = json_string_value(json_object_get(value, "type"));
		must(sd_bus_message_open_container(message, 'v', type));
		bus_json_append(message, type, json_object_get(value, "data"));
		must(sd_bus_message_close_container(message));
		break;
	default:
		append_number(message, *type, value);
	}
}
