/* SPDX-License-Identifier: Apache-2.0 */
#include "track/start.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

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
	uint64_t begin = own_begin_ns(container), ended = ended_ns(container);
	struct siblings seen = {0};

	if (!*container->subject.sandbox_id)
		return seen;
	for (const struct container *other = all->by_id; other; other = other->by_id.next) {
		uint64_t other_begin = own_begin_ns(other), other_ended = ended_ns(other);

		if (other == container || other->sandbox || !other_begin ||
		    strcmp(other->subject.sandbox_id, container->subject.sandbox_id) != 0)
			continue;
		if (same_name(other, container))
			seen.restart |= other_begin < begin;
		else if (succeeded(other) && other_ended <= begin &&
			 other_ended > seen.init_done_ns)
			seen.init_done_ns = other_ended;
		else if (succeeded(container) && other_begin >= ended)
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
	memcpy(start->plugins, sandbox->plugins, sizeof(start->plugins));
	qsort(start->plugins, start->plugin_count, sizeof(*start->plugins), by_begin);
	for (uint32_t i = 0; i < start->plugin_count; i++) {
		struct span *span = &start->plugins[i].span;

		if (!start->network.from_ns || span->from_ns < start->network.from_ns)
			start->network.from_ns = span->from_ns;
		if (span->to_ns > start->network.to_ns)
			start->network.to_ns = span->to_ns;
	}
}

/* sandbox, and what earlier containers of the pod took (init containers, by inference). */
static void add_pod_phases(struct chain *chain, const struct containers *all,
			   const struct container *container, const struct siblings *siblings)
{
	const struct container *sandbox = containers_sandbox(all, container);

	if (!sandbox)
		return;
	uint64_t from = container_first_sign_ns(sandbox), ready = started_ns(sandbox);

	if (siblings->restart || (!from && container->subject.attempt > 0))
		return;
	if (from && ready) {
		chain_add(chain, PHASE_SANDBOX, from, ready, !sandbox->exec_ns);
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

static void add_pull(struct chain *chain, const struct container *container,
		     const struct pulls *pulls)
{
	uint64_t begin = own_begin_ns(container);
	const struct record_pull *pull =
		begin && chain->end_ns ? pulls_find(pulls, container->subject.image,
						    container->image_id, chain->end_ns, begin)
				       : NULL;
	if (!pull)
		return;
	chain_add(chain, PHASE_PULL, pull->span.from_ns, pull->span.to_ns, pull->reconstructed);
	chain->start->download = pull->download;
	chain->start->unpack = pull->unpack;
	chain->start->pull_bytes = pull->bytes;
}

/* create, runtime and app, as the sources saw them. */
static void add_own_phases(struct chain *chain, const struct container *c)
{
	uint64_t started = started_ns(c);
	uint64_t created = c->created_ns ? c->created_ns : c->cri_created_ns;

	if (c->snapshot_ns && c->created_ns)
		chain_add(chain, PHASE_CREATE, c->snapshot_ns, c->created_ns, false);
	uint64_t end = started ? started : failed_ns(c);
	/* without the runtime's processes it is only known to be between these two */
	uint64_t begin = c->runtime_ns ? c->runtime_ns : created ? created : c->snapshot_ns;

	if (begin && end)
		chain_add(chain, PHASE_RUNTIME, begin, end,
			  !c->runtime_ns || (started && !c->exec_ns));
	if (c->exec_ns && c->listen_ns)
		chain_add(chain, PHASE_APP, c->exec_ns, c->listen_ns, false);
}

static enum start_state state_of(const struct container *container)
{
	if (container->listen_ns && container->exec_ns)
		return START_LISTENING;
	if (!started_ns(container))
		return START_FAILED;
	return container_ended(container) ? START_EXITED : START_RUNNING;
}

bool start_build(const struct containers *all, const struct container *container,
		 const struct pulls *pulls, struct record_start *ret)
{
	struct record_start start = {0};
	struct chain chain = {.start = &start};

	if (container->sandbox || (!started_ns(container) && !failed_ns(container)))
		return false;
	struct siblings siblings = look_at_siblings(all, container);

	add_pod_phases(&chain, all, container, &siblings);
	add_pull(&chain, container, pulls);
	add_own_phases(&chain, container);
	if (!start.phase_count)
		return false;

	start.state = state_of(container);
	start.init_container = siblings.is_init;
	start.pid = container->init.pid;
	start.listen_ns = container->listen_ns;
	start.listen_port = container->listen_port;
	TEXT_COPY(start.listen_address, container->listen_address);
	TEXT_COPY(start.file, container->file);
	*ret = start;
	return true;
}
