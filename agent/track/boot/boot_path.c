/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The critical path: from the last pod that became Ready back to the kernel's start, each step what had to be over
 * before the next could go on. boot_path_pod.c walks a pod's own part; from its first sign on it is the node's:
 * milestones, the container runtime, then systemd's units as `systemd-analyze critical-chain` goes.
 */
#include "track/boot/boot_path.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char *const names[MILESTONE_COUNT] = {
	[MILESTONE_RUNTIME_STARTED] = "container runtime started",
	[MILESTONE_RUNTIME_READY] = "container runtime answers",
	[MILESTONE_NETWORK_READY] = "pod network ready",
	[MILESTONE_KUBELET_STARTED] = "kubelet started",
	[MILESTONE_API_READY] = "API server ready",
	[MILESTONE_NODE_READY] = "node ready",
};

#define BIT(milestone) (1u << (milestone))
#define GATES                                                            \
	(BIT(MILESTONE_RUNTIME_STARTED) | BIT(MILESTONE_RUNTIME_READY) | \
	 BIT(MILESTONE_NETWORK_READY) | BIT(MILESTONE_KUBELET_STARTED) | \
	 BIT(MILESTONE_API_READY) | BIT(MILESTONE_NODE_READY))

/* What each milestone waits for; the processes' starts wait for their units. */
static const unsigned int needs[MILESTONE_COUNT] = {
	[MILESTONE_RUNTIME_READY] = BIT(MILESTONE_RUNTIME_STARTED),
	[MILESTONE_NETWORK_READY] = BIT(MILESTONE_RUNTIME_READY) | BIT(MILESTONE_KUBELET_STARTED) |
				    BIT(MILESTONE_API_READY),
	[MILESTONE_API_READY] = BIT(MILESTONE_RUNTIME_READY) | BIT(MILESTONE_KUBELET_STARTED),
	[MILESTONE_NODE_READY] = GATES & ~BIT(MILESTONE_NODE_READY),
};

/* The latest of a set that is not later than until_ns; MILESTONE_NONE if there is none. */
static enum milestone latest(const struct boot_facts *facts, unsigned int set, uint64_t until_ns)
{
	enum milestone found = MILESTONE_NONE;
	uint64_t found_ns = 0;

	for (unsigned int i = MILESTONE_NONE; i < MILESTONE_COUNT; i++) {
		uint64_t ns = facts->milestones[i].ns;

		/* of two at once the one that needs more */
		if ((set & BIT(i)) && ns && ns <= until_ns && ns >= found_ns) {
			found = i;
			found_ns = ns;
		}
	}
	return found;
}

uint64_t boot_path_gate_ns(const struct boot_path *path)
{
	enum milestone gate = latest(path->facts, GATES, path->steps.cursor_ns);

	return gate ? path->facts->milestones[gate].ns : 0;
}

struct boot_step *boot_path_step(struct boot_path *path, enum boot_step_kind kind, uint64_t from_ns,
				 const char *name, bool reconstructed)
{
	struct boot_step *step = boot_steps_add(&path->steps, kind, from_ns, name);

	if (step)
		step->reconstructed = reconstructed;
	return step;
}

/* systemd's own time, the initrd's and the kernel's. */
static void walk_kernel(struct boot_path *path)
{
	const struct event_boot *systemd = &path->facts->systemd;
	bool found = path->facts->systemd_reconstructed;

	if (systemd->userspace_ns) {
		bool known = path->facts->units.by_name;

		boot_path_step(path, known ? BOOT_STEP_MILESTONE : BOOT_STEP_IDLE,
			       systemd->userspace_ns, known ? "systemd" : "", found);
		if (systemd->initrd_ns && systemd->initrd_ns < systemd->userspace_ns)
			boot_path_step(path, BOOT_STEP_MILESTONE, systemd->initrd_ns, "initrd",
				       found);
		boot_path_step(path, BOOT_STEP_MILESTONE, 1, "kernel", found);
	}
	boot_path_step(path, BOOT_STEP_IDLE, 1, "", false);
}

/* waiter was ordered after `via`, which was done when the step's unit was; or after that unit itself. */
static void explain(struct boot_step *step, const struct boot_unit *unit, const char *waiter,
		    const char *via)
{
	int used = 0;

	if (*unit->result)
		used = snprintf(step->detail, sizeof(step->detail), "failed: %.20s; ",
				unit->result);
	snprintf(step->detail + used, sizeof(step->detail) - (size_t)used, "%.42s waited for %.42s",
		 waiter, *via ? via : "it");
}

static void walk_units(struct boot_path *path, const struct boot_unit *unit)
{
	const struct boot_units *units = &path->facts->units;
	uint64_t userspace_ns = path->facts->systemd.userspace_ns;
	const char *waiter = unit->name, *via = "";
	const struct boot_unit *before;
	struct boot_step *step = boot_path_step(path, BOOT_STEP_UNIT, unit->begin_ns, unit->name,
						unit->reconstructed);

	if (step && *unit->result)
		snprintf(step->detail, sizeof(step->detail), "failed: %s", unit->result);
	/* each is done before the next begins: only those that take no time could go round in a circle */
	for (uint32_t i = 0; i < BOOT_UNITS_MAX && (before = boot_units_before(units, unit)); i++) {
		uint64_t done_ns = boot_unit_done_ns(before);
		uint64_t begin_ns =
			before->begin_ns > userspace_ns ? before->begin_ns : userspace_ns;

		if (done_ns <= userspace_ns) /* the initrd's */
			break;
		boot_path_step(path, BOOT_STEP_IDLE, done_ns, "", false);
		step = boot_path_step(path, BOOT_STEP_UNIT, begin_ns, before->name,
				      before->reconstructed);
		if (step) {
			explain(step, before, waiter, via);
			waiter = before->name;
			via = "";
		} else if (!*via) {
			via = before->name;
		}
		unit = before;
	}
	walk_kernel(path);
}

static const struct boot_unit *begun_by(const struct boot_path *path, const struct boot_unit *unit)
{
	return unit && unit->begin_ns && unit->begin_ns <= path->steps.cursor_ns ? unit : NULL;
}

/* The unit whose process reached this milestone, else the one that the pods waited for. */
static const struct boot_unit *unit_of(const struct boot_path *path, enum milestone what)
{
	const struct boot_facts *facts = path->facts;
	const struct boot_unit *own = begun_by(
		path, what ? boot_units_find(&facts->units, facts->milestones[what].unit) : NULL);

	return own ? own : begun_by(path, boot_facts_runtime(facts));
}

/* The node's own part, from where the first thing that waited for it began. */
void boot_path_node(struct boot_path *path)
{
	const struct boot_facts *facts = path->facts;
	enum milestone gate = latest(facts, GATES, path->steps.cursor_ns);
	const struct boot_unit *unit;

	if (gate)
		boot_path_step(path, BOOT_STEP_IDLE, facts->milestones[gate].ns, "", false);
	while (gate && needs[gate]) {
		enum milestone before = latest(facts, needs[gate], facts->milestones[gate].ns);

		unit = before ? NULL : unit_of(path, gate);
		if (!before && !unit)
			break;
		boot_path_step(path, BOOT_STEP_MILESTONE,
			       before ? facts->milestones[before].ns : unit->begin_ns, names[gate],
			       facts->milestones[gate].reconstructed);
		gate = before;
	}
	unit = unit_of(path, gate);
	if (!unit) /* the runtime has not begun: what goes on now? */
		unit = begun_by(path, boot_units_activating(&facts->units));
	if (unit)
		walk_units(path, unit);
	else
		walk_kernel(path);
}

void boot_path_build(const struct boot_facts *facts, const struct boot_pod *pod,
		     struct record_boot *boot)
{
	struct boot_path path = {.facts = facts, .boot = boot};

	boot->step_count = 0;
	if (boot_steps_begin(&path.steps, boot->span.to_ns) < 0)
		return;
	if (pod)
		boot_path_pod(&path, pod);
	boot_path_node(&path);
	boot_steps_end(&path.steps, boot);
}
