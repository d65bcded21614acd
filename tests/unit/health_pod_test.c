// SPDX-License-Identifier: Apache-2.0
/* Pods as the API server shows them: which are ready, and what is said of those that aren't. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/health/health_api.h"

#define SECOND ((int64_t)NS_PER_SECOND)
/* The machine booted at 2026-11-25T10:00:00Z, and it is ten past. */
#define BOOT (INT64_C(1795600800) * SECOND)

static struct health_machine machine(void)
{
	return (struct health_machine){
		.boot_wall_ns = BOOT,
		.now_wall_ns = BOOT + 600 * SECOND,
		.kubectl = "kubectl",
		.alive_seen = true,
	};
}

/* Texts have ' for ". */
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

#define NAMED	  "'metadata':{'name':'web-0','namespace':'shop','uid':'u'}"
#define SPEC	  "'spec':{'nodeName':'a','containers':[{'name':'app','image':'r/app:1'}]}"
#define READY(is) "{'type':'Ready','status':'" is "','lastTransitionTime':'2026-11-25T10:05:00Z'}"
#define POD(state)                                                                                 \
	"{" NAMED "," SPEC ",'status':{'phase':'Running','conditions':[" READY("False") "]," state \
											"}}"
#define STATUS(state)                                        \
	POD("'containerStatuses':[{'name':'app','image':'r/" \
	    "app:1','ready':false,'restartCount':4," state "}]")

static enum health_pod_state judge(const char *text, struct health_finding *ret)
{
	struct health_machine here = machine();
	json_t *pod = load(text);

	memset(ret, 0, sizeof(*ret));
	enum health_pod_state state = health_judge_pod(pod, &here, ret);

	json_decref(pod);
	return state;
}

static void expect(const char *text, const char *reason, const char *said, const char *todo)
{
	struct health_finding finding;

	assert_int_equal(judge(text, &finding), HEALTH_POD_NOT_READY);
	assert_int_equal(finding.grade, GRADE_BAD);
	assert_string_equal(finding.check, "pod");
	assert_string_equal(finding.subject, "shop/web-0");
	assert_string_equal(finding.reason, reason);
	assert_string_equal(finding.text, said);
	assert_non_null(strstr(finding.todo, todo));
}

static void ready_and_not_expected(void **state)
{
	struct health_finding finding;

	(void)state;
	assert_int_equal(judge("{" NAMED "," SPEC
			       ",'status':{'phase':'Running','conditions':[" READY("True") "]}}",
			       &finding),
			 HEALTH_POD_READY);
	assert_int_equal(judge("{" NAMED "," SPEC ",'status':{'phase':'Succeeded'}}", &finding),
			 HEALTH_POD_ASIDE);
	assert_int_equal(judge("{" NAMED "," SPEC
			       ",'status':{'phase':'Failed','reason':'NodeShutdown'}}",
			       &finding),
			 HEALTH_POD_ASIDE);
	assert_int_equal(judge("{'metadata':{'name':'w','namespace':'s','deletionTimestamp':"
			       "'2026-11-25T10:01:00Z'}," SPEC ",'status':{'phase':'Running'}}",
			       &finding),
			 HEALTH_POD_ASIDE);
}

static void crash_loop(void **state)
{
	(void)state;
	expect(STATUS("'state':{'waiting':{'reason':'CrashLoopBackOff','message':'back-off'}},"
		      "'lastState':{'terminated':{'exitCode':3,'reason':'Error'}}"),
	       "CrashLoopBackOff",
	       "CrashLoopBackOff of app, restarted 4 times, last exit code 3 (Error)",
	       "kubectl -n shop logs web-0 -c app --previous");
}

static void images(void **state)
{
	(void)state;
	expect(STATUS("'state':{'waiting':{'reason':'ImagePullBackOff','message':'Back-off "
		      "pulling'}}"),
	       "ImagePullBackOff", "ImagePullBackOff of app: r/app:1: Back-off pulling",
	       "kubectl -n shop describe pod web-0");
	/* a registry of this machine is asked first */
	expect(POD("'containerStatuses':[{'name':'app','image':'localhost:5000/x/"
		   "app:1','ready':false,"
		   "'state':{'waiting':{'reason':'ErrImagePull','message':'connection "
		   "refused'}}}]"),
	       "ErrImagePull", "ErrImagePull of app: localhost:5000/x/app:1: connection refused",
	       "curl -sS http://localhost:5000/v2/_catalog");
}

static void other_waits(void **state)
{
	(void)state;
	expect(STATUS("'state':{'waiting':{'reason':'CreateContainerConfigError','message':"
		      "'secret \\'key\\' not found'}}"),
	       "CreateContainerConfigError",
	       "CreateContainerConfigError of app: secret \"key\" not found", "describe pod");
	expect(STATUS("'state':{'waiting':{'reason':'ContainerCreating'}}"), "ContainerCreating",
	       "ContainerCreating of app", "describe pod");
	expect(STATUS("'state':{'waiting':{}}"), "Waiting", "waiting of app", "describe pod");
	expect(STATUS("'state':{'terminated':{'exitCode':137,'reason':'OOMKilled'}}"), "OOMKilled",
	       "app has ended, exit code 137 (OOMKilled), restarted 4 times", "logs web-0 -c app");
}

#define PROBED(probe)                                                                           \
	"{" NAMED ",'spec':{'nodeName':'a','containers':[{'name':'app',"                        \
	"'" probe "':{'periodSeconds':30}}]},'status':{'phase':'Running','conditions':[" READY( \
		"False") "],'containerStatuses':[{'name':'app','ready':false,'restartCount':0," \
			 "'state':{'running':{'startedAt':'2026-11-25T10:09:15Z'}}}]}}"

static void probes(void **state)
{
	(void)state;
	expect(PROBED("readinessProbe"), "ProbeFailing",
	       "app runs since 10:09:15Z, its readiness probe has not passed (every 30s)",
	       "nodewake explain web-0 -n shop");
	expect(PROBED("startupProbe"), "ProbeFailing",
	       "app runs since 10:09:15Z, its startup probe has not passed (every 30s)",
	       "describe pod");
	expect(PROBED("livenessProbe"), "NotReady",
	       "app runs since 10:09:15Z, and is not called ready", "describe pod");
}

static void init_containers(void **state)
{
	(void)state;
	expect("{" NAMED "," SPEC ",'status':{'phase':'Pending','conditions':["
	       "{'type':'Initialized','status':'False'}],"
	       "'initContainerStatuses':["
	       "{'name':'first','ready':false,'state':{'terminated':{'exitCode':0}}},"
	       "{'name':'migrate','ready':false,'restartCount':1,"
	       "'state':{'waiting':{'reason':'CrashLoopBackOff'}},"
	       "'lastState':{'terminated':{'exitCode':1}}}],"
	       "'containerStatuses':[{'name':'app','state':{'waiting':{'reason':'PodInitializing'}}"
	       "}]}}",
	       "CrashLoopBackOff",
	       "CrashLoopBackOff of migrate, restarted 1 time, last exit code 1",
	       "logs web-0 -c migrate --previous");
	expect("{" NAMED "," SPEC ",'status':{'phase':'Pending','conditions':["
	       "{'type':'Initialized','status':'False'}],"
	       "'initContainerStatuses':[{'name':'wait-for-db','state':{'running':{}}}]}}",
	       "Init", "init container wait-for-db runs", "logs web-0 -c wait-for-db");
}

static void not_begun(void **state)
{
	(void)state;
	expect("{" NAMED "," SPEC ",'status':{'phase':'Pending'}}", "Pending",
	       "the kubelet has not begun with it", "describe pod");
	expect("{" NAMED "," SPEC ",'status':{'phase':'Pending','reason':'OutOfcpu',"
	       "'message':'Node did not have enough cpu'}}",
	       "OutOfcpu", "OutOfcpu: Node did not have enough cpu", "describe pod");
	expect("{" NAMED "," SPEC ",'status':{'phase':'Running','conditions':[{'type':'Ready',"
	       "'status':'False','reason':'ReadinessGatesNotReady','message':'gate x is not "
	       "true'}]}}",
	       "ReadinessGatesNotReady", "gate x is not true", "describe pod");
}

#define UNBOUND(condition) \
	"{" NAMED ",'spec':{},'status':{'phase':'Pending','conditions':[" condition "]}}"

static void unscheduled(void **state)
{
	struct health_finding finding;

	(void)state;
	expect(UNBOUND("{'type':'PodScheduled','status':'False','reason':'Unschedulable',"
		       "'message':'0/1 nodes are available: 1 Insufficient memory.'}"),
	       "Unschedulable", "Pending: 0/1 nodes are available: 1 Insufficient memory.",
	       "describe pod");
	expect(UNBOUND(""), "Pending", "Pending: the scheduler has not looked at it so far",
	       "describe pod");
	/* among three nodes it need not be this one's */
	assert_int_equal(judge(UNBOUND("{'type':'PodScheduled','status':'False',"
				       "'reason':'Unschedulable',"
				       "'message':'0/3 nodes are available: 3 Insufficient cpu.'}"),
			       &finding),
			 HEALTH_POD_ELSEWHERE);
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define RAN(since)                                                                     \
	"{" NAMED "," SPEC                                                             \
	",'status':{'phase':'Running','conditions':[{'type':'Ready','status':'True',"  \
	"'lastTransitionTime':'" since                                                 \
	"'}],'containerStatuses':[{'name':'app','ready':true,'containerID':"           \
	"'containerd://" ID "','state':{'running':{'startedAt':'2026-11-24T08:00:00Z'" \
	"}}}]}}"

/* What was said before the boot is not believed. */
static void said_before_the_boot(void **state)
{
	struct health_machine here = machine();
	struct health_finding finding;
	json_t *old = load(RAN("2026-11-24T08:00:00Z"));

	(void)state;
	expect(RAN("2026-11-24T08:00:00Z"), "NotReported", "nothing was said of it since the boot",
	       "describe pod");
	assert_int_equal(judge(RAN("2026-11-25T10:00:30Z"), &finding), HEALTH_POD_READY);
	/* its container is here: the clock was wrong */
	here.alive = calloc(1, sizeof(*here.alive));
	strcpy(here.alive[0], ID);
	here.alive_count = 1;
	assert_int_equal(health_judge_pod(old, &here, &finding), HEALTH_POD_READY);
	/* containers can't be seen from a pod: nothing speaks against it */
	here.alive_count = 0;
	here.alive_seen = false;
	assert_int_equal(health_judge_pod(old, &here, &finding), HEALTH_POD_READY);
	json_decref(old);
	health_machine_done(&here);
}

#define AGAIN(began, ended)                                                                   \
	"{" NAMED "," SPEC ",'status':{'phase':'Running','conditions':[" READY(               \
		"True") "],'containerStatuses':[{'name':'app','ready':true,'restartCount':2," \
			"'state':{'running':{'startedAt':'" began                             \
			"'}},'lastState':{'terminated':{'exitCode':1,'startedAt':'" ended     \
			"'}}}]}}"

/* A crash loop without a probe is ready at each of its starts. */
static void ready_for_a_moment(void **state)
{
	struct health_finding finding;

	(void)state;
	expect(AGAIN("2026-11-25T10:09:55Z", "2026-11-25T10:09:00Z"), "Restarted",
	       "app runs again for a few seconds, restarted 2 times, last exit code 1",
	       "logs web-0 -c app --previous");
	assert_int_equal(judge(AGAIN("2026-11-25T10:09:45Z", "2026-11-25T10:09:00Z"), &finding),
			 HEALTH_POD_READY);
	/* it ended with the boot before */
	assert_int_equal(judge(AGAIN("2026-11-25T10:09:55Z", "2026-11-25T09:00:00Z"), &finding),
			 HEALTH_POD_READY);
}

static void garbage(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"{'metadata':3,'status':[]}",
		"{" NAMED ",'spec':'x','status':{'conditions':{'a':1}}}",
		"{" NAMED "," SPEC
		",'status':{'conditions':[1,null,'x'],'containerStatuses':[1,{}]}}",
		"{" NAMED "," SPEC ",'status':{'containerStatuses':[{'state':{'waiting':7}}]}}",
		"{" NAMED "," SPEC
		",'status':{'containerStatuses':[{'state':{'running':{'startedAt':'soon'}}}]}}",
	};
	struct health_finding finding;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_not_equal(judge(texts[i], &finding), HEALTH_POD_READY);
}

/* Longest names and messages are cut, not written past the end. */
static void long_texts(void **state)
{
	struct health_finding finding;
	char longest[600], *text = NULL;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_true(asprintf(&text,
			     "{'metadata':{'name':'%s','namespace':'%s'}," SPEC
			     ",'status':{'containerStatuses':[{'name':'%s','image':'%s','state':"
			     "{'waiting':{'reason':'ErrImagePull%s','message':'%s'}}}]}}",
			     longest, longest, longest, longest, longest, longest) > 0);
	assert_int_equal(judge(text, &finding), HEALTH_POD_NOT_READY);
	assert_true(strlen(finding.text) < sizeof(finding.text));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ready_and_not_expected),
		cmocka_unit_test(crash_loop),
		cmocka_unit_test(images),
		cmocka_unit_test(other_waits),
		cmocka_unit_test(probes),
		cmocka_unit_test(init_containers),
		cmocka_unit_test(not_begun),
		cmocka_unit_test(unscheduled),
		cmocka_unit_test(said_before_the_boot),
		cmocka_unit_test(ready_for_a_moment),
		cmocka_unit_test(garbage),
		cmocka_unit_test(long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
