// SPDX-License-Identifier: Apache-2.0
#include "model/json_shape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define TEXT_MAX    LOG_TEXT_SIZE  /* the longest text */

static uint64_t load_uint(const void *at, size_t size)
{
	uint64_t u64 = 0;
	uint32_t u32 = 0;
	uint16_t u16 = 0;

	switch (size) {
	case sizeof(u16):
		memcpy(&u16, at, size);
		return u16;
	case sizeof(u32):
		memcpy(&u32, at, size);
		return u32;
	default:
		memcpy(&u64, at, sizeof(u64));
		return u64;
	}
}

static void store_uint(void *at, size_t size, uint64_t value)
{
	uint32_t u32 = (uint32_t)value;
	uint16_t u16 = (uint16_t)value;

	memcpy(at,
	       size == sizeof(u16)   ? (void *)&u16
	       : size == sizeof(u32) ? (void *)&u32
				     : &value,
	       size);
}

/* --- writing ---------------------------------------------------------------------------------- */

static json_t *address_json(uint64_t value)
{
	char text[2 + 16 + 1];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	return json_string(text);
}

json_t *json_length(uint64_t ns)
{
	return json_integer(ns < INT64_MAX ? (json_int_t)ns : INT64_MAX);
}

/* Names of processes and images are arbitrary bytes: each that is not UTF-8 becomes U+FFFD. */
static json_t *text_json(const char *text, size_t size)
{
	char clean[TEXT_MAX * (sizeof(REPLACEMENT) - 1)];
	size_t length = strnlen(text, size < TEXT_MAX ? size : TEXT_MAX), used = 0;

	for (size_t i = 0; i < length;) {
		size_t sequence = text_utf8_length(text + i, length - i);

		memcpy(clean + used, sequence ? text + i : REPLACEMENT,
		       sequence ? sequence : sizeof(REPLACEMENT) - 1);
		used += sequence ? sequence : sizeof(REPLACEMENT) - 1;
		i += sequence ? sequence : 1;
	}
	return json_stringn_nocheck(clean, used);
}

static int add(json_t *object, const char *name, json_t *value)
{
	return json_object_set_new_nocheck(object, name, value) ? -ENOMEM : 0;
}

static bool all_zero(const char *at, size_t size)
{
	return *at == 0 && memcmp(at, at + 1, size - 1) == 0;
}

static size_t element_count(const struct json_field *field, const void *data)
{
	const char *first = (const char *)data + field->offset;
	size_t count = field->array_max;

	if (field->counted) {
		count = load_uint((const char *)data + field->count_offset, sizeof(uint32_t));
		return count < field->array_max ? count : field->array_max;
	}
	while (count > 0 && all_zero(first + (count - 1) * field->size, field->size))
		count--;
	return count;
}

static int write_array(const struct json_field *field, const void *data, json_t *object)
{
	size_t count = element_count(field, data);
	json_t *array;

	if (count == 0)
		return 0;
	array = json_array();
	if (add(object, field->name, array) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		json_t *element = json_object();

		if (json_array_append_new(array, element) ||
		    json_shape_write(field->shape,
				     (const char *)data + field->offset + i * field->size,
				     element) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int write_object(const struct json_field *field, const void *data, json_t *object)
{
	json_t *member;

	if (field->array_max)
		return write_array(field, data, object);
	if (all_zero((const char *)data + field->offset, field->size))
		return 0;
	member = json_object();
	if (add(object, field->name, member) < 0)
		return -ENOMEM;
	return json_shape_write(field->shape, (const char *)data + field->offset, member);
}

static int write_number(const struct json_field *field, uint64_t value, json_t *object)
{
	if (field->kind == JSON_KIND_INT && field->size == sizeof(int32_t))
		value = (uint64_t)(int32_t)value;
	else if (field->kind == JSON_KIND_ADDRESS ||
		 (field->kind == JSON_KIND_UINT && value > INT64_MAX))
		return value ? add(object, field->name, address_json(value)) : 0;
	return value ? add(object, field->name, json_integer((json_int_t)value)) : 0;
}

static int write_field(const struct json_field *field, const void *data, json_t *object)
{
	const char *at = (const char *)data + field->offset;

	switch (field->kind) {
	case JSON_KIND_BOOL:
		return *at ? add(object, field->name, json_true()) : 0;
	case JSON_KIND_FLAG:
		return load_uint(at, field->size) & field->flag
			       ? add(object, field->name, json_true())
			       : 0;
	case JSON_KIND_UINT:
	case JSON_KIND_INT:
	case JSON_KIND_ADDRESS:
		return write_number(field, load_uint(at, field->size), object);
	case JSON_KIND_TEXT:
		return *at ? add(object, field->name, text_json(at, field->size)) : 0;
	case JSON_KIND_WORD: {
		uint64_t value = load_uint(at, field->size);

		/* A value that has no word is as good as not known. */
		return value && value < field->words->count
			       ? add(object, field->name, json_string(field->words->words[value]))
			       : 0;
	}
	case JSON_KIND_OBJECT:
		return write_object(field, data, object);
	case JSON_KIND_INLINE:
		return json_shape_write(field->shape, at, object);
	case JSON_KIND_LENGTH: {
		const struct span *span = (const struct span *)at;

		return span->from_ns && span->to_ns > span->from_ns
			       ? add(object, field->name, json_length(span->to_ns - span->from_ns))
			       : 0;
	}
	}
	return 0;
}

int json_shape_write(const struct json_shape *shape, const void *data, json_t *object)
{
	for (size_t i = 0; i < shape->field_count; i++)
		if (write_field(&shape->fields[i], data, object) < 0)
			return -ENOMEM;
	return 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

int json_word_value(const struct json_words *words, const json_t *word)
{
	if (!json_is_string(word))
		return -EBADMSG;
	for (size_t i = 0; i < words->count; i++)
		if (strcmp(words->words[i], json_string_value(word)) == 0)
			return (int)i;
	return -EBADMSG;
}

static int read_address(const json_t *value, uint64_t *ret)
{
	const char *text = json_string_value(value);
	uint64_t address;
	int end = 0;

	if (!text || strncmp(text, "0x", 2) != 0 || strlen(text) > 2 + 16 ||
	    !text_is_hex(text + 2, strlen(text + 2)) ||
	    sscanf(text, "0x%" SCNx64 "%n", &address, &end) != 1 || text[end])
		return -EBADMSG;
	*ret = address;
	return 0;
}

static int read_number(const struct json_field *field, const json_t *value, void *at)
{
	uint64_t number;

	if (json_is_string(value)) {
		if (field->size != sizeof(number) || field->kind == JSON_KIND_INT ||
		    read_address(value, &number) < 0)
			return -EBADMSG;
	} else if (!json_is_integer(value)) {
		return -EBADMSG;
	} else {
		json_int_t integer = json_integer_value(value);
		int64_t lowest = 0, highest = INT64_MAX;

		if (field->size < sizeof(number))
			highest = field->kind == JSON_KIND_INT
					  ? INT32_MAX
					  : (INT64_C(1) << field->size * 8) - 1;
		if (field->kind == JSON_KIND_INT)
			lowest = -highest - 1;
		if (integer < lowest || integer > highest)
			return -EBADMSG;
		number = (uint64_t)integer;
	}
	store_uint(at, field->size, number);
	return 0;
}

static int read_object(const struct json_field *field, const json_t *value, void *data)
{
	char *at = (char *)data + field->offset;
	size_t count = json_array_size(value);

	if (!field->array_max)
		return json_shape_read(field->shape, value, at);
	if (!json_is_array(value) || count > field->array_max)
		return -EBADMSG;
	for (size_t i = 0; i < count; i++)
		if (json_shape_read(field->shape, json_array_get(value, i), at + i * field->size) <
		    0)
			return -EBADMSG;
	if (field->counted)
		store_uint((char *)data + field->count_offset, sizeof(uint32_t), count);
	return 0;
}

static int read_field(const struct json_field *field, const json_t *value, void *data)
{
	char *at = (char *)data + field->offset;
	int word;

	switch (field->kind) {
	case JSON_KIND_BOOL:
		*(bool *)at = json_is_true(value);
		return json_is_boolean(value) ? 0 : -EBADMSG;
	case JSON_KIND_FLAG:
		if (json_is_true(value))
			store_uint(at, field->size, load_uint(at, field->size) | field->flag);
		return json_is_boolean(value) ? 0 : -EBADMSG;
	case JSON_KIND_UINT:
	case JSON_KIND_INT:
	case JSON_KIND_ADDRESS:
		return read_number(field, value, at);
	case JSON_KIND_TEXT:
		if (!json_is_string(value))
			return -EBADMSG;
		text_copy(at, field->size, json_string_value(value));
		return 0;
	case JSON_KIND_WORD:
		word = json_word_value(field->words, value);
		if (word >= 0)
			store_uint(at, field->size, (uint64_t)word);
		return word < 0 ? word : 0;
	case JSON_KIND_OBJECT:
		return read_object(field, value, data);
	case JSON_KIND_INLINE:
	case JSON_KIND_LENGTH:
		break; /* not members of their own */
	}
	return 0;
}

int json_shape_read(const struct json_shape *shape, const json_t *object, void *data)
{
	if (!json_is_object(object))
		return -EBADMSG;
	for (size_t i = 0; i < shape->field_count; i++) {
		const struct json_field *field = &shape->fields[i];
		const json_t *value = json_object_get(object, field->name);
		int r = 0;

		if (field->kind == JSON_KIND_INLINE)
			r = json_shape_read(field->shape, object, (char *)data + field->offset);
		else if (value)
			r = read_field(field, value, data);
		if (r < 0)
			return r;
	}
	return 0;
}
