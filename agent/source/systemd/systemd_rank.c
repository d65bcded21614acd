/* SPDX-License-Identifier: Apache-2.0 */
#include "source/systemd/systemd_rank.h"

#include <fnmatch.h>
#include <stddef.h>

static const struct {
	const char *pattern;
	enum systemd_rank rank;
} ranks[] = {
	/* the first that fits */
	{"*.scope", SYSTEMD_RANK_FOREIGN},
	{"kubepods*.slice", SYSTEMD_RANK_FOREIGN},
	{"run-containerd-*.mount", SYSTEMD_RANK_FOREIGN},
	{"run-k3s-*.mount", SYSTEMD_RANK_FOREIGN},
	{"run-docker-*.mount", SYSTEMD_RANK_FOREIGN},
	{"run-netns-*.mount", SYSTEMD_RANK_FOREIGN},
	{"run-containers-*.mount", SYSTEMD_RANK_FOREIGN},
	/* narrow: these folders are often disks of their own */
	{"var-lib-kubelet-pods-*.mount", SYSTEMD_RANK_FOREIGN},
	{"var-lib-kubelet-plugins-*.mount", SYSTEMD_RANK_FOREIGN},
	{"var-lib-containerd-tmpmounts-*.mount", SYSTEMD_RANK_FOREIGN},
	{"var-lib-containers-storage-*.mount", SYSTEMD_RANK_FOREIGN},
	{"var-lib-docker-overlay2-*.mount", SYSTEMD_RANK_FOREIGN},
	{"k3s*.service", SYSTEMD_RANK_NAMED},
	{"rke2*.service", SYSTEMD_RANK_NAMED},
	{"k0s*.service", SYSTEMD_RANK_NAMED},
	{"snap.microk8s.*.service", SYSTEMD_RANK_NAMED},
	{"kubelet.service", SYSTEMD_RANK_NAMED},
	{"containerd.service", SYSTEMD_RANK_NAMED},
	{"crio.service", SYSTEMD_RANK_NAMED},
	{"docker.service", SYSTEMD_RANK_NAMED},
	{"nodewake*.service", SYSTEMD_RANK_NAMED},
	{"network-online.target", SYSTEMD_RANK_NAMED},
	{"time-sync.target", SYSTEMD_RANK_NAMED},
	{"*.mount", SYSTEMD_RANK_MOUNT},
	{"multi-user.target", SYSTEMD_RANK_TARGET},
	{"graphical.target", SYSTEMD_RANK_TARGET},
	{"*.service", SYSTEMD_RANK_SERVICE},
	{"*.socket", SYSTEMD_RANK_SERVICE},
	{"*.swap", SYSTEMD_RANK_SERVICE},
	/* the root's disk, which no unit is ordered after; names by which mounts wait for a disk are found by that */
	{"dev-tty*.device", SYSTEMD_RANK_ORDERED},
	{"dev-disk-*.device", SYSTEMD_RANK_ORDERED},
	{"dev-*.device", SYSTEMD_RANK_SERVICE},
};

enum systemd_rank systemd_rank(const char *name)
{
	for (size_t i = 0; i < sizeof(ranks) / sizeof(*ranks); i++)
		if (fnmatch(ranks[i].pattern, name, 0) == 0)
			return ranks[i].rank;
	return SYSTEMD_RANK_ORDERED;
}
