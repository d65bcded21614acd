// SPDX-License-Identifier: Apache-2.0
/* The calls that containerd logs, as each version writes them, and which begin belongs to which return. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "source/containerd/cri_calls.h"

#define S      NS_PER_SECOND

#define INFO   "time=\"2026-11-25T17:23:18.293823080Z\" level=info msg=\""
#define ERROR  "time=\"2026-11-25T17:23:18.820600128Z\" level=error msg=\""
#define SB_16  "2ece2baf9d709ada93fc99f01bd4ca0ccd9efb738697fbd4c70ba642f0b57ad1"
#define C_16   "baf8b770d94b3bf0fa5a9a889f3b431cf69e9708a676b9d94c89244a72fac1c6"
#define BAD_16 "aa8e9718182bf51f74205803297a335798baf93e31fc0fb86e7f307fd23728ec"
#define SB_17  "ce6dd4617748e6a5c8badbd9269e8c757abc11aadc3686e219151d4cc105c05d"
#define C_17   "b612664bb6203cef3d8f0ded583bb354da1cee8d7c63c58abb6d749c983dbbc7"
#define BAD_17 "1adfd22226cea0fcd425ae80c99a63c26bc676488dd91c46ad5e931894893518"
#define SB_21  "87900e8a3c95a7c05119b5d77131a54cce2f9a6a152db2e73cd4706f0366710c"
#define C_21   "c3f7e7d7290f0cee781fa769a447fbf8910ab014c2de26bdf20e973d198b5bd5"
#define BAD_21 "a08f00f238e25ada6cf2f6df71db9c45a3fef745be3082694ff6d56b784484cb"
#define SB_NEW "afb75b1448f76af7f48628ea50d4669cbff72d651cac0f56ca77d98ad934decc"
#define C_NEW  "144cb22ef532dfe7faeec72bc462c890dbff2f0b4c9e1e646ef5f7b49b5089a6"

#define Q      "\\\""
#define POD_16                                                                                    \
	"&PodSandboxMetadata{Name:web-0,Uid:ae4909fc-77ae-477b-97da-ebb438695565,Namespace:shop," \
	"Attempt:0,}"
#define POD_17                                                                                    \
	"&PodSandboxMetadata{Name:web-0,Uid:52c5ca56-f2db-40b6-b78b-ba1195463ed3,Namespace:shop," \
	"Attempt:0,}"
#define POD_21                                                                                    \
	"&PodSandboxMetadata{Name:web-0,Uid:69498e4d-308d-46a9-94a0-db98f8f68467,Namespace:shop," \
	"Attempt:0,}"
#define POD_NEW                                                                                  \
	"name:" Q "xwing" Q "  uid:" Q "efa146e2-0e40-4984-a1d0-0f0d745d3440" Q "  namespace:" Q \
	"default" Q

#define RAN(pod, id)                                                                         \
	{                                                                                    \
		CRI_RUN_POD_SANDBOX, INFO "RunPodSandbox for " pod "\"",                     \
			INFO "RunPodSandbox for " pod " returns sandbox id " Q id Q "\"", id \
	}
#define NOT_RAN(pod, error)                                                                    \
	{                                                                                      \
		CRI_RUN_POD_SANDBOX, INFO "RunPodSandbox for " pod "\"",                       \
			ERROR "RunPodSandbox for " pod " failed, error\" error=\"" error "\"", \
			NULL                                                                   \
	}
#define WITHIN(sandbox) "CreateContainer within sandbox " Q sandbox Q " for "
#define CREATED(sandbox, container, id)                                                         \
	{                                                                                       \
		CRI_CREATE_CONTAINER, INFO WITHIN(sandbox) "container " container "\"",         \
			INFO WITHIN(sandbox) container " returns container id " Q id Q "\"", id \
	}
#define NOT_CREATED(sandbox, container, error)                                                \
	{                                                                                     \
		CRI_CREATE_CONTAINER, INFO WITHIN(sandbox) "container " container "\"",       \
			ERROR WITHIN(sandbox) container " failed\" error=\"" error "\"", NULL \
	}
#define STARTED(id)                                                                     \
	{                                                                               \
		CRI_START_CONTAINER, INFO "StartContainer for " Q id Q "\"",            \
			INFO "StartContainer for " Q id Q " returns successfully\"", id \
	}
#define NOT_STARTED(id, error)                                                                 \
	{                                                                                      \
		CRI_START_CONTAINER, INFO "StartContainer for " Q id Q "\"",                   \
			ERROR "StartContainer for " Q id Q " failed\" error=\"" error "\"", id \
	}

#define PULLED(image, id)                                                                       \
	{                                                                                       \
		CRI_PULL_IMAGE, INFO "PullImage " Q image Q "\"",                               \
			INFO "PullImage " Q image Q " returns image reference " Q id Q "\"", id \
	}
#define NOT_PULLED(image, error)                                                           \
	{                                                                                  \
		CRI_PULL_IMAGE, INFO "PullImage " Q image Q "\"",                          \
			ERROR "PullImage " Q image Q " failed\" error=\"" error "\"", NULL \
	}
#define BIG	 "127.0.0.1:5000/big:1"
#define NONE	 "127.0.0.1:5000/none:1"
#define BIG_16	 "sha256:91a683f8a335695aefee36bd8dd4cc0dc322bf7d799a70a08171c5597fdf6876"
#define BIG_17	 "sha256:8eddc93731da6b597232910fcb3510a2c39be660bc2254a3cb947116b50751c2"
#define BIG_21	 "sha256:a9aa122597a0d0138228fb5b892ea9792a1457b2f8413d3d6f10bdacb1055f1f"
#define NGINX	 "sha256:89da1fb6dcb964dd35c3f41b7b93ffc35eaf20bc61f2e1335fea710a18424287"

#define MAIN	 "&ContainerMetadata{Name:main,Attempt:0,}"
#define NO_IMAGE "&ContainerMetadata{Name:noimage,Attempt:0,}"
#define RUNC                                                                                       \
	"failed to create containerd task: failed to create shim task: OCI runtime create "        \
	"failed: runc create failed: unable to start container process: exec: " Q "/nonexistent" Q \
	": stat /nonexistent: no such file or directory"

/*
 * Begin and end of each call. Of 1.6.20, 1.7.24 and 2.1.9: recorded. A newer 2.x, whose number its logs do not
 * tell, prints what a call is for in another way: its begins are out of those, its ends as its source puts them together.
 */
static const struct {
	enum cri_method method;
	const char *begins, *ends, *id; /* id NULL: nothing is told */
} lines[] = {
	/* 1.6 */
	RAN(POD_16, SB_16),
	NOT_RAN(POD_16,
		"failed to get sandbox runtime: no runtime for " Q "nope" Q " is configured"),
	CREATED(SB_16, MAIN, C_16),
	NOT_CREATED(SB_16, NO_IMAGE,
		    "rpc error: code = NotFound desc = failed to resolve image " Q
		    "localhost/none:1" Q ": not found"),
	STARTED(C_16),
	NOT_STARTED(BAD_16, RUNC ": unknown"),
	PULLED(BIG, BIG_16),
	NOT_PULLED(NONE,
		   "rpc error: code = NotFound desc = failed to pull and unpack image " Q NONE Q
		   ": failed to resolve reference " Q NONE Q ": " NONE ": not found"),
	/* 1.7 */
	RAN(POD_17, SB_17),
	NOT_RAN(POD_17,
		"failed to get sandbox runtime: no runtime for " Q "nope" Q " is configured"),
	CREATED(SB_17, MAIN, C_17),
	NOT_CREATED(SB_17, NO_IMAGE,
		    "rpc error: code = NotFound desc = failed to resolve image " Q
		    "localhost/none:1" Q ": not found"),
	STARTED(C_17),
	NOT_STARTED(BAD_17, RUNC ": unknown"),
	PULLED(BIG, BIG_17),
	NOT_PULLED(NONE,
		   "rpc error: code = NotFound desc = failed to pull and unpack image " Q NONE Q
		   ": failed to resolve reference " Q NONE Q ": " NONE ": not found"),
	/* 2.1 */
	RAN(POD_21, SB_21),
	NOT_RAN(POD_21,
		"rpc error: code = Unknown desc = unable to get OCI runtime for sandbox " Q SB_21 Q
		": no runtime for " Q "nope" Q " is configured"),
	CREATED(SB_21, MAIN, C_21),
	NOT_CREATED(SB_21, NO_IMAGE,
		    "rpc error: code = NotFound desc = failed to check if this is a checkpoint "
		    "image: failed to resolve image " Q "localhost/none:1" Q ": not found"),
	STARTED(C_21),
	NOT_STARTED(BAD_21, "rpc error: code = Unknown desc = " RUNC),
	PULLED(BIG, BIG_21),
	NOT_PULLED(NONE,
		   "rpc error: code = NotFound desc = failed to pull and unpack image " Q NONE Q
		   ": failed to resolve image: " NONE ": not found"),
	/* newer */
	RAN(POD_NEW, SB_NEW),
	CREATED(SB_NEW, "name:" Q "spaceship" Q, C_NEW),
	STARTED(C_NEW),
	PULLED("nginx:latest", NGINX),
	/* a namespace that could be an id, a container that is called as the extra word is */
	RAN("name:" Q "a" Q "  namespace:" Q "cafe" Q, SB_NEW),
	CREATED(SB_NEW, "name:" Q "container" Q "  attempt:2", C_NEW),
};

static struct cri_calls calls;

static int clear(void **state)
{
	(void)state;
	memset(&calls, 0, sizeof(calls));
	return 0;
}

static bool take(const char *text, uint64_t boot_ns, struct event *ret)
{
	struct log_line line;

	log_line_parse(text, strlen(text), &line);
	return cri_calls_line(&calls, &line, boot_ns, 100 * S, ret);
}

static void each_version(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct event event = {0};
		bool told;

		assert_false(take(lines[i].begins, 10 * S, &event));
		if (calls.count != 1)
			fail_msg("is no begin: %s", lines[i].begins);
		told = take(lines[i].ends, 12 * S, &event);
		if (calls.count || told != (lines[i].id != NULL))
			fail_msg("is no end: %s", lines[i].ends);
		if (!told)
			continue;
		assert_int_equal(event.type, EVENT_CRI_CALL);
		assert_int_equal(event.flags, EVENT_RECONSTRUCTED);
		assert_int_equal(event.boot_ns, 12 * S);
		assert_int_equal(event.cri_call.method, lines[i].method);
		assert_int_equal(event.cri_call.began_ns, 10 * S);
		assert_string_equal(lines[i].method == CRI_PULL_IMAGE ? event.cri_call.image_id
								      : event.cri_call.container_id,
				    lines[i].id);
	}
}

/* 1.6, 1.7, 2.1 and newer. */
static void each_row_has_its_lines(void **state)
{
	(void)state;
	for (size_t k = 0; k < cri_call_rule_count; k++) {
		int found = 0;

		for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
			found += lines[i].id && lines[i].method == cri_call_rules[k].method;
		assert_in_range(found, 4, 100);
	}
}

static void of_two_the_later_begin(void **state)
{
	struct event event;

	(void)state;
	/* the kubelet gave up waiting and asks again, which is refused while the first goes on */
	assert_false(take(lines[0].begins, 1 * S, &event));
	assert_false(take(lines[0].begins, 5 * S, &event));
	assert_false(take(lines[1].ends, 6 * S, &event));
	assert_true(take(lines[0].ends, 9 * S, &event));
	assert_int_equal(event.cri_call.began_ns, 1 * S);
	/* containerd ended in the midst of the first */
	assert_false(take(lines[0].begins, 11 * S, &event));
	assert_false(take(lines[0].begins, 15 * S, &event));
	assert_true(take(lines[0].ends, 19 * S, &event));
	assert_int_equal(event.cri_call.began_ns, 15 * S);
}

static void only_what_began_before(void **state)
{
	struct event event;

	(void)state;
	assert_false(take(lines[0].begins, 99 * S, &event));
	assert_false(take(lines[4].begins, 100 * S, &event));
	assert_false(take(lines[4].ends, 101 * S, &event));
	assert_true(take(lines[0].ends, 102 * S, &event));
	assert_int_equal(event.cri_call.began_ns, 99 * S);
	assert_int_equal(calls.count, 0);
}

static void what_is_no_call(void **state)
{
	static const char *const others[] = {
		"",
		"RunPodSandbox for ",
		INFO "RunPodSandbox for \"",
		INFO "RunPodSandbox\"",
		INFO "StopPodSandbox for " Q SB_16 Q "\"",
		INFO "StopPodSandbox for " Q SB_16 Q " returns successfully\"",
		INFO "StopContainer for " Q C_16 Q " returns successfully\"",
		INFO "Pulled image " Q BIG Q " with image id " Q BIG_17 Q ", repo tag " Q BIG Q
		     "\"",
		INFO "stop pulling image " BIG ": active requests=0, bytes read=9506776\"",
		INFO "PullImage " Q BIG Q " returns image reference " Q BIG_17 Q "\"",
		INFO "starting containerd\"",
		/* ends without a begin, and without an id */
		INFO "RunPodSandbox for " POD_16 " returns sandbox id " Q SB_16 Q "\"",
		INFO "StartContainer for " Q C_16 Q " returns successfully\"",
		INFO "StartContainer for \"",
	};
	struct event event;
	char text[900];

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (take(others[i], 1 * S, &event) || calls.count)
			fail_msg("is taken for a call: %s", others[i]);
	/* longer than any that there may be */
	snprintf(text, sizeof(text), INFO "RunPodSandbox for %0600d\"", 7);
	assert_false(take(text, 1 * S, &event));
	assert_int_equal(calls.count, 0);
	/* the time is not known */
	assert_false(take(lines[0].begins, 0, &event));
	assert_int_equal(calls.count, 0);
	/* an id that is none: nothing is told, and it is not taken for a return */
	assert_false(take(INFO "StartContainer for " Q "../etc" Q "\"", 1 * S, &event));
	assert_false(take(INFO "StartContainer for " Q "../etc" Q " returns successfully\"", 2 * S,
			  &event));
	assert_int_equal(calls.count, 0);
}

/* The kubelet asks in the pod's words; containerd keeps it by its whole name. */
static void whole_names(void **state)
{
	static const char *const names[][2] = {
		{BIG, BIG},
		{"redis:7", "docker.io/library/redis:7"},
		{"redis", "docker.io/library/redis:latest"},
		{"docker.io/redis", "docker.io/library/redis:latest"},
		{"flannel/flannel:v0.25.1", "docker.io/flannel/flannel:v0.25.1"},
		{"localhost/a", "localhost/a:latest"},
		{"localhosts/a", "docker.io/localhosts/a:latest"},
		{"registry:5000/a/b", "registry:5000/a/b:latest"},
		{"quay.io/a/b:1", "quay.io/a/b:1"},
		{"quay.io/a/b@" NGINX, "quay.io/a/b@" NGINX},
		{"quay.io/a/b:1@" NGINX, "quay.io/a/b@" NGINX},
		{"redis:7@" NGINX, "docker.io/library/redis@" NGINX},
		{"cafe", "docker.io/library/cafe:latest"},
		{"sha256:cafe", "docker.io/library/sha256:cafe"},
	};
	struct event event = {0};
	char text[600];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(text, sizeof(text), INFO "PullImage " Q "%s" Q "\"", names[i][0]);
		assert_false(take(text, 1 * S, &event));
		snprintf(text, sizeof(text),
			 INFO "PullImage " Q "%s" Q " returns image reference " Q NGINX Q "\"",
			 names[i][0]);
		assert_true(take(text, 2 * S, &event));
		assert_string_equal(event.cri_call.image, names[i][1]);
		assert_string_equal(event.cri_call.image_id, NGINX);
		assert_string_equal(event.cri_call.container_id, "");
	}
	/* without a name, or an id */
	assert_false(take(INFO "PullImage " Q Q "\"", 1 * S, &event));
	assert_false(take(INFO "PullImage " Q Q " returns image reference " Q NGINX Q "\"", 2 * S,
			  &event));
	assert_false(take(INFO "PullImage " Q "a" Q "\"", 1 * S, &event));
	assert_false(take(INFO "PullImage " Q "a" Q " returns image reference " Q SB_16 Q "\"",
			  2 * S, &event));
}

static void read_again(void **state)
{
	struct event event;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_false(take(lines[0].begins, 7 * S, &event));
	assert_int_equal(calls.count, 1);
	assert_true(take(lines[0].ends, 8 * S, &event));
	assert_false(take(lines[0].ends, 8 * S, &event));
}

static void the_oldest_goes(void **state)
{
	struct event event;
	char text[200];

	(void)state;
	for (int i = 0; i < CRI_CALLS_OPEN_MAX + 2; i++) {
		snprintf(text, sizeof(text), INFO "StartContainer for " Q "%064x" Q "\"",
			 (unsigned int)i);
		assert_false(take(text, (uint64_t)(i + 1) * NS_PER_MS, &event));
	}
	assert_int_equal(calls.count, CRI_CALLS_OPEN_MAX);
	assert_int_equal(calls.lost.count, 2);
	assert_int_equal(calls.lost.from_ns, NS_PER_MS);
	assert_int_equal(calls.lost.to_ns, (CRI_CALLS_OPEN_MAX + 2) * NS_PER_MS);
	for (int i = 0; i < CRI_CALLS_OPEN_MAX + 2; i++) {
		snprintf(text, sizeof(text),
			 INFO "StartContainer for " Q "%064x" Q " returns successfully\"",
			 (unsigned int)i);
		assert_int_equal(take(text, 90 * S, &event), i >= 2);
		if (i >= 2)
			assert_int_equal(event.cri_call.began_ns, (uint64_t)(i + 1) * NS_PER_MS);
	}
	assert_int_equal(calls.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_version, clear),
		cmocka_unit_test(each_row_has_its_lines),
		cmocka_unit_test_setup(of_two_the_later_begin, clear),
		cmocka_unit_test_setup(only_what_began_before, clear),
		cmocka_unit_test_setup(what_is_no_call, clear),
		cmocka_unit_test_setup(whole_names, clear),
		cmocka_unit_test_setup(read_again, clear),
		cmocka_unit_test_setup(the_oldest_goes, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
