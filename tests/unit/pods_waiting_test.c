// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "track/pods_waiting.h"

static void tell(struct pods_waiting *waiting, const char *uid, const char *container,
		 const char *image, enum pod_container_state state)
{
	struct event event = {.type = EVENT_POD_CONTAINER, .pod_container.state = state};

	TEXT_COPY(event.pod_container.pod_uid, uid);
	TEXT_COPY(event.pod_container.name, container);
	TEXT_COPY(event.pod_container.image, image);
	pods_waiting_event(waiting, &event);
}

static void images(void **state)
{
	static const struct {
		const char *wanted, *pulled;
		bool same;
	} cases[] = {
		{"r.io:5000/team/app:1", "r.io/team/app", true},
		{"r.io:5000/team/app@sha256:0123", "r.io/team/app", true},
		{"r.io:5000/team/app:1@sha256:0123", "r.io/team/app", true},
		{"r.io/team/app", "r.io/team/app", true},
		{"r.io/team/app:1", "r.io/team/apps", false},
		{"r.io/team/app:1", "q.io/team/app", false},
		{"redis", "docker.io/library/redis", true},
		{"redis:7", "docker.io/library/redis", true},
		{"bitnami/redis:7", "docker.io/bitnami/redis", true},
		{"localhost/app:1", "localhost/app", true},
		{"localhost:5000/app", "localhost/app", true},
		{"127.0.0.1:5000/app:1", "127.0.0.1/app", true},
		{"", "r.io/app", false},
		{":", "r.io/app", false},
		{"/", "r.io/app", false},
		{"@", "r.io/app", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pods_waiting waiting = {0};

		tell(&waiting, "uid", "app", cases[i].wanted, POD_CONTAINER_WAITING);
		if (!!pods_waiting_find(&waiting, cases[i].pulled) != cases[i].same)
			fail_msg("%s and %s", cases[i].wanted, cases[i].pulled);
	}
}

static void until_it_is_there(void **state)
{
	struct pods_waiting waiting = {0};
	struct event gone = {.type = EVENT_POD_GONE};

	(void)state;
	tell(&waiting, "one", "a", "r.io/a", POD_CONTAINER_WAITING);
	tell(&waiting, "one", "b", "r.io/b", POD_CONTAINER_WAITING);
	tell(&waiting, "one", "a", "r.io/a", POD_CONTAINER_RUNNING);
	assert_null(pods_waiting_find(&waiting, "r.io/a"));
	assert_string_equal(pods_waiting_find(&waiting, "r.io/b")->container, "b");
	TEXT_COPY(gone.pod_gone.pod_uid, "one");
	pods_waiting_event(&waiting, &gone);
	assert_null(pods_waiting_find(&waiting, "r.io/b"));
}

/* More than are kept: the latest are. */
static void many(void **state)
{
	struct pods_waiting waiting = {0};
	char uid[16], image[32];

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		snprintf(uid, sizeof(uid), "u%u", i);
		snprintf(image, sizeof(image), "r.io/a%u:1", i);
		tell(&waiting, uid, "app", image, POD_CONTAINER_WAITING);
	}
	assert_non_null(pods_waiting_find(&waiting, "r.io/a999"));
	assert_null(pods_waiting_find(&waiting, "r.io/a1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images),
		cmocka_unit_test(until_it_is_there),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
