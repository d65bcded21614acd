// SPDX-License-Identifier: Apache-2.0
/* What is told of real journal files and of K3s's containerd.log: milestones of this boot. */
#include "base/clock.h"
#include "base/text.h"
#include "unit/journal_fixture.h"

#define RECORDED "tests/unit/journal/k3s-server.export"
#define WALL	 (INT64_C(1790000000) * (int64_t)S)

static void assert_milestone(const struct machine *machine, enum milestone what, uint64_t boot_ns,
			     const char *unit, const char *told_by)
{
	const struct event *event = machine_event(machine, EVENT_MILESTONE, what);

	assert_non_null(event);
	assert_int_equal(event->boot_ns, boot_ns);
	/* a machine that has just been started may not be as old as what it is told */
	assert_int_equal(event->flags, boot_ns < machine->looked_ns ? EVENT_RECONSTRUCTED : 0);
	assert_string_equal(event->milestone.unit, unit);
	assert_string_equal(event->milestone.told_by, told_by);
}

static void assert_no_milestone(const struct machine *machine, enum milestone what)
{
	assert_null(machine_event(machine, EVENT_MILESTONE, what));
}

static void there_is_no_journal(void **state)
{
	struct journal_source_stats stats;
	const struct event *event;
	struct machine machine;

	(void)state;
	machine_make(&machine);
	machine_look(&machine, (struct journal_source_options){0}, 1, &stats);
	event = machine_event(&machine, EVENT_SOURCE, 0);
	assert_non_null(event);
	assert_int_equal(event->source.source, SOURCE_JOURNAL);
	assert_int_equal(event->source.step, SOURCE_MISSING);
	assert_string_equal(event->source.cause,
			    "no journal in /var/log/journal or /run/log/journal");
	assert_string_equal(stats.cause, event->source.cause);
	assert_false(stats.up);
	event = machine_event(&machine, EVENT_LAST_BOOT, 0);
	assert_non_null(event);
	assert_int_equal(event->last_boot.end, BOOT_END_UNKNOWN);
	assert_int_equal(machine.count, 2);
	machine_remove(&machine);
}

static void a_k3s_server(void **state)
{
	struct journal_source_stats stats;
	struct machine machine;

	(void)state;
	machine_open(&machine);
	machine_write_recorded(&machine, PERSISTENT, "system.journal", RECORDED);
	machine_look(&machine, (struct journal_source_options){0}, 1, &stats);
	assert_true(stats.up);
	assert_int_equal(machine_event(&machine, EVENT_SOURCE, 0)->source.step, SOURCE_UP);
	/* k3s's own lines have whole seconds: the time is the journal's */
	assert_milestone(&machine, MILESTONE_KUBELET_STARTED, 12250 * MS, "k3s.service", "journal");
	assert_milestone(&machine, MILESTONE_RUNTIME_READY, 22000 * MS, "k3s.service", "journal");
	assert_milestone(&machine, MILESTONE_API_READY, 26400 * MS, "k3s.service", "journal");
	assert_milestone(&machine, MILESTONE_NODE_READY, 28100 * MS, "k3s.service", "journal");
	assert_no_milestone(&machine, MILESTONE_RUNTIME_STARTED);
	assert_no_milestone(&machine, MILESTONE_NETWORK_READY);
	assert_int_equal(stats.milestones, 4);
	for (size_t i = 1; i < machine.count; i++)
		if (machine.events[i - 1].type == machine.events[i].type)
			assert_true(machine.events[i - 1].boot_ns <= machine.events[i].boot_ns);
	machine_remove(&machine);
}

static void containerd_and_a_kubelet(void **state)
{
	struct machine machine;

	(void)state;
	machine_open(&machine);
	machine_boot(&machine, THIS_BOOT, WALL);
	machine_containerd(&machine, "containerd", 8 * S, 40 * MS,
			   "msg=\"starting containerd\" revision=\"1.6.20~ds1-1+deb12u3\" "
			   "version=\"1.6.20~ds1\"");
	machine_containerd(&machine, "containerd", 9 * S, 250 * MS,
			   "msg=\"Start cni network conf syncer for default\"");
	/* a time that can't be its own: the journal's counts */
	machine_containerd(&machine, "containerd", 30 * S, 20 * S,
			   "msg=\"containerd successfully booted in 1.2s\"");
	machine_entry(&machine, 11 * S, "kubelet", "kubelet.service",
		      "I0921 13:33:31.000000     903 server.go:487] \"Kubelet version\" "
		      "kubeletVersion=\"v1.29.9\"");
	machine_entry(&machine, 14 * S, "kubelet", "kubelet.service",
		      "I0921 13:33:34.000000     903 kubelet_node_status.go:76] \"Successfully "
		      "registered node\" node=\"a\"");
	machine_entry(&machine, 15 * S, "kubelet", "kubelet.service",
		      "I0921 13:33:35.000000     903 kubelet_node_status.go:497] \"Fast updating "
		      "node status as it just became ready\"");
	machine_write(&machine, VOLATILE, "system.journal");
	machine_look(&machine, (struct journal_source_options){0}, 1, NULL);
	assert_milestone(&machine, MILESTONE_RUNTIME_STARTED, 7960 * MS, "containerd.service",
			 "journal");
	assert_milestone(&machine, MILESTONE_NETWORK_READY, 8750 * MS, "containerd.service",
			 "journal");
	assert_milestone(&machine, MILESTONE_RUNTIME_READY, 30 * S, "containerd.service",
			 "journal");
	assert_milestone(&machine, MILESTONE_KUBELET_STARTED, 11 * S, "kubelet.service", "journal");
	assert_milestone(&machine, MILESTONE_API_READY, 14 * S, "kubelet.service", "journal");
	assert_milestone(&machine, MILESTONE_NODE_READY, 15 * S, "kubelet.service", "journal");
	machine_remove(&machine);
}

/* Recorded, 16,224 s after that machine's start. Times are the lines' own, on the boot clock. */
static void containerd_as_recorded(void **state)
{
	const struct journal_source_options options = {.horizon_ns = 20000 * S};
	struct machine machine;

	(void)state;
	machine_open(&machine);
	machine_write_recorded(&machine, PERSISTENT, "system.journal",
			       "tests/unit/journal/containerd-with-cni.export");
	machine_look(&machine, options, 1, NULL);
	assert_milestone(&machine, MILESTONE_RUNTIME_STARTED, 16224770102655, "", "journal");
	assert_milestone(&machine, MILESTONE_NETWORK_READY, 16224945658426, "", "journal");
	assert_milestone(&machine, MILESTONE_RUNTIME_READY, 16224946621771, "", "journal");
	machine_remove(&machine);

	machine_open(&machine);
	machine_write_recorded(&machine, PERSISTENT, "system.journal",
			       "tests/unit/journal/containerd-no-cni.export");
	machine_look(&machine, options, 1, NULL);
	assert_milestone(&machine, MILESTONE_RUNTIME_STARTED, 16218893938206, "", "journal");
	assert_non_null(machine_event(&machine, EVENT_MILESTONE, MILESTONE_RUNTIME_READY));
	assert_no_milestone(&machine, MILESTONE_NETWORK_READY);
	machine_remove(&machine);
}

static void without_a_cni_configuration(void **state)
{
	static const char denied[] =
		"msg=\"failed to load cni during init, please check CRI plugin "
		"status before setting up network for pods\" error=\"cni config "
		"load failed: no network config found in /etc/cni/net.d\"";
	static const char syncer[] = "msg=\"Start cni network conf syncer for default\"";
	struct machine machine;

	(void)state;
	machine_open(&machine);
	machine_boot(&machine, THIS_BOOT, WALL);
	machine_containerd(&machine, "containerd", 8 * S, 0, "msg=\"starting containerd\"");
	machine_containerd(&machine, "containerd", 9 * S, 0, denied);
	machine_containerd(&machine, "containerd", 10 * S, 0, syncer);
	machine_write(&machine, PERSISTENT, "system.journal");
	machine_look(&machine, (struct journal_source_options){0}, 1, NULL);
	assert_non_null(machine_event(&machine, EVENT_MILESTONE, MILESTONE_RUNTIME_STARTED));
	assert_no_milestone(&machine, MILESTONE_NETWORK_READY);

	/* started again, with one there */
	machine.count = 0;
	machine_boot(&machine, THIS_BOOT, WALL);
	machine_containerd(&machine, "containerd", 8 * S, 0, "msg=\"starting containerd\"");
	machine_containerd(&machine, "containerd", 9 * S, 0, denied);
	machine_containerd(&machine, "containerd", 10 * S, 0, syncer);
	machine_containerd(&machine, "containerd", 30 * S, 0, "msg=\"starting containerd\"");
	machine_containerd(&machine, "containerd", 31 * S, 0, syncer);
	machine_write(&machine, PERSISTENT, "system.journal");
	machine_look(&machine, (struct journal_source_options){0}, 1, NULL);
	assert_milestone(&machine, MILESTONE_NETWORK_READY, 31 * S, "containerd.service",
			 "journal");
	machine_remove(&machine);
}

/* Only by name of the program, only of this boot, only of services within the horizon. */
static void what_is_left_out(void **state)
{
	struct journal_source_stats stats;
	struct machine machine;

	(void)state;
	machine_open(&machine);
	machine_boot(&machine, LAST_BOOT, WALL - 1000 * (int64_t)S);
	machine_entry(&machine, 5 * S, "k3s", "k3s.service", "Starting k3s v1.35.4+k3s1");
	machine_boot(&machine, THIS_BOOT, WALL);
	for (uint64_t i = 0; i < 500; i++)
		machine_entry(&machine, 5 * S + i * MS, "app", "app.service",
			      "Starting k3s v1.35.4+k3s1");
	machine_entry(&machine, 8 * S, "k3s", "k3s.service", "said nothing of note");
	for (uint64_t i = 0; i < 500; i++)
		machine_entry(&machine, 901 * S + i * MS, "k3s", "k3s.service",
			      "Kube API server is now running");
	machine_write(&machine, PERSISTENT, "system.journal");
	machine_look(&machine, (struct journal_source_options){0}, 1, &stats);
	assert_int_equal(stats.milestones, 0);
	/* two ends of each of two boots, k3s's line and the first beyond the horizon */
	assert_in_range(stats.entries, 1, 12);
	machine_remove(&machine);
}

static void a_long_journal(void **state)
{
	struct journal_source_stats stats;
	struct machine machine;

	(void)state;
	machine_open(&machine);
	machine_boot(&machine, THIS_BOOT, WALL);
	for (uint64_t i = 0; i < 100000; i++)
		machine_entry(&machine, 5 * S + i * MS, "k3s", "k3s.service",
			      "I0921 13:33:35.000000     903 reconciler.go:26] Reconciler: start "
			      "to sync state");
	machine_entry(&machine, 200 * S, "k3s", "k3s.service",
		      "time=\"2026-05-06T11:05:04+02:00\" level=info msg=\"Kube API server is now "
		      "running\"");
	machine_write(&machine, PERSISTENT, "system.journal");
	machine_look(&machine, (struct journal_source_options){0}, 1, &stats);
	assert_milestone(&machine, MILESTONE_API_READY, 200 * S, "k3s.service", "journal");
	assert_in_range(stats.entries, 100001, 100010);
	/* the loop had its turn in between, many times */
	assert_in_range(machine.turns, 20, UINT32_MAX);
	machine_remove(&machine);
}

static void damaged_files(void **state)
{
	struct journal_source_stats stats;
	struct machine machine;
	static char bytes[8 << 20];
	char path[256];
	size_t size;

	(void)state;
	machine_open(&machine);
	machine_boot(&machine, THIS_BOOT, WALL);
	for (uint64_t i = 0; i < 2000; i++)
		machine_entry(&machine, 5 * S + i * MS, "k3s", "k3s.service", "nothing");
	machine_entry(&machine, 8 * S, "k3s", "k3s.service", "Starting k3s v1.35.4+k3s1");
	machine_write(&machine, PERSISTENT, "system.journal");
	snprintf(path, sizeof(path), "%s/%s/system.journal", machine.root, PERSISTENT);
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	machine_put(&machine, PERSISTENT "/system@empty.journal", "", 0);
	machine_put(&machine, PERSISTENT "/system@cut.journal", bytes, size / 3);
	machine_put(&machine, PERSISTENT "/system@head.journal~", bytes, 100);
	machine_put(&machine, PERSISTENT "/system@noise.journal", bytes + size / 4, size / 4);
	/* every field overwritten in turn; the header stays, so that it is opened */
	for (unsigned int seed = 1; seed <= 24; seed++) {
		static char copy[sizeof(bytes)];
		char name[128];
		unsigned int random = seed;

		memcpy(copy, bytes, size);
		for (int i = 0; i < 400; i++) {
			random = random * 1664525u + 1013904223u;
			copy[272 + random % (size / 4)] = (char)(random >> 24);
		}
		snprintf(name, sizeof(name), PERSISTENT "/system@random%u.journal", seed);
		machine_put(&machine, name, copy, size);
	}
	machine_look(&machine, (struct journal_source_options){0}, 1, &stats);
	assert_int_equal(stats.files, 29);
	assert_in_range(stats.unreadable, 4, 28);
	assert_true(stats.up);
	assert_non_null(machine_event(&machine, EVENT_MILESTONE, MILESTONE_KUBELET_STARTED));
	assert_non_null(machine_event(&machine, EVENT_LAST_BOOT, 0));
	machine_remove(&machine);
}

/* K3s's embedded containerd has a file of its own. The clock is set 40 s after the kernel's start. */
static void containerd_log(const char *place)
{
	static const char *const rests[] = {
		"msg=\"starting containerd\" revision=abc version=v2.1.5-k3s1",
		"msg=\"Start cni network conf syncer for default\"",
		"msg=\"containerd successfully booted in 0.321s\"",
	};
	const int64_t behind = WALL - 86400 * (int64_t)S; /* a day */
	struct machine machine;
	char *text = NULL;
	size_t size = 0;
	FILE *log = open_memstream(&text, &size);

	machine_open(&machine);
	machine_boot(&machine, THIS_BOOT, behind);
	machine_entry(&machine, 2 * S, "systemd", "init.scope", "first");
	machine_entry(&machine, 20 * S, "k3s", "k3s.service", "Starting k3s v1.35.4+k3s1");
	machine_boot(&machine, THIS_BOOT, WALL);
	machine_entry(&machine, 40 * S, "k3s", "k3s.service", "the clock was set");
	machine_write(&machine, PERSISTENT, "system.journal");
	/* the boot before: 2 MB, which began with the same lines */
	for (int i = 0; i < 3; i++)
		containerd_line(log, behind - 3000 * (int64_t)S + i, rests[i]);
	for (int i = 0; i < 20000; i++)
		containerd_line(log, behind - 2000 * (int64_t)S + i,
				"msg=\"another line of the boot before\"");
	containerd_line(log, behind + 30 * (int64_t)S, rests[0]);
	fputs("no line of containerd's\n", log);
	containerd_line(log, WALL + 41 * (int64_t)S, rests[1]);
	containerd_line(log, WALL + 42 * (int64_t)S, rests[2]);
	fputs("time=\"2026-", log); /* cut: written at this moment */
	fclose(log);
	machine_put(&machine, place, text, size);
	free(text);
	machine_look(&machine, (struct journal_source_options){0}, 1, NULL);
	assert_milestone(&machine, MILESTONE_KUBELET_STARTED, 20 * S, "k3s.service", "journal");
	assert_milestone(&machine, MILESTONE_RUNTIME_STARTED, 30 * S, "", "log");
	assert_milestone(&machine, MILESTONE_NETWORK_READY, 41 * S, "", "log");
	assert_milestone(&machine, MILESTONE_RUNTIME_READY, 42 * S, "", "log");
	machine_remove(&machine);
}

static void k3s_containerd_log(void **state)
{
	(void)state;
	containerd_log(K3S_LOG);
	containerd_log("var/lib/rancher/rke2/agent/containerd/containerd.log");
}

/* What is logged while the source looks is told at the next look, and not as found afterwards. */
static void what_comes_later(void **state)
{
	struct journal_source_options options = {
		.boot_id = THIS_BOOT, .horizon_ns = INT64_MAX / 2, .look_ns = 20 * MS};
	struct journal_source_stats stats = {0};
	struct journal_source *source;
	struct machine machine;
	const struct event *event;
	uint64_t now_ns;
	sd_event *loop;

	(void)state;
	machine_open(&machine);
	options.root = machine.root;
	machine_boot(&machine, THIS_BOOT, WALL);
	machine_entry(&machine, 8 * S, "k3s", "k3s.service", "Starting k3s v1.35.4+k3s1");
	machine_write(&machine, PERSISTENT, "system@1.journal");
	assert_true(sd_event_new(&loop) >= 0);
	assert_int_equal(journal_source_new(&source, loop, &options, machine_on_event, &machine),
			 0);
	while (stats.looks < 2) {
		assert_true(sd_event_run(loop, 20000000) > 0);
		journal_source_stats(source, &stats);
	}
	assert_int_equal(stats.milestones, 1);
	now_ns = clock_boot_ns();
	machine_boot(&machine, THIS_BOOT, clock_wall_offset_ns());
	machine_entry(&machine, now_ns, "k3s", "k3s.service", "Kube API server is now running");
	machine_write(&machine, PERSISTENT, "system.journal");
	while (stats.milestones < 2 && stats.looks < 200) {
		assert_true(sd_event_run(loop, 20000000) > 0);
		journal_source_stats(source, &stats);
	}
	event = machine_event(&machine, EVENT_MILESTONE, MILESTONE_API_READY);
	assert_non_null(event);
	assert_int_equal(event->flags, 0);
	assert_int_equal(event->boot_ns, now_ns / 1000 * 1000);
	event = machine_event(&machine, EVENT_MILESTONE, MILESTONE_KUBELET_STARTED);
	assert_int_equal(event->flags, EVENT_RECONSTRUCTED);
	/* up, the last boot, two milestones: nothing twice */
	assert_int_equal(machine.count, 4);
	assert_false(stats.done);
	journal_source_free(source);
	sd_event_unref(loop);
	machine_remove(&machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_no_journal),
		cmocka_unit_test(a_k3s_server),
		cmocka_unit_test(containerd_and_a_kubelet),
		cmocka_unit_test(containerd_as_recorded),
		cmocka_unit_test(without_a_cni_configuration),
		cmocka_unit_test(what_is_left_out),
		cmocka_unit_test(a_long_journal),
		cmocka_unit_test(damaged_files),
		cmocka_unit_test(k3s_containerd_log),
		cmocka_unit_test(what_comes_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
