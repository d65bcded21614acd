/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pods of a boot: which are expected to come back, which are Ready, and what was concluded of their containers'
 * starts, deaths and waits. boot.c counts them, boot_path.c walks them back, boot_missing.c names those that lack.
 *
 * With Kubernetes the pods that were made before this boot are expected, as long as they are neither deleted nor
 * over. Without it those of which containerd has a sandbox from before the boot, or, where it has none of any, those
 * that began in this boot; Ready is then when the last container listens, or runs if it never does.
 */
#pragma once

#include <uthash.h>

#include "model/event.h"
#include "model/record.h"
#include "track/boot/boot_takedown.h"

#define BOOT_PODS_MAX	512
#define BOOT_STARTS_MAX 16
#define BOOT_WAITS_MAX	8
#define BOOT_TOLD_MAX	32

/* Of a record_start what a boot is told from: the record takes five times as much. */
struct boot_outline {
	enum start_state state;
	bool init_container;
	struct span span, network, download;
	uint32_t phase_count;
	struct phase_span phases[START_PHASES_MAX];
	uint64_t pull_bytes, listen_ns;
	uint32_t probe_period_s;
	char plugin[CAUSE_SIZE]; /* that took longest; "" none was seen */
	char app[CAUSE_SIZE];	 /* what took most of that phase; "" not known */
};

/* A container's start as it was told last, and its end. */
struct boot_start {
	struct subject subject;
	bool final;
	struct boot_outline start;
	uint64_t finished_ns; /* 0: it lives */
	enum exit_verdict verdict;
	int32_t code, signal;
	char message[CAUSE_SIZE];
};

struct boot_wait {
	char container[NAME_SIZE];
	char reason[REASON_SIZE];
	char message[MESSAGE_SIZE];
	struct span span; /* to_ns 0: it goes on */
};

/* A container as the kubelet reports it. */
struct boot_told {
	char name[NAME_SIZE];
	char container_id[ID_SIZE];
	char image[IMAGE_SIZE];
	bool init, ready, has_probe;
	bool ready_reconstructed;
	uint64_t ready_ns;
	uint32_t probe_period_s;
	enum pod_container_state state;
	char reason[REASON_SIZE];
};

struct boot_pod {
	char uid[POD_UID_SIZE];
	char name[POD_SIZE];
	char pod_namespace[NAMESPACE_SIZE];

	/* Kubernetes */
	bool told, before; /* before: it was made before this boot */
	bool over;	   /* deleted, or completed */
	uint64_t ready_ns; /* condition Ready; 1: since before the boot, not to be believed */
	bool ready_reconstructed;
	char phase[NAME_SIZE];
	char reason[REASON_SIZE];
	char message[MESSAGE_SIZE];

	/* containerd */
	char old_sandbox[ID_SIZE]; /* from before the boot */
	bool old_gone;
	struct boot_takedown takedown; /* of it */
	uint64_t began_ns;	       /* first sign in this boot */
	bool began_reconstructed;

	uint32_t start_count, wait_count, told_count;
	struct boot_start *starts; /* in the order of their telling */
	struct boot_wait *waits;
	struct boot_told *containers;
	UT_hash_handle hh; /* by uid; in the order of first sight */
};

struct boot_pods {
	struct boot_pod *by_uid;
	bool kubernetes;   /* it has listed its pods: expected is what it says */
	uint32_t old_pods; /* with a sandbox from before the boot */
	uint64_t lost;	   /* found no room */
};

void boot_pods_clear(struct boot_pods *pods);

/* Both return true if anything is new. Who is not known yet and begins after until_ns is none of the boot's. */
bool boot_pods_event(struct boot_pods *pods, const struct event *event, uint64_t until_ns);
bool boot_pods_record(struct boot_pods *pods, const struct record *record, uint64_t until_ns);

/* A start that is known is told again, as before but for its beginning: that is no news of the pod. */
bool boot_pods_began_before(const struct boot_pods *pods, const struct record *record);

bool boot_pod_expected(const struct boot_pods *pods, const struct boot_pod *pod);

/* 0: it is not. */
uint64_t boot_pod_ready_ns(const struct boot_pods *pods, const struct boot_pod *pod,
			   bool *ret_reconstructed);

/* A container of it has failed in this boot: that it is Ready may not last. */
bool boot_pod_has_failed(const struct boot_pod *pod);

/* It is the last attempt of its container, in the pod's last sandbox. */
bool boot_start_is_current(const struct boot_pod *pod, const struct boot_start *start);

const struct boot_told *boot_pod_told(const struct boot_pod *pod, const char *container_id);
