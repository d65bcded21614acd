/* SPDX-License-Identifier: Apache-2.0 */
/* By its name: what a unit is to the boot of a node. Called by the systemd source. */
#pragma once

/* In the order in which they are asked for. */
enum systemd_rank {
	SYSTEMD_RANK_NAMED, /* what the report is about: runtimes, kubelet, network, time, the agent itself */
	SYSTEMD_RANK_MOUNT,
	SYSTEMD_RANK_TARGET,  /* the boot's own goal: leads to all the rest */
	SYSTEMD_RANK_SERVICE, /* what may have taken time: services, sockets, swap, disks */
	SYSTEMD_RANK_ORDERED, /* only where another was ordered after it: devices, slices, targets, timers */
	SYSTEMD_RANK_FOREIGN, /* containers', never the boot's */
	SYSTEMD_RANK_COUNT
};

enum systemd_rank systemd_rank(const char *name);
