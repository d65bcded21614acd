/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a pod, and the Events that become of them. */
#pragma once

#include <jansson.h>

#include "sink/event/kube_event.h"
#include "unit/store_fixture.h"

#define UID  "0f0f0f0f-1111-2222-3333-444444444444"
#define WALL INT64_C(1795414320000000000) /* 2026-11-23T06:12:00Z */

extern const struct kube_event_rules event_rules;

/* Of shop/web-0, container app, at WALL and a bit. */
struct record event_record(enum record_type type);
struct record event_death(enum exit_verdict verdict, int code, int number);
struct record event_kill(bool init);

/* The Event, or NULL if there is none. */
json_t *event_in(const struct record *record, const char *boot_id, uint64_t now_ns,
		 struct outbox_entry *entry);
json_t *event_of(const struct record *record);

/* A member's text, "" where it is none. */
const char *event_text(const json_t *json, const char *name);

void event_expect(struct record record, const char *reason, const char *type, const char *note);
void event_expect_none(struct record record);
