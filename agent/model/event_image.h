/* SPDX-License-Identifier: Apache-2.0 */
/* What containerd tells of images: snapshots, downloads in progress, what an image consists of. A part of event.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/names.h"

enum snapshot_step {
	SNAPSHOT_NONE,
	SNAPSHOT_PREPARE,
	SNAPSHOT_COMMIT,
	SNAPSHOT_REMOVE,
	SNAPSHOT_STEP_COUNT
};

struct event_snapshot {
	enum snapshot_step step;
	char container_id[ID_SIZE]; /* rootfs of that container; "" for a layer's unpack */
	char chain[DIGEST_SIZE];    /* chain id of the layer that is unpacked, "sha256:..." */
	char parent[DIGEST_SIZE];   /* chain id below it, "" for the first layer */
};

enum ingest_kind {
	INGEST_OTHER,
	INGEST_LAYER,
	INGEST_MANIFEST,
	INGEST_INDEX,
	INGEST_CONFIG,
	INGEST_KIND_COUNT
};

struct event_ingest {
	enum ingest_kind kind;
	char digest[DIGEST_SIZE];
	uint64_t offset, total; /* bytes */
	uint64_t started_ns;
	bool gone;		 /* no longer listed: committed or given up */
	bool aborted;		 /* given up, for sure */
	char peer[ADDRESS_SIZE]; /* containerd's only TCP peer meanwhile; "" not known */
	uint16_t peer_port;
};

struct event_layer {
	char image[IMAGE_SIZE];
	char digest[DIGEST_SIZE];		 /* compressed blob */
	char chain[DIGEST_SIZE];		 /* chain id of its snapshot, "" unknown */
	uint32_t index, count;			 /* position among the image's layers */
	uint64_t bytes;				 /* compressed size */
	uint64_t committed_ns;			 /* when the blob was complete; 0: it is not */
	uint64_t unpacked_bytes, unpacked_files; /* of its snapshot; 0 not known */
};

enum image_step {
	IMAGE_NONE,
	IMAGE_CREATE,
	IMAGE_UPDATE,
	IMAGE_DELETE,
	IMAGE_PULLING, /* name is "registry/repository", digest its manifest's */
	IMAGE_STEP_COUNT
};

/* Where it is not deleted, its layers come first. */
struct event_image {
	enum image_step step;
	char name[IMAGE_SIZE];
	char digest[DIGEST_SIZE];   /* what the name points to: index or manifest, "" unknown */
	char image_id[DIGEST_SIZE]; /* digest of the config, what CRI calls the image id */
	uint64_t resolved_ns; /* when its manifest was stored: first sign of a pull; 0 unknown */
	char registry[REGISTRY_SIZE]; /* that it was fetched from, by its name; "" unknown */
};
