/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel tells through eBPF, as events.
 *
 * daemon.c makes one. It loads the probes (each attaches on its own; a missing one is an
 * EVENT_SOURCE with SOURCE_MISSING, never a failure), then seeds the containers that exist already
 * (EVENT_CGROUP_NEW with EVENT_RECONSTRUCTED), then delivers events from the loop. It must not
 * know what they are good for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "model/event.h"

struct kernel_source;

struct kernel_source_options {
	const char *
		cni_dirs; /* colon-separated prefixes of CNI plugins, e.g. "/opt/cni/bin:/usr/lib/cni" */
	const char *cgroup_root;  /* NULL: /sys/fs/cgroup */
	uint64_t start_window_ns; /* failed connections are told that long at most; 0: 5 min */
	bool record_names;	  /* tell what DNS was asked for, too */
	const char *bpffs;	  /* where the probes outlive the agent; "off": they end with it */
};

struct kernel_probe_stats {
	char name[32];
	bool attached;
	bool on_demand;	       /* only while a container starts */
	uint64_t runs, run_ns; /* 0 unless kernel.bpf_stats_enabled=1 */
	uint64_t skipped;      /* by the kernel, since it was running on that CPU */
};

#define KERNEL_PROBES_MAX 32

struct kernel_source_stats {
	uint64_t records, lost; /* since the start */
	uint64_t map_bytes;	/* memory of rings and maps */
	bool pinned;		/* the probes outlive the agent */
	uint32_t probe_count;
	struct kernel_probe_stats probes[KERNEL_PROBES_MAX];
};

enum kernel_heritage {
	KERNEL_FRESH, /* nothing was there, or it can't outlive the agent */
	KERNEL_ADOPTED, /* another agent's programs had worked until now: the rings hold what happened meanwhile */
	KERNEL_REPLACED, /* the same, but of another layout: what was in the rings is lost */
};

/*
 * Returns 0, or a negative errno when no probe at all can be used (-ENOTSUP: no BTF, -EPERM: no
 * capability): the daemon then goes on without it and records a gap.
 */
int kernel_source_new(struct kernel_source **ret, sd_event *loop,
		      const struct kernel_source_options *options, event_fn on_event,
		      void *context);
void kernel_source_free(struct kernel_source *source);

/* Attaches, emits SOURCE_UP, seeds. Call after containerd's source exists, so that nothing is missed. */
int kernel_source_start(struct kernel_source *source);

/* Attaches and seeds only the probes: nothing is read, so that all stays for who takes over. Returns 0 or a negative errno. */
int kernel_source_pin(struct kernel_source *source);

/* What was there when it started. */
enum kernel_heritage kernel_source_heritage(const struct kernel_source *source);

/* Reads what is in the rings now; for tests, shutdown and floods. Returns the number of records. */
int kernel_source_drain(struct kernel_source *source);

/* How the start goes on is told at this moment too: it is about to be concluded that it is over. */
void kernel_source_sample(struct kernel_source *source, const char *container_id);

/* The start is told: its threads need not be watched any longer. */
void kernel_source_started(struct kernel_source *source, const char *container_id);

void kernel_source_stats(const struct kernel_source *source, struct kernel_source_stats *ret);
