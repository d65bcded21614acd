// SPDX-License-Identifier: Apache-2.0
/* A log may hold secrets: nothing of it leaves the node unless --share-log-lines says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "sink/event/kube_event.h"

#define BOOT "0c5b5b0c-1111-2222-3333-444444444444"

static struct record a_death(void)
{
	struct record record = {
		.type = RECORD_EXIT,
		.final = true,
		.boot_ns = 10000 * NS_PER_SECOND,
		.exit = {.verdict = EXIT_ERROR, .code = 1, .deaths = 1},
	};

	TEXT_COPY(record.key, "key");
	TEXT_COPY(record.subject.container_id, "c1");
	TEXT_COPY(record.subject.pod, "web-0");
	TEXT_COPY(record.subject.pod_namespace, "shop");
	TEXT_COPY(record.subject.container, "app");
	TEXT_COPY(record.exit.log.text, "password=hunter2\nno \x1b[31m way\n");
	record.exit.log.lines = 2;
	return record;
}

static char *body_of(bool share)
{
	const struct kube_event_rules rules = {
		.node_name = "node-1", .boot_id = BOOT, .share_log_lines = share};
	const struct record record = a_death();
	struct outbox_entry entry = {0};

	assert_int_equal(kube_event_describe(&rules, BOOT, &record, record.boot_ns, &entry),
			 OUTBOX_TELL);
	return entry.body;
}

static void the_lines_stay_here(void **state)
{
	char *body = body_of(false);

	(void)state;
	assert_non_null(strstr(body, "ContainerCrashed"));
	assert_null(strstr(body, "hunter2"));
	assert_null(strstr(body, "way"));
	free(body);
}

static void unless_they_are_shared(void **state)
{
	char *body = body_of(true);

	(void)state;
	assert_non_null(strstr(body, "; it wrote last: password=hunter2 | no \\\\x1b[31m way"));
	free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_lines_stay_here),
		cmocka_unit_test(unless_they_are_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
