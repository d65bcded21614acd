/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_tables.h"

#include <errno.h>
#include <string.h>

#include "source/kernel/kernel_probes_private.h"

/* As in bpf/probe.h. */
struct known {
	uint64_t container_id, sessions_from_ns, began_ns;
	uint32_t init_pid, by_runc, reexecs, sessions, listens, targets, window, failures;
};

struct tracked {
	uint64_t cgroup_id;
	uint32_t role, flags, hooks, pad;
	struct wire_signal last[2];
};

/* As probe.h's put() and take(), but for what is there already: false. */
static bool put(const struct bpf_map *table, uint32_t places[static WIRE_PLACES], uint64_t number,
		const void *key, const void *value)
{
	uint32_t *place = &places[number % WIRE_PLACES];

	__atomic_fetch_add(place, 1, __ATOMIC_SEQ_CST);
	if (bpf_map_update_elem(bpf_map__fd(table), key, value, BPF_NOEXIST) == 0)
		return true;
	__atomic_fetch_sub(place, 1, __ATOMIC_SEQ_CST);
	return false;
}

static void take(const struct bpf_map *table, uint32_t places[static WIRE_PLACES], uint64_t number,
		 const void *key)
{
	if (bpf_map_delete_elem(bpf_map__fd(table), key) == 0)
		__atomic_fetch_sub(&places[number % WIRE_PLACES], 1, __ATOMIC_SEQ_CST);
}

bool kernel_tables_adopt(struct kernel_probes *probes, uint64_t cgroup_id, uint64_t container_id)
{
	/* by_runc: what begins in it from now on is an exec session, unless runc's init is found */
	struct known known = {.container_id = container_id, .by_runc = 1};
	const struct bpf_map *table = probes->object->maps.known;

	put(table, probes->object->bss->known_places, cgroup_id, &cgroup_id, &known);
	/* of one that was seen being made: once runc's init is followed, which adopt_init then leaves alone */
	return bpf_map_lookup_elem(bpf_map__fd(table), &container_id, &known) == 0 && known.by_runc;
}

bool kernel_tables_adopt_init(struct kernel_probes *probes, uint64_t container_id, uint32_t pid,
			      uint64_t start_ns, bool executed)
{
	int fd = bpf_map__fd(probes->object->maps.known);
	struct tracked init = {
		.cgroup_id = executed ? container_id : 0,
		.role = executed ? WIRE_ROLE_ENTRYPOINT : WIRE_ROLE_NONE,
	};
	struct known known;

	if (!put(probes->object->maps.tracked, probes->object->bss->tracked_places, pid, &pid,
		 &init))
		return false;
	if (executed && bpf_map_lookup_elem(fd, &container_id, &known) == 0 && !known.init_pid) {
		known.init_pid = pid;
		known.began_ns = start_ns;
		bpf_map_update_elem(fd, &container_id, &known, BPF_EXIST);
	}
	return true;
}

void kernel_tables_forget_init(struct kernel_probes *probes, uint32_t pid)
{
	take(probes->object->maps.tracked, probes->object->bss->tracked_places, pid, &pid);
}

int kernel_tables_failures(const struct kernel_probes *probes, const struct wire_target *target,
			   struct wire_failures *ret)
{
	return bpf_map_lookup_elem(bpf_map__fd(probes->object->maps.failures), target, ret) < 0
		       ? -errno
		       : 0;
}

int kernel_tables_children(const struct kernel_probes *probes, const struct wire_child_key *key,
			   struct wire_children *ret)
{
	int fd = bpf_map__fd(probes->object->maps.children);

	return bpf_map_lookup_elem(fd, key, ret) < 0 ? -errno : 0;
}

void kernel_tables_forget_children(struct kernel_probes *probes, const struct wire_child_key *key)
{
	bpf_map_delete_elem(bpf_map__fd(probes->object->maps.children), key);
	bpf_map_delete_elem(bpf_map__fd(probes->object->maps.children_told), key);
}

uint32_t kernel_tables_children_told(const struct kernel_probes *probes,
				     const struct wire_child_key *key)
{
	uint32_t total = 0;

	bpf_map_lookup_elem(bpf_map__fd(probes->object->maps.children_told), key, &total);
	return total;
}

void kernel_tables_tell_children(struct kernel_probes *probes, const struct wire_child_key *key,
				 uint32_t total)
{
	bpf_map_update_elem(bpf_map__fd(probes->object->maps.children_told), key, &total, BPF_ANY);
}

void kernel_tables_each_children(const struct kernel_probes *probes,
				 void (*each)(void *context, const struct wire_child_key *key),
				 void *context)
{
	int fd = bpf_map__fd(probes->object->maps.children);
	struct wire_child_key key, *last = NULL;
	uint32_t seen = 0;

	/* a key that is deleted meanwhile starts the walk anew */
	for (; seen++ < WIRE_CHILDREN_MAX && bpf_map_get_next_key(fd, last, &key) == 0; last = &key)
		each(context, &key);
}

void kernel_tables_questions(struct kernel_probes *probes,
			     bool (*over)(void *context, const struct wire_question *question),
			     void (*forgotten)(void *context), void *context)
{
	int fd = bpf_map__fd(probes->object->maps.questions);
	struct wire_question_key key, next;
	struct wire_question question;
	bool found;

	if (!probes->object->bss->questions_asked)
		return;
	found = bpf_map_get_next_key(fd, NULL, &next) == 0;
	while (found) {
		key = next;
		found = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &question) == 0 && over(context, &question) &&
		    bpf_map_delete_elem(fd, &key) == 0)
			forgotten(context);
	}
}

void kernel_tables_file_maps(const struct kernel_probes *probes, struct kernel_file_maps *ret)
{
	const struct bpf_program *iterator = probes->object->progs.read_tasks;

	*ret = (struct kernel_file_maps){
		.reads = bpf_map__fd(probes->object->maps.reads),
		.files = bpf_map__fd(probes->object->maps.files),
		.large_files = bpf_map__fd(probes->object->maps.large_files),
		.iterator = bpf_program__fd(iterator) >= 0 ? iterator : NULL,
	};
}

static bool any_question(void *context, const struct wire_question *question)
{
	(void)context;
	(void)question;
	return true;
}

static void say_nothing(void *context)
{
	(void)context;
}

/* Nobody sees their answers from now on. */
void kernel_tables_forget_questions(struct kernel_probes *probes)
{
	kernel_tables_questions(probes, any_question, say_nothing, NULL);
	probes->object->bss->questions_asked = 0;
}

/* The place of a container's window. Returns 0 or -ENOENT. */
static int find_slot(const struct kernel_probes *probes, uint64_t cgroup_id, uint32_t *ret)
{
	int fd = bpf_map__fd(probes->object->maps.slots);
	uint64_t id;

	for (uint32_t slot = 0; slot < WIRE_WINDOWS_MAX; slot++)
		if (bpf_map_lookup_elem(fd, &slot, &id) == 0 && id == cgroup_id) {
			*ret = slot;
			return 0;
		}
	return -ENOENT;
}

uint32_t kernel_tables_opened(const struct kernel_probes *probes,
			      uint64_t ret_ids[static WIRE_WINDOWS_MAX])
{
	uint32_t count = 0;

	for (uint32_t slot = 0; slot < WIRE_WINDOWS_MAX; slot++)
		if (bpf_map_lookup_elem(bpf_map__fd(probes->object->maps.slots), &slot,
					&ret_ids[count]) == 0)
			count++;
	return count;
}

/* Others may share its place in the filter, also ones that were opened just now. */
static void settle_filter(struct kernel_probes *probes, uint64_t closed_id)
{
	int fd = bpf_map__fd(probes->object->maps.slots);
	uint32_t count = 0;
	bool shared = false;
	uint64_t id;

	for (uint32_t slot = 0; slot < WIRE_WINDOWS_MAX; slot++) {
		if (bpf_map_lookup_elem(fd, &slot, &id) < 0 || id == closed_id)
			continue;
		shared |= id % WIRE_WATCHED == closed_id % WIRE_WATCHED;
		count++;
	}
	probes->object->bss->windows_open = count;
	if (!shared)
		probes->object->bss->watched[closed_id % WIRE_WATCHED] = 0;
}

/* Those of one container. A key that is gone meanwhile starts the walk anew, so it has a bound of its own. */
static void forget_threads(struct kernel_probes *probes, uint64_t cgroup_id)
{
	int fd = bpf_map__fd(probes->object->maps.threads);
	uint32_t id, next, seen = 0;
	struct wire_thread thread;
	int r;

	for (r = bpf_map_get_next_key(fd, NULL, &next); r == 0 && seen++ < 2 * WIRE_THREADS_MAX;) {
		id = next;
		r = bpf_map_get_next_key(fd, &id, &next);
		if (bpf_map_lookup_elem(fd, &id, &thread) == 0 && thread.container_id == cgroup_id)
			bpf_map_delete_elem(fd, &id);
	}
}

/* Its place is free when nothing refers to it any longer. */
void kernel_tables_close(struct kernel_probes *probes, uint64_t cgroup_id)
{
	const struct wire_window closed = {0};
	uint32_t slot;

	if (find_slot(probes, cgroup_id, &slot) < 0)
		return;
	settle_filter(probes, cgroup_id);
	bpf_map_update_elem(bpf_map__fd(probes->object->maps.windows), &slot, &closed, BPF_ANY);
	forget_threads(probes, cgroup_id);
	bpf_map_delete_elem(bpf_map__fd(probes->object->maps.slots), &slot);
}

int kernel_tables_window(const struct kernel_probes *probes, uint64_t cgroup_id,
			 struct wire_window *ret)
{
	uint32_t slot;
	int r = find_slot(probes, cgroup_id, &slot);

	if (r < 0)
		return r;
	if (bpf_map_lookup_elem(bpf_map__fd(probes->object->maps.windows), &slot, ret) < 0)
		return -errno;
	return ret->container_id == cgroup_id ? 0 : -ENOENT;
}

int kernel_tables_thread(const struct kernel_probes *probes, uint32_t id, struct wire_thread *ret)
{
	return bpf_map_lookup_elem(bpf_map__fd(probes->object->maps.threads), &id, ret) < 0 ? -errno
											    : 0;
}

void kernel_tables_threads(const struct kernel_probes *probes,
			   void (*each)(void *context, uint32_t id,
					const struct wire_thread *thread),
			   void *context)
{
	int fd = bpf_map__fd(probes->object->maps.threads);
	uint32_t id, *last = NULL, seen = 0;
	struct wire_thread thread;

	/* a key that is deleted meanwhile starts the walk anew */
	for (; seen++ < WIRE_THREADS_MAX && bpf_map_get_next_key(fd, last, &id) == 0; last = &id)
		if (bpf_map_lookup_elem(fd, &id, &thread) == 0)
			each(context, id, &thread);
}
