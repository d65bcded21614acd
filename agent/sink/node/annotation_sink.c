/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/node/annotation_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "sink/event/kube_name.h"
#include "sink/node/node_apply.h"
#include "sink/node/node_boots.h"
#include "sink/node/node_summary.h"

#define INTERVAL_NS   (30 * NS_PER_SECOND)
#define RETRY_MOST_NS (300 * NS_PER_SECOND)
/* What follows at once on a change goes with it. */
#define GATHER_NS (100 * NS_PER_MS)
#define DAY_NS	  (UINT64_C(86400) * NS_PER_SECOND)
/* After so many writes in a row, each as soon as it might be, the pause between them doubles, up to the last. */
#define ROW_MAX	      4
#define PAUSE_MOST_NS (300 * NS_PER_SECOND)
/* So many of the latest records of a type are read at start. */
#define REBUILD_MAX 5000

enum step { IDLE, READING, WRITING };

struct annotation_sink {
	struct kube *kube;
	const char *node_name, *prefix;
	uint64_t interval_ns, pause_most_ns, retry_most_ns;
	struct node_summary *summary;
	sd_event_source *timer;
	uint64_t armed_ns; /* UINT64_MAX: off */
	enum step step;
	bool read; /* the Node was looked at */
	char uid[64];
	char known[SUMMARY_LINE_COUNT][SUMMARY_LINE_SIZE];   /* what the server has */
	char sending[SUMMARY_LINE_COUNT][SUMMARY_LINE_SIZE]; /* under way */
	uint64_t write_ns, next_write_ns, pause_ns;
	uint32_t in_a_row;
	struct backoff backoff;
	struct annotation_sink_stats stats;
};

static int64_t wall_now(void)
{
	return (int64_t)clock_boot_ns() + clock_wall_offset_ns();
}

static void arm(struct annotation_sink *sink, uint64_t due_ns)
{
	if (due_ns == sink->armed_ns)
		return;
	sink->armed_ns = due_ns;
	if (due_ns == UINT64_MAX) {
		sd_event_source_set_enabled(sink->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(sink->timer, due_ns / 1000 + 1);
	sd_event_source_set_enabled(sink->timer, SD_EVENT_ONESHOT);
}

/* Something may have changed: looks when it may be written, at once if it is long ago. */
static void wake(struct annotation_sink *sink, uint64_t due_ns)
{
	if (due_ns < sink->next_write_ns)
		due_ns = sink->next_write_ns;
	if (due_ns < sink->backoff.until_ns)
		due_ns = sink->backoff.until_ns;
	if (sink->step == IDLE && due_ns < sink->armed_ns)
		arm(sink, due_ns);
}

/* When a line will have aged. */
static void wait_for_age(struct annotation_sink *sink)
{
	int64_t now_wall_ns = wall_now();
	int64_t next = node_summary_next_wall_ns(sink->summary, now_wall_ns);

	if (next != INT64_MAX)
		wake(sink, clock_boot_ns() + (uint64_t)(next - now_wall_ns) + GATHER_NS);
}

/* Returns true if a line differs from what the server has. */
static bool render(struct annotation_sink *sink)
{
	int64_t now_wall_ns = wall_now();
	bool differs = false;

	node_summary_clock(sink->summary, clock_wall_offset_ns());
	for (enum summary_line line = 0; line < SUMMARY_LINE_COUNT; line++) {
		node_summary_line(sink->summary, line, now_wall_ns, sink->sending[line]);
		differs |= strcmp(sink->sending[line], sink->known[line]) != 0;
	}
	return differs;
}

static void look(struct annotation_sink *sink);

static void failed(struct annotation_sink *sink, int status, const char *why, uint64_t least_ns)
{
	sink->step = IDLE;
	sink->stats.failed++;
	if (sink->backoff.failures == 0)
		log_warning("the node's annotations can't be written: tried again",
			    LOG_TEXT("node", sink->node_name), LOG_NUMBER("status", status),
			    LOG_TEXT("why", why));
	sink->stats.status = status;
	sink->read = false; /* it may have been made anew, with another uid */
	backoff_failed(&sink->backoff, clock_boot_ns(), least_ns, sink->retry_most_ns);
	wake(sink, 0);
}

/* A fleet in which something happens all the time must not flood its API server. */
static void pause_writing(struct annotation_sink *sink, uint64_t now_ns)
{
	bool waited = sink->next_write_ns && now_ns < sink->next_write_ns + sink->pause_ns / 2;

	sink->in_a_row = waited ? sink->in_a_row + 1 : 0;
	if (!sink->in_a_row)
		sink->pause_ns = sink->interval_ns;
	else if (sink->in_a_row >= ROW_MAX && 2 * sink->pause_ns <= sink->pause_most_ns)
		sink->pause_ns *= 2;
	sink->write_ns = now_ns;
	/* so that the agents of a cluster don't fall into step */
	sink->next_write_ns = now_ns + sink->pause_ns + backoff_chance(sink->pause_ns / 8);
}

static void on_written(void *context, const struct kube_reply *reply)
{
	struct annotation_sink *sink = context;
	uint64_t now_ns = clock_boot_ns();

	if (!kube_reply_ok(reply)) {
		failed(sink, reply->status, reply->message, reply->retry_after_ms * NS_PER_MS);
		return;
	}
	if (sink->backoff.failures)
		log_info("the node's annotations are written again",
			 LOG_NUMBER("failures", sink->backoff.failures));
	backoff_over(&sink->backoff);
	memcpy(sink->known, sink->sending, sizeof(sink->known));
	sink->step = IDLE;
	sink->stats.written++;
	sink->stats.status = 0;
	sink->stats.last_write_wall_ns = wall_now();
	pause_writing(sink, now_ns);
	if (render(sink))
		wake(sink, 0);
	else
		wait_for_age(sink);
}

static void write_lines(struct annotation_sink *sink)
{
	json_auto_t *annotations = json_object();
	char name[KUBE_NAME_SIZE + 32];

	for (enum summary_line line = 0; line < SUMMARY_LINE_COUNT; line++) {
		if (!*sink->sending[line])
			continue; /* the server removes what is not applied any more */
		snprintf(name, sizeof(name), "%s/%s", sink->prefix, summary_line_name(line));
		json_object_set_new(annotations, name, json_string(sink->sending[line]));
	}
	sink->step = WRITING;
	int r = node_apply_write(sink->kube, sink->node_name, sink->uid, annotations, on_written,
				 sink);

	if (r < 0)
		failed(sink, r, log_errno_text(r), 0);
}

static void on_read(void *context, const struct kube_reply *reply)
{
	struct annotation_sink *sink = context;

	/* 403: it may not be read; then it can't be made either */
	if (!kube_reply_ok(reply) && reply->status != 403) {
		failed(sink, reply->status, reply->message, reply->retry_after_ms * NS_PER_MS);
		return;
	}
	sink->read = true;
	TEXT_COPY(sink->uid, kube_reply_ok(reply) ? node_apply_uid(reply) : "");
	render(sink);
	write_lines(sink);
}

static void look(struct annotation_sink *sink)
{
	if (sink->step != IDLE)
		return; /* looked at again when that is over */
	if (!render(sink)) {
		wait_for_age(sink);
		return;
	}
	if (sink->read) {
		write_lines(sink);
		return;
	}
	sink->step = READING;
	int r = node_apply_read(sink->kube, sink->node_name, on_read, sink);

	if (r < 0)
		failed(sink, r, log_errno_text(r), 0);
}

static int on_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	struct annotation_sink *sink = context;

	(void)source;
	(void)time_us;
	sink->armed_ns = UINT64_MAX;
	look(sink);
	return 0;
}

void annotation_sink_record(struct annotation_sink *sink, const struct record *record)
{
	node_summary_record(sink->summary, record);
	/* what people wait for after a boot does not wait for a long pause */
	if (record->type == RECORD_BOOT && record->final &&
	    sink->next_write_ns > sink->write_ns + sink->interval_ns) {
		sink->next_write_ns = sink->write_ns + sink->interval_ns;
		if (sink->step == IDLE)
			arm(sink, UINT64_MAX);
	}
	wake(sink, clock_boot_ns() + GATHER_NS);
}

void annotation_sink_hurry(struct annotation_sink *sink)
{
	if (!sink->backoff.failures)
		return;
	sink->backoff.until_ns = 0;
	wake(sink, clock_boot_ns() + GATHER_NS);
}

static int take_row(void *context, const char *boot_id, const struct record *record)
{
	(void)boot_id;
	node_summary_record(context, record);
	return 0;
}

static int rebuild_boot(struct annotation_sink *sink, struct store *store, const char *boot_id)
{
	struct boot_history earlier;
	struct record own;
	int r = node_boots_read(store, boot_id, &earlier, &own);

	node_summary_earlier(sink->summary, &earlier);
	if (own.type)
		node_summary_record(sink->summary, &own);
	return r;
}

static void rebuild(struct annotation_sink *sink, struct store *store, const char *boot_id)
{
	static const struct store_query queries[] = {
		{.type = RECORD_START, .order = STORE_LONGEST_FIRST, .limit = 100},
		{.type = RECORD_OOM, .limit = REBUILD_MAX},
		{.type = RECORD_EXIT, .limit = REBUILD_MAX},
		{.type = RECORD_GAP, .limit = REBUILD_MAX},
	};
	int r = rebuild_boot(sink, store, boot_id);

	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries) && r == 0; i++) {
		struct store_query query = queries[i];

		query.since_wall_ns = wall_now() - (int64_t)DAY_NS;
		r = store_query(store, &query, take_row, sink->summary);
	}
	if (r < 0)
		log_debug("the annotations begin without the records of before", LOG_ERRNO(r));
}

int annotation_sink_new(struct annotation_sink **ret, sd_event *loop,
			const struct annotation_sink_options *options, struct store *store)
{
	struct annotation_sink *sink;
	int r;

	if (!kube_name_valid(options->prefix))
		return -EINVAL;
	sink = calloc(1, sizeof(*sink));
	if (!sink)
		return -ENOMEM;
	sink->kube = options->kube;
	sink->node_name = options->node_name;
	sink->prefix = options->prefix;
	sink->interval_ns = options->interval_ns ?: INTERVAL_NS;
	sink->pause_ns = sink->interval_ns;
	sink->pause_most_ns = options->pause_most_ns ?: PAUSE_MOST_NS;
	sink->retry_most_ns = options->retry_most_ns ?: RETRY_MOST_NS;
	sink->armed_ns = UINT64_MAX;
	sink->summary = node_summary_new(NODEWAKE_VERSION, wall_now());
	r = sink->summary
		    ? sd_event_add_time(loop, &sink->timer, CLOCK_BOOTTIME, 0, 1000, on_timer, sink)
		    : -ENOMEM;
	if (r < 0) {
		annotation_sink_free(sink);
		return r;
	}
	sd_event_source_set_enabled(sink->timer, SD_EVENT_OFF);
	rebuild(sink, store, options->boot_id);
	/* soon, but not all nodes of a rollout at once */
	wake(sink, clock_boot_ns() + GATHER_NS + backoff_chance(NS_PER_SECOND));
	*ret = sink;
	return 0;
}

void annotation_sink_free(struct annotation_sink *sink)
{
	if (!sink)
		return;
	sd_event_source_disable_unref(sink->timer);
	node_summary_free(sink->summary);
	free(sink);
}

void annotation_sink_stats(const struct annotation_sink *sink, struct annotation_sink_stats *ret)
{
	*ret = sink->stats;
}
