/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What probes cost: from the moment the program was able to answer to the moment Kubernetes called it ready.
 *
 * The kubelet's rule (pkg/kubelet/prober/worker.go and prober_manager.go of Kubernetes 1.23 and newer): a worker per
 * probe looks at a ticker of periodSeconds, whose first tick has no fixed place in the container's life, and at once
 * when the pod's status is made anew while it isn't ready (which is soon after the container began, and after the
 * startup probe passed). It does not ask before initialDelaySeconds have passed since the container's start, counted in
 * whole seconds; readiness is not asked before the startup probe has passed. It is ready after successThreshold
 * answers in a row; failureThreshold ends a container, it delays nothing.
 *
 * So a program that can answer waits for the rest of the initial delay, then for at most one period of each probe and
 * for one more per further success that is asked for. Longer than that means that it was asked and could not answer,
 * for a reason that nobody saw: then nothing is told. Listening is not being able to answer: what its threads
 * did after the listen (read a model, wait for a database) is the program's, as if it had been done one after the other;
 * but whether it was idle for longer than that, as if they had done it all side by side. Where it was not measured
 * nothing is told either.
 */
#include "base/clock.h"
#include "model/cause.h"
#include "track/why/why_private.h"

/* The probe itself, and the way from the kubelet over the API server to us. */
#define WAY_NS (3 * NS_PER_SECOND)

static const struct phase_span *find_phase(const struct record_start *start, enum phase phase)
{
	for (uint32_t i = 0; i < start->phase_count; i++)
		if (start->phases[i].phase == phase)
			return &start->phases[i];
	return NULL;
}

static const struct phase_stalls *find_stalls(const struct start_why *why)
{
	for (uint32_t i = 0; i < why->stall_count; i++)
		if (why->stalls[i].phase == PHASE_PROBE && why->stalls[i].grade == STALLS_MEASURED)
			return &why->stalls[i];
	return NULL;
}

static uint64_t work(const struct stall_times *times)
{
	return times->ns[STALL_CPU] + times->ns[STALL_RUN_QUEUE] + times->ns[STALL_THROTTLED] +
	       times->ns[STALL_DISK];
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* `sharers`: of the threads' work, so many did it at the same time. */
static uint64_t busy_ns(const struct start_why *why, const struct phase_stalls *stalls,
			struct span probe, uint32_t sharers)
{
	uint64_t peers_ns = 0;

	for (uint32_t i = 0; i < why->peer_count; i++)
		peers_ns += cause_peer_ns(
			&why->peers[i], &(struct phase_span){.phase = PHASE_PROBE, .span = probe});
	/* a server that waits for its first question waits for the network */
	return larger(work(&stalls->wall), work(&stalls->threads) / sharers) + peers_ns;
}

static uint64_t seconds(uint32_t s)
{
	return s * NS_PER_SECOND;
}

static void blame(struct start_why *why, enum probe_setting setting, bool startup, uint32_t value,
		  uint64_t ns)
{
	if (ns <= why->probe_setting_ns)
		return;
	why->probe_setting = setting;
	why->probe_is_startup = startup;
	why->probe_setting_value = value;
	why->probe_setting_ns = ns;
}

void why_probe_fill(const struct pod_container *told, struct record_start *start)
{
	const struct phase_span *app = find_phase(start, PHASE_APP);
	const struct phase_span *probe = find_phase(start, PHASE_PROBE);
	struct start_why *why = &start->why;
	const struct phase_stalls *stalls = find_stalls(why);

	if (!told || !told->has_probe)
		return;
	const struct probe_settings *ready = &told->readiness, *startup = &told->startup;
	bool startup_later = startup->period_s && startup->initial_s > ready->initial_s;
	uint32_t initial_s = startup_later ? startup->initial_s : ready->initial_s;
	uint32_t more = ready->successes > 1 ? ready->successes - 1 : 0;

	why->probe_initial_s = initial_s;
	if (!app || !probe || !stalls)
		return;
	uint64_t whole_ns = span_length(probe->span), most = busy_ns(why, stalls, probe->span, 1);
	uint64_t least =
		busy_ns(why, stalls, probe->span, stalls->thread_count ? stalls->thread_count : 1);
	uint64_t delay_ns = whole_ns > most ? whole_ns - most : 0;
	uint64_t idle_ns = whole_ns > least ? whole_ns - least : 0;
	uint64_t able_ns = probe->span.to_ns - delay_ns;
	uint64_t first_ns = app->span.from_ns + seconds(initial_s);
	uint64_t initial_ns = first_ns > able_ns ? first_ns - able_ns : 0;
	uint64_t more_ns = more * seconds(ready->period_s);

	if (initial_ns > delay_ns)
		initial_ns = delay_ns;
	if (idle_ns >
	    initial_ns + seconds(startup->period_s) + seconds(ready->period_s) + more_ns + WAY_NS)
		return;
	if (more_ns > delay_ns - initial_ns)
		more_ns = delay_ns - initial_ns;
	bool by_startup = startup->period_s > ready->period_s;

	why->probe_delay_ns = delay_ns;
	blame(why, PROBE_INITIAL_DELAY, startup_later || !ready->period_s, initial_s, initial_ns);
	blame(why, PROBE_SUCCESS_THRESHOLD, false, ready->successes, more_ns);
	blame(why, PROBE_PERIOD, by_startup, by_startup ? startup->period_s : ready->period_s,
	      delay_ns - initial_ns - more_ns);
}
