/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime knows, as JSON. */
#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"
#include "cri/cri.h"

void print_json(json_t *json)
{
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
}

static json_t *list_of(char **texts, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(texts[i]));
	return list;
}

int verb_images(void)
{
	Cri__ListImagesRequest request = CRI__LIST_IMAGES_REQUEST__INIT;
	Cri__ListImagesResponse *reply =
		CALL(CRI_IMAGES "ListImages", request, list_images_response);

	for (size_t i = 0; i < reply->n_images; i++) {
		const Cri__Image *image = reply->images[i];

		print_json(json_pack("{s:s s:o s:o s:I}", "id", image->id, "tags",
				     list_of(image->repo_tags, image->n_repo_tags), "digests",
				     list_of(image->repo_digests, image->n_repo_digests), "bytes",
				     (json_int_t)image->size));
	}
	return 0;
}

int verb_version(void)
{
	Cri__VersionRequest request = CRI__VERSION_REQUEST__INIT;
	Cri__VersionResponse *reply = CALL(CRI_RUNTIME "Version", request, version_response);

	printf("%s %s\n", reply->runtime_name, reply->runtime_version);
	return 0;
}

int verb_inspect(void)
{
	Cri__ContainerStatusRequest request = CRI__CONTAINER_STATUS_REQUEST__INIT;

	request.container_id = required("id");
	request.verbose = true;
	Cri__ContainerStatusResponse *reply =
		CALL(CRI_RUNTIME "ContainerStatus", request, container_status_response);
	const Cri__ContainerStatus *status = reply->status;
	json_int_t pid = 0;

	for (size_t i = 0; i < reply->n_info; i++) {
		json_t *info = json_loads(reply->info[i]->value, 0, NULL);

		if (json_object_get(info, "pid"))
			pid = json_integer_value(json_object_get(info, "pid"));
		json_decref(info);
	}
	print_json(json_pack("{s:s s:i s:I s:I s:I s:i s:s s:s s:I s:I}", "id", status->id, "state",
			     (int)status->state, "created_at", (json_int_t)status->created_at,
			     "started_at", (json_int_t)status->started_at, "finished_at",
			     (json_int_t)status->finished_at, "exit_code", (int)status->exit_code,
			     "reason", status->reason, "message", status->message, "pid", pid,
			     "wall_offset_ns", (json_int_t)clock_wall_offset_ns()));
	return 0;
}

int verb_ps(void)
{
	Cri__ListContainersRequest request = CRI__LIST_CONTAINERS_REQUEST__INIT;
	Cri__ListContainersResponse *reply =
		CALL(CRI_RUNTIME "ListContainers", request, list_containers_response);

	for (size_t i = 0; i < reply->n_containers; i++)
		print_json(json_pack("{s:s s:s s:s s:i}", "id", reply->containers[i]->id, "pod",
				     reply->containers[i]->pod_sandbox_id, "name",
				     reply->containers[i]->metadata->name, "state",
				     (int)reply->containers[i]->state));
	return 0;
}

int verb_pods(void)
{
	Cri__ListPodSandboxRequest request = CRI__LIST_POD_SANDBOX_REQUEST__INIT;
	Cri__ListPodSandboxResponse *reply =
		CALL(CRI_RUNTIME "ListPodSandbox", request, list_pod_sandbox_response);

	for (size_t i = 0; i < reply->n_items; i++)
		print_json(json_pack("{s:s s:s s:i}", "id", reply->items[i]->id, "name",
				     reply->items[i]->metadata->name, "state",
				     reply->items[i]->state));
	return 0;
}
