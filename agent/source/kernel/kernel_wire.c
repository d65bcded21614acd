/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "bpf/wire.h"
#include "client/cgroup.h"
#include "model/memory_killer.h"
#include "source/kernel/kernel_arguments.h"
#include "source/kernel/kernel_stalls.h"

/* How far below its limit the usage may be when the kernel calls the limit reached (per-CPU stock). */
#define LIMIT_SLACK_BYTES (4ull << 20)

#define COPY(to, from)	  text_copy_n(to, sizeof(to), from, sizeof(from))

static const enum process_role roles[WIRE_ROLE_COUNT] = {
	[WIRE_ROLE_NONE] = ROLE_NONE,
	[WIRE_ROLE_SHIM] = ROLE_SHIM,
	[WIRE_ROLE_RUNTIME] = ROLE_RUNTIME,
	[WIRE_ROLE_CNI] = ROLE_CNI,
	[WIRE_ROLE_ENTRYPOINT] = ROLE_ENTRYPOINT,
	[WIRE_ROLE_REEXEC] = ROLE_REEXEC,
	[WIRE_ROLE_SESSION] = ROLE_SESSION,
	[WIRE_ROLE_MEMBER] = ROLE_MEMBER,
	[WIRE_ROLE_HOST] = ROLE_HOST,
	[WIRE_ROLE_HOOK] = ROLE_HOOK,
};

static enum process_role role_of(const struct wire_header *header)
{
	return header->role < WIRE_ROLE_COUNT ? roles[header->role] : ROLE_NONE;
}

static struct process process_of(const struct wire_header *header)
{
	return (struct process){.pid = header->pid, .start_ns = header->start_ns};
}

static void copy_container(char id[ID_SIZE], const char name[WIRE_NAME])
{
	char text[WIRE_NAME + 1];

	text_copy_n(text, sizeof(text), name, WIRE_NAME);
	if (!cgroup_name_container(text, id, ID_SIZE))
		*id = '\0';
}

static int decode_cgroup(const struct wire_cgroup *wire, struct event *event)
{
	struct event_cgroup *cgroup = &event->cgroup;

	event->type = EVENT_CGROUP_NEW;
	COPY(cgroup->path, wire->path);
	cgroup->cgroup_id = wire->header.cgroup_id;
	copy_container(cgroup->container_id, wire->name);
	cgroup_path_pod_uid(cgroup->path, cgroup->pod_uid, sizeof(cgroup->pod_uid));
	return *cgroup->container_id ? 0 : -EBADMSG;
}

static int decode_cgroup_gone(const struct wire_cgroup_gone *wire, struct event *event)
{
	event->type = EVENT_CGROUP_GONE;
	event->cgroup.cgroup_id = wire->header.cgroup_id;
	copy_container(event->cgroup.container_id, wire->name);
	return *event->cgroup.container_id ? 0 : -EBADMSG;
}

static void fill_exec(const struct wire_header *header, struct event *event)
{
	event->type = EVENT_EXEC;
	event->exec.who = process_of(header);
	event->exec.parent_pid = header->parent_pid;
	event->exec.role = role_of(header);
	event->exec.cgroup_id = header->cgroup_id;
	COPY(event->exec.comm, header->comm);
}

static int decode_exec(const struct wire_exec *wire, struct event *event)
{
	fill_exec(&wire->header, event);
	COPY(event->exec.file, wire->file);
	copy_container(event->exec.container_id, wire->container);
	return 0;
}

/* Its texts are as long as they are used. */
static int decode_helper(const struct wire_exec_helper *wire, size_t size, struct event *event)
{
	struct event_exec *exec = &event->exec;
	size_t whole = offsetof(struct wire_exec_helper, texts);

	if (size < whole)
		return -EBADMSG;
	size_t head = wire->head_size, tail = wire->tail_size;

	if (tail && (tail > WIRE_ARGS_TAIL || head > WIRE_ARGS_HEAD))
		return -EBADMSG;
	whole += tail ? WIRE_ARGS_HEAD + tail : head;
	if (size < whole)
		return -EBADMSG;
	fill_exec(&wire->header, event);
	COPY(exec->file, wire->file);
	if (exec->role == ROLE_CNI) {
		kernel_environment(wire->texts, head, exec);
		return 0;
	}
	kernel_arguments(wire->texts, head, exec);
	kernel_arguments(wire->texts + WIRE_ARGS_HEAD, tail, exec);
	return 0;
}

static void copy_signal(struct signal_seen *to, const struct wire_signal *from)
{
	*to = (struct signal_seen){
		.boot_ns = from->boot_ns,
		.signal = from->signal,
		.code = from->code,
		.ignored = from->ignored,
		.from_kernel = from->from_kernel,
		.address = from->address,
		.sender = {.pid = from->sender_pid, .start_ns = from->sender_start_ns},
		.sender_cgroup_id = from->sender_cgroup_id,
	};
	COPY(to->sender_comm, from->sender_comm);
}

static void fill_exit(const struct wire_header *header, uint32_t status, struct event *event)
{
	struct event_exit *exit = &event->exit;

	event->type = EVENT_EXIT;
	exit->who = process_of(header);
	exit->role = role_of(header);
	exit->cgroup_id = header->cgroup_id;
	COPY(exit->comm, header->comm);
	exit->signal = (int32_t)(status & 0x7f);
	exit->core_dumped = status & 0x80;
	exit->code = exit->signal ? 0 : (int32_t)(status >> 8 & 0xff);
}

static int decode_exit(const struct wire_exit *wire, struct event *event)
{
	struct event_exit *exit = &event->exit;

	fill_exit(&wire->header, wire->status, event);
	copy_container(exit->container_id, wire->container);
	exit->oom_victim = wire->flags & WIRE_EXIT_OOM_VICTIM;
	copy_signal(&exit->last[0], &wire->last[0]);
	copy_signal(&exit->last[1], &wire->last[1]);
	exit->parent_pid = wire->header.parent_pid;
	exit->namespace_pid = wire->namespace_pid;
	exit->count = wire->total - wire->told;
	COPY(exit->parent_comm, wire->parent_comm);
	COPY(exit->file, wire->file);
	return 0;
}

static int decode_exit_helper(const struct wire_exit_helper *wire, struct event *event)
{
	fill_exit(&wire->header, wire->status, event);
	return 0;
}

static int copy_address(uint16_t family, const uint8_t address[16], char ret[ADDRESS_SIZE])
{
	if ((family != AF_INET && family != AF_INET6) ||
	    !inet_ntop(family, address, ret, ADDRESS_SIZE))
		return -EBADMSG;
	return 0;
}

static int decode_listen(const struct wire_listen *wire, struct event *event)
{
	struct event_listen *listen = &event->listen;

	event->type = EVENT_LISTEN;
	listen->who = process_of(&wire->header);
	listen->cgroup_id = wire->header.cgroup_id;
	copy_container(listen->container_id, wire->container);
	listen->port = wire->port;
	return copy_address(wire->family, wire->address, listen->address);
}

/* Labels, each after its length; the last one may be cut. */
void kernel_wire_question(const uint8_t *question, char ret_name[static NAME_SIZE])
{
	size_t used = 0, left;

	for (size_t i = 0; i < WIRE_QUESTION && question[i]; i += left + 1) {
		left = question[i];
		if (used && used < NAME_SIZE - 1)
			ret_name[used++] = '.';
		for (size_t j = i + 1; j <= i + left && j < WIRE_QUESTION; j++)
			if (used < NAME_SIZE - 1 && question[j])
				ret_name[used++] = (char)question[j];
	}
	ret_name[used] = '\0';
}

/* Its count is that since the last record: kernel_connects.c makes it one since the last event. */
static int decode_connect(const struct wire_connect_failed *wire, struct event *event)
{
	struct event_connect_failed *connect = &event->connect_failed;

	event->type = wire->header.type == WIRE_CONNECT_FAILED ? EVENT_CONNECT_FAILED
							       : EVENT_CONNECT_SLOW;
	connect->who = process_of(&wire->header);
	connect->cgroup_id = wire->header.cgroup_id;
	copy_container(connect->container_id, wire->container);
	connect->port = wire->target.port;
	connect->error = wire->target.error;
	connect->began_ns = wire->began_ns;
	connect->count = wire->count;
	connect->wait_ns = wire->wait_ns;
	connect->longest_ns = wire->longest_ns;
	return copy_address(wire->target.family, wire->target.address, connect->address);
}

/* The same. */
static int decode_dns(const struct wire_connect_failed *wire, struct event *event)
{
	struct event_dns *dns = &event->dns;

	event->type = EVENT_DNS;
	dns->cgroup_id = wire->header.cgroup_id;
	copy_container(dns->container_id, wire->container);
	dns->port = wire->target.port;
	dns->code = wire->target.error;
	dns->began_ns = wire->began_ns;
	dns->count = wire->count;
	dns->wait_ns = wire->wait_ns;
	dns->longest_ns = wire->longest_ns;
	kernel_wire_question(wire->question, dns->query);
	return copy_address(wire->target.family, wire->target.address, dns->address);
}

int kernel_wire_unanswered(const struct wire_question *wire, uint64_t boot_ns, struct event *ret)
{
	struct event event = {.type = EVENT_DNS, .boot_ns = boot_ns};
	struct event_dns *dns = &event.dns;

	dns->cgroup_id = wire->header.cgroup_id;
	copy_container(dns->container_id, wire->container);
	dns->port = wire->target.port;
	dns->code = WIRE_DNS_UNANSWERED;
	dns->began_ns = wire->header.boot_ns;
	dns->count = 1;
	dns->wait_ns = dns->longest_ns = boot_ns - wire->header.boot_ns;
	kernel_wire_question(wire->question, dns->query);
	int r = copy_address(wire->target.family, wire->target.address, dns->address);

	if (r == 0)
		*ret = event;
	return r;
}

/* The path of a cgroup from the names of it and those above it. */
static void join_path(const struct wire_oom *wire, uint32_t from, char *ret, size_t size)
{
	char path[WIRE_PARTS * (WIRE_NAME + 1) + 1];
	size_t used = 0;

	path[0] = '\0';
	for (uint32_t i = wire->part_count; i > from; i--) {
		path[used++] = '/';
		text_copy_n(path + used, WIRE_NAME + 1, wire->parts[i - 1], WIRE_NAME);
		used += strlen(path + used);
	}
	text_copy_tail(ret, size, path);
}

static bool by_limit(const struct wire_oom *wire, uint64_t page_bytes)
{
	if (wire->flags & WIRE_OOM_STACK_KNOWN)
		return wire->flags & WIRE_OOM_BY_LIMIT;
	if (!wire->limit_cgroup_id) /* no memory controller */
		return false;
	return wire->limit_pages - wire->usage_pages <= LIMIT_SLACK_BYTES / page_bytes ||
	       wire->usage_pages >= wire->limit_pages;
}

static int decode_oom(const struct wire_oom *wire, struct event *event)
{
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE), page_kb = page_bytes / 1024;
	struct event_oom *oom = &event->oom;

	if (wire->part_count > WIRE_PARTS || wire->limit_part >= WIRE_PARTS)
		return -EBADMSG;
	event->type = EVENT_OOM;
	*oom = (struct event_oom){
		.victim = process_of(&wire->header),
		.parent_pid = wire->header.parent_pid,
		.namespace_pid = wire->namespace_pid,
		.uid = wire->uid,
		.oom_score_adj = wire->oom_score_adj,
		.cgroup_id = wire->header.cgroup_id,
		.total_vm_kb = wire->total_vm_pages * page_kb,
		.anon_kb = wire->anon_pages * page_kb,
		.file_kb = wire->file_pages * page_kb,
		.shmem_kb = wire->shmem_pages * page_kb,
		.swap_kb = wire->swap_pages * page_kb,
		.pagetable_kb = wire->pagetable_bytes / 1024,
		.by_limit = by_limit(wire, page_bytes),
		.group_kill = wire->flags & WIRE_OOM_GROUP,
		.invoker = {wire->invoker_pid, wire->invoker_start_ns},
		.invoker_cgroup_id = wire->invoker_cgroup_id,
	};
	copy_container(oom->container_id, wire->container);
	COPY(oom->comm, wire->header.comm);
	COPY(oom->invoker_comm, wire->invoker_comm);
	COPY(oom->parent_comm, wire->parent_comm);
	join_path(wire, 0, oom->cgroup_path, sizeof(oom->cgroup_path));
	if (wire->flags & WIRE_OOM_SENT) {
		if (!memory_killer(oom->invoker_comm)) /* its end tells who sent the signal */
			return -ENOMSG;
		TEXT_COPY(oom->killer, oom->invoker_comm);
	}
	if (oom->by_limit) {
		oom->limit_cgroup_id = wire->limit_cgroup_id;
		oom->limit_bytes = wire->limit_pages * page_bytes;
		oom->usage_bytes = wire->usage_pages * page_bytes;
		join_path(wire, wire->limit_part, oom->limit_path, sizeof(oom->limit_path));
	}
	return 0;
}

static int decode_stall(const struct wire_stall *wire, struct event *event)
{
	struct event_stall *stall = &event->stall;

	event->type = EVENT_STALL;
	stall->cgroup_id = wire->header.cgroup_id;
	copy_container(stall->container_id, wire->container);
	stall->step = wire->ended ? STALL_AT_END : STALL_AT_LISTEN;
	kernel_stalls_event(stall, &wire->window, &wire->thread, event->boot_ns);
	return *stall->container_id ? 0 : -EBADMSG;
}

/* The least size of each type; a helper's record is checked by its own lengths. */
static const size_t least_sizes[] = {
	[WIRE_CGROUP_NEW] = sizeof(struct wire_cgroup),
	[WIRE_CGROUP_GONE] = sizeof(struct wire_cgroup_gone),
	[WIRE_EXEC] = sizeof(struct wire_exec),
	[WIRE_EXEC_HELPER] = offsetof(struct wire_exec_helper, texts),
	[WIRE_EXIT] = sizeof(struct wire_exit),
	[WIRE_EXIT_HELPER] = sizeof(struct wire_exit_helper),
	[WIRE_LISTEN] = sizeof(struct wire_listen),
	[WIRE_OOM] = sizeof(struct wire_oom),
	[WIRE_CONNECT_FAILED] = sizeof(struct wire_connect_failed),
	[WIRE_CONNECT_SLOW] = sizeof(struct wire_connect_failed),
	[WIRE_CONNECT_REACHED] = sizeof(struct wire_connect_failed),
	[WIRE_DNS] = sizeof(struct wire_connect_failed),
	[WIRE_STALL] = sizeof(struct wire_stall),
};

int kernel_wire_decode(const void *data, size_t size, struct event *ret)
{
	union {
		struct wire_header header;
		struct wire_cgroup cgroup;
		struct wire_cgroup_gone cgroup_gone;
		struct wire_exec exec;
		struct wire_exec_helper exec_helper;
		struct wire_exit exit;
		struct wire_exit_helper exit_helper;
		struct wire_listen listen;
		struct wire_oom oom;
		struct wire_connect_failed connect_failed;
		struct wire_stall stall;
	} wire;
	struct event event = {0};
	int r = -EBADMSG;

	if (size < sizeof(wire.header) || size > sizeof(wire))
		return -EBADMSG;
	memcpy(&wire, data, size);
	if (wire.header.type >= sizeof(least_sizes) / sizeof(*least_sizes) ||
	    size < least_sizes[wire.header.type])
		return -EBADMSG;
	event.boot_ns = wire.header.boot_ns;
	switch (wire.header.type) {
	case WIRE_CGROUP_NEW:
		r = decode_cgroup(&wire.cgroup, &event);
		break;
	case WIRE_CGROUP_GONE:
		r = decode_cgroup_gone(&wire.cgroup_gone, &event);
		break;
	case WIRE_EXEC:
		r = decode_exec(&wire.exec, &event);
		break;
	case WIRE_EXEC_HELPER:
		r = decode_helper(&wire.exec_helper, size, &event);
		break;
	case WIRE_EXIT:
		r = decode_exit(&wire.exit, &event);
		break;
	case WIRE_EXIT_HELPER:
		r = decode_exit_helper(&wire.exit_helper, &event);
		break;
	case WIRE_LISTEN:
		r = decode_listen(&wire.listen, &event);
		break;
	case WIRE_OOM:
		r = decode_oom(&wire.oom, &event);
		break;
	case WIRE_CONNECT_FAILED:
	case WIRE_CONNECT_SLOW:
	case WIRE_CONNECT_REACHED:
		r = decode_connect(&wire.connect_failed, &event);
		break;
	case WIRE_DNS:
		r = decode_dns(&wire.connect_failed, &event);
		break;
	case WIRE_STALL:
		r = decode_stall(&wire.stall, &event);
		break;
	}
	if (r == 0)
		*ret = event;
	return r;
}

bool kernel_wire_urgent(const void *data, size_t size)
{
	struct wire_header header;

	if (size < sizeof(header))
		return false;
	memcpy(&header, data, sizeof(header));
	return header.flags & WIRE_URGENT;
}

bool kernel_wire_unwatched(const void *data, size_t size, uint64_t since_ns)
{
	struct wire_header header;

	if (size < sizeof(header))
		return false;
	memcpy(&header, data, sizeof(header));
	return header.type == WIRE_STALL && header.boot_ns < since_ns;
}
