/* SPDX-License-Identifier: Apache-2.0 */
#include "source/containerd/containerd_json.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/text.h"

static void copy(const json_t *object, const char *name, char *to, size_t size)
{
	const char *text = json_string_value(json_object_get(object, name));

	if (text)
		text_copy(to, size, text);
}

#define COPY(object, name, array) copy(object, name, array, sizeof(array))

/* {"Version": "v1", "Metadata": {...}} */
static const json_t *metadata_of(const json_t *root)
{
	return json_object_get(root, "Metadata");
}

int containerd_json_container(const char *text, size_t size, struct event_container *event)
{
	json_auto_t *root = json_loadb(text, size, 0, NULL);
	const json_t *metadata = metadata_of(root), *config = json_object_get(metadata, "Config");
	const json_t *name = json_object_get(config, "metadata");

	if (!json_is_object(metadata) || !json_is_object(name))
		return -EBADMSG;
	COPY(metadata, "SandboxID", event->sandbox_id);
	COPY(name, "name", event->name);
	COPY(json_object_get(config, "image"), "image", event->image);
	COPY(metadata, "ImageRef", event->image_id);
	event->attempt = (uint32_t)json_integer_value(json_object_get(name, "attempt"));
	return 0;
}

int containerd_json_sandbox(const char *text, size_t size, struct event_container *event)
{
	json_auto_t *root = json_loadb(text, size, 0, NULL);
	const json_t *metadata = metadata_of(root);
	const json_t *name = json_object_get(json_object_get(metadata, "Config"), "metadata");

	if (!json_is_object(name))
		return -EBADMSG;
	COPY(name, "name", event->pod);
	COPY(name, "namespace", event->pod_namespace);
	COPY(name, "uid", event->pod_uid);
	event->attempt = (uint32_t)json_integer_value(json_object_get(name, "attempt"));
	return 0;
}

static const char *architecture(void)
{
	static struct utsname name;

	uname(&name);
	return strcmp(name.machine, "x86_64") == 0    ? "amd64"
	       : strcmp(name.machine, "aarch64") == 0 ? "arm64"
						      : name.machine;
}

/* The index's manifest for this machine; the only one if there is no choice. */
static int choose(const json_t *manifests, char ret_next[static DIGEST_SIZE])
{
	const json_t *entry, *chosen = NULL;
	size_t i;

	json_array_foreach ((json_t *)manifests, i, entry) {
		const json_t *platform = json_object_get(entry, "platform");
		const char *os = json_string_value(json_object_get(platform, "os"));
		const char *cpu = json_string_value(json_object_get(platform, "architecture"));

		if (os && cpu && strcmp(os, "linux") == 0 && strcmp(cpu, architecture()) == 0) {
			chosen = entry;
			break;
		}
	}
	if (!chosen && json_array_size(manifests) == 1)
		chosen = json_array_get(manifests, 0);
	const char *digest = json_string_value(json_object_get(chosen, "digest"));

	if (!digest)
		return -EBADMSG;
	text_copy(ret_next, DIGEST_SIZE, digest);
	return 1;
}

int containerd_json_manifest(const char *text, size_t size, struct manifest *ret,
			     char ret_next[static DIGEST_SIZE])
{
	json_auto_t *root = json_loadb(text, size, 0, NULL);
	const json_t *manifests = json_object_get(root, "manifests");
	const json_t *layers = json_object_get(root, "layers");
	const json_t *layer;
	size_t i;

	if (json_is_array(manifests))
		return choose(manifests, ret_next);
	if (!json_is_array(layers))
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	COPY(json_object_get(root, "config"), "digest", ret->config);
	json_array_foreach ((json_t *)layers, i, layer) {
		json_int_t bytes = json_integer_value(json_object_get(layer, "size"));

		if (i == MANIFEST_LAYERS_MAX)
			break;
		COPY(layer, "digest", ret->layers[i].digest);
		ret->layers[i].bytes = bytes > 0 ? (uint64_t)bytes : 0;
		ret->layer_count++;
	}
	return 0;
}
