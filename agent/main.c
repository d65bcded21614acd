/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/verbs.h"
#include "daemon.h"
#include "pin.h"
#include "settings.h"
#include "uninstall.h"
#include "uninstall_annotations.h"

static int run_daemon(int argc, char **argv)
{
	struct settings settings;
	int r = settings_read(&settings, argc, argv, NULL);

	if (r != 0)
		return r < 0 ? CLI_USAGE : CLI_OK;
	return daemon_run(&settings) < 0 ? CLI_FAILED : CLI_OK;
}

static const struct {
	const char *name, *summary;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{"run", "watch this node: the daemon", run_daemon},
	{"watch", "records live, one line each", cli_watch},
	{"boot", "how this node came back: which part took the time", cli_boot},
	{"explain", "one pod, phase by phase, and how it died", cli_explain},
	{"why", "why a pod's container or process died: the death certificate", cli_why},
	{"starts", "container starts, newest first", cli_starts},
	{"ooms", "kills for want of memory", cli_ooms},
	{"exits", "how containers ended", cli_exits},
	{"pulls", "image pulls", cli_pulls},
	{"gaps", "what may have been missed", cli_gaps},
	{"waits", "what pods waited for, as Kubernetes told", cli_waits},
	{"host", "what happened to the machine: disks, memory, links, units", cli_host},
	{"status", "is the daemon well, what does it cost, what did it miss", cli_status},
	{"health", "is this node well after a reboot, and what to do next", cli_health},
	{"doctor", "can it run here: what is missing and what to do", cli_doctor},
	{"pin", "start the probes, and leave them for a daemon that comes later", pin},
	{"uninstall", "remove the probes that the daemon left in the kernel", uninstall},
	{"uninstall-annotations", "remove what the daemon wrote on its Node",
	 uninstall_annotations},
	{"replay", "recorded events through the tracker again", cli_replay},
};

#define COUNT (sizeof(verbs) / sizeof(*verbs))

static void help(FILE *out)
{
	fputs("Usage: nodewake VERB [OPTION ...]\n\n"
	      "Why a container was slow to start, what was killed for memory, why something "
	      "died.\n\n",
	      out);
	for (size_t i = 0; i < COUNT; i++)
		fprintf(out, "  %-21s %s\n", verbs[i].name, verbs[i].summary);
	fputs("\nnodewake VERB --help tells a verb's options; --version the version.\n", out);
}

/* What could not be written was not said: a full disk behind > is a failure. */
static int finish(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "nodewake: cannot write: %s\n", strerror(errno));
	return CLI_FAILED;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "--version") == 0) {
		puts("nodewake " NODEWAKE_VERSION);
		return CLI_OK;
	}
	if (strcmp(name, "help") == 0 && argc > 2) { /* nodewake help VERB */
		static char *words[] = {NULL, NULL, (char *)"--help", NULL};

		words[1] = argv[2];
		argc = 3;
		argv = words;
		name = argv[1];
	}
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(name, verbs[i].name) == 0)
			return finish(verbs[i].run(argc - 1, argv + 1));
	if (*name && strcmp(name, "--help") != 0 && strcmp(name, "-h") != 0 &&
	    strcmp(name, "help") != 0) {
		fprintf(stderr, "nodewake: '%s' is no verb; nodewake --help lists them\n", name);
		return CLI_USAGE;
	}
	help(stdout);
	return finish(CLI_OK);
}
