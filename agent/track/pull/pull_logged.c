// SPDX-License-Identifier: Apache-2.0
/* Pulls that nobody saw: containerd logged when they began and returned. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "track/pull/pull_private.h"

/* What was seen of one that ended is known by then. */
#define IMAGE_WAIT_NS (3 * NS_PER_SECOND)
/* A log that is read tells one pull after the other, those of one image at the same time among them. */
#define LOG_WAIT_NS (500 * NS_PER_MS)

static bool same_image(const struct pull *a, const struct pull *b)
{
	if (*a->image_id && *b->image_id)
		return strcmp(a->image_id, b->image_id) == 0;
	for (uint32_t i = 0; i < a->name_count; i++)
		if (pull_has_name(b, a->names[i], ""))
			return true;
	return false;
}

static struct pull *find_before(struct pulls *pulls, const struct pull *pull)
{
	for (uint32_t i = 0; i < pulls->count; i++)
		if (pulls->recent[i].record.span.from_ns < pull->record.span.to_ns &&
		    &pulls->recent[i] != pull && same_image(&pulls->recent[i], pull))
			return &pulls->recent[i];
	return NULL;
}

/* Which call brought it: the one that asked first. Its start is told later, as a rule, and has it then. */
static void note_resolve(struct record_pull *seen, const struct span *call)
{
	struct span *resolve = &seen->anatomy.resolve;

	if (call->from_ns >= seen->span.from_ns || call->to_ns < seen->span.to_ns ||
	    (resolve->from_ns && resolve->from_ns <= call->from_ns))
		return;
	*resolve = (struct span){call->from_ns, seen->span.from_ns};
}

bool pulls_logged(struct pulls *pulls, const struct event *event, uint64_t now_ns)
{
	const struct event_cri_call *call = &event->cri_call;
	struct pull logged = {
		.record = {.reconstructed = true, .span = {call->began_ns, event->boot_ns}},
		.logged = true,
	};
	struct pull *before;

	if (!*call->image || !*call->image_id || !call->began_ns ||
	    call->began_ns >= event->boot_ns)
		return false;
	TEXT_COPY(logged.record.image, call->image);
	TEXT_COPY(logged.image_id, call->image_id);
	pull_add_name(&logged, call->image);
	before = find_before(pulls, &logged);
	if (before && !before->logged)
		note_resolve(&before->record, &logged.record.span);
	if (before) {
		/* two at the same time: the one that asked first may be the one that is told second */
		if (!before->logged || before->told_ns ||
		    before->record.span.from_ns <= call->began_ns)
			return false;
		before->record.span.from_ns = call->began_ns;
		return true;
	}
	/* what ended under our eyes was seen, unless hardly anything was left to do */
	logged.due_ns =
		now_ns +
		(pulls->since_ns && event->boot_ns > pulls->since_ns ? IMAGE_WAIT_NS : LOG_WAIT_NS);
	*pull_next_slot(pulls, now_ns) = logged;
	return true;
}

/* It waited for whether it was seen after all. */
void pull_tell_logged(struct pulls *pulls, struct pull *pull, uint64_t now_ns)
{
	if (find_before(pulls, pull))
		*pull = (struct pull){.due_ns = UINT64_MAX};
	else
		pull_tell(pulls, pull, now_ns);
}
