/* SPDX-License-Identifier: Apache-2.0 */
#include "client/kube/kube_wire.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define REST_BYTES_MAX (64u << 10)
#define KEPT_BYTES     (32u << 10) /* of room, from one object to the next */

/* Depths: 1 is within the list, 2 within its items, 3 within one of them. */
enum { IN_LIST = 1, IN_ITEMS, IN_ITEM };

struct bytes {
	char *data;
	size_t used, room;
};

struct kube_wire {
	enum kube_wire_shape shape;
	kube_wire_fn on_object;
	void *context;
	struct bytes object, rest;
	size_t object_size; /* also of what is skipped */
	uint64_t skipped;

	/* of a list */
	unsigned int depth;
	bool string, escaped, items;
	char key[8]; /* the latest string within the list */
	size_t key_size;
};

int kube_wire_new(struct kube_wire **ret, enum kube_wire_shape shape, kube_wire_fn on_object,
		  void *context)
{
	struct kube_wire *wire = calloc(1, sizeof(*wire));

	if (!wire)
		return -ENOMEM;
	wire->shape = shape;
	wire->on_object = on_object;
	wire->context = context;
	*ret = wire;
	return 0;
}

void kube_wire_free(struct kube_wire *wire)
{
	if (!wire)
		return;
	free(wire->object.data);
	free(wire->rest.data);
	free(wire);
}

static int append(struct bytes *to, const char *bytes, size_t size)
{
	if (!size)
		return 0; /* without room yet there is no memory to copy to */
	if (to->used + size > to->room) {
		size_t room = (to->used + size) * 2;
		char *data = realloc(to->data, room);

		if (!data)
			return -ENOMEM;
		to->data = data;
		to->room = room;
	}
	memcpy(to->data + to->used, bytes, size);
	to->used += size;
	return 0;
}

/* Beyond the bound bytes are counted, not kept. */
static int append_object(struct kube_wire *wire, const char *bytes, size_t size)
{
	wire->object_size += size;
	if (wire->object_size > KUBE_SKIP_BYTES_MAX)
		return -EMSGSIZE;
	if (wire->object_size > KUBE_OBJECT_BYTES_MAX)
		return 0;
	return append(&wire->object, bytes, size);
}

/* NULs are allowed: \u0000 in somebody's annotation must not end the watch of a whole node. */
static int finish_object(struct kube_wire *wire)
{
	bool large = wire->object_size > KUBE_OBJECT_BYTES_MAX;
	json_t *object = NULL;
	int r = 0;

	if (large) {
		wire->skipped++;
	} else if (wire->object.used) {
		object = json_loadb(wire->object.data, wire->object.used, JSON_ALLOW_NUL, NULL);
		r = json_is_object(object) ? 0 : -EBADMSG;
	}
	wire->object.used = wire->object_size = 0;
	if (wire->object.room > KEPT_BYTES) {
		free(wire->object.data);
		wire->object = (struct bytes){0};
	}
	if (r == 0 && object)
		r = wire->on_object(wire->context, object);
	json_decref(object);
	return r;
}

static int feed_lines(struct kube_wire *wire, const char *bytes, size_t size)
{
	int r = 0;

	while (size && r == 0) {
		const char *end = memchr(bytes, '\n', size);
		size_t length = end ? (size_t)(end - bytes) : size;

		r = append_object(wire, bytes, length);
		if (r == 0 && end)
			r = finish_object(wire);
		length += end ? 1 : 0;
		bytes += length;
		size -= length;
	}
	return r;
}

static void note_string(struct kube_wire *wire, char c)
{
	if (wire->escaped)
		wire->escaped = false;
	else if (c == '\\')
		wire->escaped = true;
	else if (c == '"')
		wire->string = false;
	if (wire->string && wire->depth == IN_LIST && wire->key_size < sizeof(wire->key))
		wire->key[wire->key_size++] = c;
}

static void note_open(struct kube_wire *wire, char c)
{
	if (wire->depth == IN_LIST && c == '[')
		wire->items = wire->key_size == 5 && memcmp(wire->key, "items", 5) == 0;
	wire->depth++;
}

/* Which brackets match is for the JSON parser to say: here only the depth counts. */
static int note(struct kube_wire *wire, char c)
{
	if (wire->string) {
		note_string(wire, c);
		return 0;
	}
	switch (c) {
	case '"':
		wire->string = true;
		if (wire->depth == IN_LIST)
			wire->key_size = 0;
		return 0;
	case '{':
	case '[':
		note_open(wire, c);
		return 0;
	case '}':
	case ']':
		if (!wire->depth)
			return -EBADMSG;
		wire->depth--;
		return 0;
	default:
		return 0;
	}
}

static int feed_byte(struct kube_wire *wire, char c)
{
	bool within = wire->items && wire->depth >= IN_ITEM;
	int r = note(wire, c);

	if (r < 0)
		return r;
	if (within || (wire->items && wire->depth >= IN_ITEM)) {
		r = append_object(wire, &c, 1);
		return r == 0 && wire->depth < IN_ITEM ? finish_object(wire) : r;
	}
	if (wire->items && wire->depth == IN_ITEMS) {
		/* between items; but the bracket that opens them belongs to the rest */
		if (c != '[')
			return strchr(", \t\r\n", c) && c ? 0 : -EBADMSG;
	} else if (wire->depth < IN_ITEMS) {
		wire->items = false;
	}
	return wire->rest.used < REST_BYTES_MAX ? append(&wire->rest, &c, 1) : -EMSGSIZE;
}

int kube_wire_feed(struct kube_wire *wire, const char *bytes, size_t size)
{
	int r = 0;

	if (wire->shape == KUBE_WIRE_LINES)
		return feed_lines(wire, bytes, size);
	for (size_t i = 0; i < size && r == 0; i++)
		r = feed_byte(wire, bytes[i]);
	return r;
}

int kube_wire_rest(const struct kube_wire *wire, json_t **ret)
{
	json_t *rest = wire->rest.used
			       ? json_loadb(wire->rest.data, wire->rest.used, JSON_ALLOW_NUL, NULL)
			       : NULL;

	if (!json_is_object(rest)) {
		json_decref(rest);
		return -EBADMSG;
	}
	*ret = rest;
	return 0;
}

uint64_t kube_wire_skipped(const struct kube_wire *wire)
{
	return wire->skipped;
}
