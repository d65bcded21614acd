/* SPDX-License-Identifier: Apache-2.0 */
/* What boot.c has gathered, for the parts that conclude from it: phases, critical path, what is missing. */
#pragma once

#include "track/boot/boot_peer.h"
#include "track/boot/boot_pod.h"
#include "track/boot/boot_unit.h"

#define BOOT_PULLS_MAX 64

struct boot_moment {
	uint64_t ns; /* 0: not so far */
	bool reconstructed;
	bool cut; /* to whole seconds: up to one later, in truth */
	char unit[UNIT_SIZE];
};

struct boot_facts {
	struct event_boot systemd;
	bool systemd_reconstructed;
	struct boot_moment milestones[MILESTONE_COUNT];
	struct boot_units units;
	struct boot_pods pods;
	struct boot_peers peers;
	struct record_pull pulls[BOOT_PULLS_MAX]; /* a ring */
	uint32_t pull_count;
	bool kubernetes; /* there is a Kubernetes, whether it answers or not */
	uint64_t deadline_ns;
	uint64_t since_ns;     /* this agent watches */
	uint64_t kernel_up_ns; /* the probes do; 0: never */
	bool early;	       /* they were there before this boot's first agent */
};

/* The unit whose activation the pods waited for; NULL if it has not begun, or is not known. */
const struct boot_unit *boot_facts_runtime(const struct boot_facts *facts);

/* Fills phases; span and state are there. found: its end comes from a stamp found afterwards. */
void boot_phases_build(const struct boot_facts *facts, bool found, struct record_boot *boot);

/* Fills steps: back from span.to, where pod became Ready (or is waited for), to the kernel's start. pod may be NULL. */
void boot_path_build(const struct boot_facts *facts, const struct boot_pod *pod,
		     struct record_boot *boot);

/* Fills missing, of those that are expected and not Ready. */
void boot_missing_build(const struct boot_facts *facts, struct record_boot *boot);
/* One pod's reason and detail. */
void boot_missing_of(const struct boot_facts *facts, const struct boot_pod *pod,
		     struct boot_missing *ret);
