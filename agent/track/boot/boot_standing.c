/* SPDX-License-Identifier: Apache-2.0 */
#include "track/boot/boot_standing.h"

#include "base/clock.h"

/* Ready is believed when it has lasted: late records are in, … */
#define SETTLE_NS (3 * NS_PER_SECOND)
/* … without Kubernetes the next pod has had its turn, … */
#define QUIET_NS (10 * NS_PER_SECOND)
/* … also where nobody knows which pods there will be, or one of them has failed before. */
#define LONG_QUIET_NS (30 * NS_PER_SECOND)

bool boot_is_late(const struct boot_facts *facts)
{
	return facts->since_ns > facts->deadline_ns;
}

/* A late agent first reads what there is to be read, and waits for an API server that does not answer. */
uint64_t boot_end_ns(const struct boot_facts *facts)
{
	bool unanswered = facts->kubernetes && !facts->pods.kubernetes;

	if (!boot_is_late(facts))
		return facts->deadline_ns;
	return facts->since_ns + (unanswered ? facts->deadline_ns : LONG_QUIET_NS);
}

/* Where nothing has to come back the node itself has to. */
static void stand_alone(const struct boot_facts *facts, struct boot_standing *standing)
{
	const struct boot_moment *milestones = facts->milestones;
	const struct boot_moment *needed = facts->kubernetes ? &milestones[MILESTONE_NODE_READY]
							     : &milestones[MILESTONE_RUNTIME_READY];
	uint64_t kubelet_ns = milestones[MILESTONE_KUBELET_STARTED].ns;

	standing->last_ns = needed->ns > kubelet_ns ? needed->ns : kubelet_ns;
	standing->last_reconstructed = needed->reconstructed;
	standing->all = needed->ns != 0;
}

struct boot_standing boot_stand(const struct boot_facts *facts, uint64_t now_ns)
{
	const struct boot_pods *pods = &facts->pods;
	struct boot_standing standing = {0};
	bool reconstructed;

	for (const struct boot_pod *pod = pods->by_uid; pod; pod = pod->hh.next) {
		if (!boot_pod_expected(pods, pod))
			continue;
		uint64_t ready_ns = boot_pod_ready_ns(pods, pod, &reconstructed);

		/* found after the deadline: is it the first time that it is Ready? */
		if (boot_is_late(facts) && ready_ns > facts->deadline_ns)
			ready_ns = 0;
		standing.expected++;
		standing.failed |= boot_pod_has_failed(pod);
		if (!ready_ns) {
			standing.first = standing.first ? standing.first : pod;
			continue;
		}
		standing.ready++;
		if (ready_ns > standing.last_ns) {
			standing.last = pod;
			standing.last_ns = ready_ns;
			standing.last_reconstructed = reconstructed;
		}
	}
	standing.all = standing.ready == standing.expected;
	if (!standing.expected)
		stand_alone(facts, &standing);
	/* which are expected only Kubernetes knows, where there is one; it may never answer */
	if (facts->kubernetes && !pods->kubernetes && now_ns < boot_end_ns(facts))
		standing.all = false;
	return standing;
}

uint64_t boot_settle_ns(const struct boot_facts *facts, const struct boot_standing *standing)
{
	const struct boot_pods *pods = &facts->pods;

	if (standing->failed || (!pods->kubernetes && !pods->old_pods))
		return LONG_QUIET_NS;
	return pods->kubernetes ? SETTLE_NS : QUIET_NS;
}

/* Nothing had to come back, and nobody tells whether the node itself did. */
bool boot_is_unknown(const struct boot_facts *facts, const struct boot_standing *standing)
{
	if (boot_is_late(facts))
		return true;
	if (standing->expected)
		return false;
	return facts->pods.kubernetes ||
	       (!boot_facts_runtime(facts) && !facts->milestones[MILESTONE_RUNTIME_STARTED].ns);
}

static bool is_measured(const struct boot_facts *facts)
{
	const struct boot_unit *unit = boot_facts_runtime(facts);
	uint64_t started_ns = facts->milestones[MILESTONE_RUNTIME_STARTED].ns;

	if (!started_ns && unit)
		started_ns = unit->begin_ns;
	return facts->kernel_up_ns && (!started_ns || facts->kernel_up_ns <= started_ns);
}

/* Of a boot whose outcome is not known: up to where it is. */
static uint64_t known_until(const struct boot_facts *facts, const struct boot_standing *standing)
{
	uint64_t until_ns = facts->systemd.userspace_ns;

	if (facts->systemd.finish_ns > until_ns)
		until_ns = facts->systemd.finish_ns;
	for (size_t i = 0; i < MILESTONE_COUNT; i++)
		if (facts->milestones[i].ns > until_ns)
			until_ns = facts->milestones[i].ns;
	return standing->last_ns > until_ns ? standing->last_ns : until_ns;
}

void boot_build(const struct boot_facts *facts, const struct boot_standing *standing,
		enum boot_state state, uint64_t now_ns, struct record_boot *ret)
{
	*ret = (struct record_boot){
		.state = state,
		.span = {1, state == BOOT_READY		  ? standing->last_ns
			    : state == BOOT_NOT_RECOVERED ? facts->deadline_ns
			    : state == BOOT_WAKING	  ? now_ns
							  : known_until(facts, standing)},
		.firmware_ns = facts->systemd.firmware_ns,
		.loader_ns = facts->systemd.loader_ns,
		.finish_ns = facts->systemd.finish_ns,
		.measured = is_measured(facts),
		.early = is_measured(facts) && facts->early,
		.pods_expected = standing->expected,
		.pods_ready = standing->ready,
	};
	boot_phases_build(facts, state == BOOT_READY && standing->last_reconstructed, ret);
	if (state == BOOT_WAKING || state == BOOT_NOT_RECOVERED) {
		boot_missing_build(facts, ret);
		boot_path_build(facts, standing->first, ret);
	} else {
		boot_path_build(facts, state == BOOT_READY ? standing->last : NULL, ret);
	}
}
