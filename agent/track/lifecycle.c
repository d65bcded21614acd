/* SPDX-License-Identifier: Apache-2.0 */
#include "track/lifecycle.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "track/death/exit.h"
#include "track/death/host_join.h"
#include "track/start.h"

/* Events of the other source and of the chatter ring arrive within this time. */
#define SETTLE_NS (50 * NS_PER_MS)
/* The kernel's rings are read within this time. */
#define ADOPT_NS (500 * NS_PER_MS)
/* A server that listens sooner is told once, a slower one first as running. */
#define RUNNING_NS NS_PER_SECOND
/* CRI has updated its status by then (reason, message). */
#define STATUS_NS NS_PER_SECOND
/* One source saw the end, the other should follow within this time … */
#define OTHER_SOURCE_NS (2 * NS_PER_SECOND)
/* … and containerd names a container within this, … */
#define IDENTITY_NS (3 * NS_PER_SECOND)
/* … unless it is away and tells when it is back. */
#define CONTAINERD_AWAY_NS (60 * NS_PER_SECOND)
/* The kubelet reports a container that runs within this time. */
#define TOLD_NS (10 * NS_PER_SECOND)
/* The kubelet waits for a sandbox twice its --runtime-request-timeout of 2 min. */
#define SANDBOX_NS (240 * NS_PER_SECOND)
/* Between the event of a container's creation and its place in CRI's list. */
#define MAKING_NS (2 * NS_PER_SECOND)
/* Kubernetes tells why it had a container stopped within this time … */
#define CAUSE_NS (30 * NS_PER_SECOND)
/* … and whether a deletion is a drain within this. */
#define DRAIN_NS (4 * NS_PER_SECOND)
/* A deleted container is kept for late events. */
#define FORGET_NS (10 * NS_PER_SECOND)

static uint64_t notice(uint64_t *noticed_ns, uint64_t now_ns)
{
	if (!*noticed_ns)
		*noticed_ns = now_ns;
	return *noticed_ns;
}

static void wake_at(struct lifecycle *lifecycle, struct container *c, uint64_t due_ns)
{
	if (due_ns < c->due_ns)
		c->due_ns = due_ns;
	if (due_ns < lifecycle->due_ns)
		lifecycle->due_ns = due_ns;
}

/* True when `since + wait` has come; else asks to be woken then. */
static bool waited(struct lifecycle *lifecycle, struct container *c, uint64_t since_ns,
		   uint64_t wait_ns, uint64_t now_ns)
{
	if (now_ns >= since_ns + wait_ns)
		return true;
	wake_at(lifecycle, c, since_ns + wait_ns);
	return false;
}

static bool containerd_up(const struct lifecycle *lifecycle)
{
	return gaps_source_up(lifecycle->gaps, SOURCE_CONTAINERD);
}

/*
 * containerd could not name it: it lived and was removed while we did not read. Its cgroup tells the
 * pod's uid, and a container of the same pod that is known tells the pod's name.
 */
static void borrow_pod(struct lifecycle *lifecycle, struct container *c)
{
	struct subject *subject = &c->subject;

	for (const struct container *other = lifecycle->containers->by_id;
	     other && *subject->pod_uid; other = other->by_id.next) {
		if (!other->identified || strcmp(other->subject.pod_uid, subject->pod_uid) != 0)
			continue;
		TEXT_COPY(subject->pod, other->subject.pod);
		TEXT_COPY(subject->pod_namespace, other->subject.pod_namespace);
		return;
	}
}

/* Is it known whose it is, or is there no hope left? */
static bool identity_settled(struct lifecycle *lifecycle, struct container *c, uint64_t since_ns,
			     uint64_t now_ns)
{
	uint64_t wait_ns = containerd_up(lifecycle) ? IDENTITY_NS : CONTAINERD_AWAY_NS;

	if (c->identified)
		return true;
	if (!waited(lifecycle, c, since_ns, wait_ns, now_ns))
		return false;
	borrow_pod(lifecycle, c);
	return true;
}

/* containerd may not have told yet that it is a sandbox; the pause program says so too. */
static bool is_sandbox(const struct container *c)
{
	return c->sandbox || (!c->identified && strcmp(c->file, "/pause") == 0);
}

static struct start_facts start_facts(const struct lifecycle *lifecycle)
{
	return (struct start_facts){lifecycle->containers, lifecycle->pulls, lifecycle->pods,
				    lifecycle->calls, lifecycle->whys};
}

static void tell_start(struct lifecycle *lifecycle, struct container *c, bool final, bool silent)
{
	struct record record = {.type = RECORD_START, .final = final, .subject = c->subject};
	struct start_facts facts = start_facts(lifecycle);

	if (start_build(&facts, c, &record.start)) {
		if (silent)
			record.start.state = START_SILENT;
		TEXT_COPY(record.key, c->id);
		record.boot_ns = record.start.span.to_ns;
		lifecycle->emit(lifecycle->context, &record);
	}
	c->start_told = true;
	c->start_final = final;
	c->start_named = c->identified;
}

/* That a container was an init container shows when the next one begins. */
static void retell_inits(struct lifecycle *lifecycle, const struct container *later)
{
	struct start_facts facts = start_facts(lifecycle);

	for (struct container *c = lifecycle->containers->by_id; c; c = c->by_id.next) {
		struct record_start start;

		if (c == later || !c->start_final || c->init_told || !container_ended(c) ||
		    !start_precedes(c, later) || !start_build(&facts, c, &start) ||
		    !start.init_container)
			continue;
		c->init_told = true;
		tell_start(lifecycle, c, true, false);
	}
}

void lifecycle_pod_ready(struct lifecycle *lifecycle, const struct pod *pod)
{
	struct record record = {.type = RECORD_START, .final = true, .subject = pod->subject};
	struct start_facts facts = start_facts(lifecycle);

	if (!start_build_pod(&facts, pod, &record.start))
		return;
	snprintf(record.key, sizeof(record.key), "pod-%.64s", pod->subject.pod_uid);
	record.boot_ns = record.start.span.to_ns;
	lifecycle->emit(lifecycle->context, &record);
}

/* Both sources have told what they know, or the one that has not can't. */
static bool end_complete(const struct lifecycle *lifecycle, const struct container *c)
{
	bool kernel = c->exit_seen || c->runtime_failed_ns || !c->live ||
		      !gaps_source_up(lifecycle->gaps, SOURCE_KERNEL);
	bool containerd = c->task_exit_seen || c->state == CONTAINER_EXITED;

	return kernel && containerd;
}

static void build_exit(const struct lifecycle *lifecycle, const struct container *c,
		       struct record_exit *ret)
{
	exit_build(lifecycle->containers, c, ret);
	stops_fill(lifecycle->stops, c, ret);
	host_join(lifecycle->hosts, c, ret);
}

/* Most deaths are no loop's: that costs a container nothing. */
static void keep_loop(struct container *c, const struct crash_loop *loop)
{
	if (loop->pattern == LOOP_NONE)
		return;
	c->loop = malloc(sizeof(*c->loop));
	if (c->loop)
		*c->loop = *loop;
}

static void tell_exit(struct lifecycle *lifecycle, struct container *c, bool final)
{
	struct record record = {.type = RECORD_EXIT, .final = final, .subject = c->subject};

	build_exit(lifecycle, c, &record.exit);
	if (!c->counted && c->identified) {
		struct death_row row;

		deaths_add(lifecycle->deaths, &record, &row);
		c->counted = true;
		c->deaths = record.exit.deaths = row.deaths;
		c->looping = record.exit.looping = row.looping;
		keep_loop(c, &row.loop);
	}
	if (c->loop)
		record.exit.loop = *c->loop;
	TEXT_COPY(record.key, c->id);
	record.boot_ns = record.exit.finished_ns;
	lifecycle->emit(lifecycle->context, &record);
	c->exit_told = true;
	c->exit_final = final;
	c->exit_complete = end_complete(lifecycle, c);
	c->exit_named = c->identified;
	c->exit_stated = c->state == CONTAINER_EXITED;
	c->exit_worded = c->kubernetes_told;
	c->exit_stop = record.exit.stop.cause;
	c->exit_news = false;
	c->exit_host = record.exit.host_count;
}

/*
 * It ran before the sources watched: CRI's timestamps are all there is. A container that is being
 * started looks the same for as long as the kernel's events are unread.
 */
static bool adopted(const struct lifecycle *lifecycle, const struct container *c)
{
	bool kernel_watched = c->live && gaps_source_up(lifecycle->gaps, SOURCE_KERNEL);

	return !c->exec_ns && !kernel_watched && (c->cri_started_ns || c->task_start_ns);
}

static const struct pod_container *told_by_kubernetes(const struct lifecycle *lifecycle,
						      const struct container *c)
{
	return pod_find_container(pods_find(lifecycle->pods, c->subject.pod_uid), c->id);
}

/* How long a container that listens is waited for, until its probe says so too. */
static uint64_t patience_ns(const struct lifecycle *lifecycle, const struct container *c)
{
	const struct pod_container *told = told_by_kubernetes(lifecycle, c);

	if (!gaps_source_up(lifecycle->gaps, SOURCE_KUBERNETES) || container_ended(c) ||
	    !pods_find(lifecycle->pods, c->subject.pod_uid))
		return SETTLE_NS;
	if (!told) /* the kubelet has not reported it yet: is there a probe? */
		return TOLD_NS;
	return told->has_probe && !told->ready_ns ? lifecycle->start_window_ns : SETTLE_NS;
}

/* Its probe has passed, and it never listened. */
static bool ready_in_silence(const struct lifecycle *lifecycle, const struct container *c)
{
	const struct pod_container *told = told_by_kubernetes(lifecycle, c);

	return c->exec_ns && told && told->has_probe && told->ready_ns;
}

/* When its start has been over for long enough to be told for good; false: asks to be woken then. */
static bool start_settled(struct lifecycle *lifecycle, struct container *c, uint64_t now_ns)
{
	if (adopted(lifecycle, c)) /* a log tells one call of it after the other */
		return waited(lifecycle, c, c->start_noticed_ns, ADOPT_NS, now_ns) &&
		       waited(lifecycle, c, c->call_noticed_ns, ADOPT_NS, now_ns);
	uint64_t since = c->listen_ns ? notice(&c->listen_noticed_ns, now_ns)
				      : notice(&c->end_noticed_ns, now_ns);

	return waited(lifecycle, c, since, patience_ns(lifecycle, c), now_ns);
}

static void consider_start(struct lifecycle *lifecycle, struct container *c, uint64_t now_ns)
{
	bool failed = !c->exec_ns && container_ended(c) && exit_never_started(c);
	bool old = adopted(lifecycle, c);

	if (c->start_final && (c->start_named || !c->identified))
		return;
	if (!c->exec_ns && !failed && !old)
		return;
	uint64_t noticed = notice(&c->start_noticed_ns, now_ns);

	if (!identity_settled(lifecycle, c, noticed, now_ns) || is_sandbox(c))
		return;
	if ((c->listen_ns && c->exec_ns) || old || container_ended(c) ||
	    ready_in_silence(lifecycle, c)) {
		bool named_late = c->start_final;

		if (named_late || start_settled(lifecycle, c, now_ns)) {
			tell_start(lifecycle, c, true, false);
			retell_inits(lifecycle, c);
		} else if (c->listen_ns && !c->start_told) {
			tell_start(lifecycle, c, false, false);
		}
		return;
	}
	if (waited(lifecycle, c, noticed, lifecycle->start_window_ns, now_ns))
		tell_start(lifecycle, c, true, true);
	else if (!c->start_told && waited(lifecycle, c, noticed, RUNNING_NS, now_ns)) {
		tell_start(lifecycle, c, false, false);
		retell_inits(lifecycle, c);
	}
}

/* A sandbox ends with its pod; only a death of its own is news. */
static bool worth_telling(const struct lifecycle *lifecycle, const struct container *c)
{
	struct record_exit exit;

	if (!is_sandbox(c))
		return true;
	if (!c->exit_seen)
		return false;
	exit_build(lifecycle->containers, c, &exit);
	return exit.verdict == EXIT_OOM_KILLED || exit.verdict == EXIT_CRASHED ||
	       exit.verdict == EXIT_KILLED;
}

static bool had_started(const struct container *c)
{
	return c->exec_ns || c->task_start_ns || c->cri_started_ns || exit_never_started(c);
}

/* What CRI, late on a busy node, Kubernetes or the host told since it was told. */
static bool has_word(const struct lifecycle *lifecycle, const struct container *c)
{
	struct record_exit exit;

	if (!c->exit_told)
		return false;
	if ((c->exit_final && c->state == CONTAINER_EXITED && !c->exit_stated) ||
	    (c->kubernetes_told && !c->exit_worded))
		return true;
	build_exit(lifecycle, c, &exit);
	return exit.stop.cause != c->exit_stop || exit.host_count > c->exit_host;
}

/* Is it known why it was stopped, if it was, or is there no hope left? */
static bool cause_settled(struct lifecycle *lifecycle, struct container *c, uint64_t since_ns,
			  uint64_t now_ns)
{
	struct record_exit exit;

	if (!gaps_source_up(lifecycle->gaps, SOURCE_KUBERNETES) ||
	    !stops_know(lifecycle->stops, c->subject.pod_uid))
		return true;
	build_exit(lifecycle, c, &exit);
	if (!exit_was_stopped(&exit))
		return true;
	if (stops_may_refine(lifecycle->stops, exit.stop.cause))
		return waited(lifecycle, c, since_ns, DRAIN_NS, now_ns);
	return exit.stop.cause || waited(lifecycle, c, since_ns, CAUSE_NS, now_ns);
}

static void consider_exit(struct lifecycle *lifecycle, struct container *c, uint64_t now_ns)
{
	if (!container_ended(c) || !had_started(c))
		return;
	bool word = has_word(lifecycle, c);
	bool news = !c->exit_final || (!c->exit_named && c->identified) ||
		    (!c->exit_complete && end_complete(lifecycle, c)) || word || c->exit_news;

	if (!news)
		return;
	uint64_t noticed = notice(&c->end_noticed_ns, now_ns);

	if (!identity_settled(lifecycle, c, noticed, now_ns) || !worth_telling(lifecycle, c))
		return;
	bool has_status = c->state == CONTAINER_EXITED || c->gone_ns;

	if (c->exit_final || (end_complete(lifecycle, c) && has_status && c->start_final &&
			      cause_settled(lifecycle, c, noticed, now_ns))) {
		tell_exit(lifecycle, c, true);
		return;
	}
	if (end_complete(lifecycle, c)) {
		if (!c->exit_told || word)
			tell_exit(lifecycle, c, false);
		if (waited(lifecycle, c, noticed, STATUS_NS, now_ns) &&
		    cause_settled(lifecycle, c, noticed, now_ns))
			tell_exit(lifecycle, c, true);
	} else if (waited(lifecycle, c, noticed,
			  containerd_up(lifecycle) ? OTHER_SOURCE_NS : CONTAINERD_AWAY_NS,
			  now_ns)) {
		tell_exit(lifecycle, c, true);
	}
}

/* Containers of a pod need its sandbox's facts as long as they live. */
static bool needed(const struct lifecycle *lifecycle, const struct container *c)
{
	if (!c->sandbox)
		return false;
	for (const struct container *other = lifecycle->containers->by_id; other;
	     other = other->by_id.next)
		if (other != c && strcmp(other->subject.sandbox_id, c->id) == 0)
			return true;
	return false;
}

static bool may_forget(struct lifecycle *lifecycle, struct container *c, uint64_t now_ns)
{
	if (!c->gone_ns)
		return false;
	uint64_t noticed = notice(&c->gone_noticed_ns, now_ns);
	bool told = is_sandbox(c) || !had_started(c) || c->exit_final;

	/* what containerd says later of one that only the kernel has told of belongs to it */
	uint64_t wait_ns = c->identified ? FORGET_NS : CONTAINERD_AWAY_NS;
	if (!waited(lifecycle, c, noticed, wait_ns, now_ns) || !told)
		return false;
	if (!needed(lifecycle, c))
		return true;
	wake_at(lifecycle, c, now_ns + FORGET_NS);
	return false;
}

void lifecycle_consider(struct lifecycle *lifecycle, struct container *c, uint64_t now_ns)
{
	c->due_ns = UINT64_MAX;
	consider_start(lifecycle, c, now_ns);
	consider_exit(lifecycle, c, now_ns);
	if (may_forget(lifecycle, c, now_ns))
		containers_remove(lifecycle->containers, c);
}

void lifecycle_stops(struct lifecycle *lifecycle, const char *pod_uid, uint64_t now_ns)
{
	for (struct container *c = lifecycle->containers->by_id; c; c = c->by_id.next)
		if (c->exit_told && (!*pod_uid || strcmp(c->subject.pod_uid, pod_uid) == 0))
			consider_exit(lifecycle, c, now_ns);
}

static void tell_again(struct lifecycle *lifecycle, struct container *c, uint64_t now_ns)
{
	c->call_noticed_ns = now_ns;
	c->start_final = false;
	lifecycle_consider(lifecycle, c, now_ns);
}

void lifecycle_call(struct lifecycle *lifecycle, const char *id, uint64_t now_ns)
{
	struct container *next;

	for (struct container *c = lifecycle->containers->by_id; c; c = next) {
		next = c->by_id.next;
		if (strcmp(c->id, id) == 0 || strcmp(c->subject.sandbox_id, id) == 0)
			tell_again(lifecycle, c, now_ns);
	}
}

void lifecycle_pull(struct lifecycle *lifecycle, const char *image, const char *image_id,
		    uint64_t now_ns)
{
	struct container *next;

	for (struct container *c = lifecycle->containers->by_id; c; c = next) {
		next = c->by_id.next;
		if (strcmp(c->subject.image, image) == 0 || strcmp(c->image_id, image) == 0 ||
		    strcmp(c->subject.image, image_id) == 0 || strcmp(c->image_id, image_id) == 0)
			tell_again(lifecycle, c, now_ns);
	}
}

/* CRI lists what it has made: a container some ms after its first sign, a sandbox when its network is there too. */
static bool being_made(const struct container *c, uint64_t first_ns, uint64_t begin_ns)
{
	return c->state == CONTAINER_UNKNOWN && !container_ended(c) &&
	       first_ns + (c->sandbox ? SANDBOX_NS : MAKING_NS) > begin_ns;
}

void lifecycle_synced(struct lifecycle *lifecycle, uint32_t generation, uint64_t begin_ns,
		      uint64_t now_ns)
{
	struct container *next;

	for (struct container *c = lifecycle->containers->by_id; c; c = next) {
		uint64_t first = container_first_sign_ns(c);

		next = c->by_id.next;
		/* only pods' containers are listed */
		if (!*c->subject.sandbox_id || c->gone_ns || c->sync_generation == generation ||
		    first >= begin_ns || being_made(c, first, begin_ns))
			continue;
		c->gone_ns = now_ns;
		lifecycle_consider(lifecycle, c, now_ns);
	}
}

void lifecycle_tick(struct lifecycle *lifecycle, uint64_t now_ns)
{
	struct container *next;

	if (now_ns < lifecycle->due_ns)
		return;
	lifecycle->due_ns = UINT64_MAX;
	for (struct container *c = lifecycle->containers->by_id; c; c = next) {
		next = c->by_id.next;
		if (c->due_ns <= now_ns)
			lifecycle_consider(lifecycle, c, now_ns);
		else if (c->due_ns < lifecycle->due_ns)
			lifecycle->due_ns = c->due_ns;
	}
}
