/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an image that became ready consists of: its manifest, each layer's size and the time its
 * download was complete, and its snapshot's chain id and size.
 *
 * One image at a time, one question at a time: image, manifest (through an index), layers, config,
 * snapshots from the top down, their sizes. A pull that goes on is looked at in the same way, as far as it has got.
 * A pull announces its image under several names within ms, and a
 * kubelet asks for known images again and again: what was found for a digest holds as long as
 * its manifest is the blob that was read. After a removal and another pull it is a new blob, and
 * its layers were downloaded anew.
 */
#include "source/containerd/containerd_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "source/containerd/containerd_json.h"

#define LOOKS_MAX      64
#define FOUND_MAX      16
#define SNAPSHOT_LABEL "containerd.io/gc.ref.snapshot."
#define SOURCE_LABEL   "containerd.io/distribution.source."

struct look {
	struct event image;
	struct look *next;
};

struct found {
	char digest[DIGEST_SIZE], manifest[DIGEST_SIZE], image_id[DIGEST_SIZE];
	char registry[REGISTRY_SIZE];
	uint64_t resolved_ns;
	int64_t stored_seconds; /* when the manifest was stored, as containerd says it */
	int32_t stored_nanos;
};

struct image_looks {
	struct containerd_source *source;
	struct look *first, **end; /* the first is being looked at */
	uint32_t count;
	struct found found[FOUND_MAX];
	uint32_t next_found;

	/* the look under way */
	char reading[DIGEST_SIZE];
	struct manifest manifest;
	uint64_t resolved_ns;
	int64_t stored_seconds;
	int32_t stored_nanos;
	uint64_t committed_ns[MANIFEST_LAYERS_MAX];
	char chains[MANIFEST_LAYERS_MAX][DIGEST_SIZE];
	uint64_t unpacked_bytes[MANIFEST_LAYERS_MAX], unpacked_files[MANIFEST_LAYERS_MAX];
	char snapshotter[64], registry[REGISTRY_SIZE];
	uint32_t step; /* layer or snapshot that is asked for */
};

static void ask_image(struct image_looks *looks);
static void ask_content(struct image_looks *looks, const char *digest);
static void ask_info(struct image_looks *looks);
static void ask_snapshot(struct image_looks *looks);
static void ask_usage(struct image_looks *looks);

int image_looks_new(struct image_looks **ret, struct containerd_source *source)
{
	struct image_looks *looks = calloc(1, sizeof(*looks));

	if (!looks)
		return -ENOMEM;
	looks->source = source;
	looks->end = &looks->first;
	*ret = looks;
	return 0;
}

static void pop(struct image_looks *looks)
{
	struct look *look = looks->first;

	looks->first = look->next;
	if (!looks->first)
		looks->end = &looks->first;
	looks->count--;
	free(look);
}

void image_looks_free(struct image_looks *looks)
{
	while (looks && looks->first)
		pop(looks);
	free(looks);
}

/* Emits the image and goes on with the next. */
static void finish(struct image_looks *looks)
{
	containerd_emit(looks->source, &looks->first->image);
	pop(looks);
	if (looks->first)
		ask_image(looks);
}

static struct found *find(struct image_looks *looks, const char *digest)
{
	for (size_t i = 0; i < FOUND_MAX; i++)
		if (*digest && strcmp(looks->found[i].digest, digest) == 0)
			return &looks->found[i];
	return NULL;
}

static void keep(struct image_looks *looks)
{
	const struct event_image *image = &looks->first->image.image;
	struct found *found = find(looks, image->digest);

	if (!found)
		found = &looks->found[looks->next_found++ % FOUND_MAX];
	TEXT_COPY(found->digest, image->digest);
	TEXT_COPY(found->manifest, looks->reading);
	TEXT_COPY(found->image_id, image->image_id);
	TEXT_COPY(found->registry, looks->registry);
	found->resolved_ns = looks->resolved_ns;
	found->stored_seconds = looks->stored_seconds;
	found->stored_nanos = looks->stored_nanos;
}

static void emit_layers(struct image_looks *looks)
{
	struct event *image = &looks->first->image;

	for (uint32_t i = 0; i < looks->manifest.layer_count; i++) {
		struct event event = {
			.type = EVENT_LAYER,
			.boot_ns = image->boot_ns,
			.layer = {.index = i,
				  .count = looks->manifest.layer_count,
				  .bytes = looks->manifest.layers[i].bytes,
				  .committed_ns = looks->committed_ns[i],
				  .unpacked_bytes = looks->unpacked_bytes[i],
				  .unpacked_files = looks->unpacked_files[i]},
		};

		TEXT_COPY(event.layer.image, image->image.name);
		TEXT_COPY(event.layer.digest, looks->manifest.layers[i].digest);
		TEXT_COPY(event.layer.chain, looks->chains[i]);
		containerd_emit(looks->source, &event);
	}
	TEXT_COPY(image->image.image_id, looks->manifest.config);
	TEXT_COPY(image->image.registry, looks->registry);
	image->image.resolved_ns = looks->resolved_ns;
	if (image->image.step != IMAGE_PULLING)
		keep(looks);
	finish(looks);
}

static int call(struct image_looks *looks, const char *path,
		const ProtobufCMessageDescriptor *reply, const ProtobufCMessage *request,
		rpc_reply_fn on_reply)
{
	const struct rpc_method method = {
		.path = path,
		.namespace_name = looks->source->namespace_name,
		.reply = reply,
		.deadline_ms = CALL_DEADLINE_MS,
	};

	return containerd_call(looks->source, &method, request, on_reply, looks);
}

/* From the top down; the walk ends at the base, or where a snapshot is not there. */
static void on_snapshot(void *context, int status, const char *message,
			const ProtobufCMessage *reply)
{
	struct image_looks *looks = context;
	const Containerd__SnapshotInfo *info =
		status == RPC_OK ? ((const Containerd__StatSnapshotResponse *)reply)->info : NULL;

	(void)message;
	if (!info || !*info->parent || looks->step == 0) {
		looks->step = 0;
		ask_usage(looks);
		return;
	}
	TEXT_COPY(looks->chains[--looks->step], info->parent);
	ask_snapshot(looks);
}

static void ask_snapshot(struct image_looks *looks)
{
	Containerd__StatSnapshotRequest request = CONTAINERD__STAT_SNAPSHOT_REQUEST__INIT;

	request.snapshotter = looks->snapshotter;
	request.key = looks->chains[looks->step];
	if (call(looks, "/containerd.services.snapshots.v1.Snapshots/Stat",
		 &containerd__stat_snapshot_response__descriptor, &request.base, on_snapshot) < 0)
		emit_layers(looks);
}

static void on_usage(void *context, int status, const char *message, const ProtobufCMessage *reply)
{
	const Containerd__UsageResponse *usage = (const void *)reply;
	struct image_looks *looks = context;

	(void)message;
	if (status == RPC_OK && usage->size > 0)
		looks->unpacked_bytes[looks->step] = (uint64_t)usage->size;
	if (status == RPC_OK && usage->inodes > 0)
		looks->unpacked_files[looks->step] = (uint64_t)usage->inodes;
	looks->step++;
	ask_usage(looks);
}

/* containerd has counted it when it was unpacked. */
static void ask_usage(struct image_looks *looks)
{
	Containerd__UsageRequest request = CONTAINERD__USAGE_REQUEST__INIT;

	while (looks->step < looks->manifest.layer_count && !*looks->chains[looks->step])
		looks->step++;
	if (looks->step == looks->manifest.layer_count) {
		emit_layers(looks);
		return;
	}
	request.snapshotter = looks->snapshotter;
	request.key = looks->chains[looks->step];
	if (call(looks, "/containerd.services.snapshots.v1.Snapshots/Usage",
		 &containerd__usage_response__descriptor, &request.base, on_usage) < 0)
		emit_layers(looks);
}

/* The config's label names the top snapshot once the image is unpacked. */
static bool read_top_chain(struct image_looks *looks, const Containerd__Info *config)
{
	for (size_t i = 0; i < config->n_labels; i++) {
		const char *key = config->labels[i]->key;

		if (strncmp(key, SNAPSHOT_LABEL, strlen(SNAPSHOT_LABEL)) != 0)
			continue;
		TEXT_COPY(looks->snapshotter, key + strlen(SNAPSHOT_LABEL));
		looks->step = looks->manifest.layer_count - 1;
		TEXT_COPY(looks->chains[looks->step], config->labels[i]->value);
		return true;
	}
	return false;
}

/* Layers first, then, as one more, the config. */
static void on_info(void *context, int status, const char *message, const ProtobufCMessage *reply)
{
	struct image_looks *looks = context;
	const Containerd__Info *info =
		status == RPC_OK ? ((const Containerd__InfoResponse *)reply)->info : NULL;

	(void)message;
	if (looks->step < looks->manifest.layer_count) {
		if (info)
			looks->committed_ns[looks->step] = containerd_stamp_ns(info->created_at);
		looks->step++;
		ask_info(looks);
	} else if (info && looks->manifest.layer_count && read_top_chain(looks, info)) {
		ask_snapshot(looks);
	} else {
		emit_layers(looks);
	}
}

static void ask_info(struct image_looks *looks)
{
	Containerd__InfoRequest request = CONTAINERD__INFO_REQUEST__INIT;
	bool layer = looks->step < looks->manifest.layer_count;

	request.digest =
		layer ? looks->manifest.layers[looks->step].digest : looks->manifest.config;
	if (call(looks, "/containerd.services.content.v1.Content/Info",
		 &containerd__info_response__descriptor, &request.base, on_info) < 0)
		finish(looks);
}

/* By its name; whether a mirror of it answered is not said. Fetched from two, it could be either. */
static void read_registry(struct image_looks *looks, const Containerd__Info *manifest)
{
	for (size_t i = 0; i < manifest->n_labels; i++) {
		const char *key = manifest->labels[i]->key;

		if (strncmp(key, SOURCE_LABEL, strlen(SOURCE_LABEL)) != 0)
			continue;
		if (*looks->registry) {
			*looks->registry = '\0';
			return;
		}
		TEXT_COPY(looks->registry, key + strlen(SOURCE_LABEL));
	}
}

static void on_manifest_info(void *context, int status, const char *message,
			     const ProtobufCMessage *reply)
{
	struct image_looks *looks = context;
	const Containerd__Info *info =
		status == RPC_OK ? ((const Containerd__InfoResponse *)reply)->info : NULL;

	(void)message;
	looks->resolved_ns = info ? containerd_stamp_ns(info->created_at) : 0;
	looks->stored_seconds = info && info->created_at ? info->created_at->seconds : 0;
	looks->stored_nanos = info && info->created_at ? info->created_at->nanos : 0;
	if (info)
		read_registry(looks, info);
	looks->step = 0;
	ask_info(looks);
}

static void ask_manifest_info(struct image_looks *looks, rpc_reply_fn on_reply)
{
	Containerd__InfoRequest request = CONTAINERD__INFO_REQUEST__INIT;

	request.digest = looks->reading;
	if (call(looks, "/containerd.services.content.v1.Content/Info",
		 &containerd__info_response__descriptor, &request.base, on_reply) < 0)
		finish(looks);
}

/* Read answers as a stream of pieces; manifests are far below a piece's size. */
static void on_content(void *context, const uint8_t *data, size_t size)
{
	struct image_looks *looks = context;
	Containerd__ReadContentResponse *piece =
		containerd__read_content_response__unpack(NULL, size, data);
	char next[DIGEST_SIZE] = "";

	if (!piece)
		return;
	int r = containerd_json_manifest((const char *)piece->data.data, piece->data.len,
					 &looks->manifest, next);

	containerd__read_content_response__free_unpacked(piece, NULL);
	if (r == 1)
		TEXT_COPY(looks->reading, next);
	else if (r < 0)
		*looks->reading = '\0';
}

static void on_content_end(void *context, int status, const char *message)
{
	struct image_looks *looks = context;

	(void)message;
	if (status != RPC_OK || !*looks->reading)
		finish(looks);
	else if (!*looks->manifest.config && looks->step++ < 2)
		ask_content(looks, looks->reading); /* it was an index */
	else
		ask_manifest_info(looks, on_manifest_info);
}

static void ask_content(struct image_looks *looks, const char *digest)
{
	const struct rpc_method method = {
		.path = "/containerd.services.content.v1.Content/Read",
		.namespace_name = looks->source->namespace_name,
		.deadline_ms = CALL_DEADLINE_MS,
	};
	Containerd__ReadContentRequest request = CONTAINERD__READ_CONTENT_REQUEST__INIT;

	if (digest != looks->reading)
		TEXT_COPY(looks->reading, digest);
	request.digest = looks->reading;
	looks->source->stats.calls++;
	if (rpc_open_stream(looks->source->rpc, &method, &request.base, on_content, on_content_end,
			    looks) < 0)
		finish(looks);
}

static void read_image(struct image_looks *looks)
{
	memset(&looks->manifest, 0, sizeof(looks->manifest));
	memset(looks->committed_ns, 0, sizeof(looks->committed_ns));
	memset(looks->chains, 0, sizeof(looks->chains));
	memset(looks->unpacked_bytes, 0, sizeof(looks->unpacked_bytes));
	memset(looks->unpacked_files, 0, sizeof(looks->unpacked_files));
	*looks->registry = '\0';
	looks->step = 0;
	ask_content(looks, looks->first->image.image.digest);
}

static void on_known_manifest(void *context, int status, const char *message,
			      const ProtobufCMessage *reply)
{
	struct image_looks *looks = context;
	struct event_image *image = &looks->first->image.image;
	const struct found *found = find(looks, image->digest);
	const Containerd__Info *info =
		status == RPC_OK ? ((const Containerd__InfoResponse *)reply)->info : NULL;

	(void)message;
	if (found && info && info->created_at &&
	    info->created_at->seconds == found->stored_seconds &&
	    info->created_at->nanos == found->stored_nanos) {
		TEXT_COPY(image->image_id, found->image_id);
		TEXT_COPY(image->registry, found->registry);
		image->resolved_ns = found->resolved_ns;
		finish(looks);
	} else {
		read_image(looks);
	}
}

static void on_image(void *context, int status, const char *message, const ProtobufCMessage *reply)
{
	struct image_looks *looks = context;
	struct event_image *image = &looks->first->image.image;
	const Containerd__Image *answer =
		status == RPC_OK ? ((const Containerd__GetImageResponse *)reply)->image : NULL;

	(void)message;
	if (!answer || !answer->target) {
		finish(looks);
		return;
	}
	TEXT_COPY(image->digest, answer->target->digest);
	const struct found *found = find(looks, image->digest);

	if (found) {
		TEXT_COPY(looks->reading, found->manifest);
		ask_manifest_info(looks, on_known_manifest);
	} else {
		read_image(looks);
	}
}

static void ask_image(struct image_looks *looks)
{
	Containerd__GetImageRequest request = CONTAINERD__GET_IMAGE_REQUEST__INIT;

	if (looks->first->image.image.step == IMAGE_PULLING) { /* there is none so far */
		read_image(looks);
		return;
	}
	request.name = looks->first->image.image.name;
	if (call(looks, "/containerd.services.images.v1.Images/Get",
		 &containerd__get_image_response__descriptor, &request.base, on_image) < 0)
		finish(looks);
}

void image_look(struct image_looks *looks, const struct event *image)
{
	struct look *look = looks->count < LOOKS_MAX ? calloc(1, sizeof(*look)) : NULL;

	if (!look) { /* the name is told all the same, without its parts */
		containerd_emit(looks->source, image);
		return;
	}
	look->image = *image;
	*looks->end = look;
	looks->end = &look->next;
	if (looks->count++ == 0)
		ask_image(looks);
}
