/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request at a time: pages of a list, then a stream from the list's resourceVersion. Each end leads
 * to the next request, at once or after a pause; the one timer is the pause, or how long an answer may
 * take to begin. Protocol: kubernetes.io/docs/reference/using-api/api-concepts, "Efficient detection of
 * changes".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "client/kube/kube_private.h"
#include "client/kube/kube_watch_private.h"
#include "client/kube/kube_wire.h"

#define PAGE		100
#define PAGES_MAX	1000 /* a list that does not end */
#define LIST_MS		30000u
#define BEGIN_MS	15000u
#define STREAM_S	270 /* and up to a minute more, so that not all nodes come back together */
#define STREAM_JITTER_S 60
#define RETRY_MOST_NS	(30 * NS_PER_SECOND)
#define LIVED_NS	(10 * NS_PER_SECOND)
/* Resumed so often without an object or a bookmark, a stream is listed anew. */
#define REFUSED_MAX 3

struct kube_watch {
	struct kube *kube;
	struct kube_watch_options options; /* its texts are owned */
	kube_watch_fn on_step;
	void *context;

	struct http_request *request;
	struct kube_wire *wire;
	sd_event_source *timer;
	unsigned int busy; /* within a callback of ours: freeing waits */
	bool freed;

	char *version; /* resourceVersion to watch from; NULL: list */
	char *next_page;
	unsigned int pages;
	bool fresh; /* the list must not be older than what we have seen */

	bool up, down_told, retried;
	uint64_t began_ns; /* the stream under way; 0: not yet */
	uint32_t asked_s;  /* for how long */
	struct backoff backoff;
	unsigned int refused;
	char why[KUBE_WHY_TEXT_SIZE]; /* the ERROR event's */
};

static void destroy(struct kube_watch *watch)
{
	http_cancel(watch->request);
	sd_event_source_disable_unref(watch->timer);
	kube_wire_free(watch->wire);
	free((char *)watch->options.path);
	free((char *)watch->options.selector);
	free(watch->version);
	free(watch->next_page);
	free(watch);
}

static void enter(struct kube_watch *watch)
{
	watch->busy++;
}

static void leave(struct kube_watch *watch)
{
	if (--watch->busy == 0 && watch->freed)
		destroy(watch);
}

static int tell(struct kube_watch *watch, enum kube_watch_step step, json_t *object,
		const char *why)
{
	if (!watch->freed)
		watch->on_step(watch->context, step, object, object && !watch->version, why);
	return watch->freed ? -ECANCELED : 0;
}

static void set_timer(struct kube_watch *watch, uint32_t delay_ms)
{
	sd_event_source_set_time_relative(watch->timer, delay_ms * UINT64_C(1000));
	sd_event_source_set_enabled(watch->timer, SD_EVENT_ONESHOT);
}

static void forget_version(struct kube_watch *watch)
{
	free(watch->version);
	watch->version = NULL;
	watch->fresh = true;
	watch->refused = 0;
}

static bool lived(const struct kube_watch *watch, uint64_t for_ns)
{
	return watch->began_ns && clock_boot_ns() - watch->began_ns >= for_ns;
}

/* The request has ended: whatever comes next begins with nothing half read. */
static void close_request(struct kube_watch *watch)
{
	kube_note_skipped(watch->kube, kube_wire_skipped(watch->wire));
	kube_wire_free(watch->wire);
	watch->wire = NULL;
	watch->began_ns = 0;
}

static void fail(struct kube_watch *watch, const char *why, uint32_t retry_after_ms)
{
	if (lived(watch, LIVED_NS))
		backoff_over(&watch->backoff);
	close_request(watch);
	kube_note_restart(watch->kube);
	free(watch->next_page);
	watch->next_page = NULL;
	watch->pages = 0;
	watch->up = false;
	uint64_t now_ns = clock_boot_ns();
	backoff_failed(&watch->backoff, now_ns, retry_after_ms * NS_PER_MS, RETRY_MOST_NS);
	set_timer(watch, (uint32_t)((watch->backoff.until_ns - now_ns) / NS_PER_MS));
	if (!watch->down_told) {
		watch->down_told = true;
		tell(watch, KUBE_WATCH_DOWN, NULL, why);
	}
}

static int set_version(struct kube_watch *watch, const json_t *object)
{
	const char *version = json_string_value(
		json_object_get(json_object_get(object, "metadata"), "resourceVersion"));
	char *copy = version && *version ? strdup(version) : NULL;

	if (!copy)
		return version && *version ? -ENOMEM : -EBADMSG;
	free(watch->version);
	watch->version = copy;
	watch->refused = 0;
	return 0;
}

static int come_up(struct kube_watch *watch)
{
	if (watch->up)
		return 0;
	bool was_down = watch->down_told;

	watch->up = true;
	watch->down_told = false;
	return was_down ? tell(watch, KUBE_WATCH_UP, NULL, "") : 0;
}

/* 410 Expired comes as HTTP status or, from the watch cache, as an event; here the event. */
static int on_error_event(struct kube_watch *watch, const json_t *status)
{
	const char *message = json_string_value(json_object_get(status, "message"));

	TEXT_COPY(watch->why, message ?: "the server ended the stream with an error");
	return json_integer_value(json_object_get(status, "code")) == 410 ? -ESTALE : -EREMOTEIO;
}

static int on_event(void *context, json_t *event)
{
	struct kube_watch *watch = context;
	const char *type = json_string_value(json_object_get(event, "type"));
	json_t *object = json_object_get(event, "object");

	if (!type || !json_is_object(object))
		return -EBADMSG;
	if (strcmp(type, "ERROR") == 0)
		return on_error_event(watch, object);
	int r = come_up(watch);

	if (r == 0)
		r = set_version(watch, object);
	if (r < 0)
		return r;
	if (strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0)
		return tell(watch, KUBE_WATCH_OBJECT, object, "");
	if (strcmp(type, "DELETED") == 0)
		return tell(watch, KUBE_WATCH_DELETED, object, "");
	return 0; /* BOOKMARK, and what may come one day */
}

static int on_item(void *context, json_t *item)
{
	return tell(context, KUBE_WATCH_OBJECT, item, "");
}

static int on_data(void *context, const char *bytes, size_t size)
{
	struct kube_watch *watch = context;

	enter(watch);
	int r = kube_wire_feed(watch->wire, bytes, size);

	leave(watch);
	return r;
}

/* UP waits a moment: a stream from too old a version begins well, with the error as its first event. */
static void on_begin(void *context)
{
	struct kube_watch *watch = context;

	enter(watch);
	watch->began_ns = clock_boot_ns();
	watch->retried = false;
	kube_note_begin(watch->kube);
	if (watch->version)
		set_timer(watch, 500);
	else
		sd_event_source_set_enabled(watch->timer, SD_EVENT_OFF);
	if (!watch->version && !watch->next_page)
		tell(watch, KUBE_WATCH_LIST, NULL, "");
	leave(watch);
}

static void start(struct kube_watch *watch);

/* Returns whether the answer was dealt with: what is left is a failure. */
static bool end_list(struct kube_watch *watch, struct http_answer *answer)
{
	json_t *rest = NULL;
	int r = answer->status == 200 ? kube_wire_rest(watch->wire, &rest) : -EBADMSG;

	if (answer->status != 200)
		return false;
	const char *next =
		json_string_value(json_object_get(json_object_get(rest, "metadata"), "continue"));
	char *copy = next && *next ? strdup(next) : NULL;

	if (r == 0 && next && *next && (!copy || ++watch->pages > PAGES_MAX))
		r = -EBADMSG;
	free(watch->next_page);
	watch->next_page = copy;
	if (r == 0 && !copy)
		r = set_version(watch, rest);
	json_decref(rest);
	answer->status = r < 0 ? r : answer->status;
	if (r < 0)
		return false;
	if (copy) {
		close_request(watch);
		start(watch);
		return true;
	}
	watch->pages = 0;
	watch->fresh = true;
	watch->up = true;
	watch->down_told = false;
	close_request(watch);
	if (tell(watch, KUBE_WATCH_LISTED, NULL, "") == 0)
		start(watch);
	return true;
}

/* A stream that lasted about as long as it was asked for has ended well. */
static bool end_stream(struct kube_watch *watch, const struct http_answer *answer)
{
	if (answer->status != 200 || !lived(watch, watch->asked_s * NS_PER_SECOND * 3 / 4))
		return false;
	backoff_over(&watch->backoff);
	close_request(watch);
	kube_note_restart(watch->kube);
	start(watch);
	return true;
}

static void on_end(void *context, const struct http_answer *told)
{
	struct kube_watch *watch = context;
	struct http_answer answer = *told;
	char text[KUBE_WHY_TEXT_SIZE];

	enter(watch);
	watch->request = NULL;
	kube_note(watch->kube, &answer);
	if (answer.status == 401 && !watch->retried) {
		watch->retried = true;
		close_request(watch);
		start(watch);
	} else if (watch->version ? !end_stream(watch, &answer) : !end_list(watch, &answer)) {
		if (answer.status == 410 || answer.status == -ESTALE ||
		    (kube_watch_is_refusal(answer.status) && ++watch->refused >= REFUSED_MAX))
			forget_version(watch);
		kube_watch_why(&answer, watch->why, text);
		fail(watch, text, kube_retry_after_ms(&answer));
	}
	leave(watch);
}

/*
 * The first list may come from the server's cache (resourceVersion=0), as the kubelet's does: thousands of
 * nodes that start together would else read all pods from etcd each. Later ones must not go back in time.
 */
static int make_path(struct kube_watch *watch, char **ret)
{
	if (watch->version)
		return kube_watch_stream_path(ret, &watch->options, watch->version, watch->asked_s);
	return kube_watch_list_path(ret, &watch->options, watch->fresh ? NULL : "0",
				    watch->next_page);
}

static int open_request(struct kube_watch *watch)
{
	cleanup_free char *path = NULL;
	bool stream = watch->version;
	int r;

	watch->asked_s =
		watch->options.stream_s ?: STREAM_S + (uint32_t)(clock_boot_ns() % STREAM_JITTER_S);
	r = kube_wire_new(&watch->wire, stream ? KUBE_WIRE_LINES : KUBE_WIRE_LIST,
			  stream ? on_event : on_item, watch);
	if (r == 0)
		r = make_path(watch, &path);
	if (r < 0)
		return r;
	/* a server that does not end a stream in time is dead */
	return kube_open(
		watch->kube,
		&(struct kube_open){
			.verb = KUBE_GET,
			.path = path,
			.deadline_ms = stream ? (watch->asked_s + watch->asked_s / 10 + 5) * 1000
					      : LIST_MS,
			.on_begin = on_begin,
			.on_data = on_data,
			.on_end = on_end,
			.context = watch,
		},
		&watch->request);
}

static void start(struct kube_watch *watch)
{
	int r = open_request(watch);

	if (r == 0)
		set_timer(watch, BEGIN_MS);
	else
		fail(watch, r == -ENOMEM ? "no memory" : "the credentials can't be read", 0);
}

static int on_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	struct kube_watch *watch = context;

	(void)source;
	(void)time_us;
	enter(watch);
	if (watch->request && watch->began_ns) {
		come_up(watch);
	} else if (watch->request) {
		http_expire(watch->request);
		watch->request = NULL;
		kube_note_silence(watch->kube);
		fail(watch, "the server does not answer", 0);
	} else {
		start(watch);
	}
	leave(watch);
	return 0;
}

int kube_watch_new(struct kube_watch **ret, struct kube *kube,
		   const struct kube_watch_options *options, kube_watch_fn on_step, void *context)
{
	struct kube_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->kube = kube;
	watch->on_step = on_step;
	watch->context = context;
	watch->options = *options;
	watch->options.page = options->page ?: PAGE;
	watch->options.path = strdup(options->path);
	watch->options.selector = options->selector ? strdup(options->selector) : NULL;
	int r = watch->options.path && (watch->options.selector || !options->selector) ? 0
										       : -ENOMEM;

	if (r == 0)
		r = sd_event_add_time_relative(kube_loop(kube), &watch->timer, CLOCK_BOOTTIME, 0,
					       1000, on_timer, watch);
	if (r < 0) {
		destroy(watch);
		return r;
	}
	*ret = watch;
	return 0;
}

void kube_watch_free(struct kube_watch *watch)
{
	if (!watch)
		return;
	watch->freed = true;
	if (!watch->busy)
		destroy(watch);
}

void kube_watch_hurry(struct kube_watch *watch)
{
	if (watch->request || watch->freed)
		return;
	backoff_over(&watch->backoff);
	set_timer(watch, 0);
}

bool kube_watch_up(const struct kube_watch *watch)
{
	return watch->up;
}
