/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from the kernel's rings. */
#include "fuzz/target.h"

#include "model/json.h"
#include "source/kernel_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event event;

	if (kernel_wire_decode(data, size, &event) == 0)
		json_decref(event_to_json(&event));
	return 0;
}
