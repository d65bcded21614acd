/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API server sends, as a list and as a stream. In one piece and byte by byte it must give the same
 * objects and the same end.
 */
#include "fuzz/target.h"

#include <stdlib.h>

#include "client/kube/kube_wire.h"

struct seen {
	size_t objects, members;
};

static int on_object(void *context, json_t *object)
{
	struct seen *seen = context;

	if (!json_is_object(object))
		abort();
	seen->objects++;
	seen->members += json_object_size(object);
	return 0;
}

static int feed(enum kube_wire_shape shape, const uint8_t *data, size_t size, size_t piece,
		struct seen *ret)
{
	struct kube_wire *wire;
	json_t *rest = NULL;
	int r = kube_wire_new(&wire, shape, on_object, ret);

	if (r < 0)
		abort();
	for (size_t at = 0; at < size && r == 0; at += piece)
		r = kube_wire_feed(wire, (const char *)data + at,
				   size - at < piece ? size - at : piece);
	if (r == 0 && shape == KUBE_WIRE_LIST)
		r = kube_wire_rest(wire, &rest);
	json_decref(rest);
	kube_wire_free(wire);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (enum kube_wire_shape shape = KUBE_WIRE_LINES; shape <= KUBE_WIRE_LIST; shape++) {
		struct seen whole = {0}, bytes = {0};
		int r = feed(shape, data, size, size ? size : 1, &whole);

		if (feed(shape, data, size, 1, &bytes) != r || whole.objects != bytes.objects ||
		    whole.members != bytes.members)
			abort();
	}
	return 0;
}
