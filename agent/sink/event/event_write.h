/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One write of one Event: by POST the first time, then by PATCH of its series, and what the answer means. No
 * policy: when, in which order and how often is the pump's (kube_event_sink.c).
 */
#pragma once

#include "client/kube/kube.h"
#include "store/store.h"

/* create: POST, with the series if it counts more than 1; else PATCH. Returns as kube_call; -EBADMSG: its body. */
int event_write(struct kube *kube, const struct outbox_item *item, bool create,
		kube_reply_fn on_reply, void *context);

enum event_answer {
	EVENT_WRITTEN,
	EVENT_THERE,	 /* POST: an earlier try got through after all */
	EVENT_EXPIRED,	 /* PATCH: the server keeps Events for an hour only */
	EVENT_FORBIDDEN, /* 403: may be over once a starting server has read its rules */
	EVENT_REFUSED,	 /* for good: the namespace is gone or ends, or the Event is invalid */
	EVENT_FAILED,	 /* no answer, or one for now */
};

enum event_answer event_write_answer(const struct kube_reply *reply, bool create);
