/* SPDX-License-Identifier: Apache-2.0 */
/* Records as JSON: the store's bodies and the local API's lines, shown to a person. */
#include "fuzz/target.h"

#include <stdio.h>

#include "model/sentence.h"
#include "model/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *null;
	json_t *json = json_loadb((const char *)data, size, 0, NULL);
	struct record record;

	if (!null)
		null = fopen("/dev/null", "we");
	if (json && record_from_json(json, &record) == 0)
		sentence_line(null, &record, true);
	json_decref(json);
	return 0;
}
