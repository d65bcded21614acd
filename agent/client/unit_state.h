/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states that systemd units are in now, as systemd tells anybody over D-Bus: one question, one answer, on the
 * loop. It knows no unit by name.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define UNIT_STATES_MAX 16

struct unit_state {
	char name[128];
	char load[24], active[24],
		sub[24]; /* "loaded", "active", "running"; load "not-found": none */
};

struct unit_question;

/*
 * status: 0, or a negative errno and no units: there is no systemd, or it is silent. Called once, on the loop's
 * thread; the units die on return.
 */
typedef void (*unit_state_fn)(void *context, int status, const struct unit_state *units,
			      size_t count);

/*
 * names: NULL-terminated, at most UNIT_STATES_MAX. Returns 0, or a negative errno and does not call back. The question
 * is the caller's, to be freed after the answer or instead of it.
 */
int unit_state_ask(struct unit_question **ret, sd_event *loop, const char *const *names,
		   uint32_t deadline_ms, unit_state_fn on_answer, void *context);

/* Not from the callback. */
void unit_state_free(struct unit_question *question);
