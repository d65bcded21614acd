/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/privileges.h"
#include "base/syscalls.h"
#include "base/text.h"
#include "boot_sources.h"
#include "boot_journal.h"
#include "client/cgroup.h"
#include "endpoint.h"
#include "kubernetes.h"
#include "old_pull.h"
#include "predecessor.h"
#include "sink/local_sink.h"
#include "sink/metrics/metrics_sink.h"
#include "sink/recording.h"
#include "source/containerd/containerd_source.h"
#include "source/host/host_source.h"
#include "source/kernel/kernel_source.h"
#include "source/memory_source.h"
#include "start_windows.h"
#include "status.h"
#include "store/store.h"
#include "track/tracker.h"

#define TEND_INTERVAL_NS (10 * NS_PER_SECOND)
#define LATE_NS		 NS_PER_SECOND
#define PATIENCE_NS	 (200 * NS_PER_MS)

struct daemon {
	const struct settings *settings;
	sd_event *loop;
	sd_event_source *tick, *tend;
	struct start_windows windows; /* and what watches them: the kernel may be NULL */
	struct memory_source *memory;
	struct containerd_source *containerd;
	struct host_source *host; /* NULL: not yet, or it could not be made */
	struct boot_sources *boot;
	struct boot_journal *journal; /* NULL: it could not be made */
	struct tracker *tracker;
	struct store *store;
	struct local_sink *local;
	struct recording *recording;
	struct metrics_sink *metrics;  /* NULL: not served */
	struct kubernetes *kubernetes; /* NULL: there is none */
	char boot_id[BOOT_ID_SIZE];
	uint64_t since_ns;
	struct predecessor before;
	bool learning;		   /* from the agent before: what the store has is told */
	struct status_parts parts; /* what is told of all this */
	struct store_stats store_seen;
	uint64_t armed_ns;	   /* when the tick timer fires; UINT64_MAX: off */
	uint64_t patient_until_ns; /* nothing is concluded before */
	int kernel_error;
};

static void tell(struct daemon *daemon, const struct record *record, enum record_known before)
{
	if (daemon->local)
		local_sink_record(daemon->local, record);
	if (daemon->metrics)
		metrics_sink_record(daemon->metrics, record, before);
	if (daemon->kubernetes)
		kubernetes_record(daemon->kubernetes, record);
}

static void on_record(void *context, const struct record *from_tracker)
{
	struct daemon *daemon = context;
	struct record record = *from_tracker;
	enum record_known before = store_known(daemon->store, record.type, record.key);

	if (old_pull_is_known(daemon->store, daemon->boot_id, &daemon->before.watched, &record))
		return;
	if (daemon->learning &&
	    (before == RECORD_KNOWN_FINAL || (before != RECORD_UNKNOWN && !record.final)))
		return;
	start_windows_record(&daemon->windows, &record);
	record.wall_offset_ns = clock_wall_offset_ns();
	if (store_put(daemon->store, &record) != STORE_KNOWN)
		tell(daemon, &record, before);
	/* no event of containerd's tells that runc failed: the kernel saw it, CRI knows the reason */
	if (record.type == RECORD_START && record.start.state == START_FAILED && daemon->containerd)
		containerd_source_refresh(daemon->containerd, record.subject.container_id);
}

static void arm_tick(struct daemon *daemon)
{
	uint64_t due_ns = tracker_next_tick_ns(daemon->tracker);

	if (due_ns < daemon->patient_until_ns)
		due_ns = daemon->patient_until_ns;
	if (due_ns == daemon->armed_ns)
		return;
	daemon->armed_ns = due_ns;
	if (due_ns == UINT64_MAX) {
		sd_event_source_set_enabled(daemon->tick, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(daemon->tick, due_ns / 1000 + 1);
	sd_event_source_set_enabled(daemon->tick, SD_EVENT_ONESHOT);
}

static void on_event(void *context, const struct event *event)
{
	struct daemon *daemon = context;
	uint64_t seen_ns = clock_boot_ns();

	start_windows_event(&daemon->windows, event);
	/* a second event on the way of the first: the fact comes before the death */
	if (event->type == EVENT_EXIT && event->exit.role == ROLE_ENTRYPOINT && daemon->host)
		host_source_look(daemon->host);
	if (daemon->recording)
		recording_event(daemon->recording, event, seen_ns);
	predecessor_keep(&daemon->before, event, seen_ns);
	tracker_event(daemon->tracker, event, seen_ns);
	memory_source_event(daemon->memory, event);
	if (daemon->kubernetes)
		kubernetes_event(daemon->kubernetes, event);
	arm_tick(daemon);
}

static int on_tick(sd_event_source *source, uint64_t time_us, void *context)
{
	struct daemon *daemon = context;

	(void)source;
	(void)time_us;
	uint64_t now_ns = clock_boot_ns();

	/* the daemon was stopped, or the machine asleep: first read what the sources have kept */
	if (now_ns > daemon->armed_ns + LATE_NS && daemon->armed_ns != daemon->patient_until_ns)
		daemon->patient_until_ns = now_ns + PATIENCE_NS;
	else
		tracker_tick(daemon->tracker, now_ns);
	daemon->armed_ns = UINT64_MAX;
	arm_tick(daemon);
	return 0;
}

static void tell_lost(struct daemon *daemon, const char *cause, uint64_t count, uint64_t since_ns)
{
	struct event lost = {
		.type = EVENT_SOURCE,
		.boot_ns = clock_boot_ns(),
		.source = {.source = SOURCE_AGENT,
			   .step = SOURCE_LOST,
			   .count = count,
			   .since_ns = since_ns},
	};

	TEXT_COPY(lost.source.cause, cause);
	on_event(daemon, &lost);
}

/* A disk that fails is told when it begins and when it ends; what could not be kept is a gap. */
static void watch_store(struct daemon *daemon)
{
	struct store_stats now, before = daemon->store_seen;

	store_stats(daemon->store, &now);
	daemon->store_seen = now;
	if (now.error && !before.error)
		log_warning("records wait in memory: the disk fails",
			    LOG_TEXT("why", log_errno_text(now.error)));
	else if (!now.error && before.error)
		log_info("records are written again", LOG_NUMBER("waited", before.waiting));
	if (now.set_aside > before.set_aside) {
		log_warning("the store was damaged: set aside as nodewake.db.damaged-*, a new one "
			    "begun");
		tell_lost(daemon, "the store was damaged and set aside", 0, daemon->since_ns);
	}
	if (now.dropped > before.dropped)
		tell_lost(daemon, "records lost: no disk, and too many for memory",
			  now.dropped - before.dropped, daemon->since_ns);
}

static int on_tend(sd_event_source *source, uint64_t time_us, void *context)
{
	struct daemon *daemon = context;

	daemon->parts.tended_ns = clock_boot_ns();
	store_heartbeat(daemon->store, daemon->parts.tended_ns);
	watch_store(daemon);
	store_tend(daemon->store);
	watch_store(daemon);
	if (daemon->kubernetes)
		kubernetes_tend(daemon->kubernetes);
	memory_give_back();
	sd_event_source_set_time(source, time_us + TEND_INTERVAL_NS / 1000);
	return 0;
}

static json_t *on_status(void *context)
{
	const struct daemon *daemon = context;

	return status_json(&daemon->parts);
}

static int open_store(struct daemon *daemon)
{
	const struct settings *settings = daemon->settings;
	struct store_limits limits = {.age_ns = settings->keep_age_ns,
				      .bytes = settings->keep_bytes};
	char why[256];
	int r = store_open(&daemon->store, settings->state_dir, daemon->boot_id, &limits, why);

	if (r < 0) {
		daemon->store_seen.error = r; /* told here */
		log_error("records are kept in memory only", LOG_TEXT("why", why), LOG_ERRNO(r));
		return store_open_memory(&daemon->store, settings->state_dir, daemon->boot_id,
					 &limits);
	}
	return 0;
}

/* What happened while no agent ran is found by listing, and in what the kernel has kept; the rest is a gap. */
static void tell_absence(struct daemon *daemon)
{
	const char *cause = predecessor_absence(&daemon->before, daemon->windows.kernel);
	uint64_t from_ns = daemon->before.watched.to_ns;

	if (cause)
		tell_lost(daemon, cause, 0, from_ns ? from_ns : daemon->since_ns);
}

static void tell_no_kernel(struct daemon *daemon, int error)
{
	struct event missing = {
		.type = EVENT_SOURCE,
		.boot_ns = daemon->since_ns,
		.source = {.source = SOURCE_KERNEL, .step = SOURCE_MISSING},
	};

	snprintf(missing.source.cause, sizeof(missing.source.cause), "no eBPF: %s",
		 error ? log_errno_text(error) : "turned off by --no-ebpf");
	on_event(daemon, &missing);
}

/* The programs are loaded; gRPC has no threads yet. */
static void give_up_privileges(void)
{
	int r = privileges_drop();

	if (r >= 0)
		r = syscalls_forbid();
	if (r < 0)
		log_warning("more rights than needed are kept", LOG_ERRNO(r));
}

static int start_sources(struct daemon *daemon)
{
	const struct settings *settings = daemon->settings;
	struct kernel_source_options kernel = {
		.cni_dirs = settings->cni_dirs,
		.cgroup_root = settings->cgroup_root,
		.start_window_ns = settings->start_window_ns,
		.record_names = settings->record_names,
		.bpffs = settings->bpffs,
	};
	struct containerd_source_options containerd = {
		.socket = settings->containerd_socket,
		.namespace_name = settings->containerd_namespace,
		.log_lines = settings->log_lines,
	};
	struct pressure_source_options pressure = {
		.cgroup_root = settings->cgroup_root,
		.memory_on_v1 = cgroup_memory_on_v1(),
		.start_window_ns = settings->start_window_ns,
	};
	struct memory_source_options memory = {
		.cgroup_root = settings->cgroup_root,
		.memory_on_v1 = pressure.memory_on_v1,
	};
	int r = pressure_source_new(&daemon->windows.pressure, daemon->loop, &pressure, on_event,
				    daemon);

	if (r < 0) {
		log_error("cannot watch the node's pressure", LOG_ERRNO(r));
		return r;
	}
	r = memory_source_new(&daemon->memory, daemon->loop, &memory, on_event, daemon);
	if (r < 0) {
		log_error("cannot watch cgroups' memory", LOG_ERRNO(r));
		return r;
	}
	if (!settings->no_ebpf)
		daemon->kernel_error = kernel_source_new(&daemon->windows.kernel, daemon->loop,
							 &kernel, on_event, daemon);
	give_up_privileges();
	r = containerd_source_new(&daemon->containerd, daemon->loop, &containerd, on_event, daemon);
	if (r < 0) {
		log_error("cannot watch containerd", LOG_ERRNO(r));
		return r;
	}
	r = daemon->kubernetes ? kubernetes_watch(daemon->kubernetes, on_event, daemon) : 0;
	if (r < 0) {
		log_error("cannot watch pods", LOG_ERRNO(r));
		return r;
	}
	if (daemon->windows.kernel) {
		r = kernel_source_start(daemon->windows.kernel);
		if (r < 0)
			daemon->kernel_error = r;
	}
	tell_absence(daemon);
	daemon->parts.kernel = daemon->windows.kernel;
	daemon->parts.kernel_error = daemon->kernel_error;
	daemon->parts.containerd = daemon->containerd;
	boot_journal_open(&daemon->journal, daemon->loop, daemon->store, settings->state_dir,
			  daemon->boot_id, daemon->since_ns, on_event, daemon);
	daemon->parts.journal = boot_journal_source(daemon->journal);
	if (settings->no_ebpf || daemon->kernel_error < 0) {
		log_error("the kernel can't be watched: see `nodewake doctor`",
			  LOG_ERRNO(daemon->kernel_error));
		tell_no_kernel(daemon, daemon->kernel_error);
	}
	r = host_source_new(&daemon->host, daemon->loop, on_event, daemon);
	if (r < 0)
		log_error("cannot watch the host", LOG_ERRNO(r));
	r = boot_sources_open(&daemon->boot, daemon->loop, settings, on_event, daemon);
	daemon->parts.boot = daemon->boot;
	return r;
}

/*
 * Its threads don't preempt others when they wake up, where all CPUs are busy: what starts goes first, and records
 * wait in the rings for some ms. Before any library starts a thread, so that all have it.
 */
static void give_way(void)
{
	const struct sched_param none = {0};

	if (sched_setscheduler(0, SCHED_BATCH, &none) < 0)
		log_debug("the scheduling policy stays", LOG_ERRNO(-errno));
}

/* Blocked before any library starts a thread, so that the loop gets them by signalfd. */
static int take_signals(struct daemon *daemon)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	r = sd_event_add_signal(daemon->loop, NULL, SIGTERM, NULL, NULL);
	return r < 0 ? r : sd_event_add_signal(daemon->loop, NULL, SIGINT, NULL, NULL);
}

static int make_timers(struct daemon *daemon)
{
	int r = sd_event_add_time(daemon->loop, &daemon->tick, CLOCK_BOOTTIME, 0, 1000, on_tick,
				  daemon);

	if (r < 0)
		return r;
	daemon->armed_ns = UINT64_MAX;
	r = sd_event_source_set_enabled(daemon->tick, SD_EVENT_OFF);
	if (r < 0)
		return r;
	r = sd_event_add_time(daemon->loop, &daemon->tend, CLOCK_BOOTTIME, clock_boot_ns() / 1000,
			      1000000, on_tend, daemon);
	return r < 0 ? r : sd_event_source_set_enabled(daemon->tend, SD_EVENT_ON);
}

static void open_local_api(struct daemon *daemon)
{
	int r = local_sink_new(&daemon->local, daemon->loop, daemon->settings->socket, on_status,
			       daemon);

	if (r < 0)
		log_warning("no local API: `nodewake watch` and `status` won't work",
			    LOG_TEXT("socket", daemon->settings->socket), LOG_ERRNO(r));
}

static int start(struct daemon *daemon)
{
	const struct settings *settings = daemon->settings;
	struct tracker_settings track = {
		.start_window_ns = settings->start_window_ns,
		.boot_deadline_ns = settings->boot_deadline_ns,
	};
	int r = clock_boot_id(daemon->boot_id);

	if (r < 0)
		return r;
	daemon->since_ns = clock_boot_ns();
	r = sd_event_default(&daemon->loop);
	if (r < 0)
		return r;
	give_way();
	r = take_signals(daemon);
	if (r < 0)
		return r;
	r = open_store(daemon);
	if (r < 0)
		return r;
	r = tracker_new(&daemon->tracker, &track, on_record, daemon);
	if (r < 0)
		return r;
	if (settings->record_events) {
		r = recording_new(&daemon->recording, settings->record_events, daemon->boot_id);
		if (r < 0) {
			log_error("cannot record events", LOG_TEXT("file", settings->record_events),
				  LOG_ERRNO(r));
			return r;
		}
	}
	r = make_timers(daemon);
	if (r < 0)
		return r;
	r = kubernetes_open(&daemon->kubernetes, daemon->loop, settings, daemon->store,
			    daemon->boot_id);
	if (r < 0)
		return r;
	daemon->parts = (struct status_parts){
		.tracker = daemon->tracker,
		.store = daemon->store,
		.boot_id = daemon->boot_id,
		.since_ns = daemon->since_ns,
		.since_offset_ns = clock_wall_offset_ns(),
		.tended_ns = daemon->since_ns,
		.kubernetes = daemon->kubernetes,
	};
	open_local_api(daemon);
	daemon->metrics = endpoint_open(daemon->loop, settings->listen, &daemon->parts);
	predecessor_find(&daemon->before, daemon->store, daemon->since_ns);
	daemon->learning = true;
	predecessor_learn(&daemon->before, daemon->tracker, settings->socket, daemon->boot_id);
	daemon->learning = false;
	arm_tick(daemon);
	watch_store(daemon);
	return start_sources(daemon);
}

/* Sources first: nothing new comes in while the rest goes. */
static void stop(struct daemon *daemon)
{
	kubernetes_free(daemon->kubernetes);
	boot_sources_free(daemon->boot);
	host_source_free(daemon->host);
	containerd_source_free(daemon->containerd);
	kernel_source_free(daemon->windows.kernel);
	pressure_source_free(daemon->windows.pressure);
	memory_source_free(daemon->memory);
	boot_journal_free(daemon->journal);
	local_sink_free(daemon->local);
	metrics_sink_free(daemon->metrics);
	if (daemon->store)
		store_heartbeat(daemon->store, clock_boot_ns());
	tracker_free(daemon->tracker);
	recording_free(daemon->recording);
	predecessor_done(&daemon->before);
	store_close(daemon->store);
	sd_event_source_unref(daemon->tick);
	sd_event_source_unref(daemon->tend);
	sd_event_unref(daemon->loop);
}

int daemon_run(const struct settings *settings)
{
	struct daemon daemon = {.settings = settings};
	int r = start(&daemon);

	if (r < 0) {
		log_error("cannot start", LOG_ERRNO(r));
	} else {
		sd_event_set_watchdog(daemon.loop, true);
		sd_notify(0, "READY=1");
		log_info("watching", LOG_TEXT("version", NODEWAKE_VERSION),
			 LOG_TEXT("state_dir", settings->state_dir));
		r = sd_event_loop(daemon.loop);
		if (r < 0)
			log_error("the event loop failed", LOG_ERRNO(r));
	}
	sd_notify(0, "STOPPING=1");
	stop(&daemon);
	return r < 0 ? r : 0;
}
