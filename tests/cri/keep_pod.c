/* SPDX-License-Identifier: Apache-2.0 */
/* One pod of `cri keep`: sandbox, image, container, readiness, and the container again when it has ended. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "cri/cri.h"

#define WORDS_MAX    64 /* keep.c */
#define SECOND	     UINT64_C(1000000000)
#define BACKOFF_S    10
#define BACKOFF_MAX  300
#define PROBE_LIMIT  1000 /* ms */
#define STATUS_EVERY (SECOND / 2)

static struct {
	uint64_t begin_ns;
	char *name, *uid, *image;
	char *sandbox, *container;
	char address[64];
	unsigned int pause_s; /* before the next restart of the container */
} pod;

static void on_refusal(const char *method, const char *message)
{
	char text[1200];

	snprintf(text, sizeof(text), "%s: %s", method, message);
	keep_log("refused", text);
}

/* How many there were before, as words that pod.c looks for. */
static char pod_attempt[32] = "podattempt=0", attempt[32] = "attempt=0";

static void add_attempts(void)
{
	static char *words[WORDS_MAX + 2];

	memcpy(words, arguments.words, (size_t)arguments.count * sizeof(*words));
	words[arguments.count] = pod_attempt;
	words[arguments.count + 1] = attempt;
	arguments.words = words;
	arguments.count += 2;
}

/* The pod's sandbox: the one that is there, or a new one if that died with the boot. */
static void take_sandbox(void)
{
	Cri__ListPodSandboxRequest request = CRI__LIST_POD_SANDBOX_REQUEST__INIT;
	Cri__ListPodSandboxResponse *reply =
		CALL(CRI_RUNTIME "ListPodSandbox", request, list_pod_sandbox_response);
	int newest = -1;

	for (size_t i = 0; i < reply->n_items; i++) {
		const Cri__PodSandbox *item = reply->items[i];

		if (strcmp(item->metadata->uid, pod.uid) != 0)
			continue;
		if (item->state == 0)
			pod.sandbox = strdup(item->id);
		if ((int)item->metadata->attempt > newest)
			newest = (int)item->metadata->attempt;
	}
	snprintf(pod_attempt, sizeof(pod_attempt), "podattempt=%u",
		 (unsigned int)(pod.sandbox ? newest : newest + 1));
	pod_describe(pod.name, (char *)option("namespace", "default"), pod.uid,
		     (char *)option("parent", ""));
	if (pod.sandbox)
		return;
	keep_log("sandbox-begin", option("podattempt", ""));
	pod.sandbox = pod_run();
	keep_log("sandbox", pod.sandbox);
}

static void take_address(void)
{
	Cri__PodSandboxStatusRequest request = CRI__POD_SANDBOX_STATUS_REQUEST__INIT;

	request.pod_sandbox_id = pod.sandbox;
	Cri__PodSandboxStatusResponse *reply =
		CALL(CRI_RUNTIME "PodSandboxStatus", request, pod_sandbox_status_response);
	const Cri__PodSandboxNetworkStatus *network = reply->status ? reply->status->network : NULL;

	snprintf(pod.address, sizeof(pod.address), "%s",
		 network && *network->ip ? network->ip : "127.0.0.1");
}

static bool have_image(void)
{
	Cri__ListImagesRequest request = CRI__LIST_IMAGES_REQUEST__INIT;
	Cri__ListImagesResponse *reply =
		CALL(CRI_IMAGES "ListImages", request, list_images_response);

	for (size_t i = 0; i < reply->n_images; i++)
		for (size_t j = 0; j < reply->images[i]->n_repo_tags; j++)
			if (strcmp(reply->images[i]->repo_tags[j], pod.image) == 0)
				return true;
	return false;
}

static void take_image(void)
{
	Cri__PullImageRequest request = CRI__PULL_IMAGE_REQUEST__INIT;
	Cri__ImageSpec spec = CRI__IMAGE_SPEC__INIT;

	if (strcmp(option("pull", ""), "always") != 0 && have_image())
		return;
	spec.image = pod.image;
	request.image = &spec;
	keep_log("pull-begin", pod.image);
	(void)CALL(CRI_IMAGES "PullImage", request, pull_image_response);
	keep_log("pull", pod.image);
}

/* A container that this pod's sandbox runs already, else how often there was one. */
static unsigned int find_container(void)
{
	Cri__ListContainersRequest request = CRI__LIST_CONTAINERS_REQUEST__INIT;
	Cri__ListContainersResponse *reply =
		CALL(CRI_RUNTIME "ListContainers", request, list_containers_response);
	unsigned int next = 0;

	for (size_t i = 0; i < reply->n_containers; i++) {
		const Cri__Container *item = reply->containers[i];

		for (size_t j = 0; j < item->n_labels; j++)
			if (strcmp(item->labels[j]->key, "io.kubernetes.pod.uid") == 0 &&
			    strcmp(item->labels[j]->value, pod.uid) == 0 &&
			    item->metadata->attempt >= next)
				next = item->metadata->attempt + 1;
		if (strcmp(item->pod_sandbox_id, pod.sandbox) == 0 &&
		    item->state == CRI__CONTAINER_STATE__CONTAINER_RUNNING)
			pod.container = strdup(item->id);
	}
	return next;
}

static void start_container(void)
{
	unsigned int number = find_container();

	if (pod.container)
		return;
	snprintf(attempt, sizeof(attempt), "attempt=%u", number);
	keep_log("create-begin", option("attempt", ""));
	pod.container =
		container_create(pod.sandbox, (char *)option("container", "main"), pod.image);
	keep_log("create", pod.container);
	call_by_id("StartContainer", pod.container, 0);
	keep_log("start", pod.container);
}

/* What a tcpSocket probe does. */
static bool probe(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)atoi(option("listen", "0")))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = -1;
	struct pollfd done = {.fd = fd, .events = POLLOUT};
	socklen_t size = sizeof(error);

	inet_pton(AF_INET, pod.address, &to.sin_addr);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		error = 0;
	else if (poll(&done, 1, PROBE_LIMIT) == 1)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	close(fd);
	return error == 0;
}

static bool has_ended(void)
{
	Cri__ContainerStatusRequest request = CRI__CONTAINER_STATUS_REQUEST__INIT;
	char text[64];

	request.container_id = pod.container;
	Cri__ContainerStatusResponse *reply =
		CALL(CRI_RUNTIME "ContainerStatus", request, container_status_response);
	if (reply->status->state != CRI__CONTAINER_STATE__CONTAINER_EXITED)
		return false;
	snprintf(text, sizeof(text), "%d %s", (int)reply->status->exit_code, reply->status->reason);
	keep_log("exited", text);
	return true;
}

/* Until the container has ended. The probe's beat begins with the pod, not with the container. */
static void watch_container(void)
{
	uint64_t period = (uint64_t)atoll(option("period", "1")) * SECOND, due = pod.begin_ns;
	uint64_t status_due = 0, now = clock_boot_ns();
	bool probed = atoi(option("listen", "0")) != 0, ready = !probed;

	if (ready)
		keep_log("ready", "running");
	while (due <= now)
		due += period;
	for (;; usleep(20000)) {
		now = clock_boot_ns();
		if (!ready && due <= now) {
			ready = probe();
			keep_log(ready ? "ready" : "probe-failed", pod.address);
			due += period;
		}
		if (status_due <= now) {
			if (has_ended())
				return;
			status_due = now + STATUS_EVERY;
		}
	}
}

_Noreturn void keep_pod(void)
{
	cri_on_refusal = on_refusal;
	add_attempts();
	pod.begin_ns = clock_boot_ns();
	pod.name = required("name");
	pod.uid = required("uid");
	pod.image = required("image");
	keep_log("begin", "");
	take_sandbox();
	take_address();
	for (;;) {
		take_image();
		start_container();
		watch_container();
		pod.container = NULL;
		/* the first restart is at once */
		if (pod.pause_s) {
			char text[32];

			snprintf(text, sizeof(text), "%u s", pod.pause_s);
			keep_log("back-off", text);
			sleep(pod.pause_s);
		}
		pod.pause_s = pod.pause_s ? pod.pause_s * 2 : BACKOFF_S;
		if (pod.pause_s > BACKOFF_MAX)
			pod.pause_s = BACKOFF_MAX;
	}
}
