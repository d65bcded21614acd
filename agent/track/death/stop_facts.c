// SPDX-License-Identifier: Apache-2.0
#include "track/death/stop_facts.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* A stamp is cut to whole seconds. */
#define STAMP_NS NS_PER_SECOND
/* The kubelet writes the status while it stops; it asks the API server 5 times a second. */
#define STATUS_NS (10 * NS_PER_SECOND)

struct word {
	const char *word;
	enum stop_cause cause;
};

static enum stop_cause find(const struct word *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].cause;
	return STOP_UNKNOWN;
}

#define FIND(words, word) find(words, sizeof(words) / sizeof(*(words)), word)

bool stop_fact_of_status(const struct event_pod *pod, uint64_t boot_ns, struct stop_fact *ret)
{
	static const struct word reasons[] = {
		{"Evicted", STOP_EVICTION},	     /* pkg/kubelet/eviction */
		{"Preempting", STOP_PREEMPTION},     /* pkg/kubelet/preemption */
		{"DeadlineExceeded", STOP_DEADLINE}, /* pkg/kubelet/active_deadline.go */
		{"Shutdown", STOP_SHUTDOWN},	     /* pkg/kubelet/nodeshutdown: 1.20 */
		{"NodeShutdown", STOP_SHUTDOWN},     /* 1.21 */
		{"Terminated", STOP_SHUTDOWN},	     /* since 1.22 */
	};
	struct stop_fact fact = {
		.cause = FIND(reasons, pod->reason),
		.from_ns = boot_ns,
		.to_ns = boot_ns,
		.slack_ns = STATUS_NS,
		.lasting = true,
	};

	if (!fact.cause)
		return false;
	TEXT_COPY(fact.told, *pod->message ? pod->message : pod->reason);
	*ret = fact;
	return true;
}

bool stop_fact_of_deletion(const struct event_pod *pod, uint64_t boot_ns, struct stop_fact *ret)
{
	/* core/v1 PodReason..., and what 1.25 called one of them */
	static const struct word disruptions[] = {
		{"EvictionByEvictionAPI", STOP_DRAIN},
		{"DeletionByTaintManager", STOP_TAINT},
		{"PreemptionByScheduler", STOP_PREEMPTION},
		{"PreemptionByKubeScheduler", STOP_PREEMPTION},
	};
	struct stop_fact fact = {.cause = FIND(disruptions, pod->disruption), .slack_ns = STAMP_NS};

	if (!pod->deleted_ns)
		return false;
	if (pod->is_static) /* the kubelet takes the mirror away, later than the containers */
		fact = (struct stop_fact){.cause = STOP_GONE, .slack_ns = STATUS_NS};
	else if (!fact.cause)
		fact.cause = STOP_DELETION;
	fact.from_ns = pod->deleted_ns - pod->grace_s * NS_PER_SECOND;
	/* it arrived within the stamp's second or a little later: that is nearer to the truth */
	if (boot_ns > fact.from_ns && boot_ns < fact.from_ns + 2 * STAMP_NS)
		fact.from_ns = boot_ns;
	fact.to_ns = fact.from_ns;
	fact.lasting = true;
	if (*pod->disruption)
		TEXT_COPY(fact.told, pod->disruption);
	else if (!pod->is_static && !pod->grace_s && pod->spec_grace_s)
		TEXT_COPY(fact.told, "deletionGracePeriodSeconds: 0");
	*ret = fact;
	return true;
}

/* pkg/kubelet/kuberuntime/kuberuntime_manager.go: what it gives as the reason of a Killing */
static enum stop_cause cause_of_killing(const char *message)
{
	static const struct word parts[] = {
		{"failed liveness probe", STOP_LIVENESS},
		{"failed startup probe", STOP_STARTUP},
		{"definition changed", STOP_CHANGED},
		{"spec hash changed", STOP_CHANGED}, /* before 1.11 */
		{"FailedPostStartHook", STOP_HOOK},
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (strstr(message, parts[i].word))
			return parts[i].cause;
	return STOP_UNKNOWN;
}

static enum stop_cause cause_of_probe(const char *message)
{
	if (strncmp(message, "Liveness", 8) == 0)
		return STOP_LIVENESS;
	return strncmp(message, "Startup", 7) == 0 ? STOP_STARTUP : STOP_UNKNOWN;
}

static enum stop_cause cause_of_event(const struct event_pod_trouble *trouble)
{
	static const struct word reasons[] = {
		{"FailedPostStartHook", STOP_HOOK},  {"Evicted", STOP_EVICTION},
		{"Preempting", STOP_PREEMPTION},     {"Preempted", STOP_PREEMPTION},
		{"DeadlineExceeded", STOP_DEADLINE}, {"NodeShutdown", STOP_SHUTDOWN},
		{"Shutdown", STOP_SHUTDOWN},	     {"SandboxChanged", STOP_CHANGED},
	};

	if (strcmp(trouble->reason, "Killing") == 0)
		return cause_of_killing(trouble->message);
	if (strcmp(trouble->reason, "Unhealthy") == 0)
		return cause_of_probe(trouble->message);
	if (strcmp(trouble->reason, "TaintManagerEviction") == 0)
		return strncmp(trouble->message, "Marking", 7) == 0 ? STOP_TAINT : STOP_UNKNOWN;
	return FIND(reasons, trouble->reason);
}

bool stop_fact_of_event(const struct event_pod_trouble *trouble, struct stop_fact *ret)
{
	struct stop_fact fact = {
		.cause = cause_of_event(trouble),
		.from_ns = trouble->first_ns,
		.to_ns = trouble->last_ns,
		.slack_ns = STAMP_NS,
		.seen = strcmp(trouble->reason, "Unhealthy") == 0 ||
			strcmp(trouble->reason, "FailedPostStartHook") == 0,
	};

	if (!trouble->of_stop || !fact.cause || !fact.from_ns)
		return false;
	TEXT_COPY(fact.container, trouble->container);
	TEXT_COPY(fact.told, trouble->message);
	*ret = fact;
	return true;
}
