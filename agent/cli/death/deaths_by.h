/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ooms --by` and `exits --by`: deaths in groups, with how often they come and whether memory grows before them. Groups
 * in order of their counts, the largest first.
 */
#pragma once

#include <stdio.h>

#include "cli/options.h"
#include "store/store.h"

/* Returns an exit code. type: RECORD_OOM or RECORD_EXIT. */
int deaths_by(struct store *store, enum record_type type, const char *verb,
	      const struct options *options);

/* --- deaths_by_show.c -------------------------------------------------------------------------- */

struct death_group {
	char *name;
	uint32_t count;		       /* of children each death */
	uint64_t interval_ns;	       /* median between two of them; 0: there are no two */
	uint64_t growth_bytes_per_min; /* before the latest kill for memory; 0 not known */
	bool leak;
	int64_t first_wall_ns;
	struct record latest;
};

void deaths_by_heading(FILE *out);
void deaths_by_text(FILE *out, const struct death_group *group);
void deaths_by_json(FILE *out, enum group_by by, const struct death_group *group);
