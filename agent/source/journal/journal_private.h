/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the journal source share; not for others. */
#pragma once

#include "client/journal.h"
#include "client/log_file.h"
#include "source/containerd/cri_calls.h"
#include "source/journal/journal_source.h"
#include "source/journal/last_boot.h"
#include "source/journal/milestone_rules.h"
#include "source/journal/wall_steps.h"

#define JOURNAL_BOOTS_MAX 128

/* A boot as the journal knows it. */
struct journal_boot {
	char boot_id[BOOT_ID_SIZE];
	char machine_id[BOOT_ID_SIZE];
	int64_t first_wall_ns, last_wall_ns;
	uint64_t last_ns; /* the last entry, on that boot's clock */
};

struct milestone_found {
	uint64_t boot_ns; /* 0: not so far */
	char unit[UNIT_SIZE];
	char told_by[NAME_SIZE];
	bool told;
};

/* What is done with the files, one after the other. A look goes from the list to the end. */
enum journal_stage {
	STAGE_LIST,
	STAGE_BOOTS,	  /* first look only: which boots there are */
	STAGE_ENDINGS,	  /* first look only: the last entries of the boot before */
	STAGE_LEFT,	  /* first look only: what a dead kernel left */
	STAGE_MILESTONES, /* this boot's entries */
	STAGE_LOG,	  /* K3s's or RKE2's containerd.log */
	STAGE_TELL,
	STAGE_REST, /* until the next look */
};

struct journal_source {
	struct journal_source_options options;
	char root[JOURNAL_PATH_SIZE];
	char boot_id[BOOT_ID_SIZE];
	sd_event_source *timer;
	event_fn on_event;
	void *context;
	uint64_t since_ns; /* what is older was found afterwards */
	struct journal_source_stats stats;

	enum journal_stage stage;
	struct journal_files files;
	size_t file;		 /* which of them is looked at */
	struct journal *journal; /* it, while it is open */
	bool begun;		 /* this stage's walk over it */
	uint32_t walked;	 /* entries of it in this stage */

	uint32_t boot_count, boots_left_out;
	struct journal_boot boots[JOURNAL_BOOTS_MAX];
	struct journal_boot this_boot;
	bool this_known;
	const struct journal_boot *previous; /* NULL: the journal has none */
	struct last_boot_evidence evidence;

	struct wall_steps steps;
	struct milestone_found found[MILESTONE_COUNT];
	bool network_denied; /* since the container runtime began */
	struct cri_calls calls;
	uint64_t read_to_ns,
		file_to_ns; /* this boot's entries were read up to here; in this look */
	struct log_file *log;
	bool log_placed, log_late; /* at its place; a line beyond the horizon was met */
	int64_t judged_offset_ns;  /* the wall clock's, when the last boot was told */
};

/* Each does one file's or entry's work: 1: more, 0: the stage is over. */
int journal_boots_step(struct journal_source *source);
int journal_endings_step(struct journal_source *source);
int journal_milestones_step(struct journal_source *source);
int journal_log_step(struct journal_source *source);

/* The next file of this stage is open in source->journal. False: there is none, the stage is over. */
bool journal_source_file(struct journal_source *source);
void journal_source_file_done(struct journal_source *source);

/* After all files were seen: which boot was the one before this. */
void journal_boots_choose(struct journal_source *source);

void journal_endings_left(struct journal_source *source);
void journal_endings_tell(struct journal_source *source);

void journal_calls_tell(struct journal_source *source);
bool journal_milestones_all(const struct journal_source *source);
void journal_milestones_tell(struct journal_source *source);
