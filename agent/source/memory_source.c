/* SPDX-License-Identifier: Apache-2.0 */
#include "source/memory_source.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/text.h"
#include "client/cgroup.h"
#include "client/cgroup_memory.h"
#include "source/memory_scan.h"

#define WATCHED_MAX	 2048
#define LOOK_INTERVAL_NS (10 * NS_PER_SECOND)
#define LOOK_ACCURACY_US 1000000
/* A limit may change (in-place resize); a new cgroup gets it some ms after it was made. */
#define LIMIT_LOOKS 6
/* Near from 90 % on, away again below 85 %. */
#define NEAR_PERCENT 90
#define AWAY_PERCENT 85
/* After a kill it is looked at once more: has it helped? */
#define AFTER_KILL_NS NS_PER_SECOND

/* Scans take some ms: so many in a second, of different cgroups; of the node fewer. */
#define SCANS_PER_SECOND 4
/* So long after a kill its evidence is no longer what it was. */
#define LATE_NS		   (2 * NS_PER_SECOND)
#define CGROUP_INTERVAL_NS NS_PER_SECOND
#define NODE_INTERVAL_NS   (5 * NS_PER_SECOND)

struct watched {
	uint64_t limit_bytes; /* 0: none, so far as is known */
	uint64_t near_ns;     /* since when; 0: it is not */
	uint8_t looks;	      /* until the limit is read again */
	bool pod;	      /* it is a pod's own */
	bool killed;	      /* somebody was, and it was not looked at since */
	UT_hash_handle hh;
	char path[];
};

struct scanned {
	uint64_t cgroup_id, boot_ns;
};

struct memory_source {
	event_fn on_event;
	void *context;
	sd_event_source *timer;
	char proc[PATH_MAX], memory_dir[PATH_MAX], psi_dir[PATH_MAX];
	struct memory_places places;
	struct watched *watched;
	uint64_t look_ns, after_kill_ns; /* 0: not to be */
	struct scanned scanned[SCANS_PER_SECOND];
	struct memory_source_stats stats;
};

static void arm(struct memory_source *source)
{
	uint64_t due_ns = source->look_ns;

	if (source->after_kill_ns && source->after_kill_ns < due_ns)
		due_ns = source->after_kill_ns;
	if (!source->timer)
		return;
	sd_event_source_set_time(source->timer, due_ns / 1000);
	sd_event_source_set_enabled(source->timer,
				    source->watched ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/* --- what is watched ------------------------------------------------------------------------- */

static void drop(struct memory_source *source, struct watched *watched)
{
	HASH_DEL(source->watched, watched);
	free(watched);
}

static struct watched *find(const struct memory_source *source, const char *path, size_t length)
{
	struct watched *watched;

	HASH_FIND(hh, source->watched, path, length, watched);
	return watched;
}

static void watch(struct memory_source *source, const char *path, size_t length)
{
	char uid[POD_UID_SIZE], above[POD_UID_SIZE];

	if (find(source, path, length))
		return;
	if (HASH_COUNT(source->watched) >= WATCHED_MAX) {
		source->stats.left_out++;
		return;
	}
	struct watched *watched = calloc(1, sizeof(*watched) + length + 1);

	if (!watched)
		return;
	memcpy(watched->path, path, length);
	/* the first part of the path with the pod's uid */
	cgroup_path_pod_uid(watched->path, uid, sizeof(uid));
	char *leaf = strrchr(watched->path, '/');

	*leaf = '\0';
	cgroup_path_pod_uid(watched->path, above, sizeof(above));
	*leaf = '/';
	watched->pod = *uid && !*above;
	HASH_ADD_KEYPTR(hh, source->watched, watched->path, length, watched);
}

/* The container's and all above it: any may have a limit. A path that was cut does not begin so. */
static void note_cgroup(struct memory_source *source, const struct event_cgroup *cgroup)
{
	bool first = !source->watched;

	if (*cgroup->path != '/')
		return;
	for (const char *end = cgroup->path; *end;) {
		end += 1 + strcspn(end + 1, "/");
		watch(source, cgroup->path, (size_t)(end - cgroup->path));
	}
	if (first && source->watched) {
		source->look_ns = clock_boot_ns() + LOOK_INTERVAL_NS;
		arm(source);
	}
}

/* --- near its limit -------------------------------------------------------------------------- */

static void tell(struct memory_source *source, const struct watched *watched, enum memory_step step,
		 uint64_t boot_ns)
{
	struct event event = {.type = EVENT_MEMORY, .boot_ns = boot_ns};
	const char *leaf = strrchr(watched->path, '/') + 1;

	event.memory.step = step;
	text_copy_tail(event.memory.path, sizeof(event.memory.path), watched->path);
	cgroup_path_pod_uid(watched->path, event.memory.pod_uid, sizeof(event.memory.pod_uid));
	cgroup_name_container(leaf, event.memory.container_id, sizeof(event.memory.container_id));
	/* of one that is no more there is no state */
	if (memory_scan_state(&source->places, watched->path, &event.memory.state) == 0 ||
	    step == MEMORY_EASED)
		source->on_event(source->context, &event);
}

/* The working set costs a longer read, which only one whose usage is high needs. */
static uint64_t working_set(const char *dir, bool v1, uint64_t usage)
{
	struct cgroup_memory memory;

	if (cgroup_memory_read(dir, NULL, v1, &memory) < 0)
		return usage;
	return cgroup_memory_working_set(&memory);
}

static void judge(struct memory_source *source, struct watched *watched, const char *dir,
		  uint64_t usage, uint64_t now_ns)
{
	uint64_t percent = watched->limit_bytes / 100;
	uint64_t bound = percent * (watched->near_ns ? AWAY_PERCENT : NEAR_PERCENT);
	bool near = watched->limit_bytes && usage >= bound &&
		    working_set(dir, source->places.v1, usage) >= bound;
	bool confirm = watched->killed;

	watched->killed = false;
	if (near && !watched->near_ns)
		watched->near_ns = now_ns;
	else if (!near && !watched->near_ns)
		return;
	else if (near && !confirm)
		return;
	/* after a kill that it is near since long ago is told anew, or else not believed any more */
	tell(source, watched, near ? MEMORY_NEAR : MEMORY_EASED, near ? watched->near_ns : now_ns);
	if (!near)
		watched->near_ns = 0;
}

static void forget(struct memory_source *source, struct watched *watched, uint64_t now_ns)
{
	if (watched->near_ns)
		tell(source, watched, MEMORY_EASED, now_ns);
	drop(source, watched);
}

static void look_at(struct memory_source *source, struct watched *watched, uint64_t now_ns)
{
	char dir[PATH_MAX];
	uint64_t usage = 0;

	snprintf(dir, sizeof(dir), "%.2000s%s", source->memory_dir, watched->path);
	if (watched->looks == 0) {
		if (cgroup_memory_limit(dir, source->places.v1, &watched->limit_bytes) == -ENOENT) {
			forget(source, watched, now_ns);
			return;
		}
		watched->looks = LIMIT_LOOKS;
	}
	watched->looks--;
	if (!watched->limit_bytes && !watched->near_ns)
		return;
	if (cgroup_memory_usage(dir, source->places.v1, &usage) == 0)
		judge(source, watched, dir, usage, now_ns);
	else
		forget(source, watched, now_ns);
}

void memory_source_look(struct memory_source *source, uint64_t now_ns)
{
	struct watched *watched, *next;

	HASH_ITER (hh, source->watched, watched, next)
		look_at(source, watched, now_ns);
}

static void look_after_kill(struct memory_source *source, uint64_t now_ns)
{
	struct watched *watched, *next;

	source->after_kill_ns = 0;
	HASH_ITER (hh, source->watched, watched, next)
		if (watched->killed)
			look_at(source, watched, now_ns);
}

static int on_timer(sd_event_source *timer, uint64_t time_us, void *context)
{
	struct memory_source *source = context;
	uint64_t now_ns = clock_boot_ns();

	(void)timer;
	(void)time_us;
	if (source->after_kill_ns && source->after_kill_ns <= now_ns)
		look_after_kill(source, now_ns);
	if (source->look_ns <= now_ns) {
		memory_source_look(source, now_ns);
		source->look_ns = now_ns + LOOK_INTERVAL_NS;
	}
	arm(source);
	return 0;
}

/* --- after a kill ---------------------------------------------------------------------------- */

/* A place for its time, if it may be scanned now. */
static struct scanned *may_scan(struct memory_source *source, uint64_t cgroup_id, uint64_t now_ns)
{
	uint64_t interval_ns = cgroup_id ? CGROUP_INTERVAL_NS : NODE_INTERVAL_NS;
	struct scanned *oldest = &source->scanned[0];

	for (size_t i = 0; i < SCANS_PER_SECOND; i++) {
		struct scanned *scanned = &source->scanned[i];

		if (scanned->boot_ns && scanned->cgroup_id == cgroup_id &&
		    now_ns - scanned->boot_ns < interval_ns)
			return NULL;
		if (scanned->boot_ns < oldest->boot_ns)
			oldest = scanned;
	}
	return oldest->boot_ns && now_ns - oldest->boot_ns < NS_PER_SECOND ? NULL : oldest;
}

static void scan_pods(struct memory_source *source, const struct event *kill)
{
	struct watched *watched, *next;
	char uid[POD_UID_SIZE];

	HASH_ITER (hh, source->watched, watched, next) {
		if (!watched->pod)
			continue;
		cgroup_path_pod_uid(watched->path, uid, sizeof(uid));
		memory_scan_pod(&source->places, kill, uid, watched->path, source->on_event,
				source->context);
	}
}

static void note_kill(struct memory_source *source, const struct event *kill)
{
	const struct event_oom *oom = &kill->oom;
	uint64_t now_ns = clock_boot_ns();
	uint64_t cgroup_id = oom->by_limit ? oom->limit_cgroup_id : 0;
	struct watched *watched = find(source, oom->limit_path, strlen(oom->limit_path));
	struct scanned *place =
		now_ns < kill->boot_ns + LATE_NS ? may_scan(source, cgroup_id, now_ns) : NULL;

	if (watched && watched->near_ns) {
		watched->killed = true;
		if (!source->after_kill_ns) {
			source->after_kill_ns = now_ns + AFTER_KILL_NS;
			arm(source);
		}
	}
	if (!place) {
		source->stats.unscanned++;
		return;
	}
	*place = (struct scanned){cgroup_id, now_ns};
	source->stats.scans++;
	if (memory_scan_kill(&source->places, kill, source->on_event, source->context) == 0 &&
	    !oom->by_limit)
		scan_pods(source, kill);
}

void memory_source_event(struct memory_source *source, const struct event *event)
{
	if (!source)
		return;
	if (event->type == EVENT_CGROUP_NEW)
		note_cgroup(source, &event->cgroup);
	else if (event->type == EVENT_OOM)
		note_kill(source, event);
}

/* --- its life -------------------------------------------------------------------------------- */

static int find_places(struct memory_source *source, const struct memory_source_options *options)
{
	const char *root = options->cgroup_root ? options->cgroup_root : "/sys/fs/cgroup";
	struct stat unified;
	int r = cgroup_deciding_dir(root, options->memory_on_v1, source->memory_dir,
				    sizeof(source->memory_dir));

	if (r < 0)
		return r;
	snprintf(source->psi_dir, sizeof(source->psi_dir), "%.4000s/unified", root);
	TEXT_COPY(source->proc, options->proc ? options->proc : "/proc");
	source->places = (struct memory_places){
		.proc = source->proc,
		.memory_dir = source->memory_dir,
		.psi_dir = options->memory_on_v1 && stat(source->psi_dir, &unified) == 0
				   ? source->psi_dir
				   : NULL,
		.v1 = options->memory_on_v1,
	};
	return 0;
}

int memory_source_new(struct memory_source **ret, sd_event *loop,
		      const struct memory_source_options *options, event_fn on_event, void *context)
{
	struct memory_source *source = calloc(1, sizeof(*source));

	if (!source)
		return -ENOMEM;
	source->on_event = on_event;
	source->context = context;
	int r = find_places(source, options);

	if (r == 0)
		r = sd_event_add_time(loop, &source->timer, CLOCK_BOOTTIME, 0, LOOK_ACCURACY_US,
				      on_timer, source);
	if (r >= 0)
		r = sd_event_source_set_enabled(source->timer, SD_EVENT_OFF);
	if (r < 0) {
		memory_source_free(source);
		return r;
	}
	*ret = source;
	return 0;
}

void memory_source_free(struct memory_source *source)
{
	if (!source)
		return;
	while (source->watched)
		drop(source, source->watched);
	sd_event_source_disable_unref(source->timer);
	free(source);
}

void memory_source_stats(const struct memory_source *source, struct memory_source_stats *ret)
{
	*ret = source->stats;
	ret->watched = HASH_COUNT(source->watched);
}
