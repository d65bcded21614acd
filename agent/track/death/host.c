/* SPDX-License-Identifier: Apache-2.0 */
#include "track/death/host.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* Repeats within this time are one. */
#define REPEAT_NS (60 * NS_PER_SECOND)

static void tell(struct hosts *hosts, struct host_fact_seen *seen, bool final)
{
	struct record record = {
		.type = RECORD_HOST,
		.final = final,
		.boot_ns = seen->last_ns,
		.host = {.fact = seen->host.fact,
			 .count = seen->host.count,
			 .first_ns = seen->first_ns,
			 .last_ns = seen->last_ns},
	};

	TEXT_COPY(record.host.resource, seen->host.resource);
	TEXT_COPY(record.host.detail, seen->host.detail);
	TEXT_COPY(record.host.told_by, seen->host.told_by);
	snprintf(record.key, sizeof(record.key), "%d-%" PRIu64 "-%.48s", (int)seen->host.fact,
		 seen->first_ns, seen->host.resource);
	seen->told_final = final;
	hosts->emit(hosts->context, &record);
}

static struct host_fact_seen *find(struct hosts *hosts, const struct event *event)
{
	for (size_t i = 0; i < HOST_FACTS_MAX; i++) {
		struct host_fact_seen *seen = &hosts->facts[i];

		if (seen->last_ns && !seen->told_final && seen->host.fact == event->host.fact &&
		    strcmp(seen->host.resource, event->host.resource) == 0 &&
		    event->boot_ns < seen->last_ns + REPEAT_NS)
			return seen;
	}
	return NULL;
}

static struct host_fact_seen *make_room(struct hosts *hosts)
{
	struct host_fact_seen *oldest = &hosts->facts[0];

	for (size_t i = 1; i < HOST_FACTS_MAX; i++)
		if (hosts->facts[i].last_ns < oldest->last_ns)
			oldest = &hosts->facts[i];
	if (oldest->last_ns && !oldest->told_final)
		tell(hosts, oldest, true);
	return oldest;
}

bool hosts_event(struct hosts *hosts, const struct event *event)
{
	struct host_fact_seen *seen;
	uint32_t count;

	if (event->type != EVENT_HOST || event->host.fact == HOST_NONE)
		return false;
	seen = find(hosts, event);
	count = event->host.count ? event->host.count : 1;
	if (seen) { /* told again when it is over: a disk may fail for hours */
		count += seen->host.count;
		seen->host = event->host;
		seen->host.count = count;
		if (event->boot_ns > seen->last_ns)
			seen->last_ns = event->boot_ns;
		return true;
	}
	seen = make_room(hosts);
	*seen = (struct host_fact_seen){event->boot_ns, event->boot_ns, event->host, false};
	seen->host.count = count;
	tell(hosts, seen, false);
	return true;
}

uint64_t hosts_next_tick_ns(const struct hosts *hosts)
{
	uint64_t due_ns = UINT64_MAX;

	for (size_t i = 0; i < HOST_FACTS_MAX; i++) {
		const struct host_fact_seen *seen = &hosts->facts[i];

		if (seen->last_ns && !seen->told_final && seen->last_ns + REPEAT_NS < due_ns)
			due_ns = seen->last_ns + REPEAT_NS;
	}
	return due_ns;
}

void hosts_tick(struct hosts *hosts, uint64_t now_ns)
{
	for (size_t i = 0; i < HOST_FACTS_MAX; i++) {
		struct host_fact_seen *seen = &hosts->facts[i];

		if (seen->last_ns && !seen->told_final && seen->last_ns + REPEAT_NS <= now_ns)
			tell(hosts, seen, true);
	}
}
