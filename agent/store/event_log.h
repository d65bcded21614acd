/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The latest events, so that an agent knows what the one before it knew: of starts under way, of deaths that are not told
 * yet. daemon.c writes each event before the tracker has it, and when it starts hands those of its predecessor to a
 * new tracker: what comes of them is in the store already, or was about to be.
 *
 * Two files of JSON lines in the runtime directory (a tmpfs: they end with the boot), as nodewake run --record-events
 * writes them; when one is full the other is begun anew. A write is one system call, so kill -9 leaves at most half a line.
 */
#pragma once

#include <stdint.h>

#include "model/event.h"

struct event_log;

/* Bytes of one file: some 4,000 events. */
#define EVENT_LOG_BYTES (2u << 20)

/* Goes on with what is there, or begins anew if that is of another boot. bytes: 0 for EVENT_LOG_BYTES. Returns 0 or a negative errno. */
int event_log_open(struct event_log **ret, const char *dir, const char *boot_id, uint64_t bytes);

/* Calls on_event with each event that is there, oldest first, and when it was seen; before any is written. Returns how many. */
int event_log_read(struct event_log *log,
		   void (*on_event)(void *context, const struct event *event, uint64_t seen_ns),
		   void *context);
void event_log_close(struct event_log *log);

/* Removes what is in dir. */
void event_log_remove(const char *dir);

/*
 * What was found by listing is left out if it stands there already: each listing tells of all containers again. Of those
 * their ids are written, since what a listing lacks is gone. A failure is told once, by its negative errno; the log then
 * stays as it is.
 */
int event_log_write(struct event_log *log, const struct event *event, uint64_t seen_ns);
