/* SPDX-License-Identifier: Apache-2.0 */
/* The phases of a boot: in order, gapless, each up to where the next one began. */
#include "base/clock.h"
#include "base/text.h"
#include "track/boot/boot_facts.h"

const struct boot_unit *boot_facts_runtime(const struct boot_facts *facts)
{
	return boot_units_runtime(&facts->units, facts->milestones[MILESTONE_RUNTIME_STARTED].unit,
				  facts->milestones[MILESTONE_KUBELET_STARTED].unit);
}

struct chain {
	struct record_boot *boot;
	uint64_t at_ns;
	bool at_reconstructed;
};

/* Where one phase ends and the next begins; ns 0: not known, or not so far. */
struct border {
	uint64_t ns;
	bool reconstructed;
};

static void put(struct chain *chain, enum boot_phase phase, struct border end, const char *unit)
{
	struct record_boot *boot = chain->boot;

	if (end.ns > boot->span.to_ns)
		end.ns = boot->span.to_ns;
	if (end.ns <= chain->at_ns || boot->phase_count == BOOT_PHASES_MAX)
		return;
	struct boot_phase_span *span = &boot->phases[boot->phase_count++];

	*span = (struct boot_phase_span){
		.phase = phase,
		.span = {chain->at_ns, end.ns},
		.reconstructed = chain->at_reconstructed || end.reconstructed,
	};
	TEXT_COPY(span->unit, unit);
	chain->at_ns = end.ns;
	chain->at_reconstructed = end.reconstructed;
}

/* What came after the end can't have been waited for. */
static struct border milestone(const struct boot_facts *facts, enum milestone what,
			       const struct record_boot *boot)
{
	const struct boot_moment *moment = &facts->milestones[what];

	if (moment->ns > boot->span.to_ns)
		return (struct border){0};
	return (struct border){moment->ns, moment->reconstructed};
}

/* Behind the API server's first answer, if its stamp is cut to the second of that. */
static struct border node_ready(const struct boot_facts *facts, const struct record_boot *boot)
{
	const struct boot_moment *node = &facts->milestones[MILESTONE_NODE_READY];
	const struct boot_moment *api = &facts->milestones[MILESTONE_API_READY];
	bool within = node->cut && api->ns > node->ns && api->ns < node->ns + NS_PER_SECOND;

	return milestone(facts, within ? MILESTONE_API_READY : MILESTONE_NODE_READY, boot);
}

/* The first sign of a pod in this boot: the runtime had answered by then. */
static struct border first_pod(const struct boot_facts *facts)
{
	struct border first = {0};

	for (const struct boot_pod *pod = facts->pods.by_uid; pod; pod = pod->hh.next)
		if (pod->began_ns && (!first.ns || pod->began_ns < first.ns))
			first = (struct border){pod->began_ns, pod->began_reconstructed};
	return first;
}

static struct border runtime_begin(const struct boot_facts *facts, const struct record_boot *boot)
{
	const struct boot_unit *unit = boot_facts_runtime(facts);
	struct border started = milestone(facts, MILESTONE_RUNTIME_STARTED, boot);
	struct border kubelet = milestone(facts, MILESTONE_KUBELET_STARTED, boot);

	if (unit)
		return (struct border){unit->begin_ns, unit->reconstructed};
	return !started.ns || (kubelet.ns && kubelet.ns < started.ns) ? kubelet : started;
}

/* Also that the API server answers, unless the node was Ready before. */
static struct border runtime_end(const struct boot_facts *facts, const struct record_boot *boot,
				 struct border node)
{
	struct border answered = milestone(facts, MILESTONE_RUNTIME_READY, boot);
	struct border api = milestone(facts, MILESTONE_API_READY, boot);
	struct border pods = first_pod(facts);

	if (!answered.ns || (pods.ns && pods.ns < answered.ns))
		answered = pods;
	if (api.ns > answered.ns)
		answered = api;
	if (node.ns && (!answered.ns || node.ns < answered.ns))
		answered = node;
	return answered;
}

void boot_phases_build(const struct boot_facts *facts, bool found, struct record_boot *boot)
{
	const struct event_boot *systemd = &facts->systemd;
	const struct boot_unit *unit = boot_facts_runtime(facts);
	bool stamps = facts->systemd_reconstructed;
	struct chain chain = {.boot = boot};
	struct border end = {boot->span.to_ns, found};

	boot->phase_count = 0;
	put(&chain, BOOT_PHASE_FIRMWARE, (struct border){systemd->firmware_ns, stamps}, "");
	chain = (struct chain){.boot = boot};
	put(&chain, BOOT_PHASE_LOADER, (struct border){systemd->loader_ns, stamps}, "");
	chain = (struct chain){.boot = boot, .at_ns = boot->span.from_ns};
	if (systemd->initrd_ns && systemd->initrd_ns < systemd->userspace_ns)
		put(&chain, BOOT_PHASE_KERNEL, (struct border){systemd->initrd_ns, stamps}, "");
	put(&chain, chain.at_ns == boot->span.from_ns ? BOOT_PHASE_KERNEL : BOOT_PHASE_INITRD,
	    (struct border){systemd->userspace_ns, stamps}, "");

	struct border begin = runtime_begin(facts, boot);
	struct border node = node_ready(facts, boot);

	if (!begin.ns) { /* it has not begun */
		put(&chain, BOOT_PHASE_USERSPACE, end, "");
		return;
	}
	put(&chain, BOOT_PHASE_USERSPACE, begin, "");
	struct border answered = runtime_end(facts, boot, node);

	put(&chain, BOOT_PHASE_RUNTIME, answered.ns ? answered : end, unit ? unit->name : "");
	if (node.ns || (facts->kubernetes && boot->state != BOOT_READY))
		put(&chain, BOOT_PHASE_NODE, node.ns ? node : end, "");
	put(&chain, BOOT_PHASE_PODS, end, "");
}
