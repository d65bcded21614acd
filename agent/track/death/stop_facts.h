/* SPDX-License-Identifier: Apache-2.0 */
/* What one event of Kubernetes says about stops: the words of kubelet, scheduler and controllers. Pure. Called by stop.c. */
#pragma once

#include "model/event.h"

struct stop_fact {
	enum stop_cause cause;
	char container[NAME_SIZE]; /* "" all of the pod */
	uint64_t from_ns, to_ns;   /* when it was so; stamps have whole seconds */
	uint64_t slack_ns;	   /* it may be told so much later than the stop */
	bool lasting;		   /* from then on, not at that moment */
	bool seen;		   /* what was seen, not what was done about it */
	char told[CAUSE_SIZE];	   /* Kubernetes' own words */
};

/* Of the pod's status. False: it says nothing of a stop. */
bool stop_fact_of_status(const struct event_pod *pod, uint64_t boot_ns, struct stop_fact *ret);

/* Of its deletion: when it was asked for, and by what. */
bool stop_fact_of_deletion(const struct event_pod *pod, uint64_t boot_ns, struct stop_fact *ret);

/* Of an Event. */
bool stop_fact_of_event(const struct event_pod_trouble *trouble, struct stop_fact *ret);
