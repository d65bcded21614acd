/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's event envelopes (protobuf bytes) as events. Trusts no length and no text. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/event.h"

enum containerd_wire_result {
	CONTAINERD_WIRE_EVENT,	  /* *ret is filled in */
	CONTAINERD_WIRE_NO_EVENT, /* known, and of no interest */
	CONTAINERD_WIRE_UNKNOWN,  /* a type that this version does not know */
	CONTAINERD_WIRE_UNDECODABLE,
};

/*
 * EVENT_CONTAINER with a created_ns carries id and image only: identity is asked for; without one it
 * is a pod sandbox's update, which names its pod. EVENT_IMAGE carries the name only. boot_ns is the publisher's stamp (shim or containerd), turned by wall_offset_ns.
 */
enum containerd_wire_result containerd_wire_decode(const uint8_t *data, size_t size,
						   int64_t wall_offset_ns, struct event *ret);
