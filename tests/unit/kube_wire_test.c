// SPDX-License-Identifier: Apache-2.0
/* Lists and streams cut into objects, in pieces of any size and within bounds; and the pauses between tries. */
#include "client/kube/kube_wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct seen {
	char names[256];
	int stop_at, objects;
};

static int on_object(void *context, json_t *object)
{
	struct seen *seen = context;
	const char *name = json_string_value(json_object_get(object, "name"));

	strncat(seen->names, name ?: "?", 32);
	strcat(seen->names, " ");
	return ++seen->objects == seen->stop_at ? -ECANCELED : 0;
}

static int feed(struct kube_wire *wire, const char *text, size_t size, size_t piece)
{
	int r = 0;

	for (size_t at = 0; at < size && r == 0; at += piece)
		r = kube_wire_feed(wire, text + at, size - at < piece ? size - at : piece);
	return r;
}

/* Whatever the pieces are, the objects and the end are the same. */
static void expect(enum kube_wire_shape shape, const char *text, int result, const char *names,
		   const char *rest_text)
{
	for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
		struct seen seen = {0};
		struct kube_wire *wire;
		json_t *rest = NULL;

		assert_int_equal(kube_wire_new(&wire, shape, on_object, &seen), 0);
		int r = feed(wire, text, strlen(text), piece);

		if (r == 0 && shape == KUBE_WIRE_LIST)
			r = kube_wire_rest(wire, &rest);
		if (r != result || strcmp(seen.names, names) != 0)
			fail_msg("%s\nin pieces of %zu gave %d, %s", text, piece, r, seen.names);
		if (rest_text) {
			char *dumped = json_dumps(rest, JSON_COMPACT);

			assert_string_equal(dumped, rest_text);
			free(dumped);
		}
		json_decref(rest);
		kube_wire_free(wire);
	}
}

static void lines(void **state)
{
	(void)state;
	expect(KUBE_WIRE_LINES, "{\"name\":\"a\"}\n{\"name\":\"b\"}\r\n\n{\"name\":\"cut", 0,
	       "a b ", NULL);
	expect(KUBE_WIRE_LINES, "{\"name\":\"a\"}\nnonsense\n{\"name\":\"b\"}\n", -EBADMSG, "a ",
	       NULL);
	expect(KUBE_WIRE_LINES, "[1]\n", -EBADMSG, "", NULL);
	expect(KUBE_WIRE_LINES, "{} {}\n", -EBADMSG, "", NULL);
	expect(KUBE_WIRE_LINES, "{\"name\":\"\\u0000\"}\n", 0, " ", NULL);
}

static void items_of_a_list(void **state)
{
	(void)state;
	expect(KUBE_WIRE_LIST,
	       "{\"kind\":\"L\",\"metadata\":{\"continue\":\"c\"},\"items\":[{\"name\":\"a\"}, "
	       "{\"name\":\"b\",\"x\":\"]}\\\"{[\\\\\",\"items\":[{\"name\":\"no\"}]}\n]}\n",
	       0, "a b ", "{\"kind\":\"L\",\"metadata\":{\"continue\":\"c\"},\"items\":[]}");
	expect(KUBE_WIRE_LIST, "{\"items\":[{\"name\":\"a\"}],\"metadata\":{}}", 0, "a ",
	       "{\"items\":[],\"metadata\":{}}");
	expect(KUBE_WIRE_LIST, "{\"items\":null,\"m\":{\"items\":[{\"name\":\"no\"}]}}", 0, "",
	       "{\"items\":null,\"m\":{\"items\":[{\"name\":\"no\"}]}}");
	expect(KUBE_WIRE_LIST, "{\"others\":[{\"name\":\"no\"}],\"items\":[]}", 0, "",
	       "{\"others\":[{\"name\":\"no\"}],\"items\":[]}");
}

static void lists_that_are_none(void **state)
{
	(void)state;
	expect(KUBE_WIRE_LIST, "", -EBADMSG, "", NULL);
	expect(KUBE_WIRE_LIST, "<html>", -EBADMSG, "", NULL);
	expect(KUBE_WIRE_LIST, "[]", -EBADMSG, "", NULL);
	expect(KUBE_WIRE_LIST, "}", -EBADMSG, "", NULL);
	expect(KUBE_WIRE_LIST, "{\"items\":[1]}", -EBADMSG, "", NULL);
	expect(KUBE_WIRE_LIST, "{\"items\":[[]]}", -EBADMSG, "", NULL);
	expect(KUBE_WIRE_LIST, "{\"items\":[{\"name\":\"a\"},{]]}", -EBADMSG, "a ", NULL);
	expect(KUBE_WIRE_LIST, "{\"items\":[{\"name\":\"a\"},{\"name\":\"b", -EBADMSG, "a ", NULL);
	expect(KUBE_WIRE_LIST, "{\"items\":[]}{}", -EBADMSG, "", NULL);
}

static void a_callback_can_stop_it(void **state)
{
	static const char text[] = "{}\n{}\n{}\n";
	struct seen seen = {.stop_at = 2};
	struct kube_wire *wire;

	(void)state;
	assert_int_equal(kube_wire_new(&wire, KUBE_WIRE_LINES, on_object, &seen), 0);
	assert_int_equal(feed(wire, text, strlen(text), 100), -ECANCELED);
	assert_int_equal(seen.objects, 2);
	kube_wire_free(wire);
}

/* An object of so many bytes, between two small ones. */
static int feed_large(enum kube_wire_shape shape, size_t bytes, struct seen *seen,
		      uint64_t *ret_skipped)
{
	const char *before = shape == KUBE_WIRE_LIST ? "{\"items\":[{\"name\":\"a\"},{\"x\":\""
						     : "{\"name\":\"a\"}\n{\"x\":\"";
	const char *after =
		shape == KUBE_WIRE_LIST ? "\"},{\"name\":\"b\"}]}" : "\"}\n{\"name\":\"b\"}\n";
	char *filling = malloc(bytes);
	struct kube_wire *wire;

	memset(filling, 'x', bytes);
	assert_int_equal(kube_wire_new(&wire, shape, on_object, seen), 0);
	int r = feed(wire, before, strlen(before), 8192);

	if (r == 0)
		r = feed(wire, filling, bytes, 8192);
	if (r == 0)
		r = feed(wire, after, strlen(after), 8192);
	*ret_skipped = kube_wire_skipped(wire);
	kube_wire_free(wire);
	free(filling);
	return r;
}

static void large_objects(void **state)
{
	(void)state;
	for (enum kube_wire_shape shape = KUBE_WIRE_LINES; shape <= KUBE_WIRE_LIST; shape++) {
		struct seen fits = {0}, skipped = {0}, endless = {0};
		uint64_t count;

		assert_int_equal(feed_large(shape, KUBE_OBJECT_BYTES_MAX - 8, &fits, &count), 0);
		assert_string_equal(fits.names, "a ? b ");
		assert_int_equal(count, 0);
		assert_int_equal(feed_large(shape, KUBE_OBJECT_BYTES_MAX - 7, &skipped, &count), 0);
		assert_string_equal(skipped.names, "a b ");
		assert_int_equal(count, 1);
		assert_int_equal(feed_large(shape, KUBE_SKIP_BYTES_MAX, &endless, &count),
				 -EMSGSIZE);
		assert_string_equal(endless.names, "a ");
	}
}

static void what_stands_around_the_items_is_bounded(void **state)
{
	struct seen seen = {0};
	struct kube_wire *wire;
	int r = 0;

	(void)state;
	assert_int_equal(kube_wire_new(&wire, KUBE_WIRE_LIST, on_object, &seen), 0);
	for (int i = 0; i < 100000 && r == 0; i++)
		r = kube_wire_feed(wire, "{", 1);
	assert_int_equal(r, -EMSGSIZE);
	kube_wire_free(wire);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(items_of_a_list),
		cmocka_unit_test(lists_that_are_none),
		cmocka_unit_test(a_callback_can_stop_it),
		cmocka_unit_test(large_objects),
		cmocka_unit_test(what_stands_around_the_items_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
