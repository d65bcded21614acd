// SPDX-License-Identifier: Apache-2.0
/* What the next agent is told of the one before: all of this boot's latest events, once, also after a kill in a write. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/text.h"
#include "store/event_log.h"
#include "unit/store_fixture.h"

#define FIRST  "11111111-0000-4000-8000-000000000001"
#define SECOND "22222222-0000-4000-8000-000000000002"

struct seen {
	uint32_t count;
	struct event last;
	uint64_t first_ns, last_seen_ns;
};

static void on_event(void *context, const struct event *event, uint64_t seen_ns)
{
	struct seen *seen = context;

	if (!seen->count++)
		seen->first_ns = event->boot_ns;
	seen->last = *event;
	seen->last_seen_ns = seen_ns;
}

static struct event exec_of(uint64_t boot_ns)
{
	struct event event = {.type = EVENT_EXEC, .boot_ns = boot_ns};

	event.exec.who.pid = 42;
	event.exec.role = ROLE_ENTRYPOINT;
	TEXT_COPY(event.exec.file, "/bin/app");
	return event;
}

static struct event_log *open_log(const struct folder *folder, const char *boot_id, uint64_t bytes,
				  struct seen *ret)
{
	struct event_log *log;

	*ret = (struct seen){0};
	assert_int_equal(event_log_open(&log, folder->dir, boot_id, bytes), 0);
	int count = event_log_read(log, on_event, ret);

	assert_int_equal(count, (int)ret->count);
	return log;
}

static void write_some(struct event_log *log, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		struct event event = exec_of(i * S);

		assert_int_equal(event_log_write(log, &event, i * S + 7), 0);
	}
}

static void done(struct folder *folder)
{
	event_log_remove(folder->dir);
	folder_remove(folder);
}

static void the_next_agent_reads_all(void **state)
{
	struct folder folder;
	struct seen seen;
	struct event_log *log;

	(void)state;
	folder_make(&folder);
	log = open_log(&folder, FIRST, 0, &seen);
	assert_int_equal(seen.count, 0);
	write_some(log, 1, 6);
	event_log_close(log);
	log = open_log(&folder, FIRST, 0, &seen);
	assert_int_equal(seen.count, 5);
	assert_int_equal(seen.first_ns, S);
	assert_int_equal(seen.last.boot_ns, 5 * S);
	assert_int_equal(seen.last_seen_ns, 5 * S + 7);
	assert_int_equal(seen.last.exec.who.pid, 42);
	assert_string_equal(seen.last.exec.file, "/bin/app");
	/* and what it writes stands behind it */
	write_some(log, 6, 8);
	event_log_close(log);
	event_log_close(open_log(&folder, FIRST, 0, &seen));
	assert_int_equal(seen.count, 7);
	done(&folder);
}

static void another_boot_begins_anew(void **state)
{
	struct folder folder;
	struct seen seen;
	struct event_log *log;

	(void)state;
	folder_make(&folder);
	log = open_log(&folder, FIRST, 0, &seen);
	write_some(log, 1, 6);
	event_log_close(log);
	log = open_log(&folder, SECOND, 0, &seen);
	assert_int_equal(seen.count, 0);
	write_some(log, 1, 2);
	event_log_close(log);
	event_log_close(open_log(&folder, SECOND, 0, &seen));
	assert_int_equal(seen.count, 1);
	done(&folder);
}

/* Killed in the middle of a line: that one is lost, the others aren't. */
static void half_a_line(void **state)
{
	struct folder folder;
	struct seen seen;
	struct event_log *log;
	char path[128];

	(void)state;
	folder_make(&folder);
	log = open_log(&folder, FIRST, 0, &seen);
	write_some(log, 1, 4);
	event_log_close(log);
	snprintf(path, sizeof(path), "%s/events", folder.dir);
	int fd = open(path, O_WRONLY | O_APPEND);

	assert_int_equal(write(fd, "{\"type\":\"exec\",\"boot", 20), 20);
	close(fd);
	log = open_log(&folder, FIRST, 0, &seen);
	assert_int_equal(seen.count, 3);
	write_some(log, 4, 5);
	event_log_close(log);
	event_log_close(open_log(&folder, FIRST, 0, &seen));
	assert_int_equal(seen.count, 4);
	assert_int_equal(seen.last.boot_ns, 4 * S);
	done(&folder);
}

/* Killed after the file was set aside, before the next one had its first line. */
static void half_a_turn(void **state)
{
	struct folder folder;
	struct seen seen;
	struct event_log *log;
	char path[128], old[128];

	(void)state;
	folder_make(&folder);
	snprintf(path, sizeof(path), "%s/events", folder.dir);
	snprintf(old, sizeof(old), "%s/events.old", folder.dir);
	log = open_log(&folder, FIRST, 0, &seen);
	write_some(log, 1, 6);
	event_log_close(log);
	assert_int_equal(rename(path, old), 0);
	log = open_log(&folder, FIRST, 0, &seen);
	assert_int_equal(seen.count, 5);
	event_log_close(log);
	assert_int_equal(truncate(path, 0), 0);
	log = open_log(&folder, FIRST, 0, &seen);
	assert_int_equal(seen.count, 5);
	write_some(log, 6, 7);
	event_log_close(log);
	event_log_close(open_log(&folder, FIRST, 0, &seen));
	assert_int_equal(seen.count, 6);
	done(&folder);
}

/* However long it runs: two files of the size, and of the latest events none is missing. */
static void the_oldest_go(void **state)
{
	struct folder folder;
	struct seen seen;
	struct event_log *log;

	(void)state;
	folder_make(&folder);
	log = open_log(&folder, FIRST, 4096, &seen);
	write_some(log, 1, 500);
	event_log_close(log);
	event_log_close(open_log(&folder, FIRST, 4096, &seen));
	assert_int_equal(seen.last.boot_ns, 499 * S);
	assert_int_equal(seen.count, 499 - seen.first_ns / S + 1);
	assert_in_range(seen.count, 20, 80);
	done(&folder);
}

/* Each listing tells of all containers again: what is known is written once, also over two agents, later only whose it is. */
static void what_is_listed(void **state)
{
	struct event listed = {.type = EVENT_CONTAINER, .flags = EVENT_RECONSTRUCTED};
	struct event cgroup = {.type = EVENT_CGROUP_NEW, .flags = EVENT_RECONSTRUCTED};
	struct folder folder;
	struct seen seen;
	struct event_log *log;

	(void)state;
	folder_make(&folder);
	TEXT_COPY(listed.container.container_id, "c1");
	TEXT_COPY(listed.container.name, "app");
	log = open_log(&folder, FIRST, 0, &seen);
	for (uint64_t i = 1; i < 4; i++) {
		cgroup.boot_ns = listed.boot_ns = i * S;
		assert_int_equal(event_log_write(log, &cgroup, i * S), 0);
		assert_int_equal(event_log_write(log, &listed, i * S), 0);
	}
	event_log_close(log);
	log = open_log(&folder, FIRST, 0, &seen);
	assert_int_equal(seen.count, 1 + 3);
	assert_int_equal(seen.last.type, EVENT_CONTAINER);
	assert_int_equal(seen.last.flags, EVENT_RECONSTRUCTED);
	assert_int_equal(seen.last.boot_ns, 3 * S);
	assert_string_equal(seen.last.container.container_id, "c1");
	assert_string_equal(seen.last.container.name, "");
	assert_int_equal(event_log_write(log, &listed, 5 * S), 0);
	listed.container.state = CONTAINER_EXITED; /* news */
	assert_int_equal(event_log_write(log, &listed, 6 * S), 0);
	event_log_close(log);
	event_log_close(open_log(&folder, FIRST, 0, &seen));
	assert_int_equal(seen.count, 1 + 5);
	assert_string_equal(seen.last.container.name, "app");
	assert_int_equal(seen.last.container.state, CONTAINER_EXITED);
	log = open_log(&folder, FIRST, 0, &seen);
	assert_int_equal(event_log_write(log, &listed, 7 * S), 0);
	event_log_close(log);
	event_log_close(open_log(&folder, FIRST, 0, &seen));
	assert_string_equal(seen.last.container.name, "");
	assert_true(seen.last.container.listed_ended); /* who is dead may still be left out */
	done(&folder);
}

static void no_folder(void **state)
{
	struct event_log *log;

	(void)state;
	assert_int_equal(event_log_open(&log, "/nonexistent", FIRST, 0), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_agent_reads_all),
		cmocka_unit_test(another_boot_begins_anew),
		cmocka_unit_test(half_a_line),
		cmocka_unit_test(half_a_turn),
		cmocka_unit_test(the_oldest_go),
		cmocka_unit_test(what_is_listed),
		cmocka_unit_test(no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
