/* SPDX-License-Identifier: Apache-2.0 */
/* What eBPF needs of the kernel and of this process' rights. */
#include <errno.h>
#include <bpf/btf.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/doctor.h"

#define BTF "/sys/kernel/btf/vmlinux"

/* Before 5.11 the memory of maps counts as locked memory. */
#define MEMLOCK_WANTED (UINT64_C(64) << 20)

static struct finding *fail_kernel(struct doctor *doctor, struct finding *finding)
{
	doctor->no_kernel = true;
	return finding;
}

/* 5.10 is 510; 0: not known. */
static unsigned int kernel_version(const struct doctor *doctor, char ret_release[static 256])
{
	unsigned int major, minor;

	if (doctor_read_line(doctor, "/proc/sys/kernel/osrelease", "", ret_release) < 0 ||
	    sscanf(ret_release, "%u.%u", &major, &minor) != 2)
		return 0;
	return major * 100 + minor;
}

static void check_version(struct doctor *doctor)
{
	char release[256];
	unsigned int version = kernel_version(doctor, release);

	if (!version)
		doctor_advise(
			doctor_find(doctor, "kernel", HEALTH_WARNING, "its version can't be read"),
			"mount /proc; 5.10 or newer is needed");
	else if (version < 510)
		doctor_advise(fail_kernel(doctor, doctor_find(doctor, "kernel", HEALTH_FAILED,
							      "%.200s", release)),
			      "5.10 or newer is needed for the eBPF ring buffer and boot clock; "
			      "without it only containerd is watched");
	else
		doctor_find(doctor, "kernel", HEALTH_OK, "%.200s", release);
}

static void check_btf(struct doctor *doctor)
{
	if (doctor_exists(doctor, BTF))
		doctor_find(doctor, "btf", HEALTH_OK, BTF);
	else
		doctor_advise(fail_kernel(doctor, doctor_find(doctor, "btf", HEALTH_FAILED,
							      BTF " is missing")),
			      "run a kernel built with CONFIG_DEBUG_INFO_BTF=y; without it only "
			      "containerd is watched");
}

static void check_tracepoints(struct doctor *doctor)
{
	static const struct {
		const char *name, *lost;
	} needed[] = {
		{"sched_process_exec", "starts"},
		{"sched_process_exit", "deaths"},
		{"task_rename", "starts with runc"},
		{"cgroup_mkdir", "containers' names"},
		{"cgroup_rmdir", "containers' ends"},
		{"signal_generate", "who killed it"},
		{"inet_sock_set_state", "first listens and failed connections"},
		{"mark_victim", "OOM kills"},
		{"net_dev_queue", "waits for DNS"},
		{"netif_receive_skb", "waits for DNS"},
	};
	const size_t count = sizeof(needed) / sizeof(*needed);
	cleanup_free char *path = NULL;
	size_t found = 0;

	if (!doctor_exists(doctor, BTF) || asprintf(&path, "%s" BTF, doctor->root) < 0)
		return;
	struct btf *btf = btf__parse(path, NULL);

	if (!btf) {
		doctor_advise(fail_kernel(doctor, doctor_find(doctor, "tracepoints", HEALTH_FAILED,
							      "the kernel's BTF can't be read")),
			      "run doctor as root");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		char type[64];

		snprintf(type, sizeof(type), "btf_trace_%s", needed[i].name);
		if (btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) >= 0)
			found++;
		else
			doctor_advise(doctor_find(doctor, "tracepoint", HEALTH_WARNING,
						  "%s is missing in this kernel", needed[i].name),
				      "records will lack %s, and a gap says so", needed[i].lost);
	}
	if (found == count)
		doctor_find(doctor, "tracepoints", HEALTH_OK, "all %zu are there", found);
	btf__free(btf);
}

static void check_tracefs(struct doctor *doctor)
{
	bool mounted = doctor_exists(doctor, "/sys/kernel/tracing/events") ||
		       doctor_exists(doctor, "/sys/kernel/debug/tracing/events");

	doctor_find(doctor, "tracefs", HEALTH_OK, mounted ? "mounted" : "not mounted; not needed");
}

/* In this mode the kernel refuses every program that reads its memory. */
static void check_lockdown(struct doctor *doctor)
{
	char line[256];

	if (doctor_read_line(doctor, "/sys/kernel/security/lockdown", "", line) < 0 ||
	    !strstr(line, "[confidentiality]"))
		return;
	doctor_advise(fail_kernel(doctor, doctor_find(doctor, "lockdown", HEALTH_FAILED,
						      "the kernel is in confidentiality mode")),
		      "boot with lockdown=integrity or none; in this mode eBPF can't read kernel "
		      "memory and only containerd is watched");
}

static bool has(uint64_t effective, int capability)
{
	return effective & UINT64_C(1) << capability;
}

/* CAP_SYS_ADMIN is not needed: tests/kernel and tests/integration run without it. */
static void check_capabilities(struct doctor *doctor, uint64_t effective)
{
	static const struct {
		int bit;
		const char *name, *why;
	} needed[] = {
		{CAP_PERFMON, "CAP_PERFMON",
		 "lets programs run on tracepoints and read kernel memory"},
		{CAP_BPF, "CAP_BPF", "loads eBPF programs"},
	};
	bool whole = true;

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		/* CAP_SYS_ADMIN contains both */
		if (has(effective, needed[i].bit) || has(effective, CAP_SYS_ADMIN))
			continue;
		whole = false;
		doctor_advise(fail_kernel(doctor, doctor_find(doctor, "capability", HEALTH_FAILED,
							      "%s is missing", needed[i].name)),
			      "run as root, or grant it: it %s", needed[i].why);
	}
	if (!has(effective, CAP_SYSLOG)) {
		whole = false;
		doctor_advise(
			doctor_find(doctor, "capability", HEALTH_WARNING, "CAP_SYSLOG is missing"),
			"grant it: it reads kernel symbols; else whose limit an OOM kill hit "
			"is told by usage");
	}
	if (whole)
		doctor_find(doctor, "capabilities", HEALTH_OK, "enough to load and attach");
}

static void check_memlock(struct doctor *doctor, uint64_t effective)
{
	char line[256], release[256], soft[32], hard[32];
	unsigned int version = kernel_version(doctor, release);

	/* libbpf raises the limit by itself where it may */
	if (version == 0 || version >= 511 || has(effective, CAP_SYS_RESOURCE))
		return;
	if (doctor_read_line(doctor, "/proc/self/limits", "Max locked memory", line) < 0 ||
	    sscanf(line, "%31s %31s", soft, hard) != 2)
		return;
	if (strcmp(hard, "unlimited") == 0 || strtoull(hard, NULL, 10) >= MEMLOCK_WANTED)
		return;
	doctor_advise(
		doctor_find(doctor, "memlock", HEALTH_WARNING, "at most %s bytes may be locked",
			    hard),
		"on kernels before 5.11 maps count as locked memory: set LimitMEMLOCK=64M, or "
		"grant CAP_SYS_RESOURCE");
}

static void check_rights(struct doctor *doctor)
{
	uint64_t effective;
	char line[256];

	if (doctor_read_line(doctor, "/proc/self/status", "CapEff:", line) < 0 ||
	    sscanf(line, "%" SCNx64, &effective) != 1) {
		doctor_advise(
			doctor_find(doctor, "capabilities", HEALTH_WARNING, "they can't be read"),
			"mount /proc");
		return;
	}
	check_capabilities(doctor, effective);
	check_memlock(doctor, effective);
}

static void check_bpf_stats(struct doctor *doctor)
{
	char line[256];
	bool on = doctor_read_line(doctor, "/proc/sys/kernel/bpf_stats_enabled", "", line) == 0 &&
		  *line == '1';

	doctor_find(doctor, "bpf_stats", HEALTH_OK, "%s",
		    on ? "on: nodewake status tells what each probe costs"
		       : "off; sysctl kernel.bpf_stats_enabled=1 shows what each probe costs");
}

static void check_cgroups(struct doctor *doctor)
{
	bool unified = doctor_exists(doctor, "/sys/fs/cgroup/cgroup.controllers");
	bool hybrid = doctor_exists(doctor, "/sys/fs/cgroup/unified");
	bool v1 = doctor_exists(doctor, "/sys/fs/cgroup/memory");

	if (unified || hybrid || v1)
		doctor_find(doctor, "cgroups", HEALTH_OK, "%s",
			    unified  ? "v2"
			    : hybrid ? "hybrid: controllers on v1"
				     : "v1");
	else
		doctor_advise(fail_kernel(doctor, doctor_find(doctor, "cgroups", HEALTH_FAILED,
							      "/sys/fs/cgroup is not mounted")),
			      "mount it, or mount the host's into the container");
}

void doctor_check_kernel(struct doctor *doctor)
{
	check_version(doctor);
	check_btf(doctor);
	check_tracepoints(doctor);
	check_tracefs(doctor);
	check_lockdown(doctor);
	check_rights(doctor);
	check_bpf_stats(doctor);
	check_cgroups(doctor);
}
