/* SPDX-License-Identifier: Apache-2.0 */
/* One pod, as the API server shows it: is it ready, else why not and what a person would look at next. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/health/health_api.h"

#define SETTLING_NS (10 * (int64_t)NS_PER_SECOND)

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name)) ?: "";
}

static int64_t wall_of(const json_t *object, const char *name)
{
	int64_t wall_ns;

	return clock_wall_parse(text_of(object, name), &wall_ns) < 0 ? 0 : wall_ns;
}

static const json_t *condition_of(const json_t *pod, const char *type)
{
	const json_t *status = json_object_get(pod, "status"), *condition;
	size_t i;

	json_array_foreach (json_object_get(status, "conditions"), i, condition)
		if (strcmp(text_of(condition, "type"), type) == 0)
			return condition;
	return NULL;
}

struct looking {
	const json_t *pod;
	const char *name, *space;
	const struct health_machine *machine;
	struct health_finding *finding;
};

static void say_reason(const struct looking *looking, const char *reason)
{
	TEXT_COPY(looking->finding->reason, reason);
}

static void advise_logs(const struct looking *looking, const char *container, bool previous)
{
	health_advise(looking->finding, "%s -n %s logs %s -c %s%s", looking->machine->kubectl,
		      looking->space, looking->name, container, previous ? " --previous" : "");
}

static void advise_describe(const struct looking *looking)
{
	health_advise(looking->finding, "%s -n %s describe pod %s", looking->machine->kubectl,
		      looking->space, looking->name);
}

__attribute__((format(printf, 2, 3))) static void say(const struct looking *looking,
						      const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(looking->finding->text, sizeof(looking->finding->text), format, arguments);
	va_end(arguments);
}

/* ", restarted 14 times" */
static const char *restarts_text(const json_t *status, char ret[static 40])
{
	json_int_t count = json_integer_value(json_object_get(status, "restartCount"));

	*ret = '\0';
	if (count > 0)
		snprintf(ret, 40, ", restarted %" JSON_INTEGER_FORMAT " time%s", count,
			 count == 1 ? "" : "s");
	return ret;
}

/* ", last exit code 1 (Error)" of a terminated state */
static const char *exit_text(const json_t *terminated, const char *word, char ret[static 96])
{
	const char *reason = text_of(terminated, "reason");

	*ret = '\0';
	if (terminated)
		snprintf(ret, 96, ", %sexit code %" JSON_INTEGER_FORMAT "%s%.32s%s", word,
			 json_integer_value(json_object_get(terminated, "exitCode")),
			 *reason ? " (" : "", reason, *reason ? ")" : "");
	return ret;
}

/* A registry on this machine is a service of its own, which may not be up so far. */
static bool local_registry(const char *image)
{
	return strncmp(image, "localhost", 9) == 0 || strncmp(image, "127.0.0.1", 9) == 0 ||
	       strncmp(image, "[::1]", 5) == 0;
}

static void judge_image(const struct looking *looking, const char *container, const char *reason,
			const char *image, const char *message)
{
	say(looking, "%s of %s: %.120s%s%.200s", reason, container, image, *message ? ": " : "",
	    message);
	if (local_registry(image))
		health_advise(looking->finding,
			      "curl -sS http://%.*s/v2/_catalog tells whether the registry is up; "
			      "%s -n %s "
			      "describe pod %s",
			      (int)strcspn(image, "/"), image, looking->machine->kubectl,
			      looking->space, looking->name);
	else
		advise_describe(looking);
}

static void judge_waiting(const struct looking *looking, const json_t *status,
			  const json_t *waiting)
{
	const char *reason = text_of(waiting, "reason"), *message = text_of(waiting, "message");
	const char *container = text_of(status, "name");
	const json_t *last = json_object_get(json_object_get(status, "lastState"), "terminated");
	char restarts[40], ended[96];

	say_reason(looking, *reason ? reason : "Waiting");
	if (strcmp(reason, "CrashLoopBackOff") == 0) {
		say(looking, "CrashLoopBackOff of %s%s%s", container,
		    restarts_text(status, restarts), exit_text(last, "last ", ended));
		advise_logs(looking, container, true);
	} else if (strstr(reason, "Image") || strstr(reason, "Pull")) {
		judge_image(looking, container, reason, text_of(status, "image"), message);
	} else {
		say(looking, "%s of %s%s%.300s", *reason ? reason : "waiting", container,
		    *message ? ": " : "", message);
		advise_describe(looking);
	}
}

static void judge_terminated(const struct looking *looking, const json_t *status,
			     const json_t *terminated)
{
	char restarts[40], ended[96];

	say_reason(looking,
		   *text_of(terminated, "reason") ? text_of(terminated, "reason") : "Ended");
	say(looking, "%s has ended%s%s", text_of(status, "name"), exit_text(terminated, "", ended),
	    restarts_text(status, restarts));
	advise_logs(looking, text_of(status, "name"), false);
}

static const json_t *spec_of(const json_t *pod, const char *list, const char *container)
{
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(pod, "spec"), list), i, one)
		if (strcmp(text_of(one, "name"), container) == 0)
			return one;
	return NULL;
}

/* It runs and is not ready: a probe's answer is waited for. */
static void judge_running(const struct looking *looking, const json_t *status,
			  const json_t *running)
{
	const char *container = text_of(status, "name");
	const json_t *spec = spec_of(looking->pod, "containers", container);
	const json_t *started = json_object_get(status, "started");
	const char *probe = json_object_get(spec, "startupProbe") && !json_is_true(started)
				    ? "startupProbe"
				    : "readinessProbe";
	const json_t *what = json_object_get(spec, probe);
	json_int_t period = json_integer_value(json_object_get(what, "periodSeconds"));
	const char *since = strchr(text_of(running, "startedAt"), 'T');
	char restarts[40];

	since = since ? since + 1 : "?";
	say_reason(looking, what ? "ProbeFailing" : "NotReady");
	if (what)
		say(looking,
		    "%s runs since %.20s%s, its %s has not passed (every %" JSON_INTEGER_FORMAT
		    "s)",
		    container, since, restarts_text(status, restarts),
		    strcmp(probe, "startupProbe") == 0 ? "startup probe" : "readiness probe",
		    period > 0 ? period : 10);
	else
		say(looking, "%s runs since %.20s%s, and is not called ready", container, since,
		    restarts_text(status, restarts));
	health_advise(looking->finding,
		      "%s -n %s describe pod %s (what the probe got); nodewake explain %s -n %s",
		      looking->machine->kubectl, looking->space, looking->name, looking->name,
		      looking->space);
}

/* The first container that is not as it should be. True if there is one. */
static bool judge_containers(const struct looking *looking, const char *list, bool init)
{
	const json_t *all = json_object_get(json_object_get(looking->pod, "status"), list), *status;
	size_t i;

	json_array_foreach ((json_t *)all, i, status) {
		const json_t *state = json_object_get(status, "state");
		const json_t *waiting = json_object_get(state, "waiting");
		const json_t *running = json_object_get(state, "running");
		const json_t *terminated = json_object_get(state, "terminated");

		if (json_is_true(json_object_get(status, "ready")))
			continue;
		if (init && terminated &&
		    json_integer_value(json_object_get(terminated, "exitCode")) == 0)
			continue;
		if (waiting) {
			judge_waiting(looking, status, waiting);
		} else if (terminated) {
			judge_terminated(looking, status, terminated);
		} else if (running && init) {
			say_reason(looking, "Init");
			say(looking, "init container %s runs", text_of(status, "name"));
			advise_logs(looking, text_of(status, "name"), false);
		} else if (running) {
			judge_running(looking, status, running);
		} else {
			continue;
		}
		return true;
	}
	return false;
}

/* Pods whose init containers are at work show the others as waiting: PodInitializing. */
static bool initialized(const json_t *pod)
{
	return strcmp(text_of(condition_of(pod, "Initialized"), "status"), "False") != 0;
}

static enum health_pod_state judge_unbound(const struct looking *looking)
{
	const json_t *scheduled = condition_of(looking->pod, "PodScheduled");
	const char *message = text_of(scheduled, "message"), *reason = text_of(scheduled, "reason");

	/* "0/3 nodes are available": which of them it is meant for is not known */
	if (scheduled && strncmp(message, "0/1 ", 4) != 0)
		return HEALTH_POD_ELSEWHERE;
	say_reason(looking, *reason ? reason : "Pending");
	say(looking, "Pending: %.400s",
	    scheduled ? message : "the scheduler has not looked at it so far");
	advise_describe(looking);
	return HEALTH_POD_NOT_READY;
}

/*
 * After a reboot the API server shows what the kubelet said before it. Not believed is a Ready that is older than the
 * boot, unless one of its containers is there: where there is no clock over power-off, stamps of this boot may look
 * older than it.
 */
static bool is_stale(const struct looking *looking, const json_t *ready)
{
	const json_t *all =
		json_object_get(json_object_get(looking->pod, "status"), "containerStatuses");
	const json_t *status;
	int64_t since_ns = wall_of(ready, "lastTransitionTime");
	size_t i;

	/* whole seconds */
	if (!looking->machine->alive_seen || !since_ns ||
	    since_ns >= looking->machine->boot_wall_ns - (int64_t)NS_PER_SECOND)
		return false;
	json_array_foreach ((json_t *)all, i, status) {
		const char *id = text_of(status, "containerID"), *behind = strstr(id, "://");

		if (health_machine_alive(looking->machine, behind ? behind + 3 : id))
			return false;
	}
	return true;
}

/* A crash loop is ready for moments. True of one that ended in this boot and runs again for a few seconds. */
static bool is_settling(const struct looking *looking)
{
	const json_t *all =
		json_object_get(json_object_get(looking->pod, "status"), "containerStatuses");
	const json_t *status;
	size_t i;

	json_array_foreach ((json_t *)all, i, status) {
		const json_t *state = json_object_get(status, "state");
		const json_t *last =
			json_object_get(json_object_get(status, "lastState"), "terminated");
		int64_t began_ns = wall_of(json_object_get(state, "running"), "startedAt");
		char restarts[40], ended[96];

		if (!began_ns || looking->machine->now_wall_ns - began_ns >= SETTLING_NS ||
		    wall_of(last, "startedAt") < looking->machine->boot_wall_ns)
			continue;
		say_reason(looking, "Restarted");
		say(looking, "%s runs again for a few seconds%s%s", text_of(status, "name"),
		    restarts_text(status, restarts), exit_text(last, "last ", ended));
		advise_logs(looking, text_of(status, "name"), true);
		return true;
	}
	return false;
}

static void judge_not_ready(const struct looking *looking, const json_t *ready)
{
	const json_t *status = json_object_get(looking->pod, "status");

	if (!initialized(looking->pod) && judge_containers(looking, "initContainerStatuses", true))
		return;
	if (judge_containers(looking, "containerStatuses", false))
		return;
	if (*text_of(status, "reason")) {
		say_reason(looking, text_of(status, "reason"));
		say(looking, "%s: %.300s", text_of(status, "reason"), text_of(status, "message"));
	} else if (*text_of(ready, "message")) {
		say_reason(looking, text_of(ready, "reason"));
		say(looking, "%.300s", text_of(ready, "message"));
	} else {
		say_reason(looking, "Pending");
		say(looking, "the kubelet has not begun with it");
	}
	advise_describe(looking);
}

enum health_pod_state health_judge_pod(const json_t *pod, const struct health_machine *machine,
				       struct health_finding *ret)
{
	const json_t *metadata = json_object_get(pod, "metadata");
	const json_t *ready = condition_of(pod, "Ready");
	const char *phase = text_of(json_object_get(pod, "status"), "phase");
	struct health_finding finding = {.check = "pod", .grade = GRADE_BAD};
	struct looking looking = {
		.pod = pod,
		.name = text_of(metadata, "name"),
		.space = text_of(metadata, "namespace"),
		.machine = machine,
		.finding = &finding,
	};
	enum health_pod_state state = HEALTH_POD_NOT_READY;

	if (!*looking.name || *text_of(metadata, "deletionTimestamp") ||
	    strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0)
		return HEALTH_POD_ASIDE;
	snprintf(finding.subject, sizeof(finding.subject), "%.63s/%.90s", looking.space,
		 looking.name);
	if (!*text_of(json_object_get(pod, "spec"), "nodeName")) {
		state = judge_unbound(&looking);
	} else if (strcmp(text_of(ready, "status"), "True") != 0) {
		judge_not_ready(&looking, ready);
	} else if (is_stale(&looking, ready)) {
		say_reason(&looking, "NotReported");
		say(&looking, "nothing was said of it since the boot");
		advise_describe(&looking);
	} else if (!is_settling(&looking)) {
		return HEALTH_POD_READY;
	}
	if (state == HEALTH_POD_NOT_READY)
		*ret = finding;
	return state;
}
