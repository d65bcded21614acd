/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's event envelopes. */
#include "fuzz/target.h"

#include "model/json.h"
#include "source/containerd/containerd_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event event;

	if (containerd_wire_decode(data, size, 0, &event) == CONTAINERD_WIRE_EVENT)
		json_decref(event_to_json(&event));
	return 0;
}
