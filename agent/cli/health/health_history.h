/* SPDX-License-Identifier: Apache-2.0 */
/* What the records of this boot say, and whether the daemon that makes them is well. */
#pragma once

#include <jansson.h>

#include "cli/health/health.h"
#include "store/store.h"

struct health_history {
	struct store *store; /* NULL: error and why */
	int error;
	char why[256];
	const char *boot_id;
	const char *pod_namespace; /* NULL: all */
};

void health_history_open(struct health_history *ret, const char *state_dir, const char *boot_id,
			 const char *pod_namespace);
void health_history_done(struct health_history *history);

void health_judge_ooms(struct health_report *report, const struct health_history *history);
void health_judge_crashes(struct health_report *report, const struct health_history *history);

/* answer and status: of the daemon's /v1/status; status NULL where there was none. */
void health_judge_daemon(struct health_report *report, int answer, const json_t *status,
			 const char *socket);

/* pods: what was found of the pods themselves, which is newer than the boot's record. */
void health_judge_boot(struct health_report *report, const struct health_history *history,
		       enum grade pods, bool daemon_there);

/* A health_detail_fn: how its container ended last, or what it waits for. */
void health_history_detail(void *history, struct health_finding *finding, const char *pod_namespace,
			   const char *pod);
