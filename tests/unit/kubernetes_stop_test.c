// SPDX-License-Identifier: Apache-2.0
/* What is asked of the API server when something was stopped, and how the answers come as events. */
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "source/kubernetes/kubernetes_source.h"
#include "unit/event_log.h"
#include "unit/kube_fake.h"
#include "unit/store_fixture.h"

struct fixture {
	sd_event *loop;
	struct kubernetes_source *source;
	struct event_log log;
};

static json_t *load(const char *text)
{
	char buffer[8192];

	assert_true(strlen(text) < sizeof(buffer));
	strcpy(buffer, text);
	for (char *c = buffer; *c; c++) /* texts have ' for " */
		if (*c == '\'')
			*c = '"';
	json_t *json = json_loads(buffer, 0, NULL);

	assert_non_null(json);
	return json;
}

static void tell_pod(const char *metadata, const char *status)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "{'metadata':{'uid':'uid-1','name':'web-0','namespace':'shop'%s},"
		 "'spec':{'containers':[{'name':'web'}]},'status':{'phase':'Running'%s}}",
		 metadata, status);
	fake_step(KUBE_WATCH_OBJECT, load(text), false);
}

static void begin(struct fixture *fixture)
{
	*fixture = (struct fixture){0};
	log_set_level(LOG_LEVEL_ERROR);
	assert_true(sd_event_new(&fixture->loop) >= 0);
	assert_int_equal(kubernetes_source_new(&fixture->source, fixture->loop, fake_open(),
					       "node-1", event_log_take, &fixture->log),
			 0);
	fake_step(KUBE_WATCH_LIST, NULL, false);
	fake_step(KUBE_WATCH_LISTED, NULL, false);
	tell_pod("", ",'containerStatuses':[{'name':'web','state':{'running':{}}}]");
}

static void end(struct fixture *fixture)
{
	event_log_done(&fixture->log);
	kubernetes_source_free(fixture->source);
	fake_close();
	sd_event_unref(fixture->loop);
}

/* The n-th of its type; NULL if there are fewer. */
static const struct event *nth(const struct fixture *fixture, enum event_type type, uint32_t n)
{
	for (uint32_t i = 0; i < fixture->log.count; i++)
		if (fixture->log.events[i].type == type && n-- == 0)
			return &fixture->log.events[i];
	return NULL;
}

/* As the API server of Kubernetes 1.20 lists them. */
static const char events_text[] =
	"{'items':["
	"{'type':'Normal','reason':'Killing','message':'Container web failed liveness probe, will "
	"be"
	" restarted','involvedObject':{'kind':'Pod','uid':'uid-1','fieldPath':'spec.containers{web}"
	"'},"
	" 'source':{'component':'kubelet'},'firstTimestamp':'2036-11-28T23:00:01Z',"
	" 'lastTimestamp':'2036-11-28T23:00:31Z','count':2},"
	"{'type':'Warning','reason':'Unhealthy','message':'Readiness probe failed: no',"
	" 'involvedObject':{'kind':'Pod','uid':'uid-1','fieldPath':'spec.containers{web}'},"
	" 'firstTimestamp':'2036-11-28T23:00:01Z','lastTimestamp':'2036-11-28T23:00:01Z'},"
	"{'type':'Warning','reason':'Unhealthy','message':'Liveness probe failed: no',"
	" 'involvedObject':{'kind':'Pod','uid':'uid-1','fieldPath':'spec.containers{web}'},"
	" 'firstTimestamp':'2036-11-28T23:00:01Z','lastTimestamp':'2036-11-28T23:00:01Z'},"
	"{'type':'Warning','reason':'FailedMount','message':'x','involvedObject':{'kind':'Pod',"
	" 'uid':'uid-1'},'firstTimestamp':'2036-11-28T23:00:01Z'},"
	"{'type':'Normal','reason':'Killing','message':'x','involvedObject':{'kind':'Node',"
	" 'uid':'uid-1'},'firstTimestamp':'2036-11-28T23:00:01Z'}]}";

static void events_are_asked_for_after_a_stop(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture);
	fake_run(fixture.loop, 100);
	assert_int_equal(fake.count, 0);
	kubernetes_source_stopped(fixture.source, "uid-1", true);
	kubernetes_source_stopped(fixture.source, "uid-1", true); /* told again */
	assert_true(fake_run_until(fixture.loop, 1));
	assert_string_equal(fake.calls[0].path,
			    "/api/v1/namespaces/shop/events"
			    "?fieldSelector=involvedObject.name%3Dweb-0&limit=50");
	fake_answer(0, 200, "", "", 0, load(events_text));
	/* the probe's words first: when it is known what was done about it, nothing more is waited for */
	const struct event *seen = nth(&fixture, EVENT_POD_TROUBLE, 0);
	const struct event *done = nth(&fixture, EVENT_POD_TROUBLE, 1);

	assert_non_null(seen);
	assert_non_null(done);
	assert_null(nth(&fixture, EVENT_POD_TROUBLE, 2));
	assert_string_equal(seen->pod_trouble.message, "Liveness probe failed: no");
	assert_string_equal(done->pod_trouble.reason, "Killing");
	assert_string_equal(done->pod_trouble.container, "web");
	assert_int_equal(done->pod_trouble.count, 2);
	assert_int_equal(done->pod_trouble.last_ns - done->pod_trouble.first_ns, 30 * S);
	assert_true(seen->pod_trouble.of_stop && done->pod_trouble.of_stop);
	kubernetes_source_stopped(fixture.source, "uid-1", false);
	fake_run(fixture.loop, 200);
	assert_int_equal(fake.count, 1);
	end(&fixture);
}

static void node_answers(const char *version, const char *taints, int call)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "{'spec':{'taints':[%s]},'status':{'nodeInfo':{'kubeletVersion':'%s'}}}", taints,
		 version);
	fake_answer(call, 200, "", "", 0, load(text));
}

static void the_node_is_looked_at_for_what_is_deleted(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture);
	tell_pod(",'deletionTimestamp':'2036-11-28T23:00:30Z','deletionGracePeriodSeconds':30", "");
	kubernetes_source_stopped(fixture.source, "uid-1", true);
	kubernetes_source_stopped(fixture.source, "uid-of-nobody", true);
	assert_true(fake_run_until(fixture.loop, 1));
	assert_string_equal(fake.calls[0].path, "/api/v1/nodes/node-1");
	node_answers("v1.20.2",
		     "{'key':'node.kubernetes.io/unschedulable','effect':'NoSchedule',"
		     "'timeAdded':'2036-11-28T23:00:29Z'}",
		     0);
	const struct event *node = nth(&fixture, EVENT_NODE, 0);

	assert_non_null(node);
	assert_true(node->node.cordoned_ns > 0);
	assert_false(node->node.tells_deletions);
	fake_run(fixture.loop, 100);
	assert_int_equal(fake.count, 1);
	end(&fixture);
}

/* Only then are a deleted pod's Events asked for. */
static void a_taint_makes_ask_for_events(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture);
	tell_pod(",'deletionTimestamp':'2036-11-28T23:00:30Z'", "");
	kubernetes_source_stopped(fixture.source, "uid-1", true);
	assert_true(fake_run_until(fixture.loop, 1));
	node_answers("v1.25.16", "{'key':'shop','effect':'NoExecute'}", 0);
	assert_int_equal(nth(&fixture, EVENT_NODE, 0)->node.cordoned_ns, 0);
	assert_true(fake_run_until(fixture.loop, 2));
	assert_non_null(strstr(fake.calls[1].path, "/events?"));
	/* it is gone by then; its Events are still there, and name no uid */
	fake_step(KUBE_WATCH_DELETED, load("{'metadata':{'name':'web-0','namespace':'shop'}}"),
		  false);
	assert_non_null(nth(&fixture, EVENT_POD_GONE, 0));
	fake_answer(1, 200, "", "", 0,
		    load("{'items':[{'type':'Normal','reason':'TaintManagerEviction','message':"
			 "'Marking for deletion Pod shop/web-0','involvedObject':{'kind':'Pod',"
			 "'name':'web-0'},'firstTimestamp':'2036-11-28T23:00:01Z'}]}"));
	assert_string_equal(nth(&fixture, EVENT_POD_TROUBLE, 0)->pod_trouble.pod_uid, "uid-1");
	end(&fixture);
}

static void pods_that_tell_it_themselves(void **state)
{
	static const char *const versions[] = {"v1.26.0", "v1.33.1+k3s1", "v2.0.0"};

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		struct fixture fixture;

		begin(&fixture);
		tell_pod(",'deletionTimestamp':'2036-11-28T23:00:30Z'", "");
		kubernetes_source_stopped(fixture.source, "uid-1", true);
		assert_true(fake_run_until(fixture.loop, 1));
		node_answers(versions[i], "", 0);
		assert_true(nth(&fixture, EVENT_NODE, 0)->node.tells_deletions);
		kubernetes_source_stopped(fixture.source, "uid-1", true);
		fake_run(fixture.loop, 50);
		assert_int_equal(fake.count, 1);
		end(&fixture);
	}
}

/* kubectl delete --grace-period=0 --force: the pod goes at once, and only its last form says how. */
static void the_last_form_is_told_before_it_goes(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture);
	fake_step(
		KUBE_WATCH_DELETED,
		load("{'metadata':{'uid':'uid-1','name':'web-0','namespace':'shop',"
		     "'deletionTimestamp':'2036-11-28T23:00:30Z','deletionGracePeriodSeconds':0},"
		     "'spec':{'terminationGracePeriodSeconds':30,'containers':[{'name':'web'}]}}"),
		false);
	const struct event *pod = nth(&fixture, EVENT_POD, 1);

	assert_non_null(pod);
	assert_true(pod->pod.deleted_ns > 0);
	assert_int_equal(pod->pod.spec_grace_s, 30);
	assert_non_null(nth(&fixture, EVENT_POD_GONE, 0));
	end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_asked_for_after_a_stop),
		cmocka_unit_test(the_node_is_looked_at_for_what_is_deleted),
		cmocka_unit_test(a_taint_makes_ask_for_events),
		cmocka_unit_test(pods_that_tell_it_themselves),
		cmocka_unit_test(the_last_form_is_told_before_it_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
