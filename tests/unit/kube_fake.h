/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API client's part in unit tests of the sinks and of the source: kube_call itself and the watch, linked in
 * the client's place. Each call is kept until the test answers it; the test says what the watch tells.
 */
#pragma once

#include "client/kube/kube.h"
#include "client/kube/kube_watch.h"

struct fake_call {
	enum kube_verb verb;
	char path[512];
	char *body; /* compact JSON, "" if none */
	uint64_t at_ns;
	kube_reply_fn on_reply;
	void *context;
	bool answered;
};

#define FAKE_CALLS_MAX 256

struct fake_kube {
	struct fake_call calls[FAKE_CALLS_MAX];
	int count;
	kube_watch_fn on_step; /* the watch's; NULL: there is none */
	void *watch_context;
	int hurried;
	int refuse; /* what kube_call returns instead, 0: it takes calls */
};

extern struct fake_kube fake;

/* The sinks' struct kube: never looked into. */
struct kube *fake_open(void);
void fake_close(void);

void fake_answer(int index, int status, const char *reason, const char *message,
		 uint32_t retry_after_ms, json_t *body);

/* One step of the watch; takes object over. */
void fake_step(enum kube_watch_step step, json_t *object, bool listed);

/* Runs the loop for so long. */
void fake_run(sd_event *loop, uint64_t ms);
/* Runs it until there were so many calls; false after two seconds. */
bool fake_run_until(sd_event *loop, int count);
/* Not answered yet. */
int fake_under_way(void);
