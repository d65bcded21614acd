/* SPDX-License-Identifier: Apache-2.0 */
/* A pod's, an Event's and a Node's JSON, as the API server sends them: for the daemon, and for health. */
#include <jansson.h>

#include "cli/health/health_api.h"
#include "fuzz/target.h"
#include "source/kubernetes/kubernetes_pod.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	struct event_pod_container containers[4];
	struct event_pod_trouble trouble;
	struct event_work work;
	uint64_t since_ns[4];
	struct kubernetes_node node;
	struct event_pod pod;
	const struct health_machine machine = {
		.kubectl = "kubectl", .alive_seen = true, .boot_wall_ns = 2};
	struct health_finding finding;

	kubernetes_pod_read(json, 0, &pod);
	kubernetes_pod_containers(json, 0, containers, since_ns, 4);
	kubernetes_trouble_read(json, 0, &trouble);
	kubernetes_attach_read(json, 0, &work, &since_ns[0]);
	kubernetes_node_read(json, "11111111-2222-3333-4444-555555555555", 0, &node);
	health_judge_pod(json, &machine, &finding);
	json_decref(json);
	return 0;
}
