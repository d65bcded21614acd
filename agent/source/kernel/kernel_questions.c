/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_questions.h"

#include "source/kernel/kernel_wire.h"
#include "source/kernel/kernel_tables.h"

struct look {
	uint64_t cgroup_id; /* 0: of all, the old ones */
	uint64_t now_ns;
	event_fn on_event;
	void *context;
	struct event event; /* of the one that is over */
};

static uint64_t age_of(const struct wire_question *question, uint64_t now_ns)
{
	uint64_t began_ns = question->header.boot_ns;

	return now_ns > began_ns ? now_ns - began_ns : 0;
}

/* When who asks has given up, or now. */
static uint64_t waited_until(const struct wire_question *question, uint64_t now_ns)
{
	uint64_t age_ns = age_of(question, now_ns);

	return question->header.boot_ns +
	       (age_ns < QUESTION_GIVEN_UP_NS ? age_ns : QUESTION_GIVEN_UP_NS);
}

bool kernel_question_over(const struct wire_question *question, bool start_over, uint64_t now_ns,
			  struct event *ret)
{
	uint64_t age_ns = age_of(question, now_ns);

	if (!start_over && age_ns < QUESTION_FORGOTTEN_NS)
		return false;
	ret->type = EVENT_NONE;
	if (age_ns >= QUESTION_YOUNG_NS)
		kernel_wire_unanswered(question, waited_until(question, now_ns), ret);
	return true;
}

bool kernel_question_waits(const struct wire_question *question, uint64_t now_ns, struct event *ret)
{
	if (age_of(question, now_ns) < QUESTION_YOUNG_NS ||
	    kernel_wire_unanswered(question, waited_until(question, now_ns), ret) < 0)
		return false;
	ret->dns.count = 0;
	ret->dns.code = 0;
	return true;
}

static bool tell_so_far(void *context, const struct wire_question *question)
{
	struct look *look = context;

	if (look->cgroup_id == question->header.cgroup_id &&
	    kernel_question_waits(question, look->now_ns, &look->event))
		look->on_event(look->context, &look->event);
	return false;
}

static bool is_over(void *context, const struct wire_question *question)
{
	struct look *look = context;
	bool mine = look->cgroup_id == question->header.cgroup_id;

	if (look->cgroup_id && !mine)
		return false;
	return kernel_question_over(question, mine, look->now_ns, &look->event);
}

static void on_forgotten(void *context)
{
	struct look *look = context;

	if (look->event.type == EVENT_DNS)
		look->on_event(look->context, &look->event);
}

void kernel_questions_tell(struct kernel_probes *probes, uint64_t cgroup_id, uint64_t now_ns,
			   event_fn on_event, void *context)
{
	struct look look = {cgroup_id, now_ns, on_event, context, {0}};

	kernel_tables_questions(probes, is_over, on_forgotten, &look);
}

void kernel_questions_so_far(struct kernel_probes *probes, uint64_t cgroup_id, uint64_t now_ns,
			     event_fn on_event, void *context)
{
	struct look look = {cgroup_id, now_ns, on_event, context, {0}};

	kernel_tables_questions(probes, tell_so_far, on_forgotten, &look);
}

void kernel_questions_settle(struct kernel_probes *probes, uint64_t now_ns, event_fn on_event,
			     void *context)
{
	struct look look = {0, now_ns, on_event, context, {0}};

	kernel_tables_questions(probes, is_over, on_forgotten, &look);
}
