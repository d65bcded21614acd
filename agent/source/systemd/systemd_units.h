/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of one reading: which units are worth a question, in which order, and which of them are worth telling.
 *
 * First the container runtimes, the kubelet and what orders the boot, with everything they were ordered after, and
 * so on; then mounts and the boot's target, likewise; then each service that took 10 ms or more, the longest first.
 * What containers brought with them (scopes, mounts below a kubelet's or runtime's folder) is not the boot's.
 * Called by the systemd source; knows no connection.
 */
#pragma once

#include <stdbool.h>

#include "client/systemd.h"
#include "source/systemd/systemd_activation.h"
#include "source/systemd/systemd_told.h"

struct systemd_units;

/*
 * Borrows both. deep: all ranks; else only the first, to see how those get on. Returns NULL for want of memory.
 */
struct systemd_units *systemd_units_new(const struct systemd_told *told,
					const struct systemd_frame *frame, bool deep);
void systemd_units_free(struct systemd_units *units);

/* What ListUnits tells: all of it before the first question. */
void systemd_units_add(struct systemd_units *units, const struct systemd_listed *listed);

/* The next one to ask for; false if there is none, or none before the answers to those asked. The name is borrowed. */
bool systemd_units_next(struct systemd_units *units, uint32_t *ret_token, const char **ret_name);

/* Borrowed; "" for no token of ours. */
const char *systemd_units_name(const struct systemd_units *units, uint32_t token);

/* The answer, to each question; NULL if there was none. True if the unit failed, and its result is worth a question. */
bool systemd_units_note(struct systemd_units *units, uint32_t token,
			const struct systemd_unit *answer);
void systemd_units_result(struct systemd_units *units, uint32_t token, const char *result);

struct systemd_units_stats {
	uint32_t unanswered; /* their question failed */
	uint32_t left_out;   /* units for which there was no room */
	uint32_t edges_left_out;
	uint32_t restarted; /* behind the boot */
	bool awaited;	    /* one of the first rank is on its way up */
};

/* When all was answered: tells the units, then who was ordered after whom. */
void systemd_units_tell(struct systemd_units *units, struct systemd_told *told);

void systemd_units_stats(const struct systemd_units *units, struct systemd_units_stats *ret);
