/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fact is evidence where it struck what died, not since it was there at about the same time. The rules, and why,
 * stand in docs/host.md; each has its test in tests/unit/host_join_test.c.
 */
#include "track/death/host_join.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* A line of a log may be read, or written, a moment after what it led to. */
#define AFTER_NS (2 * NS_PER_SECOND)

struct death {
	const struct container *container;
	const struct record_exit *exit;
	uint64_t ns;
};

typedef bool (*rule_fn)(const struct death *death, const struct host_fact_seen *seen);

/* What the runtime, the loader or the container itself said of its end. */
static bool says(const struct death *death, const char *const *words)
{
	const char *texts[] = {death->exit->message, death->exit->failed.text,
			       death->exit->log.text};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		for (const char *const *word = words; *word; word++)
			if (strcasestr(texts[i], *word))
				return true;
	return false;
}

static bool ended_badly(const struct death *death)
{
	return death->exit->verdict != EXIT_COMPLETED;
}

/* By itself, that is; the runtime stops containers that have nothing to do with a disk. */
static bool failed(const struct death *death)
{
	enum exit_verdict verdict = death->exit->verdict;

	return verdict == EXIT_ERROR || verdict == EXIT_CRASHED || verdict == EXIT_START_FAILED ||
	       verdict == EXIT_LOST;
}

static bool was_ended(const struct death *death)
{
	enum exit_verdict verdict = death->exit->verdict;

	return verdict == EXIT_STOPPED || verdict == EXIT_KILLED || verdict == EXIT_SIGNALED ||
	       verdict == EXIT_LOST;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
	size_t length = strlen(text), of = strlen(with);

	return length >= of && strcmp(text + length - of, with) == 0;
}

/* The runtime's data are a part of each container's root; a pod's volume is that pod's. */
static bool uses_mount(const struct death *death, const char *mount)
{
	static const char *const shared[] = {"/var/lib/containerd", "/var/lib/rancher",
					     "/var/lib/kubelet"};
	const char *uid = death->container->subject.pod_uid;

	if (*uid && strstr(mount, "/pods/") && strstr(mount, uid))
		return true;
	for (size_t i = 0; *mount && i < sizeof(shared) / sizeof(*shared); i++)
		if (strcmp(mount, "/") == 0 ||
		    (begins(shared[i], mount) && strchr("/", shared[i][strlen(mount)])))
			return true;
	return false;
}

static bool reads_disk(const struct death *death, const char *disk)
{
	for (size_t i = 0; i < CONTAINER_DISKS_MAX; i++)
		if (*disk && strcmp(death->container->disks[i], disk) == 0)
			return true;
	return false;
}

static bool on_its_disk(const struct death *death, const struct host_fact_seen *seen)
{
	return uses_mount(death, seen->host.mount) || reads_disk(death, seen->host.resource);
}

static bool disk_full(const struct death *death, const struct host_fact_seen *seen)
{
	static const char *const words[] = {"no space left on device", "ENOSPC", "disk full", NULL};

	return ended_badly(death) &&
	       ((failed(death) && on_its_disk(death, seen)) || says(death, words));
}

static bool read_only(const struct death *death, const struct host_fact_seen *seen)
{
	static const char *const words[] = {"read-only file system", "EROFS", NULL};

	return ended_badly(death) &&
	       ((failed(death) && on_its_disk(death, seen)) || says(death, words) ||
		death->exit->failed.kind == FAILURE_READ_ONLY);
}

/* A page of a mapped file that can't be read is a SIGBUS. */
static bool disk_error(const struct death *death, const struct host_fact_seen *seen)
{
	static const char *const words[] = {"input/output error", "EIO", NULL};

	return ended_badly(death) &&
	       ((failed(death) && on_its_disk(death, seen)) || says(death, words));
}

static bool is_its_own(const struct death *death, const struct host_fact_seen *seen)
{
	const char *colon = strrchr(seen->host.resource, ':');
	uint32_t pid = colon ? (uint32_t)strtoul(colon + 1, NULL, 10) : 0;

	return (*seen->host.container_id &&
		strcmp(seen->host.container_id, death->container->id) == 0) ||
	       (pid && pid == death->container->init.pid);
}

static bool hung_task(const struct death *death, const struct host_fact_seen *seen)
{
	return ended_badly(death) && is_its_own(death, seen);
}

static bool unit_failed(const struct death *death, const struct host_fact_seen *seen)
{
	static const char *const runtimes[] = {"containerd.service",  "k3s.service",
					       "k3s-agent.service",   "kubelet.service",
					       "rke2-server.service", "rke2-agent.service"};
	const char *unit = seen->host.resource;

	if (ends(unit, ".mount") || ends(unit, ".automount"))
		return failed(death) && uses_mount(death, seen->host.mount);
	for (size_t i = 0; i < sizeof(runtimes) / sizeof(*runtimes); i++)
		if (strcmp(unit, runtimes[i]) == 0)
			return was_ended(death) || death->exit->verdict == EXIT_START_FAILED;
	return false;
}

static bool bad(const struct death *death, const struct host_fact_seen *seen)
{
	(void)seen;
	return ended_badly(death);
}

static bool machine_check(const struct death *death, const struct host_fact_seen *seen)
{
	(void)seen;
	return death->exit->signal == SIGBUS;
}

/* That a bit was corrected explains nothing. One that names a task is that one's. */
static bool memory_error(const struct death *death, const struct host_fact_seen *seen)
{
	if (begins(seen->host.resource, "MC"))
		return !strstr(seen->host.detail, " CE ") &&
		       (death->exit->signal == SIGBUS || death->exit->signal == SIGSEGV);
	return (death->exit->signal == SIGBUS || death->exit->signal == SIGKILL) &&
	       is_its_own(death, seen);
}

static bool link_down(const struct death *death, const struct host_fact_seen *seen)
{
	static const char *const words[] = {"no route to host",
					    "network is unreachable",
					    "host is unreachable",
					    "i/o timeout",
					    "connection timed out",
					    "ENETUNREACH",
					    "EHOSTUNREACH",
					    "ETIMEDOUT",
					    NULL};
	uint64_t waited_ns = death->container->peer_failed_ns;

	return ended_badly(death) &&
	       ((waited_ns >= seen->first_ns && waited_ns <= death->ns) || says(death, words));
}

static bool shutdown(const struct death *death, const struct host_fact_seen *seen)
{
	(void)seen;
	return was_ended(death);
}

static const struct rule {
	uint64_t before_ns; /* the death, at most */
	rule_fn goes_with;
} rules[HOST_FACT_COUNT] = {
	[HOST_UNIT_FAILED] = {60 * NS_PER_SECOND, unit_failed},
	[HOST_DISK_FULL] = {120 * NS_PER_SECOND, disk_full},
	[HOST_READ_ONLY] = {600 * NS_PER_SECOND, read_only},
	[HOST_DISK_ERROR] = {120 * NS_PER_SECOND, disk_error},
	[HOST_HUNG_TASK] = {600 * NS_PER_SECOND, hung_task},
	[HOST_LOCKUP] = {30 * NS_PER_SECOND, bad},
	[HOST_MACHINE_CHECK] = {10 * NS_PER_SECOND, machine_check},
	[HOST_MEMORY_ERROR] = {10 * NS_PER_SECOND, memory_error},
	[HOST_LINK_DOWN] = {120 * NS_PER_SECOND, link_down},
	[HOST_CLOCK_JUMP] = {10 * NS_PER_SECOND, bad},
	[HOST_SHUTDOWN] = {120 * NS_PER_SECOND, shutdown},
};

/* By its last time; one that had begun before and went on counts too. */
static bool goes_with(const struct death *death, const struct host_fact_seen *seen)
{
	const struct rule *rule = &rules[seen->host.fact];

	return seen->last_ns && rule->goes_with && seen->first_ns <= death->ns + AFTER_NS &&
	       seen->last_ns + rule->before_ns >= death->ns && rule->goes_with(death, seen);
}

/* By time, the latest stay: what was last before the end is nearest to it. */
static void add(struct record_exit *exit, const struct host_fact_seen *seen)
{
	uint32_t at = exit->host_count;

	if (at == HOST_EVIDENCE_MAX) {
		if (seen->first_ns < exit->host[0].boot_ns)
			return;
		memmove(&exit->host[0], &exit->host[1], sizeof(exit->host[0]) * --at);
	}
	exit->host_count = at + 1;
	for (; at && exit->host[at - 1].boot_ns > seen->first_ns; at--)
		exit->host[at] = exit->host[at - 1];
	exit->host[at] = (struct host_evidence){.fact = seen->host.fact, .boot_ns = seen->first_ns};
	TEXT_COPY(exit->host[at].resource, seen->host.resource);
	TEXT_COPY(exit->host[at].detail, seen->host.detail);
}

void host_join(const struct hosts *hosts, const struct container *container,
	       struct record_exit *exit)
{
	struct death death = {
		container,
		exit,
		exit->kernel_ns ? exit->kernel_ns : exit->finished_ns,
	};

	exit->host_count = 0;
	for (size_t i = 0; i < HOST_FACTS_MAX; i++)
		if (goes_with(&death, &hosts->facts[i]))
			add(exit, &hosts->facts[i]);
}
