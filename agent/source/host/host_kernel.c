/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's log: read when it rings, line by line through the rules. Where a read costs the whole log, a ring is
 * answered after a pause, so that it never takes more than a hundredth of a CPU; a death does not wait for that.
 */
#include "source/host/host_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "client/kernel_log.h"
#include "client/mount_of.h"
#include "client/process_find.h"
#include "source/host/host_rules.h"

#define PAUSE_NS      NS_PER_SECOND
#define PAUSE_BY_COST 100
/* A death may ask earlier than that, but not at once again. */
#define LOOK_BY_COST 10
#define FACTS_MAX    64

struct line_fact {
	struct event_host host;
	uint64_t log_us;
};

struct host_kernel {
	struct host_source *source;
	struct kernel_log *log;
	sd_event_source *io, *timer;
	bool waiting;	  /* for the timer */
	uint64_t read_ns; /* when it was read last, and what that cost */
	uint64_t cost_ns;
	uint64_t last_us; /* of the last line */
	uint32_t count;	  /* of this read; more than that are told without a place of their own */
	struct line_fact facts[FACTS_MAX];
	struct host_source_stats stats;
};

/* "comm:pid", where a comm may have colons too. */
static uint32_t task_pid(const char *resource)
{
	const char *colon = strrchr(resource, ':');

	return colon ? (uint32_t)strtoul(colon + 1, NULL, 10) : 0;
}

static bool is_disk(enum host_fact fact)
{
	return fact == HOST_DISK_ERROR || fact == HOST_DISK_FULL || fact == HOST_READ_ONLY;
}

/* Whom it struck. A task that was killed may be gone by now. */
static void find_struck(struct event_host *host)
{
	uint32_t pid = task_pid(host->resource);

	if ((host->fact == HOST_HUNG_TASK || host->fact == HOST_MEMORY_ERROR) && pid)
		process_container_read("/proc", pid, host->container_id,
				       sizeof(host->container_id));
	else if (is_disk(host->fact))
		mount_of_device("", host->resource, host->mount, sizeof(host->mount));
}

static void on_line(void *context, const struct kernel_line *line)
{
	struct host_kernel *kernel = context;
	struct line_fact *fact;

	kernel->stats.lines++;
	kernel->last_us = line->log_us;
	if (!line->from_kernel || kernel->count == FACTS_MAX)
		return;
	fact = &kernel->facts[kernel->count];
	if (!host_rule_match(line->text, line->length, &fact->host))
		return;
	fact->log_us = line->log_us;
	kernel->count++;
	kernel->stats.facts++;
}

/* The log's clock drifts from ours, but its last line is of now. */
static void tell(struct host_kernel *kernel, uint64_t now_ns)
{
	for (uint32_t i = 0; i < kernel->count; i++) {
		struct line_fact *fact = &kernel->facts[i];
		uint64_t ago_ns = kernel->last_us > fact->log_us
					  ? (kernel->last_us - fact->log_us) * 1000
					  : 0;
		bool again = i && kernel->facts[i - 1].host.fact == fact->host.fact &&
			     strcmp(kernel->facts[i - 1].host.resource, fact->host.resource) == 0;

		if (again) { /* a burst: who it struck was found a moment ago */
			TEXT_COPY(fact->host.mount, kernel->facts[i - 1].host.mount);
			TEXT_COPY(fact->host.container_id, kernel->facts[i - 1].host.container_id);
		} else {
			find_struck(&fact->host);
		}
		host_source_tell(kernel->source, &fact->host,
				 ago_ns < now_ns ? now_ns - ago_ns : now_ns);
	}
	kernel->count = 0;
}

/* Returns as kernel_log_read. */
static int read_log(struct host_kernel *kernel)
{
	uint64_t begin_ns = clock_boot_ns(), end_ns;
	int r = kernel_log_read(kernel->log, on_line, kernel);

	end_ns = clock_boot_ns();
	kernel->read_ns = end_ns;
	kernel->cost_ns = end_ns - begin_ns;
	if (kernel->cost_ns > kernel->stats.longest_ns)
		kernel->stats.longest_ns = kernel->cost_ns;
	tell(kernel, end_ns);
	if (r < 0)
		sd_event_source_set_enabled(kernel->io, SD_EVENT_OFF);
	return r;
}

static int on_timer(sd_event_source *timer, uint64_t time_us, void *context)
{
	struct host_kernel *kernel = context;

	(void)timer;
	(void)time_us;
	kernel->waiting = false;
	read_log(kernel);
	return 0;
}

static int on_ring(sd_event_source *io, int fd, uint32_t events, void *context)
{
	struct host_kernel *kernel = context;
	uint64_t pause_ns = kernel->cost_ns * PAUSE_BY_COST;

	(void)io;
	(void)fd;
	(void)events;
	if (!kernel_log_is_costly(kernel->log)) {
		read_log(kernel);
		return 0;
	}
	if (kernel->waiting)
		return 0;
	kernel->waiting = true;
	if (pause_ns < PAUSE_NS)
		pause_ns = PAUSE_NS;
	sd_event_source_set_time(kernel->timer, (kernel->read_ns + pause_ns) / 1000);
	sd_event_source_set_enabled(kernel->timer, SD_EVENT_ONESHOT);
	return 0;
}

int host_kernel_new(struct host_kernel **ret, sd_event *loop, struct host_source *source)
{
	struct host_kernel *kernel = calloc(1, sizeof(*kernel));
	int r;

	if (!kernel)
		return -ENOMEM;
	kernel->source = source;
	r = kernel_log_open(&kernel->log);
	if (r >= 0)
		r = sd_event_add_io(loop, &kernel->io, kernel_log_fd(kernel->log),
				    kernel_log_events(kernel->log), on_ring, kernel);
	if (r >= 0)
		r = sd_event_add_time(loop, &kernel->timer, CLOCK_BOOTTIME, 0, 10000, on_timer,
				      kernel);
	if (r >= 0)
		r = sd_event_source_set_enabled(kernel->timer, SD_EVENT_OFF);
	if (r < 0) {
		host_kernel_free(kernel);
		return r;
	}
	*ret = kernel;
	return 0;
}

void host_kernel_free(struct host_kernel *kernel)
{
	if (!kernel)
		return;
	sd_event_source_disable_unref(kernel->io);
	sd_event_source_disable_unref(kernel->timer);
	kernel_log_close(kernel->log);
	free(kernel);
}

/* A syslog daemon that reads /proc/kmsg may have taken the lines, and the ring with them: it is looked at anyway. */
void host_kernel_look(struct host_kernel *kernel)
{
	if (!kernel_log_is_costly(kernel->log) ||
	    clock_boot_ns() >= kernel->read_ns + kernel->cost_ns * LOOK_BY_COST + NS_PER_MS * 50)
		read_log(kernel);
}

void host_kernel_stats(const struct host_kernel *kernel, struct host_source_stats *ret)
{
	*ret = kernel->stats;
	ret->kernel_log = true;
	ret->overruns = kernel_log_overruns(kernel->log);
}
