/* SPDX-License-Identifier: Apache-2.0 */
#include "pin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/log.h"
#include "cli/verbs.h"
#include "settings.h"
#include "source/kernel/kernel_source.h"

static const char help[] =
	"Usage: nodewake pin [OPTION ...]\n\n"
	"Starts the probes and leaves them in the kernel, where they write what happens until a "
	"daemon takes\n"
	"them over. The options and their environment variables are those of `nodewake run`.\n\n"
	"      --bpffs DIR      where BPF's file system is mounted; by itself /sys/fs/bpf\n"
	"      --cni-dirs DIRS      directories of CNI plugins, colon-separated\n"
	"      --cgroup-root DIR    where cgroups are mounted; by itself /sys/fs/cgroup\n";

/* They stay in the ring, or with the containers, for who comes. */
static void on_event(void *context, const struct event *event)
{
	(void)context;
	(void)event;
}

static int start(const struct settings *settings, sd_event *loop)
{
	struct kernel_source_options options = {
		.cni_dirs = settings->cni_dirs,
		.cgroup_root = settings->cgroup_root,
		.start_window_ns = settings->start_window_ns,
		.record_names = settings->record_names,
		.bpffs = settings->bpffs,
	};
	struct kernel_source_stats stats;
	struct kernel_source *kernel;
	int r = kernel_source_new(&kernel, loop, &options, on_event, NULL);

	if (r < 0)
		return r;
	r = kernel_source_pin(kernel);
	kernel_source_stats(kernel, &stats);
	kernel_source_free(kernel);
	return r < 0 ? r : stats.pinned ? 0 : -ENOTSUP;
}

int pin(int argc, char **argv)
{
	struct settings settings;
	sd_event *loop = NULL;
	int r = settings_read(&settings, argc, argv, help);

	if (r != 0)
		return r < 0 ? CLI_USAGE : CLI_OK;
	r = sd_event_default(&loop);
	if (r >= 0)
		r = start(&settings, loop);
	sd_event_unref(loop);
	if (r >= 0)
		return CLI_OK;
	fprintf(stderr, "nodewake pin: no probes are left in the kernel: %s; see nodewake doctor\n",
		log_errno_text(r));
	return CLI_FAILED;
}
