/* SPDX-License-Identifier: Apache-2.0 */
#include "track/start.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "track/why/advice.h"
#include "track/why/compete.h"
#include "track/why/why_private.h"
#include "track/why/why_work.h"

/* A pull whose turn has come begins within this time, once its registry has answered. */
#define TURN_NS (2 * NS_PER_SECOND)

/* A chain of phases without gaps: time between two phases becomes PHASE_WAIT. */
struct chain {
	struct record_start *start;
	uint64_t end_ns;
	bool end_reconstructed;
};

static void chain_add(struct chain *chain, enum phase phase, uint64_t from_ns, uint64_t to_ns,
		      bool reconstructed)
{
	struct record_start *start = chain->start;

	/* Borders from two clocks (a containerd stamp, a kernel event) may cross by some µs. */
	if (chain->end_ns && from_ns < chain->end_ns)
		from_ns = chain->end_ns;
	if (to_ns <= from_ns)
		return;
	if (chain->end_ns && from_ns > chain->end_ns && start->phase_count < START_PHASES_MAX)
		start->phases[start->phase_count++] = (struct phase_span){
			.phase = PHASE_WAIT,
			.span = {chain->end_ns, from_ns},
			.reconstructed = reconstructed || chain->end_reconstructed,
		};
	if (start->phase_count == START_PHASES_MAX)
		return;
	if (!chain->end_ns)
		start->span.from_ns = from_ns;
	start->phases[start->phase_count++] = (struct phase_span){
		.phase = phase,
		.span = {from_ns, to_ns},
		.reconstructed = reconstructed,
	};
	chain->end_ns = start->span.to_ns = to_ns;
	chain->end_reconstructed = reconstructed;
}

static uint64_t started_ns(const struct container *container)
{
	return container->exec_ns	  ? container->exec_ns
	       : container->task_start_ns ? container->task_start_ns
					  : container->cri_started_ns;
}

static uint64_t ended_ns(const struct container *container)
{
	return container->task_exited_ns	      ? container->task_exited_ns
	       : container->exit_ns		      ? container->exit_ns
	       : container->state == CONTAINER_EXITED ? container->cri_finished_ns
						      : 0;
}

/* When it was certain that the entrypoint would not be executed. */
static uint64_t failed_ns(const struct container *container)
{
	return container->runtime_failed_ns ? container->runtime_failed_ns : ended_ns(container);
}

static uint64_t own_begin_ns(const struct container *container)
{
	uint64_t first = container_first_sign_ns(container);

	return first ? first : container->cri_created_ns;
}

/*
 * Of what began before anybody watched, the borders that were not seen are as the log has them. A call is only told where
 * it began before: an end that was seen is better than when it returned. True: a border is the log's.
 */
static bool complete(struct span *seen, struct span logged)
{
	bool begin = logged.to_ns && (!seen->from_ns || logged.from_ns < seen->from_ns);
	bool end = logged.to_ns && !seen->to_ns;

	if (begin)
		seen->from_ns = logged.from_ns;
	if (end)
		seen->to_ns = logged.to_ns;
	return begin || end;
}

static const struct call *logged_calls(const struct start_facts *facts,
				       const struct container *container)
{
	static const struct call none;
	const struct call *found = calls_find(facts->calls, container->id);

	return found ? found : &none;
}

static bool same_name(const struct container *a, const struct container *b)
{
	return strcmp(a->subject.container, b->subject.container) == 0;
}

static bool succeeded(const struct container *container)
{
	/* ended at the runtime's wish is no success */
	return ended_ns(container) && !container->exit.last[0].signal && !container->exit.code &&
	       !container->exit.signal && !container->task_exit_status && !container->cri_exit_code;
}

static bool same_pod(const struct container *a, const struct container *b)
{
	return *a->subject.sandbox_id && strcmp(a->subject.sandbox_id, b->subject.sandbox_id) == 0;
}

bool start_precedes(const struct container *container, const struct container *later)
{
	return succeeded(container) && own_begin_ns(later) >= ended_ns(container) &&
	       same_pod(container, later) && !same_name(container, later);
}

/* What the other containers of its pod tell about a container. */
struct siblings {
	bool restart;	       /* an earlier one has its name */
	uint64_t init_done_ns; /* last end of those that succeeded before its own work began */
	bool is_init;	       /* it succeeded before another one's work began */
};

/*
 * CRI does not say which containers are init containers. The kubelet makes the next container only
 * after an init container has succeeded, so one that did so before the next was begun is taken for one.
 */
static struct siblings look_at_siblings(const struct containers *all,
					const struct container *container)
{
	uint64_t begin = own_begin_ns(container);
	struct siblings seen = {0};

	for (const struct container *other = all->by_id; other; other = other->by_id.next) {
		uint64_t other_begin = own_begin_ns(other), other_ended = ended_ns(other);

		if (other == container || other->sandbox || !other_begin ||
		    !same_pod(container, other))
			continue;
		if (same_name(other, container))
			seen.restart |= other_begin < begin;
		else if (succeeded(other) && other_ended <= begin &&
			 other_ended > seen.init_done_ns)
			seen.init_done_ns = other_ended;
		else if (start_precedes(container, other))
			seen.is_init = true;
	}
	return seen;
}

static int by_begin(const void *a, const void *b)
{
	const struct plugin_span *first = a, *second = b;

	return (first->span.from_ns > second->span.from_ns) -
	       (first->span.from_ns < second->span.from_ns);
}

static void add_network(const struct container *sandbox, struct record_start *start)
{
	start->plugin_count = sandbox->plugin_count;
	for (uint32_t i = 0; i < sandbox->plugin_count; i++)
		start->plugins[i] = sandbox->plugins[i];
	qsort(start->plugins, start->plugin_count, sizeof(*start->plugins), by_begin);
	for (uint32_t i = 0; i < start->plugin_count; i++) {
		struct span *span = &start->plugins[i].span;

		if (!start->network.from_ns || span->from_ns < start->network.from_ns)
			start->network.from_ns = span->from_ns;
		if (span->to_ns > start->network.to_ns)
			start->network.to_ns = span->to_ns;
	}
}

/* created and bound, by the API server's stamps, to the first sign of the sandbox. */
static void add_kubernetes_phases(struct chain *chain, const struct pod *pod, uint64_t sandbox_ns)
{
	if (!pod || !pod->created_ns || pod->created_ns >= sandbox_ns)
		return;
	uint64_t bound = pod->scheduled_ns < sandbox_ns ? pod->scheduled_ns : sandbox_ns;

	/* bound within the second of its creation, of which the stamp is the beginning */
	if (bound)
		chain_add(chain, PHASE_SCHEDULE, pod->created_ns, bound, true);
	chain_add(chain, PHASE_ADMIT, bound ? bound : pod->created_ns, sandbox_ns, !pod->arrived);
}

/* What was before the container's own work: the pod's admission, its sandbox, its init containers. */
static void add_pod_phases(struct chain *chain, const struct start_facts *facts,
			   const struct container *container, const struct siblings *siblings)
{
	const struct container *sandbox = containers_sandbox(facts->containers, container);
	const struct pod *pod = pods_find(facts->pods, container->subject.pod_uid);

	if (!sandbox)
		return;
	struct span span = {container_first_sign_ns(sandbox), started_ns(sandbox)};
	bool logged = complete(&span, logged_calls(facts, sandbox)->made);

	if (siblings->restart || (!span.from_ns && container->subject.attempt > 0))
		return;
	if (span.from_ns && span.to_ns) {
		if (!sandbox->subject.attempt)
			add_kubernetes_phases(chain, pod, span.from_ns);
		chain_add(chain, PHASE_SANDBOX, span.from_ns, span.to_ns,
			  logged || !sandbox->exec_ns);
		add_network(sandbox, chain->start);
	} else if (sandbox->cri_created_ns) {
		/* CRI stamps a sandbox's created_at when it is ready: what was before is not known. */
		chain->end_ns = chain->start->span.from_ns = sandbox->cri_created_ns;
		chain->end_reconstructed = true;
	}
	if (siblings->init_done_ns && chain->end_ns)
		chain_add(chain, PHASE_INIT, chain->end_ns, siblings->init_done_ns,
			  !container->live);
}

/*
 * Others had their turn first: the last of them ended just before this one began. The kubelet pulls one image after
 * the other, unless it is told otherwise.
 */
static void add_queue(const struct start_facts *facts, uint64_t awaited_ns,
		      const struct record_pull *pull, struct pull_anatomy *anatomy)
{
	const struct record_pull *before =
		pulls_before(facts->pulls, awaited_ns, pull->span.from_ns);

	if (!before || before->span.to_ns + TURN_NS < pull->span.from_ns)
		return;
	anatomy->queue = (struct span){awaited_ns, before->span.to_ns};
	TEXT_COPY(anatomy->queued_behind, before->image);
}

static void add_pull(struct chain *chain, const struct start_facts *facts,
		     const struct container *container)
{
	struct span create = {container_first_sign_ns(container), 0};

	/* CRI's stamp is of when it was made, and by the wall clock */
	complete(&create, logged_calls(facts, container)->made);
	uint64_t begin = create.from_ns ? create.from_ns : own_begin_ns(container);
	uint64_t awaited_ns = chain->end_ns;
	const struct record_pull *pull =
		begin && chain->end_ns ? pulls_find(facts->pulls, container->subject.image,
						    container->image_id, chain->end_ns, begin)
				       : NULL;
	if (!pull)
		return;
	chain_add(chain, PHASE_PULL, pull->span.from_ns, pull->span.to_ns, pull->reconstructed);
	chain->start->download = pull->download;
	chain->start->unpack = pull->unpack;
	chain->start->pull_bytes = pull->bytes;
	chain->start->pull = pull->anatomy;
	add_queue(facts, awaited_ns, pull, &chain->start->pull);
}

static void add_runtime(struct chain *chain, const struct container *c, struct span logged)
{
	uint64_t started = started_ns(c);
	uint64_t created = c->created_ns ? c->created_ns : c->cri_created_ns;
	struct span span = {c->runtime_ns, started ? started : failed_ns(c)};
	bool found = !c->runtime_ns || (started && !c->exec_ns);

	/* CRI's stamps are by the wall clock, which may have been set since */
	if (!c->exec_ns && !c->task_start_ns && !c->runtime_failed_ns && span.to_ns &&
	    logged.to_ns && (span.to_ns < logged.from_ns || span.to_ns > logged.to_ns))
		span.to_ns = logged.to_ns;
	found |= complete(&span, logged);
	/* without the runtime's processes it is only known to be between these two */
	if (!span.from_ns)
		span.from_ns = created ? created : c->snapshot_ns;
	if (span.from_ns && span.to_ns)
		chain_add(chain, PHASE_RUNTIME, span.from_ns, span.to_ns, found);
}

/* create, runtime, app and probe, as the sources saw them. */
static void add_own_phases(struct chain *chain, const struct container *c, const struct call *call,
			   const struct pod_container *told)
{
	struct span create = {c->snapshot_ns, c->created_ns};
	bool logged = complete(&create, call->made);
	uint64_t started = started_ns(c);

	if (create.from_ns && create.to_ns)
		chain_add(chain, PHASE_CREATE, create.from_ns, create.to_ns, logged);
	add_runtime(chain, c, call->started);
	bool probed = told && told->has_probe && told->ready_ns > started;

	if (c->exec_ns && c->listen_ns)
		chain_add(chain, PHASE_APP, c->exec_ns, c->listen_ns, false);
	else if (c->exec_ns && probed) /* it does not listen, or not on TCP */
		chain_add(chain, PHASE_APP, c->exec_ns, told->ready_ns, !told->ready_arrived);
	if (c->exec_ns && c->listen_ns && probed)
		chain_add(chain, PHASE_PROBE, c->listen_ns, told->ready_ns, !told->ready_arrived);
}

static enum start_state state_of(const struct container *container)
{
	if (container->listen_ns && container->exec_ns)
		return START_LISTENING;
	if (!started_ns(container))
		return START_FAILED;
	return container_ended(container) ? START_EXITED : START_RUNNING;
}

bool start_build(const struct start_facts *facts, const struct container *container,
		 struct record_start *ret)
{
	const struct pod *pod = pods_find(facts->pods, container->subject.pod_uid);
	const struct pod_container *told = pod_find_container(pod, container->id);
	struct record_start start = {0};
	struct chain chain = {.start = &start};

	if (container->sandbox || (!started_ns(container) && !failed_ns(container)))
		return false;
	struct siblings siblings = look_at_siblings(facts->containers, container);

	add_pod_phases(&chain, facts, container, &siblings);
	add_pull(&chain, facts, container);
	add_own_phases(&chain, container, logged_calls(facts, container), told);
	if (!start.phase_count)
		return false;

	start.state = state_of(container);
	start.init_container = told ? told->init : siblings.is_init;
	start.ready_ns = told ? told->ready_ns : 0;
	start.probe_period_s = told ? told->probe_period_s : 0;
	start.pid = container->init.pid;
	start.listen_ns = container->listen_ns;
	start.listen_port = container->listen_port;
	TEXT_COPY(start.listen_address, container->listen_address);
	TEXT_COPY(start.file, container->file);
	whys_fill(facts->whys, facts->pods, container, &start);
	why_work_fill(containers_sandbox(facts->containers, container), container, pod, &start);
	start.why.competing = compete_count(facts->containers, container, &start);
	why_probe_fill(told, &start);
	advice_give(&start);
	*ret = start;
	return true;
}

/* The container that the pod became Ready with; NULL if one of them is a restart. */
static const struct container *ready_last(const struct start_facts *facts, const struct pod *pod)
{
	const struct container *found = NULL;
	uint64_t ready_ns = 0, begun_ns = 0;

	for (uint32_t i = 0; i < pod->container_count; i++) {
		const struct pod_container *told = &pod->containers[i];
		const struct container *c = containers_find(facts->containers, told->container_id);

		if (told->restarts)
			return NULL;
		if (told->init || !c)
			continue;
		/* one answer of the API server tells of several at once */
		if (told->ready_ns > ready_ns ||
		    (told->ready_ns == ready_ns && started_ns(c) > begun_ns)) {
			ready_ns = told->ready_ns;
			begun_ns = started_ns(c);
			found = c;
		}
	}
	return found;
}

bool start_build_pod(const struct start_facts *facts, const struct pod *pod,
		     struct record_start *ret)
{
	const struct container *last = ready_last(facts, pod);
	const struct container *sandbox = last ? containers_sandbox(facts->containers, last) : NULL;
	struct record_start start;

	if (!sandbox || sandbox->subject.attempt || !pod->created_ns ||
	    !start_build(facts, last, &start) || start.span.from_ns != pod->created_ns)
		return false;
	struct chain chain = {.start = &start, .end_ns = start.span.to_ns};

	/* told Ready after the last of them was: the kubelet's and the API server's time */
	chain_add(&chain, PHASE_WAIT, start.span.to_ns, pod->ready_ns, false);
	start.state = START_READY;
	start.ready_ns = pod->ready_ns;
	start.init_container = false;
	*ret = start;
	return true;
}
