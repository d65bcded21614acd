// SPDX-License-Identifier: Apache-2.0
/*
 * docs/records.schema.json and the JSON tables of the records say the same, both ways: no member, kind or word that the
 * other does not know. Runs in the root of the source.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/json.h"
#include "model/json_shape.h"

#define SCHEMA "docs/records.schema.json"

static json_t *schema;

static int setup(void **state)
{
	json_error_t error;

	(void)state;
	schema = json_load_file(SCHEMA, 0, &error);
	if (!schema)
		print_error("%s: line %d: %s\n", SCHEMA, error.line, error.text);
	return schema ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(schema);
	return 0;
}

static const json_t *definition(const char *name)
{
	return json_object_get(json_object_get(schema, "$defs"), name);
}

/* "#/$defs/span" is followed. */
static const json_t *resolve(const json_t *node)
{
	const char *reference = json_string_value(json_object_get(node, "$ref"));

	return reference ? definition(strrchr(reference, '/') + 1) : node;
}

static void expect_words(const char *path, const struct json_words *words, const json_t *node)
{
	const json_t *list = json_object_get(node, "enum");
	size_t count = 0;

	for (size_t i = 0; i < words->count; i++) {
		size_t at = 0;

		if (!words->words[i])
			continue;
		count++;
		while (at < json_array_size(list) &&
		       strcmp(json_string_value(json_array_get(list, at)), words->words[i]) != 0)
			at++;
		if (at == json_array_size(list))
			fail_msg("%s: the schema lacks the word %s", path, words->words[i]);
	}
	if (json_array_size(list) != count)
		fail_msg("%s: the schema has words that the program has not", path);
}

static void expect_type(const char *path, const json_t *node, const char *type)
{
	const char *told = json_string_value(json_object_get(node, "type"));

	if (!told || strcmp(told, type) != 0)
		fail_msg("%s: the schema says %s, not %s", path, told ?: "nothing", type);
}

static void expect_shape(const char *path, const struct json_shape *shape, const json_t *node,
			 size_t others);

static void expect_field(const char *path, const struct json_field *field, const json_t *node)
{
	static const char *const types[] = {
		[JSON_KIND_BOOL] = "boolean",	[JSON_KIND_FLAG] = "boolean",
		[JSON_KIND_INT] = "integer",	[JSON_KIND_TEXT] = "string",
		[JSON_KIND_ADDRESS] = "string",
	};

	switch (field->kind) {
	case JSON_KIND_WORD:
		expect_words(path, field->words, node);
		break;
	case JSON_KIND_UINT:
	case JSON_KIND_LENGTH:
		assert_ptr_equal(resolve(node), definition("unsigned"));
		break;
	case JSON_KIND_OBJECT:
		if (field->array_max) {
			expect_type(path, node, "array");
			if (json_integer_value(json_object_get(node, "maxItems")) !=
			    (json_int_t)field->array_max)
				fail_msg("%s: at most %zu", path, field->array_max);
			node = json_object_get(node, "items");
		}
		expect_shape(path, field->shape, resolve(node), 0);
		break;
	default:
		expect_type(path, node, types[field->kind]);
	}
}

/* Returns how many members the shape has. */
static size_t expect_fields(const char *path, const struct json_shape *shape,
			    const json_t *properties)
{
	size_t count = 0;

	for (size_t i = 0; i < shape->field_count; i++) {
		const struct json_field *field = &shape->fields[i];
		const json_t *node;
		char below[256];

		if (field->kind == JSON_KIND_INLINE) {
			count += expect_fields(path, field->shape, properties);
			continue;
		}
		snprintf(below, sizeof(below), "%s.%s", path, field->name);
		node = json_object_get(properties, field->name);
		if (!node)
			fail_msg("%s: the schema lacks it", below);
		if (!json_is_string(json_object_get(node, "description")))
			fail_msg("%s: the schema does not say what it is", below);
		expect_field(below, field, node);
		count++;
	}
	return count;
}

static void expect_shape(const char *path, const struct json_shape *shape, const json_t *node,
			 size_t others)
{
	const json_t *properties = json_object_get(node, "properties");

	if (json_object_size(properties) != expect_fields(path, shape, properties) + others)
		fail_msg("%s: the schema has members that the program has not", path);
}

static void each_row_is_in_the_schema(void **state)
{
	size_t types = 0;

	(void)state;
	expect_shape("record", &json_record_head, schema, 3); /* time, duration_ns, boot_id */
	for (enum record_type type = RECORD_NONE + 1; type < RECORD_TYPE_COUNT; type++, types++)
		expect_shape(record_type_name(type), json_record_bodies[type],
			     definition(record_type_name(type)), 0);
	assert_int_equal(json_array_size(json_object_get(schema, "allOf")), types);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_in_the_schema),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
