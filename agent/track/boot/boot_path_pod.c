/* SPDX-License-Identifier: Apache-2.0 */
/* A pod's own part of the critical path: its last container's phases, its earlier attempts, its init containers. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "track/boot/boot_path.h"
#include "track/boot/boot_detail.h"

/* A wait for a peer that is shorter is not told. */
#define PEER_MIN_NS (50 * NS_PER_MS)

struct walk {
	struct boot_path *path;
	const struct boot_pod *pod;
	char name[POD_PATH_SIZE]; /* namespace/pod */
};

static struct boot_step *add(struct walk *walk, uint64_t from_ns, const char *container,
			     enum phase phase, bool reconstructed)
{
	struct boot_step *step =
		boot_path_step(walk->path, BOOT_STEP_POD, from_ns, container, reconstructed);

	if (step) {
		TEXT_COPY(step->pod, walk->name);
		step->phase = phase;
	}
	return step;
}

static uint64_t cursor(const struct walk *walk)
{
	return walk->path->steps.cursor_ns;
}

/* A program ran from from_ns to the cursor; while it tried to reach others in vain it waited for them. */
static struct boot_step *add_run(struct walk *walk, const struct boot_start *start,
				 uint64_t from_ns, enum phase phase)
{
	const struct boot_peers *peers = &walk->path->facts->peers;
	const char *id = start->subject.container_id, *name = start->subject.container;
	struct boot_step *last = NULL, *step;
	const struct boot_peer *peer;
	uint64_t before_ns = cursor(walk);

	while (before_ns > from_ns && (peer = boot_peers_last(peers, id, from_ns, before_ns))) {
		struct span span = boot_peer_span(peer);

		if (span.from_ns < from_ns)
			span.from_ns = from_ns;
		if (span.to_ns > cursor(walk))
			span.to_ns = cursor(walk);
		before_ns = span.from_ns;
		if (span.to_ns < span.from_ns + PEER_MIN_NS)
			continue;
		step = add(walk, span.to_ns, name, phase, false);
		last = last ? last : step;
		step = add(walk, span.from_ns, name, phase, false);
		if (!step)
			continue;
		step->kind = BOOT_STEP_PEER;
		boot_peer_text(peer, step->detail);
	}
	step = add(walk, from_ns, name, phase, false);
	return last ? last : step;
}

/* Where the entrypoint was executed. */
static uint64_t exec_ns(const struct boot_outline *start)
{
	for (uint32_t i = 0; i < start->phase_count && i < START_PHASES_MAX; i++)
		if (start->phases[i].phase == PHASE_RUNTIME)
			return start->phases[i].span.to_ns;
	return start->span.to_ns;
}

static uint64_t overlap(struct span a, struct span b)
{
	uint64_t from_ns = a.from_ns > b.from_ns ? a.from_ns : b.from_ns;
	uint64_t to_ns = a.to_ns < b.to_ns ? a.to_ns : b.to_ns;

	return to_ns > from_ns ? to_ns - from_ns : 0;
}

/* What Kubernetes says it waited for, for at least half of the span; NULL if nothing. */
static const struct boot_wait *told_wait(const struct walk *walk, const char *container,
					 struct span span)
{
	const struct boot_wait *found = NULL;
	uint64_t most = (span.to_ns - span.from_ns) / 2;

	for (uint32_t i = 0; i < walk->pod->wait_count; i++) {
		const struct boot_wait *wait = &walk->pod->waits[i];
		struct span told = {wait->span.from_ns,
				    wait->span.to_ns ? wait->span.to_ns : UINT64_MAX};

		if ((*wait->container && strcmp(wait->container, container) != 0) ||
		    overlap(told, span) <= most)
			continue;
		most = overlap(told, span);
		found = wait;
	}
	return found;
}

/* Images are pulled one after another unless the kubelet is told otherwise. */
static const struct record_pull *other_pull(const struct walk *walk, struct span span)
{
	const struct boot_facts *facts = walk->path->facts;
	const struct record_pull *found = NULL;
	uint64_t most = (span.to_ns - span.from_ns) / 2;

	for (uint32_t i = 0; i < facts->pull_count && i < BOOT_PULLS_MAX; i++) {
		const struct record_pull *pull = &facts->pulls[i];

		if (pull->failed || overlap(pull->span, span) <= most)
			continue;
		most = overlap(pull->span, span);
		found = pull;
	}
	return found;
}

/* Nothing was done for it from from_ns to the cursor. */
static struct boot_step *add_wait(struct walk *walk, const char *container, uint64_t from_ns,
				  bool reconstructed)
{
	struct span span = {from_ns, cursor(walk)};
	const struct boot_wait *wait =
		from_ns < span.to_ns ? told_wait(walk, container, span) : NULL;
	const struct record_pull *pull =
		!wait && from_ns < span.to_ns ? other_pull(walk, span) : NULL;
	struct boot_step *step =
		add(walk, from_ns, container, pull ? PHASE_PULL : PHASE_WAIT, reconstructed);
	char figures[CAUSE_SIZE];

	if (step && wait) {
		snprintf(step->detail, sizeof(step->detail), "%.40s: %.80s", wait->reason,
			 wait->message);
	} else if (step && pull) {
		boot_detail_pull(walk->path->facts, pull->bytes, pull->download, pull->span,
				 figures);
		snprintf(step->detail, sizeof(step->detail), "waited for the pull of %.60s: %.40s",
			 pull->image, figures);
	}
	return step;
}

static void add_sandbox(struct walk *walk, const struct boot_start *start, struct span span,
			bool reconstructed)
{
	const struct boot_outline *record = &start->start;
	const char *name = start->subject.container;
	struct boot_step *step;

	if (record->network.from_ns >= span.from_ns &&
	    record->network.to_ns > record->network.from_ns) {
		add(walk, record->network.to_ns, name, PHASE_SANDBOX, reconstructed);
		step = add(walk, record->network.from_ns, name, PHASE_SANDBOX, reconstructed);
		if (step)
			TEXT_COPY(step->detail, record->plugin);
	}
	add(walk, span.from_ns, name, PHASE_SANDBOX, reconstructed);
}

/* Of the pod's init containers the one that was done last, up to the cursor and after from_ns. */
static const struct boot_start *init_done_last(const struct walk *walk,
					       const struct boot_start *but, uint64_t from_ns)
{
	const struct boot_start *found = NULL;

	for (uint32_t i = 0; i < walk->pod->start_count; i++) {
		const struct boot_start *start = &walk->pod->starts[i];

		if (start == but || start->verdict != EXIT_COMPLETED ||
		    start->finished_ns <= from_ns || start->finished_ns > cursor(walk) ||
		    strcmp(start->subject.sandbox_id, but->subject.sandbox_id) != 0)
			continue;
		if (!found || start->finished_ns > found->finished_ns)
			found = start;
	}
	return found;
}

static void add_phases(struct walk *walk, const struct boot_start *start, uint64_t floor_ns);

static void add_init(struct walk *walk, const struct boot_start *start, struct span span,
		     bool reconstructed)
{
	const struct boot_start *init;
	uint64_t before_ns = 0;

	while ((init = init_done_last(walk, start, span.from_ns)) && before_ns != cursor(walk)) {
		uint64_t from_ns = exec_ns(&init->start);

		before_ns = cursor(walk);
		add_wait(walk, init->subject.container, init->finished_ns, false);
		add_run(walk, init, from_ns > span.from_ns ? from_ns : span.from_ns, PHASE_INIT);
		add_phases(walk, init, span.from_ns);
	}
	add(walk, span.from_ns, start->subject.container, PHASE_INIT, reconstructed);
}

static void add_phase(struct walk *walk, const struct boot_start *start,
		      const struct phase_span *phase, uint64_t from_ns)
{
	const struct boot_outline *record = &start->start;
	const char *name = start->subject.container;
	struct span span = {from_ns, phase->span.to_ns};
	struct boot_step *step;

	switch (phase->phase) {
	case PHASE_APP:
		step = add_run(walk, start, from_ns, PHASE_APP);
		if (step)
			boot_detail_app(walk->path->facts, record, step->detail);
		break;
	case PHASE_PROBE:
		step = add(walk, from_ns, name, PHASE_PROBE, phase->reconstructed);
		if (step)
			boot_detail_probe(walk->path->facts, record, step->detail);
		break;
	case PHASE_PULL:
		step = add(walk, from_ns, name, PHASE_PULL, phase->reconstructed);
		if (step)
			boot_detail_pull(walk->path->facts, record->pull_bytes, record->download,
					 phase->span, step->detail);
		break;
	case PHASE_SANDBOX:
		add_sandbox(walk, start, span, phase->reconstructed);
		break;
	case PHASE_INIT:
		add_init(walk, start, span, phase->reconstructed);
		break;
	case PHASE_WAIT:
		add_wait(walk, name, from_ns, phase->reconstructed);
		break;
	default:
		add(walk, from_ns, name, phase->phase, phase->reconstructed);
	}
}

/* Its phases before the cursor, back to floor_ns. */
static void add_phases(struct walk *walk, const struct boot_start *start, uint64_t floor_ns)
{
	const struct boot_outline *record = &start->start;

	for (uint32_t i = record->phase_count; i > 0; i--) {
		const struct phase_span *phase = &record->phases[i - 1];
		uint64_t from_ns = phase->span.from_ns > floor_ns ? phase->span.from_ns : floor_ns;

		if (from_ns < cursor(walk))
			add_phase(walk, start, phase, from_ns);
	}
}

/* The attempt of the same container that had ended last when this one began; NULL if there is none. */
static const struct boot_start *attempt_before(const struct walk *walk,
					       const struct boot_start *start)
{
	const struct boot_start *found = NULL;

	for (uint32_t i = 0; i < walk->pod->start_count; i++) {
		const struct boot_start *other = &walk->pod->starts[i];

		if (other == start || !other->finished_ns || other->finished_ns > cursor(walk) ||
		    strcmp(other->subject.container, start->subject.container) != 0)
			continue;
		if (!found || other->finished_ns > found->finished_ns)
			found = other;
	}
	return found;
}

/* It failed, and was waited for until the cursor. */
static void add_failed(struct walk *walk, const struct boot_start *start)
{
	char death[CAUSE_SIZE];
	struct boot_step *step;

	boot_detail_death(start, death);
	step = add_wait(walk, start->subject.container, start->finished_ns, false);
	if (step && (!*step->detail || strncmp(step->detail, "CrashLoop", 9) == 0))
		snprintf(step->detail, sizeof(step->detail), "back-off after %.100s", death);
	step = add_run(walk, start, exec_ns(&start->start), PHASE_APP);
	if (step)
		snprintf(step->detail, sizeof(step->detail), "ended: %.110s", death);
}

static void add_container(struct walk *walk, const struct boot_start *start)
{
	for (uint32_t i = 0; i < BOOT_STARTS_MAX; i++) {
		add_phases(walk, start, 0);
		start = attempt_before(walk, start);
		if (!start)
			return;
		add_failed(walk, start);
	}
}

/* The container that decided when the pod was Ready: of those that count the one that was up last. */
static const struct boot_start *last_up(const struct boot_pod *pod, uint64_t until_ns)
{
	const struct boot_start *last = NULL;
	uint64_t last_ns = 0;

	for (uint32_t i = 0; i < pod->start_count; i++) {
		const struct boot_start *start = &pod->starts[i];
		bool done = start->finished_ns && start->verdict == EXIT_COMPLETED;
		uint64_t up_ns = start->start.span.to_ns;

		if (!boot_start_is_current(pod, start) || start->start.init_container || done ||
		    start->start.span.from_ns >= until_ns)
			continue;
		if (up_ns > until_ns)
			up_ns = until_ns;
		/* of those that failed or go on, one that has not come so far */
		if (start->finished_ns || start->start.state == START_FAILED)
			up_ns = UINT64_MAX;
		if (!last || up_ns > last_ns ||
		    (up_ns == last_ns && start->start.span.from_ns > last->start.span.from_ns)) {
			last = start;
			last_ns = up_ns;
		}
	}
	return last;
}

/* From the end of what its start record tells to the moment it was Ready, or until now. */
static void add_tail(struct walk *walk, const struct boot_start *start)
{
	const struct boot_outline *record = &start->start;
	const struct boot_told *told = boot_pod_told(walk->pod, start->subject.container_id);
	uint64_t end_ns = record->span.to_ns;
	struct boot_step *step;

	if (end_ns >= cursor(walk))
		return;
	if (record->state == START_LISTENING && told && told->has_probe && !told->ready) {
		step = add(walk, end_ns, start->subject.container, PHASE_PROBE, false);
		if (step)
			boot_detail_probe(walk->path->facts, record, step->detail);
	} else if (record->state == START_LISTENING) {
		add_wait(walk, start->subject.container, end_ns, false);
	} else { /* it was not seen to listen: where the program's part ends is not known */
		add_run(walk, start, end_ns, PHASE_APP);
	}
}

/* Before the pod's first sign in this boot. */
static void add_takedown(struct walk *walk, const char *container)
{
	const struct boot_takedown *takedown = &walk->pod->takedown;
	struct boot_step *step;

	if (!takedown->span.from_ns || takedown->span.from_ns >= cursor(walk))
		return;
	if (takedown->span.to_ns && takedown->span.to_ns < cursor(walk))
		add(walk, takedown->span.to_ns, container, PHASE_WAIT, false);
	step = add(walk, takedown->span.from_ns, container, PHASE_WAIT, false);
	if (step)
		boot_takedown_text(takedown, step->detail);
}

void boot_path_pod(struct boot_path *path, const struct boot_pod *pod)
{
	struct walk walk = {.path = path, .pod = pod};
	const struct boot_start *start = last_up(pod, path->steps.cursor_ns);
	struct boot_missing why;

	snprintf(walk.name, sizeof(walk.name), "%.63s/%.95s", pod->pod_namespace, pod->name);
	if (start && (start->finished_ns || start->start.state == START_FAILED))
		add_failed(&walk, start);
	else if (start)
		add_tail(&walk, start);
	if (start) {
		add_container(&walk, start);
		add_takedown(&walk, start->subject.container);
	}

	uint64_t gate_ns = boot_path_gate_ns(path);

	if (start && told_wait(&walk, "", (struct span){gate_ns, cursor(&walk)})) {
		add_wait(&walk, "", gate_ns, false);
	} else if (!start && path->boot->state != BOOT_READY) {
		boot_missing_of(path->facts, pod, &why);
		struct boot_step *step = add(&walk, gate_ns, why.container, PHASE_WAIT, false);

		if (step)
			snprintf(step->detail, sizeof(step->detail), "%.40s%s%.80s", why.reason,
				 *why.detail ? ": " : "", why.detail);
	}
}
