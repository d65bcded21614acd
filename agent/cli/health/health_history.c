/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/health/health_history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "model/json.h"
#include "model/sentence.h"

#define ROWS_MAX 10000

void health_history_open(struct health_history *ret, const char *state_dir, const char *boot_id,
			 const char *pod_namespace)
{
	*ret = (struct health_history){.boot_id = boot_id, .pod_namespace = pod_namespace};
	ret->error = store_open_reader(&ret->store, state_dir, ret->why);
}

void health_history_done(struct health_history *history)
{
	store_close(history->store);
	history->store = NULL;
}

/* The latest of a kind in this boot, and how many there are. */
struct tally {
	struct record last;
	uint32_t count;
	bool (*counts)(const struct record *record);
};

static int on_row(void *context, const char *boot_id, const struct record *record)
{
	struct tally *tally = context;

	(void)boot_id;
	if (tally->counts && !tally->counts(record))
		return 0;
	if (!tally->count++)
		tally->last = *record;
	return 0;
}

/* Newest first. Returns 0 or a negative errno. */
static int count_records(const struct health_history *history, enum record_type type,
			 const char *pod_namespace, const char *pod, struct tally *tally)
{
	return store_query(history->store,
			   &(struct store_query){
				   .type = type,
				   .pod_namespace = pod_namespace,
				   .pod = pod,
				   .boot_id = history->boot_id,
				   .order = STORE_NEWEST_FIRST,
				   .limit = ROWS_MAX,
			   },
			   on_row, tally);
}

/* "shop/web-0/app killed for memory after 384ms"; to be freed, or NULL. */
static char *sentence_of(const struct record *record, bool subject)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (subject) {
		sentence_subject(out, record);
		fputc(' ', out);
	}
	sentence_text(out, record);
	fclose(out);
	return text;
}

/* True, with a finding, where there are no records to look into. */
static bool no_records(struct health_report *report, const char *check,
		       const struct health_history *history)
{
	struct health_finding *finding;

	if (history->store)
		return false;
	finding = health_find(report, check, GRADE_UNKNOWN, "%s", history->why);
	finding->aside = true;
	if (history->error == -EACCES || history->error == -EPERM)
		health_advise(finding, "run it as root: records are private");
	return true;
}

static void judge_records(struct health_report *report, const struct health_history *history,
			  const char *check, enum record_type type, const char *one,
			  const char *many, const char *verb, bool (*counts)(const struct record *))
{
	struct tally tally = {.counts = counts};
	char time[WALL_TEXT_SIZE];

	if (no_records(report, check, history))
		return;
	int r = count_records(history, type, history->pod_namespace, NULL, &tally);

	if (r < 0) {
		health_find(report, check, GRADE_UNKNOWN, "the records can't be read: %s",
			    strerror(-r))
			->aside = true;
		return;
	}
	if (!tally.count) {
		health_find(report, check, GRADE_OK, "no %s since the boot", many);
		return;
	}
	cleanup_free char *sentence = sentence_of(&tally.last, true);

	clock_wall_text((int64_t)tally.last.boot_ns + tally.last.wall_offset_ns, 0, time);
	health_advise(health_find(report, check, GRADE_WARN,
				  "%" PRIu32 "%s %s since the boot, the last at %s: %.300s",
				  tally.count, tally.count == ROWS_MAX ? " or more" : "",
				  tally.count == 1 ? one : many, time + strlen("2026-11-23T"),
				  sentence ?: ""),
		      "nodewake %s --boot current%s%s", verb, history->pod_namespace ? " -n " : "",
		      history->pod_namespace ?: "");
}

void health_judge_ooms(struct health_report *report, const struct health_history *history)
{
	judge_records(report, history, "oom", RECORD_OOM, "kill for memory", "kills for memory",
		      "ooms", NULL);
}

/* Not what somebody stopped, and not how the containers of the boot before ended. */
static bool is_crash(const struct record *record)
{
	const struct record_exit *exit = &record->exit;

	if (exit->reconstructed && !exit->finished_ns)
		return false;
	switch (exit->verdict) {
	case EXIT_ERROR:
	case EXIT_CRASHED:
	case EXIT_OOM_KILLED:
	case EXIT_KILLED:
	case EXIT_SELF_KILLED:
	case EXIT_SIGNALED:
	case EXIT_START_FAILED:
		return true;
	default:
		return false;
	}
}

void health_judge_crashes(struct health_report *report, const struct health_history *history)
{
	judge_records(report, history, "crashes", RECORD_EXIT, "crash", "crashes", "exits",
		      is_crash);
}

static bool goes_on(const struct record *record)
{
	return !record->wait.over;
}

static bool is_crash_reason(const char *reason)
{
	static const char *const reasons[] = {
		"CrashLoopBackOff",  "Error",	   "OOMKilled",		"Restarted",
		"RunContainerError", "StartError", "ContainerCannotRun"};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (strcmp(reason, reasons[i]) == 0)
			return true;
	return false;
}

void health_history_detail(void *context, struct health_finding *finding, const char *pod_namespace,
			   const char *pod)
{
	const struct health_history *history = context;
	bool crash = is_crash_reason(finding->reason);
	struct tally tally = {.counts = crash ? is_crash : goes_on};
	size_t used = strlen(finding->text);

	if (!history->store || (!crash && strcmp(finding->reason, "ContainerCreating") != 0 &&
				strcmp(finding->reason, "PodInitializing") != 0 &&
				strcmp(finding->reason, "ImagePullBackOff") != 0))
		return;
	if (count_records(history, crash ? RECORD_EXIT : RECORD_WAIT, pod_namespace, pod, &tally) <
		    0 ||
	    !tally.count)
		return;
	cleanup_free char *sentence = sentence_of(&tally.last, false);

	snprintf(finding->text + used, sizeof(finding->text) - used, "; %s%.300s",
		 crash ? "last: " : "", sentence ?: "");
	used = strlen(finding->todo);
	snprintf(finding->todo + used, sizeof(finding->todo) - used, "; nodewake explain %s -n %s",
		 pod, pod_namespace);
}

/* --- the daemon ------------------------------------------------------------------------------ */

void health_judge_daemon(struct health_report *report, int answer, const json_t *status,
			 const char *socket)
{
	const json_t *problems = json_object_get(status, "problems");
	const char *version = json_string_value(json_object_get(status, "version")) ?: "?";
	const char *since = json_string_value(json_object_get(status, "since")) ?: "?";
	size_t count = json_array_size(problems);
	struct health_finding *finding;
	char more[40] = "";

	if (answer == -EPERM) {
		finding = health_find(report, "nodewake", GRADE_UNKNOWN,
				      "%.200s: permission denied", socket);
		finding->aside = true;
		health_advise(finding, "run it as root");
	} else if (answer != 200 || !json_is_object(status)) {
		finding = health_find(report, "nodewake", GRADE_WARN,
				      answer == -ETIMEDOUT ? "the daemon on %.200s does not answer"
							   : "no daemon answers on %.200s",
				      socket);
		health_advise(finding, "start it (systemctl start nodewake, or its DaemonSet); "
				       "until then nothing new is recorded");
	} else if (count) {
		if (count > 1)
			snprintf(more, sizeof(more), " (and %zu more)", count - 1);
		finding = health_find(report, "nodewake", GRADE_WARN, "v%.20s, not well: %.300s%s",
				      version,
				      json_string_value(json_array_get(problems, 0)) ?: "?", more);
		health_advise(finding, "nodewake status; nodewake doctor");
	} else {
		health_find(report, "nodewake", GRADE_OK, "v%.20s is well, watching since %.40s",
			    version, since);
	}
}

/* --- the boot -------------------------------------------------------------------------------- */

static void tell_missing(const struct record_boot *boot, struct health_finding *finding)
{
	for (uint32_t i = 0; i < boot->missing_count && i < BOOT_MISSING_MAX; i++) {
		size_t used = strlen(finding->text);

		snprintf(finding->text + used, sizeof(finding->text) - used, "%s %s (%s)",
			 i ? "," : ":", boot->missing[i].pod, boot->missing[i].reason);
	}
}

void health_judge_boot(struct health_report *report, const struct health_history *history,
		       enum grade pods, bool daemon_there)
{
	struct tally tally = {0};
	const struct record_boot *boot = &tally.last.boot;
	struct health_finding *finding;
	char took[DURATION_TEXT_SIZE];

	if (!history->store || count_records(history, RECORD_BOOT, NULL, NULL, &tally) < 0 ||
	    !tally.count)
		return; /* not every agent tells of boots */
	text_duration(boot->span.to_ns > boot->span.from_ns ? boot->span.to_ns - boot->span.from_ns
							    : 0,
		      took);
	if (boot->state == BOOT_STATE_NONE)
		return; /* nobody saw how it went */
	if (boot->state == BOOT_READY) {
		health_find(report, "boot", GRADE_OK,
			    "ready %s after the kernel's start, %" PRIu32 " pods", took,
			    boot->pods_ready);
		return;
	}
	/* what came later than the deadline is ready all the same */
	bool open = pods == GRADE_UNKNOWN && (boot->state == BOOT_NOT_RECOVERED || daemon_there);

	const char *how =
		boot->state == BOOT_NOT_RECOVERED ? "did not recover in time" : "still waking";

	if (boot->pods_expected)
		finding = health_find(report, "boot", open ? GRADE_BAD : GRADE_WARN,
				      "%s: %" PRIu32 " of %" PRIu32 " pods were ready", how,
				      boot->pods_ready, boot->pods_expected);
	else
		finding = health_find(report, "boot", open ? GRADE_BAD : GRADE_WARN, "%s", how);
	TEXT_COPY(finding->reason, boot_state_name(boot->state));
	tell_missing(boot, finding);
	health_advise(finding, "nodewake boot");
}
