// SPDX-License-Identifier: Apache-2.0
/* The words for enums, in JSON and for people. They are stable: files and programs depend on them. */
#include "model/json_shape.h"

#include "model/json.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Every value needs its word: the array's length is the enum's, and a test looks for holes. */
#define WORDS(name, count, ...)                                  \
	static const char *const name##_words[] = {__VA_ARGS__}; \
	_Static_assert(COUNT(name##_words) == (count), #name);   \
	const struct json_words json_##name = {name##_words, (count)}

WORDS(event_types, EVENT_TYPE_COUNT, [EVENT_NONE] = "none", [EVENT_CGROUP_NEW] = "cgroup-new",
      [EVENT_CGROUP_GONE] = "cgroup-gone", [EVENT_EXEC] = "exec", [EVENT_EXIT] = "exit",
      [EVENT_LISTEN] = "listen", [EVENT_OOM] = "oom", [EVENT_STALL] = "stall",
      [EVENT_FILE_READ] = "file-read", [EVENT_CONNECT_SLOW] = "connect-slow", [EVENT_DNS] = "dns",
      [EVENT_WORK] = "work", [EVENT_PRESSURE] = "pressure", [EVENT_CONTAINER] = "container",
      [EVENT_CONTAINER_GONE] = "container-gone", [EVENT_TASK] = "task",
      [EVENT_SNAPSHOT] = "snapshot", [EVENT_INGEST] = "ingest", [EVENT_LAYER] = "layer",
      [EVENT_IMAGE] = "image", [EVENT_POD] = "pod", [EVENT_POD_CONTAINER] = "pod-container",
      [EVENT_POD_GONE] = "pod-gone", [EVENT_POD_TROUBLE] = "pod-trouble",
      [EVENT_ADDRESS] = "address", [EVENT_BOOT] = "boot", [EVENT_UNIT] = "unit",
      [EVENT_UNIT_AFTER] = "unit-after", [EVENT_MILESTONE] = "milestone",
      [EVENT_LAST_BOOT] = "last-boot", [EVENT_CONNECT_FAILED] = "connect-failed",
      [EVENT_CRI_CALL] = "cri-call", [EVENT_MEMORY] = "memory", [EVENT_NEIGHBOUR] = "neighbour",
      [EVENT_POD_MEMORY] = "pod-memory", [EVENT_START_FAILED] = "start-failed",
      [EVENT_LOG_TAIL] = "log-tail", [EVENT_CORE] = "core", [EVENT_HOST] = "host",
      [EVENT_NODE] = "node", [EVENT_SOURCE] = "source");

WORDS(record_types, RECORD_TYPE_COUNT, [RECORD_NONE] = "none", [RECORD_START] = "start",
      [RECORD_OOM] = "oom", [RECORD_EXIT] = "exit", [RECORD_PULL] = "pull", [RECORD_BOOT] = "boot",
      [RECORD_GAP] = "gap", [RECORD_WAIT] = "wait", [RECORD_UNIT] = "unit",
      [RECORD_CHILD] = "child", [RECORD_HOST] = "host");

WORDS(phases, PHASE_COUNT, [PHASE_NONE] = "none", [PHASE_SCHEDULE] = "schedule",
      [PHASE_ADMIT] = "admit", [PHASE_SANDBOX] = "sandbox", [PHASE_INIT] = "init",
      [PHASE_PULL] = "pull", [PHASE_CREATE] = "create", [PHASE_RUNTIME] = "runtime",
      [PHASE_APP] = "app", [PHASE_PROBE] = "probe", [PHASE_WAIT] = "wait");

WORDS(start_states, START_STATE_COUNT, [START_STATE_NONE] = "none", [START_RUNNING] = "running",
      [START_LISTENING] = "listening", [START_EXITED] = "exited", [START_FAILED] = "failed",
      [START_SILENT] = "silent", [START_READY] = "ready");

WORDS(exit_verdicts,
      EXIT_VERDICT_COUNT, [EXIT_VERDICT_NONE] = "none", [EXIT_COMPLETED] = "completed",
      [EXIT_ERROR] = "error", [EXIT_CRASHED] = "crashed", [EXIT_OOM_KILLED] = "oom-killed",
      [EXIT_STOPPED] = "stopped", [EXIT_KILLED] = "killed", [EXIT_SELF_KILLED] = "self-killed",
      [EXIT_SIGNALED] = "signaled", [EXIT_START_FAILED] = "start-failed", [EXIT_LOST] = "lost");

WORDS(limit_scopes, SCOPE_COUNT, [SCOPE_NONE] = "none", [SCOPE_CONTAINER] = "container",
      [SCOPE_POD] = "pod", [SCOPE_CGROUP] = "cgroup", [SCOPE_NODE] = "node");

WORDS(survivals,
      SURVIVAL_COUNT, [SURVIVAL_UNKNOWN] = "unknown", [SURVIVAL_YES] = "yes", [SURVIVAL_NO] = "no");

WORDS(source_kinds, SOURCE_KIND_COUNT, [SOURCE_NONE] = "none", [SOURCE_KERNEL] = "kernel",
      [SOURCE_CONTAINERD] = "containerd", [SOURCE_AGENT] = "agent",
      [SOURCE_KUBERNETES] = "kubernetes", [SOURCE_SYSTEMD] = "systemd",
      [SOURCE_JOURNAL] = "journal");

WORDS(source_steps,
      SOURCE_STEP_COUNT, [SOURCE_STEP_NONE] = "none", [SOURCE_UP] = "up", [SOURCE_DOWN] = "down",
      [SOURCE_LOST] = "lost", [SOURCE_MISSING] = "missing", [SOURCE_AWAITED] = "awaited",
      [SOURCE_SYNC_BEGIN] = "sync-begin", [SOURCE_SYNC_END] = "sync-end");

WORDS(roles, ROLE_COUNT, [ROLE_NONE] = "none", [ROLE_SHIM] = "shim", [ROLE_RUNTIME] = "runtime",
      [ROLE_CNI] = "cni", [ROLE_ENTRYPOINT] = "entrypoint", [ROLE_REEXEC] = "reexec",
      [ROLE_SESSION] = "session", [ROLE_MEMBER] = "member", [ROLE_HOST] = "host",
      [ROLE_HOOK] = "hook");

WORDS(container_states,
      CONTAINER_STATE_COUNT, [CONTAINER_UNKNOWN] = "unknown", [CONTAINER_CREATED] = "created",
      [CONTAINER_RUNNING] = "running", [CONTAINER_EXITED] = "exited");

WORDS(task_steps, TASK_STEP_COUNT, [TASK_NONE] = "none", [TASK_CREATE] = "create",
      [TASK_START] = "start", [TASK_EXIT] = "exit", [TASK_DELETE] = "delete", [TASK_OOM] = "oom",
      [TASK_EXEC_ADDED] = "exec-added", [TASK_EXEC_STARTED] = "exec-started",
      [TASK_PAUSED] = "paused", [TASK_RESUMED] = "resumed");

WORDS(snapshot_steps, SNAPSHOT_STEP_COUNT, [SNAPSHOT_NONE] = "none", [SNAPSHOT_PREPARE] = "prepare",
      [SNAPSHOT_COMMIT] = "commit", [SNAPSHOT_REMOVE] = "remove");

WORDS(ingest_kinds, INGEST_KIND_COUNT, [INGEST_OTHER] = "other", [INGEST_LAYER] = "layer",
      [INGEST_MANIFEST] = "manifest", [INGEST_INDEX] = "index", [INGEST_CONFIG] = "config");

WORDS(layer_origins, LAYER_ORIGIN_COUNT, [LAYER_NONE] = "none", [LAYER_PRESENT] = "present",
      [LAYER_FETCHED] = "fetched", [LAYER_WAITED] = "waited", [LAYER_SHARED] = "shared");

WORDS(image_steps, IMAGE_STEP_COUNT, [IMAGE_NONE] = "none", [IMAGE_CREATE] = "create",
      [IMAGE_UPDATE] = "update", [IMAGE_DELETE] = "delete", [IMAGE_PULLING] = "pulling");

WORDS(cri_methods, CRI_METHOD_COUNT, [CRI_NONE] = "none", [CRI_RUN_POD_SANDBOX] = "run-pod-sandbox",
      [CRI_CREATE_CONTAINER] = "create-container", [CRI_START_CONTAINER] = "start-container",
      [CRI_PULL_IMAGE] = "pull-image");

WORDS(milestones,
      MILESTONE_COUNT, [MILESTONE_NONE] = "none", [MILESTONE_RUNTIME_STARTED] = "runtime-started",
      [MILESTONE_RUNTIME_READY] = "runtime-ready", [MILESTONE_NETWORK_READY] = "network-ready",
      [MILESTONE_KUBELET_STARTED] = "kubelet-started", [MILESTONE_API_READY] = "api-ready",
      [MILESTONE_NODE_READY] = "node-ready", [MILESTONE_AGENT_STARTED] = "agent-started");

WORDS(boot_ends, BOOT_END_COUNT, [BOOT_END_UNKNOWN] = "unknown", [BOOT_END_CLEAN] = "clean",
      [BOOT_END_PANIC] = "panic", [BOOT_END_WATCHDOG] = "watchdog",
      [BOOT_END_POWER_LOSS] = "power-loss");

WORDS(boot_states, BOOT_STATE_COUNT, [BOOT_STATE_NONE] = "none", [BOOT_WAKING] = "waking",
      [BOOT_READY] = "ready", [BOOT_NOT_RECOVERED] = "not-recovered");

WORDS(boot_phases, BOOT_PHASE_COUNT, [BOOT_PHASE_NONE] = "none", [BOOT_PHASE_FIRMWARE] = "firmware",
      [BOOT_PHASE_LOADER] = "loader", [BOOT_PHASE_KERNEL] = "kernel",
      [BOOT_PHASE_INITRD] = "initrd", [BOOT_PHASE_USERSPACE] = "userspace",
      [BOOT_PHASE_RUNTIME] = "runtime", [BOOT_PHASE_NODE] = "node", [BOOT_PHASE_PODS] = "pods");

WORDS(boot_step_kinds, BOOT_STEP_KIND_COUNT, [BOOT_STEP_NONE] = "none", [BOOT_STEP_UNIT] = "unit",
      [BOOT_STEP_MILESTONE] = "milestone", [BOOT_STEP_POD] = "pod", [BOOT_STEP_PEER] = "peer",
      [BOOT_STEP_IDLE] = "idle");

WORDS(stall_steps, STALL_STEP_COUNT, [STALL_STEP_NONE] = "none", [STALL_SO_FAR] = "so-far",
      [STALL_AT_LISTEN] = "listen", [STALL_AT_END] = "end");

WORDS(stall_grades, STALL_GRADE_COUNT, [STALLS_NONE] = "none", [STALLS_MEASURED] = "measured",
      [STALLS_PARTIAL] = "partial", [STALLS_COARSE] = "coarse");

/* Not in JSON, where each has a member of its own. */
static const char *const stall_words[] = {
	[STALL_CPU] = "cpu",	 [STALL_RUN_QUEUE] = "run queue", [STALL_THROTTLED] = "throttled",
	[STALL_DISK] = "disk",	 [STALL_NETWORK] = "network",	  [STALL_LOCK] = "lock",
	[STALL_SLEEP] = "sleep", [STALL_OTHER] = "other",
};
_Static_assert(COUNT(stall_words) == STALL_COUNT, "stalls");

WORDS(peer_wait_kinds, PEER_WAIT_KIND_COUNT, [PEER_WAIT_NONE] = "none",
      [PEER_WAIT_FAILED] = "failed", [PEER_WAIT_SLOW] = "slow", [PEER_WAIT_DNS] = "dns");

WORDS(work_kinds,
      WORK_KIND_COUNT, [WORK_NONE] = "none", [WORK_CGROUP] = "cgroup", [WORK_MOUNT] = "mount",
      [WORK_SNAPSHOT] = "snapshot", [WORK_SHIM] = "shim", [WORK_RUNTIME] = "runtime",
      [WORK_VOLUME] = "volume", [WORK_DEVICE] = "device", [WORK_CONTAINERD] = "containerd");

WORDS(probe_settings, PROBE_SETTING_COUNT, [PROBE_SETTING_NONE] = "none",
      [PROBE_INITIAL_DELAY] = "initialDelaySeconds", [PROBE_PERIOD] = "periodSeconds",
      [PROBE_SUCCESS_THRESHOLD] = "successThreshold");
WORDS(advice_rules, ADVICE_RULE_COUNT, [ADVICE_NONE] = "none", [ADVICE_CPU_LIMIT] = "cpu-limit",
      [ADVICE_PROBE_PERIOD] = "probe-period", [ADVICE_PROBE_DELAY] = "probe-delay",
      [ADVICE_PULL] = "pull", [ADVICE_UNPACK] = "unpack", [ADVICE_DISK] = "disk",
      [ADVICE_PEER] = "peer", [ADVICE_DNS] = "dns", [ADVICE_CNI] = "cni",
      [ADVICE_COMPETING] = "competing", [ADVICE_VOLUME] = "volume", [ADVICE_MEMORY] = "memory",
      [ADVICE_CPU_BUSY] = "cpu-busy");

WORDS(stop_causes, STOP_CAUSE_COUNT, [STOP_UNKNOWN] = "unknown", [STOP_LIVENESS] = "liveness-probe",
      [STOP_STARTUP] = "startup-probe", [STOP_DELETION] = "deletion", [STOP_DRAIN] = "drain",
      [STOP_EVICTION] = "eviction", [STOP_PREEMPTION] = "preemption", [STOP_TAINT] = "taint",
      [STOP_SHUTDOWN] = "node-shutdown", [STOP_DEADLINE] = "deadline",
      [STOP_HOOK] = "post-start-hook", [STOP_CHANGED] = "changed", [STOP_GONE] = "gone");

WORDS(start_failures,
      START_FAILURE_COUNT, [FAILURE_NONE] = "none", [FAILURE_NOT_FOUND] = "not-found",
      [FAILURE_PERMISSION] = "permission", [FAILURE_DIRECTORY] = "directory",
      [FAILURE_FORMAT] = "format", [FAILURE_INTERPRETER] = "interpreter",
      [FAILURE_LIBRARY] = "library", [FAILURE_READ_ONLY] = "read-only", [FAILURE_MOUNT] = "mount",
      [FAILURE_WORKING_DIR] = "working-directory", [FAILURE_USER] = "user",
      [FAILURE_CGROUP] = "cgroup", [FAILURE_OTHER] = "other");

WORDS(loop_patterns, LOOP_PATTERN_COUNT, [LOOP_NONE] = "none", [LOOP_SAME] = "same",
      [LOOP_CODE] = "same-end", [LOOP_GROWING] = "growing", [LOOP_MIXED] = "mixed");

WORDS(host_facts, HOST_FACT_COUNT, [HOST_NONE] = "none", [HOST_UNIT_FAILED] = "unit-failed",
      [HOST_DISK_FULL] = "disk-full", [HOST_READ_ONLY] = "read-only",
      [HOST_DISK_ERROR] = "disk-error", [HOST_HUNG_TASK] = "hung-task", [HOST_LOCKUP] = "lockup",
      [HOST_MACHINE_CHECK] = "machine-check", [HOST_MEMORY_ERROR] = "memory-error",
      [HOST_LINK_DOWN] = "link-down", [HOST_CLOCK_JUMP] = "clock-jump",
      [HOST_SHUTDOWN] = "shutdown");

WORDS(memory_steps, MEMORY_STEP_COUNT, [MEMORY_NONE] = "none", [MEMORY_NEAR] = "near",
      [MEMORY_EASED] = "eased", [MEMORY_AT_KILL] = "at-kill");

static const char *word(const struct json_words *words, uint32_t value)
{
	return value < words->count ? words->words[value] : "?";
}

const char *event_type_name(enum event_type type)
{
	return word(&json_event_types, type);
}

const char *record_type_name(enum record_type type)
{
	return word(&json_record_types, type);
}

const char *phase_name(enum phase phase)
{
	return word(&json_phases, phase);
}

const char *stall_name(enum stall stall)
{
	return stall < STALL_COUNT ? stall_words[stall] : "?";
}

const char *work_kind_name(enum work_kind kind)
{
	return word(&json_work_kinds, kind);
}

const char *start_state_name(enum start_state state)
{
	return word(&json_start_states, state);
}

const char *exit_verdict_name(enum exit_verdict verdict)
{
	return word(&json_exit_verdicts, verdict);
}

const char *limit_scope_name(enum limit_scope scope)
{
	return word(&json_limit_scopes, scope);
}

const char *stop_cause_name(enum stop_cause cause)
{
	return word(&json_stop_causes, cause);
}

const char *start_failure_name(enum start_failure failure)
{
	return word(&json_start_failures, failure);
}

const char *host_fact_name(enum host_fact fact)
{
	return word(&json_host_facts, fact);
}

const char *milestone_name(enum milestone milestone)
{
	return word(&json_milestones, milestone);
}

const char *boot_end_name(enum boot_end end)
{
	return word(&json_boot_ends, end);
}

const char *boot_state_name(enum boot_state state)
{
	return word(&json_boot_states, state);
}

const char *boot_phase_name(enum boot_phase phase)
{
	return word(&json_boot_phases, phase);
}

const char *source_kind_name(enum source_kind source)
{
	return word(&json_source_kinds, source);
}

WORDS(pod_container_states,
      POD_CONTAINER_STATE_COUNT, [POD_CONTAINER_NONE] = "none", [POD_CONTAINER_WAITING] = "waiting",
      [POD_CONTAINER_RUNNING] = "running", [POD_CONTAINER_TERMINATED] = "terminated");
