/* SPDX-License-Identifier: Apache-2.0 */
#include "client/unit_state.h"

#include <errno.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>

#include "base/text.h"

struct unit_question {
	sd_bus *bus;
	sd_event_source *timer;
	unit_state_fn on_answer;
	void *context;
};

static void answer(struct unit_question *question, int status, const struct unit_state *units,
		   size_t count)
{
	unit_state_fn on_answer = question->on_answer;

	question->on_answer = NULL;
	sd_event_source_set_enabled(question->timer, SD_EVENT_OFF);
	if (on_answer)
		on_answer(question->context, status, units, count);
}

/* a(ssssssouso): name, description, load, active, sub, followed, path, job, its type and path */
static int read_units(sd_bus_message *message, struct unit_state *ret, size_t *ret_count)
{
	const char *name, *load, *active, *sub;
	int r = sd_bus_message_enter_container(message, 'a', "(ssssssouso)");

	*ret_count = 0;
	while (r >= 0 && *ret_count < UNIT_STATES_MAX) {
		r = sd_bus_message_read(message, "(ssssssouso)", &name, NULL, &load, &active, &sub,
					NULL, NULL, NULL, NULL, NULL);
		if (r <= 0)
			break;
		struct unit_state *unit = &ret[(*ret_count)++];

		TEXT_COPY(unit->name, name);
		TEXT_COPY(unit->load, load);
		TEXT_COPY(unit->active, active);
		TEXT_COPY(unit->sub, sub);
	}
	return r < 0 ? r : 0;
}

static int on_reply(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct unit_state units[UNIT_STATES_MAX] = {0};
	size_t count = 0;
	int r = -sd_bus_message_get_errno(message);

	(void)error;
	if (r == 0)
		r = read_units(message, units, &count);
	answer(context, r, units, r < 0 ? 0 : count);
	return 0;
}

/* The call has a deadline of its own, but not the bus' welcome before it. */
static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
	(void)source;
	(void)usec;
	answer(context, -ETIMEDOUT, NULL, 0);
	return 0;
}

static int call(struct unit_question *question, const char *const *names)
{
	sd_bus_message *message = NULL;
	int r = sd_bus_message_new_method_call(
		question->bus, &message, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
		"org.freedesktop.systemd1.Manager", "ListUnitsByNames");

	if (r >= 0) /* systemd must not be started by our question */
		r = sd_bus_message_set_auto_start(message, false);
	if (r >= 0)
		r = sd_bus_message_append_strv(message, (char **)names);
	if (r >= 0)
		r = sd_bus_call_async(question->bus, NULL, message, on_reply, question, 0);
	sd_bus_message_unref(message);
	return r;
}

int unit_state_ask(struct unit_question **ret, sd_event *loop, const char *const *names,
		   uint32_t deadline_ms, unit_state_fn on_answer, void *context)
{
	struct unit_question *question = calloc(1, sizeof(*question));

	if (!question)
		return -ENOMEM;
	question->on_answer = on_answer;
	question->context = context;
	int r = sd_event_add_time_relative(loop, &question->timer, CLOCK_MONOTONIC,
					   deadline_ms * UINT64_C(1000), 0, on_timer, question);

	if (r >= 0)
		r = sd_bus_open_system(&question->bus);
	if (r >= 0)
		r = sd_bus_attach_event(question->bus, loop, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = call(question, names);
	if (r < 0) {
		unit_state_free(question);
		return r;
	}
	*ret = question;
	return 0;
}

void unit_state_free(struct unit_question *question)
{
	if (!question)
		return;
	question->on_answer = NULL;
	sd_event_source_disable_unref(question->timer);
	if (question->bus)
		sd_bus_detach_event(question->bus);
	sd_bus_close_unref(question->bus);
	free(question);
}
