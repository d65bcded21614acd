/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of the API server, as they come, into JSON objects, one by one: the lines of a watch, or the
 * items of a list without the list ever being whole in memory. For client/kube/kube_watch.c.
 *
 * Bounded whatever comes: an object above 2 MiB is skipped and counted, above 16 MiB an error.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define KUBE_OBJECT_BYTES_MAX (2u << 20)
#define KUBE_SKIP_BYTES_MAX   (16u << 20)

enum kube_wire_shape { KUBE_WIRE_LINES, KUBE_WIRE_LIST };

struct kube_wire;

/* The object is borrowed. A negative errno ends the feeding. */
typedef int (*kube_wire_fn)(void *context, json_t *object);

/* Returns 0 or -ENOMEM. */
int kube_wire_new(struct kube_wire **ret, enum kube_wire_shape shape, kube_wire_fn on_object,
		  void *context);
void kube_wire_free(struct kube_wire *wire);

/* Returns 0, -EBADMSG (no JSON), -EMSGSIZE, -ENOMEM, or what the callback gave. */
int kube_wire_feed(struct kube_wire *wire, const char *bytes, size_t size);

/* Of a list fed to its end: what stands around the items (its metadata). Returns 0 or -EBADMSG. */
int kube_wire_rest(const struct kube_wire *wire, json_t **ret);

/* How many objects were too large. */
uint64_t kube_wire_skipped(const struct kube_wire *wire);
