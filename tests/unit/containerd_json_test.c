// SPDX-License-Identifier: Apache-2.0
/* The JSON that containerd keeps: CRI's metadata, manifests and indexes, and what is none of these. */
#include "source/containerd/containerd_json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

/* As containerd 1.6 stores it, without what is not read. */
static const char container[] =
	"{\"Version\":\"v1\",\"Metadata\":{\"ID\":\"c1\",\"Name\":\"main_web_shop_u-1_2\","
	"\"SandboxID\":\"s1\",\"Config\":{\"metadata\":{\"name\":\"main\",\"attempt\":2},"
	"\"image\":{\"image\":\"localhost/cast:1\"},\"labels\":{\"metadata\":\"x\"}},"
	"\"ImageRef\":\"sha256:abc\"}}";
static const char sandbox[] = "{\"Version\":\"v1\",\"Metadata\":{\"ID\":\"s1\",\"Config\":{"
			      "\"metadata\":{\"name\":\"web\","
			      "\"uid\":\"u-1\",\"namespace\":\"shop\",\"attempt\":1}}}}";
static const char manifest[] =
	"{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:cfg\",\"size\":7},\"layers\":["
	"{\"digest\":\"sha256:l0\",\"size\":100},{\"digest\":\"sha256:l1\",\"size\":-1}]}";

static void a_containers_metadata(void **state)
{
	struct event_container event = {.pod = "web"};

	(void)state;
	assert_int_equal(containerd_json_container(container, strlen(container), &event), 0);
	assert_string_equal(event.sandbox_id, "s1");
	assert_string_equal(event.name, "main");
	assert_string_equal(event.image, "localhost/cast:1");
	assert_string_equal(event.image_id, "sha256:abc");
	assert_int_equal(event.attempt, 2);
	assert_string_equal(event.pod, "web"); /* from the labels: not its business */
}

static void a_sandboxs_metadata(void **state)
{
	struct event_container event = {0};

	(void)state;
	assert_int_equal(containerd_json_sandbox(sandbox, strlen(sandbox), &event), 0);
	assert_string_equal(event.pod, "web");
	assert_string_equal(event.pod_namespace, "shop");
	assert_string_equal(event.pod_uid, "u-1");
	assert_int_equal(event.attempt, 1);
	assert_string_equal(event.name, "");
}

static void nonsense_is_no_metadata(void **state)
{
	static const char *const cases[] = {
		"",
		"null",
		"[]",
		"\"Metadata\"",
		"{}",
		"{\"Metadata\":null}",
		"{\"Metadata\":{}}",
		"{\"Metadata\":{\"Config\":[]}}",
		"{\"Metadata\":{\"Config\":{\"metadata\":\"main\"}}}",
		"{\"Metadata\":{\"Config\":{\"metadata\":{}}}} trailing",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct event_container event = {.name = "kept", .pod = "kept"};
		size_t size = strlen(cases[i]);

		assert_int_equal(containerd_json_container(cases[i], size, &event), -EBADMSG);
		assert_int_equal(containerd_json_sandbox(cases[i], size, &event), -EBADMSG);
		assert_string_equal(event.name, "kept");
		assert_string_equal(event.pod, "kept");
	}
	struct event_container event = {0};

	assert_int_equal(containerd_json_container(NULL, 0, &event), -EBADMSG);
}

static void members_of_another_kind_are_left_alone(void **state)
{
	static const char odd[] =
		"{\"Metadata\":{\"SandboxID\":5,\"ImageRef\":null,\"Config\":{\"image\":[],"
		"\"metadata\":{\"name\":true,\"attempt\":\"3\"}}}}";
	struct event_container event = {.name = "kept", .sandbox_id = "kept"};

	(void)state;
	assert_int_equal(containerd_json_container(odd, strlen(odd), &event), 0);
	assert_string_equal(event.name, "kept");
	assert_string_equal(event.sandbox_id, "kept");
	assert_int_equal(event.attempt, 0);
}

static int read_manifest(const char *text, struct manifest *ret, char next[static DIGEST_SIZE])
{
	memset(ret, 0x5a, sizeof(*ret));
	*next = '\0';
	return containerd_json_manifest(text, strlen(text), ret, next);
}

static void a_manifest_has_config_and_layers(void **state)
{
	struct manifest read;
	char next[DIGEST_SIZE];

	(void)state;
	assert_int_equal(read_manifest(manifest, &read, next), 0);
	assert_string_equal(read.config, "sha256:cfg");
	assert_int_equal(read.layer_count, 2);
	assert_string_equal(read.layers[0].digest, "sha256:l0");
	assert_int_equal(read.layers[0].bytes, 100);
	assert_string_equal(read.layers[1].digest, "sha256:l1");
	assert_int_equal(read.layers[1].bytes, 0); /* a size below nothing */
}

static void an_index_leads_to_this_machines_manifest(void **state)
{
	struct manifest read;
	struct utsname name;
	char text[512], next[DIGEST_SIZE];

	(void)state;
	uname(&name);
	const char *mine = strcmp(name.machine, "x86_64") == 0	  ? "amd64"
			   : strcmp(name.machine, "aarch64") == 0 ? "arm64"
								  : name.machine;
	snprintf(text, sizeof(text),
		 "{\"manifests\":["
		 "{\"digest\":\"sha256:win\",\"platform\":{\"os\":\"windows\",\"architecture\":\"%"
		 "s\"}},"
		 "{\"digest\":\"sha256:far\",\"platform\":{\"os\":\"linux\",\"architecture\":"
		 "\"vax\"}},"
		 "{\"digest\":\"sha256:own\",\"platform\":{\"os\":\"linux\",\"architecture\":\"%"
		 "s\"}}]}",
		 mine, mine);
	assert_int_equal(read_manifest(text, &read, next), 1);
	assert_string_equal(next, "sha256:own");

	/* without a choice the only one is taken, of several none */
	assert_int_equal(
		read_manifest("{\"manifests\":[{\"digest\":\"sha256:only\"}]}", &read, next), 1);
	assert_string_equal(next, "sha256:only");
	assert_int_equal(read_manifest("{\"manifests\":[{\"digest\":\"a\"},{\"digest\":\"b\"}]}",
				       &read, next),
			 -EBADMSG);
	assert_int_equal(read_manifest("{\"manifests\":[]}", &read, next), -EBADMSG);
	assert_int_equal(read_manifest("{\"manifests\":[5]}", &read, next), -EBADMSG);
	assert_int_equal(read_manifest("{\"layers\":{}}", &read, next), -EBADMSG);
	assert_int_equal(read_manifest("", &read, next), -EBADMSG);
}

static void more_layers_than_fit_are_left_out(void **state)
{
	static char text[40000];
	struct manifest read;
	char next[DIGEST_SIZE];
	size_t used = (size_t)sprintf(text, "{\"layers\":[");

	(void)state;
	for (int i = 0; i < MANIFEST_LAYERS_MAX + 10; i++)
		used += (size_t)sprintf(text + used, "%s{\"digest\":\"l%d\",\"size\":%d}",
					i ? "," : "", i, i);
	strcpy(text + used, "]}");
	assert_int_equal(read_manifest(text, &read, next), 0);
	assert_int_equal(read.layer_count, MANIFEST_LAYERS_MAX);
	assert_int_equal(read.layers[MANIFEST_LAYERS_MAX - 1].bytes, MANIFEST_LAYERS_MAX - 1);
}

/* Each length, not terminated, in memory of exactly that size. */
static void cut_texts_are_none(void **state)
{
	static const char *const texts[] = {container, sandbox, manifest};
	struct event_container event = {0};
	struct manifest read;
	char next[DIGEST_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		for (size_t size = 0; size < strlen(texts[i]); size++) {
			char *cut = malloc(size ? size : 1);

			assert_non_null(cut);
			memcpy(cut, texts[i], size);
			assert_int_equal(containerd_json_container(cut, size, &event), -EBADMSG);
			assert_int_equal(containerd_json_sandbox(cut, size, &event), -EBADMSG);
			assert_int_equal(containerd_json_manifest(cut, size, &read, next),
					 -EBADMSG);
			free(cut);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_containers_metadata),
		cmocka_unit_test(a_sandboxs_metadata),
		cmocka_unit_test(nonsense_is_no_metadata),
		cmocka_unit_test(members_of_another_kind_are_left_alone),
		cmocka_unit_test(a_manifest_has_config_and_layers),
		cmocka_unit_test(an_index_leads_to_this_machines_manifest),
		cmocka_unit_test(more_layers_than_fit_are_left_out),
		cmocka_unit_test(cut_texts_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
