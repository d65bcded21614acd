/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's settings: one table makes flags, environment variables, defaults and help.
 *
 * A flag beats the environment (NODEWAKE_STATE_DIR for --state-dir), which beats the default.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct settings {
	const char *containerd_socket; /* "": found by itself */
	const char *containerd_namespace;
	const char *state_dir;
	const char *socket;
	const char *cni_dirs;
	const char *cgroup_root;
	const char *bpffs;
	const char *record_events; /* NULL: not recorded */
	const char *log_level;
	const char *kubeconfig;	       /* "": the service account in a pod, else no Kubernetes */
	const char *node_name;	       /* "": the host's name */
	const char *annotation_prefix; /* "nodewake.io" */
	const char *listen;	       /* "127.0.0.1:9464", or "off" */
	uint64_t annotation_interval_ns;
	uint64_t slow_start_ns, slow_pull_ns;
	bool no_kubernetes;
	uint64_t start_window_ns;
	uint64_t boot_deadline_ns;
	uint64_t keep_age_ns;
	uint64_t keep_bytes;
	uint32_t log_lines;
	bool share_log_lines;
	bool no_ebpf;
	bool record_names;
};

/*
 * Reads environment, then arguments (argv[0] is the verb), and sets the log level. help: the verb's own, NULL for run's.
 * Returns 0, 1 if help was printed, or -EINVAL after one clear line on stderr. Texts are borrowed from argv and environment.
 */
int settings_read(struct settings *ret, int argc, char **argv, const char *help);

void settings_help(FILE *out);
