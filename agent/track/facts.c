/* SPDX-License-Identifier: Apache-2.0 */
#include "track/facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "track/facts_death.h"
#include "track/why/why_work.h"

#define HELPERS_MAX 1024

/* A process that works for a container from outside; its exit carries neither id nor verb. */
struct helper {
	struct process who;
	enum process_role role;
	char container_id[ID_SIZE];
	char verb[VERB_SIZE];
	uint32_t plugin; /* CNI: index into the sandbox's plugins */
	int32_t step;	 /* others: its place among the container's steps of work; -1: none */
	UT_hash_handle hh;
};

static struct helper *find_helper(const struct facts *facts, uint32_t pid)
{
	struct helper *helper;

	HASH_FIND(hh, facts->helpers, &pid, sizeof(pid), helper);
	return helper;
}

static void drop_helper(struct facts *facts, struct helper *helper)
{
	HASH_DEL(facts->helpers, helper);
	free(helper);
}

static struct helper *add_helper(struct facts *facts, const struct event_exec *exec)
{
	struct helper *helper = find_helper(facts, exec->who.pid);

	if (helper)
		drop_helper(facts, helper);
	if (HASH_COUNT(facts->helpers) >= HELPERS_MAX)
		drop_helper(facts, facts->helpers);
	helper = calloc(1, sizeof(*helper));
	if (!helper)
		return NULL;
	helper->who = exec->who;
	helper->role = exec->role;
	helper->step = -1;
	TEXT_COPY(helper->container_id, exec->container_id);
	TEXT_COPY(helper->verb, exec->verb);
	HASH_ADD(hh, facts->helpers, who.pid, sizeof(helper->who.pid), helper);
	return helper;
}

void facts_clear(struct facts *facts)
{
	while (facts->helpers)
		drop_helper(facts, facts->helpers);
}

static void set_first(uint64_t *fact, uint64_t ns)
{
	if (ns && (!*fact || ns < *fact))
		*fact = ns;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static struct container *note_cgroup(struct facts *facts, const struct event *event)
{
	struct container *c;

	if (event->type == EVENT_CGROUP_GONE) {
		c = containers_find_cgroup(facts->containers, event->cgroup.cgroup_id);
		if (c && !c->identified)
			set_first(&c->gone_ns, event->boot_ns);
		return c;
	}
	c = containers_get(facts->containers, event->cgroup.container_id);
	if (!c)
		return NULL;
	containers_set_cgroup(facts->containers, c, event->cgroup.cgroup_id);
	if (!*c->subject.pod_uid)
		TEXT_COPY(c->subject.pod_uid, event->cgroup.pod_uid);
	if (!(event->flags & EVENT_RECONSTRUCTED)) {
		c->live = true;
		set_first(&c->cgroup_made_ns, event->boot_ns);
	}
	return c;
}

static struct container *note_plugin(struct facts *facts, const struct event_exec *exec,
				     uint64_t boot_ns)
{
	if (strcmp(exec->verb, "ADD") != 0)
		return NULL;
	struct container *sandbox = containers_get(facts->containers, exec->container_id);
	const struct helper *parent = find_helper(facts, exec->parent_pid);

	if (!sandbox || sandbox->plugin_count == START_PLUGINS_MAX)
		return sandbox;
	bool nested = parent && parent->role == ROLE_CNI;
	struct plugin_span *plugin =
		reallocarray(sandbox->plugins, sandbox->plugin_count + 1, sizeof(*plugin));

	if (!plugin)
		return sandbox;
	sandbox->plugins = plugin;
	struct helper *helper = add_helper(facts, exec);

	if (!helper)
		return sandbox;
	helper->plugin = sandbox->plugin_count++;
	plugin += helper->plugin;
	*plugin = (struct plugin_span){.span = {boot_ns, boot_ns}, .nested = nested};
	TEXT_COPY(plugin->name, base_name(exec->file));
	return sandbox;
}

static struct container *note_entrypoint(struct facts *facts, const struct event_exec *exec,
					 uint64_t boot_ns)
{
	struct container *c = containers_get(facts->containers, exec->container_id);

	if (!c || c->exec_ns)
		return c;
	c->exec_ns = boot_ns;
	c->init = exec->who;
	TEXT_COPY(c->file, exec->file);
	containers_set_cgroup(facts->containers, c, exec->cgroup_id);
	return c;
}

static struct container *note_reexec(struct facts *facts, const struct event_exec *exec)
{
	struct container *c = containers_find(facts->containers, exec->container_id);

	if (c && c->init.pid == exec->who.pid)
		TEXT_COPY(c->last_file, exec->file);
	return c;
}

static bool starts(const char *verb)
{
	return strcmp(verb, "create") == 0 || strcmp(verb, "start") == 0;
}

/* A shim, a runtime, or what a runtime executes. */
static struct container *note_worker(struct facts *facts, const struct event_exec *exec,
				     uint64_t boot_ns)
{
	const struct helper *parent = find_helper(facts, exec->parent_pid);
	const struct helper *self = find_helper(facts, exec->who.pid);
	bool within = parent && parent->role == ROLE_RUNTIME && starts(parent->verb);
	int32_t step = self && self->role == exec->role ? self->step : -1;
	struct event_exec known = *exec;

	if (exec->role == ROLE_HOOK) {
		if (!within)
			return NULL;
		TEXT_COPY(known.container_id, parent->container_id);
		TEXT_COPY(known.verb, parent->verb);
	}
	struct helper *helper = add_helper(facts, &known);
	struct container *c = helper && starts(known.verb)
				      ? containers_get(facts->containers, known.container_id)
				      : NULL;

	if (!c)
		return NULL;
	if (step >= 0)
		why_work_again(c, step, &known, boot_ns);
	else
		step = why_work_begin(c, &known, within, boot_ns);
	helper->step = step;
	if (exec->role == ROLE_SHIM || strcmp(known.verb, "create") == 0)
		set_first(&c->runtime_ns, boot_ns);
	if (exec->role == ROLE_RUNTIME && strcmp(known.verb, "create") == 0)
		c->create_ns = boot_ns;
	return c;
}

static struct container *note_exec(struct facts *facts, const struct event_exec *exec,
				   uint64_t boot_ns)
{
	switch (exec->role) {
	case ROLE_CNI:
		return note_plugin(facts, exec, boot_ns);
	case ROLE_ENTRYPOINT:
		return note_entrypoint(facts, exec, boot_ns);
	case ROLE_REEXEC:
		return note_reexec(facts, exec);
	case ROLE_SHIM:
	case ROLE_RUNTIME:
	case ROLE_HOOK:
		return note_worker(facts, exec, boot_ns);
	default:
		return NULL;
	}
}

/* A shim's start, runc, a hook of it or a CNI plugin ended. */
static struct container *note_helper_exit(struct facts *facts, const struct event_exit *exit,
					  uint64_t boot_ns)
{
	struct helper *helper = find_helper(facts, exit->who.pid);
	struct container *c =
		helper ? containers_find(facts->containers, helper->container_id) : NULL;
	bool failed = exit->code || exit->signal;

	/* a container that was forgotten and listed again has not the steps that the helper began */
	if (c && helper->role == ROLE_CNI && helper->plugin < c->plugin_count) {
		c->plugins[helper->plugin].span.to_ns = boot_ns;
		c->plugins[helper->plugin].code = exit->signal ? 128 + exit->signal : exit->code;
	} else if (c && starts(helper->verb)) {
		why_work_end(c, helper->step, boot_ns);
		if (helper->role == ROLE_RUNTIME && failed && !c->exec_ns)
			set_first(&c->runtime_failed_ns, boot_ns);
	}
	if (helper)
		drop_helper(facts, helper);
	return c;
}

static bool is_init(const struct container *c, const struct event_exit *exit)
{
	if (c->init.pid)
		return c->init.pid == exit->who.pid && (!c->init.start_ns || !exit->who.start_ns ||
							c->init.start_ns == exit->who.start_ns);
	return exit->role == ROLE_ENTRYPOINT;
}

static struct container *note_exit(struct facts *facts, const struct event_exit *exit,
				   uint64_t boot_ns)
{
	struct container *c;

	if (exit->role == ROLE_RUNTIME || exit->role == ROLE_CNI || exit->role == ROLE_SHIM ||
	    exit->role == ROLE_HOOK)
		return note_helper_exit(facts, exit, boot_ns);
	c = containers_find(facts->containers, exit->container_id);
	if (!c)
		c = containers_find_cgroup(facts->containers, exit->cgroup_id);
	if (!c || c->exit_seen || !is_init(c, exit))
		return c;
	c->exit_seen = true;
	c->exit = *exit;
	c->exit_ns = boot_ns;
	return c;
}

static struct container *note_listen(struct facts *facts, const struct event_listen *listen,
				     uint64_t boot_ns)
{
	struct container *c = containers_find(facts->containers, listen->container_id);

	if (!c || (c->listen_ns && c->listen_ns <= boot_ns))
		return c;
	c->listen_ns = boot_ns;
	c->listen_port = listen->port;
	TEXT_COPY(c->listen_address, listen->address);
	return c;
}

static struct container *note_oom(struct facts *facts, const struct event_oom *oom)
{
	struct container *c = containers_find(facts->containers, oom->container_id);

	if (!c || !c->init.pid || c->init.pid != oom->victim.pid)
		return c;
	c->oom_victim = true;
	if (*oom->killer)
		c->killer_pid = oom->invoker.pid;
	return c;
}

static struct container *note_task(struct facts *facts, const struct event_task *task,
				   uint64_t boot_ns)
{
	struct container *c = containers_get(facts->containers, task->container_id);
	bool of_exec = *task->exec_id && strcmp(task->exec_id, task->container_id) != 0;

	if (!c || of_exec)
		return c;
	switch (task->step) {
	case TASK_CREATE:
		if (!c->init.pid)
			c->init.pid = task->pid;
		break;
	case TASK_START:
		set_first(&c->task_start_ns, boot_ns);
		break;
	case TASK_EXIT:
	case TASK_DELETE:
		if (c->task_exit_seen || (!task->exited_ns && task->step == TASK_DELETE))
			break;
		c->task_exit_seen = true;
		c->task_exit_status = task->exit_status;
		c->task_exited_ns = task->exited_ns ? task->exited_ns : boot_ns;
		break;
	default:
		break;
	}
	return c;
}

static struct container *note_snapshot(struct facts *facts, const struct event_snapshot *snapshot,
				       uint64_t boot_ns)
{
	struct container *c = NULL;

	if (snapshot->step == SNAPSHOT_PREPARE && *snapshot->container_id)
		c = containers_get(facts->containers, snapshot->container_id);
	if (c)
		set_first(&c->snapshot_ns, boot_ns);
	return c;
}

static void copy_known(char *to, size_t size, const char *from)
{
	if (*from)
		text_copy(to, size, from);
}

/* One answer tells the sandbox, another the restart number: what is empty is not known there. */
static void note_identity(struct container *c, const struct event_container *told)
{
	struct subject *subject = &c->subject;

	c->identified = true;
	if (*told->sandbox_id)
		c->sandbox = strcmp(told->sandbox_id, told->container_id) == 0;
	copy_known(subject->sandbox_id, sizeof(subject->sandbox_id), told->sandbox_id);
	copy_known(subject->pod, sizeof(subject->pod), told->pod);
	copy_known(subject->pod_namespace, sizeof(subject->pod_namespace), told->pod_namespace);
	copy_known(subject->pod_uid, sizeof(subject->pod_uid), told->pod_uid);
	copy_known(subject->container, sizeof(subject->container), told->name);
	copy_known(c->image_id, sizeof(c->image_id), told->image_id);
	/* a name says more than an id */
	if (!*subject->image || strncmp(told->image, "sha256:", 7) != 0)
		copy_known(subject->image, sizeof(subject->image), told->image);
	if (told->attempt)
		subject->attempt = told->attempt;
}

/*
 * A node with more dead containers than there is room for: else they would push out, listing by listing, those whose
 * records are being made. Each listing has the same ones, which count once.
 */
static bool leave_out(struct facts *facts, const struct event_container *told)
{
	if ((told->state != CONTAINER_EXITED && !told->listed_ended) ||
	    !containers_pushes_out(facts->containers, told->container_id))
		return false;
	if (facts->sync_begin_ns && ++facts->left_out > facts->most_left_out) {
		facts->most_left_out = facts->left_out;
		facts->containers->evicted++;
	}
	return true;
}

static struct container *note_container(struct facts *facts, const struct event *event)
{
	const struct event_container *told = &event->container;
	struct container *c = leave_out(facts, told)
				      ? NULL
				      : containers_get(facts->containers, told->container_id);

	if (!c)
		return NULL;
	note_identity(c, told);
	c->sync_generation = facts->sync_generation;
	containers_set_cgroup(facts->containers, c, told->cgroup_id);
	if (!c->init.pid)
		c->init.pid = told->pid;
	if (!(event->flags & EVENT_RECONSTRUCTED))
		set_first(&c->created_ns, told->created_ns);
	else if (told->created_ns)
		c->cri_created_ns = told->created_ns;
	c->listed_ended |= told->listed_ended;
	if (told->state != CONTAINER_UNKNOWN)
		c->state = told->state;
	if (told->started_ns)
		c->cri_started_ns = told->started_ns;
	if (told->state == CONTAINER_EXITED) {
		c->cri_finished_ns = told->finished_ns;
		c->cri_exit_code = told->exit_code;
		TEXT_COPY(c->cri_reason, told->reason);
		container_keep(&c->cri_message, told->message);
	}
	return c;
}

static struct container *note_gone(struct facts *facts, const char *id, uint64_t boot_ns)
{
	struct container *c = containers_find(facts->containers, id);

	if (c)
		set_first(&c->gone_ns, boot_ns);
	return c;
}

struct container *facts_event(struct facts *facts, const struct event *event, uint64_t now_ns)
{
	struct container *c = NULL;

	switch (event->type) {
	case EVENT_CGROUP_NEW:
	case EVENT_CGROUP_GONE:
		c = note_cgroup(facts, event);
		break;
	case EVENT_EXEC:
		c = note_exec(facts, &event->exec, event->boot_ns);
		break;
	case EVENT_EXIT:
		c = note_exit(facts, &event->exit, event->boot_ns);
		break;
	case EVENT_LISTEN:
		c = note_listen(facts, &event->listen, event->boot_ns);
		break;
	case EVENT_OOM:
		c = note_oom(facts, &event->oom);
		break;
	case EVENT_FILE_READ:
	case EVENT_CONNECT_FAILED:
	case EVENT_START_FAILED:
	case EVENT_LOG_TAIL:
	case EVENT_CORE:
	case EVENT_POD_CONTAINER: /* pod.c keeps the rest of what it tells */
		c = facts_of_death(facts->containers, event);
		break;
	case EVENT_TASK:
		c = note_task(facts, &event->task, event->boot_ns);
		break;
	case EVENT_SNAPSHOT:
		c = note_snapshot(facts, &event->snapshot, event->boot_ns);
		break;
	case EVENT_CONTAINER:
		c = note_container(facts, event);
		break;
	case EVENT_CONTAINER_GONE:
		c = note_gone(facts, event->container_gone.container_id, event->boot_ns);
		break;
	default:
		break;
	}
	if (c)
		c->touched_ns = now_ns;
	return c;
}
