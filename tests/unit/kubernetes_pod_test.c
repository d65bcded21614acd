/* SPDX-License-Identifier: Apache-2.0 */
/* Pods and Events as the API server writes them: conditions, containers, probes, static pods, bad input. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "source/kubernetes/kubernetes_pod.h"

/* The machine booted at 2026-11-25T10:00:00Z. */
#define OFFSET	    ((int64_t)1795600800 * (int64_t)NS_PER_SECOND)
#define AT(seconds) ((uint64_t)(seconds)*NS_PER_SECOND)

static const char pod_text[] =
	"{'metadata':{'name':'web-0','namespace':'shop','uid':'0f0f','annotations':{},"
	"  'creationTimestamp':'2026-11-25T10:01:00Z'},"
	" 'spec':{'nodeName':'a',"
	"  'initContainers':[{'name':'migrate','image':'m:1'},"
	"   {'name':'proxy','image':'p:1','restartPolicy':'Always'}],"
	"  'containers':[{'name':'web','image':'w:1','readinessProbe':{'periodSeconds':7,"
	"   'initialDelaySeconds':30,'successThreshold':2},'startupProbe':{'failureThreshold':60}},"
	"   {'name':'slow','image':'s:1','startupProbe':{'tcpSocket':{'port':1}}},"
	"   {'name':'plain','image':'q:1','livenessProbe':{'periodSeconds':3}}]},"
	" 'status':{'phase':'Running','conditions':["
	"   {'type':'PodScheduled','status':'True','lastTransitionTime':'2026-11-25T10:01:02Z'},"
	"   {'type':'Initialized','status':'True','lastTransitionTime':'2026-11-25T10:01:09Z'},"
	"   {'type':'Ready','status':'False','lastTransitionTime':'2026-11-25T10:01:02Z'}],"
	"  'initContainerStatuses':[{'name':'migrate','containerID':'containerd://aa','ready':true,"
	"   'state':{'terminated':{'reason':'Completed'}}}],"
	"  'containerStatuses':["
	"   {'name':'slow','ready':false,'restartCount':0,"
	"    'state':{'waiting':{'reason':'ImagePullBackOff','message':'Back-off'}}},"
	"   {'name':'web','containerID':'containerd://bb','ready':true,'restartCount':3,"
	"    'state':{'running':{'startedAt':'2026-11-25T10:01:11Z'}}}]}}";

/* Texts above have ' for ". */
static json_t *load(const char *text)
{
	char buffer[8192];

	assert_true(strlen(text) < sizeof(buffer));
	strcpy(buffer, text);
	for (char *c = buffer; *c; c++)
		if (*c == '\'')
			*c = '"';
	json_t *json = json_loads(buffer, 0, NULL);

	assert_non_null(json);
	return json;
}

static void a_pod(void **state)
{
	json_t *json = load(pod_text);
	struct event_pod_container containers[8];
	uint64_t since_ns[8];
	struct event_pod pod;

	(void)state;
	assert_int_equal(kubernetes_pod_read(json, OFFSET, &pod), 0);
	assert_string_equal(pod.pod_uid, "0f0f");
	assert_string_equal(pod.pod, "web-0");
	assert_string_equal(pod.pod_namespace, "shop");
	assert_int_equal(pod.created_ns, AT(60));
	assert_int_equal(pod.scheduled_ns, AT(62));
	assert_int_equal(pod.initialized_ns, AT(69));
	assert_int_equal(pod.ready_ns, 0);
	assert_string_equal(pod.phase, "Running");
	assert_string_equal(pod.address, "");

	assert_int_equal(kubernetes_pod_containers(json, OFFSET, containers, since_ns, 8), 5);
	assert_string_equal(containers[0].name, "migrate");
	assert_true(containers[0].init);
	assert_int_equal(containers[0].state, POD_CONTAINER_TERMINATED);
	assert_string_equal(containers[0].container_id, "aa");
	assert_false(containers[1].init); /* a sidecar */
	assert_string_equal(containers[2].name, "web");
	assert_true(containers[2].ready && containers[2].has_probe && !containers[2].init);
	assert_int_equal(containers[2].probe_period_s, 7);
	assert_int_equal(containers[2].readiness.period_s, 7);
	assert_int_equal(containers[2].readiness.initial_s, 30);
	assert_int_equal(containers[2].readiness.successes, 2);
	assert_int_equal(containers[2].readiness.failures, 3);
	assert_int_equal(containers[2].startup.period_s, 10);
	assert_int_equal(containers[2].startup.initial_s, 0);
	assert_int_equal(containers[2].startup.successes, 1);
	assert_int_equal(containers[2].startup.failures, 60);
	assert_int_equal(containers[2].restarts, 3);
	assert_int_equal(since_ns[2], AT(71));
	assert_string_equal(containers[3].reason, "ImagePullBackOff");
	assert_int_equal(containers[3].probe_period_s, 10); /* the API's default */
	assert_int_equal(containers[3].readiness.period_s, 0);
	assert_false(containers[4].has_probe);
	assert_int_equal(containers[4].state, POD_CONTAINER_NONE);
	assert_int_equal(kubernetes_pod_containers(json, OFFSET, containers, since_ns, 2), 2);
	json_decref(json);
}

static void a_static_pod_has_the_nodes_uid(void **state)
{
	json_t *json = load("{'metadata':{'name':'etcd-a','namespace':'kube-system','uid':'api',"
			    "'annotations':{'kubernetes.io/config.hash':'node',"
			    "'kubernetes.io/config.mirror':'node'}}}");
	struct event_pod pod;

	(void)state;
	assert_int_equal(kubernetes_pod_read(json, OFFSET, &pod), 0);
	assert_string_equal(pod.pod_uid, "node");
	assert_true(pod.is_static);
	json_decref(json);
}

static void how_it_ends(void **state)
{
	json_t *json =
		load("{'metadata':{'name':'web-0','namespace':'shop','uid':'0f0f',"
		     "'deletionTimestamp':'2026-11-25T10:02:30Z','deletionGracePeriodSeconds':30},"
		     "'spec':{'terminationGracePeriodSeconds':45,'containers':["
		     " {'name':'web','livenessProbe':{},'lifecycle':{'preStop':{}},"
		     "  'resources':{'requests':{'memory':'128Mi'}}},"
		     " {'name':'side','resources':{'requests':{'memory':'1500m'}}},"
		     " {'name':'none','resources':{'requests':{'memory':'lots'}}},"
		     " {'name':'more','resources':{'requests':{'memory':'1e3'}}}]},"
		     "'status':{'phase':'Failed','reason':'Evicted','message':'low',"
		     " 'conditions':[{'type':'DisruptionTarget','status':'True',"
		     "  'reason':'TerminationByKubelet'}],"
		     " 'containerStatuses':[{'name':'web','containerID':'containerd://bb',"
		     "  'state':{'terminated':{'exitCode':137,'reason':'Error'}},"
		     "  'lastState':{'terminated':{'exitCode':3,'reason':'OOMKilled',"
		     "   'containerID':'containerd://aa'}}}]}}");
	struct event_pod_container containers[4];
	uint64_t since_ns[4];
	struct event_pod pod;

	(void)state;
	assert_int_equal(kubernetes_pod_read(json, OFFSET, &pod), 0);
	assert_int_equal(pod.deleted_ns, AT(150));
	assert_int_equal(pod.grace_s, 30);
	assert_int_equal(pod.spec_grace_s, 45);
	assert_int_equal(pod.memory_request_bytes, (128 << 20) + 2 + 1000);
	assert_string_equal(pod.reason, "Evicted");
	assert_string_equal(pod.disruption, "TerminationByKubelet");
	assert_false(pod.is_static);
	assert_int_equal(kubernetes_pod_containers(json, OFFSET, containers, since_ns, 4), 4);
	assert_true(containers[0].has_liveness && containers[0].has_pre_stop);
	assert_int_equal(containers[0].exit_code, 137);
	assert_string_equal(containers[0].last_container_id, "aa");
	assert_string_equal(containers[0].last_reason, "OOMKilled");
	assert_int_equal(containers[0].last_exit_code, 3);
	assert_false(containers[1].has_liveness || containers[1].has_pre_stop);
	json_decref(json);
}

static void what_is_no_pod(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"{'metadata':7}",
		"{'metadata':{'uid':'u'}}",
		"{'metadata':{'name':'n'}}",
		"{'metadata':{'uid':3,'name':'n'}}",
	};
	struct event_pod_container containers[2];
	uint64_t since_ns[2];
	struct event_pod pod;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		json_t *json = load(texts[i]);

		assert_int_equal(kubernetes_pod_read(json, OFFSET, &pod), -EBADMSG);
		assert_int_equal(kubernetes_pod_containers(json, OFFSET, containers, since_ns, 2),
				 0);
		json_decref(json);
	}
	/* times that are none, and from before the boot */
	json_t *json = load("{'metadata':{'uid':'u','name':'n','creationTimestamp':'soon'},"
			    "'status':{'conditions':[7,{'type':'PodScheduled','status':'True',"
			    "'lastTransitionTime':'1999-01-01T00:00:00Z'}]}}");

	assert_int_equal(kubernetes_pod_read(json, OFFSET, &pod), 0);
	assert_int_equal(pod.created_ns, 0);
	assert_int_equal(pod.scheduled_ns, 1);
	json_decref(json);
}

static int read_trouble(const char *more, struct event_pod_trouble *ret)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "{'involvedObject':{'kind':'Pod','uid':'u'},'reason':'FailedMount',%s}", more);
	json_t *json = load(text);
	int r = kubernetes_trouble_read(json, OFFSET, ret);

	json_decref(json);
	return r;
}

static void troubles(void **state)
{
	struct event_pod_trouble trouble;

	(void)state;
	assert_int_equal(read_trouble("'type':'Warning','message':'no secret','count':4,"
				      "'source':{'component':'kubelet'},"
				      "'firstTimestamp':'2026-11-25T10:00:05Z',"
				      "'lastTimestamp':'2026-11-25T10:00:25Z'",
				      &trouble),
			 0);
	assert_string_equal(trouble.component, "kubelet");
	assert_int_equal(trouble.count, 4);
	assert_int_equal(trouble.first_ns, AT(5));
	assert_int_equal(trouble.last_ns, AT(25));
	/* the newer API: an eventTime and a series */
	assert_int_equal(read_trouble("'type':'Warning','reportingComponent':'default-scheduler',"
				      "'eventTime':'2026-11-25T10:00:05.250000Z',"
				      "'series':{'count':9,"
				      "'lastObservedTime':'2026-11-25T10:00:09.5Z'}",
				      &trouble),
			 0);
	assert_string_equal(trouble.component, "default-scheduler");
	assert_int_equal(trouble.count, 9);
	assert_int_equal(trouble.first_ns, AT(5) + 250 * NS_PER_MS);
	assert_int_equal(trouble.last_ns, AT(9) + 500 * NS_PER_MS);
	assert_int_equal(read_trouble("'type':'Normal'", &trouble), -ENOENT);
	assert_int_equal(
		read_trouble("'type':'Warning','reportingComponent':'nodewake.io/agent'", &trouble),
		-ENOENT);
	assert_int_equal(read_trouble("'type':'Warning','reason':'BackOff'", &trouble), -ENOENT);
}

static int read_attach(const char *reason, const char *message, const char *stamp,
		       struct event_work *ret, uint64_t *ret_ns)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{'involvedObject':{'kind':'Pod','uid':'u'},'type':'Normal','reason':'%s',"
		 "'message':'%s','lastTimestamp':'%s'}",
		 reason, message, stamp);
	json_t *json = load(text);
	int r = kubernetes_attach_read(json, OFFSET, ret, ret_ns);

	json_decref(json);
	return r;
}

static void attached_volumes(void **state)
{
	static const char message[] = "AttachVolume.Attach succeeded for volume \\'pvc-1f3b\\' ";
	static const char stamp[] = "2026-11-25T10:00:25Z";
	struct event_work work;
	uint64_t at_ns;

	(void)state;
	assert_int_equal(read_attach("SuccessfulAttachVolume", message, stamp, &work, &at_ns), 0);
	assert_int_equal(work.kind, WORK_VOLUME);
	assert_string_equal(work.pod_uid, "u");
	assert_string_equal(work.name, "pvc-1f3b");
	assert_int_equal(work.began_ns, 0);
	assert_int_equal(at_ns, AT(25));
	assert_int_equal(read_attach("Scheduled", message, stamp, &work, &at_ns), -ENOENT);
	assert_int_equal(read_attach("SuccessfulAttachVolume", "done", stamp, &work, &at_ns),
			 -ENOENT);
	assert_int_equal(read_attach("SuccessfulAttachVolume", message, "soon", &work, &at_ns),
			 -ENOENT);
}

static struct kubernetes_node read_node(const char *boot_id, const char *ready)
{
	char text[512];
	struct kubernetes_node node;

	snprintf(text, sizeof(text),
		 "{'status':{'nodeInfo':{'bootID':'%s'},'conditions':["
		 "{'type':'MemoryPressure','status':'True',"
		 "'lastTransitionTime':'2026-11-25T10:00:01Z'},{'type':'Ready',%s}]}}",
		 boot_id, ready);
	json_t *json = load(text);

	kubernetes_node_read(json, "b-2", OFFSET, &node);
	json_decref(json);
	return node;
}

static void nodes(void **state)
{
	struct kubernetes_node node =
		read_node("b-2", "'status':'True','lastTransitionTime':'2026-11-25T10:00:21Z',"
				 "'lastHeartbeatTime':'2026-11-25T10:05:00Z'");

	(void)state;
	assert_true(node.of_this_boot);
	assert_int_equal(node.ready_ns, AT(21));
	assert_int_equal(node.heard_ns, AT(300));
	node = read_node("b-1", "'status':'True','lastTransitionTime':'2026-11-24T10:00:21Z',"
				"'lastHeartbeatTime':'2026-11-25T09:59:59Z'");
	assert_false(node.of_this_boot);
	assert_int_equal(node.ready_ns, 1);
	assert_int_equal(node.heard_ns, 0);
	for (int i = 0; i < 3; i++) {
		static const char *const not_ready[] = {
			"'status':'False','lastTransitionTime':'2026-11-25T10:00:21Z'",
			"'status':'Unknown','lastTransitionTime':'2026-11-25T10:00:21Z'",
			"'status':true"};

		node = read_node("b-2", not_ready[i]);
		assert_int_equal(node.ready_ns, 0);
	}
	kubernetes_node_read(NULL, "b-2", OFFSET, &node);
	assert_false(node.of_this_boot);
}

static void wall_times(void **state)
{
	static const char *const bad[] = {"",
					  "2026-11-25",
					  "2026-11-25T10:00:00",
					  "2026-11-25T10:00:00z",
					  "2026-11-25T10:00:00Z ",
					  "2026-11-25T10:00:00+1:00",
					  "2026-11-25T10:00:00+99:00"};
	int64_t ns;

	(void)state;
	assert_int_equal(clock_wall_parse("2026-11-25T10:00:00Z", &ns), 0);
	assert_true(ns == OFFSET);
	assert_int_equal(clock_wall_parse("2026-11-25T11:30:00.000000001+01:30", &ns), 0);
	assert_true(ns == OFFSET + 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(clock_wall_parse(bad[i], &ns), -EINVAL);
}

/* Its own: the node's would name many. */
static void addresses(void **state)
{
	static const struct {
		const char *text, *address, *second;
	} rows[] = {
		{"'spec':{},'status':{'podIP':'10.42.0.7','podIPs':[{'ip':'10.42.0.7'}]}",
		 "10.42.0.7", ""},
		{"'spec':{},'status':{'podIP':'10.42.0.7','podIPs':[{'ip':'10.42.0.7'},"
		 "{'ip':'fd00::7'}]}",
		 "10.42.0.7", "fd00::7"},
		{"'spec':{'hostNetwork':true},'status':{'podIP':'192.0.2.1'}", "", ""},
		{"'spec':{'hostNetwork':false},'status':{'podIP':7,'podIPs':7}", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[512];
		struct event_pod pod;

		snprintf(text, sizeof(text), "{'metadata':{'name':'a','uid':'b'},%s}",
			 rows[i].text);
		json_t *json = load(text);

		assert_int_equal(kubernetes_pod_read(json, OFFSET, &pod), 0);
		assert_string_equal(pod.address, rows[i].address);
		assert_string_equal(pod.second_address, rows[i].second);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pod),
		cmocka_unit_test(addresses),
		cmocka_unit_test(a_static_pod_has_the_nodes_uid),
		cmocka_unit_test(how_it_ends),
		cmocka_unit_test(what_is_no_pod),
		cmocka_unit_test(troubles),
		cmocka_unit_test(attached_volumes),
		cmocka_unit_test(nodes),
		cmocka_unit_test(wall_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
