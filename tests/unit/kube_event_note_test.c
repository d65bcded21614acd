// SPDX-License-Identifier: Apache-2.0
/* The words of an Event about a slow start: its top cause and the advice. */
#include "sink/event/kube_event_note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"

#define S NS_PER_SECOND

static struct record a_start(void)
{
	struct record record = {
		.type = RECORD_START,
		.final = true,
		.start = {.state = START_LISTENING,
			  .span = {S, 38 * S},
			  .listen_port = 8080,
			  .phase_count = 2,
			  .phases = {{PHASE_SANDBOX, {S, 4 * S}, false},
				     {PHASE_APP, {4 * S, 38 * S}, false}}},
	};

	return record;
}

static void expect(const struct record *record, const char *expected)
{
	static const struct boot_history earlier;
	char note[KUBE_EVENT_NOTE_SIZE];

	kube_event_note(record, &earlier, note);
	assert_string_equal(note, expected);
}

static void the_top_cause_and_the_advice(void **state)
{
	struct record record = a_start();
	struct start_why *why = &record.start.why;

	(void)state;
	expect(&record, "took 37.0s to listen on port 8080: app 34.0s, sandbox 3.00s");
	why->stall_count = 1;
	why->stalls[0] = (struct phase_stalls){
		.phase = PHASE_APP,
		.grade = STALLS_MEASURED,
		.wall = {{[STALL_THROTTLED] = 24 * S, [STALL_CPU] = 10 * S}},
	};
	TEXT_COPY(why->advice, "raise the CPU limit: throttled 71 % of 34 s");
	expect(&record,
	       "took 37.0s to listen on port 8080: app 34.0s, sandbox 3.00s. Top cause: app 34.0s: "
	       "throttled 24.0s (71 %) by its CPU limit. Advice: raise the CPU limit: throttled 71 "
	       "% of 34 s");
}

static void nothing_raw(void **state)
{
	struct record record = a_start();
	struct start_why *why = &record.start.why;

	(void)state;
	why->file_count = 1;
	why->files[0].bytes = 1 << 20;
	why->files[0].span = record.start.phases[1].span;
	TEXT_COPY(why->files[0].path, "/a\033[2J\r\n%n\xc2\x9b");
	TEXT_COPY(why->advice, "\033[2J%s");
	expect(&record,
	       "took 37.0s to listen on port 8080: app 34.0s, sandbox 3.00s. Top cause: app "
	       "34.0s: read a\\x1b[2J\\x0d\\x0a%n\\xc2\\x9b 1MiB at 0 MB/s. Advice: "
	       "\\x1b[2J%s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_top_cause_and_the_advice),
		cmocka_unit_test(nothing_raw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
