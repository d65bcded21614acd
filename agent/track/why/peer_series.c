/* SPDX-License-Identifier: Apache-2.0 */
#include "track/why/peer_series.h"

/* Between the end of a try and the beginning of the next. */
static uint64_t pause_of(const struct event *event, uint64_t last_ns, uint32_t count)
{
	uint64_t began_ns = event->connect_failed.began_ns;
	uint64_t each_ns = (event->boot_ns - last_ns) / count;
	uint64_t tried_ns = began_ns && began_ns < event->boot_ns ? event->boot_ns - began_ns : 0;

	return each_ns > tried_ns ? each_ns - tried_ns : 0;
}

void peer_series_note(struct peer_series *series, const struct event *event)
{
	const struct event_connect_failed *told = &event->connect_failed;
	uint32_t count = told->count ? told->count : 1;

	if (!series->count)
		series->began_ns = told->began_ns ? told->began_ns : event->boot_ns;
	else if (event->boot_ns > series->last_ns)
		series->pause_ns = pause_of(event, series->last_ns, count);
	if (event->boot_ns > series->last_ns)
		series->last_ns = event->boot_ns;
	series->error = told->error;
	series->count += count;
}

struct span peer_series_span(const struct peer_series *series)
{
	return (struct span){series->began_ns, series->last_ns + series->pause_ns};
}
