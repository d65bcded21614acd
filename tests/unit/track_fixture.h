/* SPDX-License-Identifier: Apache-2.0 */
/* A tracker that keeps what it told, and short ways to make the events of one container. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "track/tracker.h"

#define MS NS_PER_MS
#define S  NS_PER_SECOND

/* Ids as containerd makes them; the tracker treats them as opaque. */
#define SANDBOX	 "5a00000000000000000000000000000000000000000000000000000000000000"
#define WEB	 "c100000000000000000000000000000000000000000000000000000000000000"
#define OTHER	 "c200000000000000000000000000000000000000000000000000000000000000"
#define POD_UID	 "0f0f0f0f-1111-2222-3333-444444444444"

#define TOLD_MAX 4096

struct fixture {
	struct tracker *tracker;
	struct record *told; /* each as it was told, provisional ones included */
	size_t count;
};

void fixture_open(struct fixture *fixture, const struct tracker_settings *settings);
void fixture_close(struct fixture *fixture);

/* The last form of the n-th distinct key of this type; NULL if there are fewer. */
const struct record *fixture_last(const struct fixture *fixture, enum record_type type, size_t n);
/* Distinct keys of this type. */
size_t fixture_count(const struct fixture *fixture, enum record_type type);
const struct record *fixture_find(const struct fixture *fixture, enum record_type type,
				  const char *key);

/* Events; times in ns. */
struct event ev_up(enum source_kind source, uint64_t at);
struct event ev_source(enum source_kind source, enum source_step step, const char *cause,
		       uint64_t at);
struct event ev_cgroup(const char *id, uint64_t cgroup_id, uint64_t at);
struct event ev_exec(enum process_role role, const char *id, uint32_t pid, const char *file,
		     const char *verb, uint64_t at);
struct event ev_exit(enum process_role role, const char *id, uint32_t pid, int code, int signal,
		     uint64_t at);
struct event ev_listen(const char *id, uint16_t port, uint64_t at);
struct event ev_identity(const char *id, const char *sandbox, const char *name, uint64_t at);
struct event ev_status(const char *id, const char *sandbox, const char *name,
		       enum container_state state, uint64_t created, uint64_t started,
		       uint64_t finished, int code, const char *reason);
struct event ev_task(const char *id, enum task_step step, uint32_t pid, uint32_t status,
		     uint64_t at);
struct event ev_rootfs(const char *id, uint64_t at);
struct event ev_oom(const char *id, uint32_t pid, uint32_t invoker, uint64_t at);
struct event ev_gone(const char *id, uint64_t at);
struct event ev_call(enum cri_method method, const char *id, uint64_t began, uint64_t at);

struct event ev_pulled(const char *image, const char *image_id, uint64_t began, uint64_t at);

void feed(struct fixture *fixture, struct event event);
/* The same, read by the agent only at seen_ns. */
void feed_late(struct fixture *fixture, struct event event, uint64_t seen_ns);
/* Lets time pass, ticking whenever the tracker asks for it. */
void pass(struct fixture *fixture, uint64_t until_ns);

/* A whole pod with one container that listens, beginning at t; ends at t + 700 ms. */
#define POD_EVENTS 16
size_t pod_start(struct event *events, uint64_t t);
