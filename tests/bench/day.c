// SPDX-License-Identifier: Apache-2.0
/*
 * A day of a node in minutes: the daemon's own tracker, event log, store and metrics, on the clock that its events carry.
 *
 *	day DIRECTORY      events on its input, as nodewake run --record-events writes them
 *
 * Each ten seconds of that clock it does what the daemon does then. After each hour, and at the end, a line of JSON tells
 * what was told and what it took. Reading the events is not counted.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "model/event_line.h"
#include "sink/metrics/metrics.h"
#include "store/event_log.h"
#include "store/store.h"
#include "track/tracker.h"

#define TEND_NS (10 * NS_PER_SECOND)
#define HOUR_NS (3600 * NS_PER_SECOND)

struct day {
	struct event_line_header header;
	struct tracker *tracker;
	struct store *store;
	struct event_log *log;
	struct metrics *metrics;
	uint64_t now_ns, begin_ns, tend_ns, hour_ns; /* the next of both */
	uint64_t busy_ns, events;
	uint64_t told[RECORD_TYPE_COUNT]; /* for the first time, as final */
};

static struct day day;

/* The store's clock, too: the program is linked with --wrap. */
uint64_t __wrap_clock_boot_ns(void);
uint64_t __wrap_clock_boot_ns(void)
{
	return day.now_ns;
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static void on_record(void *context, const struct record *from_tracker)
{
	struct record record = *from_tracker;
	enum record_known before = store_known(day.store, record.type, record.key);

	(void)context;
	record.wall_offset_ns = day.header.wall_offset_ns;
	if (store_put(day.store, &record) == STORE_KNOWN)
		return;
	metrics_record(day.metrics, &record, before);
	if (record.final && before != RECORD_KNOWN_FINAL)
		day.told[record.type]++;
}

static uint64_t pss_kib(void)
{
	cleanup_fclose FILE *file = fopen("/proc/self/smaps_rollup", "re");
	char line[256];
	unsigned long kib = 0;

	while (file && fgets(line, sizeof(line), file) && sscanf(line, "Pss: %lu", &kib) != 1)
		;
	return kib;
}

static void report(void)
{
	struct tracker_stats tracked;
	struct store_stats stored;

	tracker_stats(day.tracker, &tracked);
	store_stats(day.store, &stored);
	json_auto_t *json = json_pack(
		"{s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "seconds",
		(double)(day.now_ns - day.begin_ns) / 1e9, "cpu_s", (double)day.busy_ns / 1e9,
		"events", (json_int_t)day.events, "starts", (json_int_t)day.told[RECORD_START],
		"exits", (json_int_t)day.told[RECORD_EXIT], "ooms",
		(json_int_t)day.told[RECORD_OOM], "gaps", (json_int_t)day.told[RECORD_GAP],
		"evicted", (json_int_t)tracked.evicted, "dropped", (json_int_t)stored.dropped,
		"pss_kib", (json_int_t)pss_kib(), "store_bytes", (json_int_t)stored.bytes);

	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
}

static void tick_until(uint64_t now_ns)
{
	uint64_t due_ns;

	while ((due_ns = tracker_next_tick_ns(day.tracker)) <= now_ns) {
		if (due_ns > day.now_ns)
			day.now_ns = due_ns;
		tracker_tick(day.tracker, day.now_ns);
	}
	if (now_ns > day.now_ns)
		day.now_ns = now_ns;
}

/* What the daemon's timers do until then. */
static void pass(uint64_t until_ns)
{
	while (day.tend_ns <= until_ns) {
		tick_until(day.tend_ns);
		store_heartbeat(day.store, day.now_ns);
		store_tend(day.store);
		memory_give_back();
		if (day.now_ns >= day.hour_ns) {
			report();
			day.hour_ns += HOUR_NS;
		}
		day.tend_ns += TEND_NS;
	}
	tick_until(until_ns);
}

static void begin_at(uint64_t now_ns)
{
	day.now_ns = day.begin_ns = now_ns;
	day.tend_ns = now_ns + TEND_NS;
	day.hour_ns = now_ns + HOUR_NS;
}

static int run(FILE *input)
{
	cleanup_free char *line = NULL;
	size_t room = 0;
	uint64_t seen_ns;
	struct event event;
	ssize_t length;

	while ((length = getline(&line, &room, input)) > 0) {
		if (event_line_read(line, (size_t)length, &event, &seen_ns) < 0) {
			fprintf(stderr, "day: no event: %s", line);
			return -EBADMSG;
		}
		if (!day.begin_ns)
			begin_at(seen_ns);
		uint64_t before_ns = cpu_ns();

		pass(seen_ns);
		event_log_write(day.log, &event, seen_ns);
		tracker_event(day.tracker, &event, seen_ns);
		day.busy_ns += cpu_ns() - before_ns;
		day.events++;
	}
	report();
	return 0;
}

static int open_all(const char *directory, FILE *input)
{
	cleanup_free char *line = NULL;
	size_t room = 0;
	ssize_t length = getline(&line, &room, input);
	char why[256] = "";
	int r = length > 0 ? event_line_read_header(line, (size_t)length, &day.header) : -EBADMSG;

	if (r == 0)
		r = store_open(&day.store, directory, day.header.boot_id, &(struct store_limits){0},
			       why);
	if (r == 0)
		r = event_log_open(&day.log, directory, day.header.boot_id, 0);
	if (r == 0)
		r = metrics_new(&day.metrics);
	if (r == 0)
		r = tracker_new(&day.tracker, &(struct tracker_settings){0}, on_record, NULL);
	if (r < 0)
		fprintf(stderr, "day: %s: %s %s\n", directory, strerrordesc_np(-r), why);
	return r;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: day DIRECTORY <EVENTS\n");
		return 2;
	}
	int r = open_all(argv[1], stdin);

	if (r == 0)
		r = run(stdin);
	tracker_free(day.tracker);
	metrics_free(day.metrics);
	event_log_close(day.log);
	if (day.store)
		store_close(day.store);
	return r < 0 ? 1 : 0;
}
