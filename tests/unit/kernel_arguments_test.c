// SPDX-License-Identifier: Apache-2.0
/* What runtime, shim and CNI plugins were asked to do, from their arguments and environment. */
#include "source/kernel/kernel_arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Reads a copy of exactly that size, so that the sanitizer sees a step beyond it. */
static struct event_exec read_texts(enum process_role role, const char *texts, size_t size)
{
	struct event_exec exec = {.role = role};
	char *copy = malloc(size ? size : 1);

	memcpy(copy, texts, size);
	if (role == ROLE_CNI)
		kernel_environment(copy, size, &exec);
	else
		kernel_arguments(copy, size, &exec);
	free(copy);
	return exec;
}

/* A list of texts, each with its NUL. */
#define READ(role, texts) read_texts(role, texts, sizeof(texts))

static void assert_exec(struct event_exec exec, const char *verb, const char *id)
{
	assert_string_equal(exec.verb, verb);
	assert_string_equal(exec.container_id, id);
}

static void runtime(void **state)
{
	(void)state;
	assert_exec(READ(ROLE_RUNTIME,
			 "runc\0--root\0/run/containerd/runc/k8s.io\0create\0--bundle\0"
			 "/b\0" HEX64),
		    "create", HEX64);
	assert_exec(READ(ROLE_RUNTIME, "runc\0kill\0" HEX64 "\0"
				       "9"),
		    "kill", HEX64);
	assert_exec(READ(ROLE_RUNTIME, "runc\0kill\0--all\0" HEX64 "\0"
				       "15"),
		    "kill", HEX64);
	assert_exec(READ(ROLE_RUNTIME, "crun\0kill\0" HEX64), "kill", HEX64);
	assert_exec(READ(ROLE_RUNTIME, "runc\0delete\0--force\0" HEX64), "delete", HEX64);
	/* the first word that is a verb */
	assert_exec(READ(ROLE_RUNTIME, "runc\0create\0--bundle\0start\0" HEX64), "create", HEX64);
	/* no verb, no container */
	assert_exec(READ(ROLE_RUNTIME, "runc\0--version"), "", "");
	assert_exec(read_texts(ROLE_RUNTIME, "", 0), "", "");
}

static void shim(void **state)
{
	(void)state;
	assert_exec(
		READ(ROLE_SHIM, "shim\0-namespace\0k8s.io\0-id\0" HEX64 "\0-address\0/a\0start"),
		"start", HEX64);
	assert_exec(READ(ROLE_SHIM, "shim\0-id\0" HEX64 "\0-address\0/a"), "", HEX64);
	assert_exec(READ(ROLE_SHIM, "shim\0-id\0" HEX64 "\0delete"), "delete", HEX64);
	assert_exec(READ(ROLE_SHIM, "shim\0create\0-id"), "", "");
}

/* The end of what was read may be anywhere. */
static void cut(void **state)
{
	static const char texts[] = "runc\0create\0" HEX64;

	(void)state;
	for (size_t size = sizeof("runc"); size < sizeof(texts); size++) {
		struct event_exec exec = read_texts(ROLE_RUNTIME, texts, size);

		assert_true(strlen(exec.verb) == 0 || strcmp(exec.verb, "create") == 0);
	}
	/* the tail of a long vector begins in the middle of a word */
	struct event_exec exec = {.role = ROLE_RUNTIME, .verb = "create", .container_id = "head's"};

	kernel_arguments("x/y\0" HEX64, 4 + sizeof(HEX64), &exec);
	assert_exec(exec, "create", HEX64);
}

static void plugin(void **state)
{
	struct event_exec exec;

	(void)state;
	exec = READ(ROLE_CNI,
		    "PATH=/bin\0CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=db-0;"
		    "K8S_POD_UID=u\0CNI_CONTAINERID=" HEX64 "\0XCNI_COMMAND=DEL\0CNI_COMMAND=ADD");
	assert_exec(exec, "ADD", HEX64);
	assert_string_equal(exec.pod, "db-0");
	assert_string_equal(exec.pod_namespace, "shop");
	exec = READ(ROLE_CNI, "PATH=/bin\0CNI_ARGS=K8S_POD_NAME=;;\0CNI_CONTAINERID\0CNI_ARGS=");
	assert_exec(exec, "", "");
	assert_string_equal(exec.pod, "");
	/* cut in the middle of a pair */
	exec = read_texts(ROLE_CNI, "CNI_ARGS=K8S_POD_NAME=db-0", 25);
	assert_string_equal(exec.pod, "db-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runtime),
		cmocka_unit_test(shim),
		cmocka_unit_test(cut),
		cmocka_unit_test(plugin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
