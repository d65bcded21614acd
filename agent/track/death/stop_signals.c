// SPDX-License-Identifier: Apache-2.0
#include "track/death/stop_signals.h"

#include <signal.h>
#include <string.h>

#include "base/clock.h"

bool stop_sent_by_runtime(const struct containers *all, const struct signal_seen *seen)
{
	/* the kubelet kills what is left in the cgroup of a pod that is no more (pod_container_manager_linux.go) */
	static const char *const names[] = {"runc",    "crun",	     "youki",	 "containerd-shim",
					    "kubelet", "k3s-server", "k3s-agent"};
	/* they run a sealed copy of themselves where they can't trust the file */
	static const char copied[] = "memfd:";
	const char *comm = seen->sender_comm;

	if (!seen->signal || seen->from_kernel ||
	    containers_find_cgroup(all, seen->sender_cgroup_id))
		return false;
	if (strncmp(comm, copied, strlen(copied)) == 0)
		comm += strlen(copied);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strncmp(comm, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

void stop_signals(const struct containers *all, const struct container *container, struct stop *ret)
{
	const struct event_exit *exit = &container->exit;

	for (int i = 0; i < 2 && container->exit_seen; i++) {
		const struct signal_seen *seen = &exit->last[i];

		if (!stop_sent_by_runtime(all, seen))
			continue;
		if (seen->signal == SIGKILL)
			ret->kill_ns = seen->boot_ns;
		else
			ret->term_ns = seen->boot_ns; /* newest first: the first one stays */
	}
	ret->overran = exit->signal == SIGKILL && ret->term_ns && ret->kill_ns > ret->term_ns;
	if (ret->overran) /* as it was; Kubernetes may tell what it should have been */
		ret->grace_s = (uint32_t)((ret->kill_ns - ret->term_ns + NS_PER_SECOND / 2) /
					  NS_PER_SECOND);
}
