// SPDX-License-Identifier: Apache-2.0
#include "unit/random_private.h"

#include <string.h>

#define PODS	   3
#define CONTAINERS 4 /* of each pod; the first is the sandbox */

static const char *const images[] = {
	"registry.example/shop/web:1", "localhost:5000/db:2", "docker.io/library/redis:7",
	"sha256:1111111111111111111111111111111111111111111111111111111111111111", ""};
static const char *const digests[] = {
	"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
	"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", ""};
static const char *const names[] = {"app", "side", "init", ""};
static const char *const addresses[] = {"10.43.0.12", "10.42.0.7", "127.0.0.1", "fd00::1", ""};
static const char *const programs[] = {"/app", "/bin/sh", "/pause", "worker", "python3", ""};
static const char *const comms[] = {"app",	"worker",	"runc", "kubelet",
				    "earlyoom", "systemd-oomd", ""};
static const char *const verbs[] = {"create", "start", "kill", "delete", "exec", "ADD", "DEL", ""};
static const char *const reasons[] = {"Completed",
				      "Error",
				      "OOMKilled",
				      "StartError",
				      "Unknown",
				      "ContainerCreating",
				      "ImagePullBackOff",
				      "ErrImagePull",
				      "CrashLoopBackOff",
				      "Evicted",
				      "NodeShutdown",
				      "DeadlineExceeded",
				      "Preempting",
				      "TerminationByKubelet",
				      "EvictionByEvictionAPI",
				      "DeletionByTaintManager",
				      "PreemptionByScheduler",
				      "Killing",
				      "Unhealthy",
				      "FailedMount",
				      "FailedScheduling",
				      "FailedCreatePodSandBox",
				      "FailedPostStartHook",
				      "FailedPreStopHook",
				      "ExceededGracePeriod",
				      "BackOff",
				      ""};
static const char *const messages[] = {
	"Liveness probe failed: HTTP probe failed with statuscode: 500",
	"Startup probe failed: dial tcp 10.42.0.7:80: connect: connection refused",
	"Readiness probe failed: no",
	"Container app failed liveness probe, will be restarted",
	"Container app failed startup probe, will be restarted",
	"Container app failed preStop hook",
	"back-off 2m40s restarting failed container=app pod=web-0_shop(x)",
	"failed to pull and unpack image \"localhost:5000/db:2\": dial tcp 127.0.0.1:5000: "
	"connect: connection refused",
	"Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data]: "
	"timed out",
	"MountVolume.SetUp failed for volume \"data\" : hostPath type check failed",
	"The node was low on resource: memory.",
	"0/1 nodes are available: 1 Insufficient memory.",
	"exec: \"/srever\": stat /srever: no such file or directory: unknown",
	"error mounting \"/x\" to rootfs at \"/y\": not a directory: unknown",
	"Stopping container app",
	""};
static const char *const units[] = {"containerd.service",
				    "k3s.service",
				    "kubelet.service",
				    "a.service",
				    "b.mount",
				    "network-online.target",
				    ""};
static const char *const causes[] = {"connection lost", "the agent was not running",
				     "kernel ring full", "probe not attached"};
static const char *const words[] = {
	"Pending", "Running", "Succeeded", "Failed", "kubelet", "default-scheduler",
	"journal", "log",     "api",	   "socket", ""};
static const char *const paths[] = {"/models/llama.gguf", "/data/db", "/usr/lib/libx.so", ""};
static const char *const cgroups[] = {"/kubepods/burstable/pod0f0f0f0f-1111-2222-3333-444444444444",
				      "/system.slice", "/kubepods/burstable", "/", ""};
static const char *const mounts[] = {"/", "/var/lib/containerd",
				     "/var/lib/kubelet/pods/0f0f0f0f-1111-2222-3333-444444444444/x",
				     "/data", ""};
static const char *const disks[] = {"sda", "nvme0n1", "sdb1", ""};

static const struct {
	const char *const *words;
	uint32_t count;
} all[WORDS_COUNT] = {
	[WORDS_IMAGES] = {images, sizeof(images) / sizeof(*images)},
	[WORDS_DIGESTS] = {digests, sizeof(digests) / sizeof(*digests)},
	[WORDS_NAMES] = {names, sizeof(names) / sizeof(*names)},
	[WORDS_ADDRESSES] = {addresses, sizeof(addresses) / sizeof(*addresses)},
	[WORDS_PROGRAMS] = {programs, sizeof(programs) / sizeof(*programs)},
	[WORDS_COMMS] = {comms, sizeof(comms) / sizeof(*comms)},
	[WORDS_VERBS] = {verbs, sizeof(verbs) / sizeof(*verbs)},
	[WORDS_REASONS] = {reasons, sizeof(reasons) / sizeof(*reasons)},
	[WORDS_MESSAGES] = {messages, sizeof(messages) / sizeof(*messages)},
	[WORDS_UNITS] = {units, sizeof(units) / sizeof(*units)},
	[WORDS_CAUSES] = {causes, sizeof(causes) / sizeof(*causes)},
	[WORDS_WORDS] = {words, sizeof(words) / sizeof(*words)},
	[WORDS_PATHS] = {paths, sizeof(paths) / sizeof(*paths)},
	[WORDS_CGROUPS] = {cgroups, sizeof(cgroups) / sizeof(*cgroups)},
	[WORDS_MOUNTS] = {mounts, sizeof(mounts) / sizeof(*mounts)},
	[WORDS_DISKS] = {disks, sizeof(disks) / sizeof(*disks)},
};

const char *random_word(struct chance *chance, enum random_words of)
{
	return all[of].words[below(chance, all[of].count)];
}

/* xorshift64: https://www.jstatsoft.org/article/view/v008i14 */
uint64_t random_number(struct chance *chance)
{
	chance->state ^= chance->state << 13;
	chance->state ^= chance->state >> 7;
	chance->state ^= chance->state << 17;
	return chance->state;
}

uint32_t below(struct chance *chance, uint32_t limit)
{
	return (uint32_t)(random_number(chance) % limit);
}

bool maybe(struct chance *chance)
{
	return below(chance, 2);
}

uint64_t some_time(struct chance *chance, uint64_t now_ns)
{
	switch (below(chance, 12)) {
	case 0:
		return 0;
	case 1:
		return now_ns > 600 * S ? now_ns - random_number(chance) % (600 * S) : 1;
	case 2:
		return now_ns + below(chance, 50) * MS;
	default:
		return now_ns - random_number(chance) % (5 * S);
	}
}

uint64_t some_length(struct chance *chance)
{
	return maybe(chance) ? random_number(chance) % (3 * S) : random_number(chance) % (20 * MS);
}

uint64_t some_size(struct chance *chance)
{
	return below(chance, 5) ? random_number(chance) % (1ull << (10 + below(chance, 22))) : 0;
}

void some_container(struct chance *chance, char ret[static ID_SIZE])
{
	uint32_t pod = below(chance, PODS), n = below(chance, CONTAINERS);

	if (below(chance, 20) == 0)
		*ret = '\0';
	else
		snprintf(ret, ID_SIZE, "%c%u%062u", n ? 'c' : '5', pod, n);
}

void sandbox_of(const char *id, char ret[static ID_SIZE])
{
	snprintf(ret, ID_SIZE, "5%c%062u", id[0] ? id[1] : '0', 0);
}

void uid_of(const char *id, char ret[static POD_UID_SIZE])
{
	snprintf(ret, POD_UID_SIZE, "%cf0f0f0f-1111-2222-3333-444444444444", id[0] ? id[1] : '0');
}

void some_uid(struct chance *chance, char ret[static POD_UID_SIZE])
{
	char id[ID_SIZE];

	some_container(chance, id);
	uid_of(id, ret);
}

struct process some_process(struct chance *chance)
{
	uint32_t pid = 100 + below(chance, 12);

	return (struct process){pid, below(chance, 6) ? pid * 1000ull : 0};
}
