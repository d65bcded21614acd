/* SPDX-License-Identifier: Apache-2.0 */
/* Pods and containers as the kubelet describes them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cri/cri.h"

static Cri__PodSandboxMetadata metadata = CRI__POD_SANDBOX_METADATA__INIT;
static Cri__NamespaceOption namespaces = CRI__NAMESPACE_OPTION__INIT;
static Cri__LinuxSandboxSecurityContext pod_security = CRI__LINUX_SANDBOX_SECURITY_CONTEXT__INIT;
static Cri__LinuxPodSandboxConfig pod_linux = CRI__LINUX_POD_SANDBOX_CONFIG__INIT;
static Cri__PodSandboxConfig pod_config = CRI__POD_SANDBOX_CONFIG__INIT;
static Cri__PodSandboxConfig__LabelsEntry pod_labels[3] = {
	CRI__POD_SANDBOX_CONFIG__LABELS_ENTRY__INIT, CRI__POD_SANDBOX_CONFIG__LABELS_ENTRY__INIT,
	CRI__POD_SANDBOX_CONFIG__LABELS_ENTRY__INIT};
static Cri__PodSandboxConfig__LabelsEntry *pod_label_list[3] = {&pod_labels[0], &pod_labels[1],
								&pod_labels[2]};

/* As the kubelet labels its pods. */
void pod_describe(char *name, char *namespace_name, char *uid, char *parent)
{
	const char *keys[3] = {"io.kubernetes.pod.name", "io.kubernetes.pod.namespace",
			       "io.kubernetes.pod.uid"};
	char *values[3] = {name, namespace_name, uid};

	for (int i = 0; i < 3; i++) {
		pod_labels[i].key = (char *)keys[i];
		pod_labels[i].value = values[i];
	}
	metadata.name = name;
	metadata.namespace_ = namespace_name;
	metadata.uid = uid;
	metadata.attempt = (uint32_t)atoi(option("podattempt", "0"));
	namespaces.network =
		atoi(option("hostnet", "0")) ? CRI__NAMESPACE_MODE__NODE : CRI__NAMESPACE_MODE__POD;
	namespaces.pid = atoi(option("hostpid", "0"))  ? CRI__NAMESPACE_MODE__NODE
			 : atoi(option("podpid", "0")) ? CRI__NAMESPACE_MODE__POD
						       : CRI__NAMESPACE_MODE__CONTAINER;
	pod_security.namespace_options = &namespaces;
	pod_linux.cgroup_parent = parent;
	pod_linux.security_context = &pod_security;
	pod_config.metadata = &metadata;
	/* a pod in the host's network has no UTS namespace of its own */
	pod_config.hostname = atoi(option("hostnet", "0")) ? (char *)"" : name;
	pod_config.log_directory = (char *)option("logs", "");
	pod_config.n_labels = 3;
	pod_config.labels = pod_label_list;
	pod_config.linux_config = &pod_linux;
}

char *pod_run(void)
{
	Cri__RunPodSandboxRequest request = CRI__RUN_POD_SANDBOX_REQUEST__INIT;

	request.config = &pod_config;
	request.runtime_handler = (char *)option("runtime", "");
	Cri__RunPodSandboxResponse *reply =
		CALL(CRI_RUNTIME "RunPodSandbox", request, run_pod_sandbox_response);
	return reply->pod_sandbox_id;
}

char *container_create(char *pod, char *name, char *image)
{
	Cri__CreateContainerRequest request = CRI__CREATE_CONTAINER_REQUEST__INIT;
	Cri__ContainerConfig config = CRI__CONTAINER_CONFIG__INIT;
	Cri__ContainerMetadata container = CRI__CONTAINER_METADATA__INIT;
	Cri__ImageSpec spec = CRI__IMAGE_SPEC__INIT;
	Cri__LinuxContainerConfig linux_config = CRI__LINUX_CONTAINER_CONFIG__INIT;
	Cri__LinuxContainerResources resources = CRI__LINUX_CONTAINER_RESOURCES__INIT;
	Cri__LinuxContainerSecurityContext security = CRI__LINUX_CONTAINER_SECURITY_CONTEXT__INIT;
	Cri__Int64Value user = CRI__INT64_VALUE__INIT;
	Cri__ContainerConfig__LabelsEntry labels[4] = {CRI__CONTAINER_CONFIG__LABELS_ENTRY__INIT,
						       CRI__CONTAINER_CONFIG__LABELS_ENTRY__INIT,
						       CRI__CONTAINER_CONFIG__LABELS_ENTRY__INIT,
						       CRI__CONTAINER_CONFIG__LABELS_ENTRY__INIT};
	Cri__ContainerConfig__LabelsEntry *label_list[4] = {&labels[0], &labels[1], &labels[2],
							    &labels[3]};
	char log_path[128];

	for (int i = 0; i < 3; i++) {
		labels[i].key = pod_labels[i].key;
		labels[i].value = pod_labels[i].value;
	}
	labels[3].key = (char *)"io.kubernetes.container.name";
	labels[3].value = name;
	config.labels = label_list;
	config.n_labels = 4;
	container.name = name;
	container.attempt = (uint32_t)atoi(option("attempt", "0"));
	spec.image = image;
	config.metadata = &container;
	config.image = &spec;
	if (atoi(option("args", "0"))) { /* behind the image's entrypoint */
		config.args = arguments.command;
		config.n_args = (size_t)arguments.command_count;
	} else {
		config.command = arguments.command;
		config.n_command = (size_t)arguments.command_count;
	}
	if (*option("logs", "")) {
		snprintf(log_path, sizeof(log_path), "%s_%u.log", name, container.attempt);
		config.log_path = log_path;
	}
	resources.memory_limit_in_bytes = atoll(option("memory", "0"));
	resources.cpu_quota = atoll(option("quota", "0"));
	resources.cpu_period = resources.cpu_quota ? 100000 : 0;
	user.value = atoll(option("user", "0"));
	security.run_as_user = user.value ? &user : NULL;
	security.run_as_username = (char *)option("username", "");
	security.readonly_rootfs = atoi(option("readonly", "0"));
	config.working_dir = (char *)option("workdir", "");
	security.namespace_options = &namespaces;
	linux_config.resources = &resources;
	linux_config.security_context = &security;
	config.linux_config = &linux_config;
	container_mounts(&config);
	container_environment(&config);
	container_confine(&security);
	request.pod_sandbox_id = pod;
	request.config = &config;
	request.sandbox_config = &pod_config;
	Cri__CreateContainerResponse *reply =
		CALL(CRI_RUNTIME "CreateContainer", request, create_container_response);
	return reply->container_id;
}

void call_by_id(const char *method, char *id, int64_t timeout)
{
	Cri__ContainerRequest request = CRI__CONTAINER_REQUEST__INIT;
	char path[128];

	request.container_id = id;
	request.timeout = timeout;
	snprintf(path, sizeof(path), CRI_RUNTIME "%s", method);
	CALL(path, request, empty_response);
}
