/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_windows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "source/kernel/kernel_coarse.h"
#include "source/kernel/kernel_files.h"
#include "source/kernel/kernel_questions.h"
#include "source/kernel/kernel_stalls.h"
#include "source/kernel/kernel_tables.h"

#define SAMPLE_INTERVAL_US 1000000
#define SAMPLE_ACCURACY_US 100000
/* From a container's cgroup to its exec, and between one start and the next: attaching takes some ms. */
#define LINGER_NS	(5 * NS_PER_SECOND)
#define START_WINDOW_NS (300 * NS_PER_SECOND)

/* An open window. */
struct open {
	char container_id[ID_SIZE]; /* "": free */
	uint64_t cgroup_id;
	uint64_t began_ns;
};

struct kernel_windows {
	struct kernel_probes *probes;
	struct kernel_coarse *coarse;
	uint64_t start_window_ns;
	event_fn on_event;
	void *context;
	struct kernel_file_maps file_maps;
	struct kernel_files *files;
	sd_event_source *timer;
	bool attached;
	bool armed;
	uint64_t needed_ns; /* last sign of a start */
	struct open open[WIRE_WINDOWS_MAX];
};

static int on_timer(sd_event_source *source, uint64_t time_us, void *context);

static int make_files(struct kernel_windows *windows)
{
	struct kernel_file_counts counts;

	kernel_tables_file_maps(windows->probes, &windows->file_maps);
	kernel_file_counts_of(&windows->file_maps, &counts);
	return kernel_files_new(&windows->files, &counts, "/proc", "/sys/dev/block",
				windows->on_event, windows->context);
}

int kernel_windows_new(struct kernel_windows **ret, sd_event *loop, struct kernel_probes *probes,
		       const struct kernel_source_options *options, event_fn on_event,
		       void *context)
{
	struct kernel_windows *windows = calloc(1, sizeof(*windows));
	int r;

	if (!windows)
		return -ENOMEM;
	windows->probes = probes;
	windows->start_window_ns =
		options->start_window_ns ? options->start_window_ns : START_WINDOW_NS;
	windows->on_event = on_event;
	windows->context = context;
	r = make_files(windows);
	if (r >= 0)
		r = kernel_coarse_new(&windows->coarse, options->cgroup_root, on_event, context);
	if (r >= 0)
		r = sd_event_add_time_relative(loop, &windows->timer, CLOCK_MONOTONIC, 0,
					       SAMPLE_ACCURACY_US, on_timer, windows);
	if (r >= 0)
		r = sd_event_source_set_enabled(windows->timer, SD_EVENT_OFF);
	if (r < 0) {
		kernel_windows_free(windows);
		return r;
	}
	*ret = windows;
	return 0;
}

void kernel_windows_free(struct kernel_windows *windows)
{
	if (!windows)
		return;
	sd_event_source_disable_unref(windows->timer);
	kernel_files_free(windows->files);
	kernel_coarse_free(windows->coarse);
	free(windows);
}

/* --- which are open ------------------------------------------------------------------------------- */

static struct open *find(struct kernel_windows *windows, const char *container_id)
{
	for (size_t i = 0; i < WIRE_WINDOWS_MAX; i++)
		if (strcmp(windows->open[i].container_id, container_id) == 0)
			return &windows->open[i];
	return NULL;
}

static void close_window(struct kernel_windows *windows, struct open *open)
{
	kernel_questions_tell(windows->probes, open->cgroup_id, clock_boot_ns(), windows->on_event,
			      windows->context);
	kernel_files_end(windows->files, open->container_id);
	kernel_tables_close(windows->probes, open->cgroup_id);
	*open = (struct open){0};
	windows->needed_ns = clock_boot_ns();
}

void kernel_windows_close(struct kernel_windows *windows, const char *container_id)
{
	struct open *open = *container_id ? find(windows, container_id) : NULL;

	kernel_coarse_end(windows->coarse, container_id);
	if (open)
		close_window(windows, open);
}

static void need_programs(struct kernel_windows *windows)
{
	windows->needed_ns = clock_boot_ns();
	if (!windows->attached) {
		kernel_probes_watch(windows->probes, true);
		windows->attached = true;
	}
	if (!windows->armed) {
		sd_event_source_set_time_relative(windows->timer, SAMPLE_INTERVAL_US);
		sd_event_source_set_enabled(windows->timer, SD_EVENT_ONESHOT);
		windows->armed = true;
	}
}

static void note_exec(struct kernel_windows *windows, const struct event *event)
{
	struct wire_window window;
	struct open *open;

	need_programs(windows);
	if (strcmp(event->exec.file, "/pause") == 0) /* the kernel leaves it out as well */
		return;
	open = find(windows, event->exec.container_id);
	if (!open)
		open = find(windows, "");
	if (!open || kernel_tables_window(windows->probes, event->exec.cgroup_id, &window) < 0) {
		kernel_tables_close(windows->probes, event->exec.cgroup_id);
		kernel_coarse_begin(windows->coarse, event);
		return;
	}
	TEXT_COPY(open->container_id, event->exec.container_id);
	open->cgroup_id = event->exec.cgroup_id;
	open->began_ns = window.began_ns;
	kernel_files_begin(windows->files, open->container_id, open->cgroup_id,
			   event->exec.who.pid);
}

/* --- how they go on ------------------------------------------------------------------------------- */

struct threads {
	uint64_t cgroup_id, now_ns;
	struct stall_times *times;
};

static void add_thread(void *context, uint32_t id, const struct wire_thread *thread)
{
	struct threads *threads = context;

	(void)id;
	if (thread->container_id == threads->cgroup_id)
		kernel_stalls_add(threads->times, thread, threads->now_ns);
}

/* What the threads do at this moment, and how much of the start was watched. */
static void complete(struct kernel_windows *windows, struct event_stall *stall, uint64_t began_ns,
		     uint64_t now_ns)
{
	struct threads threads = {stall->cgroup_id, now_ns, &stall->threads};
	uint64_t watched_ns = kernel_probes_watched_since(windows->probes);

	kernel_tables_threads(windows->probes, add_thread, &threads);
	if (stall->grade == STALLS_MEASURED && watched_ns > began_ns + NS_PER_MS) {
		stall->grade = STALLS_PARTIAL;
		snprintf(stall->reason, sizeof(stall->reason), "not watched for the first %.0f ms",
			 (double)(watched_ns - began_ns) / NS_PER_MS);
	}
}

static void sample(struct kernel_windows *windows, const struct open *open)
{
	struct event event = {.type = EVENT_STALL, .boot_ns = clock_boot_ns()};
	struct wire_window window;
	struct wire_thread thread;

	event.stall.cgroup_id = open->cgroup_id;
	TEXT_COPY(event.stall.container_id, open->container_id);
	event.stall.step = STALL_SO_FAR;
	if (kernel_tables_window(windows->probes, open->cgroup_id, &window) < 0 ||
	    kernel_tables_thread(windows->probes, window.init_pid, &thread) < 0 ||
	    thread.container_id != open->cgroup_id)
		return;
	kernel_stalls_event(&event.stall, &window, &thread, event.boot_ns);
	complete(windows, &event.stall, open->began_ns, event.boot_ns);
	windows->on_event(windows->context, &event);
}

uint64_t kernel_windows_sample(struct kernel_windows *windows, const char *container_id)
{
	const struct open *open = *container_id ? find(windows, container_id) : NULL;

	if (open)
		sample(windows, open);
	else
		kernel_coarse_tell(windows->coarse, container_id, STALL_SO_FAR, clock_boot_ns());
	kernel_files_tell(windows->files, container_id);
	return open ? open->cgroup_id : 0;
}

void kernel_windows_event(struct kernel_windows *windows, struct event *event)
{
	struct open *open;

	switch (event->type) {
	case EVENT_CGROUP_NEW:
		kernel_coarse_cgroup(windows->coarse, &event->cgroup);
		need_programs(windows);
		break;
	case EVENT_EXEC:
		if (event->exec.role == ROLE_ENTRYPOINT)
			note_exec(windows, event);
		break;
	case EVENT_STALL:
		open = find(windows, event->stall.container_id);
		if (open)
			complete(windows, &event->stall, open->began_ns, event->boot_ns);
		break;
	case EVENT_LISTEN:
		kernel_files_tell(windows->files, event->listen.container_id);
		kernel_coarse_tell(windows->coarse, event->listen.container_id, STALL_AT_LISTEN,
				   event->boot_ns);
		break;
	case EVENT_EXIT:
		if (event->exit.role == ROLE_ENTRYPOINT)
			kernel_windows_close(windows, event->exit.container_id);
		break;
	default:
		break;
	}
}

bool kernel_windows_open(const struct kernel_windows *windows, uint64_t cgroup_id)
{
	for (size_t i = 0; i < WIRE_WINDOWS_MAX; i++)
		if (windows->open[i].cgroup_id == cgroup_id)
			return true;
	return false;
}

/* Their exec was not told: the ring was full. */
static void close_unknown(struct kernel_windows *windows, uint64_t now_ns)
{
	uint64_t ids[WIRE_WINDOWS_MAX];
	uint32_t count = kernel_tables_opened(windows->probes, ids);
	struct wire_window window;

	for (uint32_t i = 0; i < count; i++)
		if (!kernel_windows_open(windows, ids[i]) &&
		    kernel_tables_window(windows->probes, ids[i], &window) == 0 &&
		    now_ns > window.began_ns + LINGER_NS)
			kernel_tables_close(windows->probes, ids[i]);
}

static int on_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	struct kernel_windows *windows = context;
	uint64_t now_ns = clock_boot_ns();
	bool any = kernel_coarse_tell_all(windows->coarse, windows->start_window_ns, now_ns);

	(void)time_us;
	windows->armed = false;
	kernel_files_look(windows->files);
	close_unknown(windows, now_ns);
	for (size_t i = 0; i < WIRE_WINDOWS_MAX; i++) {
		struct open *open = &windows->open[i];

		if (!*open->container_id)
			continue;
		sample(windows, open);
		if (now_ns > open->began_ns + windows->start_window_ns + LINGER_NS)
			close_window(windows, open);
		any = true;
	}
	kernel_questions_settle(windows->probes, now_ns, windows->on_event, windows->context);
	if (!any && now_ns > windows->needed_ns + LINGER_NS) {
		kernel_probes_watch(windows->probes, false);
		windows->attached = false;
		return 0;
	}
	sd_event_source_set_time_relative(source, SAMPLE_INTERVAL_US);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	windows->armed = true;
	return 0;
}
