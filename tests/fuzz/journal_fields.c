/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry of the journal: its fields by lines (MESSAGE_ID, _PID, _SYSTEMD_UNIT, UNIT, then MESSAGE to the end), as the
 * rules about the host read them; and the same bytes as a line of the kernel's log.
 */
#include "fuzz/target.h"

#include <stdlib.h>
#include <string.h>

#include "source/host/host_rules.h"
#include "source/host/host_unit_rules.h"

/* The next line, cut as journal_text cuts a field. */
static void take_line(const uint8_t **data, size_t *size, char *ret, size_t room)
{
	const uint8_t *end = memchr(*data, '\n', *size);
	size_t length = end ? (size_t)(end - *data) : *size;
	size_t kept = length < room ? length : room - 1;

	memcpy(ret, *data, kept);
	ret[kept] = '\0';
	*data += length + (end != NULL);
	*size -= length + (end != NULL);
}

static void check(const struct event_host *fact)
{
	if (fact->fact >= HOST_FACT_COUNT ||
	    !memchr(fact->resource, '\0', sizeof(fact->resource)) ||
	    !memchr(fact->detail, '\0', sizeof(fact->detail)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct host_entry entry = {.pid = ""};
	struct event_host fact;
	size_t kept;

	fact = (struct event_host){0};
	if (size && host_rule_match((const char *)data, size, &fact))
		check(&fact);
	take_line(&data, &size, entry.message_id, sizeof(entry.message_id));
	take_line(&data, &size, entry.pid, sizeof(entry.pid));
	take_line(&data, &size, entry.systemd_unit, sizeof(entry.systemd_unit));
	take_line(&data, &size, entry.unit, sizeof(entry.unit));
	kept = size < sizeof(entry.message) ? size : sizeof(entry.message) - 1;
	memcpy(entry.message, data, kept);
	fact = (struct event_host){0};
	if (host_unit_rule_match(&entry, &fact))
		check(&fact);
	return 0;
}
