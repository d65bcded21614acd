// SPDX-License-Identifier: Apache-2.0
#include "model/death_advice.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* A process that lives no longer never had what it needs; a leak takes longer. */
#define YOUNG_NS (2 * 60 * NS_PER_SECOND)

struct evidence {
	const struct record *exit, *oom, *child;
};

/* Writes the advice and returns true where its evidence is there. */
typedef bool (*rule_fn)(const struct evidence *evidence, char ret[static CAUSE_SIZE]);

#define SAY(...) (snprintf(ret, CAUSE_SIZE, __VA_ARGS__), true)

/* --- failed starts ---------------------------------------------------------------------------- */

static bool failed_start(const struct evidence *evidence, char ret[static CAUSE_SIZE])
{
	static const char *const texts[START_FAILURE_COUNT] = {
		[FAILURE_NOT_FOUND] = "correct the command, or the image that lacks it:",
		[FAILURE_PERMISSION] = "make it executable in the image for the user it runs as:",
		[FAILURE_DIRECTORY] = "correct the command, it names a directory:",
		[FAILURE_FORMAT] = "use an image for this node's architecture; a script needs #!:",
		[FAILURE_INTERPRETER] =
			"put the interpreter into the image, or remove CRLF behind #!:",
		[FAILURE_LIBRARY] = "put the library into the image:",
		[FAILURE_READ_ONLY] = "mount a volume where it writes:",
		[FAILURE_MOUNT] = "correct the volume mount:",
		[FAILURE_WORKING_DIR] = "correct workingDir, or make it in the image:",
		[FAILURE_USER] = "correct the user, or add it to the image:",
	};
	const struct failed_start *failed = evidence->exit ? &evidence->exit->exit.failed : NULL;

	if (!failed || failed->kind >= START_FAILURE_COUNT || !texts[failed->kind] ||
	    !*failed->what)
		return false;
	return SAY("%s %.50s", texts[failed->kind], failed->what);
}

/* --- memory ----------------------------------------------------------------------------------- */

static bool leak(const struct evidence *evidence, char ret[static CAUSE_SIZE])
{
	const struct record *oom = evidence->oom;

	if (!oom || !oom->oom.series.leak)
		return false;
	return SAY("find the leak: %s grows %s a minute; a higher limit only puts it off",
		   oom->oom.victims[0].comm, text_of_bytes(oom->oom.series.growth_bytes_per_min));
}

static bool user_space_killer(const struct evidence *evidence, char ret[static CAUSE_SIZE])
{
	if (!evidence->oom || !*evidence->oom->oom.killer)
		return false;
	return SAY("see the settings of %s: it killed before a limit was hit",
		   evidence->oom->oom.killer);
}

/* Half of the limit and more is tmpfs: files there count until they are removed. */
static bool memory_files(const struct evidence *evidence, char ret[static CAUSE_SIZE])
{
	const struct record_oom *oom = evidence->oom ? &evidence->oom->oom : NULL;

	if (!oom || !oom->limit_bytes || oom->memory.shmem_bytes < oom->limit_bytes / 2)
		return false;
	return SAY("files in memory (tmpfs, /dev/shm, emptyDir medium Memory) are %s of %s: limit "
		   "their size",
		   text_of_bytes(oom->memory.shmem_bytes), text_of_bytes(oom->limit_bytes));
}

/* Soon after each start: what it needs is more than it may have. */
static bool limit_too_low(const struct evidence *evidence, char ret[static CAUSE_SIZE])
{
	const struct record *record = evidence->oom;
	const struct record_oom *oom = record ? &record->oom : NULL;
	const struct oom_victim *victim = oom ? &oom->victims[0] : NULL;

	if (!oom || oom->series.count < 2 || !victim->start_ns ||
	    (oom->scope != SCOPE_CONTAINER && oom->scope != SCOPE_POD) ||
	    record->boot_ns - victim->start_ns > YOUNG_NS || !oom->series.interval_ns)
		return false;
	return SAY("raise the %s's memory limit: %s is too little for %s to start",
		   oom->scope == SCOPE_POD ? "pod" : "container", text_of_bytes(oom->limit_bytes),
		   victim->comm);
}

static bool node_overcommitted(const struct evidence *evidence, char ret[static CAUSE_SIZE])
{
	const struct record_oom *oom = evidence->oom ? &evidence->oom->oom : NULL;
	const struct oom_pod *pod = oom ? &oom->pods[0] : NULL;

	if (!oom || oom->scope != SCOPE_NODE || !oom->pod_count || !pod->request_known)
		return false;
	if (!pod->request_bytes)
		return SAY("request memory for %.50s: it uses %s and requests nothing", pod->pod,
			   text_of_bytes(pod->usage_bytes));
	return SAY("limit %.50s: it uses %s and requests %s", pod->pod,
		   text_of_bytes(pod->usage_bytes), text_of_bytes(pod->request_bytes));
}

/* --- stops ------------------------------------------------------------------------------------ */

static bool slow_stop(const struct evidence *evidence, char ret[static CAUSE_SIZE])
{
	const struct stop *stop = evidence->exit ? &evidence->exit->exit.stop : NULL;

	if (!stop || !stop->overran || !stop->grace_s)
		return false;
	if (stop->hook_ns >= stop->grace_s * NS_PER_SECOND)
		return SAY("shorten the preStop hook, or raise terminationGracePeriodSeconds: %us",
			   stop->grace_s);
	return SAY("end on SIGTERM, or raise terminationGracePeriodSeconds: %us did not suffice",
		   stop->grace_s);
}

static bool probed_too_early(const struct evidence *evidence, char ret[static CAUSE_SIZE])
{
	const struct record_exit *exit = evidence->exit ? &evidence->exit->exit : NULL;

	if (!exit || exit->stop.cause != STOP_LIVENESS || !exit->kernel_ns || exit->listen_ns)
		return false;
	return SAY("add a startup probe: the liveness probe failed before it ever listened");
}

/* Kubernetes' words: "The node was low on resource: memory. ...", "... ephemeral local storage usage exceeds ..." */
static bool evicted(const struct evidence *evidence, char ret[static CAUSE_SIZE])
{
	const struct stop *stop = evidence->exit ? &evidence->exit->exit.stop : NULL;

	if (!stop || stop->cause != STOP_EVICTION)
		return false;
	if (strstr(stop->told, "resource: memory"))
		return SAY("request the memory that it uses: pods above their request go first");
	if (strstr(stop->told, "ephemeral") || strstr(stop->told, "emptyDir"))
		return SAY("write less to the container's disk, or raise its ephemeral-storage");
	return false;
}

/* --- crashes ---------------------------------------------------------------------------------- */

static bool seccomp(const struct evidence *evidence, char ret[static CAUSE_SIZE])
{
	const struct record_exit *exit = evidence->exit ? &evidence->exit->exit : NULL;

	if (!exit || exit->verdict != EXIT_CRASHED || exit->signal != SIGSYS)
		return false;
	return SAY("allow the system call in its seccomp profile, or don't make it");
}

static bool full_disk(const struct evidence *evidence, char ret[static CAUSE_SIZE])
{
	const struct record_exit *exit = evidence->exit ? &evidence->exit->exit : NULL;

	for (uint32_t i = 0; exit && i < exit->host_count && i < HOST_EVIDENCE_MAX; i++)
		if (exit->host[i].fact == HOST_DISK_FULL && *exit->host[i].resource)
			return SAY("make room on %.80s", exit->host[i].resource);
	return false;
}

static bool silent_loop(const struct evidence *evidence, char ret[static CAUSE_SIZE])
{
	const struct record_child *child = evidence->child ? &evidence->child->child : NULL;

	if (!child || !child->looping || child->container_survived != SURVIVAL_YES)
		return false;
	return SAY("let a liveness probe need a worker: the pod stays Running while they die");
}

/* The first that applies: what is most certain first. */
static const rule_fn rules[] = {
	failed_start,	    leak,	 user_space_killer, memory_files, limit_too_low,
	node_overcommitted, slow_stop,	 probed_too_early,  evicted,	  seccomp,
	full_disk,	    silent_loop,
};

bool death_advice(const struct record *exit, const struct record *oom, const struct record *child,
		  char ret[static CAUSE_SIZE])
{
	const struct evidence evidence = {exit, oom, child};

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (rules[i](&evidence, ret))
			return true;
	*ret = '\0';
	return false;
}
