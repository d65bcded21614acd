/* SPDX-License-Identifier: Apache-2.0 */
/* Health's view of the machine itself: processes, units, containers' cgroups. Gathered, then judged. */
#pragma once

#include "cli/health/health.h"
#include "client/unit_state.h"

enum health_kind { KIND_NONE, KIND_KUBELET, KIND_K3S };

struct health_process {
	uint32_t pid; /* 0: none was found */
	uint64_t start_ns;
};

#define HEALTH_ALIVE_MAX 4096

struct health_machine {
	bool processes_seen; /* all of the node, not only a pod's own */
	struct health_process k3s, kubelet, containerd;
	bool k3s_files, kubelet_files;
	int units_status; /* negative errno: systemd did not tell */
	struct unit_state units[UNIT_STATES_MAX];
	size_t unit_count;
	/* ids of the containers that have a cgroup now, sorted */
	char (*alive)[ID_SIZE];
	size_t alive_count;
	bool alive_seen;
	const char *kubectl; /* the command as this machine has it */
	int64_t boot_wall_ns, now_wall_ns;
};

/* NULL-terminated: whom unit_state_ask is to be asked about. */
extern const char *const health_units[];

/* All but the units, which come over D-Bus. */
void health_machine_read(struct health_machine *ret, const char *root);
void health_machine_done(struct health_machine *machine);

enum health_kind health_machine_kind(const struct health_machine *machine);
/* Whose log tells of the node: its unit. */
const char *health_machine_service(const struct health_machine *machine);
bool health_machine_alive(const struct health_machine *machine, const char *container_id);

/* K3s or the kubelet; nothing where Kubernetes isn't installed. */
void health_judge_service(struct health_report *report, const struct health_machine *machine);

/* answer: of grpc_hello. */
void health_judge_containerd(struct health_report *report, const struct health_machine *machine,
			     const char *socket, int answer);
