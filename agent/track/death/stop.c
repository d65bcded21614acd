// SPDX-License-Identifier: Apache-2.0
#include "track/death/stop.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/text.h"
#include "track/death/stop_facts.h"

#define PODS_MAX  1024
#define FACTS_MAX 12
#define HOOKS_MAX 32
/* Deaths are told for good within this time after the pod is gone. */
#define KEPT_NS	 (120 * NS_PER_SECOND)
#define STAMP_NS NS_PER_SECOND
/* The last probe that fails is followed by the stop within this time. */
#define PROBE_NS (3 * NS_PER_SECOND)
/* Who drains a node cordons it first, and deletes right after, pod by pod. */
#define DRAIN_NS (60 * NS_PER_SECOND)

struct stop_pod {
	char uid[POD_UID_SIZE];
	char name[POD_SIZE];
	char pod_namespace[NAMESPACE_SIZE];
	bool is_static;
	uint32_t grace_s, spec_grace_s;
	uint64_t gone_ns;
	uint32_t fact_count, hook_count;
	struct stop_fact *facts;
	char (*hooks)[NAME_SIZE]; /* containers with a preStop hook */
	UT_hash_handle hh;	  /* in the order of first sight */
};

struct stops {
	struct stop_pod *pods;
	bool tells_deletions;
	uint64_t drained_ns; /* the latest deletion of a drain */
	uint64_t evicted;    /* pods that had to give way */
};

struct stops *stops_new(void)
{
	return calloc(1, sizeof(struct stops));
}

static void drop(struct stops *stops, struct stop_pod *pod)
{
	HASH_DEL(stops->pods, pod);
	free(pod->facts);
	free(pod->hooks);
	free(pod);
}

void stops_free(struct stops *stops)
{
	while (stops && stops->pods)
		drop(stops, stops->pods);
	free(stops);
}

static struct stop_pod *find(const struct stops *stops, const char *uid)
{
	struct stop_pod *pod;

	HASH_FIND_STR(stops->pods, uid, pod);
	return pod;
}

bool stops_know(const struct stops *stops, const char *pod_uid)
{
	return find(stops, pod_uid);
}

uint64_t stops_evicted(const struct stops *stops)
{
	return stops->evicted;
}

bool stops_may_refine(const struct stops *stops, enum stop_cause cause)
{
	return cause == STOP_DELETION && !stops->tells_deletions;
}

static struct stop_pod *get(struct stops *stops, const char *uid)
{
	struct stop_pod *pod = find(stops, uid);

	if (pod || !*uid)
		return pod;
	if (HASH_COUNT(stops->pods) >= PODS_MAX) {
		drop(stops, stops->pods);
		stops->evicted++;
	}
	pod = calloc(1, sizeof(*pod));
	if (!pod)
		return NULL;
	TEXT_COPY(pod->uid, uid);
	HASH_ADD_STR(stops->pods, uid, pod);
	return pod;
}

static struct stop_fact *find_fact(const struct stop_pod *pod, const struct stop_fact *like)
{
	for (uint32_t i = 0; i < pod->fact_count; i++) {
		struct stop_fact *fact = &pod->facts[i];

		if (fact->cause == like->cause && fact->seen == like->seen &&
		    strcmp(fact->container, like->container) == 0)
			return fact;
	}
	return NULL;
}

/* One of its kind: the newest words, since when it is first. */
static void add_fact(struct stop_pod *pod, const struct stop_fact *told)
{
	struct stop_fact *fact = find_fact(pod, told), *all;

	if (fact) {
		if (told->lasting || told->to_ns < fact->to_ns)
			return;
		fact->to_ns = told->to_ns;
		memcpy(fact->told, told->told, sizeof(fact->told));
		return;
	}
	if (pod->fact_count == FACTS_MAX)
		memmove(pod->facts, pod->facts + 1, --pod->fact_count * sizeof(*pod->facts));
	all = reallocarray(pod->facts, pod->fact_count + 1, sizeof(*all));
	if (!all)
		return;
	pod->facts = all;
	all[pod->fact_count++] = *told;
}

static void forget(struct stop_pod *pod, enum stop_cause cause)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < pod->fact_count; i++)
		if (pod->facts[i].cause != cause)
			pod->facts[kept++] = pod->facts[i];
	pod->fact_count = kept;
}

/* A static pod of this name went a moment ago: its file was changed. */
static bool note_successor(struct stops *stops, const struct stop_pod *newer)
{
	bool found = false;

	for (struct stop_pod *pod = stops->pods; pod; pod = pod->hh.next) {
		struct stop_fact *gone = find_fact(pod, &(struct stop_fact){.cause = STOP_GONE});

		if (pod == newer || !gone || strcmp(pod->name, newer->name) != 0 ||
		    strcmp(pod->pod_namespace, newer->pod_namespace) != 0)
			continue;
		gone->cause = STOP_CHANGED;
		found = true;
	}
	return found;
}

/* True if it tells something of another pod too. */
static bool note_pod(struct stops *stops, const struct event_pod *told, uint64_t boot_ns)
{
	bool fresh = !find(stops, told->pod_uid);
	struct stop_pod *pod = get(stops, told->pod_uid);
	struct stop_fact fact;
	bool of_others;

	if (!pod)
		return false;
	TEXT_COPY(pod->name, told->pod);
	TEXT_COPY(pod->pod_namespace, told->pod_namespace);
	pod->is_static = told->is_static;
	pod->grace_s = told->grace_s;
	pod->spec_grace_s = told->spec_grace_s;
	if (!told->deleted_ns) { /* a mirror that somebody deleted is made again */
		pod->gone_ns = 0;
		forget(pod, STOP_GONE);
	}
	of_others = fresh && pod->is_static && note_successor(stops, pod);
	if (stop_fact_of_status(told, boot_ns, &fact))
		add_fact(pod, &fact);
	if (stop_fact_of_deletion(told, boot_ns, &fact) &&
	    !find_fact(pod, &(struct stop_fact){.cause = STOP_DRAIN}))
		add_fact(pod, &fact);
	return of_others;
}

static void note_hook(struct stop_pod *pod, const struct event_pod_container *told)
{
	char(*all)[NAME_SIZE];

	if (!pod || !told->has_pre_stop || pod->hook_count == HOOKS_MAX)
		return;
	for (uint32_t i = 0; i < pod->hook_count; i++)
		if (strcmp(pod->hooks[i], told->name) == 0)
			return;
	all = reallocarray(pod->hooks, pod->hook_count + 1, sizeof(*all));
	if (!all)
		return;
	pod->hooks = all;
	TEXT_COPY(all[pod->hook_count], told->name);
	pod->hook_count++;
}

static void forget_gone(struct stops *stops, uint64_t now_ns)
{
	struct stop_pod *pod, *next;

	HASH_ITER (hh, stops->pods, pod, next)
		if (pod->gone_ns && now_ns > pod->gone_ns + KEPT_NS)
			drop(stops, pod);
}

/* Deleted without a grace period, or while nobody watched: nothing else has told so. */
static void note_gone(struct stops *stops, const char *uid, uint64_t boot_ns)
{
	forget_gone(stops, boot_ns); /* maybe this one too, which was told to be gone long ago */

	struct stop_pod *pod = find(stops, uid);
	struct stop_fact fact = {
		.cause = pod && pod->is_static ? STOP_GONE : STOP_DELETION,
		.from_ns = boot_ns,
		.to_ns = boot_ns,
		.slack_ns = 10 * NS_PER_SECOND,
		.lasting = true,
	};
	bool told = false;

	if (!pod)
		return;
	for (uint32_t i = 0; i < pod->fact_count; i++)
		told |= pod->facts[i].lasting;
	pod->gone_ns = boot_ns;
	if (!told)
		add_fact(pod, &fact);
}

static void note_node(struct stops *stops, const struct event_node *node)
{
	uint64_t since_ns = node->cordoned_ns, until_ns = since_ns + DRAIN_NS;

	stops->tells_deletions = node->tells_deletions;
	if (!since_ns || node->tells_deletions)
		return;
	if (stops->drained_ns > since_ns)
		until_ns = stops->drained_ns + DRAIN_NS;
	for (struct stop_pod *pod = stops->pods; pod; pod = pod->hh.next) {
		struct stop_fact *fact =
			find_fact(pod, &(struct stop_fact){.cause = STOP_DELETION});

		if (!fact || fact->from_ns + STAMP_NS < since_ns || fact->from_ns > until_ns)
			continue;
		fact->cause = STOP_DRAIN;
		TEXT_COPY(fact->told, "node.kubernetes.io/unschedulable");
		if (fact->from_ns > stops->drained_ns)
			stops->drained_ns = fact->from_ns;
	}
}

static void note_event(struct stops *stops, const struct event_pod_trouble *told)
{
	struct stop_pod *pod = find(stops, told->pod_uid);
	struct stop_fact fact;

	if (pod && stop_fact_of_event(told, &fact))
		add_fact(pod, &fact);
}

const char *stops_event(struct stops *stops, const struct event *event)
{
	switch (event->type) {
	case EVENT_POD:
		return note_pod(stops, &event->pod, event->boot_ns) ? "" : event->pod.pod_uid;
	case EVENT_POD_CONTAINER:
		note_hook(find(stops, event->pod_container.pod_uid), &event->pod_container);
		return event->pod_container.pod_uid;
	case EVENT_POD_GONE:
		note_gone(stops, event->pod_gone.pod_uid, event->boot_ns);
		return event->pod_gone.pod_uid;
	case EVENT_POD_TROUBLE:
		note_event(stops, &event->pod_trouble);
		return event->pod_trouble.pod_uid;
	case EVENT_NODE:
		note_node(stops, &event->node);
		return "";
	default:
		return NULL;
	}
}

static uint64_t first_signal_ns(const struct record_exit *exit)
{
	const struct stop *stop = &exit->stop;

	return stop->term_ns ? stop->term_ns : stop->kill_ns ? stop->kill_ns : exit->finished_ns;
}

/* Was it so in the life of this container, before it ended? */
static bool applies(const struct stop_fact *fact, const char *container,
		    const struct record_exit *exit)
{
	if (*fact->container && strcmp(fact->container, container) != 0)
		return false;
	if (!fact->lasting && fact->to_ns + STAMP_NS < exit->started_ns)
		return false;
	return fact->from_ns <= exit->finished_ns + fact->slack_ns;
}

/* What was seen is the cause where the stop followed at once. */
static bool is_cause(const struct stop_fact *fact, const struct record_exit *exit)
{
	uint64_t at_ns = first_signal_ns(exit);

	return !fact->seen || (fact->to_ns + PROBE_NS >= at_ns && fact->to_ns <= at_ns + STAMP_NS);
}

/* The same end, with more words than that the pod is deleted. */
static bool refines(enum stop_cause cause, enum stop_cause known)
{
	return known == STOP_DELETION &&
	       (cause == STOP_DRAIN || cause == STOP_TAINT || cause == STOP_PREEMPTION);
}

/* The first one: what was decided later found it being stopped. */
static const struct stop_fact *choose(const struct stop_pod *pod, const char *container,
				      const struct record_exit *exit)
{
	const struct stop_fact *chosen = NULL;

	for (uint32_t i = 0; i < pod->fact_count; i++) {
		const struct stop_fact *fact = &pod->facts[i];

		if (!applies(fact, container, exit) || !is_cause(fact, exit))
			continue;
		if (!chosen || refines(fact->cause, chosen->cause) ||
		    (fact->to_ns < chosen->to_ns && !refines(chosen->cause, fact->cause)))
			chosen = fact;
	}
	return chosen;
}

/* What the probe saw says more than that it failed. */
static const char *words_for(const struct stop_pod *pod, const struct stop_fact *cause)
{
	for (uint32_t i = 0; i < pod->fact_count; i++) {
		const struct stop_fact *fact = &pod->facts[i];

		if (fact->seen && fact->cause == cause->cause &&
		    strcmp(fact->container, cause->container) == 0)
			return fact->told;
	}
	return cause->told;
}

static uint32_t grace_s(const struct stop_pod *pod, enum stop_cause cause)
{
	switch (cause) {
	case STOP_DELETION:
	case STOP_DRAIN:
	case STOP_TAINT:
	case STOP_PREEMPTION:
		return pod->grace_s;
	case STOP_EVICTION: /* the kubelet's own limits decide */
	case STOP_SHUTDOWN:
		return 0;
	default:
		return pod->spec_grace_s;
	}
}

static bool has_hook(const struct stop_pod *pod, const char *container)
{
	for (uint32_t i = 0; i < pod->hook_count; i++)
		if (strcmp(pod->hooks[i], container) == 0)
			return true;
	return false;
}

void stops_fill(const struct stops *stops, const struct container *container,
		struct record_exit *exit)
{
	const struct stop_pod *pod = find(stops, container->subject.pod_uid);
	const char *name = container->subject.container;
	const struct stop_fact *cause =
		pod && exit_was_stopped(exit) ? choose(pod, name, exit) : NULL;
	uint64_t at_ns = first_signal_ns(exit);

	if (!cause)
		return;
	exit->stop.cause = cause->cause;
	TEXT_COPY(exit->stop.told, words_for(pod, cause));
	exit->stop.grace_s = grace_s(pod, cause->cause) ?: exit->stop.grace_s;
	/* between the decision and the first signal there is only the hook */
	if (has_hook(pod, name) && exit->stop.term_ns && at_ns > cause->to_ns + STAMP_NS)
		exit->stop.hook_ns = at_ns - cause->to_ns;
}
