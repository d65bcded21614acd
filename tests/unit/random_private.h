/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that make events by chance share. */
#pragma once

#include "unit/random_event.h"
#include "unit/track_fixture.h"

enum random_words {
	WORDS_IMAGES,
	WORDS_DIGESTS,
	WORDS_NAMES,
	WORDS_ADDRESSES,
	WORDS_PROGRAMS,
	WORDS_COMMS,
	WORDS_VERBS,
	WORDS_REASONS,
	WORDS_MESSAGES,
	WORDS_UNITS,
	WORDS_CAUSES,
	WORDS_WORDS,
	WORDS_PATHS,
	WORDS_CGROUPS,
	WORDS_MOUNTS,
	WORDS_DISKS,
	WORDS_COUNT
};

const char *random_word(struct chance *chance, enum random_words of);
#define SAY(to, of) TEXT_COPY(to, random_word(chance, of))

bool maybe(struct chance *chance);
/* Mostly of the last seconds, now and then not known, of long ago, or a little ahead. */
uint64_t some_time(struct chance *chance, uint64_t now_ns);
uint64_t some_length(struct chance *chance);
uint64_t some_size(struct chance *chance);
void some_container(struct chance *chance, char ret[static ID_SIZE]);
void sandbox_of(const char *id, char ret[static ID_SIZE]);
void uid_of(const char *id, char ret[static POD_UID_SIZE]);
void some_uid(struct chance *chance, char ret[static POD_UID_SIZE]);
struct process some_process(struct chance *chance);

/* The event's type is set; they fill in the rest. */
void random_process(struct chance *chance, struct event *event, uint64_t now_ns);
void random_why(struct chance *chance, struct event *event, uint64_t now_ns);
void random_runtime(struct chance *chance, struct event *event, uint64_t now_ns);
void random_pod(struct chance *chance, struct event *event, uint64_t now_ns);
void random_boot(struct chance *chance, struct event *event, uint64_t now_ns);
void random_death(struct chance *chance, struct event *event, uint64_t now_ns);
