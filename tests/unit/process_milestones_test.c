// SPDX-License-Identifier: Apache-2.0
/* Process starts as milestones, from a tree that looks like /proc. */
#include "source/journal/process_milestones.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "client/process_find.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct fixture {
	char dir[40], proc[64], socket[64];
	sd_event *loop;
	int fd;
	struct process_milestones *milestones;
	struct event events[16];
	int count;
};

static void on_event(void *context, const struct event *event)
{
	struct fixture *fixture = context;

	assert_true(fixture->count < 16);
	fixture->events[fixture->count++] = *event;
}

static int setup(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->dir, "/tmp/nodewake-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	snprintf(fixture->proc, sizeof(fixture->proc), "%s/proc", fixture->dir);
	snprintf(fixture->socket, sizeof(fixture->socket), "%s/containerd.sock", fixture->dir);
	assert_int_equal(mkdir(fixture->proc, 0700), 0);
	assert_true(sd_event_new(&fixture->loop) >= 0);
	strcpy(address.sun_path, fixture->socket);
	fixture->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fixture->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	*state = fixture;
	return 0;
}

static int remove_one(const char *path, const struct stat *found, int type, struct FTW *walk)
{
	(void)found;
	(void)type;
	(void)walk;
	return remove(path);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	process_milestones_free(fixture->milestones);
	close(fixture->fd);
	sd_event_unref(fixture->loop);
	assert_int_equal(nftw(fixture->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(fixture);
	return 0;
}

static void put(struct fixture *fixture, int pid, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%d", fixture->proc, pid);
	assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
	snprintf(path, sizeof(path), "%s/%d/%s", fixture->proc, pid, name);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* A process that began so many seconds behind the kernel. */
static void process(struct fixture *fixture, int pid, const char *comm, const char *cgroup,
		    long start_s)
{
	char text[512];

	snprintf(text, sizeof(text), "%s\n", comm);
	put(fixture, pid, "comm", text);
	put(fixture, pid, "cgroup", cgroup);
	snprintf(text, sizeof(text),
		 "%d (%s) S 1 1 1 0 -1 4194560 1 1 1 1 1 1 1 1 20 0 1 0 %ld 1 1 1\n", pid, comm,
		 start_s * sysconf(_SC_CLK_TCK));
	put(fixture, pid, "stat", text);
}

static void look(struct fixture *fixture, uint64_t since_s)
{
	const struct process_milestones_options options = {
		.proc = fixture->proc,
		.socket = fixture->socket,
		.since_ns = since_s * NS_PER_SECOND,
	};

	assert_int_equal(process_milestones_new(&fixture->milestones, fixture->loop, &options,
						on_event, fixture),
			 0);
	for (int i = 0; i < 5; i++)
		sd_event_run(fixture->loop, 1000);
}

static void expect(struct fixture *fixture, int index, enum milestone what, uint64_t start_s,
		   const char *unit, uint32_t flags)
{
	const struct event *event = &fixture->events[index];

	assert_true(index < fixture->count);
	assert_int_equal(event->type, EVENT_MILESTONE);
	assert_int_equal(event->milestone.what, what);
	assert_int_equal(event->boot_ns, start_s * NS_PER_SECOND);
	assert_string_equal(event->milestone.unit, unit);
	assert_string_equal(event->milestone.told_by, "process");
	assert_int_equal(event->flags, flags);
}

static void a_runtime_and_a_kubelet(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(listen(fixture->fd, 4), 0);
	process(fixture, 1, "systemd", "0::/init.scope\n", 0);
	process(fixture, getpid(), "containerd", "0::/system.slice/containerd.service\n", 12);
	process(fixture, 3, "kubelet", "0::/system.slice/kubelet.service\n", 14);
	process(fixture, 4, "kubelet-helper", "0::/system.slice/kubelet.service\n", 2);
	look(fixture, 20);
	assert_int_equal(fixture->count, 2);
	expect(fixture, 0, MILESTONE_RUNTIME_STARTED, 12, "containerd.service",
	       EVENT_RECONSTRUCTED);
	expect(fixture, 1, MILESTONE_KUBELET_STARTED, 14, "kubelet.service", EVENT_RECONSTRUCTED);
}

/* Of two containerds the one behind the socket, in the unit of k3s, whose first process counts. */
static void k3s_beside_docker(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(listen(fixture->fd, 4), 0);
	process(fixture, 70, "containerd", "0::/system.slice/docker.service\n", 5);
	process(fixture, getpid(), "containerd", "0::/system.slice/k3s.service\n", 15);
	process(fixture, 81, "k3s-server", "0::/system.slice/k3s.service\n", 11);
	process(fixture, 80, "k3s-server", "0::/system.slice/k3s.service\n", 10);
	look(fixture, 3);
	assert_int_equal(fixture->count, 2);
	expect(fixture, 0, MILESTONE_RUNTIME_STARTED, 15, "k3s.service", 0);
	expect(fixture, 1, MILESTONE_KUBELET_STARTED, 10, "k3s.service", 0);
}

static void a_runtime_that_comes_later(void **state)
{
	struct fixture *fixture = *state;

	process(fixture, getpid(), "containerd", "0::/system.slice/containerd.service\n", 12);
	look(fixture, 3);
	assert_int_equal(fixture->count, 0); /* nobody listens so far: it may be another's */
	assert_int_equal(listen(fixture->fd, 4), 0);
	process_milestones_free(fixture->milestones);
	look(fixture, 3);
	assert_int_equal(fixture->count, 1);
}

static void containers_have_theirs(void **state)
{
	struct fixture *fixture = *state;

	process(fixture, 10, "kubelet", "0::/kubepods.slice/kubepods-pod1.slice/x.service\n", 3);
	process(fixture, 11, "kubelet",
		"0::/system.slice/docker-" ID ".scope/system.slice/kubelet.service\n", 3);
	process(fixture, 12, "kubelet", "5:memory:/x\n1:name=systemd:/../pod1/" ID "\n0::/\n", 3);
	look(fixture, 20);
	assert_int_equal(fixture->count, 0);
}

static void other_names_and_hierarchies(void **state)
{
	struct fixture *fixture = *state;

	process(fixture, 10, ".k3s-wrapped",
		"5:memory:/other.service\n1:name=systemd:/../../system.slice/k3s.service\n0::/\n",
		3);
	process(fixture, 11, "crio", "0::/system.slice/crio.service\n", 2);
	look(fixture, 20);
	assert_int_equal(fixture->count, 2);
	expect(fixture, 0, MILESTONE_RUNTIME_STARTED, 2, "crio.service", EVENT_RECONSTRUCTED);
	expect(fixture, 1, MILESTONE_KUBELET_STARTED, 3, "k3s.service", EVENT_RECONSTRUCTED);
}

static void without_systemd_there_is_no_unit(void **state)
{
	struct fixture *fixture = *state;

	process(fixture, 10, "k3s-agent", "0::/openrc.k3s-agent\n", 3);
	look(fixture, 2);
	assert_int_equal(fixture->count, 1);
	expect(fixture, 0, MILESTONE_KUBELET_STARTED, 3, "", 0);
}

/* Restarted hours ago: that is not the boot's. */
static void a_restart_is_not_told(void **state)
{
	struct fixture *fixture = *state;

	process(fixture, 10, "kubelet", "0::/system.slice/kubelet.service\n", 7200);
	look(fixture, 9000);
	assert_int_equal(fixture->count, 0);
	process_milestones_free(fixture->milestones);
	/* but one that begins so late before our eyes is */
	look(fixture, 7000);
	assert_int_equal(fixture->count, 1);
}

static void rubbish_is_no_process(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, 10, "comm", "kubelet\n");
	put(fixture, 11, "comm", "kubelet\n");
	put(fixture, 11, "stat", "11 kubelet");
	put(fixture, 11, "cgroup", "no colons\n::\n");
	put(fixture, 12, "comm", "");
	look(fixture, 2);
	assert_int_equal(fixture->count, 0);
}

static void who_listens(void **state)
{
	struct fixture *fixture = *state;
	uint32_t pid = 0;

	assert_int_equal(process_of_socket(fixture->socket, &pid), -ECONNREFUSED);
	assert_int_equal(process_of_socket("/tmp/nodewake-test-none", &pid), -ENOENT);
	assert_int_equal(listen(fixture->fd, 4), 0);
	assert_int_equal(process_of_socket(fixture->socket, &pid), 0);
	assert_int_equal(pid, getpid());
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_runtime_and_a_kubelet),
		TEST(k3s_beside_docker),
		TEST(a_runtime_that_comes_later),
		TEST(containers_have_theirs),
		TEST(other_names_and_hierarchies),
		TEST(without_systemd_there_is_no_unit),
		TEST(a_restart_is_not_told),
		TEST(rubbish_is_no_process),
		TEST(who_listens),
	};

	return cmocka_run_group_tests_name("process_milestones", tests, NULL, NULL);
}
