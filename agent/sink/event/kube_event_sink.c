/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/event/kube_event_sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/fnv.h"
#include "base/log.h"
#include "base/text.h"
#include "sink/event/event_queue.h"
#include "sink/event/event_write.h"
#include "sink/node/node_boots.h"

#define CALLS_MAX     4
#define SERIES_GAP_NS (UINT64_C(1800) * NS_PER_SECOND)
#define RETRY_MOST_NS (30 * NS_PER_SECOND)
#define FORBIDDEN_NS  (120 * NS_PER_SECOND)
#define FIRST_SINCE   "events-since"

/* All of this agent's writes: 20 a second; one object's: 4 a minute, 12 at once. */
static const struct budget_rate rate_all = {.burst = 40, .refill_ns = NS_PER_SECOND / 20};
static const struct budget_rate rate_object = {.burst = 12, .refill_ns = 15 * NS_PER_SECOND};

struct call {
	struct kube_event_sink *sink;
	bool used;
	int64_t id;
	bool create;
	uint64_t count; /* what the server will know of */
};

struct kube_event_sink {
	struct store *store;
	struct kube *kube;
	struct kube_event_rules rules;
	struct boot_history earlier;
	struct event_budget *budget;
	struct event_queue *queue;
	sd_event_source *fill, *timer;
	struct call calls[CALLS_MAX];
	struct backoff backoff;
	uint64_t retry_most_ns, forbidden_ns;
	uint64_t forbidden_since_ns; /* 0: the latest answer was none */
	int refused_status;	     /* told in the log; 0: none since a success */
	int64_t touched[OUTBOX_BATCH];
	uint32_t touched_count;
	struct kube_event_sink_stats stats;
};

/* --- from the store to the queue --- */

static enum outbox_answer describe(void *context, const char *boot_id, const struct record *record,
				   struct outbox_entry *ret)
{
	const struct kube_event_sink *sink = context;

	return kube_event_describe(&sink->rules, boot_id, record, clock_boot_ns(), ret);
}

static void touched(void *context, int64_t id)
{
	struct kube_event_sink *sink = context;

	if (sink->touched_count < OUTBOX_BATCH)
		sink->touched[sink->touched_count++] = id;
}

static bool is_urgent(const char *body)
{
	json_auto_t *json = json_loads(body, 0, NULL);
	const char *reason = json_string_value(json_object_get(json, "reason"));

	return reason && kube_event_urgent(reason);
}

static void note(struct kube_event_sink *sink, const struct outbox_item *item)
{
	struct queued entry = {
		.id = item->id,
		.object = fnv_text(FNV_BEGIN, item->object),
		.count = item->count,
		.written = item->written,
		.last_wall_ns = item->last_wall_ns,
	};

	if (!event_queue_find(sink->queue, item->id))
		entry.urgent = is_urgent(item->body);
	if (event_queue_note(sink->queue, &entry) < 0)
		log_error("no memory: an Event waits for the next start");
}

/* Pending, or false. The body is the caller's to free. */
static bool read_item(struct kube_event_sink *sink, int64_t id, struct outbox_item *ret)
{
	if (store_outbox_pending(sink->store, id - 1, ret, 1) < 1)
		return false;
	if (ret->id == id)
		return true;
	free(ret->body);
	return false;
}

/* What an earlier run left. */
static void load(struct kube_event_sink *sink)
{
	struct outbox_item items[16];
	int64_t after = 0;
	int count;

	while ((count = store_outbox_pending(sink->store, after, items, 16)) > 0)
		for (int i = 0; i < count; i++) {
			note(sink, &items[i]);
			after = items[i].id;
			free(items[i].body);
		}
}

/* One batch. Returns how many records were done with. */
static int fill(struct kube_event_sink *sink)
{
	const struct store_outbox_policy policy = {
		.early_types = KUBE_EVENT_EARLY,
		.series_gap_ns = SERIES_GAP_NS,
		.describe = describe,
		.touched = touched,
		.context = sink,
	};
	struct outbox_item item;
	int count;

	sink->touched_count = 0;
	count = store_outbox_fill(sink->store, &policy);
	for (uint32_t i = 0; count > 0 && i < sink->touched_count; i++)
		if (read_item(sink, sink->touched[i], &item)) {
			note(sink, &item);
			free(item.body);
		}
	return count;
}

/* --- from the queue to the API server --- */

static void pump(struct kube_event_sink *sink);

static void failed(struct kube_event_sink *sink, struct queued *entry, uint64_t least_ns)
{
	uint64_t now_ns = clock_boot_ns();

	event_queue_failed(sink->queue, entry);
	sink->stats.failed++;
	if (now_ns >= sink->backoff.until_ns) /* what was under way with it is the same failure */
		backoff_failed(&sink->backoff, now_ns, least_ns, sink->retry_most_ns);
}

static void log_failure(const struct kube_event_sink *sink, const struct kube_reply *reply)
{
	if (sink->backoff.failures == 0)
		log_warning("the API server does not take Events: they wait",
			    LOG_NUMBER("status", reply->status), LOG_TEXT("why", reply->message));
}

static void written(struct kube_event_sink *sink, struct queued *entry, uint64_t count)
{
	int r = store_outbox_written(sink->store, entry->id, count);

	if (r < 0) /* after a restart it is written once more: harmless */
		log_debug("cannot note that an Event was written", LOG_ERRNO(r));
	event_queue_written(sink->queue, entry, count, clock_boot_ns());
}

static void succeeded(struct kube_event_sink *sink)
{
	if (sink->backoff.failures)
		log_info("the API server takes Events again",
			 LOG_NUMBER("failures", sink->backoff.failures));
	backoff_over(&sink->backoff);
	sink->forbidden_since_ns = 0;
	sink->refused_status = 0;
	sink->stats.last_write_wall_ns = (int64_t)clock_boot_ns() + clock_wall_offset_ns();
}

static void give_up(struct kube_event_sink *sink, struct queued *entry,
		    const struct kube_reply *reply)
{
	if (sink->refused_status != reply->status)
		log_warning("the API server refuses an Event: given up",
			    LOG_NUMBER("status", reply->status), LOG_TEXT("why", reply->message));
	sink->refused_status = reply->status;
	sink->stats.given_up++;
	written(sink, entry, entry->count);
}

/* True if it has been forbidden for too long to be the server's own start. */
static bool forbidden_for_good(struct kube_event_sink *sink)
{
	uint64_t now_ns = clock_boot_ns();

	if (!sink->forbidden_since_ns)
		sink->forbidden_since_ns = now_ns;
	return now_ns - sink->forbidden_since_ns >= sink->forbidden_ns;
}

static void on_reply(void *context, const struct kube_reply *reply)
{
	struct call *call = context;
	struct kube_event_sink *sink = call->sink;
	struct queued *entry = event_queue_find(sink->queue, call->id);
	enum event_answer answer = event_write_answer(reply, call->create);

	call->used = false;
	if (!entry)
		return;
	if (answer == EVENT_FORBIDDEN)
		answer = forbidden_for_good(sink) ? EVENT_REFUSED : EVENT_FAILED;
	switch (answer) {
	case EVENT_WRITTEN:
		sink->stats.created += call->create;
		sink->stats.updated += !call->create;
		succeeded(sink);
		written(sink, entry, call->count);
		break;
	case EVENT_THERE:
		succeeded(sink);
		written(sink, entry, 1);
		break;
	case EVENT_EXPIRED:
		event_queue_failed(sink->queue, entry);
		entry->written = 0; /* made anew, with its count */
		break;
	case EVENT_REFUSED:
		give_up(sink, entry, reply);
		break;
	default:
		log_failure(sink, reply);
		failed(sink, entry, reply->retry_after_ms * NS_PER_MS);
	}
	pump(sink);
}

static void send(struct kube_event_sink *sink, struct call *call, struct queued *entry)
{
	struct outbox_item item;
	int r;

	if (!read_item(sink, entry->id, &item)) { /* the disk fails */
		failed(sink, entry, 0);
		return;
	}
	*call = (struct call){
		.sink = sink,
		.used = true,
		.id = item.id,
		.create = entry->written == 0, /* an expired one's is 0 here only */
		.count = item.count,
	};
	r = event_write(sink->kube, &item, call->create, on_reply, call);
	free(item.body);
	if (r == 0)
		return;
	call->used = false;
	if (r == -EBADMSG) {
		give_up(sink, entry, &(struct kube_reply){.status = r, .message = "unreadable"});
		return;
	}
	log_failure(sink, &(struct kube_reply){.status = r, .message = log_errno_text(r)});
	failed(sink, entry, 0);
}

static struct call *free_call(struct kube_event_sink *sink)
{
	/* while it fails one try at a time is enough */
	int calls = sink->backoff.failures ? 1 : CALLS_MAX;
	struct call *found = NULL;

	for (int i = 0; i < CALLS_MAX; i++) {
		if (!sink->calls[i].used)
			found = &sink->calls[i];
		else if (--calls == 0)
			return NULL;
	}
	return found;
}

static void arm(struct kube_event_sink *sink, uint64_t due_ns)
{
	if (due_ns == UINT64_MAX) {
		sd_event_source_set_enabled(sink->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(sink->timer, due_ns / 1000 + 1);
	sd_event_source_set_enabled(sink->timer, SD_EVENT_ONESHOT);
}

static void pump(struct kube_event_sink *sink)
{
	struct call *call;

	while ((call = free_call(sink))) {
		uint64_t now_ns = clock_boot_ns(), due_ns;
		struct queued *entry;

		if (now_ns < sink->backoff.until_ns) {
			arm(sink,
			    event_queue_pending(sink->queue) ? sink->backoff.until_ns : UINT64_MAX);
			return;
		}
		entry = event_queue_next(sink->queue, now_ns,
					 (int64_t)now_ns + clock_wall_offset_ns(), &due_ns);
		if (!entry) {
			arm(sink, due_ns);
			return;
		}
		send(sink, call, entry);
	}
}

static int on_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	(void)source;
	(void)time_us;
	pump(context);
	return 0;
}

/* Runs after what else was read now: records that come together are filled in together. */
static int on_fill(sd_event_source *source, void *context)
{
	struct kube_event_sink *sink = context;

	if (fill(sink) <= 0)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	pump(sink);
	return 0;
}

void kube_event_sink_wake(struct kube_event_sink *sink)
{
	sd_event_source_set_enabled(sink->fill, SD_EVENT_ON);
}

/* When the first agent with an outbox began on this boot: remembered for those after it. */
static uint64_t first_since(struct store *store, uint64_t now_ns)
{
	uint64_t since_ns;

	if (store_bookmark_get(store, FIRST_SINCE, &since_ns) == 0)
		return since_ns;
	store_bookmark_set(store, FIRST_SINCE, now_ns);
	return now_ns;
}

static int begin(struct kube_event_sink *sink, sd_event *loop)
{
	int r;

	sink->budget = event_budget_new(&rate_all, &rate_object);
	sink->queue = event_queue_new(sink->budget);
	if (!sink->budget || !sink->queue)
		return -ENOMEM;
	r = sd_event_add_defer(loop, &sink->fill, on_fill, sink);
	if (r < 0)
		return r;
	r = sd_event_add_time(loop, &sink->timer, CLOCK_BOOTTIME, 0, 1000, on_timer, sink);
	if (r < 0)
		return r;
	store_outbox_enable(sink->store);
	load(sink);
	kube_event_sink_wake(sink);
	return 0;
}

int kube_event_sink_new(struct kube_event_sink **ret, sd_event *loop,
			const struct kube_event_sink_options *options)
{
	struct kube_event_sink *sink = calloc(1, sizeof(*sink));
	uint64_t now_ns = clock_boot_ns();
	struct record own;

	if (!sink)
		return -ENOMEM;
	sink->store = options->store;
	sink->kube = options->kube;
	sink->retry_most_ns = options->retry_most_ns ?: RETRY_MOST_NS;
	sink->forbidden_ns = options->forbidden_ns ?: FORBIDDEN_NS;
	sink->rules = (struct kube_event_rules){
		.node_name = options->node_name,
		.slow_start_ns = options->slow_start_ns,
		.slow_pull_ns = options->slow_pull_ns,
		.share_log_lines = options->share_log_lines,
		.boot_id = options->boot_id,
		.first_since_ns = first_since(options->store, now_ns),
		.agent_since_ns = now_ns,
		.earlier = &sink->earlier,
	};
	if (node_boots_read(sink->store, options->boot_id, &sink->earlier, &own) < 0)
		log_debug("what boots usually take is not known");
	int r = begin(sink, loop);

	if (r < 0) {
		kube_event_sink_free(sink);
		return r;
	}
	*ret = sink;
	return 0;
}

void kube_event_sink_free(struct kube_event_sink *sink)
{
	if (!sink)
		return;
	sd_event_source_disable_unref(sink->fill);
	sd_event_source_disable_unref(sink->timer);
	event_queue_free(sink->queue);
	event_budget_free(sink->budget);
	free(sink);
}

void kube_event_sink_stats(const struct kube_event_sink *sink, struct kube_event_sink_stats *ret)
{
	*ret = sink->stats;
	ret->pending = event_queue_pending(sink->queue);
}
