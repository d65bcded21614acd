/* SPDX-License-Identifier: Apache-2.0 */
#include "track/why/why_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* What is shorter explains nothing. */
#define STEP_LEAST_NS (5 * NS_PER_MS)

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void name_step(char name[NAME_SIZE], const struct event_exec *exec)
{
	if (exec->role == ROLE_HOOK)
		text_copy(name, NAME_SIZE, base_name(exec->file));
	else
		snprintf(name, NAME_SIZE, "%.47s %.15s",
			 exec->role == ROLE_SHIM ? "shim" : base_name(exec->file), exec->verb);
}

/* A hook that runs again, a wrapper's `sleep` in a loop: one step, from the first to the last. */
static struct work_step *find_like(struct container *c, const struct work_step *step)
{
	/* back to the one that it is in */
	for (uint32_t i = c->work_count; i > 0 && step->nested && c->work[i - 1].nested; i--)
		if (strcmp(c->work[i - 1].name, step->name) == 0)
			return &c->work[i - 1];
	return NULL;
}

static int32_t add_step(struct container *c, const struct work_step *step)
{
	struct work_step *found = find_like(c, step);

	if (found) {
		found->count++;
		found->span.to_ns = step->span.to_ns;
		return (int32_t)(found - c->work);
	}
	if (c->work_count == CONTAINER_WORK_MAX)
		return -1;
	found = reallocarray(c->work, c->work_count + 1, sizeof(*found));
	if (!found)
		return -1;
	c->work = found;
	c->work[c->work_count] = *step;
	return (int32_t)c->work_count++;
}

int32_t why_work_begin(struct container *c, const struct event_exec *exec, bool within,
		       uint64_t boot_ns)
{
	struct work_step step = {
		.kind = exec->role == ROLE_SHIM ? WORK_SHIM : WORK_RUNTIME,
		.span = {boot_ns, 0},
		.count = 1,
		.nested = within,
	};

	name_step(step.name, exec);
	return add_step(c, &step);
}

void why_work_again(struct container *c, int32_t step, const struct event_exec *exec,
		    uint64_t boot_ns)
{
	struct work_step wrapper = {.kind = WORK_RUNTIME, .count = 1, .nested = true};

	if (exec->role != ROLE_RUNTIME) /* `env python3 hook`: the first name says what it is */
		return;
	if ((uint32_t)step >= c->work_count)
		return;
	struct work_step *own = &c->work[step];
	char *verb = strrchr(own->name, ' ');

	snprintf(wrapper.name, sizeof(wrapper.name), "%.*s before %.24s",
		 verb ? (int)(verb - own->name < 30 ? verb - own->name : 30) : 30, own->name,
		 base_name(exec->file));
	wrapper.span = (struct span){own->span.from_ns, boot_ns};
	name_step(own->name, exec);
	add_step(c, &wrapper);
}

void why_work_end(struct container *c, int32_t step, uint64_t boot_ns)
{
	if (step >= 0 && (uint32_t)step < c->work_count)
		c->work[step].span.to_ns = boot_ns;
}

/* What the message says behind `before`, up to one of `stops`. */
static bool cut_out(const char *message, const char *before, const char *stops, char ret[NAME_SIZE])
{
	const char *at = strstr(message, before);
	size_t size = at ? strcspn(at + strlen(before), stops) : 0;

	if (size)
		text_copy_n(ret, NAME_SIZE, at + strlen(before), size);
	return size;
}

/* "2 Insufficient cpu, 1 Insufficient nvidia.com/gpu.": a device is a resource with a domain in its name. */
static bool cut_device(const char *message, char ret[NAME_SIZE])
{
	static const char before[] = "Insufficient ";

	for (const char *at = strstr(message, before); at; at = strstr(at + 1, before)) {
		if (!cut_out(at, before, " ,", ret) || !strchr(ret, '/'))
			continue;
		if (ret[strlen(ret) - 1] == '.')
			ret[strlen(ret) - 1] = '\0';
		return true;
	}
	return false;
}

/*
 * Looked at: Kubernetes 1.20 and 1.35, pkg/volume/util/operationexecutor, pkg/kubelet/volumemanager and
 * pkg/scheduler/framework/plugins/noderesources.
 */
bool why_work_trouble(const struct event_pod_trouble *trouble, struct work_step *ret)
{
	struct work_step step = {.kind = WORK_VOLUME,
				 .phase = PHASE_ADMIT,
				 .span = {trouble->first_ns, 0},
				 .count = trouble->count,
				 .at_most = true};

	if (strcmp(trouble->reason, "FailedMount") == 0 ||
	    strcmp(trouble->reason, "FailedAttachVolume") == 0) {
		/* said when the kubelet has waited for 2 min already */
		if (cut_out(trouble->message, "unmounted volumes=[", "]", step.name))
			step.span.from_ns = 0;
		else if (!cut_out(trouble->message, " for volume \"", "\"", step.name))
			return false;
	} else if (strcmp(trouble->reason, "FailedScheduling") == 0) {
		step.kind = WORK_DEVICE;
		step.phase = PHASE_SCHEDULE;
		if (!cut_device(trouble->message, step.name))
			return false;
	} else {
		return false;
	}
	*ret = step;
	return true;
}

/* Steps of one phase of a start. */
struct filler {
	struct record_start *start;
	enum phase phase;
	struct span within;
};

static uint64_t length(const struct work_step *step)
{
	return step->span.to_ns - step->span.from_ns;
}

/* The shortest gives way. A nested one is never longer than what it is in. */
static struct work_step *room(struct start_why *why, uint64_t length_ns)
{
	struct work_step *shortest = &why->work[0];

	if (why->work_count < START_WORK_MAX)
		return &why->work[why->work_count++];
	for (uint32_t i = 1; i < START_WORK_MAX; i++)
		if (length(&why->work[i]) < length(shortest) ||
		    (length(&why->work[i]) == length(shortest) && why->work[i].nested))
			shortest = &why->work[i];
	return length(shortest) < length_ns ? shortest : NULL;
}

/* A border of 0 is the phase's own. */
static void put(struct filler *filler, struct work_step step)
{
	if (!step.span.from_ns || step.span.from_ns < filler->within.from_ns)
		step.span.from_ns = filler->within.from_ns;
	if (!step.span.to_ns || step.span.to_ns > filler->within.to_ns)
		step.span.to_ns = filler->within.to_ns;
	if (step.span.to_ns < step.span.from_ns + STEP_LEAST_NS)
		return;
	struct work_step *place = room(&filler->start->why, length(&step));

	step.phase = filler->phase;
	if (!step.count)
		step.count = 1;
	if (place)
		*place = step;
}

enum mark { MEASURED = 0, NESTED = 1, AT_MOST = 2 };

/* Between two things that were both seen, in this order. */
static void put_between(struct filler *filler, enum work_kind kind, const char *name,
			uint64_t from_ns, uint64_t to_ns, enum mark mark)
{
	struct work_step step = {
		.kind = kind,
		.span = {from_ns, to_ns},
		.nested = mark == NESTED,
		.at_most = mark == AT_MOST,
	};

	if (!from_ns || to_ns <= from_ns)
		return;
	TEXT_COPY(step.name, name);
	put(filler, step);
}

/* The outermost: a wrapper's time is the runtime's. */
static const struct work_step *find(const struct container *c, enum work_kind kind,
				    const char *verb)
{
	static const struct work_step none;

	for (uint32_t i = 0; i < c->work_count; i++) {
		const struct work_step *step = &c->work[i];
		const char *own = strrchr(step->name, ' ');

		if (step->kind == kind && !step->nested && own && strcmp(own + 1, verb) == 0)
			return step;
	}
	return &none;
}

/*
 * runc makes and joins the cgroups before it clones the container's first process, which then waits until its
 * mounts are made and the hooks have run; crun clones first, and what does not lie in this order is not told.
 */
static void put_create(struct filler *filler, const struct container *c,
		       const struct work_step *create)
{
	uint64_t made_ns = c->cgroup_made_ns, init_ns = c->init.start_ns;
	uint64_t end_ns = create->span.to_ns;

	if (made_ns <= c->create_ns || (end_ns && made_ns > end_ns))
		return;
	put_between(filler, WORK_RUNTIME, "until its cgroup", c->create_ns, made_ns, NESTED);
	if (init_ns <= made_ns || init_ns > end_ns)
		return;
	put_between(filler, WORK_CGROUP, "cgroups joined", made_ns, init_ns, NESTED);
	put_between(filler, WORK_MOUNT, "namespaces, mounts, hooks", init_ns, end_ns, NESTED);
}

static void put_runtime(struct filler *filler, const struct container *c)
{
	const struct work_step *shim = find(c, WORK_SHIM, "start");
	const struct work_step *create = find(c, WORK_RUNTIME, "create");
	const struct work_step *start = find(c, WORK_RUNTIME, "start");

	for (uint32_t i = 0; i < c->work_count; i++) {
		struct work_step step = c->work[i];

		/* its end was not seen, or is the phase's: `runc start` ends when the program has begun */
		step.at_most = !step.span.to_ns && &c->work[i] != start;
		put(filler, step);
	}
	put_between(filler, WORK_MOUNT, "shim: rootfs mounted", shim->span.to_ns,
		    create->span.from_ns, AT_MOST);
	put_create(filler, c, create);
	put_between(filler, WORK_CONTAINERD, "from create to start", create->span.to_ns,
		    start->span.from_ns, MEASURED);
}

/* containerd 1.6 and 1.7 set up the network after the snapshot, 2.x before; a pod on the host's network has none. */
static void put_sandbox(struct filler *filler, const struct container *sandbox)
{
	struct span network = filler->start->network;
	uint64_t made_ns = sandbox->snapshot_ns, shim_ns = sandbox->runtime_ns;

	if (!network.from_ns) {
		put_between(filler, WORK_CONTAINERD, "from snapshot to shim", made_ns, shim_ns,
			    MEASURED);
	} else if (made_ns < network.from_ns) {
		put_between(filler, WORK_CONTAINERD, "from snapshot to network", made_ns,
			    network.from_ns, MEASURED);
		put_between(filler, WORK_CONTAINERD, "from network to shim", network.to_ns, shim_ns,
			    MEASURED);
	} else {
		put_between(filler, WORK_SNAPSHOT, "until its snapshot", network.to_ns, made_ns,
			    AT_MOST);
		put_between(filler, WORK_CONTAINERD, "from snapshot to shim", made_ns, shim_ns,
			    MEASURED);
	}
	put_runtime(filler, sandbox);
}

static void put_pod(struct filler *filler, const struct pod *pod)
{
	for (uint32_t i = 0; i < pod->work_count; i++)
		if (pod->work[i].phase == filler->phase)
			put(filler, pod->work[i]);
}

static void put_phase(struct filler *filler, const struct container *sandbox,
		      const struct container *c, const struct pod *pod)
{
	uint64_t from_ns = filler->within.from_ns, to_ns = filler->within.to_ns;

	switch (filler->phase) {
	case PHASE_SCHEDULE:
	case PHASE_ADMIT:
		if (pod)
			put_pod(filler, pod);
		break;
	case PHASE_SANDBOX:
		if (sandbox)
			put_sandbox(filler, sandbox);
		break;
	case PHASE_WAIT: /* the snapshot's begin is not told by containerd */
		if (to_ns == c->snapshot_ns)
			put_between(filler, WORK_SNAPSHOT, "until its snapshot", from_ns, to_ns,
				    AT_MOST);
		/* containerd 2.x asks the pod's shim without executing it first */
		else if (to_ns == c->runtime_ns && !find(c, WORK_SHIM, "start")->count)
			put_between(filler, WORK_MOUNT, "shim: rootfs mounted", from_ns, to_ns,
				    AT_MOST);
		break;
	case PHASE_CREATE:
		put_between(filler, WORK_CONTAINERD, "from snapshot to container", c->snapshot_ns,
			    c->created_ns, MEASURED);
		break;
	case PHASE_RUNTIME:
		put_runtime(filler, c);
		break;
	default:
		break;
	}
}

static int in_order(const void *one, const void *other)
{
	const struct work_step *a = one, *b = other;

	if (a->span.from_ns != b->span.from_ns)
		return a->span.from_ns < b->span.from_ns ? -1 : 1;
	if (a->nested != b->nested)
		return a->nested - b->nested;
	return (a->span.to_ns < b->span.to_ns) - (a->span.to_ns > b->span.to_ns);
}

void why_work_fill(const struct container *sandbox, const struct container *c,
		   const struct pod *pod, struct record_start *start)
{
	for (uint32_t i = 0; i < start->phase_count; i++) {
		struct filler filler = {start, start->phases[i].phase, start->phases[i].span};

		put_phase(&filler, sandbox, c, pod);
	}
	qsort(start->why.work, start->why.work_count, sizeof(*start->why.work), in_order);
}
