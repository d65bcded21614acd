/* SPDX-License-Identifier: Apache-2.0 */
#include "source/pressure_source.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "client/cgroup.h"
#include "client/pressure.h"

#define STARTING_MAX 64
#define WINDOW_NS    (300 * NS_PER_SECOND)
#define INTERVAL_NS  NS_PER_SECOND
/* A sample costs some 0.2 ms: no two of them within this time, however much happens. */
#define GAP_NS (50 * NS_PER_MS)

_Static_assert(PRESSURE_DISK_SIZE == DISK_SIZE, "the names of disks");

struct starting {
	char container_id[ID_SIZE];
	char pod_uid[POD_UID_SIZE];
	char pod_dir[CGROUP_PATH_SIZE]; /* below the hierarchy; "" not known */
	bool paused;			/* it executed what a sandbox does */
	uint64_t until_ns;
};

struct pressure_source {
	event_fn on_event;
	void *context;
	char proc[PATH_MAX / 4], sys[PATH_MAX / 4],
		cgroup_dir[PATH_MAX / 4]; /* cgroup_dir "": v1 */
	uint64_t window_ns;
	sd_event_source *timer;
	uint64_t sampled_ns, pods_ns;
	struct starting starting[STARTING_MAX];
	uint32_t count;
	uint64_t samples, left_out;
};

static struct starting *find(struct pressure_source *source, const char *container_id)
{
	for (uint32_t i = 0; i < source->count; i++)
		if (strcmp(source->starting[i].container_id, container_id) == 0)
			return &source->starting[i];
	return NULL;
}

/* --- looking --------------------------------------------------------------------------------- */

static bool read_times(const char *dir, bool cgroup, struct event_pressure *ret)
{
	struct pressure_psi psi;

	if (pressure_read(dir, cgroup, &psi) < 0)
		return false;
	ret->counted = true;
	ret->times = (struct pressure_times){
		.cpu_some_ns = psi.cpu_some_ns,
		.io_some_ns = psi.io_some_ns,
		.io_full_ns = psi.io_full_ns,
		.memory_some_ns = psi.memory_some_ns,
		.memory_full_ns = psi.memory_full_ns,
	};
	return true;
}

static void look_at_node(struct pressure_source *source, uint64_t now_ns)
{
	struct event event = {.type = EVENT_PRESSURE, .boot_ns = now_ns};
	struct event_pressure *told = &event.pressure;
	struct pressure_disk disks[PRESSURE_DISKS_MAX];
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/pressure", source->proc);
	read_times(dir, false, told);
	pressure_memory(source->proc, &told->memory_total_bytes, &told->memory_available_bytes);
	told->disk_count = pressure_disks(source->proc, source->sys, disks, PRESSURE_DISKS_MAX);
	for (uint32_t i = 0; i < told->disk_count; i++) {
		told->disks[i] = (struct disk_load){.requests = disks[i].requests,
						    .busy_ns = disks[i].busy_ns,
						    .queue_ns = disks[i].queue_ns};
		TEXT_COPY(told->disks[i].name, disks[i].name);
	}
	source->samples++;
	source->on_event(source->context, &event);
}

static void look_at_pod(struct pressure_source *source, const struct starting *starting,
			uint64_t now_ns)
{
	struct event event = {.type = EVENT_PRESSURE, .boot_ns = now_ns};
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s%s", source->cgroup_dir, starting->pod_dir);
	if (!*source->cgroup_dir || !*starting->pod_dir || !read_times(dir, true, &event.pressure))
		return;
	TEXT_COPY(event.pressure.pod_uid, starting->pod_uid);
	source->on_event(source->context, &event);
}

/* A pod has as many as it has containers, and its sandbox: it is looked at once. */
static bool is_first_of_pod(const struct pressure_source *source, uint32_t index)
{
	const struct starting *starting = &source->starting[index];

	if (!*starting->pod_dir)
		return false;
	for (uint32_t i = 0; i < index; i++)
		if (*source->starting[i].pod_dir &&
		    strcmp(source->starting[i].pod_uid, starting->pod_uid) == 0)
			return false;
	return true;
}

static void arm(struct pressure_source *source, uint64_t at_ns)
{
	sd_event_source_set_time(source->timer, at_ns / 1000);
	sd_event_source_set_enabled(source->timer, SD_EVENT_ONESHOT);
}

static void look_at_pods(struct pressure_source *source, uint64_t now_ns)
{
	source->pods_ns = now_ns;
	for (uint32_t i = 0; i < source->count; i++)
		if (is_first_of_pod(source, i))
			look_at_pod(source, &source->starting[i], now_ns);
}

/* At the node now, or as soon as it may be; at all pods once a second, however much happens. */
static void look(struct pressure_source *source, uint64_t now_ns)
{
	if (now_ns < source->sampled_ns + GAP_NS) {
		arm(source, source->sampled_ns + GAP_NS);
		return;
	}
	source->sampled_ns = now_ns;
	look_at_node(source, now_ns);
	if (now_ns >= source->pods_ns + INTERVAL_NS)
		look_at_pods(source, now_ns);
	arm(source, now_ns + INTERVAL_NS);
}

/* At a moment of one start. */
static void look_at(struct pressure_source *source, const struct starting *starting,
		    uint64_t now_ns)
{
	look(source, now_ns);
	look_at_pod(source, starting, now_ns);
}

/* --- what starts ----------------------------------------------------------------------------- */

static void drop(struct pressure_source *source, struct starting *starting)
{
	*starting = source->starting[--source->count];
	if (!source->count)
		sd_event_source_set_enabled(source->timer, SD_EVENT_OFF);
}

static struct starting *begin(struct pressure_source *source, const char *container_id,
			      uint64_t now_ns)
{
	struct starting *starting = find(source, container_id);

	if (starting || !*container_id)
		return starting;
	if (source->count == STARTING_MAX) {
		source->left_out++;
		return NULL;
	}
	starting = &source->starting[source->count++];
	*starting = (struct starting){.until_ns = now_ns + source->window_ns};
	TEXT_COPY(starting->container_id, container_id);
	return starting;
}

static void note_cgroup(struct pressure_source *source, const struct event_cgroup *cgroup,
			uint64_t now_ns)
{
	struct starting *starting = begin(source, cgroup->container_id, now_ns);
	const char *slash = strrchr(cgroup->path, '/');

	if (!starting)
		return;
	TEXT_COPY(starting->pod_uid, cgroup->pod_uid);
	/* the pod's directory is the one above; a path that was cut has no slash in front */
	if (*cgroup->pod_uid && *cgroup->path == '/' && slash > cgroup->path)
		text_copy_n(starting->pod_dir, sizeof(starting->pod_dir), cgroup->path,
			    (size_t)(slash - cgroup->path));
	/* its start is looked at when the entrypoint is executed; here so that there is a sample before that */
	if (now_ns >= source->sampled_ns + INTERVAL_NS)
		look(source, now_ns);
	if (is_first_of_pod(source, (uint32_t)(starting - source->starting)))
		look_at_pod(source, starting, now_ns);
}

/* A sandbox has no start of its own: it ends with the last of its containers'. */
static void drop_sandbox(struct pressure_source *source, const char *pod_uid,
			 const char *sandbox_id)
{
	struct starting *sandbox = NULL;

	for (uint32_t i = 0; i < source->count; i++) {
		struct starting *other = &source->starting[i];

		if (strcmp(other->pod_uid, pod_uid) != 0)
			continue;
		if (!other->paused && strcmp(other->container_id, sandbox_id) != 0)
			return;
		sandbox = other;
	}
	if (sandbox)
		drop(source, sandbox);
}

void pressure_source_over(struct pressure_source *source, const char *container_id,
			  const char *sandbox_id)
{
	struct starting *over = source ? find(source, container_id) : NULL;
	char pod_uid[POD_UID_SIZE];

	if (!over)
		return;
	TEXT_COPY(pod_uid, over->pod_uid);
	drop(source, over);
	if (*pod_uid)
		drop_sandbox(source, pod_uid, sandbox_id);
}

/* containerd may not know it, or not yet: a program called pause is a sandbox's. */
static bool is_pause(const char *file)
{
	const char *slash = strrchr(file, '/');

	return strcmp(slash ? slash + 1 : file, "pause") == 0;
}

static struct starting *note_exec(struct pressure_source *source, const struct event_exec *exec,
				  uint64_t now_ns)
{
	struct starting *starting = begin(source, exec->container_id, now_ns);

	if (starting)
		starting->paused = is_pause(exec->file);
	return starting;
}

void pressure_source_event(struct pressure_source *source, const struct event *event)
{
	bool live = !(event->flags & EVENT_RECONSTRUCTED);
	struct starting *starting = NULL;
	uint64_t now_ns;

	if (!source)
		return;
	now_ns = clock_boot_ns();
	switch (event->type) {
	case EVENT_CGROUP_NEW:
		if (live)
			note_cgroup(source, &event->cgroup, now_ns);
		break;
	case EVENT_EXEC:
		if (live && event->exec.role == ROLE_ENTRYPOINT)
			starting = note_exec(source, &event->exec, now_ns);
		if (starting && !starting->paused)
			look_at(source, starting, now_ns);
		break;
	case EVENT_LISTEN:
		starting = find(source, event->listen.container_id);
		if (starting)
			look_at(source, starting, now_ns);
		break;
	case EVENT_POD_CONTAINER:
		starting = find(source, event->pod_container.container_id);
		if (starting && event->pod_container.ready_arrived)
			look_at(source, starting, now_ns);
		break;
	case EVENT_CGROUP_GONE:
		pressure_source_over(source, event->cgroup.container_id, "");
		break;
	default:
		break;
	}
}

static int on_timer(sd_event_source *timer, uint64_t time_us, void *context)
{
	struct pressure_source *source = context;
	uint64_t now_ns = clock_boot_ns();

	(void)timer;
	(void)time_us;
	for (uint32_t i = source->count; i-- > 0;)
		if (source->starting[i].until_ns <= now_ns)
			drop(source, &source->starting[i]);
	if (source->count)
		look(source, now_ns);
	return 0;
}

/* --- its life -------------------------------------------------------------------------------- */

int pressure_source_new(struct pressure_source **ret, sd_event *loop,
			const struct pressure_source_options *options, event_fn on_event,
			void *context)
{
	const char *root = options->cgroup_root ? options->cgroup_root : "/sys/fs/cgroup";
	struct pressure_source *source = calloc(1, sizeof(*source));
	int r = 0;

	if (!source)
		return -ENOMEM;
	source->on_event = on_event;
	source->context = context;
	source->window_ns = options->start_window_ns ? options->start_window_ns : WINDOW_NS;
	TEXT_COPY(source->proc, options->proc ? options->proc : "/proc");
	TEXT_COPY(source->sys, options->sys ? options->sys : "/sys");
	if (!options->memory_on_v1)
		r = cgroup_deciding_dir(root, false, source->cgroup_dir,
					sizeof(source->cgroup_dir));
	if (r == 0)
		r = sd_event_add_time(loop, &source->timer, CLOCK_BOOTTIME, 0, 10000, on_timer,
				      source);
	if (r >= 0)
		r = sd_event_source_set_enabled(source->timer, SD_EVENT_OFF);
	if (r < 0) {
		pressure_source_free(source);
		return r;
	}
	*ret = source;
	return 0;
}

void pressure_source_free(struct pressure_source *source)
{
	if (!source)
		return;
	sd_event_source_unref(source->timer);
	free(source);
}

void pressure_source_stats(const struct pressure_source *source, struct pressure_source_stats *ret)
{
	*ret = (struct pressure_source_stats){.starting = source->count,
					      .samples = source->samples,
					      .left_out = source->left_out};
}
