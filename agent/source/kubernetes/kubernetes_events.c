// SPDX-License-Identifier: Apache-2.0
/* core/v1 Events about pods. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "source/kubernetes/kubernetes_fields.h"
#include "source/kubernetes/kubernetes_pod.h"

/* The kubelet repeats as Events what a container's status says with more words. */
static bool said_by_status(const char *reason)
{
	return strcmp(reason, "BackOff") == 0 || strcmp(reason, "Failed") == 0 ||
	       strcmp(reason, "InspectFailed") == 0 || strcmp(reason, "ErrImageNeverPull") == 0;
}

static bool is_ours(const json_t *object)
{
	return strncmp(kubernetes_text(object, "reportingComponent"), "nodewake", 8) == 0;
}

/* "spec.containers{web}", "spec.initContainers{migrate}" */
static void copy_container(const json_t *about, char ret[static NAME_SIZE])
{
	const char *name = strchr(kubernetes_text(about, "fieldPath"), '{');

	if (name)
		text_copy_n(ret, NAME_SIZE, name + 1, strcspn(name + 1, "}"));
}

/* Of any kind: 0, or -ENOENT if it is not about a pod, or our own. */
static int read_event(const json_t *object, int64_t wall_offset_ns, struct event_pod_trouble *ret)
{
	const json_t *about = json_object_get(object, "involvedObject");
	const json_t *series = json_object_get(object, "series");
	const char *component = kubernetes_text(json_object_get(object, "source"), "component");
	struct event_pod_trouble trouble = {.count = kubernetes_number(series ?: object, "count")};

	TEXT_COPY(trouble.pod_uid, kubernetes_text(about, "uid"));
	TEXT_COPY(trouble.reason, kubernetes_text(object, "reason"));
	TEXT_COPY(trouble.message, kubernetes_text(object, "message"));
	if (strcmp(kubernetes_text(about, "kind"), "Pod") != 0 || is_ours(object) ||
	    !*trouble.reason)
		return -ENOENT;
	TEXT_COPY(trouble.component,
		  *component ? component : kubernetes_text(object, "reportingComponent"));
	copy_container(about, trouble.container);
	if (!trouble.count)
		trouble.count = 1;
	trouble.first_ns = kubernetes_time(object, "firstTimestamp", wall_offset_ns)
				   ?: kubernetes_time(object, "eventTime", wall_offset_ns);
	trouble.last_ns = kubernetes_time(series, "lastObservedTime", wall_offset_ns)
				  ?: kubernetes_time(object, "lastTimestamp", wall_offset_ns)
				  ?: trouble.first_ns;
	*ret = trouble;
	return 0;
}

int kubernetes_trouble_read(const json_t *object, int64_t wall_offset_ns,
			    struct event_pod_trouble *ret)
{
	if (strcmp(kubernetes_text(object, "type"), "Warning") != 0 ||
	    said_by_status(kubernetes_text(object, "reason")))
		return -ENOENT;
	if (!*kubernetes_text(json_object_get(object, "involvedObject"), "uid"))
		return -ENOENT;
	return read_event(object, wall_offset_ns, ret);
}

/* A probe that decides what is stopped; a readiness probe stops nothing. */
static bool is_killing_probe(const char *message)
{
	return strncmp(message, "Liveness probe", 14) == 0 ||
	       strncmp(message, "Startup probe", 13) == 0;
}

int kubernetes_stop_read(const json_t *object, int64_t wall_offset_ns,
			 struct event_pod_trouble *ret)
{
	/* pkg/kubelet/events/event.go, the kubelet's managers, scheduler and taint manager */
	static const char *const reasons[] = {
		"Killing",    "Unhealthy",	"FailedPostStartHook", "Evicted",
		"Preempting", "Preempted",	"DeadlineExceeded",    "NodeShutdown",
		"Shutdown",   "SandboxChanged", "ExceededGracePeriod", "TaintManagerEviction",
	};
	const char *reason = kubernetes_text(object, "reason");

	if (strcmp(reason, "Unhealthy") == 0 &&
	    !is_killing_probe(kubernetes_text(object, "message")))
		return -ENOENT;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		if (strcmp(reason, reasons[i]) != 0)
			continue;
		int r = read_event(object, wall_offset_ns, ret);

		ret->of_stop |= r == 0;
		return r;
	}
	return -ENOENT;
}

int kubernetes_attach_read(const json_t *object, int64_t wall_offset_ns, struct event_work *ret,
			   uint64_t *ret_ns)
{
	static const char before[] = " for volume \"";
	const json_t *about = json_object_get(object, "involvedObject");
	const char *name = strstr(kubernetes_text(object, "message"), before);
	struct event_work work = {.kind = WORK_VOLUME};
	uint64_t at_ns = kubernetes_time(object, "lastTimestamp", wall_offset_ns)
				 ?: kubernetes_time(object, "eventTime", wall_offset_ns);

	if (strcmp(kubernetes_text(object, "reason"), "SuccessfulAttachVolume") != 0 ||
	    strcmp(kubernetes_text(about, "kind"), "Pod") != 0 || !name || !at_ns)
		return -ENOENT;
	name += strlen(before);
	text_copy_n(work.name, sizeof(work.name), name, strcspn(name, "\""));
	TEXT_COPY(work.pod_uid, kubernetes_text(about, "uid"));
	if (!*work.name || !*work.pod_uid)
		return -ENOENT;
	*ret = work;
	*ret_ns = at_ns;
	return 0;
}
