/* SPDX-License-Identifier: Apache-2.0 */
/* What kube.c and kube_watch.c share; nobody else includes it. */
#pragma once

#include "client/http.h"
#include "client/kube/kube.h"

struct kube_open {
	enum kube_verb verb;
	const char *path, *body;
	uint32_t deadline_ms;
	size_t body_max;
	http_begin_fn on_begin;
	http_data_fn on_data;
	http_end_fn on_end;
	void *context;
};

sd_event *kube_loop(const struct kube *kube);

/* One request with the credentials of now. Returns 0 or a negative errno: they can't be read, no memory. */
int kube_open(struct kube *kube, const struct kube_open *what, struct http_request **ret);

/* Every answer's user tells it first: for the statistics, and so that a 401 makes the token be read again. */
void kube_note(struct kube *kube, const struct http_answer *answer);
/* A stream's answer has begun, or did not in time. */
void kube_note_begin(struct kube *kube);
void kube_note_silence(struct kube *kube);
void kube_note_restart(struct kube *kube);
void kube_note_skipped(struct kube *kube, uint64_t objects);

/* Bounded to 5 min. */
uint32_t kube_retry_after_ms(const struct http_answer *answer);
