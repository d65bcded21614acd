/* SPDX-License-Identifier: Apache-2.0 */
/* The API server, the Node and the count of its pods. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/health/health_api.h"

#define PODS_NAMED_MAX 12

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name)) ?: "";
}

static bool expected(const struct health_api *api, const struct health_machine *machine)
{
	return *api->kubeconfig || health_machine_kind(machine) != KIND_NONE;
}

/* There is no way to ask. */
static void judge_no_client(struct health_report *report, const struct health_api *api,
			    const struct health_machine *machine)
{
	bool nothing = api->error == -ENOENT && !*api->kubeconfig;
	struct health_finding *finding;

	if (nothing && !expected(api, machine)) {
		finding = health_find(report, "api", GRADE_UNKNOWN,
				      "Kubernetes is not installed here");
		finding->aside = true;
		return;
	}
	if (api->error == -EACCES || api->error == -EPERM) {
		finding = health_find(report, "api", GRADE_UNKNOWN, "%s: permission denied",
				      api->kubeconfig);
		finding->hopeless = true;
		health_advise(finding, "run it as root, or name a kubeconfig with --kubeconfig");
		return;
	}
	finding = health_find(report, "api", GRADE_BAD, "%s",
			      nothing ? "there is no kubeconfig" : api->why);
	if (nothing)
		health_advise(finding, "journalctl -b -u %s -e, or name one with --kubeconfig",
			      health_machine_service(machine));
}

void health_judge_api(struct health_report *report, const struct health_api *api,
		      const struct health_machine *machine)
{
	int status = api->ready.status;
	struct health_finding *finding;

	if (api->error) {
		judge_no_client(report, api, machine);
	} else if (status < 0) {
		finding = health_find(report, "api", GRADE_BAD, "%s does not answer: %s",
				      api->server, api->ready.message);
		health_advise(finding, "journalctl -b -u %s -e", health_machine_service(machine));
	} else if (status >= 500) {
		finding = health_find(report, "api", GRADE_BAD, "%s answers, and is not ready (%d)",
				      api->server, status);
		health_advise(finding, "%s get --raw '/readyz?verbose'", machine->kubectl);
	} else if (status == 401 || status == 403) {
		/* it answers; what it lets us see is the matter of the checks below */
		health_find(report, "api", GRADE_OK, "%s answers", api->server);
	} else if (status >= 400) {
		finding = health_find(report, "api", GRADE_BAD, "%s: status %d %s", api->server,
				      status, api->ready.message);
		health_advise(finding, "who listens there is no API server of Kubernetes");
	} else {
		health_find(report, "api", GRADE_OK, "%s is ready", api->server);
	}
}

/* Nothing was asked, or the answer was no. True if a finding says so. */
static bool judge_refusal(struct health_report *report, const char *check,
			  const struct health_api *api, const struct health_machine *machine,
			  const struct health_reply *reply)
{
	bool alone = api->ready.status > 0 && *reply->message; /* else it stands above */
	struct health_finding *finding;

	if (reply->status >= 200 && reply->status < 300)
		return false;
	if (reply->status == 401 || reply->status == 403) {
		finding = health_find(report, check, GRADE_UNKNOWN, "%s: %s",
				      *api->kubeconfig ? api->kubeconfig : "the service account",
				      *reply->message ? reply->message : "refused");
		finding->hopeless = true;
		health_advise(finding, "name a kubeconfig that may get nodes and list pods with "
				       "--kubeconfig");
		return true;
	}
	if (!api->error && reply->status > 0)
		finding = health_find(report, check, GRADE_BAD, "the API server says %d: %s",
				      reply->status, reply->message);
	else if (expected(api, machine))
		finding = health_find(report, check, GRADE_UNKNOWN,
				      "the API server could not be asked%s%s", alone ? ": " : "",
				      alone ? reply->message : "");
	else
		finding = health_find(report, check, GRADE_UNKNOWN,
				      "Kubernetes is not installed here");
	finding->aside = !expected(api, machine);
	return true;
}

static const json_t *condition_of(const json_t *object, const char *type)
{
	const json_t *status = json_object_get(object, "status"), *condition;
	size_t i;

	json_array_foreach (json_object_get(status, "conditions"), i, condition)
		if (strcmp(text_of(condition, "type"), type) == 0)
			return condition;
	return NULL;
}

static void judge_node_pressure(struct health_report *report, const struct health_api *api,
				const struct health_machine *machine)
{
	static const char *const types[] = {"MemoryPressure", "DiskPressure", "PIDPressure",
					    "NetworkUnavailable"};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		const json_t *condition = condition_of(api->node_object, types[i]);

		if (strcmp(text_of(condition, "status"), "True") != 0)
			continue;
		struct health_finding *finding =
			health_find(report, "node", GRADE_BAD, "%s has %s: %.200s", api->node_name,
				    types[i], text_of(condition, "message"));

		TEXT_COPY(finding->subject, types[i]);
		TEXT_COPY(finding->reason, text_of(condition, "reason"));
		health_advise(finding, "%s describe node %s", machine->kubectl, api->node_name);
	}
}

void health_judge_node(struct health_report *report, const struct health_api *api,
		       const struct health_machine *machine, const char *boot_id)
{
	const json_t *ready = condition_of(api->node_object, "Ready");
	const json_t *status = json_object_get(api->node_object, "status");
	const json_t *spec = json_object_get(api->node_object, "spec");
	const char *of_boot = text_of(json_object_get(status, "nodeInfo"), "bootID");
	struct health_finding *finding;

	if (api->node.status == 404) {
		finding = health_find(report, "node", GRADE_BAD, "there is no Node %s",
				      api->node_name);
		health_advise(finding, "%s get nodes; name this one with --node-name",
			      machine->kubectl);
		return;
	}
	if (judge_refusal(report, "node", api, machine, &api->node))
		return;
	if (*of_boot && *boot_id && strcmp(of_boot, boot_id) != 0) {
		finding = health_find(report, "node", GRADE_BAD,
				      "%s: the kubelet has not reported since the boot",
				      api->node_name);
		TEXT_COPY(finding->reason, "NotReported");
		health_advise(finding, "journalctl -b -u %s -e", health_machine_service(machine));
		return;
	}
	if (strcmp(text_of(ready, "status"), "True") == 0) {
		health_find(report, "node", GRADE_OK, "%s is Ready since %s%s", api->node_name,
			    text_of(ready, "lastTransitionTime"),
			    json_is_true(json_object_get(spec, "unschedulable"))
				    ? "; it takes no new pods (cordoned)"
				    : "");
	} else {
		finding = health_find(report, "node", GRADE_BAD, "%s is not Ready: %.300s",
				      api->node_name, text_of(ready, "message"));
		TEXT_COPY(finding->reason, text_of(ready, "reason"));
		health_advise(finding, "%s describe node %s; journalctl -b -u %s -e",
			      machine->kubectl, api->node_name, health_machine_service(machine));
	}
	judge_node_pressure(report, api, machine);
}

/* --- the pods -------------------------------------------------------------------------------- */

struct tally {
	struct health_report *report;
	const struct health_machine *machine;
	health_detail_fn detail;
	void *context;
	struct health_finding findings[PODS_NAMED_MAX]; /* told below the sum */
	uint32_t named, not_ready, aside;
};

static void count_pods(struct tally *tally, const json_t *pods)
{
	const json_t *pod;
	size_t i;

	json_array_foreach ((json_t *)pods, i, pod) {
		struct health_finding finding = {0};
		const json_t *metadata = json_object_get(pod, "metadata");

		switch (health_judge_pod(pod, tally->machine, &finding)) {
		case HEALTH_POD_READY:
			tally->report->pods_ready++;
			break;
		case HEALTH_POD_NOT_READY:
			tally->not_ready++;
			if (tally->named == PODS_NAMED_MAX)
				break;
			if (tally->detail)
				tally->detail(tally->context, &finding,
					      text_of(metadata, "namespace"),
					      text_of(metadata, "name"));
			tally->findings[tally->named++] = finding;
			break;
		case HEALTH_POD_ASIDE:
			tally->aside++;
			break;
		case HEALTH_POD_ELSEWHERE:
			break;
		}
	}
}

static void tell_pods(struct tally *tally, const struct health_api *api, const char *pod_namespace)
{
	struct health_report *report = tally->report;
	const char *in = pod_namespace ? " of namespace " : "", *space = pod_namespace ?: "";
	struct health_finding *finding;
	char over[64] = "";

	if (tally->aside)
		snprintf(over, sizeof(over), "; %" PRIu32 " completed or being deleted",
			 tally->aside);
	if (!report->pods_expected && pod_namespace) {
		finding = health_find(report, "pods", GRADE_UNKNOWN,
				      "no pod of namespace %s is on %s%s", space, api->node_name,
				      over);
		health_advise(finding, "%s -n %s get pods -o wide", tally->machine->kubectl, space);
	} else if (tally->not_ready) {
		finding = health_find(report, "pods", GRADE_BAD,
				      "%" PRIu32 " of %" PRIu32 "%s%s are ready%s",
				      report->pods_ready, report->pods_expected, in, space, over);
		health_advise(finding, "%s get pods %s%s -o wide", tally->machine->kubectl,
			      pod_namespace ? "-n " : "-A", space);
	} else if (!report->pods_expected) {
		health_find(report, "pods", GRADE_OK, "no pods are expected on %s%s",
			    api->node_name, over);
	} else {
		health_find(report, "pods", GRADE_OK, "all %" PRIu32 "%s%s are ready%s",
			    report->pods_expected, in, space, over);
	}
}

void health_judge_pods(struct health_report *report, const struct health_api *api,
		       const struct health_machine *machine, const char *pod_namespace,
		       health_detail_fn detail, void *context)
{
	struct tally tally = {
		.report = report, .machine = machine, .detail = detail, .context = context};

	if (judge_refusal(report, "pods", api, machine, &api->pods))
		return;
	count_pods(&tally, api->pod_objects);
	count_pods(&tally, api->unbound_objects);
	report->pods_expected = report->pods_ready + tally.not_ready;
	tell_pods(&tally, api, pod_namespace);
	for (uint32_t i = 0; i < tally.named && report->count < HEALTH_FINDINGS_MAX; i++)
		report->findings[report->count++] = tally.findings[i];
	if (tally.not_ready > tally.named)
		TEXT_COPY(health_find(report, "pod", GRADE_BAD, "and %" PRIu32 " more",
				      tally.not_ready - tally.named)
				  ->subject,
			  "others");
	if (api->pods_cut)
		health_find(report, "pods", GRADE_UNKNOWN, "only the first %d pods were looked at",
			    HEALTH_PODS_MAX);
}
