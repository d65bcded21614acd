/* SPDX-License-Identifier: Apache-2.0 */
/* A node that boots: its units, milestones and pods as events, gathered in any order and played in time's. */
#pragma once

#include "unit/track_fixture.h"

#define SCRIPT_MAX 2048

struct script {
	struct event *events;
	size_t count;
	bool kubernetes;
	uint64_t runtime_ns; /* the container runtime answers */
	uint64_t begin_ns;   /* the first pod can begin */
};

struct node_plan {
	bool kubernetes;	 /* there is an API server, elsewhere */
	uint64_t wait_online_ns; /* how long systemd-networkd-wait-online takes; 0: 300 ms */
	uint64_t oneshot_ns;	 /* how long a oneshot before containerd takes; 0: there is none */
	uint64_t watched_ns;	 /* when the agent starts; 0: before containerd */
};

struct pod_plan {
	unsigned int n; /* makes its ids */
	const char *name;
	bool fresh;	     /* it was not there before the boot */
	uint64_t network_ns; /* of its CNI plugin; 0: 40 ms */
	uint64_t pull_ns, pull_bytes;
	uint64_t app_ns; /* from exec to its first listen; 0: 200 ms */
	uint64_t probe_ns;
	uint32_t probe_period_s;
};

void script_open(struct script *script);
void script_close(struct script *script);
void script_add(struct script *script, struct event event);

/* Feeds all in the order of their times, and lets the time pass until the end. */
void script_play(struct script *script, struct fixture *fixture, uint64_t until_ns);

/* kernel, initrd, systemd, units, containerd, kubelet; with Kubernetes the node is Ready 2 s after it. */
void script_node(struct script *script, const struct node_plan *plan);

/* Its whole start, from begin_ns; returns when it is ready (without Kubernetes: listens). */
uint64_t script_pod(struct script *script, const struct pod_plan *plan, uint64_t begin_ns);

/* That it was there before the boot, alone. */
void script_old_pod(struct script *script, const struct pod_plan *plan);

/* Such a node and what is told of it. */
struct world {
	struct fixture fixture;
	struct script script;
};

void world_open(struct world *world, const struct node_plan *plan);
/* Returns what is told of the boot at last. */
const struct record *world_play(struct world *world, uint64_t until_ns);
void world_close(struct world *world);

/* systemd is asked at that time; userspace began at 2 s. */
struct event ev_boot(uint64_t at);
struct event ev_unit(const char *name, uint64_t begin, uint64_t active, uint64_t end);
struct event ev_after(const char *unit, const char *after, uint64_t at);
struct event ev_milestone(enum milestone what, const char *unit, uint64_t at);
struct event ev_pod_is(const struct pod_plan *plan, const char *phase, uint64_t ready, uint64_t at);
struct event ev_container_is(const struct pod_plan *plan, enum pod_container_state state,
			     const char *reason, const char *message, bool ready, uint64_t at);
struct event ev_refused(const struct pod_plan *plan, const char *address, uint16_t port,
			uint64_t at);

void pod_uid(const struct pod_plan *plan, char *text);
void sandbox_id(const struct pod_plan *plan, char *text);
void container_id(const struct pod_plan *plan, char *text);

/* Fails if phases or steps leave gaps, overlap or do not sum up. */
void assert_boot_is_whole(const struct record_boot *boot);

/* The last form of the boot record, whole. */
const struct record *boot_told(const struct fixture *fixture);

/* The rank-th longest step (0: the longest) is this, within 5 %. */
const struct boot_step *assert_step(const struct record *record, unsigned int rank,
				    enum boot_step_kind kind, const char *name, enum phase phase,
				    uint64_t ns);
void assert_boot_phase(const struct record *record, enum boot_phase phase, uint64_t from,
		       uint64_t to);
