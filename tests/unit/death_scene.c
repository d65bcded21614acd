// SPDX-License-Identifier: Apache-2.0
#include "unit/death_scene.h"

#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"

#define SECOND NS_PER_SECOND
#define MINUTE (60 * SECOND)

struct record make_crash(const char *pod, const char *name, unsigned int second)
{
	struct record record = make_exit(pod, name, second);
	struct record_exit *exit = &record.exit;
	uint64_t at_ns = record.boot_ns;

	record.subject.attempt = 3;
	exit->verdict = EXIT_CRASHED;
	exit->code = 139;
	exit->signal = exit->sender_signal = SIGSEGV;
	exit->fault_code = SEGV_MAPERR;
	exit->fault_address = 0x10;
	exit->core_dumped = true;
	exit->kernel_ns = at_ns;
	exit->listen_ns = exit->started_ns + 1200 * NS_PER_MS;
	exit->listen_port = 8080;
	exit->deaths = 4;
	exit->looping = true;
	exit->loop = (struct crash_loop){
		.pattern = LOOP_SAME,
		.count = 4,
		.shortest_ns = 9 * SECOND,
		.longest_ns = 10 * SECOND,
		.first_ns = at_ns - 2 * MINUTE,
		.retry_ns = at_ns + 40 * SECOND,
	};
	exit->child_deaths = 2;
	exit->host_count = 1;
	exit->host[0] = (struct host_evidence){.fact = HOST_DISK_ERROR, .boot_ns = at_ns - SECOND};
	TEXT_COPY(exit->host[0].resource, "sda");
	TEXT_COPY(exit->host[0].detail, "I/O error, sector 7");
	TEXT_COPY(exit->loop.first, "exit 1 after 9.00s");
	TEXT_COPY(exit->core, "|/usr/lib/systemd/systemd-coredump");
	TEXT_COPY(exit->file, "/srv/app");
	TEXT_COPY(exit->reason, "Error");
	TEXT_COPY(exit->kubernetes_reason, "OOMKilled");
	exit->kubernetes_code = 137;
	exit->kubernetes_wrong = true;
	exit->log.lines = 2;
	TEXT_COPY(exit->log.text, "reading page 7\npanic: oh no\n");
	return record;
}

struct record make_stop(const char *pod, const char *name, unsigned int second)
{
	struct record record = make_exit(pod, name, second);
	struct record_exit *exit = &record.exit;

	exit->verdict = EXIT_STOPPED;
	exit->code = 137;
	exit->signal = exit->sender_signal = SIGKILL;
	exit->sender_pid = 77;
	exit->kernel_ns = record.boot_ns;
	exit->started_ns = record.boot_ns - 5 * MINUTE;
	TEXT_COPY(exit->sender_comm, "runc");
	exit->stop = (struct stop){
		.cause = STOP_LIVENESS,
		.term_ns = record.boot_ns - 30 * SECOND,
		.kill_ns = record.boot_ns,
		.grace_s = 30,
		.overran = true,
		.hook_ns = 2 * SECOND,
	};
	TEXT_COPY(exit->stop.told, "Liveness probe failed: HTTP probe failed with statuscode: 500");
	return record;
}

struct record make_leak(const char *pod, const char *name, unsigned int second)
{
	struct record record = make_oom(pod, name, second);
	struct record_oom *oom = &record.oom;
	struct oom_victim *victim = &oom->victims[0];

	victim->start_ns = record.boot_ns - 10 * MINUTE;
	victim->worker = 3;
	victim->workers = 4;
	victim->file_kb = 2 << 10;
	victim->oom_score_adj = 999;
	victim->uid = 1000;
	TEXT_COPY(victim->parent_comm, "gunicorn");
	oom->near_ns = 41 * SECOND;
	oom->memory = (struct memory_state){
		.usage_bytes = 40 << 20,
		.limit_bytes = 512 << 20,
		.peak_bytes = 512 << 20,
		.anon_bytes = 38 << 20,
		.limit_hits = 449,
		.kills = 4,
		.stalled10 = 123,
		.stalled60 = 80,
		.stalled300 = 5,
	};
	oom->process_total = 9;
	oom->neighbour_count = 2;
	oom->neighbours[0] = (struct oom_neighbour){
		.pid = 8470, .comm = "gunicorn", .rss_kb = 20 << 10, .oom_score_adj = 999};
	oom->neighbours[1] = (struct oom_neighbour){
		.pid = 9000, .comm = "envoy", .container = "proxy", .rss_kb = 12 << 10};
	oom->series = (struct oom_series){
		.count = 4,
		.first_ns = record.boot_ns - 15 * MINUTE,
		.interval_ns = 5 * MINUTE,
		.growth_bytes_per_min = 48 << 20,
		.leak = true,
	};
	return record;
}

struct record make_child(const char *pod, const char *name, unsigned int second)
{
	struct record record = make_exit(pod, name, second);

	record.type = RECORD_CHILD;
	record.child = (struct record_child){
		.verdict = EXIT_CRASHED,
		.comm = "worker",
		.file = "/srv/worker",
		.parent_comm = "gunicorn",
		.pid = 31,
		.signal = SIGSEGV,
		.fault_code = SEGV_ACCERR,
		.fault_address = 0x7000,
		.age_ns = 2 * SECOND,
		.count = 3,
		.same = 3,
		.first_ns = record.boot_ns - 2 * MINUTE,
		.last_ns = record.boot_ns,
		.interval_ns = MINUTE,
		.looping = true,
		.container_survived = SURVIVAL_YES,
	};
	return record;
}

struct record make_host(const char *resource, unsigned int second)
{
	struct record record = make_gap(resource, second);

	record.type = RECORD_HOST;
	record.host = (struct record_host){
		.fact = HOST_DISK_FULL,
		.detail = "no space left on device",
		.told_by = "kernel",
		.count = 2,
		.first_ns = record.boot_ns,
		.last_ns = record.boot_ns,
	};
	TEXT_COPY(record.host.resource, resource);
	return record;
}
