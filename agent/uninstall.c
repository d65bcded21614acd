/* SPDX-License-Identifier: Apache-2.0 */
#include "uninstall.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "cli/verbs.h"
#include "settings.h"
#include "source/kernel/kernel_pins.h"
#include "store/event_log.h"

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

static int remove_all(const struct settings *settings)
{
	char socket[4096];
	int count = kernel_pins_remove(settings->bpffs);

	if (count == -ENOTSUP) /* nothing can have outlived the daemon */
		count = 0;
	if (count < 0)
		return refuse(settings->bpffs, count);
	TEXT_COPY(socket, settings->socket);
	event_log_remove(dirname(socket));
	printf("%d programs removed from the kernel\n", count);
	return CLI_OK;
}

int uninstall(int argc, char **argv)
{
	struct settings settings;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(help, stdout);
			return CLI_OK;
		}
	return settings_read(&settings, argc, argv) != 0 ? CLI_USAGE : remove_all(&settings);
}
