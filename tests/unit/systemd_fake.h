/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's part in unit tests: a listening socket whose peers are served by sd-bus itself, on the test's own loop. Its
 * units are a table of the test; its manners may be bad.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "client/systemd.h"

struct fake_unit {
	const char *name, *active, *sub;
	uint64_t inactive_exit_us, active_enter_us, active_exit_us, inactive_enter_us;
	const char *after[8];
	const char *result; /* NULL: success */
	const char *load;   /* NULL: loaded */
	bool garbage;	    /* its stamps are texts */
};

enum fake_manner {
	FAKE_ANSWERS,
	FAKE_IS_SILENT,
	FAKE_REFUSES,	   /* with a D-Bus error */
	FAKE_TALKS_RUBBISH /* the right names, wrong types */
};

struct fake_peer;

struct fake_systemd {
	sd_event *loop;
	char dir[40], socket[64], address[80];
	int fd;
	sd_event_source *accept;
	struct fake_peer *peers;
	enum fake_manner manner;
	const char *manner_for; /* this member only, or below this path; NULL: each */
	uint64_t delay_ms;	/* before each answer */
	uint32_t hang_up_at;	/* this many calls from now; 0: never */
	struct systemd_manager manager;
	const struct fake_unit *units;
	size_t unit_count;
	json_t *recorded; /* answers in place of the table: see systemd_252.json */
	uint32_t connections, hellos, calls, unit_calls, waiting, most_waiting;
};

void fake_systemd_open(struct fake_systemd *fake, sd_event *loop);
void fake_systemd_close(struct fake_systemd *fake);

/* As if it was stopped: the file stays, connecting is refused. */
void fake_systemd_stop(struct fake_systemd *fake);
