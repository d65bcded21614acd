// SPDX-License-Identifier: Apache-2.0
#include "unit/hostile.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/json_shape.h"

static const char *const names[] = {
	"\033]0;t\007\033[2J\r\033[31m", /* 15 bytes of escape codes, as a process's name holds */
	"\xf0\x9f\x92\xa5\xf0\x9f\x92\xa5\xf0\x9f\x92\xa5\xf0\x9f\x92", /* cut within a character */
	"%n%s%x%n%1$n",
	"\"},{\"type\":\"gap\"}]\\",
	"</text></svg></title><hostile onload=\"x\">&lt;'",
	"'; DROP TABLE records; --",
	"a\nb\tc\x7f\xc2\x9b\xff\xfe\u202ed\u2028",
	"\001\002\003\004\005\006\007\010\013\014\016\017\032\033c",
};

#define NAME_COUNT (sizeof(names) / sizeof(*names))

static void fill(const struct json_shape *shape, char *data, uint32_t word, size_t *next);

static void fill_field(const struct json_field *field, char *at, uint32_t word, size_t *next)
{
	switch (field->kind) {
	case JSON_KIND_TEXT:
		text_copy_n(at, field->size, names[*next % NAME_COUNT],
			    strlen(names[*next % NAME_COUNT]));
		++*next;
		break;
	case JSON_KIND_WORD: {
		uint32_t value = 1 + word % (uint32_t)(field->words->count - 1);

		memcpy(at, &value, sizeof(value));
		break;
	}
	case JSON_KIND_OBJECT:
	case JSON_KIND_INLINE:
		fill(field->shape, at, word, next);
		break;
	case JSON_KIND_LENGTH:
		break;
	default:
		*at = 1; /* little endian, or a bool */
	}
}

static void fill(const struct json_shape *shape, char *data, uint32_t word, size_t *next)
{
	for (size_t i = 0; i < shape->field_count; i++) {
		const struct json_field *field = &shape->fields[i];
		size_t elements = field->array_max ? field->array_max : 1;
		uint32_t count = (uint32_t)elements;

		for (size_t k = 0; k < elements; k++)
			fill_field(field, data + field->offset + k * field->size, word, next);
		if (field->counted)
			memcpy(data + field->count_offset, &count, sizeof(count));
	}
}

void hostile_make(struct record *ret, enum record_type type, uint32_t word)
{
	size_t next = word; /* another text in each place with each word */

	*ret = (struct record){0};
	fill(&json_record_head, (char *)ret, word, &next);
	fill(json_record_bodies[type], (char *)&ret->start, word, &next);
	ret->type = type;
	ret->final = true;
	TEXT_COPY(ret->subject.pod, HOSTILE_POD); /* all of one pod */
	TEXT_COPY(ret->subject.pod_namespace, names[0]);
	TEXT_COPY(ret->subject.pod_uid, names[4]);
}

static void expect_printable(const char *text, bool json)
{
	size_t length = strlen(text), step;

	for (size_t i = 0; i < length; i += step) {
		unsigned char c = (unsigned char)text[i];

		step = text_utf8_length(text + i, length - i);
		if (!step || (c < 0x20 && c != '\n') || (c == 0x7f && !json))
			fail_msg("byte 0x%02x is raw in: %.80s", c, text + (i > 40 ? i - 40 : 0));
		if (step == 2 && c == 0xc2 && (unsigned char)text[i + 1] < 0xa0)
			fail_msg("a C1 control is raw");
	}
	assert_null(strstr(text, "\u202e"));
	assert_null(strstr(text, "\u2028"));
}

void hostile_expect_printable(const char *text)
{
	expect_printable(text, false);
}

void hostile_expect_json(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	json_decref(json);
	expect_printable(text, true);
}

void hostile_expect_no_markup(const char *page)
{
	assert_null(strstr(page, "<hostile"));
	assert_null(strstr(page, "onload=\"x\""));
	assert_null(strstr(page, "</text></svg></title>"));
	assert_null(strchr(page, '\033'));
}
