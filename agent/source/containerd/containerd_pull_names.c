/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which images are being pulled. An ingest names its layer only; but containerd stores an image's manifest before it
 * fetches the layers, and labels it with their digests and with the registry and repository they come from.
 *
 * Asked when a layer begins to come, and every few seconds while any does. What was found is looked at once.
 */
#include "source/containerd/containerd_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define AGAIN_NS	(3 * NS_PER_SECOND)
#define KNOWN_MAX	32
#define LAYER_LABEL	"containerd.io/gc.ref.content.l."
#define SOURCE_LABEL	"containerd.io/distribution.source."
#define MANIFEST_FILTER "labels.\"containerd.io/gc.ref.content.l.0\""
/* What was stored so long ago is of a pull that was given up, or of an image that went. */
#define OLD_NS (3600 * NS_PER_SECOND)

struct known {
	char digest[DIGEST_SIZE];
	int64_t seconds; /* when it was stored */
	int32_t nanos;
};

struct pull_names {
	struct containerd_source *source;
	const struct pull_poll *poll;
	struct known known[KNOWN_MAX]; /* a ring */
	uint32_t next;
	uint64_t asked_ns;
	bool asking, urgent;
};

int pull_names_new(struct pull_names **ret, struct containerd_source *source,
		   const struct pull_poll *poll)
{
	struct pull_names *names = calloc(1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	names->source = source;
	names->poll = poll;
	*ret = names;
	return 0;
}

void pull_names_free(struct pull_names *names)
{
	free(names);
}

static bool is_known(const struct pull_names *names, const Containerd__Info *manifest)
{
	for (size_t i = 0; i < KNOWN_MAX; i++)
		if (strcmp(names->known[i].digest, manifest->digest) == 0 &&
		    names->known[i].seconds == manifest->created_at->seconds &&
		    names->known[i].nanos == manifest->created_at->nanos)
			return true;
	return false;
}

static void note(struct pull_names *names, const Containerd__Info *manifest)
{
	struct known *known = &names->known[names->next++ % KNOWN_MAX];

	TEXT_COPY(known->digest, manifest->digest);
	known->seconds = manifest->created_at->seconds;
	known->nanos = manifest->created_at->nanos;
}

static bool is_wanted(const struct pull_names *names, const Containerd__Info *manifest)
{
	for (size_t i = 0; i < manifest->n_labels; i++)
		if (strncmp(manifest->labels[i]->key, LAYER_LABEL, strlen(LAYER_LABEL)) == 0 &&
		    pull_poll_wants(names->poll, manifest->labels[i]->value))
			return true;
	return false;
}

/* "registry/repository"; "" where it was not fetched from one. */
static void read_name(const Containerd__Info *manifest, char ret_name[static IMAGE_SIZE])
{
	*ret_name = '\0';
	for (size_t i = 0; i < manifest->n_labels; i++) {
		const char *key = manifest->labels[i]->key;

		if (strncmp(key, SOURCE_LABEL, strlen(SOURCE_LABEL)) != 0)
			continue;
		snprintf(ret_name, IMAGE_SIZE, "%.100s/%.150s", key + strlen(SOURCE_LABEL),
			 manifest->labels[i]->value);
		return;
	}
}

static void consider(struct pull_names *names, const Containerd__Info *manifest)
{
	struct event event = {
		.type = EVENT_IMAGE, .boot_ns = clock_boot_ns(), .image.step = IMAGE_PULLING};
	uint64_t stored_ns = containerd_stamp_ns(manifest->created_at);

	if (!stored_ns || stored_ns + OLD_NS < event.boot_ns || is_known(names, manifest) ||
	    !is_wanted(names, manifest))
		return;
	read_name(manifest, event.image.name);
	if (!*event.image.name)
		return;
	note(names, manifest);
	TEXT_COPY(event.image.digest, manifest->digest);
	image_look(names->source->looks, &event);
}

static void on_list(void *context, const uint8_t *data, size_t size)
{
	Containerd__ListContentResponse *list =
		containerd__list_content_response__unpack(NULL, size, data);

	if (!list)
		return;
	for (size_t i = 0; i < list->n_info; i++)
		consider(context, list->info[i]);
	containerd__list_content_response__free_unpacked(list, NULL);
}

static void on_list_end(void *context, int status, const char *message)
{
	struct pull_names *names = context;

	(void)status;
	(void)message;
	names->asking = false;
	if (names->urgent) /* more began to come meanwhile */
		pull_names_ask(names, true);
}

void pull_names_ask(struct pull_names *names, bool urgent)
{
	static char filter[] = MANIFEST_FILTER;
	char *filters[] = {filter};
	const struct rpc_method method = {
		.path = "/containerd.services.content.v1.Content/List",
		.namespace_name = names->source->namespace_name,
		.deadline_ms = CALL_DEADLINE_MS,
	};
	Containerd__ListContentRequest request = CONTAINERD__LIST_CONTENT_REQUEST__INIT;
	uint64_t now_ns = clock_boot_ns();

	names->urgent = urgent && names->asking;
	if (names->asking || (!urgent && now_ns < names->asked_ns + AGAIN_NS))
		return;
	request.filters = filters;
	request.n_filters = 1;
	names->asked_ns = now_ns;
	names->source->stats.calls++;
	names->asking = rpc_open_stream(names->source->rpc, &method, &request.base, on_list,
					on_list_end, names) == 0;
}
