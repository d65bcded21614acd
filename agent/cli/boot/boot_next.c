// SPDX-License-Identifier: Apache-2.0
/* Which command tells more of a pod that did not come back. */
#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "cli/boot/boot_show.h"

static bool plain(const char *text)
{
	if (!isalnum((unsigned char)*text))
		return false; /* not an option either */
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(".-_@", *text))
			return false;
	return true;
}

static const struct boot_phase_span *find(const struct record_boot *boot, enum boot_phase phase)
{
	for (uint32_t i = 0; i < boot->phase_count && i < BOOT_PHASES_MAX; i++)
		if (boot->phases[i].phase == phase)
			return &boot->phases[i];
	return NULL;
}

/* Reasons after which the container's own output says more than Kubernetes does. */
static bool died(const char *reason)
{
	static const char *const reasons[] = {"CrashLoopBackOff",  "Error", "OOMKilled",
					      "Completed",	   "ended", "StartError",
					      "ContainerCannotRun"};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (strcmp(reason, reasons[i]) == 0)
			return true;
	return false;
}

/* Nobody has made anything for the pod: whoever should have knows why. */
static bool not_begun(const char *reason)
{
	return !*reason || strcmp(reason, "FailedCreatePodSandBox") == 0 ||
	       strcmp(reason, "not started") == 0;
}

/* K3s has one inside, and there may be no other. */
static const char *kubectl(const char *unit)
{
	return strncmp(unit, "k3s", 3) == 0 ? "k3s kubectl" : "kubectl";
}

void boot_next_command(const struct record_boot *boot, const struct boot_missing *missing,
		       char ret[static BOOT_COMMAND_SIZE])
{
	const struct boot_phase_span *runtime = find(boot, BOOT_PHASE_RUNTIME);
	const char *unit = runtime && plain(runtime->unit) ? runtime->unit : "containerd";
	const char *slash = strchr(missing->pod, '/');
	const char *pod = slash ? slash + 1 : missing->pod;
	bool kubernetes = find(boot, BOOT_PHASE_NODE);
	char pod_namespace[POD_PATH_SIZE] = "";

	if (slash)
		text_copy_n(pod_namespace, sizeof(pod_namespace), missing->pod,
			    (size_t)(slash - missing->pod));
	if (not_begun(missing->reason))
		snprintf(ret, BOOT_COMMAND_SIZE, "journalctl -b -u %s", unit);
	else if (!plain(pod) || (slash && !plain(pod_namespace)))
		snprintf(ret, BOOT_COMMAND_SIZE, "%s get pods -A -o wide", kubectl(unit));
	else if (kubernetes && slash && died(missing->reason) && plain(missing->container))
		snprintf(ret, BOOT_COMMAND_SIZE, "%s logs -n %s %s -c %s --previous", kubectl(unit),
			 pod_namespace, pod, missing->container);
	else if (kubernetes && slash)
		snprintf(ret, BOOT_COMMAND_SIZE, "%s describe pod -n %s %s", kubectl(unit),
			 pod_namespace, pod);
	else
		snprintf(ret, BOOT_COMMAND_SIZE, "nodewake explain %s%s%s", pod,
			 slash ? " -n " : "", pod_namespace);
}
