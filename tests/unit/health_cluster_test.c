// SPDX-License-Identifier: Apache-2.0
/* What is said of the API server, the Node and the sum of its pods, by what they answered. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/health/health_api.h"

static struct health_machine k3s = {
	.k3s_files = true, .processes_seen = true, .kubectl = "k3s kubectl"};
static struct health_machine bare = {.processes_seen = true, .kubectl = "kubectl"};

static json_t *load(const char *text)
{
	char *buffer = strdup(text);

	for (char *c = buffer; *c; c++)
		if (*c == '\'')
			*c = '"';
	json_t *json = json_loads(buffer, 0, NULL);

	assert_non_null(json);
	free(buffer);
	return json;
}

static struct health_api answering(void)
{
	struct health_api api = {
		.ready.status = 200, .node.status = 200, .pods.status = 200, .unbound.status = 200};

	strcpy(api.kubeconfig, "/etc/rancher/k3s/k3s.yaml");
	strcpy(api.server, "https://127.0.0.1:6443");
	strcpy(api.node_name, "box");
	return api;
}

static void expect(const struct health_finding *finding, enum grade grade, const char *text,
		   const char *todo)
{
	assert_string_equal(finding->text, text);
	assert_int_equal(finding->grade, grade);
	assert_non_null(strstr(finding->todo, todo));
}

static struct health_finding judge_api(const struct health_api *api,
				       const struct health_machine *machine)
{
	struct health_report report = {0};

	health_judge_api(&report, api, machine);
	assert_int_equal(report.count, 1);
	return report.findings[0];
}

static void api_servers(void **state)
{
	struct health_api api = answering();
	struct health_finding finding;

	(void)state;
	finding = judge_api(&api, &k3s);
	expect(&finding, GRADE_OK, "https://127.0.0.1:6443 is ready", "");
	api.ready.status = 500;
	finding = judge_api(&api, &k3s);
	expect(&finding, GRADE_BAD, "https://127.0.0.1:6443 answers, and is not ready (500)",
	       "k3s kubectl get --raw '/readyz?verbose'");
	api.ready = (struct health_reply){-ECONNREFUSED, "Connection refused"};
	finding = judge_api(&api, &k3s);
	expect(&finding, GRADE_BAD, "https://127.0.0.1:6443 does not answer: Connection refused",
	       "journalctl -b -u k3s -e");
	api.ready = (struct health_reply){403, "forbidden"};
	finding = judge_api(&api, &k3s);
	expect(&finding, GRADE_OK, "https://127.0.0.1:6443 answers", "");
	api.ready = (struct health_reply){404, ""};
	finding = judge_api(&api, &k3s);
	assert_int_equal(finding.grade, GRADE_BAD);
}

/* It should be there: bad. It can't be there: no loss. It may not be read: who knows. */
static void no_kubeconfig(void **state)
{
	struct health_api api = {.error = -ENOENT};
	struct health_report report = {0};
	struct health_finding finding;

	(void)state;
	finding = judge_api(&api, &k3s);
	expect(&finding, GRADE_BAD, "there is no kubeconfig", "--kubeconfig");
	health_judge_api(&report, &api, &bare);
	health_judge_node(&report, &api, &bare, "");
	health_judge_pods(&report, &api, &bare, NULL, NULL, NULL);
	assert_int_equal(report.count, 3);
	for (size_t i = 0; i < 3; i++)
		expect(&report.findings[i], GRADE_UNKNOWN, "Kubernetes is not installed here", "");
	assert_int_equal(health_conclude(&report), HEALTH_WELL);

	strcpy(api.kubeconfig, "/etc/rancher/k3s/k3s.yaml");
	api.error = -EACCES;
	finding = judge_api(&api, &k3s);
	expect(&finding, GRADE_UNKNOWN, "/etc/rancher/k3s/k3s.yaml: permission denied", "root");
	assert_true(finding.hopeless && !finding.aside);
	api.error = -EBADMSG;
	strcpy(api.why, "k3s.yaml: it is no YAML");
	finding = judge_api(&api, &k3s);
	expect(&finding, GRADE_BAD, "k3s.yaml: it is no YAML", "");
}

/* --- the Node -------------------------------------------------------------------------------- */

#define NODE(more, conditions)                                                                     \
	"{'spec':{" more "},'status':{'nodeInfo':{'bootID':'this'},'conditions':[" conditions "]}" \
	"}"
#define IS(type, status, reason, message)                                                    \
	"{'type':'" type "','status':'" status "','reason':'" reason "','message':'" message \
	"','lastTransitionTime':'2026-11-25T10:00:00Z'}"
#define NODE_READY IS("Ready", "True", "KubeletReady", "fine")

static void expect_node(const char *node, size_t count, enum grade grade, const char *text,
			const char *todo)
{
	struct health_api api = answering();
	struct health_report report = {0};

	api.node_object = load(node);
	health_judge_node(&report, &api, &k3s, "this");
	assert_int_equal(report.count, count);
	expect(&report.findings[count - 1], grade, text, todo);
	health_api_done(&api);
}

static void nodes(void **state)
{
	(void)state;
	expect_node(NODE("", NODE_READY), 1, GRADE_OK, "box is Ready since 2026-11-25T10:00:00Z",
		    "");
	expect_node(NODE("'unschedulable':true", NODE_READY), 1, GRADE_OK,
		    "box is Ready since 2026-11-25T10:00:00Z; it takes no new pods (cordoned)", "");
	expect_node(NODE("", IS("Ready", "False", "KubeletNotReady", "cni plugin not initialized")),
		    1, GRADE_BAD, "box is not Ready: cni plugin not initialized",
		    "k3s kubectl describe node box");
	expect_node(NODE("", ""), 1, GRADE_BAD, "box is not Ready: ", "describe node");
	expect_node(NODE("", NODE_READY "," IS("MemoryPressure", "False", "r", "m") "," IS(
				     "DiskPressure", "True", "KubeletHasDiskPressure",
				     "kubelet has disk pressure")),
		    2, GRADE_BAD, "box has DiskPressure: kubelet has disk pressure",
		    "describe node");
	/* Ready, as it was said before the reboot */
	expect_node("{'status':{'nodeInfo':{'bootID':'other'},'conditions':[" NODE_READY "]}}", 1,
		    GRADE_BAD, "box: the kubelet has not reported since the boot",
		    "journalctl -b -u k3s -e");
	expect_node("{'status':{'conditions':'x'},'spec':3}", 1, GRADE_BAD,
		    "box is not Ready: ", "");
}

static void node_refused(void **state)
{
	struct health_api api = answering();
	struct health_report report = {0};

	(void)state;
	api.node = (struct health_reply){404, "not found"};
	health_judge_node(&report, &api, &k3s, "this");
	expect(&report.findings[0], GRADE_BAD, "there is no Node box", "--node-name");
	api.node = (struct health_reply){403, "nodes box is forbidden"};
	health_judge_node(&report, &api, &k3s, "this");
	expect(&report.findings[1], GRADE_UNKNOWN,
	       "/etc/rancher/k3s/k3s.yaml: nodes box is forbidden", "--kubeconfig");
	api.node = (struct health_reply){503, "etcd"};
	health_judge_node(&report, &api, &k3s, "this");
	expect(&report.findings[2], GRADE_BAD, "the API server says 503: etcd", "");
	api.node = (struct health_reply){-ETIMEDOUT, "timed out"};
	health_judge_node(&report, &api, &k3s, "this");
	expect(&report.findings[3], GRADE_UNKNOWN, "the API server could not be asked: timed out",
	       "");
	assert_false(report.findings[3].aside);
}

/* --- pods ------------------------------------------------------------------------------------ */

static json_t *pods(int ready, int waiting, int over)
{
	json_t *all = json_array();

	for (int i = 0; i < ready + waiting + over; i++) {
		bool done = i >= ready + waiting;

		json_array_append_new(
			all, json_pack("{s:{s:s+,s:s},s:{s:s},s:{s:s,s:[{s:s,s:s}]}}", "metadata",
				       "name", "p", done ? "-done" : "", "namespace", "shop",
				       "spec", "nodeName", "box", "status", "phase",
				       done ? "Succeeded" : "Running", "conditions", "type",
				       "Ready", "status", i < ready ? "True" : "False"));
	}
	return all;
}

static struct health_report judge_pods(int ready, int waiting, int over, const char *space)
{
	struct health_api api = answering();
	struct health_report report = {0};

	api.pod_objects = pods(ready, waiting, over);
	api.unbound_objects = json_array();
	health_judge_pods(&report, &api, &k3s, space, NULL, NULL);
	health_api_done(&api);
	return report;
}

static void sums_of_pods(void **state)
{
	struct health_report report = judge_pods(3, 0, 2, NULL);

	(void)state;
	expect(&report.findings[0], GRADE_OK, "all 3 are ready; 2 completed or being deleted", "");
	report = judge_pods(3, 0, 0, "shop");
	expect(&report.findings[0], GRADE_OK, "all 3 of namespace shop are ready", "");
	report = judge_pods(0, 0, 0, NULL);
	expect(&report.findings[0], GRADE_OK, "no pods are expected on box", "");
	/* a typo must not be called well */
	report = judge_pods(0, 0, 0, "shpo");
	expect(&report.findings[0], GRADE_UNKNOWN, "no pod of namespace shpo is on box",
	       "k3s kubectl -n shpo get pods");
	assert_int_equal(health_conclude(&report), HEALTH_NOT_JUDGED);
	report = judge_pods(7, 2, 0, NULL);
	expect(&report.findings[0], GRADE_BAD, "7 of 9 are ready", "k3s kubectl get pods -A");
	assert_int_equal(report.count, 3);
	assert_int_equal(report.pods_expected, 9);
	assert_int_equal(report.pods_ready, 7);
	/* not a screen full of names */
	report = judge_pods(0, 500, 0, NULL);
	assert_int_equal(report.count, 1 + 12 + 1);
	expect(&report.findings[13], GRADE_BAD, "and 488 more", "");
}

static void add_detail(void *context, struct health_finding *finding, const char *space,
		       const char *pod)
{
	++*(int *)context;
	snprintf(finding->text, sizeof(finding->text), "%s/%s: a detail", space, pod);
}

static void details(void **state)
{
	struct health_api api = answering();
	struct health_report report = {0};
	int count = 0;

	(void)state;
	api.pod_objects = pods(1, 1, 0);
	api.unbound_objects = json_array();
	api.pods_cut = true;
	health_judge_pods(&report, &api, &k3s, NULL, add_detail, &count);
	assert_int_equal(count, 1);
	expect(&report.findings[1], GRADE_BAD, "shop/p: a detail", "");
	expect(&report.findings[2], GRADE_UNKNOWN, "only the first 1000 pods were looked at", "");
	health_api_done(&api);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(api_servers),	cmocka_unit_test(no_kubeconfig),
		cmocka_unit_test(nodes),	cmocka_unit_test(node_refused),
		cmocka_unit_test(sums_of_pods), cmocka_unit_test(details),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
