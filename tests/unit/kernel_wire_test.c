// SPDX-License-Identifier: Apache-2.0
/* Records of the kernel's rings as events: each type, texts without an end, and what is not one. */
#include "source/kernel/kernel_wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "bpf/wire.h"

#define HEX64	       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UID	       "11111111-2222-3333-4444-555555555555"
#define UID_	       "11111111_2222_3333_4444_555555555555"

#define TEXT(to, from) memcpy(to, from, sizeof(from) - 1)
/* A list of texts, each with its NUL, as argv and the environment lie in memory. */
#define TEXTS(record, from)                                 \
	do {                                                \
		memcpy((record).texts, from, sizeof(from)); \
		(record).head_size = sizeof(from);          \
	} while (0)

static struct wire_header header(enum wire_type type, size_t size, enum wire_role role)
{
	return (struct wire_header){
		.type = (uint16_t)type,
		.size = (uint16_t)size,
		.boot_ns = 5000,
		.cgroup_id = 77,
		.start_ns = 4000,
		.pid = 12,
		.parent_pid = 11,
		.role = role,
		.comm = "fifteen-letters", /* and no NUL fits behind a sixteenth */
	};
}

static struct event decode(const void *record, size_t size)
{
	struct event event;

	memset(&event, 0xee, sizeof(event)); /* nothing of what was there before may be left */
	assert_int_equal(kernel_wire_decode(record, size, &event), 0);
	return event;
}

/* No part of a record is a record, and a refused one leaves the result alone. */
static void assert_whole_only(const void *record, size_t size)
{
	for (size_t part = 0; part < size; part++) {
		struct event event, before;
		void *copy = malloc(part ? part : 1); /* exact, for the sanitizer */

		memcpy(copy, record, part);
		memset(&event, 0xee, sizeof(event));
		before = event;
		assert_int_equal(kernel_wire_decode(copy, part, &event), -EBADMSG);
		assert_memory_equal(&event, &before, sizeof(event));
		free(copy);
	}
}

static void cgroups(void **state)
{
	static const char systemd[] =
		"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
		".slice/cri-containerd-" HEX64 ".scope";
	struct wire_cgroup wire = {.header = header(WIRE_CGROUP_NEW, sizeof(wire), 0)};

	(void)state;
	TEXT(wire.name, HEX64);
	TEXT(wire.path, "/kubepods/burstable/pod" UID "/" HEX64);
	struct event event = decode(&wire, sizeof(wire));

	assert_int_equal(event.type, EVENT_CGROUP_NEW);
	assert_int_equal(event.boot_ns, 5000);
	assert_int_equal(event.flags, 0);
	assert_int_equal(event.cgroup.cgroup_id, 77);
	assert_string_equal(event.cgroup.container_id, HEX64);
	assert_string_equal(event.cgroup.pod_uid, UID);
	assert_string_equal(event.cgroup.path, "/kubepods/burstable/pod" UID "/" HEX64);
	assert_whole_only(&wire, sizeof(wire));

	TEXT(wire.name, "cri-containerd-" HEX64 ".scope");
	assert_true(sizeof(systemd) <= sizeof(wire.path));
	memcpy(wire.path, systemd, sizeof(systemd));
	event = decode(&wire, sizeof(wire));
	assert_string_equal(event.cgroup.container_id, HEX64);
	assert_string_equal(event.cgroup.pod_uid, UID);
	assert_string_equal(event.cgroup.path, systemd);

	struct wire_cgroup_gone gone = {.header = header(WIRE_CGROUP_GONE, sizeof(gone), 0)};

	TEXT(gone.name, HEX64);
	event = decode(&gone, sizeof(gone));
	assert_int_equal(event.type, EVENT_CGROUP_GONE);
	assert_int_equal(event.cgroup.cgroup_id, 77);
	assert_string_equal(event.cgroup.container_id, HEX64);
	assert_whole_only(&gone, sizeof(gone));

	/* as long, but not hex: the probes tell by length */
	memset(&wire.name, 'x', 64);
	wire.name[64] = '\0';
	assert_int_equal(kernel_wire_decode(&wire, sizeof(wire), &event), -EBADMSG);
}

static void execs(void **state)
{
	static const struct {
		enum wire_role wire;
		enum process_role role;
	} roles[] = {
		{WIRE_ROLE_ENTRYPOINT, ROLE_ENTRYPOINT},  {WIRE_ROLE_REEXEC, ROLE_REEXEC},
		{WIRE_ROLE_SESSION, ROLE_SESSION},	  {WIRE_ROLE_COUNT, ROLE_NONE},
		{(enum wire_role)0xffffffffu, ROLE_NONE},
	};
	struct wire_exec wire = {.header = header(WIRE_EXEC, sizeof(wire), 0)};

	(void)state;
	TEXT(wire.container, HEX64);
	memset(wire.file, 'f', sizeof(wire.file)); /* cut by the kernel: no NUL */
	memset(wire.header.comm, 'c', sizeof(wire.header.comm));
	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
		wire.header.role = roles[i].wire;
		struct event event = decode(&wire, sizeof(wire));

		assert_int_equal(event.type, EVENT_EXEC);
		assert_int_equal(event.exec.role, roles[i].role);
		assert_int_equal(event.exec.who.pid, 12);
		assert_int_equal(event.exec.who.start_ns, 4000);
		assert_int_equal(event.exec.parent_pid, 11);
		assert_int_equal(event.exec.cgroup_id, 77);
		assert_string_equal(event.exec.container_id, HEX64);
		assert_int_equal(strlen(event.exec.file), FILE_SIZE - 1);
		assert_int_equal(strlen(event.exec.comm), COMM_SIZE - 1);
		assert_string_equal(event.exec.verb, "");
	}
	assert_whole_only(&wire, sizeof(wire));
}

static struct event helper(struct wire_exec_helper *wire, enum wire_role role)
{
	size_t size = offsetof(struct wire_exec_helper, texts) + wire->head_size + wire->tail_size;
	void *copy = malloc(size);

	wire->header = header(WIRE_EXEC_HELPER, size, role);
	TEXT(wire->file, "/opt/cni/bin/bridge");
	memcpy(copy, wire, size);
	struct event event = decode(copy, size);

	assert_whole_only(copy, size);
	free(copy);
	assert_int_equal(event.type, EVENT_EXEC);
	assert_string_equal(event.exec.file, "/opt/cni/bin/bridge");
	return event;
}

#define assert_verb(event, verb_, id_)                               \
	do {                                                         \
		assert_string_equal((event).exec.verb, verb_);       \
		assert_string_equal((event).exec.container_id, id_); \
	} while (0)

/* The verb is in the head, the id in the tail. */
static void long_arguments(void **state)
{
	static const char head[] = "runc\0--root\0", create[] = "create\0--bundle\0";
	struct wire_exec_helper wire = {.head_size = WIRE_ARGS_HEAD, .tail_size = WIRE_ARGS_TAIL};
	char *tail = wire.texts + WIRE_ARGS_HEAD + WIRE_ARGS_TAIL;

	(void)state;
	memset(wire.texts, 'x', WIRE_ARGS_HEAD + WIRE_ARGS_TAIL);
	memcpy(wire.texts, head, sizeof(head));
	memcpy(wire.texts + 512, create, sizeof(create) - 1);
	wire.texts[511] = '\0';
	memcpy(tail - sizeof(HEX64) - 1, "\0" HEX64, sizeof(HEX64) + 1);
	assert_verb(helper(&wire, WIRE_ROLE_RUNTIME), "create", HEX64);
}

/* Whose texts they are decides how they are read. */
static void helpers(void **state)
{
	struct wire_exec_helper wire = {0};

	(void)state;
	TEXTS(wire, "runc\0create\0--bundle\0/b\0" HEX64);
	assert_verb(helper(&wire, WIRE_ROLE_RUNTIME), "create", HEX64);
	TEXTS(wire, "shim\0-id\0" HEX64 "\0start");
	assert_verb(helper(&wire, WIRE_ROLE_SHIM), "start", HEX64);
	TEXTS(wire, "CNI_COMMAND=ADD\0CNI_CONTAINERID=" HEX64);
	assert_verb(helper(&wire, WIRE_ROLE_CNI), "ADD", HEX64);
	wire.head_size = 0; /* they could not be read */
	assert_verb(helper(&wire, WIRE_ROLE_RUNTIME), "", "");
	assert_verb(helper(&wire, WIRE_ROLE_CNI), "", "");
}

static void helper_lengths_lie(void **state)
{
	struct wire_exec_helper wire = {.header = header(WIRE_EXEC_HELPER, sizeof(wire), 0)};
	static const uint32_t wrong[][2] = {
		{WIRE_ENVIRONMENT + 1, 0},
		{0xffffffff, 0},
		{WIRE_ARGS_HEAD, WIRE_ARGS_TAIL + 1},
		{WIRE_ARGS_HEAD, 0xffffffff},
		{WIRE_ARGS_HEAD + 1, 1},
		{0xffffffff, 0xffffffff},
	};
	struct event event;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		wire.head_size = wrong[i][0];
		wire.tail_size = wrong[i][1];
		assert_int_equal(kernel_wire_decode(&wire, sizeof(wire), &event), -EBADMSG);
	}
}

static void exits(void **state)
{
	struct wire_exit wire = {
		.header = header(WIRE_EXIT, sizeof(wire), WIRE_ROLE_ENTRYPOINT),
		.status = 3 << 8,
		.last = {{.boot_ns = 4900, .signal = 9, .sender_pid = 5, .sender_comm = "bash"},
			 {.boot_ns = 4800,
			  .signal = 11,
			  .code = 1,
			  .ignored = 1,
			  .from_kernel = 1,
			  .address = 0x1234}},
		.namespace_pid = 7,
		.total = 10,
		.told = 6,
		.parent_comm = "fifteen-chars-x",
		.file = "worker",
	};

	(void)state;
	TEXT(wire.container, "docker-" HEX64 ".scope");
	struct event event = decode(&wire, sizeof(wire));

	assert_int_equal(event.type, EVENT_EXIT);
	assert_int_equal(event.exit.role, ROLE_ENTRYPOINT);
	assert_string_equal(event.exit.container_id, HEX64);
	assert_int_equal(event.exit.code, 3);
	assert_int_equal(event.exit.signal, 0);
	assert_false(event.exit.core_dumped);
	assert_false(event.exit.oom_victim);
	assert_int_equal(event.exit.last[0].signal, 9);
	assert_int_equal(event.exit.last[0].sender.pid, 5);
	assert_string_equal(event.exit.last[0].sender_comm, "bash");
	assert_false(event.exit.last[0].ignored);
	assert_int_equal(event.exit.last[1].signal, 11);
	assert_int_equal(event.exit.last[1].code, 1);
	assert_int_equal(event.exit.last[1].address, 0x1234);
	assert_true(event.exit.last[1].ignored && event.exit.last[1].from_kernel);
	assert_int_equal(event.exit.namespace_pid, 7);
	assert_int_equal(event.exit.count, 4);
	assert_string_equal(event.exit.parent_comm, "fifteen-chars-x");
	assert_string_equal(event.exit.file, "worker");
	assert_whole_only(&wire, sizeof(wire));

	wire.status = 0x80 | 11;
	wire.flags = WIRE_EXIT_OOM_VICTIM;
	event = decode(&wire, sizeof(wire));
	assert_int_equal(event.exit.code, 0);
	assert_int_equal(event.exit.signal, 11);
	assert_true(event.exit.core_dumped);
	assert_true(event.exit.oom_victim);
}

static void helper_exits(void **state)
{
	struct wire_exit_helper wire = {
		.header = header(WIRE_EXIT_HELPER, sizeof(wire), WIRE_ROLE_CNI), .status = 1 << 8};
	struct event event = decode(&wire, sizeof(wire));

	(void)state;
	assert_int_equal(event.type, EVENT_EXIT);
	assert_int_equal(event.exit.role, ROLE_CNI);
	assert_int_equal(event.exit.who.pid, 12);
	assert_int_equal(event.exit.code, 1);
	assert_string_equal(event.exit.container_id, "");
	assert_whole_only(&wire, sizeof(wire));
}

static void listens(void **state)
{
	struct wire_listen wire = {
		.header = header(WIRE_LISTEN, sizeof(wire), WIRE_ROLE_MEMBER),
		.address = {127, 0, 0, 1},
		.family = AF_INET,
		.port = 8080,
	};
	struct event event;

	(void)state;
	TEXT(wire.container, HEX64);
	event = decode(&wire, sizeof(wire));
	assert_int_equal(event.type, EVENT_LISTEN);
	assert_int_equal(event.listen.port, 8080);
	assert_string_equal(event.listen.address, "127.0.0.1");
	assert_string_equal(event.listen.container_id, HEX64);
	assert_whole_only(&wire, sizeof(wire));
	memset(wire.address, 0, sizeof(wire.address));
	wire.family = AF_INET6;
	event = decode(&wire, sizeof(wire));
	assert_string_equal(event.listen.address, "::");
	wire.family = 99;
	assert_int_equal(kernel_wire_decode(&wire, sizeof(wire), &event), -EBADMSG);
}

static struct wire_oom oom_record(void)
{
	struct wire_oom wire = {
		.header = header(WIRE_OOM, sizeof(wire), WIRE_ROLE_MEMBER),
		.container = HEX64,
		.parts = {"nested", HEX64, "pod" UID, "kubepods"},
		.part_count = 4,
		.limit_part = 2,
		.limit_cgroup_id = 55,
		.limit_pages = 5120,
		.usage_pages = 5119,
		.total_vm_pages = 1,
		.anon_pages = 2,
		.file_pages = 3,
		.shmem_pages = 4,
		.swap_pages = 5,
		.pagetable_bytes = 81920,
		.namespace_pid = 7,
		.uid = 1000,
		.oom_score_adj = -5,
		.flags = WIRE_OOM_STACK_KNOWN | WIRE_OOM_BY_LIMIT | WIRE_OOM_GROUP,
		.invoker_start_ns = 3000,
		.invoker_cgroup_id = 78,
		.invoker_pid = 13,
		.invoker_comm = "head",
	};

	return wire;
}

static void ooms(void **state)
{
	uint64_t page_kb = (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
	struct wire_oom wire = oom_record();
	struct event event = decode(&wire, sizeof(wire));
	const struct event_oom *oom = &event.oom;

	(void)state;
	assert_int_equal(event.type, EVENT_OOM);
	assert_int_equal(oom->victim.pid, 12);
	assert_int_equal(oom->parent_pid, 11);
	assert_int_equal(oom->namespace_pid, 7);
	assert_int_equal(oom->uid, 1000);
	assert_int_equal(oom->oom_score_adj, -5);
	assert_string_equal(oom->container_id, HEX64);
	assert_string_equal(oom->cgroup_path, "/kubepods/pod" UID "/" HEX64 "/nested");
	assert_string_equal(oom->limit_path, "/kubepods/pod" UID);
	assert_int_equal(oom->limit_cgroup_id, 55);
	assert_int_equal(oom->limit_bytes, 5120 * page_kb * 1024);
	assert_int_equal(oom->usage_bytes, 5119 * page_kb * 1024);
	assert_int_equal(oom->total_vm_kb, page_kb);
	assert_int_equal(oom->anon_kb, 2 * page_kb);
	assert_int_equal(oom->file_kb, 3 * page_kb);
	assert_int_equal(oom->shmem_kb, 4 * page_kb);
	assert_int_equal(oom->swap_kb, 5 * page_kb);
	assert_int_equal(oom->pagetable_kb, 80);
	assert_true(oom->by_limit && oom->group_kill);
	assert_int_equal(oom->invoker.pid, 13);
	assert_int_equal(oom->invoker.start_ns, 3000);
	assert_int_equal(oom->invoker_cgroup_id, 78);
	assert_string_equal(oom->invoker_comm, "head");
	assert_whole_only(&wire, sizeof(wire));
}

/* The stack decides; without it, a limit that is all but used up. */
static void whose_memory(void **state)
{
	static const struct {
		uint32_t flags;
		uint64_t limit_cgroup_id, limit_pages, usage_pages;
		bool by_limit;
	} cases[] = {
		{WIRE_OOM_STACK_KNOWN | WIRE_OOM_BY_LIMIT, 55, 5120, 10, true},
		{WIRE_OOM_STACK_KNOWN, 55, 5120, 5120, false},
		{0, 55, 5120, 5120, true},
		{0, 55, 5120, 5121, true},
		{0, 55, 1 << 20, (1 << 20) - 64, true},
		{0, 55, 1 << 20, 1 << 19, false},
		{0, 55, UINT64_MAX, 100, false},
		{0, 0, 0, 0, false},
	};
	struct wire_oom wire = oom_record();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		wire.flags = cases[i].flags;
		wire.limit_cgroup_id = cases[i].limit_cgroup_id;
		wire.limit_pages = cases[i].limit_pages;
		wire.usage_pages = cases[i].usage_pages;
		struct event event = decode(&wire, sizeof(wire));

		assert_int_equal(event.oom.by_limit, cases[i].by_limit);
		assert_int_equal(*event.oom.limit_path != '\0', cases[i].by_limit);
		assert_int_equal(event.oom.limit_bytes != 0, cases[i].by_limit);
	}
}

/* The leaf matters: a path that is too long is cut at the front. */
static void oom_paths(void **state)
{
	struct wire_oom wire = oom_record();
	struct event event;

	(void)state;
	wire.part_count = WIRE_PARTS;
	wire.limit_part = WIRE_PARTS - 1;
	memset(wire.parts, 'p', sizeof(wire.parts)); /* none with a NUL */
	TEXT(wire.parts[0], "leaf\0");
	event = decode(&wire, sizeof(wire));
	assert_int_equal(strlen(event.oom.cgroup_path), CGROUP_PATH_SIZE - 1);
	assert_string_equal(event.oom.cgroup_path + CGROUP_PATH_SIZE - 1 - 5, "/leaf");
	assert_int_equal(strlen(event.oom.limit_path), WIRE_NAME + 1);
	wire.part_count = WIRE_PARTS + 1;
	assert_int_equal(kernel_wire_decode(&wire, sizeof(wire), &event), -EBADMSG);
	wire.part_count = 0xffffffff;
	assert_int_equal(kernel_wire_decode(&wire, sizeof(wire), &event), -EBADMSG);
	wire.part_count = 0; /* the root: no path, no limit's either */
	wire.limit_part = 0;
	event = decode(&wire, sizeof(wire));
	assert_string_equal(event.oom.cgroup_path, "");
	wire.limit_part = WIRE_PARTS;
	assert_int_equal(kernel_wire_decode(&wire, sizeof(wire), &event), -EBADMSG);
}

static void not_a_record(void **state)
{
	struct wire_exec_helper wire = {.header = header(0, sizeof(wire), 0)};
	char more[sizeof(wire) + 1] = {0};
	struct event event;

	(void)state;
	for (uint32_t type = 0; type <= UINT16_MAX; type++) {
		wire.header.type = (uint16_t)type;
		if (type == 0 || type > WIRE_CONNECT_FAILED)
			assert_int_equal(kernel_wire_decode(&wire, sizeof(wire), &event), -EBADMSG);
	}
	wire.header.type = WIRE_EXEC_HELPER;
	assert_int_equal(kernel_wire_decode(&wire, sizeof(wire), &event), 0);
	memcpy(more, &wire, sizeof(wire));
	assert_int_equal(kernel_wire_decode(more, sizeof(more), &event), -EBADMSG);
}

static void urgent(void **state)
{
	struct wire_listen wire = {.header = header(WIRE_LISTEN, sizeof(wire), 0)};

	(void)state;
	assert_false(kernel_wire_urgent(&wire, sizeof(wire)));
	wire.header.flags = WIRE_URGENT;
	assert_true(kernel_wire_urgent(&wire, sizeof(wire)));
	assert_false(kernel_wire_urgent(&wire, sizeof(wire.header) - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cgroups),
		cmocka_unit_test(execs),
		cmocka_unit_test(helpers),
		cmocka_unit_test(long_arguments),
		cmocka_unit_test(helper_lengths_lie),
		cmocka_unit_test(exits),
		cmocka_unit_test(helper_exits),
		cmocka_unit_test(listens),
		cmocka_unit_test(ooms),
		cmocka_unit_test(whose_memory),
		cmocka_unit_test(oom_paths),
		cmocka_unit_test(not_a_record),
		cmocka_unit_test(urgent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
