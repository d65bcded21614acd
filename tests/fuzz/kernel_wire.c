/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from the kernel's rings. */
#include "fuzz/target.h"

#include "model/json.h"
#include "source/kernel/kernel_mounts.h"
#include "source/kernel/kernel_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kernel_mounts mounts;
	struct event event;

	if (kernel_mounts_take(&mounts, data, size, &event) && event.type != EVENT_NONE)
		json_decref(event_to_json(&event));
	if (kernel_wire_decode(data, size, &event) == 0)
		json_decref(event_to_json(&event));
	return 0;
}
