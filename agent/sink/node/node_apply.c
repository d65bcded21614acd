/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/node/node_apply.h"

#include <errno.h>
#include <stdio.h>

#define PATH_SIZE 384

int node_apply_read(struct kube *kube, const char *node_name, kube_reply_fn on_reply, void *context)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "/api/v1/nodes/%s", node_name);
	return kube_call(kube, &(struct kube_request){.verb = KUBE_GET, .path = path}, on_reply,
			 context);
}

int node_apply_write(struct kube *kube, const char *node_name, const char *uid,
		     const json_t *annotations, kube_reply_fn on_reply, void *context)
{
	char path[PATH_SIZE];
	json_auto_t *body =
		json_pack("{s:s, s:s, s:{s:s, s:O}}", "apiVersion", "v1", "kind", "Node",
			  "metadata", "name", node_name, "annotations", annotations);

	if (!body)
		return -ENOMEM;
	if (*uid)
		json_object_set_new(json_object_get(body, "metadata"), "uid", json_string(uid));
	snprintf(path, sizeof(path), "/api/v1/nodes/%s?fieldManager=nodewake&force=true",
		 node_name);
	return kube_call(kube,
			 &(struct kube_request){.verb = KUBE_APPLY, .path = path, .body = body},
			 on_reply, context);
}

const char *node_apply_uid(const struct kube_reply *reply)
{
	const char *uid =
		json_string_value(json_object_get(json_object_get(reply->body, "metadata"), "uid"));

	return uid ? uid : "";
}
