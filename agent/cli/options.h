/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the verbs: each verb names those it takes, help and errors follow. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/record.h"

/* Bits: which options a verb takes. */
enum option_set {
	OPTION_OUTPUT = 1 << 0,
	OPTION_STATE_DIR = 1 << 1,
	OPTION_SOCKET = 1 << 2,
	OPTION_FILTER = 1 << 3,	 /* namespace, pod, container */
	OPTION_HISTORY = 1 << 4, /* since, boot, slower-than, sort, limit */
	OPTION_TYPE = 1 << 5,
	OPTION_ALL = 1 << 6,
	OPTION_NAMESPACE = 1 << 7,
	OPTION_DOCTOR = 1 << 8,	    /* containerd-socket, cni-dirs, and root for tests */
	OPTION_REPORT = 1 << 9,	    /* of a boot: boot, output, list, compare, against, follow */
	OPTION_FORMAT = 1 << 10,    /* output, of what can be drawn */
	OPTION_BY = 1 << 11,	    /* by: of starts */
	OPTION_HEALTH = 1 << 12,    /* wait, kubeconfig, node-name, containerd-socket, root */
	OPTION_DEATHS = 1 << 13,    /* container, all: of why */
	OPTION_EXPLAIN = 1 << 14,   /* deaths */
	OPTION_BY_DEATHS = 1 << 15, /* by: of ooms and exits */
	OPTION_SCOPE = 1 << 16,	    /* scope: of ooms */
	OPTION_ENDS = 1 << 17,	    /* verdict, signal, children: of exits */
};

enum group_by { BY_NOTHING, BY_POD, BY_CONTAINER, BY_IMAGE, BY_VERDICT };

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_SVG, REPORT_HTML, REPORT_TRACE };

struct options {
	bool json;
	enum report_format format;
	bool list, compare, follow;
	const char *against; /* the boot to compare with; NULL: the usual */
	const char *state_dir, *socket;
	const char *pod_namespace, *pod, *container;
	unsigned int types;			  /* bits of enum record_type; 0: all */
	const char *boot;			  /* "current", "all" or an id */
	const char *containerd_socket, *cni_dirs; /* NULL: not given */
	const char *kubeconfig, *node_name;	  /* NULL: not given */
	const char *root;
	uint64_t wait_ns;  /* 0: do not wait */
	uint64_t since_ns; /* how far back; 0: all */
	uint64_t slower_ns;
	bool slowest_first;
	enum group_by by;
	enum exit_verdict verdict; /* EXIT_VERDICT_NONE: any */
	enum limit_scope scope;	   /* SCOPE_COUNT: any */
	int signal;		   /* 0: any */
	bool children;		   /* those of exits too */
	bool all, deaths;
	uint32_t limit;
	const char *word; /* the one that is no option, or NULL */
};

/*
 * usage: "watch [OPTION ...]"; word: what the word that is no option means, NULL if none is
 * taken. Returns 0, 1 when help was printed, or -EINVAL after one clear line on stderr.
 */
int options_read(struct options *ret, unsigned int set, const char *usage, const char *word,
		 int argc, char **argv);
