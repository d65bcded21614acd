/* SPDX-License-Identifier: Apache-2.0 */
/* CRI's metadata and OCI manifests. */
#include "fuzz/target.h"

#include "source/containerd/containerd_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct manifest manifest;
	struct event_container container = {0}, sandbox = {0};
	char next[DIGEST_SIZE];

	containerd_json_container((const char *)data, size, &container);
	containerd_json_sandbox((const char *)data, size, &sandbox);
	containerd_json_manifest((const char *)data, size, &manifest, next);
	return 0;
}
