/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/health/health_machine.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "client/cgroup.h"
#include "client/process.h"

const char *const health_units[] = {
	"k3s.service",
	"k3s-agent.service",
	"rke2-server.service",
	"rke2-agent.service",
	"kubelet.service",
	"containerd.service",
	NULL,
};

DEFINE_CLEANUP(DIR *, closedir)

/* --- gathering ------------------------------------------------------------------------------- */

static bool exists(const char *root, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	return access(full, F_OK) == 0;
}

/* Of a container with a pid namespace of its own /proc shows nothing else (PROC_PID_INIT_INO, linux/proc_ns.h). */
static bool in_own_pid_namespace(const char *root)
{
	char path[PATH_MAX], link[64] = "";

	snprintf(path, sizeof(path), "%s/proc/self/ns/pid", root);
	return readlink(path, link, sizeof(link) - 1) > 0 && strcmp(link, "pid:[4026531836]") != 0;
}

/* NixOS wraps programs: .k3s-wrapped. K3s calls itself k3s-server or k3s-agent once it runs. */
static bool named(const char *comm, const char *name)
{
	static const char *const ends[] = {"", "-server", "-agent", "-wrapped", "-wrappe"};

	comm += *comm == '.';
	if (strncmp(comm, name, strlen(name)) != 0)
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (strcmp(comm + strlen(name), ends[i]) == 0)
			return true;
	return false;
}

/* The oldest of a name is meant: others may be its children for a moment. */
static void note(struct health_process *process, const char *root, uint32_t pid)
{
	struct process_stat stat = {0};

	if (!*root)
		process_stat_read(pid, &stat);
	if (!process->pid || (stat.start_ns && stat.start_ns < process->start_ns))
		*process = (struct health_process){.pid = pid, .start_ns = stat.start_ns};
}

static void read_process(struct health_machine *machine, const char *root, uint32_t pid)
{
	char path[PATH_MAX], comm[32] = "";

	snprintf(path, sizeof(path), "%s/proc/%" PRIu32 "/comm", root, pid);
	cleanup_fclose FILE *file = fopen(path, "re");

	if (!file || !fgets(comm, sizeof(comm), file))
		return;
	comm[strcspn(comm, "\n")] = '\0';
	if (named(comm, "k3s") || named(comm, "rke2"))
		note(&machine->k3s, root, pid);
	else if (named(comm, "kubelet"))
		note(&machine->kubelet, root, pid);
	else if (named(comm, "containerd"))
		note(&machine->containerd, root, pid);
}

static void read_processes(struct health_machine *machine, const char *root)
{
	char path[PATH_MAX];
	const struct dirent *entry;

	snprintf(path, sizeof(path), "%s/proc", root);
	cleanup_with(closedirp) DIR *dir = opendir(path);

	machine->processes_seen = dir && !in_own_pid_namespace(root);
	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name))
			read_process(machine, root, (uint32_t)strtoul(entry->d_name, NULL, 10));
}

static void on_cgroup(void *context, const struct cgroup_found *found)
{
	struct health_machine *machine = context;
	const char *name = strrchr(found->path, '/');

	if (found->id == found->container_id && machine->alive_count < HEALTH_ALIVE_MAX && name &&
	    cgroup_name_container(name + 1, machine->alive[machine->alive_count], ID_SIZE))
		machine->alive_count++;
}

static int compare(const void *a, const void *b)
{
	return strncmp(a, b, ID_SIZE);
}

static void read_alive(struct health_machine *machine, const char *root)
{
	char path[PATH_MAX], dir[PATH_MAX];

	machine->alive = calloc(HEALTH_ALIVE_MAX, ID_SIZE);
	snprintf(path, sizeof(path), "%s/sys/fs/cgroup", root);
	if (!machine->alive ||
	    cgroup_deciding_dir(path, cgroup_memory_on_v1(), dir, sizeof(dir)) < 0)
		return;
	machine->alive_seen = machine->processes_seen &&
			      cgroup_walk_containers(dir, on_cgroup, machine) == 0 &&
			      machine->alive_count < HEALTH_ALIVE_MAX;
	qsort(machine->alive, machine->alive_count, ID_SIZE, compare);
}

static bool in_path(const char *program)
{
	const char *path = getenv("PATH") ?: "";

	while (*path) {
		size_t length = strcspn(path, ":");
		char full[PATH_MAX];

		snprintf(full, sizeof(full), "%.*s/%s", (int)length, path, program);
		if (length && access(full, X_OK) == 0)
			return true;
		path += length + (path[length] == ':');
	}
	return false;
}

void health_machine_read(struct health_machine *ret, const char *root)
{
	struct health_machine machine = {.units_status = -ENOTCONN};
	int64_t offset_ns = clock_wall_offset_ns();

	read_processes(&machine, root);
	read_alive(&machine, root);
	machine.k3s_files = exists(root, "/etc/rancher/k3s") ||
			    exists(root, "/var/lib/rancher/k3s") ||
			    exists(root, "/var/lib/rancher/rke2");
	machine.kubelet_files = exists(root, "/etc/kubernetes/kubelet.conf") ||
				exists(root, "/var/lib/kubelet/config.yaml");
	machine.kubectl = !in_path("kubectl") && in_path("k3s") ? "k3s kubectl" : "kubectl";
	machine.boot_wall_ns = offset_ns;
	machine.now_wall_ns = (int64_t)clock_boot_ns() + offset_ns;
	*ret = machine;
}

void health_machine_done(struct health_machine *machine)
{
	free(machine->alive);
	*machine = (struct health_machine){0};
}

/* --- judging --------------------------------------------------------------------------------- */

static const struct unit_state *unit_named(const struct health_machine *machine, const char *name)
{
	for (size_t i = 0; i < machine->unit_count; i++)
		if (strcmp(machine->units[i].name, name) == 0 &&
		    strcmp(machine->units[i].load, "not-found") != 0)
			return &machine->units[i];
	return NULL;
}

/* Of the units that are there: one that is active, else the first. */
static const struct unit_state *unit_of(const struct health_machine *machine, enum health_kind kind)
{
	const struct unit_state *found = NULL;
	size_t first = kind == KIND_K3S ? 0 : 4, end = kind == KIND_K3S ? 4 : 5;

	for (size_t i = first; i < end; i++) {
		const struct unit_state *unit = unit_named(machine, health_units[i]);

		if (unit && (!found || strcmp(unit->active, "active") == 0))
			found = unit;
	}
	return found;
}

enum health_kind health_machine_kind(const struct health_machine *machine)
{
	if (machine->k3s.pid || unit_of(machine, KIND_K3S))
		return KIND_K3S;
	if (machine->kubelet.pid || unit_of(machine, KIND_KUBELET))
		return KIND_KUBELET;
	/* files may be left of one that was here before */
	if (machine->k3s_files)
		return KIND_K3S;
	return machine->kubelet_files ? KIND_KUBELET : KIND_NONE;
}

const char *health_machine_service(const struct health_machine *machine)
{
	enum health_kind kind = health_machine_kind(machine);
	const struct unit_state *unit = unit_of(machine, kind);

	return unit ? unit->name : kind == KIND_K3S ? "k3s" : "kubelet";
}

bool health_machine_alive(const struct health_machine *machine, const char *container_id)
{
	char id[ID_SIZE];

	TEXT_COPY(id, container_id);
	return machine->alive_count &&
	       bsearch(id, machine->alive, machine->alive_count, ID_SIZE, compare);
}

static void since(const struct health_machine *machine, const struct health_process *process,
		  char ret_text[static 64])
{
	char time[WALL_TEXT_SIZE];

	*ret_text = '\0';
	if (!process->start_ns)
		return;
	clock_wall_text((int64_t)process->start_ns + machine->boot_wall_ns, 0, time);
	snprintf(ret_text, 64, " since %s", time);
}

static void judge_unit(struct health_report *report, const char *check,
		       const struct unit_state *unit)
{
	bool starting =
		strcmp(unit->active, "activating") == 0 || strcmp(unit->active, "reloading") == 0;
	bool failed = strcmp(unit->active, "failed") == 0;
	struct health_finding *finding = health_find(report, check, GRADE_BAD, "%s is %s (%s)",
						     unit->name, unit->active, unit->sub);

	TEXT_COPY(finding->reason, unit->active);
	if (starting || failed)
		health_advise(finding, "journalctl -b -u %s -e", unit->name);
	else
		health_advise(finding, "systemctl start %s", unit->name);
}

void health_judge_service(struct health_report *report, const struct health_machine *machine)
{
	enum health_kind kind = health_machine_kind(machine);
	const struct unit_state *unit = unit_of(machine, kind);
	const struct health_process *process = kind == KIND_K3S ? &machine->k3s : &machine->kubelet;
	const char *check = kind == KIND_K3S ? "k3s" : "kubelet";
	bool active = unit && strcmp(unit->active, "active") == 0;
	struct health_finding *finding;
	char time[64];

	if (kind == KIND_NONE)
		return;
	since(machine, process, time);
	if (active) {
		health_find(report, check, GRADE_OK, "%s is active%s", unit->name, time);
	} else if (unit && (!process->pid || strcmp(unit->active, "inactive") != 0)) {
		judge_unit(report, check, unit);
	} else if (process->pid) {
		health_find(report, check, GRADE_OK, "runs%s (pid %" PRIu32 ")", time,
			    process->pid);
	} else if (machine->processes_seen) {
		finding = health_find(report, check, GRADE_BAD, "does not run");
		health_advise(finding,
			      "start it; where it stands under systemd: systemctl status '%s*'",
			      check);
	} else {
		finding = health_find(
			report, check, GRADE_UNKNOWN,
			"neither systemd nor the node's processes can be seen from here");
		finding->aside = true; /* the Node's condition tells */
		health_advise(finding, "run it on the node itself");
	}
}

static void judge_silence(struct health_report *report, const struct health_machine *machine,
			  const char *socket, int answer)
{
	const struct unit_state *unit = unit_named(machine, "containerd.service");
	bool ours = health_machine_kind(machine) == KIND_K3S && machine->k3s_files;
	const char *service = health_machine_service(machine);
	bool rke2 = strncmp(service, "rke2", 4) == 0;
	struct health_finding *finding;

	if (unit && !ours && strcmp(unit->active, "active") != 0) {
		judge_unit(report, "containerd", unit);
		return;
	}
	finding = health_find(report, "containerd", GRADE_BAD, "%.200s: %s%s", socket,
			      answer == -EPROTO ? "who listens there is not containerd"
						: strerror(-answer),
			      machine->containerd.pid ? ", though its process runs" : "");
	if (answer == -ETIMEDOUT)
		health_advise(finding, "it takes connections and does not answer: see its log");
	else if (answer == -EPROTO)
		health_advise(finding, "name its socket with --containerd-socket");
	else if (ours)
		health_advise(finding,
			      "%s starts it: journalctl -b -u %s -e, and "
			      "/var/lib/rancher/%s/agent/containerd/containerd.log",
			      rke2 ? "RKE2" : "K3s", service, rke2 ? "rke2" : "k3s");
	else
		health_advise(finding,
			      "systemctl status containerd; journalctl -b -u containerd -e");
}

void health_judge_containerd(struct health_report *report, const struct health_machine *machine,
			     const char *socket, int answer)
{
	struct health_finding *finding;
	char time[64];

	since(machine, &machine->containerd, time);
	if (answer == 0) {
		health_find(report, "containerd", GRADE_OK, "answers on %.200s%s%s", socket,
			    *time ? ", runs" : "", time);
		return;
	}
	if (answer != -EACCES && answer != -EPERM) {
		judge_silence(report, machine, socket, answer);
		return;
	}
	finding = health_find(report, "containerd", GRADE_UNKNOWN, "%s%s: permission denied",
			      machine->containerd.pid ? "its process runs; " : "", socket);
	finding->hopeless = true;
	health_advise(finding, "run it as root: only root may ask containerd");
}
