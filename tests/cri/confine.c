/* SPDX-License-Identifier: Apache-2.0 */
/* What a container sees and may do, as the kubelet says it for a pod that is not privileged. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cri/cri.h"

#define WORDS_MAX    16
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

void container_environment(Cri__ContainerConfig *config)
{
	static Cri__KeyValue variables[WORDS_MAX], *list[WORDS_MAX];

	for (const char *word; config->n_envs < WORDS_MAX &&
			       (word = option_nth("env", (int)config->n_envs)) &&
			       strchr(word, '=');) {
		Cri__KeyValue *variable = &variables[config->n_envs];

		cri__key_value__init(variable);
		variable->key = strndup(word, (size_t)(strchr(word, '=') - word));
		variable->value = strchr(word, '=') + 1;
		list[config->n_envs++] = variable;
	}
	config->envs = list;
}

void container_mounts(Cri__ContainerConfig *config)
{
	static Cri__Mount mounts[WORDS_MAX], *list[WORDS_MAX];

	for (const char *word; config->n_mounts < WORDS_MAX &&
			       (word = option_nth("mount", (int)config->n_mounts)) &&
			       strchr(word, ':');) {
		Cri__Mount *mount = &mounts[config->n_mounts];
		char *rest = strdup(word);

		cri__mount__init(mount);
		mount->host_path = strsep(&rest, ":");
		mount->container_path = strsep(&rest, ":");
		for (const char *how; (how = strsep(&rest, ":"));) {
			mount->readonly |= strcmp(how, "ro") == 0;
			if (strcmp(how, "slave") == 0)
				mount->propagation =
					CRI__MOUNT_PROPAGATION__PROPAGATION_HOST_TO_CONTAINER;
		}
		list[config->n_mounts++] = mount;
	}
	config->mounts = list;
}

/* The lists are those of Kubernetes' default ProcMount (pkg/securitycontext/util.go). */
void container_confine(Cri__LinuxContainerSecurityContext *security)
{
	static const char *const masked[] = {
		"/proc/asound",	       "/proc/acpi",	   "/proc/kcore",	"/proc/keys",
		"/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
		"/proc/scsi",	       "/sys/firmware",
	};
	static const char *const readonly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
					       "/proc/sysrq-trigger"};
	static Cri__Capability capability = CRI__CAPABILITY__INIT;
	static Cri__SecurityProfile seccomp = CRI__SECURITY_PROFILE__INIT;
	static const char *all = "ALL", *added[WORDS_MAX];
	const char *word;

	if (!atoi(option("confined", "0")))
		return;
	while (capability.n_add_capabilities < WORDS_MAX &&
	       (word = option_nth("cap", (int)capability.n_add_capabilities)))
		added[capability.n_add_capabilities++] = word;
	capability.add_capabilities = (char **)added;
	capability.drop_capabilities = (char **)&all;
	capability.n_drop_capabilities = 1;
	seccomp.profile_type = CRI__PROFILE_TYPE__RuntimeDefault;
	security->capabilities = &capability;
	security->seccomp = &seccomp;
	security->readonly_rootfs = true;
	security->no_new_privs = true;
	security->masked_paths = (char **)masked;
	security->n_masked_paths = COUNT(masked);
	security->readonly_paths = (char **)readonly;
	security->n_readonly_paths = COUNT(readonly);
}
