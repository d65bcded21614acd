/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_source.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "client/cgroup.h"
#include "source/kernel/kernel_children.h"
#include "source/kernel/kernel_connects.h"
#include "source/kernel/kernel_core.h"
#include "source/kernel/kernel_mounts.h"
#include "source/kernel/kernel_tables.h"
#include "source/kernel/kernel_questions.h"
#include "source/kernel/kernel_seed.h"
#include "source/kernel/kernel_windows.h"
#include "source/kernel/kernel_wire.h"

/* What is not urgent may wait this long, so that many records are read at once. */
#define LOOK_DELAY_US 50000
/* Records of each ring per look, so that a flood leaves time for the other ring and other sources. */
#define RECORDS_PER_LOOK 512
#define LOSS_INTERVAL_NS NS_PER_SECOND
#define LOSS_INTERVAL_US 1000000
#define LOOK_ACCURACY_US 10000

static const char *const loss_causes[KERNEL_LOSS_COUNT] = {
	[WIRE_LOSS_MAIN_FULL] = "kernel ring full: starts, deaths or OOM kills not written",
	[WIRE_LOSS_MAIN_FILLING] =
		"kernel ring nearly full: waits, sessions and children not written",
	[WIRE_LOSS_CHATTER_FULL] = "kernel ring full: runtime or CNI processes not written",
	[WIRE_LOSS_TABLE_FULL] = "kernel table full: more containers or processes than are kept",
	[WIRE_LOSS_CONNECTS] = "failed connections of starting containers not told: too many",
	[WIRE_LOSS_QUESTIONS] = "DNS questions of starting containers not followed: too many",
	[WIRE_LOSS_FILES] = "files that starting containers read not told: too many at once",
	[WIRE_LOSS_WINDOWS] = "starts not watched closely: too many at once",
	[WIRE_LOSS_CHILDREN] = "deaths of containers' children not counted: of too many kinds",
	[KERNEL_LOSS_SKIPPED] = "kernel skipped a probe that was already running on the CPU",
	[KERNEL_LOSS_MOUNTS] = "more volumes were being mounted at once than the agent follows",
};

static const char *const heritage_words[] = {
	[KERNEL_FRESH] = "none",
	[KERNEL_ADOPTED] = "adopted",
	[KERNEL_REPLACED] = "replaced",
};

struct kernel_source {
	event_fn on_event;
	void *context;
	char deciding_dir[4096];
	struct kernel_probes *probes;
	struct kernel_connects *connects;
	struct kernel_children *children;
	struct kernel_mounts mounts;
	struct kernel_windows *windows;
	struct ring_buffer *main, *chatter;
	sd_event_source *main_ready, *chatter_ready, *look;
	uint64_t records, urgent, undecodable, lost;
	uint64_t losses[KERNEL_LOSS_COUNT];
	uint64_t losses_read_ns;
	uint64_t took_over_ns; /* from here on its own programs worked */
	int budget;
	bool look_soon; /* the timer is set to read, not only to count losses */
};

/* A container's start is over. */
static void tell_waits(struct kernel_source *source, uint64_t cgroup_id, uint64_t now_ns)
{
	kernel_connects_tell(source->connects, cgroup_id);
	kernel_questions_tell(source->probes, cgroup_id, now_ns, source->on_event, source->context);
}

/* … at a moment of its start, which goes on if it is watched closely. */
static void tell_waits_so_far(struct kernel_source *source, uint64_t cgroup_id, uint64_t now_ns)
{
	if (!kernel_windows_open(source->windows, cgroup_id)) {
		tell_waits(source, cgroup_id, now_ns);
		return;
	}
	kernel_connects_tell(source->connects, cgroup_id);
	kernel_questions_so_far(source->probes, cgroup_id, now_ns, source->on_event,
				source->context);
}

/* What a container failed to reach while it started comes before the start's end. */
static void hand_on(struct kernel_source *source, struct event *event)
{
	kernel_windows_event(source->windows, event);
	if (event->type == EVENT_LISTEN)
		tell_waits_so_far(source, event->listen.cgroup_id, event->boot_ns);
	else if (event->type == EVENT_EXIT && event->exit.role == ROLE_ENTRYPOINT) {
		tell_waits(source, event->exit.cgroup_id, event->boot_ns);
		kernel_children_tell(source->children, event->exit.cgroup_id);
	} else if (event->type == EVENT_CGROUP_GONE)
		kernel_children_forget(source->children, event->cgroup.cgroup_id);
	if (event->type == EVENT_EXIT)
		kernel_core_tell(event, source->on_event, source->context);
	source->on_event(source->context, event);
}

static int on_wire(void *context, void *data, size_t size)
{
	struct kernel_source *source = context;
	struct event event;
	int r;

	source->records++;
	source->urgent += kernel_wire_urgent(data, size);
	if (kernel_wire_unwatched(data, size, source->took_over_ns))
		return 0;
	if (kernel_mounts_take(&source->mounts, data, size, &event)) {
		if (event.type != EVENT_NONE)
			hand_on(source, &event);
	} else if ((r = kernel_wire_decode(data, size, &event)) < 0)
		source->undecodable += r != -ENOMSG;
	else if (event.type == EVENT_EXIT && event.exit.count)
		kernel_children_take(source->children, data, &event);
	else if (event.type == EVENT_CONNECT_FAILED || event.type == EVENT_CONNECT_SLOW ||
		 event.type == EVENT_DNS)
		kernel_connects_take(source->connects, data, &event);
	else
		hand_on(source, &event);
	return --source->budget > 0 ? 0 : -EAGAIN; /* the ring's position has moved on */
}

static void tell_losses(struct kernel_source *source)
{
	uint64_t now_ns = clock_boot_ns();
	uint64_t losses[KERNEL_LOSS_COUNT];

	if (now_ns - source->losses_read_ns < LOSS_INTERVAL_NS)
		return;
	kernel_probes_losses(source->probes, losses);
	losses[KERNEL_LOSS_MOUNTS] = source->mounts.lost;
	for (int cause = 0; cause < KERNEL_LOSS_COUNT; cause++) {
		struct event event = {
			.type = EVENT_SOURCE,
			.boot_ns = now_ns,
			.source = {.source = SOURCE_KERNEL,
				   .step = SOURCE_LOST,
				   .count = losses[cause] - source->losses[cause],
				   .since_ns = source->losses_read_ns},
		};

		if (!event.source.count)
			continue;
		source->lost += event.source.count;
		TEXT_COPY(event.source.cause, loss_causes[cause]);
		source->on_event(source->context, &event);
	}
	memcpy(source->losses, losses, sizeof(losses));
	kernel_probes_tell_losses(source->probes, losses, now_ns);
	source->losses_read_ns = now_ns;
}

/* Helpers' records first: what they did comes before what it led to. Returns true if more is left. */
static bool consume(struct kernel_source *source)
{
	bool more;

	source->budget = RECORDS_PER_LOOK;
	ring_buffer__consume(source->chatter);
	more = source->budget <= 0;
	source->budget = RECORDS_PER_LOOK;
	ring_buffer__consume(source->main);
	return more || source->budget <= 0;
}

static void look_after(struct kernel_source *source, uint64_t delay_us)
{
	sd_event_source_set_time_relative(source->look, delay_us);
	sd_event_source_set_enabled(source->look, SD_EVENT_ONESHOT);
	source->look_soon = delay_us <= LOOK_DELAY_US;
}

/*
 * Reads, and looks again until there is nothing more: a wakeup can get lost when the reader stops
 * at a record that is being written. Then it sleeps until the kernel wakes it: no timer runs idle.
 */
static void look(struct kernel_source *source)
{
	uint64_t before = source->records, urgent = kernel_probes_urgent(source->probes);
	bool more = consume(source);

	if (source->records == before) /* all are read: also those that another agent had counted */
		source->urgent = urgent;
	bool unsettled = kernel_connects_settle(source->connects, clock_boot_ns());

	unsettled |= kernel_children_settle(source->children, clock_boot_ns());

	if (more || source->records != before)
		look_after(source, more ? 0 : LOOK_DELAY_US);
	else if (unsettled || clock_boot_ns() - source->losses_read_ns < LOSS_INTERVAL_NS)
		look_after(source, LOSS_INTERVAL_US);
	else
		source->look_soon = false;
	tell_losses(source);
}

/* Edge-triggered: unread records do not wake the loop again. */
static int on_ready(sd_event_source *event_source, int fd, uint32_t events, void *context)
{
	struct kernel_source *source = context;

	(void)event_source;
	(void)fd;
	(void)events;
	if (kernel_probes_urgent(source->probes) != source->urgent)
		look(source);
	else if (!source->look_soon)
		look_after(source, LOOK_DELAY_US);
	return 0;
}

static int on_look(sd_event_source *event_source, uint64_t time_us, void *context)
{
	(void)event_source;
	(void)time_us;
	look(context);
	return 0;
}

static int add_ring(struct kernel_source *source, sd_event *loop, int fd, struct ring_buffer **ring,
		    sd_event_source **ready)
{
	*ring = ring_buffer__new(fd, on_wire, source, NULL);
	if (!*ring)
		return -errno;
	return sd_event_add_io(loop, ready, fd, EPOLLIN | EPOLLET, on_ready, source);
}

static int make_rings(struct kernel_source *source, sd_event *loop)
{
	int r = add_ring(source, loop, kernel_probes_ring_main(source->probes), &source->main,
			 &source->main_ready);

	if (r >= 0)
		r = add_ring(source, loop, kernel_probes_ring_chatter(source->probes),
			     &source->chatter, &source->chatter_ready);
	if (r < 0)
		return r;
	r = sd_event_add_time_relative(loop, &source->look, CLOCK_MONOTONIC, 0, LOOK_ACCURACY_US,
				       on_look, source);
	return r < 0 ? r : sd_event_source_set_enabled(source->look, SD_EVENT_OFF);
}

static int read_failures(void *context, const struct wire_target *target, struct wire_failures *ret)
{
	const struct kernel_source *source = context;

	return kernel_tables_failures(source->probes, target, ret);
}

static int read_children(void *context, const struct wire_child_key *key, struct wire_children *ret)
{
	const struct kernel_source *source = context;

	return kernel_tables_children(source->probes, key, ret);
}

static uint32_t children_told(void *context, const struct wire_child_key *key)
{
	const struct kernel_source *source = context;

	return kernel_tables_children_told(source->probes, key);
}

static void tell_children(void *context, const struct wire_child_key *key, uint32_t total)
{
	const struct kernel_source *source = context;

	kernel_tables_tell_children(source->probes, key, total);
}

static void forget_children(void *context, const struct wire_child_key *key)
{
	const struct kernel_source *source = context;

	kernel_tables_forget_children(source->probes, key);
}

int kernel_source_new(struct kernel_source **ret, sd_event *loop,
		      const struct kernel_source_options *options, event_fn on_event, void *context)
{
	struct kernel_source *source = calloc(1, sizeof(*source));
	const struct kernel_child_table children = {source, read_children, children_told,
						    tell_children, forget_children};
	bool on_v1 = cgroup_memory_on_v1();
	int r;

	if (!source)
		return -ENOMEM;
	source->on_event = on_event;
	source->context = context;
	r = cgroup_deciding_dir(options->cgroup_root ? options->cgroup_root : "/sys/fs/cgroup",
				on_v1, source->deciding_dir, sizeof(source->deciding_dir));
	if (r >= 0)
		r = kernel_probes_new(&source->probes, on_v1, options);
	if (r >= 0)
		r = kernel_connects_new(&source->connects, read_failures, source, on_event,
					context);
	if (r >= 0)
		r = kernel_children_new(&source->children, &children, on_event, context);
	if (r >= 0)
		r = kernel_windows_new(&source->windows, loop, source->probes, options, on_event,
				       context);
	if (r >= 0)
		r = make_rings(source, loop);
	if (r < 0) {
		kernel_source_free(source);
		return r;
	}
	*ret = source;
	return 0;
}

void kernel_source_free(struct kernel_source *source)
{
	if (!source)
		return;
	sd_event_source_disable_unref(source->main_ready);
	sd_event_source_disable_unref(source->chatter_ready);
	sd_event_source_disable_unref(source->look);
	ring_buffer__free(source->main);
	ring_buffer__free(source->chatter);
	kernel_windows_free(source->windows);
	kernel_children_free(source->children);
	kernel_connects_free(source->connects);
	kernel_probes_free(source->probes);
	free(source);
}

static void on_missing(void *context, const char *name, int error)
{
	struct kernel_source *source = context;
	struct event event = {
		.type = EVENT_SOURCE,
		.boot_ns = clock_boot_ns(),
		.source = {.source = SOURCE_KERNEL, .step = SOURCE_MISSING},
	};

	log_warning("a probe is not attached", LOG_TEXT("probe", name), LOG_ERRNO(error));
	snprintf(event.source.cause, sizeof(event.source.cause), "probe %s not attached: %s", name,
		 log_errno_text(error));
	source->on_event(source->context, &event);
}

static void adopt_children(void *context, const struct wire_child_key *key)
{
	const struct kernel_source *source = context;

	kernel_children_adopt(source->children, key, clock_boot_ns());
}

int kernel_source_start(struct kernel_source *source)
{
	struct event up = {
		.type = EVENT_SOURCE,
		.source = {.source = SOURCE_KERNEL, .step = SOURCE_UP},
	};
	int attached = kernel_probes_attach(source->probes, on_missing, source);

	if (attached == 0)
		return -ENOTSUP;
	kernel_probes_want_windows(source->probes);
	source->took_over_ns = up.boot_ns = clock_boot_ns();
	source->losses_read_ns = kernel_probes_losses_told(source->probes, source->losses);
	if (!source->losses_read_ns)
		source->losses_read_ns = up.boot_ns;
	if (kernel_probes_heritage(source->probes) == KERNEL_ADOPTED)
		up.source.since_ns = kernel_probes_since(source->probes);
	source->on_event(source->context, &up);
	kernel_tables_each_children(source->probes, adopt_children, source);
	kernel_source_drain(source); /* what happened before, while no agent ran */
	look_after(source, LOSS_INTERVAL_US);
	int r = kernel_seed(source->probes, source->deciding_dir, source->on_event,
			    source->context);

	if (r < 0)
		log_warning("existing containers can't be found",
			    LOG_TEXT("dir", source->deciding_dir), LOG_ERRNO(r));
	else
		log_info("the kernel is watched", LOG_NUMBER("probes", attached),
			 LOG_NUMBER("containers", r),
			 LOG_TEXT("probes_before",
				  heritage_words[kernel_probes_heritage(source->probes)]));
	return 0;
}

int kernel_source_pin(struct kernel_source *source)
{
	int r;

	if (kernel_probes_attach(source->probes, on_missing, source) == 0)
		return -ENOTSUP;
	r = kernel_seed(source->probes, source->deciding_dir, source->on_event, source->context);
	return r < 0 ? r : 0;
}

int kernel_source_drain(struct kernel_source *source)
{
	uint64_t before = source->records;

	while (consume(source))
		;
	return (int)(source->records - before);
}

void kernel_source_sample(struct kernel_source *source, const char *container_id)
{
	uint64_t cgroup_id = kernel_windows_sample(source->windows, container_id);

	if (cgroup_id)
		tell_waits_so_far(source, cgroup_id, clock_boot_ns());
}

void kernel_source_started(struct kernel_source *source, const char *container_id)
{
	kernel_windows_close(source->windows, container_id);
}

enum kernel_heritage kernel_source_heritage(const struct kernel_source *source)
{
	return kernel_probes_heritage(source->probes);
}

void kernel_source_stats(const struct kernel_source *source, struct kernel_source_stats *ret)
{
	struct kernel_source_stats stats = {
		.records = source->records,
		.lost = source->lost,
		.pinned = kernel_probes_pinned(source->probes),
	};

	kernel_probes_stats(source->probes, &stats);
	*ret = stats;
}
