/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of each container: facts from all sources, gathered in any order.
 *
 * facts.c fills them in, lifecycle.c decides when they suffice, start.c and exit.c turn them into
 * records. A pod sandbox is a container too. Facts are times on the boot clock, 0 until known.
 */
#pragma once

#include <uthash.h>

#include "model/event.h"
#include "model/record.h"

#define CONTAINER_WORK_MAX  10
#define CONTAINER_DISKS_MAX 4

struct container {
	char id[ID_SIZE];
	uint64_t cgroup_id;
	struct subject subject;
	char image_id[IMAGE_SIZE];
	bool identified; /* containerd told who it is */
	bool sandbox;
	bool live; /* its cgroup was made before our eyes: the kernel source saw all of it */

	/* its start */
	uint64_t snapshot_ns; /* rootfs prepared */
	uint64_t created_ns;  /* container created in containerd */
	uint64_t runtime_ns;  /* first shim or runc work for it */
	uint64_t exec_ns;     /* entrypoint executed */
	uint64_t task_start_ns;
	uint64_t listen_ns;
	struct process init;
	char file[FILE_SIZE];
	uint16_t listen_port;
	char listen_address[ADDRESS_SIZE];
	uint64_t runtime_failed_ns; /* runc create or start ended with an error */

	/* what its shim and runtime did (why_work.c) */
	uint64_t cgroup_made_ns,
		create_ns; /* the cgroup; `runc create` executed, not its wrapper */
	uint32_t work_count;
	struct work_step *work; /* at most CONTAINER_WORK_MAX; span.to_ns 0: not over */

	/* a sandbox's network */
	uint32_t plugin_count;
	struct plugin_span *plugins; /* at most START_PLUGINS_MAX */

	/* as CRI tells it, found by listing or asking */
	enum container_state state;
	bool listed_ended; /* CRI has not told how */
	uint64_t cri_created_ns, cri_started_ns, cri_finished_ns;
	int32_t cri_exit_code;
	char cri_reason[REASON_SIZE];
	char *cri_message; /* NULL: none */

	/* its end */
	bool exit_seen; /* by the kernel */
	struct event_exit exit;
	uint64_t exit_ns;
	bool task_exit_seen; /* told by containerd */
	uint32_t task_exit_status;
	uint64_t task_exited_ns;
	bool oom_victim;      /* its init */
	uint32_t killer_pid;  /* what killed that for memory from user space; 0: the kernel */
	bool kubernetes_told; /* the pod's status told of its end … */
	char kubernetes_reason[REASON_SIZE];
	int32_t kubernetes_code;   /* … so */
	char last_file[FILE_SIZE]; /* what its init executed after the entrypoint; "" nothing */
	char *core;		   /* where its core went; NULL: nowhere */
	uint32_t child_deaths;	   /* of its children by a signal */
	uint64_t gone_ns;
	struct failed_start failed; /* why its program was not executed, or could not begin */
	char disks[CONTAINER_DISKS_MAX][DISK_SIZE]; /* it read from while it started */
	uint64_t peer_failed_ns;		    /* the last connection that it could not make */
	uint32_t log_lines;			    /* what it wrote last … */
	char *log;				    /* … as log_tail.text; NULL: not kept */

	/* what was told so far */
	bool start_told, start_final, start_named;
	bool exit_told, exit_final, exit_named, exit_complete;
	bool exit_stated;	   /* with CRI's word … */
	bool exit_worded;	   /* with Kubernetes' word … */
	enum stop_cause exit_stop; /* … and this cause of its stop */
	uint32_t exit_host;	   /* and so many facts of the host */
	bool init_told;		   /* its start was told again, as an init container's */
	bool counted;		   /* its death is in the history */
	bool exit_news;		   /* something was learnt of it since */
	uint32_t deaths;
	bool looping;
	struct crash_loop *loop; /* NULL: it is none's */
	/* when it was learnt, as opposed to when it happened */
	uint64_t start_noticed_ns, listen_noticed_ns, end_noticed_ns, gone_noticed_ns;
	uint64_t call_noticed_ns; /* one that was logged before it was watched */
	uint64_t touched_ns;	  /* last event */
	uint64_t due_ns;	  /* when lifecycle.c looks at it again */
	uint32_t sync_generation;

	UT_hash_handle by_id, by_cgroup;
};

/* All containers, by id and by cgroup. */
struct containers {
	struct container *by_id, *by_cgroup;
	uint32_t max;
	uint64_t evicted; /* and what facts.c left out */
};

/* Keeps a copy of text in the place of *kept, NULL where text is empty or there is no memory. */
void container_keep(char **kept, const char *text);

struct container *containers_find(const struct containers *all, const char *id);
struct container *containers_find_cgroup(const struct containers *all, uint64_t cgroup_id);

/* Finds or makes it; NULL for an empty id or want of memory. */
struct container *containers_get(struct containers *all, const char *id);

/* It is not known, and to know it another would have to go. */
bool containers_pushes_out(const struct containers *all, const char *id);
void containers_set_cgroup(struct containers *all, struct container *container, uint64_t cgroup_id);
void containers_remove(struct containers *all, struct container *container);
void containers_clear(struct containers *all);

/* The sandbox of its pod, or NULL. */
struct container *containers_sandbox(const struct containers *all,
				     const struct container *container);

/* True once nothing of it runs any more, as far as anybody told. */
bool container_ended(const struct container *container);

/* First sign of work for it, seen live; 0 if none. */
uint64_t container_first_sign_ns(const struct container *container);
