/* SPDX-License-Identifier: Apache-2.0 */
#include "track/wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/text.h"

#define WAITS_MAX 512
/* A reason that has not come back for so long is over. */
#define HOLD_NS (30 * NS_PER_SECOND)
/* The kubelet's back-off is at most 5 min, and is forgotten after 10 min of running. */
#define CRASH_LOOP_HOLD_NS (600 * NS_PER_SECOND)
/* While it goes on it is told again at most so often. */
#define AGAIN_NS (60 * NS_PER_SECOND)

struct wait {
	bool on; /* it is so now */
	char pod_uid[POD_UID_SIZE];
	struct subject subject;
	struct record_wait record;
	uint64_t seen_ns, told_ns, due_ns;
	struct wait *prev, *next;
};

struct waits {
	const struct pods *pods;
	record_fn emit;
	void *context;
	struct wait *all; /* in the order of their beginning */
	uint32_t count;
	uint64_t due_ns;
};

struct waits *waits_new(const struct pods *pods, record_fn emit, void *context)
{
	struct waits *waits = calloc(1, sizeof(*waits));

	if (waits) {
		waits->pods = pods;
		waits->emit = emit;
		waits->context = context;
		waits->due_ns = UINT64_MAX;
	}
	return waits;
}

static void drop(struct waits *waits, struct wait *wait)
{
	DL_DELETE(waits->all, wait);
	waits->count--;
	free(wait);
}

void waits_free(struct waits *waits)
{
	if (!waits)
		return;
	while (waits->all)
		drop(waits, waits->all);
	free(waits);
}

/* One that is over is told for the last time, and gone. */
static void tell(struct waits *waits, struct wait *wait, uint64_t now_ns, bool over)
{
	struct record record = {
		.type = RECORD_WAIT,
		.final = over,
		.boot_ns = wait->seen_ns,
		.subject = wait->subject,
		.wait = wait->record,
	};

	record.wait.over = over;
	if (over) /* the stamps of its begin may be of a clock that is ahead */
		record.wait.span.to_ns = wait->seen_ns > record.wait.span.from_ns
						 ? wait->seen_ns
						 : record.wait.span.from_ns;
	snprintf(record.key, sizeof(record.key), "%.36s-%.16s-%.16s-%" PRIu64, wait->pod_uid,
		 wait->subject.container, wait->record.reason, wait->record.span.from_ns);
	waits->emit(waits->context, &record);
	wait->told_ns = now_ns;
	if (over)
		drop(waits, wait);
}

static struct wait *find(struct waits *waits, const char *pod_uid, const char *container,
			 const char *reason)
{
	struct wait *wait;

	DL_FOREACH (waits->all, wait)
		if (strcmp(wait->pod_uid, pod_uid) == 0 &&
		    strcmp(wait->subject.container, container) == 0 &&
		    strcmp(wait->record.reason, reason) == 0)
			return wait;
	return NULL;
}

/* NULL for want of memory. When there are too many, the first is told as over. */
static struct wait *begin(struct waits *waits, const char *pod_uid, const char *container,
			  const char *reason, uint64_t from_ns, uint64_t now_ns)
{
	const struct pod *pod = pods_find(waits->pods, pod_uid);
	struct wait *wait = calloc(1, sizeof(*wait));

	if (!wait)
		return NULL;
	if (waits->count == WAITS_MAX)
		tell(waits, waits->all, now_ns, true);
	DL_APPEND(waits->all, wait);
	waits->count++;
	wait->record.span.from_ns = from_ns;
	wait->due_ns = UINT64_MAX;
	TEXT_COPY(wait->pod_uid, pod_uid);
	if (pod)
		wait->subject = pod->subject;
	TEXT_COPY(wait->subject.pod_uid, pod_uid);
	TEXT_COPY(wait->subject.container, container);
	TEXT_COPY(wait->record.reason, reason);
	return wait;
}

static uint64_t hold_ns(const struct wait *wait)
{
	return strcmp(wait->record.reason, "CrashLoopBackOff") == 0 ? CRASH_LOOP_HOLD_NS : HOLD_NS;
}

static void wake_at(struct waits *waits, struct wait *wait, uint64_t due_ns)
{
	wait->due_ns = due_ns;
	if (due_ns < waits->due_ns)
		waits->due_ns = due_ns;
}

uint64_t wait_back_off_ns(const char *message)
{
	const char *text = strstr(message, "back-off ");
	unsigned long seconds = 0, number;
	char *end;

	if (!text)
		return 0;
	number = strtoul(text + strlen("back-off "), &end, 10);
	if (*end == 'm') {
		seconds = number * 60;
		number = strtoul(end + 1, &end, 10);
	}
	return *end == 's' && number < 3600 && seconds < 3600 ? (seconds + number) * NS_PER_SECOND
							      : 0;
}

/* Not what every pod waits for at its start. */
static bool is_trouble(const char *reason)
{
	return *reason && strcmp(reason, "ContainerCreating") != 0 &&
	       strcmp(reason, "PodInitializing") != 0;
}

static void end_container_waits(struct waits *waits, const struct event_pod_container *told,
				const struct wait *but, uint64_t now_ns)
{
	struct wait *wait;

	DL_FOREACH (waits->all, wait) {
		if (!wait->on || wait == but || *wait->record.component ||
		    strcmp(wait->pod_uid, told->pod_uid) != 0 ||
		    strcmp(wait->subject.container, told->name) != 0)
			continue;
		wait->on = false;
		wait->seen_ns = now_ns;
		wake_at(waits, wait, now_ns + hold_ns(wait));
	}
}

static void note_container(struct waits *waits, const struct event_pod_container *told,
			   uint64_t boot_ns, uint64_t now_ns)
{
	bool waiting = told->state == POD_CONTAINER_WAITING && is_trouble(told->reason);
	bool pull_failed = strcmp(told->reason, "ErrImagePull") == 0;
	const char *reason = pull_failed ? "ImagePullBackOff" : told->reason;
	struct wait *wait;

	if (!waiting) {
		end_container_waits(waits, told, NULL, now_ns);
		return;
	}
	wait = find(waits, told->pod_uid, told->name, reason);
	bool fresh = !wait;

	if (fresh)
		wait = begin(waits, told->pod_uid, told->name, reason, boot_ns, now_ns);
	if (!wait)
		return;
	end_container_waits(waits, told, wait, now_ns);
	/* the failure itself says more than that it is tried again later */
	if (fresh || pull_failed || !*wait->record.message ||
	    strcmp(reason, "ImagePullBackOff") != 0)
		TEXT_COPY(wait->record.message, told->message);
	TEXT_COPY(wait->subject.container_id, told->container_id);
	TEXT_COPY(wait->subject.image, told->image);
	wait->subject.attempt = told->restarts;
	if (!wait->on)
		wait->record.count++;
	wait->on = true;
	wait->seen_ns = now_ns;
	wait->due_ns = UINT64_MAX;
	uint64_t back_off = wait_back_off_ns(told->message);

	wait->record.next_retry_ns = back_off ? boot_ns + back_off : 0;
	if (fresh || pull_failed || now_ns - wait->told_ns >= AGAIN_NS)
		tell(waits, wait, now_ns, false);
}

static void note_trouble(struct waits *waits, const struct event_pod_trouble *told, uint64_t now_ns)
{
	struct wait *wait = find(waits, told->pod_uid, "", told->reason);
	bool fresh = !wait;

	if (fresh)
		wait = begin(waits, told->pod_uid, "", told->reason,
			     told->first_ns ? told->first_ns : now_ns, now_ns);
	if (!wait)
		return;
	TEXT_COPY(wait->record.message, told->message);
	TEXT_COPY(wait->record.component, told->component);
	wait->record.count = told->count ? told->count : 1;
	wait->seen_ns = told->last_ns ? told->last_ns : now_ns;
	wake_at(waits, wait, now_ns + 4 * HOLD_NS); /* a component repeats itself within 2 min */
	if (fresh || now_ns - wait->told_ns >= AGAIN_NS)
		tell(waits, wait, now_ns, false);
}

static void end_all(struct waits *waits, const char *pod_uid, uint64_t now_ns)
{
	struct wait *wait, *next;

	DL_FOREACH_SAFE (waits->all, wait, next) {
		if (strcmp(wait->pod_uid, pod_uid) != 0)
			continue;
		if (wait->on)
			wait->seen_ns = now_ns;
		tell(waits, wait, now_ns, true);
	}
}

void waits_event(struct waits *waits, const struct event *event, uint64_t now_ns)
{
	switch (event->type) {
	case EVENT_POD_CONTAINER:
		note_container(waits, &event->pod_container, event->boot_ns, now_ns);
		break;
	case EVENT_POD_TROUBLE:
		if (event->pod_trouble.of_stop || !*event->pod_trouble.reason)
			break;
		note_trouble(waits, &event->pod_trouble, now_ns);
		break;
	case EVENT_POD_GONE:
		end_all(waits, event->pod_gone.pod_uid, now_ns);
		break;
	default:
		break;
	}
}

uint64_t waits_next_tick_ns(const struct waits *waits)
{
	return waits->due_ns;
}

void waits_tick(struct waits *waits, uint64_t now_ns)
{
	struct wait *wait, *next;

	if (now_ns < waits->due_ns)
		return;
	waits->due_ns = UINT64_MAX;
	DL_FOREACH_SAFE (waits->all, wait, next) {
		if (wait->on)
			continue;
		if (wait->due_ns <= now_ns)
			tell(waits, wait, now_ns, true);
		else if (wait->due_ns < waits->due_ns)
			waits->due_ns = wait->due_ns;
	}
}
