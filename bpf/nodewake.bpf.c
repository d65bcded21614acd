// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * All probes as one object: they share maps and settings, and the agent loads one skeleton.
 * Each program attaches on its own; one that can't is a named gap.
 */
#include "bpf/probe.h"

#include "bpf/window.bpf.c"

#include "bpf/cgroup.bpf.c"
#include "bpf/connect.bpf.c"
#include "bpf/dns.bpf.c"
#include "bpf/exec.bpf.c"
#include "bpf/exit.bpf.c"
#include "bpf/file.bpf.c"
#include "bpf/listen.bpf.c"
#include "bpf/oom.bpf.c"
#include "bpf/remote.bpf.c"
#include "bpf/socket.bpf.c"
#include "bpf/stall.bpf.c"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
