/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS questions of starting containers that nobody answers: the kernel keeps them, and tells only those that are
 * answered or asked again. kernel_source.c and kernel_windows.c look after the others here.
 */
#pragma once

#include "bpf/wire.h"
#include "model/event.h"
#include "source/kernel/kernel_probes.h"

/* Who asks gives up after that: the resolvers' own default (RES_TIMEOUT of glibc, musl, Go). */
#define QUESTION_GIVEN_UP_NS (5 * NS_PER_SECOND)
/* … but there are more patient ones, whose answer may come until then. */
#define QUESTION_FORGOTTEN_NS (2 * QUESTION_GIVEN_UP_NS)
/* One that is younger when the start is over is not what the start waited for. */
#define QUESTION_YOUNG_NS NS_PER_SECOND

/*
 * Whether nothing more is expected of a question, because it is old, or its container's start is over. Then *ret is the
 * event, or of type EVENT_NONE if it was no wait.
 */
bool kernel_question_over(const struct wire_question *question, bool start_over, uint64_t now_ns,
			  struct event *ret);

/* The event of one that goes on; false: it is young. */
bool kernel_question_waits(const struct wire_question *question, uint64_t now_ns,
			   struct event *ret);

/* Tells and forgets those of one container, whose start is over. */
void kernel_questions_tell(struct kernel_probes *probes, uint64_t cgroup_id, uint64_t now_ns,
			   event_fn on_event, void *context);

/* How long those of one container have waited so far, each with count 0: its start goes on. */
void kernel_questions_so_far(struct kernel_probes *probes, uint64_t cgroup_id, uint64_t now_ns,
			     event_fn on_event, void *context);

/* … and the old ones: once a second. */
void kernel_questions_settle(struct kernel_probes *probes, uint64_t now_ns, event_fn on_event,
			     void *context);
