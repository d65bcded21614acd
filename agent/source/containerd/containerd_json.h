/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON that containerd keeps: CRI's metadata of a container (an extension of the native
 * container, there from its creation on) and OCI manifests. Trusts nothing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/event.h"

#define CRI_CONTAINER_METADATA "io.cri-containerd.container.metadata"
#define CRI_SANDBOX_METADATA   "io.cri-containerd.sandbox.metadata"

/*
 * Fills in what the metadata tells: for a container sandbox_id, name, attempt, image; for a sandbox
 * pod, namespace, uid. Returns 0 or -EBADMSG (*event untouched).
 */
int containerd_json_container(const char *text, size_t size, struct event_container *event);
int containerd_json_sandbox(const char *text, size_t size, struct event_container *event);

#define MANIFEST_LAYERS_MAX 128

struct manifest {
	char config[DIGEST_SIZE];
	uint32_t layer_count;
	struct {
		char digest[DIGEST_SIZE];
		uint64_t bytes;
	} layers[MANIFEST_LAYERS_MAX];
};

/*
 * Reads a manifest, or finds in an index the one of this machine's platform. Returns 0 with *ret
 * filled in, 1 with the manifest's digest in ret_next, or -EBADMSG.
 */
int containerd_json_manifest(const char *text, size_t size, struct manifest *ret,
			     char ret_next[static DIGEST_SIZE]);
