/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel_questions.h"

#include "source/kernel_wire.h"

struct look {
	uint64_t cgroup_id; /* 0: of all, the old ones */
	uint64_t now_ns;
	event_fn on_event;
	void *context;
	struct event event; /* of the one that is over */
};

bool kernel_question_over(const struct wire_question *question, bool start_over, uint64_t now_ns,
			  struct event *ret)
{
	uint64_t began_ns = question->header.boot_ns;
	uint64_t age_ns = now_ns > began_ns ? now_ns - began_ns : 0;
	uint64_t wait_ns = age_ns < QUESTION_GIVEN_UP_NS ? age_ns : QUESTION_GIVEN_UP_NS;

	if (!start_over && age_ns < QUESTION_FORGOTTEN_NS)
		return false;
	ret->type = EVENT_NONE;
	if (age_ns >= QUESTION_YOUNG_NS)
		kernel_wire_unanswered(question, began_ns + wait_ns, ret);
	return true;
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

	kernel_probes_questions(probes, is_over, on_forgotten, &look);
}

void kernel_questions_settle(struct kernel_probes *probes, uint64_t now_ns, event_fn on_event,
			     void *context)
{
	struct look look = {0, now_ns, on_event, context, {0}};

	kernel_probes_questions(probes, is_over, on_forgotten, &look);
}
