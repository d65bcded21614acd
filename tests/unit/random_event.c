// SPDX-License-Identifier: Apache-2.0
#include "unit/random_private.h"

static void make_source(struct chance *chance, struct event_source *source, uint64_t now_ns)
{
	*source = (struct event_source){
		.source = 1 + below(chance, SOURCE_KIND_COUNT - 1),
		.step = below(chance, SOURCE_STEP_COUNT),
		.count = below(chance, 9),
		.since_ns = now_ns - some_length(chance),
	};
	if (below(chance, 3)) /* they deliver, most of the time */
		source->step = SOURCE_UP;
	SAY(source->cause, WORDS_CAUSES);
}

struct event random_event(struct chance *chance, uint64_t now_ns)
{
	struct event event = {
		.type = 1 + below(chance, EVENT_TYPE_COUNT - 1),
		.flags = below(chance, 10) ? 0 : EVENT_RECONSTRUCTED,
		.boot_ns = some_time(chance, now_ns),
	};

	switch (event.type) {
	case EVENT_CGROUP_NEW:
	case EVENT_CGROUP_GONE:
	case EVENT_EXEC:
	case EVENT_EXIT:
	case EVENT_LISTEN:
	case EVENT_OOM:
	case EVENT_CONNECT_SLOW:
	case EVENT_CONNECT_FAILED:
		random_process(chance, &event, now_ns);
		break;
	case EVENT_STALL:
	case EVENT_FILE_READ:
	case EVENT_DNS:
	case EVENT_WORK:
	case EVENT_PRESSURE:
		random_why(chance, &event, now_ns);
		break;
	case EVENT_CONTAINER:
	case EVENT_CONTAINER_GONE:
	case EVENT_TASK:
	case EVENT_SNAPSHOT:
	case EVENT_INGEST:
	case EVENT_LAYER:
	case EVENT_IMAGE:
	case EVENT_CRI_CALL:
		random_runtime(chance, &event, now_ns);
		break;
	case EVENT_POD:
	case EVENT_POD_CONTAINER:
	case EVENT_POD_GONE:
	case EVENT_POD_TROUBLE:
	case EVENT_ADDRESS:
		random_pod(chance, &event, now_ns);
		break;
	case EVENT_BOOT:
	case EVENT_UNIT:
	case EVENT_UNIT_AFTER:
	case EVENT_MILESTONE:
	case EVENT_LAST_BOOT:
		random_boot(chance, &event, now_ns);
		break;
	case EVENT_SOURCE:
		event.boot_ns = now_ns; /* the agent's own */
		make_source(chance, &event.source, now_ns);
		break;
	default:
		random_death(chance, &event, now_ns);
	}
	return event;
}
