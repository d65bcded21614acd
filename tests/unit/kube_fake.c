/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/kube_fake.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

struct fake_kube fake;

struct kube *fake_open(void)
{
	fake_close();
	return (struct kube *)&fake;
}

void fake_close(void)
{
	for (int i = 0; i < fake.count; i++)
		free(fake.calls[i].body);
	fake = (struct fake_kube){0};
}

/* weak: a test of the client itself, which shares this library, gets the client's own */
__attribute__((weak)) int kube_call(struct kube *kube, const struct kube_request *request,
				    kube_reply_fn on_reply, void *context)
{
	struct fake_call *call = &fake.calls[fake.count];

	(void)kube;
	if (fake.refuse)
		return fake.refuse;
	if (fake.count == FAKE_CALLS_MAX)
		abort(); /* a hot loop */
	fake.count++;
	*call = (struct fake_call){.verb = request->verb,
				   .at_ns = clock_boot_ns(),
				   .on_reply = on_reply,
				   .context = context};
	TEXT_COPY(call->path, request->path);
	call->body = request->body ? json_dumps(request->body, JSON_COMPACT) : strdup("");
	return 0;
}

void fake_answer(int index, int status, const char *reason, const char *message,
		 uint32_t retry_after_ms, json_t *body)
{
	struct fake_call *call = &fake.calls[index];
	struct kube_reply reply = {.status = status,
				   .retry_after_ms = retry_after_ms,
				   .reason = reason,
				   .message = message,
				   .body = body};

	if (index >= fake.count || call->answered)
		abort();
	call->answered = true;
	call->on_reply(call->context, &reply);
	json_decref(body);
}

__attribute__((weak)) int kube_watch_new(struct kube_watch **ret, struct kube *kube,
					 const struct kube_watch_options *options,
					 kube_watch_fn on_step, void *context)
{
	(void)kube;
	(void)options;
	fake.on_step = on_step;
	fake.watch_context = context;
	*ret = (struct kube_watch *)&fake;
	return 0;
}

__attribute__((weak)) void kube_watch_free(struct kube_watch *watch)
{
	(void)watch;
	fake.on_step = NULL;
}

__attribute__((weak)) void kube_watch_hurry(struct kube_watch *watch)
{
	(void)watch;
	fake.hurried++;
}

void fake_step(enum kube_watch_step step, json_t *object, bool listed)
{
	fake.on_step(fake.watch_context, step, object, listed, "");
	json_decref(object);
}

void fake_run(sd_event *loop, uint64_t ms)
{
	uint64_t end_ns = clock_boot_ns() + ms * NS_PER_MS;

	while (clock_boot_ns() < end_ns)
		sd_event_run(loop, 1000);
}

bool fake_run_until(sd_event *loop, int count)
{
	for (int i = 0; i < 2000 && fake.count < count; i++)
		sd_event_run(loop, 1000);
	return fake.count >= count;
}

int fake_under_way(void)
{
	int count = 0;

	for (int i = 0; i < fake.count; i++)
		count += !fake.calls[i].answered;
	return count;
}
