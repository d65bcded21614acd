/* SPDX-License-Identifier: Apache-2.0 */
#include "source/journal/milestone_rules.h"

#include <string.h>

/*
 * Looked at: containerd 1.6.20 (Debian 12's binary) and logs of 1.6 to 2.x, internal/cri/server/service.go at
 * dea7da592f5d; K3s pkg/cli/server/server.go at 005499a940ea and logs of v1.17 to v1.35; kubelet 1.20.2 (binary)
 * and logs of v1.21 to v1.35. Levels: all are told without any -v. RKE2 says what K3s says (logs of v1.24 to v1.35);
 * its kubelet is a process of its own and logs to a file.
 *
 * Left out: K3s's "Running kube-apiserver" (its begin, which is no milestone) and "k3s is up and running", which
 * a server without an API server of its own says too; systemd knows it as the unit's becoming active.
 */
const struct milestone_rule milestone_rules[] = {
	{LOG_CONTAINERD | LOG_K3S, "starting containerd", MILESTONE_RUNTIME_STARTED, false, false},
	{LOG_CONTAINERD | LOG_K3S, "containerd successfully booted in", MILESTONE_RUNTIME_READY,
	 false, false},
	/* said once the socket answers, asked for every second */
	{LOG_K3S, "Containerd is now running", MILESTONE_RUNTIME_READY, false, false},
	{LOG_K3S, "containerd is now running", MILESTONE_RUNTIME_READY, false, false},
	/* At start the CRI plugin reads the configuration and complains, or does not; then it begins to watch it.
	   That one which came later was read is not told without -l debug. */
	{LOG_CONTAINERD | LOG_K3S, "failed to load cni during init", MILESTONE_NETWORK_READY, false,
	 true},
	{LOG_CONTAINERD | LOG_K3S, "Start cni network conf syncer", MILESTONE_NETWORK_READY, true,
	 false},
	/* "Starting k3s v1.31.2+k3s1", "Starting k3s agent v1.35.4+k3s1" */
	{LOG_K3S, "Starting k3s ", MILESTONE_KUBELET_STARTED, false, false},
	{LOG_KUBELET, "Kubelet version", MILESTONE_KUBELET_STARTED, false, false},
	{LOG_K3S, "Kube API server is now running", MILESTONE_API_READY, false, false},
	/* the API server has answered by then: all that an agent or a worker tells of it */
	{LOG_KUBELET | LOG_K3S, "Successfully registered node", MILESTONE_API_READY, false, false},
	/* kubelet 1.22 and later; not said where the Node was still Ready from before */
	{LOG_KUBELET | LOG_K3S, "Fast updating node status as it just became ready",
	 MILESTONE_NODE_READY, false, false},
};

const size_t milestone_rule_count = sizeof(milestone_rules) / sizeof(*milestone_rules);

/* The name of the program in ExecStart, unless the unit sets another. */
const char *const milestone_identifiers[] = {"containerd", "k3s",  "k3s-agent", "k3s-server",
					     "kubelet",	   "rke2", NULL};

unsigned int milestone_program(const char *identifier)
{
	if (strcmp(identifier, "containerd") == 0)
		return LOG_CONTAINERD;
	if (strcmp(identifier, "kubelet") == 0)
		return LOG_KUBELET;
	return strncmp(identifier, "k3s", 3) == 0 || strcmp(identifier, "rke2") == 0 ? LOG_K3S : 0;
}

const struct milestone_rule *milestone_rule_find(enum log_program program,
						 const struct log_line *line)
{
	for (size_t i = 0; i < milestone_rule_count; i++)
		if (milestone_rules[i].programs & program &&
		    log_line_begins(line, milestone_rules[i].prefix))
			return &milestone_rules[i];
	return NULL;
}
