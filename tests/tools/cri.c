/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives pods through CRI, as the kubelet would: `cri VERB [KEY=VALUE ...] [-- COMMAND ...]`.
 *
 * One verb a call; ids and JSON on stdout, one line on stderr and exit code 1 when the runtime
 * refuses. `cri bench` starts pods one after the other, or as many at a time as parallel= says,
 * and prints what the client waited for.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "client/rpc.h"
#include "cri.pb-c.h"

static const char usage[] =
	"usage: cri VERB [KEY=VALUE ...] [-- COMMAND ARGUMENT ...]\n"
	"  runp    name= namespace= uid= parent= [logs=DIR] [hostnet=1] [hostpid=1] [podpid=1]\n"
	"  create  pod=ID name= image= [attempt=N] [memory=BYTES] [quota=US] [mount=HOST:INSIDE] "
	"[env=K=V]\n"
	"          [podname= namespace= uid= parent=] [podpid=1] -- COMMAND ...\n"
	"  start | rm id=ID      stop id=ID [timeout=S]      stopp | rmp id=ID\n"
	"  exec id=ID -- COMMAND ...      pull | rmi image=      images      inspect id=ID\n"
	"  ps      pods      version\n"
	"  bench count=N image= parent= [prefix=] [parallel=N] [hostnet=1] -- COMMAND ...\n"
	"socket: CRI_SOCKET in the environment\n";

static const char *socket_path;

struct arguments {
	int count;
	char **words;
	char **command;
	int command_count;
};

static struct arguments arguments;
static struct rpc *rpc;
static sd_event *loop;

static const char *option(const char *key, const char *otherwise)
{
	size_t length = strlen(key);

	for (int i = 0; i < arguments.count; i++)
		if (strncmp(arguments.words[i], key, length) == 0 &&
		    arguments.words[i][length] == '=')
			return arguments.words[i] + length + 1;
	return otherwise;
}

static char *required(const char *key)
{
	const char *value = option(key, NULL);

	if (!value) {
		fprintf(stderr, "cri: %s= is missing\n%s", key, usage);
		exit(2);
	}
	return (char *)value;
}

static void connect_runtime(void)
{
	if (sd_event_default(&loop) < 0 || rpc_new(&rpc, loop, socket_path) < 0) {
		fprintf(stderr, "cri: no connection can be made\n");
		exit(1);
	}
}

struct waiting {
	bool done;
	int status;
	char message[1024];
	const ProtobufCMessageDescriptor *type;
	ProtobufCMessage *reply;
};

/* Keeps a copy: the reply dies when this returns. */
static void on_reply(void *context, int status, const char *message, const ProtobufCMessage *reply)
{
	struct waiting *waiting = context;

	waiting->done = true;
	waiting->status = status;
	snprintf(waiting->message, sizeof(waiting->message), "%s", message);
	if (reply) {
		size_t size = protobuf_c_message_get_packed_size(reply);
		uint8_t *bytes = malloc(size ? size : 1);

		protobuf_c_message_pack(reply, bytes);
		waiting->reply = protobuf_c_message_unpack(waiting->type, NULL, size, bytes);
		free(bytes);
	}
}

/* Waits for the answer; ends the program with one line if it is a refusal. */
static void *call(const char *path, const ProtobufCMessage *request,
		  const ProtobufCMessageDescriptor *type)
{
	struct rpc_method method = {.path = path, .reply = type, .deadline_ms = 600000};
	struct waiting waiting = {.type = type};

	if (!rpc)
		connect_runtime();
	if (rpc_call(rpc, &method, request, on_reply, &waiting) < 0) {
		fprintf(stderr, "cri: cannot call\n");
		exit(1);
	}
	while (!waiting.done)
		sd_event_run(loop, UINT64_MAX);
	if (waiting.status != RPC_OK) {
		fprintf(stderr, "cri: %s: status %d: %s\n", strrchr(path, '/') + 1, waiting.status,
			waiting.message);
		exit(1);
	}
	return waiting.reply;
}

#define RUNTIME "/runtime.v1.RuntimeService/"
#define CALL(method, request, type) \
	((void *)call(method, &(request).base, &cri__##type##__descriptor))

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
static void fill_pod(char *name, char *namespace_name, char *uid, char *parent)
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

static char *run_pod(void)
{
	Cri__RunPodSandboxRequest request = CRI__RUN_POD_SANDBOX_REQUEST__INIT;

	request.config = &pod_config;
	Cri__RunPodSandboxResponse *reply =
		CALL(RUNTIME "RunPodSandbox", request, run_pod_sandbox_response);
	return reply->pod_sandbox_id;
}

static char *create(char *pod, char *name, char *image)
{
	Cri__CreateContainerRequest request = CRI__CREATE_CONTAINER_REQUEST__INIT;
	Cri__ContainerConfig config = CRI__CONTAINER_CONFIG__INIT;
	Cri__ContainerMetadata container = CRI__CONTAINER_METADATA__INIT;
	Cri__ImageSpec spec = CRI__IMAGE_SPEC__INIT;
	Cri__LinuxContainerConfig linux_config = CRI__LINUX_CONTAINER_CONFIG__INIT;
	Cri__LinuxContainerResources resources = CRI__LINUX_CONTAINER_RESOURCES__INIT;
	Cri__LinuxContainerSecurityContext security = CRI__LINUX_CONTAINER_SECURITY_CONTEXT__INIT;
	Cri__ContainerConfig__LabelsEntry labels[4] = {CRI__CONTAINER_CONFIG__LABELS_ENTRY__INIT,
						       CRI__CONTAINER_CONFIG__LABELS_ENTRY__INIT,
						       CRI__CONTAINER_CONFIG__LABELS_ENTRY__INIT,
						       CRI__CONTAINER_CONFIG__LABELS_ENTRY__INIT};
	Cri__ContainerConfig__LabelsEntry *label_list[4] = {&labels[0], &labels[1], &labels[2],
							    &labels[3]};
	Cri__Mount mount = CRI__MOUNT__INIT;
	Cri__Mount *mounts = &mount;
	Cri__KeyValue variable = CRI__KEY_VALUE__INIT;
	Cri__KeyValue *variables = &variable;
	const char *env = option("env", NULL);
	const char *mounted = option("mount", NULL);
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
	config.command = arguments.command;
	config.n_command = (size_t)arguments.command_count;
	if (*option("logs", "")) {
		snprintf(log_path, sizeof(log_path), "%s_%u.log", name, container.attempt);
		config.log_path = log_path;
	}
	resources.memory_limit_in_bytes = atoll(option("memory", "0"));
	resources.cpu_quota = atoll(option("quota", "0"));
	resources.cpu_period = resources.cpu_quota ? 100000 : 0;
	security.namespace_options = &namespaces;
	linux_config.resources = &resources;
	linux_config.security_context = &security;
	config.linux_config = &linux_config;
	if (mounted && strchr(mounted, ':')) {
		mount.host_path = strndup(mounted, (size_t)(strchr(mounted, ':') - mounted));
		mount.container_path = strchr(mounted, ':') + 1;
		config.mounts = &mounts;
		config.n_mounts = 1;
	}
	if (env && strchr(env, '=')) {
		variable.key = strndup(env, (size_t)(strchr(env, '=') - env));
		variable.value = strchr(env, '=') + 1;
		config.envs = &variables;
		config.n_envs = 1;
	}
	request.pod_sandbox_id = pod;
	request.config = &config;
	request.sandbox_config = &pod_config;
	Cri__CreateContainerResponse *reply =
		CALL(RUNTIME "CreateContainer", request, create_container_response);
	return reply->container_id;
}

static void by_id(const char *method, char *id, int64_t timeout)
{
	Cri__ContainerRequest request = CRI__CONTAINER_REQUEST__INIT;
	char path[128];

	request.container_id = id;
	request.timeout = timeout;
	snprintf(path, sizeof(path), RUNTIME "%s", method);
	CALL(path, request, empty_response);
}

static void print(json_t *json)
{
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
}

static int verb_runp(void)
{
	fill_pod(required("name"), (char *)option("namespace", "default"), required("uid"),
		 (char *)option("parent", ""));
	puts(run_pod());
	return 0;
}

static int verb_create(void)
{
	fill_pod((char *)option("podname", ""), (char *)option("namespace", "default"),
		 (char *)option("uid", ""), (char *)option("parent", ""));
	puts(create(required("pod"), required("name"), required("image")));
	return 0;
}

static int verb_start(void)
{
	by_id("StartContainer", required("id"), 0);
	return 0;
}

static int verb_stop(void)
{
	by_id("StopContainer", required("id"), atoll(option("timeout", "10")));
	return 0;
}

static int verb_rm(void)
{
	by_id("RemoveContainer", required("id"), 0);
	return 0;
}

static int verb_stopp(void)
{
	by_id("StopPodSandbox", required("id"), 0);
	return 0;
}

static int verb_rmp(void)
{
	by_id("RemovePodSandbox", required("id"), 0);
	return 0;
}

static int verb_exec(void)
{
	Cri__ExecSyncRequest request = CRI__EXEC_SYNC_REQUEST__INIT;

	request.container_id = required("id");
	request.cmd = arguments.command;
	request.n_cmd = (size_t)arguments.command_count;
	request.timeout = 30;
	Cri__ExecSyncResponse *reply = CALL(RUNTIME "ExecSync", request, exec_sync_response);
	fwrite(reply->stdout.data, 1, reply->stdout.len, stdout);
	fwrite(reply->stderr.data, 1, reply->stderr.len, stderr);
	return reply->exit_code;
}

static int verb_pull(void)
{
	Cri__PullImageRequest request = CRI__PULL_IMAGE_REQUEST__INIT;
	Cri__ImageSpec spec = CRI__IMAGE_SPEC__INIT;

	spec.image = required("image");
	request.image = &spec;
	Cri__PullImageResponse *reply =
		CALL("/runtime.v1.ImageService/PullImage", request, pull_image_response);
	puts(reply->image_ref);
	return 0;
}

static int verb_rmi(void)
{
	Cri__RemoveImageRequest request = CRI__REMOVE_IMAGE_REQUEST__INIT;
	Cri__ImageSpec spec = CRI__IMAGE_SPEC__INIT;

	spec.image = required("image");
	request.image = &spec;
	CALL("/runtime.v1.ImageService/RemoveImage", request, empty_response);
	return 0;
}

static json_t *list_of(char **texts, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(texts[i]));
	return list;
}

static int verb_images(void)
{
	Cri__ListImagesRequest request = CRI__LIST_IMAGES_REQUEST__INIT;
	Cri__ListImagesResponse *reply =
		CALL("/runtime.v1.ImageService/ListImages", request, list_images_response);

	for (size_t i = 0; i < reply->n_images; i++) {
		const Cri__Image *image = reply->images[i];

		print(json_pack("{s:s s:o s:o s:I}", "id", image->id, "tags",
				list_of(image->repo_tags, image->n_repo_tags), "digests",
				list_of(image->repo_digests, image->n_repo_digests), "bytes",
				(json_int_t)image->size));
	}
	return 0;
}

static int verb_version(void)
{
	Cri__VersionRequest request = CRI__VERSION_REQUEST__INIT;
	Cri__VersionResponse *reply = CALL(RUNTIME "Version", request, version_response);

	printf("%s %s\n", reply->runtime_name, reply->runtime_version);
	return 0;
}

static int verb_inspect(void)
{
	Cri__ContainerStatusRequest request = CRI__CONTAINER_STATUS_REQUEST__INIT;

	request.container_id = required("id");
	request.verbose = true;
	Cri__ContainerStatusResponse *reply =
		CALL(RUNTIME "ContainerStatus", request, container_status_response);
	const Cri__ContainerStatus *status = reply->status;
	json_int_t pid = 0;

	for (size_t i = 0; i < reply->n_info; i++) {
		json_t *info = json_loads(reply->info[i]->value, 0, NULL);

		if (json_object_get(info, "pid"))
			pid = json_integer_value(json_object_get(info, "pid"));
		json_decref(info);
	}
	print(json_pack("{s:s s:i s:I s:I s:I s:i s:s s:s s:I s:I}", "id", status->id, "state",
			(int)status->state, "created_at", (json_int_t)status->created_at,
			"started_at", (json_int_t)status->started_at, "finished_at",
			(json_int_t)status->finished_at, "exit_code", (int)status->exit_code,
			"reason", status->reason, "message", status->message, "pid", pid,
			"wall_offset_ns", (json_int_t)clock_wall_offset_ns()));
	return 0;
}

static int verb_ps(void)
{
	Cri__ListContainersRequest request = CRI__LIST_CONTAINERS_REQUEST__INIT;
	Cri__ListContainersResponse *reply =
		CALL(RUNTIME "ListContainers", request, list_containers_response);

	for (size_t i = 0; i < reply->n_containers; i++)
		print(json_pack("{s:s s:s s:s s:i}", "id", reply->containers[i]->id, "pod",
				reply->containers[i]->pod_sandbox_id, "name",
				reply->containers[i]->metadata->name, "state",
				(int)reply->containers[i]->state));
	return 0;
}

static int verb_pods(void)
{
	Cri__ListPodSandboxRequest request = CRI__LIST_POD_SANDBOX_REQUEST__INIT;
	Cri__ListPodSandboxResponse *reply =
		CALL(RUNTIME "ListPodSandbox", request, list_pod_sandbox_response);

	for (size_t i = 0; i < reply->n_items; i++)
		print(json_pack("{s:s s:s s:i}", "id", reply->items[i]->id, "name",
				reply->items[i]->metadata->name, "state", reply->items[i]->state));
	return 0;
}

static void bench_one(int number)
{
	char *image = required("image"), *prefix = (char *)option("prefix", "bench");
	char name[64], uid[64], parent[256];
	uint64_t ns[4];

	snprintf(name, sizeof(name), "%s-%d", prefix, number);
	snprintf(uid, sizeof(uid), "%08x-0000-4000-8000-%012x", (unsigned int)number,
		 (unsigned int)(clock_boot_ns() / 1000));
	snprintf(parent, sizeof(parent), "%s/pod%s", option("parent", ""), uid);
	fill_pod(name, (char *)"bench", uid, parent);
	ns[0] = clock_boot_ns();
	char *pod = run_pod();
	ns[1] = clock_boot_ns();
	char *id = create(pod, (char *)"main", image);
	ns[2] = clock_boot_ns();
	by_id("StartContainer", id, 0);
	ns[3] = clock_boot_ns();
	print(json_pack("{s:s s:s s:s s:I s:I s:I s:I}", "pod", pod, "name", name, "id", id,
			"run_ns", (json_int_t)(ns[1] - ns[0]), "create_ns",
			(json_int_t)(ns[2] - ns[1]), "start_ns", (json_int_t)(ns[3] - ns[2]),
			"total_ns", (json_int_t)(ns[3] - ns[0])));
	fflush(stdout);
}

/* Pods that are left running; their ids are for the clean-up. */
static int verb_bench(void)
{
	int count = atoi(required("count")), workers = atoi(option("parallel", "1"));
	int worker = 0, failed = 0, status;

	if (workers < 1)
		workers = 1;
	/* before the first call: a connection does not live through a fork */
	while (worker < workers - 1 && fork() != 0)
		worker++;
	for (int i = worker; i < count; i += workers)
		bench_one(i);
	while (worker == workers - 1 && wait(&status) > 0)
		failed |= status;
	return failed != 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} verbs[] = {
	{"runp", verb_runp},	   {"create", verb_create}, {"start", verb_start},
	{"stop", verb_stop},	   {"rm", verb_rm},	    {"stopp", verb_stopp},
	{"rmp", verb_rmp},	   {"exec", verb_exec},	    {"pull", verb_pull},
	{"ps", verb_ps},	   {"pods", verb_pods},	    {"inspect", verb_inspect},
	{"bench", verb_bench},	   {"rmi", verb_rmi},	    {"images", verb_images},
	{"version", verb_version},
};

static void read_arguments(int argc, char **argv)
{
	arguments.words = argv + 2;
	for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
		arguments.count++;
	if (arguments.count + 3 <= argc) {
		arguments.command = argv + 3 + arguments.count;
		arguments.command_count = argc - 3 - arguments.count;
	}
}

int main(int argc, char **argv)
{
	socket_path = getenv("CRI_SOCKET");
	if (argc < 2 || !socket_path) {
		fputs(usage, stderr);
		return 2;
	}
	read_arguments(argc, argv);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0) {
			int code = verbs[i].run();

			fflush(stdout);
			rpc_free(rpc);
			sd_event_unref(loop);
			return code;
		}
	fputs(usage, stderr);
	return 2;
}
