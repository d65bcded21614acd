// SPDX-License-Identifier: Apache-2.0
/*
 * Facts of the host and deaths: each rule of docs/host.md with a death that it goes with, and with those of about the same
 * time that it has nothing to do with.
 */
#include <signal.h>

#include "track/death/host.h"
#include "track/death/host_join.h"
#include "unit/track_fixture.h"

#define DEATH (1000 * S)
#define PID   31

static void no_record(void *context, const struct record *record)
{
	(void)context;
	(void)record;
}

static struct event a_fact(enum host_fact fact, const char *resource, uint64_t ago_s)
{
	struct event event = {.type = EVENT_HOST, .boot_ns = DEATH - ago_s * S};

	event.host.fact = fact;
	event.host.count = 1;
	TEXT_COPY(event.host.resource, resource);
	return event;
}

struct death {
	struct container container;
	struct record_exit exit;
};

static struct death a_death(enum exit_verdict verdict, int signal)
{
	struct death death = {
		.exit = {.verdict = verdict,
			 .signal = signal,
			 .kernel_ns = DEATH,
			 .finished_ns = DEATH},
		.container.init.pid = PID,
	};

	TEXT_COPY(death.container.id, WEB);
	TEXT_COPY(death.container.subject.pod_uid, POD_UID);
	return death;
}

static bool goes_with(const struct event *fact, struct death *death)
{
	struct hosts hosts = {.emit = no_record};

	assert_true(hosts_event(&hosts, fact));
	host_join(&hosts, &death->container, &death->exit);
	return death->exit.host_count == 1;
}

static void with(struct event fact, struct death death)
{
	if (!goes_with(&fact, &death))
		fail_msg("fact %d of '%s' does not go with verdict %d", (int)fact.host.fact,
			 fact.host.resource, (int)death.exit.verdict);
	assert_int_equal(death.exit.host[0].fact, fact.host.fact);
	assert_string_equal(death.exit.host[0].resource, fact.host.resource);
	assert_int_equal(death.exit.host[0].boot_ns, fact.boot_ns);
}

static void without(struct event fact, struct death death)
{
	if (goes_with(&fact, &death))
		fail_msg("fact %d of '%s' goes with verdict %d", (int)fact.host.fact,
			 fact.host.resource, (int)death.exit.verdict);
}

static struct event on(struct event fact, const char *mount)
{
	TEXT_COPY(fact.host.mount, mount);
	return fact;
}

static struct event of(struct event fact, const char *container)
{
	TEXT_COPY(fact.host.container_id, container);
	return fact;
}

static struct death saying(struct death death, const char *words)
{
	TEXT_COPY(death.exit.message, words);
	return death;
}

static struct death logging(struct death death, const char *words)
{
	TEXT_COPY(death.exit.log.text, words);
	return death;
}

#define POD_MOUNT  "/var/lib/kubelet/pods/" POD_UID "/volumes/kubernetes.io~csi/data/mount"
#define POD_OTHERS "/var/lib/kubelet/pods/99999999-1111-2222-3333-444444444444/volumes/x/data"

static void disks(void **state)
{
	static const struct {
		enum host_fact fact;
		const char *words, *other_words;
		uint64_t window_s;
	} kinds[] = {
		{HOST_DISK_FULL, "write /data/x: no space left on device", "no such file", 120},
		{HOST_READ_ONLY, "mkdir /data: Read-only file system", "permission denied", 600},
		{HOST_DISK_ERROR, "read /data/x: input/output error", "bad gateway", 120},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct event fact = a_fact(kinds[i].fact, "sdb", kinds[i].window_s);
		struct event old = a_fact(kinds[i].fact, "sdb", kinds[i].window_s + 1);
		struct death error = a_death(EXIT_ERROR, 0), reader = error;

		/* the resource: where it is mounted, or what it read from */
		with(on(fact, POD_MOUNT), error);
		with(on(fact, "/"), error);
		with(on(fact, "/var/lib"), error);
		with(on(fact, "/var/lib/containerd"), error);
		without(on(fact, "/var/lib/contain"), error);
		without(on(fact, POD_OTHERS), error);
		without(on(fact, "/mnt/backup"), error);
		without(fact, error);
		TEXT_COPY(reader.container.disks[1], "sdb");
		with(fact, reader);
		TEXT_COPY(reader.container.disks[1], "sdc");
		without(fact, reader);
		/* its own words */
		with(fact, saying(error, kinds[i].words));
		with(fact, logging(error, kinds[i].words));
		with(fact, saying(a_death(EXIT_START_FAILED, 0), kinds[i].words));
		without(fact, saying(error, kinds[i].other_words));
		/* the time */
		without(on(old, POD_MOUNT), error);
		without(old, saying(error, kinds[i].words));
		/* what ended well, or was ended by somebody */
		without(on(fact, POD_MOUNT), a_death(EXIT_COMPLETED, 0));
		without(on(fact, POD_MOUNT), a_death(EXIT_STOPPED, SIGTERM));
		without(on(fact, POD_MOUNT), a_death(EXIT_OOM_KILLED, SIGKILL));
		with(on(fact, POD_MOUNT), a_death(EXIT_CRASHED, SIGBUS));
	}
}

static void a_failed_start_on_a_read_only_disk(void **state)
{
	struct death death = a_death(EXIT_START_FAILED, 0);

	(void)state;
	death.exit.failed.kind = FAILURE_READ_ONLY;
	with(a_fact(HOST_READ_ONLY, "sda1", 30), death);
	without(a_fact(HOST_DISK_ERROR, "sda1", 30), death);
}

static void hung_tasks(void **state)
{
	struct event fact = a_fact(HOST_HUNG_TASK, "postgres:99", 300);

	(void)state;
	with(of(fact, WEB), a_death(EXIT_STOPPED, SIGKILL));
	with(a_fact(HOST_HUNG_TASK, "my app:31", 300), a_death(EXIT_KILLED, SIGKILL));
	without(of(fact, OTHER), a_death(EXIT_STOPPED, SIGKILL));
	without(fact, a_death(EXIT_STOPPED, SIGKILL));
	without(of(fact, WEB), a_death(EXIT_COMPLETED, 0));
	without(of(a_fact(HOST_HUNG_TASK, "postgres:99", 601), WEB),
		a_death(EXIT_STOPPED, SIGKILL));
}

static void units(void **state)
{
	(void)state;
	with(a_fact(HOST_UNIT_FAILED, "containerd.service", 30), a_death(EXIT_LOST, 0));
	with(a_fact(HOST_UNIT_FAILED, "k3s.service", 30), a_death(EXIT_STOPPED, SIGTERM));
	with(a_fact(HOST_UNIT_FAILED, "kubelet.service", 30), a_death(EXIT_START_FAILED, 0));
	/* a program that fails by itself has no need of the runtime */
	without(a_fact(HOST_UNIT_FAILED, "containerd.service", 30), a_death(EXIT_ERROR, 0));
	without(a_fact(HOST_UNIT_FAILED, "containerd.service", 30), a_death(EXIT_CRASHED, SIGSEGV));
	without(a_fact(HOST_UNIT_FAILED, "containerd.service", 61), a_death(EXIT_LOST, 0));
	without(a_fact(HOST_UNIT_FAILED, "cron.service", 30), a_death(EXIT_LOST, 0));
	/* mounts by what lies there */
	with(on(a_fact(HOST_UNIT_FAILED, "var-lib-containerd.mount", 30), "/var/lib/containerd"),
	     a_death(EXIT_ERROR, 0));
	without(on(a_fact(HOST_UNIT_FAILED, "mnt-backup.mount", 30), "/mnt/backup"),
		a_death(EXIT_ERROR, 0));
}

static void memory(void **state)
{
	struct event corrected = a_fact(HOST_MEMORY_ERROR, "MC0", 5), uncorrected = corrected;

	(void)state;
	TEXT_COPY(corrected.host.detail, "EDAC MC0: 1 CE memory read error on DIMM#0");
	TEXT_COPY(uncorrected.host.detail, "EDAC MC0: 1 UE memory read error on DIMM#0");
	with(uncorrected, a_death(EXIT_CRASHED, SIGBUS));
	with(uncorrected, a_death(EXIT_CRASHED, SIGSEGV));
	without(uncorrected, a_death(EXIT_CRASHED, SIGABRT));
	without(corrected, a_death(EXIT_CRASHED, SIGBUS));
	/* a line that names whom it killed is about nobody else */
	with(of(a_fact(HOST_MEMORY_ERROR, "redis:99", 5), WEB), a_death(EXIT_CRASHED, SIGBUS));
	with(a_fact(HOST_MEMORY_ERROR, "redis:31", 5), a_death(EXIT_CRASHED, SIGBUS));
	without(of(a_fact(HOST_MEMORY_ERROR, "redis:99", 5), OTHER), a_death(EXIT_CRASHED, SIGBUS));
	with(a_fact(HOST_MACHINE_CHECK, "CPU 2", 5), a_death(EXIT_CRASHED, SIGBUS));
	without(a_fact(HOST_MACHINE_CHECK, "CPU 2", 5), a_death(EXIT_CRASHED, SIGSEGV));
	without(a_fact(HOST_MACHINE_CHECK, "CPU 2", 11), a_death(EXIT_CRASHED, SIGBUS));
}

static void links(void **state)
{
	struct event fact = a_fact(HOST_LINK_DOWN, "eth0", 60);
	struct death waited = a_death(EXIT_ERROR, 0);

	(void)state;
	waited.container.peer_failed_ns = DEATH - 5 * S;
	with(fact, waited);
	waited.container.peer_failed_ns = DEATH - 61 * S; /* before it went down */
	without(fact, waited);
	with(fact,
	     logging(a_death(EXIT_ERROR, 0), "dial tcp 10.0.0.1:5432: connect: no route to host"));
	without(fact, a_death(EXIT_ERROR, 0));
	without(a_fact(HOST_LINK_DOWN, "eth0", 121),
		logging(a_death(EXIT_ERROR, 0), "no route to host"));
}

static void what_strikes_all(void **state)
{
	(void)state;
	with(a_fact(HOST_LOCKUP, "CPU#2", 20), a_death(EXIT_STOPPED, SIGKILL));
	without(a_fact(HOST_LOCKUP, "CPU#2", 31), a_death(EXIT_STOPPED, SIGKILL));
	without(a_fact(HOST_LOCKUP, "CPU#2", 20), a_death(EXIT_COMPLETED, 0));
	with(a_fact(HOST_CLOCK_JUMP, "", 5), a_death(EXIT_ERROR, 0));
	without(a_fact(HOST_CLOCK_JUMP, "", 11), a_death(EXIT_ERROR, 0));
	with(a_fact(HOST_SHUTDOWN, "", 60), a_death(EXIT_STOPPED, SIGTERM));
	without(a_fact(HOST_SHUTDOWN, "", 60), a_death(EXIT_ERROR, 0));
	without(a_fact(HOST_SHUTDOWN, "", 121), a_death(EXIT_STOPPED, SIGTERM));
}

/* A line may be read after the death; what happened well behind it is another story. */
static void a_moment_later(void **state)
{
	struct event fact = on(a_fact(HOST_READ_ONLY, "sda1", 0), "/");

	(void)state;
	fact.boot_ns = DEATH + 2 * S;
	with(fact, a_death(EXIT_ERROR, 0));
	fact.boot_ns = DEATH + 3 * S;
	without(fact, a_death(EXIT_ERROR, 0));
}

static void the_last_ones_in_order(void **state)
{
	struct hosts hosts = {.emit = no_record};
	struct death death = a_death(EXIT_ERROR, 0);
	static const uint64_t ago_s[] = {50, 10, 40, 20, 30, 60};

	(void)state;
	for (size_t i = 0; i < sizeof(ago_s) / sizeof(*ago_s); i++) {
		char name[8] = "sda";

		name[2] = (char)('a' + i);
		struct event fact = on(a_fact(HOST_DISK_ERROR, name, ago_s[i]), "/");

		hosts_event(&hosts, &fact);
	}
	host_join(&hosts, &death.container, &death.exit);
	assert_int_equal(death.exit.host_count, HOST_EVIDENCE_MAX);
	for (uint64_t i = 0; i < HOST_EVIDENCE_MAX; i++)
		assert_int_equal(death.exit.host[i].boot_ns, DEATH - (40 - 10 * i) * S);
}

/* --- the records of the facts themselves, and the way through the tracker --- */

static void repeats_are_one_record(void **state)
{
	struct fixture f;
	struct event fact = a_fact(HOST_DISK_ERROR, "sda", 0);
	const struct record *record;

	(void)state;
	fixture_open(&f, NULL);
	for (int i = 0; i < 5; i++) {
		fact.boot_ns = 10 * S + (uint64_t)i * 30 * S;
		fact.host.count = 2;
		feed(&f, fact);
	}
	assert_int_equal(f.count, 1); /* the first is told at once */
	assert_false(f.told[0].final);
	pass(&f, 300 * S);
	record = fixture_last(&f, RECORD_HOST, 0);
	assert_int_equal(fixture_count(&f, RECORD_HOST), 1);
	assert_true(record->final);
	assert_int_equal(record->host.count, 10);
	assert_int_equal(record->host.first_ns, 10 * S);
	assert_int_equal(record->host.last_ns, 130 * S);
	fact.boot_ns = 400 * S;
	feed(&f, fact);
	assert_int_equal(fixture_count(&f, RECORD_HOST), 2);
	fixture_close(&f);
}

static void a_flood_of_kinds_is_bounded(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	for (int i = 0; i < 1000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "sd%d", i);
		struct event fact = a_fact(HOST_DISK_ERROR, name, 0);

		feed(&f, fact);
	}
	pass(&f, DEATH + 100 * S);
	assert_int_equal(fixture_count(&f, RECORD_HOST), 1000);
	fixture_close(&f);
}

static void told_again_with_a_late_fact(void **state)
{
	struct fixture f;
	struct event events[POD_EVENTS], fact = a_fact(HOST_DISK_ERROR, "sdb", 0);
	size_t n = pod_start(events, 2 * S), before;
	const struct record *record;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_up(SOURCE_KERNEL, 1 * S));
	feed(&f, ev_up(SOURCE_CONTAINERD, 1 * S));
	for (size_t i = 0; i < n; i++)
		feed(&f, events[i]);
	pass(&f, 10 * S);
	feed(&f, ev_exit(ROLE_ENTRYPOINT, WEB, PID, 1, 0, 20 * S));
	feed(&f, ev_task(WEB, TASK_EXIT, PID, 1, 20 * S));
	feed(&f,
	     ev_status(WEB, SANDBOX, "web", CONTAINER_EXITED, 2 * S, 2 * S, 20 * S, 1, "Error"));
	pass(&f, 21 * S);
	record = fixture_last(&f, RECORD_EXIT, 0);
	assert_true(record->final);
	assert_int_equal(record->exit.host_count, 0);
	before = f.count;
	fact.boot_ns = 21 * S;
	TEXT_COPY(fact.host.mount, "/");
	feed(&f, fact);
	record = fixture_last(&f, RECORD_EXIT, 0);
	assert_true(record->final);
	assert_int_equal(record->exit.host_count, 1);
	assert_int_equal(record->exit.deaths, 1);
	assert_int_equal(f.count, before + 2); /* the fact and the death */
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(disks),
		cmocka_unit_test(a_failed_start_on_a_read_only_disk),
		cmocka_unit_test(hung_tasks),
		cmocka_unit_test(units),
		cmocka_unit_test(memory),
		cmocka_unit_test(links),
		cmocka_unit_test(what_strikes_all),
		cmocka_unit_test(a_moment_later),
		cmocka_unit_test(the_last_ones_in_order),
		cmocka_unit_test(repeats_are_one_record),
		cmocka_unit_test(a_flood_of_kinds_is_bounded),
		cmocka_unit_test(told_again_with_a_late_fact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
