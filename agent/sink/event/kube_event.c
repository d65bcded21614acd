/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/event/kube_event.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/fnv.h"
#include "base/text.h"
#include "sink/event/kube_event_note.h"
#include "sink/event/kube_name.h"

#define CONTROLLER	    "nodewake.io/agent"
#define INSTANCE_SIZE	    129 /* ReportingInstanceLengthLimit */
#define FOUND_AFTERWARDS_NS (UINT64_C(3600) * NS_PER_SECOND)
#define ABSENCE_TOLD_NS	    (60 * NS_PER_SECOND)
#define EARLY_PATIENCE_NS   (5 * NS_PER_SECOND)
#define NODE_OBJECT	    "node"

enum reason {
	REASON_NONE,
	CONTAINER_SLOW_START,
	POD_SLOW_START,
	PROCESS_OOM_KILLED,
	CONTAINER_OOM_KILLED,
	NODE_OOM_KILLED,
	CONTAINER_CRASHED,
	CONTAINER_EXEC_FAILED,
	CRASH_LOOPING,
	WORKER_CRASHING,
	IMAGE_PULL_SLOW,
	IMAGE_PULL_FAILED,
	NODE_BOOT_COMPLETED,
	NODE_BOOT_SLOW,
	OBSERVATION_GAP,
	REASON_COUNT
};

/*
 * Where Events on a Node are. Kubernetes 1.19 and 1.20 take one with an eventTime only there, later ones in default too
 * (ValidateEvent); describe looks in all namespaces.
 */
#define CLUSTER_NAMESPACE "kube-system"

static const struct {
	const char *name, *action;
	bool warning, urgent;
} reasons[REASON_COUNT] = {
	[CONTAINER_SLOW_START] = {"ContainerSlowStart", "Starting", false, false},
	[POD_SLOW_START] = {"PodSlowStart", "Starting", false, false},
	[PROCESS_OOM_KILLED] = {"ProcessOOMKilled", "Killing", true, true},
	[CONTAINER_OOM_KILLED] = {"ContainerOOMKilled", "Killing", true, true},
	[NODE_OOM_KILLED] = {"NodeOOMKilled", "Killing", true, true},
	[CONTAINER_CRASHED] = {"ContainerCrashed", "Observing", true, true},
	[CONTAINER_EXEC_FAILED] = {"ContainerExecFailed", "Starting", true, true},
	[CRASH_LOOPING] = {"CrashLooping", "Observing", true, true},
	[WORKER_CRASHING] = {"WorkerCrashing", "Observing", true, true},
	[IMAGE_PULL_SLOW] = {"ImagePullSlow", "Pulling", false, false},
	[IMAGE_PULL_FAILED] = {"ImagePullFailed", "Pulling", true, false},
	[NODE_BOOT_COMPLETED] = {"NodeBootCompleted", "Booting", false, false},
	[NODE_BOOT_SLOW] = {"NodeBootSlow", "Booting", true, false},
	[OBSERVATION_GAP] = {"ObservationGap", "Observing", true, false},
};

bool kube_event_urgent(const char *reason)
{
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++)
		if (strcmp(reasons[i].name, reason) == 0)
			return reasons[i].urgent;
	return false;
}

/* What the container's own Event would say: all but what lies before and after it. */
static uint64_t container_part(const struct record_start *start)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < start->phase_count && i < START_PHASES_MAX; i++) {
		const struct phase_span *phase = &start->phases[i];

		if (phase->phase != PHASE_SCHEDULE && phase->phase != PHASE_ADMIT &&
		    phase->phase != PHASE_INIT && phase->phase != PHASE_PROBE)
			sum += phase->span.to_ns - phase->span.from_ns;
	}
	return sum;
}

static enum reason start_reason(const struct kube_event_rules *rules, const struct record *record)
{
	if (record_duration_ns(record) <= rules->slow_start_ns ||
	    record->start.state == START_FAILED) /* its end tells */
		return REASON_NONE;
	if (*record->subject.container || *record->subject.container_id)
		return CONTAINER_SLOW_START;
	return container_part(&record->start) > rules->slow_start_ns ? REASON_NONE : POD_SLOW_START;
}

static enum reason oom_reason(const struct record *record)
{
	const struct record_oom *oom = &record->oom;

	if (oom->scope == SCOPE_NODE || !*record->subject.pod)
		return NODE_OOM_KILLED;
	for (uint32_t i = 0; i < oom->victim_count && i < OOM_VICTIMS_MAX; i++)
		if (oom->victims[i].init)
			return CONTAINER_OOM_KILLED;
	return PROCESS_OOM_KILLED;
}

/* Kubernetes itself tells of probes and hooks that failed; that it goes on and on, here. */
static bool stopped_in_a_loop(const struct record_exit *exit)
{
	return exit->looping && (exit->stop.cause == STOP_LIVENESS ||
				 exit->stop.cause == STOP_STARTUP || exit->stop.cause == STOP_HOOK);
}

static enum reason exit_reason(const struct record_exit *exit)
{
	switch (exit->verdict) {
	case EXIT_STOPPED:
		return stopped_in_a_loop(exit) ? CRASH_LOOPING : REASON_NONE;
	case EXIT_OOM_KILLED:
		/* where the kernel is watched, the kill itself was told, with its figures */
		return exit->kernel_ns ? REASON_NONE : CONTAINER_OOM_KILLED;
	case EXIT_START_FAILED:
		return exit->looping ? CRASH_LOOPING : CONTAINER_EXEC_FAILED;
	case EXIT_ERROR:
		if (exit->failed.kind != FAILURE_NONE && !exit->looping)
			return CONTAINER_EXEC_FAILED;
		return exit->looping ? CRASH_LOOPING : CONTAINER_CRASHED;
	case EXIT_CRASHED:
	case EXIT_KILLED:
	case EXIT_SELF_KILLED:
	case EXIT_SIGNALED:
		return exit->looping ? CRASH_LOOPING : CONTAINER_CRASHED;
	default:
		return REASON_NONE;
	}
}

static enum reason gap_reason(const struct record *record)
{
	/* a restart of the agent: what it missed it found by listing */
	if (strcmp(record->gap.source, "agent") == 0 && !record->gap.count &&
	    record_duration_ns(record) < ABSENCE_TOLD_NS)
		return REASON_NONE;
	return OBSERVATION_GAP;
}

/* Once of each boot: when it is over, in the form that stays. */
static enum reason boot_reason(const struct kube_event_rules *rules, const struct record_boot *boot)
{
	struct boot_verdict verdict;

	if (boot->state == BOOT_NOT_RECOVERED)
		return NODE_BOOT_SLOW;
	if (boot->state != BOOT_READY)
		return REASON_NONE;
	boot_history_judge(rules->earlier, boot, &verdict);
	return verdict.slower ? NODE_BOOT_SLOW : NODE_BOOT_COMPLETED;
}

static enum reason reason_of(const struct kube_event_rules *rules, const struct record *record)
{
	switch (record->type) {
	case RECORD_START:
		return start_reason(rules, record);
	case RECORD_OOM:
		return oom_reason(record);
	case RECORD_EXIT:
		return exit_reason(&record->exit);
	case RECORD_CHILD:
		return record->child.looping ? WORKER_CRASHING : REASON_NONE;
	case RECORD_PULL:
		return !record->pull.failed && record_duration_ns(record) > rules->slow_pull_ns
			       ? IMAGE_PULL_SLOW
			       : REASON_NONE;
	case RECORD_WAIT:
		return strcmp(record->wait.reason, "ErrImagePull") == 0 ||
				       strcmp(record->wait.reason, "ImagePullBackOff") == 0
			       ? IMAGE_PULL_FAILED
			       : REASON_NONE;
	case RECORD_BOOT:
		return boot_reason(rules, &record->boot);
	case RECORD_GAP:
		return gap_reason(record);
	default:
		return REASON_NONE;
	}
}

/* See the header: a first start must not tell what was there before. */
static bool of_the_past(const struct kube_event_rules *rules, const char *boot_id,
			const struct record *record)
{
	uint64_t at_ns = record->boot_ns;

	if (record->type == RECORD_BOOT)
		return strcmp(boot_id, rules->boot_id) == 0 &&
		       at_ns + FOUND_AFTERWARDS_NS < rules->agent_since_ns;
	if (record->type == RECORD_WAIT)
		at_ns = record->wait.span.from_ns;
	else if (!record_reconstructed(record))
		return false;
	if (strcmp(boot_id, rules->boot_id) != 0)
		return record->type != RECORD_WAIT;
	return at_ns < rules->first_since_ns || at_ns + FOUND_AFTERWARDS_NS < rules->agent_since_ns;
}

/* "<pod>.<16 hex>": the same for the same record, whoever tells it and how often. */
static void set_name(struct outbox_entry *entry, const char *owner, const char *boot_id,
		     const struct record *record)
{
	char type[16];
	int length = (int)strlen(owner), room = KUBE_NAME_SIZE - 1 - 17;

	snprintf(type, sizeof(type), "%d", record->type);
	if (length > room) {
		length = room;
		while (owner[length - 1] == '.' || owner[length - 1] == '-')
			length--;
	}
	snprintf(entry->name, sizeof(entry->name), "%.*s.%016" PRIx64, length, owner,
		 fnv_word(fnv_word(fnv_word(FNV_BEGIN, boot_id), type), record->key));
}

static void set_series(struct outbox_entry *entry, enum reason reason, const char *boot_id,
		       const struct record *record)
{
	char detail[32] = "";

	switch (reason) {
	case PROCESS_OOM_KILLED:
	case NODE_OOM_KILLED:
		snprintf(detail, sizeof(detail), "%.16s", record->oom.victims[0].comm);
		break;
	case CONTAINER_CRASHED:
		snprintf(detail, sizeof(detail), "%d.%d.%d", record->exit.verdict,
			 record->exit.code, record->exit.signal);
		break;
	case WORKER_CRASHING:
		snprintf(detail, sizeof(detail), "%.16s", record->child.comm);
		break;
	case IMAGE_PULL_SLOW:
		snprintf(detail, sizeof(detail), "%016" PRIx64,
			 fnv_word(FNV_BEGIN, record->pull.image));
		break;
	case NODE_BOOT_COMPLETED:
	case NODE_BOOT_SLOW:
		snprintf(detail, sizeof(detail), "%016" PRIx64,
			 fnv_word(FNV_BEGIN, boot_id)); /* no repeats */
		break;
	case OBSERVATION_GAP:
		snprintf(detail, sizeof(detail), "%016" PRIx64,
			 fnv_word(fnv_word(FNV_BEGIN, record->gap.source), record->gap.cause));
		break;
	default:
		break;
	}
	snprintf(entry->series, sizeof(entry->series), "%s/%s/%s/%s", reasons[reason].name,
		 entry->object, record->subject.container, detail);
}

/* The others are told of pods only. */
static bool on_node(enum reason reason, const struct subject *subject)
{
	switch (reason) {
	case IMAGE_PULL_SLOW:
	case OBSERVATION_GAP:
	case NODE_BOOT_COMPLETED:
	case NODE_BOOT_SLOW:
		return true;
	case NODE_OOM_KILLED:
		return !*subject->pod;
	default:
		return false;
	}
}

static json_t *node_reference(const struct kube_event_rules *rules)
{
	/* kubectl describe node looks for the node's name as the uid, as the kubelet writes it */
	return json_pack("{s:s, s:s, s:s, s:s}", "kind", "Node", "apiVersion", "v1", "name",
			 rules->node_name, "uid", rules->node_name);
}

static json_t *pod_reference(const struct record *record)
{
	const struct subject *subject = &record->subject;
	bool init = record->type == RECORD_START && record->start.init_container;
	json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "kind", "Pod", "apiVersion", "v1",
				 "namespace", subject->pod_namespace, "name", subject->pod);

	if (*subject->pod_uid)
		json_object_set_new(json, "uid", json_string(subject->pod_uid));
	if (kube_name_valid_label(subject->container))
		json_object_set_new(json, "fieldPath",
				    json_sprintf("spec.%s{%s}",
						 init ? "initContainers" : "containers",
						 subject->container));
	return json;
}

static char *body_of(const struct kube_event_rules *rules, enum reason reason,
		     const struct record *record, const char *name)
{
	bool pod = !on_node(reason, &record->subject);
	char time[WALL_TEXT_SIZE], note[KUBE_EVENT_NOTE_SIZE], instance[INSTANCE_SIZE];

	clock_wall_text((int64_t)record->boot_ns + record->wall_offset_ns, 6, time);
	kube_event_note(record, rules->earlier, note);
	TEXT_COPY(instance, rules->node_name);
	json_auto_t *json = json_pack(
		"{s:s, s:s, s:{s:s, s:s}, s:s, s:s, s:s, s:s, s:s, s:o, s:o*, s:s, s:s}",
		"apiVersion", "events.k8s.io/v1", "kind", "Event", "metadata", "name", name,
		"namespace", pod ? record->subject.pod_namespace : CLUSTER_NAMESPACE, "eventTime",
		time, "reportingController", CONTROLLER, "reportingInstance", instance, "action",
		reasons[reason].action, "reason", reasons[reason].name, "regarding",
		pod ? pod_reference(record) : node_reference(rules), "related",
		pod ? node_reference(rules) : NULL, "type",
		reasons[reason].warning ? "Warning" : "Normal", "note", note);

	return json ? json_dumps(json, JSON_COMPACT) : NULL;
}

static enum outbox_answer describe(const struct kube_event_rules *rules, const char *boot_id,
				   const struct record *record, uint64_t now_ns,
				   struct outbox_entry *ret)
{
	const struct subject *subject = &record->subject;
	enum reason reason = reason_of(rules, record);

	if (record->type == RECORD_CHILD && reason == REASON_NONE)
		return OUTBOX_NOT_YET; /* it may become a loop */
	if (reason == REASON_NONE || of_the_past(rules, boot_id, record))
		return OUTBOX_NOTHING;
	/* killed before containerd said whose it is; the final form, a second later, will know */
	if (record->type == RECORD_OOM && !record->final && *subject->container_id &&
	    !*subject->pod && strcmp(boot_id, rules->boot_id) == 0 &&
	    now_ns < record->boot_ns + EARLY_PATIENCE_NS)
		return OUTBOX_LATER;
	if (on_node(reason, subject)) {
		TEXT_COPY(ret->object, NODE_OBJECT);
	} else if (!*subject->pod) {
		return OUTBOX_NOTHING; /* a container that is no pod's */
	} else if (!kube_name_valid_label(subject->pod_namespace) ||
		   !kube_name_valid(subject->pod)) {
		return OUTBOX_NOTHING; /* not made by Kubernetes */
	} else if (*subject->pod_uid) {
		TEXT_COPY(ret->object, subject->pod_uid);
	} else {
		snprintf(ret->object, sizeof(ret->object), "%016" PRIx64,
			 fnv_word(fnv_word(FNV_BEGIN, subject->pod_namespace), subject->pod));
	}
	set_name(ret, on_node(reason, subject) ? rules->node_name : subject->pod, boot_id, record);
	set_series(ret, reason, boot_id, record);
	ret->body = body_of(rules, reason, record, ret->name);
	return ret->body ? OUTBOX_TELL : OUTBOX_NOTHING;
}

/* The one way from a record to the API server. */
enum outbox_answer kube_event_describe(const struct kube_event_rules *rules, const char *boot_id,
				       const struct record *record, uint64_t now_ns,
				       struct outbox_entry *ret)
{
	struct record told = *record;

	if (told.type == RECORD_EXIT && !rules->share_log_lines)
		told.exit.log = (struct log_tail){0};
	return describe(rules, boot_id, &told, now_ns, ret);
}
