/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/event/event_write.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sink/event/kube_event.h"

#define SERIES_MAX INT32_MAX /* its type in the API */

static json_t *series_of(const struct outbox_item *item)
{
	char time[WALL_TEXT_SIZE];

	clock_wall_text(item->last_wall_ns, 6, time);
	return json_pack("{s:I, s:s}", "count",
			 (json_int_t)(item->count < SERIES_MAX ? item->count : SERIES_MAX),
			 "lastObservedTime", time);
}

/* A new Event may have a series at once, if it counts 2 or more (validateV1EventSeries). */
int event_write(struct kube *kube, const struct outbox_item *item, bool create,
		kube_reply_fn on_reply, void *context)
{
	json_auto_t *event = json_loads(item->body, 0, NULL);
	json_auto_t *patch = NULL;
	char path[256 + OUTBOX_NAME_SIZE];
	const char *space =
		json_string_value(json_object_get(json_object_get(event, "metadata"), "namespace"));
	int length = space ? snprintf(path, sizeof(path), KUBE_EVENTS_OF, space) : -1;

	if (length < 0)
		return -EBADMSG;
	if (!create) {
		snprintf(path + length, sizeof(path) - (size_t)length, "/%s", item->name);
		patch = json_pack("{s:o}", "series", series_of(item));
	} else if (item->count > 1) {
		json_object_set_new(event, "series", series_of(item));
	}
	return kube_call(kube,
			 &(struct kube_request){
				 .verb = create ? KUBE_POST : KUBE_MERGE,
				 .path = path,
				 .body = create ? event : patch,
			 },
			 on_reply, context);
}

enum event_answer event_write_answer(const struct kube_reply *reply, bool create)
{
	if (kube_reply_ok(reply))
		return EVENT_WRITTEN;
	if (reply->status < 400 || reply->status >= 500 || !*reply->reason)
		return EVENT_FAILED; /* without a reason it is not the API server that answers */
	switch (reply->status) {
	case 401: /* the token is being renewed */
	case 408:
	case 429:
		return EVENT_FAILED;
	case 403:
		return strstr(reply->message, "being terminated") ? EVENT_REFUSED : EVENT_FORBIDDEN;
	case 404:
		return create ? EVENT_REFUSED : EVENT_EXPIRED;
	case 409:
		return create && strcmp(reply->reason, "AlreadyExists") == 0 ? EVENT_THERE
									     : EVENT_FAILED;
	default:
		return EVENT_REFUSED;
	}
}
