/* SPDX-License-Identifier: Apache-2.0 */
#include "uninstall.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/verbs.h"
#include "predecessor.h"
#include "settings.h"
#include "source/kernel/kernel_pins.h"

static const char help[] =
	"Usage: nodewake uninstall [OPTION ...]\n\n"
	"Removes the probes that the daemon left in the kernel, and the events that it kept for "
	"the "
	"next one.\n"
	"Stop the daemon first. Its records stay, in --state-dir.\n\n"
	"      --bpffs DIR      where BPF's file system is mounted; by itself /sys/fs/bpf\n"
	"      --socket PATH    the daemon's socket; its events are kept beside it\n";

static int refuse(const char *bpffs, int error)
{
	if (error == -EBUSY)
		fprintf(stderr,
			"nodewake uninstall: a daemon works with the probes: stop it first\n");
	else
		fprintf(stderr, "nodewake uninstall: %s: %s\n", bpffs, log_errno_text(error));
	return CLI_FAILED;
}

int uninstall(int argc, char **argv)
{
	struct settings settings;
	int r = settings_read(&settings, argc, argv, help);

	if (r != 0)
		return r < 0 ? CLI_USAGE : CLI_OK;
	r = kernel_pins_remove(settings.bpffs);
	if (r == -ENOTSUP) /* nothing can have outlived the daemon */
		r = 0;
	if (r < 0)
		return refuse(settings.bpffs, r);
	predecessor_forget(settings.socket);
	printf("%d programs removed from the kernel\n", r);
	return CLI_OK;
}
